"""The reader's machine: the clone, one model that answers, no keys and no network."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from tests.docs import stand_in
from tests.docs.pages import ROOT


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in is installed."""
    return stand_in.install(tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def clone(tmp_path: Path, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has all of the clone and may be written to; it is the current one."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for one in ROOT.iterdir():
        if not one.name.startswith(".") or one.name == ".env.example":
            (folder / one.name).symlink_to(one)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(plugin))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("NO_COLOR", "1")
    _no_network(monkeypatch)
    return folder


def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and addresses of this machine only; everything else is as on a train in a tunnel."""

    def look_up(host: Any, *args: Any, **named: Any) -> Any:
        if host in (None, "", "localhost", "127.0.0.1", "::1", b"localhost"):
            return known(host, *args, **named)
        raise socket.gaierror(socket.EAI_NONAME, "no network here")

    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
