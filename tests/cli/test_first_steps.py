"""What goes wrong for somebody new: each ends with one clear message, without a traceback, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ASKS = "flow.ask('draft', 'Notes on {log}', parameters=aiorch.Parameters(temperature=0))"


def clear(done) -> str:
    """What was said, when it was one clear message."""
    assert done.exit_code in (1, 2)
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.output
    return done.stderr


@pytest.mark.parametrize("command", [("ask", "hi"), ("run",)])
def test_a_dead_network_names_the_provider(
    aiorch, flow, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    call = command if len(command) > 1 else ("run", flow(ASKS), "log=x")
    said = clear(aiorch(*call))
    assert "groq" in said
    assert "hint: `aiorch doctor`" in said


@pytest.mark.parametrize(
    ("setting", "said"),
    [('cach = "disk"', "'cache'"), ("timeout = -1", "more than 0"), ("= 1", "is not TOML")],
)
@pytest.mark.parametrize("command", [("ask", "hi"), ("models",), ("local", "list"), ("init",)])
def test_a_broken_settings_file_is_named_with_the_cure(
    aiorch, command: tuple[str, ...], setting: str, said: str
):
    Path("aiorch.toml").write_text(setting)
    told = clear(aiorch(*command))
    assert said in told
    assert "aiorch.toml" in told


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that nobody can make, not even root."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path / "file" / "data"))
    return tmp_path / "file"


@pytest.mark.usefixtures("read_only")
def test_a_data_folder_that_cannot_be_written_is_told_before_anything_is_sent(aiorch, scripted, flow):
    scripted("lambda request: 1 / 0")
    assert "another data_dir" in clear(aiorch("ask", "hi"))
    told = clear(aiorch("run", flow(ASKS), "log=x"))
    assert "another data_dir" in told
    assert "failed: draft" in told


def mounted(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk"
)
def test_a_full_disk_is_told_with_what_to_do(
    aiorch, scripted, flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scripted()
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounted(disk, "64k"):
        pytest.skip("this machine lets nobody mount a disk")
    try:
        monkeypatch.setenv("AIORCH_DATA_DIR", str(disk / "data"))
        fill = disk / "fill"
        with fill.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(512))
        told = clear(aiorch("run", flow(ASKS), "log=x"))
        assert "make room" in told
        found = {c["topic"]: c for c in json.loads(aiorch("doctor", "--json").stdout)["checks"]}
        assert found["data"]["level"] == "problem"
        assert "make it writable" in found["data"]["do"]
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_two_processes_share_the_store(start, scripted, flow):
    folder = str(scripted())
    path = flow(ASKS)
    both = [start("run", path, f"log={i}", PYTHONPATH=folder) for i in range(2)]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    again = start("run", path, "log=1", PYTHONPATH=folder)
    assert "1 of 1 answers came from the cache" in again.communicate(timeout=60)[1]


def test_results_and_reports_do_not_mix(start, scripted, flow):
    out, err = start("run", flow(ASKS), "log=x", PYTHONPATH=str(scripted())).communicate(timeout=60)
    assert out == "Hello there.\n"
    assert "draft" in err


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--version",), 0),
        (("models",), 1),
        (("nonsense",), 2),
        (("run", "nowhere.py"), 2),
        (("ask", "hi"), 1),
    ],
)
def test_the_process_ends_with_the_code_that_is_documented(start, args: tuple[str, ...], code: int):
    process = start(*args)
    process.communicate(timeout=60)
    assert process.returncode == code


def test_the_documented_codes_are_those_of_the_program():
    from aiorch.cli import voice

    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    for code in (0, voice.FAILED, voice.USAGE, voice.INTERRUPTED):
        assert f"\n| {code} | " in page
