"""What is done is recorded, or not done."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import re
import shutil
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
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import AuditError
from aiorch.safety import AuditLog, Redactor, Rhythm, canonical, verify_audit

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
    """Those of all its files."""
    return [
        json.loads(line)
        for file in sorted(log.folder.glob("audit-*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def latest(log: AuditLog) -> list[str]:
    """What happened, of the file that was written last."""
    assert log.path is not None
    return [json.loads(line)["event"] for line in log.path.read_text(encoding="utf-8").splitlines()]


def test_a_record_says_what_happened_and_when(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append(
        "task_started", task_id="t1", user=None, agent="general", cost=Decimal("0.10"), codes=("a", "b")
    )
    assert log.path is not None
    assert re.fullmatch(r"audit-2026-11-22-[0-9a-f]{16}-0001\.jsonl", log.path.name)
    assert re.fullmatch(
        r'\{"agent":"general","at":"2026-11-22T12:00:00.250000Z","codes":\["a","b"\],"cost":"0.10",'
        r'"event":"task_started","task_id":"t1","chain":"[0-9a-f]{16}","seq":1,"mac":"[0-9a-f]{64}"\}\n',
        log.path.read_text(),
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
    assert [p.name[:16] for p in sorted(folder.glob("audit-*"))] == ["audit-2026-11-22", "audit-2026-11-23"]
    assert [r["seq"] for r in records(log)] == [1, 2]


def test_a_full_file_is_followed_by_the_next(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock, rhythm=Rhythm(largest=1000))
    for n in range(9):
        log.append("x", n=n)
    assert len(list(folder.glob("audit-*"))) == 2
    assert [r["n"] for r in records(log)] == list(range(9))
    assert [r["seq"] for r in records(log)] == list(range(1, 10))


def test_files_are_their_owners_alone(folder: Path):
    log = AuditLog(folder)
    log.append("x")
    files = [*folder.iterdir(), folder.parent / "audit.key", folder.parent / "audit-anchors.jsonl"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len(files) == 4
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_is_made_before_the_first_record(folder: Path):
    log = AuditLog(folder)
    assert log.path is None
    log.close()
    assert not folder.parent.exists()


def test_a_key_and_an_anchor_of_ones_own(folder: Path, tmp_path: Path):
    anchor = tmp_path / "elsewhere" / "anchors.jsonl"
    log = AuditLog(folder, key="a key of my own choice", anchor=anchor)
    log.append("x")
    assert [p.name for p in folder.parent.iterdir()] == ["audit"]
    assert anchor.exists()
    assert verify_audit(folder, key="a key of my own choice", anchors=anchor).ok


def test_the_logs_own_members_are_not_given(folder: Path):
    with pytest.raises(ValueError, match=r"mac, seq: the log's own"):
        AuditLog(folder).append("x", seq=1, mac="y")


def test_a_deleted_file_is_begun_again(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    assert log.path is not None
    log.path.unlink()
    log.append("two")
    assert [r["event"] for r in records(log)] == ["two"]


def test_a_deleted_folder_is_begun_again(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    shutil.rmtree(folder)
    log.append("two")
    assert latest(log) == ["two"]


def test_off_records_nothing(folder: Path):
    AuditLog(folder, mode="off").append("x")
    assert not folder.exists()


# --- what cannot be recorded -------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").touch()
    log = AuditLog(tmp_path / "file" / "audit")
    with pytest.raises(AuditError, match=r"cannot be written \(.*Not a directory.*make room.*AIORCH_AUDIT"):
        log.append("x")


if hasattr(os, "geteuid") and os.geteuid() != 0:  # who may do everything is refused nothing

    def test_a_folder_that_may_only_be_read(folder: Path):
        folder.mkdir(parents=True)
        folder.chmod(0o500)
        with pytest.raises(AuditError, match="Permission denied"):
            AuditLog(folder).append("x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("what", ["audit/manifest.jsonl", "audit-anchors.jsonl", "audit.key"])
def test_a_full_disk(folder: Path, what: str):
    log = AuditLog(folder)
    folder.mkdir(parents=True)
    (folder.parent / what).symlink_to("/dev/full")
    for _ in range(2):
        with pytest.raises(AuditError, match="No space left on device|holds no key"):
            log.append("x")
    (folder.parent / what).unlink()
    log.append("y")
    log.close()
    assert [r["event"] for r in records(log)][-1] == "y"
    assert verify_audit(folder).ok


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_best_effort_warns_once_and_goes_on(folder: Path, caplog: pytest.LogCaptureFixture):
    log = AuditLog(folder, mode="best_effort")
    folder.mkdir(parents=True)
    (folder / "manifest.jsonl").symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING, "aiorch"):
        log.append("one")
        log.append("two")
    assert len(caplog.records) == 1
    assert "Records are missing from now on" in caplog.text


def test_where_it_ends_cannot_be_noted(folder: Path, caplog: pytest.LogCaptureFixture):
    log = AuditLog(folder)
    log.append("one")
    shutil.rmtree(folder)
    folder.write_text("in the way")
    with caplog.at_level(logging.WARNING, "aiorch"):
        log.close()
    assert "could not be noted" in caplog.text


CUT_OFF = """
import os, resource, sys
from aiorch.errors import AuditError
from aiorch.safety import AuditLog
log = AuditLog(sys.argv[1])
if sys.argv[2] == "only grows":
    def refused(*_): raise PermissionError(1, "append only")
    os.ftruncate = refused
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    for n in range(100):
        log.append("before", n=n)
except AuditError:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append("after", n=n)
    log.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on a file's size")
@pytest.mark.parametrize("file", ["can be cut", "only grows"])
def test_a_record_that_was_cut_off_spoils_no_other(folder: Path, file: str):
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF, str(folder), file], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    files = sorted(folder.glob("audit-*.jsonl"))
    lines = [line for one in files for line in one.read_text().splitlines()]
    report = verify_audit(folder)
    assert report.ok, report.first
    if file == "only grows":
        assert [remark.kind for remark in report.remarks] == ["torn"]
        with pytest.raises(ValueError):
            json.loads(lines.pop(-2))
    assert [json.loads(line)["n"] for line in lines] == list(range(len(lines)))
    assert len(files) == 1 + (file == "only grows")


def half(monkeypatch: pytest.MonkeyPatch, times: int, after: int = 0) -> None:
    """Let the system take only half of what is written, so many times."""
    real, writes = os.write, iter([False] * after + [True] * times)

    def write(file: int, data: bytes) -> int:
        return real(file, data[: len(data) // 2] if next(writes, False) else data)

    monkeypatch.setattr(os, "write", write)


def test_a_record_that_is_taken_by_halves_is_whole_in_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch):
    log = AuditLog(folder)
    log.append("one")
    half(monkeypatch, 3)
    log.append("two", filling="x" * 500)
    log.close()
    assert [r["event"] for r in records(log)] == ["one", "two"]
    assert verify_audit(folder).ok


def test_a_key_or_an_entry_that_is_taken_by_halves_is_taken_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    log = AuditLog(folder)
    for file, writes_before in (("audit.key", 0), ("audit/manifest.jsonl", 1)):
        half(monkeypatch, 1, writes_before)
        with pytest.raises(AuditError, match=rf"No space left on device: .*{file}"):
            log.append("x")
        monkeypatch.undo()
        assert (folder.parent / file).read_bytes() == b""
    log.append("y")
    log.close()
    assert [r["event"] for r in records(log)] == ["y"]
    assert verify_audit(folder).ok


def test_a_file_that_somebody_put_there_is_not_written(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    assert log.path is not None
    log.path.unlink()
    there = log.path.with_name(log.path.name.replace("-0001", "-0002"))
    there.touch()
    with pytest.raises(AuditError, match="File exists"):
        log.append("two")
    log.append("three")
    assert there.read_text() == ""
    assert [r["event"] for r in records(log)] == ["three"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks of another kind")
def test_who_holds_the_lock_for_too_long_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    monkeypatch.setattr("aiorch.safety.audit_locks.PATIENCE", 0.01)
    folder.mkdir(parents=True)
    with (folder / "manifest.jsonl").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match="another process holds its lock"):
            AuditLog(folder).append("x")
    AuditLog(folder).append("y")


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
    log.close()
    writers = ("0", "1", "2", "thread 0", "thread 1", "thread 2")
    assert Counter(r["writer"] for r in records(log)) == dict.fromkeys(writers, 300)
    report = verify_audit(folder)
    assert (report.problems, report.records, report.chains) == ((), 1800, 4)


KILLED = """
import os, sys
from aiorch.safety import AuditLog
log = AuditLog(sys.argv[1])
for n in range(10**9):
    log.append("x", n=n)
    if n == 20:
        print(flush=True)
"""


def test_who_is_killed_leaves_a_log_that_stands_and_the_next_goes_on(folder: Path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    log = AuditLog(folder)
    log.append("next")
    log.close()
    report = verify_audit(folder)
    assert report.ok, report.first
    assert {"open"} <= {remark.kind for remark in report.remarks} <= {"open", "torn"}
    assert report.chains == 2
    assert report.records > 20


FORKING = """
import os, sys
from aiorch.safety import AuditLog
log = AuditLog(sys.argv[1])
log.append("parent")
child = os.fork()
if not child:
    assert log.path is None
    log.append("child")
    log.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
log.append("parent again")
log.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_child_begins_a_chain_of_its_own(folder: Path):
    subprocess.run([sys.executable, "-c", FORKING, str(folder)], check=True, timeout=50)
    report = verify_audit(folder)
    assert (report.problems, report.remarks, report.chains, report.records) == ((), (), 2, 3)


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


@settings(max_examples=30)
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
    assert log.path is not None
    log.path.rename(folder / "old.jsonl")
    clock.time += 1
    log.append("two")
    log.append("three")
    assert latest(log) == ["two", "three"]
    assert len((folder / "old.jsonl").read_text().splitlines()) == 1


def test_another_file_under_its_name_is_not_written(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock)
    log.append("one")
    assert log.path is not None
    first = log.path
    first.rename(folder / "old.jsonl")
    first.touch()
    clock.time += 1
    log.append("two")
    assert latest(log) == ["two"]
    assert first.read_text() == ""


def test_what_another_process_writes_into_its_file_stays_alone(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    assert log.path is not None
    first = log.path
    with first.open("a") as other:
        other.write('{"event":"to')
    log.append("two")
    assert latest(log) == ["two"]
    assert first.read_text().splitlines()[1] == '{"event":"to'


def test_a_closed_log_is_begun_anew(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    log.close()
    first = log.path
    log.close()
    log.append("two")
    assert log.path != first
    assert sorted(r["event"] for r in records(log)) == ["one", "two"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
def test_a_log_that_is_forgotten_holds_no_file(folder: Path):
    log = AuditLog(folder)
    log.append("one")
    path = str(log.path)

    def held() -> int:
        return sum(f.is_symlink() and str(f.readlink()) == path for f in Path("/proc/self/fd").iterdir())

    assert held() == 1
    del log
    gc.collect()
    assert held() == 0


# --- how far it goes is told elsewhere ---------------------------------------------------------------------------


def test_the_head_is_anchored_by_count_by_time_and_at_the_end(folder: Path, clock: StoppedClock):
    log = AuditLog(folder, clock=clock, rhythm=Rhythm(every=3, after=10))

    def anchored() -> list[int]:
        text = (folder.parent / "audit-anchors.jsonl").read_text()
        return [json.loads(line)["records"] for line in text.splitlines()]

    for _ in range(5):
        log.append("x")
    assert anchored() == [1, 4]
    clock.time += 10
    log.append("x")
    assert anchored() == [1, 4, 6]
    clock.time -= 3600  # a clock that was set back
    log.append("x")
    log.append("x")
    log.close()
    assert anchored() == [1, 4, 6, 7, 8]
