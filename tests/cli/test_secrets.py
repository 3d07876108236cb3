"""Keys of every provider in the environment, every command, good and bad: no output and no file shows one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiorch.providers import SPECS

NAMES = sorted(
    {name for spec in SPECS.values() for name in spec.env}
    | {"AWS_SECRET_ACCESS_KEY", "GROQ_APIKEY", "MY_TOKEN"}
)
KEYS = {name: f"very-secret-{i:03}-{name.lower().replace('_', '')}-value" for i, name in enumerate(NAMES)}


@pytest.fixture(autouse=True)
def _keys(server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("AIORCH_BASE_URLS", ",".join(f"{name}={server.url}" for name in SPECS))
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AIORCH_KEYS", f"cerebras={KEYS['CEREBRAS_API_KEY']}")
    monkeypatch.setenv("AIORCH_TIMEOUT", "1.5")  # nobody answers, however long one waits
    server.echo_key = True


def shown(text: str) -> list[str]:
    return [name for name, key in KEYS.items() if key in text]


def kept(*folders: Path) -> list[str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [
        f"{name} in {path}"
        for path in files
        for name, key in KEYS.items()
        if key.encode() in path.read_bytes()
    ]


FLOW = "flow.ask('draft', 'Notes on {log}')"
BREAKS = (
    "import os\n@flow.task\ndef one() -> int: raise ValueError('could not use ' + os.environ['GROQ_API_KEY'])"
)


@pytest.mark.parametrize(("status", "flags"), [(200, ("--json", "--debug")), (401, ("--debug",)), (500, ())])
def test_no_command_shows_a_key(aiorch, flow, server, status: int, flags: tuple[str, ...], tmp_path: Path):
    server.status = status
    work, breaks = flow(FLOW), flow(BREAKS, "breaks.py")
    calls = (
        ("doctor",),
        ("models",),
        ("init", "--yes"),
        ("ask", "hi"),
        ("ask", "--no-stream", "--model", "groq/llama-3.3-70b", "hi"),
        ("run", work, "log=x"),
        ("run", breaks),
        ("local", "list"),
    )
    for call in calls:
        done = aiorch(*call, *flags)
        assert shown(done.output) == [], call
        assert "Traceback" not in done.output or flags
    assert kept(tmp_path / "data", Path.cwd()) == []


@pytest.mark.parametrize("text", [f"[keys]\ngorq = '{KEYS['GROQ_API_KEY']}'\n", "x = [\n", 'timeot = "1"\n'])
def test_no_complaint_about_settings_shows_a_key(aiorch, text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AIORCH_KEYS")
    Path("aiorch.toml").write_text(text + f"# {KEYS['GROQ_API_KEY']}\n")
    Path(".env").write_text(f"GEMINI_API_KEY={KEYS['GEMINI_API_KEY']}\n")
    for call in (("doctor",), ("models",), ("ask", "hi")):
        done = aiorch(*call, "--debug")
        assert done.exit_code != 0
        assert shown(done.output) == [], call


def test_a_key_in_env_is_not_shown_either(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    server.status = 401
    for name in NAMES:
        monkeypatch.delenv(name)
    monkeypatch.delenv("AIORCH_KEYS")
    Path(".env").write_text(f"GROQ_API_KEY={KEYS['GROQ_API_KEY']}\n")
    for call in (("doctor",), ("ask", "--debug", "hi"), ("models",)):
        assert shown(aiorch(*call).output) == [], call


def test_a_process_of_its_own_shows_none(start, server):
    server.status = 401
    out, err = start(
        "ask", "--debug", "hi", **{k: v for k, v in os.environ.items() if k.startswith("AIORCH_")}
    ).communicate(timeout=60)
    assert shown(out + err) == []
    assert "error:" in err
