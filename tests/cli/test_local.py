"""``aiorch local``, over a table of one small model on a server of this machine."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path

import pytest

from aiorch.errors import LocalModelError
from aiorch.providers import local
from aiorch.providers.local import Installed, KnownModel, UrlSource

WEIGHTS = b"GGUF" + bytes(1000)
SHA = hashlib.sha256(WEIGHTS).hexdigest()
TINY = KnownModel(
    "smollm2-135m",
    UrlSource("http://127.0.0.1:9/tiny.gguf"),
    SHA,
    len(WEIGHTS),
    "MIT",
    1,
    8,
    "A tiny one.",
    demo=True,
)
BIG = KnownModel(
    "big", UrlSource("http://127.0.0.1:9/big.gguf"), SHA, 2_000_000_000, "MIT", 1, 8, "A big one."
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights folder; installing writes the file there instead of fetching it."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(folder))

    def install(name: str, where: Path, *, progress) -> Installed:
        where.mkdir(parents=True, exist_ok=True)
        progress(500, 1004)
        path = where / f"{name}.gguf"
        path.write_bytes(WEIGHTS)
        progress(1004, 1004)
        return Installed(name, path, SHA, len(WEIGHTS), "here", "MIT")

    weights = importlib.import_module("aiorch.providers.local.weights")
    for module in (local, weights):
        monkeypatch.setattr(module, "known", lambda: (TINY, BIG))
    monkeypatch.setattr(weights, "BY_NAME", {"smollm2-135m": TINY, "big": BIG})
    monkeypatch.setattr(local, "install", install)
    return folder


def test_install_says_what_comes_from_where_and_where_it_went(aiorch, folder: Path):
    done = aiorch("local", "install")
    assert (done.exit_code, done.stdout) == (0, "")
    for said in (
        "0 MB",
        "MIT",
        "http://127.0.0.1:9/tiny.gguf",
        SHA,
        "A tiny one.",
        str(folder / "smollm2-135m.gguf"),
    ):
        assert said in done.stderr


def test_install_does_nothing_where_the_right_file_is(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    aiorch("local", "install")
    monkeypatch.setattr(local, "install", None)
    done = aiorch("local", "install", "--json")
    assert json.loads(done.stdout)["fetched"] is False
    assert "is there" in done.stderr


def test_a_wrong_file_is_fetched_anew_and_force_fetches_any(aiorch, folder: Path):
    folder.mkdir()
    (folder / "smollm2-135m.gguf").write_bytes(b"wrong")
    assert json.loads(aiorch("local", "install", "--json").stdout)["fetched"] is True
    assert (folder / "smollm2-135m.gguf").read_bytes() == WEIGHTS
    assert json.loads(aiorch("local", "install", "--force", "--json").stdout)["fetched"] is True


def test_progress_is_shown_on_a_terminal_only(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert "100%" not in aiorch("local", "install").stderr
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    assert "100%" in aiorch("local", "install", "--force").stderr


def test_what_goes_wrong_is_one_message(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise LocalModelError("the download broke off; 10 bytes are kept")

    monkeypatch.setattr(local, "install", broken)
    done = aiorch("local", "install")
    assert done.exit_code == 1
    assert "error: the download broke off" in done.stderr


def test_an_interrupted_download_says_what_is_kept(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "install", interrupted)
    done = aiorch("local", "install")
    assert done.exit_code == 130
    assert "the same command goes on there" in done.stderr


def test_list_shows_what_can_be_had_and_what_is_there(aiorch, folder: Path):
    aiorch("local", "install")
    (folder / "mine.gguf").write_bytes(b"GGUF")
    done = aiorch("local", "list")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "yes" in rows["smollm2-135m"]
    assert "2.0 GB" in rows["big"]
    assert " no " in rows["big"]
    assert "a file of your own" in rows["mine"]
    document = json.loads(aiorch("local", "list", "--json").stdout)
    assert [m["installed"] for m in document["models"]] == [str(folder / "smollm2-135m.gguf"), None]
    assert [m["default"] for m in document["models"]] == [True, False]
    assert document["others"][0]["name"] == "mine"


def test_path_is_for_scripts(aiorch, folder: Path):
    missing = aiorch("local", "path")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "aiorch local install smollm2-135m" in missing.stderr
    aiorch("local", "install")
    assert aiorch("local", "path").stdout == f"{folder / 'smollm2-135m.gguf'}\n"
    assert json.loads(aiorch("local", "path", "--json").stdout)["path"] == str(folder / "smollm2-135m.gguf")


def test_remove_deletes_and_says_so(aiorch, folder: Path):
    aiorch("local", "install")
    assert "removed" in aiorch("local", "remove", "smollm2-135m").stderr
    assert list(folder.glob("*.gguf")) == []
    gone = aiorch("local", "remove", "smollm2-135m", "--json")
    assert gone.exit_code == 1
    assert json.loads(gone.stdout)["removed"] is False


def test_remove_says_where_weights_still_are(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    aiorch("local", "install")
    monkeypatch.setattr(local, "locate", lambda name, where: Path("/site/llm/x.gguf"))
    assert "/site/llm/x.gguf" in aiorch("local", "remove", "smollm2-135m").stderr


@pytest.mark.parametrize("command", ["install", "path", "remove"])
def test_an_unknown_name_is_told_with_the_nearest(aiorch, command: str):
    done = aiorch("local", command, "smollm")
    assert done.exit_code == 2
    assert "Did you mean 'smollm2-135m'?" in done.stderr
    assert "AIORCH_LOCAL_MODEL" in aiorch("local", command, "zzzz").stderr
