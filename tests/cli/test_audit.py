"""``aiorch audit``: verified, shown, and an exit code for each way it can end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from aiorch.cli.audit import moment
from aiorch.safety import AuditLog

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def folder(data: Path) -> Path:
    log = AuditLog(data / "audit")
    log.append("task.admitted", texts={"prompt": "hi"}, task_id="t1", user="ann", tenant="acme")
    log.append("task.finished", task_id="t1", user="ann", tenant="acme", model="m\x1b[31m")
    log.append("traffic.diverted", profile="general")
    log.close()
    return data / "audit"


def spoil(folder: Path) -> str:
    (file,) = folder.glob("audit-*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"task.finished", b"task.finishes"))
    return file.name


def test_a_log_that_is_whole(aiorch, folder: Path):
    done = aiorch("audit", "verify")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "as it was written: 3 records in 1 files of 1 chains" in done.stderr


def test_the_first_bad_record_is_named(aiorch, folder: Path):
    name = spoil(folder)
    done = aiorch("audit", "verify")
    assert done.exit_code == 1
    assert done.stdout == f"altered: {name}, line 2: record 2 was altered\n"
    document = json.loads(aiorch("audit", "verify", "--json").stdout)
    assert document["ok"] is False
    assert document["problems"] == [
        {"kind": "altered", "file": name, "line": 2, "seq": 2, "what": "record 2 was altered"}
    ]
    assert (document["records"], document["chains"], document["files"]) == (1, 1, 1)


def test_nothing_to_verify_and_no_key_are_told_apart_from_both(aiorch, data: Path, folder: Path):
    assert aiorch("audit", "verify", "--folder", str(data / "other")).exit_code == 2
    (data / "audit.key").rename(data / "elsewhere.key")
    done = aiorch("audit", "verify")
    assert done.exit_code == 2
    assert "without its key" in done.stderr
    assert aiorch("audit", "verify", "--key-file", str(data / "elsewhere.key")).exit_code == 0
    assert aiorch("audit", "verify", "--key-file", str(data / "nowhere.key")).exit_code == 2


def test_unchained_files_alone_prove_nothing(aiorch, data: Path):
    (data / "audit").mkdir(parents=True)
    (data / "audit.key").write_text("0123456789abcdef")
    (data / "audit" / "audit-2026-11-01.jsonl").write_text('{"event":"x"}\n')
    done = aiorch("audit", "verify")
    assert done.exit_code == 2
    assert done.stdout.startswith("unchained: audit-2026-11-01.jsonl: ")
    assert json.loads(aiorch("audit", "verify", "--json").stdout)["ok"] is False


def test_key_and_anchor_of_the_settings(aiorch, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_AUDIT_KEY", "a key of the settings")
    monkeypatch.setenv("AIORCH_AUDIT_ANCHOR", str(tmp_path / "worm" / "anchors.jsonl"))
    log = AuditLog(data / "audit", key="a key of the settings", anchor=tmp_path / "worm" / "anchors.jsonl")
    log.append("x")
    done = aiorch("audit", "verify")
    assert done.exit_code == 0
    assert done.stdout.startswith("open: ")
    log.append("y")
    assert "the last 1 are not anchored yet" in aiorch("audit", "verify").stderr
    assert not (data / "audit.key").exists()


def test_records_are_shown_by_what_is_asked(aiorch, folder: Path):
    def events(*asked: str) -> list[str]:
        lines = aiorch("audit", "show", "--json", *asked).stdout.splitlines()
        return [json.loads(line)["event"] for line in lines]

    assert events() == ["task.admitted", "task.finished", "traffic.diverted"]
    assert events("--user", "ann", "--tenant", "acme", "--task", "t1") == ["task.admitted", "task.finished"]
    assert events("--event", "traffic.*", "--since", "1h") == ["traffic.diverted"]
    assert events("--event", "task.admitted") == ["task.admitted"]
    assert events("--until", "1h") == events("--user", "bob") == events("--since", "2999-01-01") == []


def test_records_are_shown_for_people_without_what_moves_a_terminal(aiorch, folder: Path):
    (folder / "audit-2026-11-01.jsonl").write_text(
        '{"at":"2026-11-01T00:00:00.000000Z","event":"old"}\nno JSON\n'
    )
    old, admitted, finished, _ = aiorch("audit", "show").stdout.splitlines()
    assert old == "2026-11-01T00:00:00.000000Z  old"
    assert admitted.endswith("task.admitted  prompt_bytes=2 task_id=t1 tenant=acme user=ann")
    assert finished.split("  ", 2)[1:] == ["task.finished", "model=m�[31m task_id=t1 tenant=acme user=ann"]
    assert aiorch("audit", "show", "--user", "bob").stderr == "no such record\n"


def test_a_file_that_cannot_be_read(aiorch, folder: Path):
    (folder / "audit-2026-11-01.jsonl").mkdir()
    done = aiorch("audit", "show")
    assert done.exit_code == 1
    assert "audit-2026-11-01.jsonl cannot be read" in done.stderr


def test_moments_are_written_in_full_or_as_how_long_ago():
    assert moment("90m", NOON) == datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    assert moment("2026-11-22T14:30+02:00", NOON) == datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
    for wrong in ("yesterday", "999999w"):
        with pytest.raises(click.UsageError, match="no moment"):
            moment(wrong, NOON)
