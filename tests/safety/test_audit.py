"""What is done is recorded, or not done."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import stat
import subprocess
import sys
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import AuditError
from aiorch.safety import AuditLog, Redactor, canonical

NOON = 1_795_348_800.25  # 2026-11-22T12:00:00.25Z


class StoppedClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "audit"


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


def records(log: AuditLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text(encoding="utf-8").splitlines() if line]


def test_a_record_says_what_happened_and_when(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append(
        "task_started", task_id="t1", user=None, agent="general", cost=Decimal("0.10"), codes=("a", "b")
    )
    assert log.path == folder / "audit-2026-11-22.jsonl"
    assert log.path.read_text() == (
        '{"agent":"general","at":"2026-11-22T12:00:00.250000Z","codes":["a","b"],"cost":"0.10",'
        '"event":"task_started","task_id":"t1"}\n'
    )


def test_texts_are_kept_as_retention_says(folder: Path):
    kept = {}
    for retention in ("none", "hashes", "text"):
        log = AuditLog(folder / retention, retention=retention)
        log.append("x", texts={"prompt": "grüße"})
        kept[retention] = {k: v for k, v in records(log)[0].items() if k.startswith("prompt")}
    hashed = {"prompt_bytes": 7, "prompt_sha256": hashlib.sha256("grüße".encode()).hexdigest()}
    assert kept == {"none": {"prompt_bytes": 7}, "hashes": hashed, "text": hashed | {"prompt": "grüße"}}


def test_keys_are_not_recorded(folder: Path):
    log = AuditLog(folder, retention="text", redact=Redactor(['a "quoted" secret']))
    log.append("x", texts={"prompt": 'my key is a "quoted" secret'}, model="sk-abcdefgh1234567890")
    (record,) = records(log)
    assert (record["prompt"], record["model"]) == ("my key is [redacted]", "[redacted]")


def test_a_new_day_begins_a_new_file(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append("one")
    clock.time += 86_400
    log.append("two")
    assert sorted(p.name for p in folder.iterdir()) == ["audit-2026-11-22.jsonl", "audit-2026-11-23.jsonl"]


def test_files_are_their_owners_alone(folder: Path):
    log = AuditLog(folder)
    log.append("x")
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_deleted_file_is_begun_again(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    log.path.unlink()
    log.append("two")
    assert [r["event"] for r in records(log)] == ["two"]


def test_off_records_nothing(folder: Path):
    AuditLog(folder, mode="off").append("x")
    assert not folder.exists()


# --- what cannot be recorded -------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match=r"cannot be written \(Not a directory\).*make room.*AIORCH_AUDIT"):
        AuditLog(tmp_path / "file" / "audit").append("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk(folder: Path):
    log = AuditLog(folder)
    folder.mkdir(parents=True)
    log.path.symlink_to("/dev/full")
    with pytest.raises(AuditError, match="No space left on device"):
        log.append("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_best_effort_warns_once_and_goes_on(folder: Path, caplog: pytest.LogCaptureFixture):
    log = AuditLog(folder, mode="best_effort")
    folder.mkdir(parents=True)
    log.path.symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING, "aiorch"):
        log.append("one")
        log.append("two")
    assert len(caplog.records) == 1
    assert "Records are missing from now on" in caplog.text


CUT_OFF = """
import resource, sys
from aiorch.errors import AuditError
from aiorch.safety import AuditLog
log = AuditLog(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    for n in range(100):
        log.append("before", n=n)
except AuditError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append("after", failed=n)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on a file's size")
def test_a_record_that_was_cut_off_spoils_no_other(folder: Path):
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF, str(folder)], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    *whole, torn, after = AuditLog(folder).path.read_text().splitlines()
    assert json.loads(after)["failed"] == len(whole)
    assert [json.loads(line)["n"] for line in whole] == list(range(len(whole)))
    with pytest.raises(ValueError):
        json.loads(torn)


# --- several writers ---------------------------------------------------------------------------------------------

WRITER = """
import sys
from aiorch.safety import AuditLog
log = AuditLog(sys.argv[1])
for n in range(300):
    log.append("x", writer=sys.argv[2], n=n, filling="y" * (n * 37 % 9000))
"""


def test_records_of_several_processes_and_threads_never_mix(folder: Path):
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(n)], stderr=subprocess.PIPE)
        for n in range(3)
    ]
    log = AuditLog(folder)

    def write(name: str) -> None:
        for n in range(300):
            log.append("x", writer=name, n=n)

    threads = [threading.Thread(target=write, args=(f"thread {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [p.communicate(timeout=50)[1] for p in processes] == [b""] * 3
    writers = ("0", "1", "2", "thread 0", "thread 1", "thread 2")
    assert Counter(r["writer"] for r in records(log)) == dict.fromkeys(writers, 300)


# --- the one way to write a record -------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.decimals()
    | st.frozensets(st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), VALUES))
def test_every_record_is_one_line_of_strict_json(record: dict[str, Any]):
    line = canonical(record)
    line.encode()
    assert "\n" not in line

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    again = json.loads(line, parse_constant=refuse)
    assert canonical(again) == line, "reading and writing it again must not change what a signature is over"
    assert set(again) == set(record)


def test_anything_can_be_recorded():
    class Thing:
        def __str__(self) -> str:
            return "a thing"

    assert canonical({"a": Thing(), "b": {3, 1}, "c": MappingProxyType({1: 2})}) == (
        '{"a":"a thing","b":["1","3"],"c":{"1":2}}'
    )


# --- the file stays open -----------------------------------------------------------------------------------------


def test_a_renamed_file_is_begun_again_within_a_second(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append("one")
    log.path.rename(folder / "old.jsonl")
    clock.time += 1
    log.append("two")
    log.append("three")
    assert [r["event"] for r in records(log)] == ["two", "three"]
    assert len((folder / "old.jsonl").read_text().splitlines()) == 1


def test_another_file_under_its_name_is_the_one_that_is_written(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append("one")
    log.path.rename(folder / "old.jsonl")
    log.path.touch()
    clock.time += 1
    log.append("two")
    assert [r["event"] for r in records(log)] == ["two"]


def test_what_another_process_left_torn_stays_alone(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    with log.path.open("a") as other:
        other.write('{"event":"to')
    log.append("two")
    assert log.path.read_text().splitlines()[1] == '{"event":"to'
    assert json.loads(log.path.read_text().splitlines()[2])["event"] == "two"


def test_a_closed_log_is_opened_anew(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    log.close()
    log.close()
    log.append("two")
    assert [r["event"] for r in records(log)] == ["one", "two"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
def test_a_log_that_is_forgotten_holds_no_file(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    path = str(log.path)
    opened = [
        fd.name for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and str(fd.readlink()) == path
    ]
    assert len(opened) == 1
    del log
    gc.collect()
    assert (
        not Path("/proc/self/fd", opened[0]).is_symlink()
        or str(Path("/proc/self/fd", opened[0]).readlink()) != path
    )
