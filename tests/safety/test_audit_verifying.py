"""Whatever is done to the log afterwards is found, and the first bad record is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import AuditError
from aiorch.safety import AuditLog, AuditReport, Rhythm, verify_audit
from aiorch.safety.audit_chain import Head, Signing, seal_of, sealed

NOON = 1_795_348_800.25  # 2026-11-22T12:00:00.25Z
KEY = "a key for these tests"


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> float:
        self.time += 1
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class Case:
    """A log of two chains, the first with two files, and a copy of it to be spoilt."""

    def __init__(self, folder: Path, *, close: bool = True) -> None:
        self.folder = folder / "data" / "audit"
        self.logs = [self.written(9, largest=1200), self.written(3)]
        if close:
            for log in self.logs:
                log.close()
        self.kept = folder / "kept"
        shutil.copytree(folder / "data", self.kept)

    def written(self, records: int, **rhythm: int) -> AuditLog:
        log = AuditLog(self.folder, key=KEY, clock=Clock(), rhythm=Rhythm(every=4, after=9999, **rhythm))
        for n in range(records):
            log.append("task.admitted", n=n, who="ann")
        return log

    def files(self) -> list[Path]:
        """The first chain's two, then the second's."""
        entries = map(json.loads, (self.folder / "manifest.jsonl").read_text().splitlines())
        return [self.folder / entry["file"] for entry in entries if "file" in entry]

    def lines(self, file: Path) -> list[bytes]:
        return file.read_bytes().splitlines(keepends=True)

    def restore(self) -> None:
        shutil.rmtree(self.folder.parent)
        shutil.copytree(self.kept, self.folder.parent)

    def verify(self) -> AuditReport:
        return verify_audit(self.folder, key=KEY)


@pytest.fixture(scope="module")
def module_case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def case(module_case: Case) -> Case:
    module_case.restore()
    return module_case


@pytest.fixture
def still_open(tmp_path: Path) -> Case:
    return Case(tmp_path, close=False)


def found(report: AuditReport) -> tuple[str, str, int | None, int | None]:
    assert not report.ok
    assert report.first is not None
    return report.first.kind, report.first.file, report.first.line, report.first.seq


def test_a_log_that_nobody_touched_is_whole(case: Case):
    report = case.verify()
    assert report.ok
    assert not report.empty
    assert (report.records, report.chains, report.files, report.loose, report.remarks) == (12, 2, 3, 0, ())
    assert len(case.lines(case.files()[0])) > 2


def test_an_open_log_says_what_could_be_cut_off_unnoticed(still_open: Case):
    report = still_open.verify()
    assert report.ok
    assert {remark.kind for remark in report.remarks} == {"open"}
    assert report.loose == (9 - 9) + (3 - 1)


# --- one record --------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(data=st.data())
def test_any_other_byte_is_found_and_its_record_named(module_case: Case, data: st.DataObject):
    module_case.restore()
    file = data.draw(st.sampled_from(module_case.files()))
    before = file.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    spoilt = bytearray(before)
    spoilt[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(spoilt)
    kind, name, line, _ = found(module_case.verify())
    assert (kind, name, line) == ("altered", file.name, before.count(b"\n", 0, at) + 1)


@settings(max_examples=25)
@given(data=st.data())
def test_what_is_removed_inserted_moved_or_cut_off_is_named(module_case: Case, data: st.DataObject):
    module_case.restore()
    file = data.draw(st.sampled_from(module_case.files()))
    before = file.read_bytes()
    lines = before.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    other = data.draw(st.integers(at + 1, len(lines) - 1))
    kept = lines.copy()
    done = data.draw(st.sampled_from(["removed", "inserted", "reordered", "copied", "cut"]))
    if done == "removed":
        del kept[at]
    elif done == "inserted":
        kept.insert(at, b'{"event":"never happened"}\n')
    elif done == "reordered":
        kept[at], kept[other] = kept[other], kept[at]
    elif done == "copied":
        kept.insert(other, kept[at])
    else:
        del kept[other:]
    file.write_bytes(b"".join(kept))
    kind, name, line, _ = found(module_case.verify())
    where = other if done in ("copied", "cut") else at
    assert (kind, name, line) == ("inserted" if done == "copied" else done, file.name, where + 1)


def test_a_tail_cut_in_the_middle_of_a_record_is_cut_off_and_not_torn(case: Case):
    file = case.files()[2]
    os.truncate(file, file.stat().st_size - 20)
    assert found(case.verify()) == ("cut", file.name, 3, 3)


def test_a_tail_of_an_open_chain_is_missed_by_the_anchor(still_open: Case):
    file = still_open.files()[1]
    file.write_bytes(b"".join(still_open.lines(file)[:-1]))
    kind, name, line, seq = found(still_open.verify())
    assert (kind, name, seq) == ("cut", file.name, 9)
    assert line == len(still_open.lines(file)) + 1


def test_a_crash_in_a_record_is_torn_and_no_forgery(still_open: Case):
    file = still_open.files()[2]
    os.truncate(file, file.stat().st_size - 20)
    report = still_open.verify()
    assert report.ok
    assert [(r.kind, r.file) for r in report.remarks if r.kind == "torn"] == [("torn", file.name)]


def test_a_record_of_another_chain_in_its_place_is_altered(case: Case):
    first, _, second = case.files()
    lines = case.lines(second)
    lines[1] = case.lines(first)[1]
    second.write_bytes(b"".join(lines))
    assert found(case.verify()) == ("altered", second.name, 2, 2)


def test_a_record_of_before_in_the_place_of_another_is_found(case: Case):
    file = case.files()[2]
    lines = case.lines(file)
    lines[2] = lines[0]
    file.write_bytes(b"".join(lines))
    assert found(case.verify()) == ("inserted", file.name, 3, 3)


def test_what_follows_the_end_of_a_file_was_inserted(case: Case):
    file = case.files()[0]
    with file.open("ab") as end:
        end.write(b'{"event":"never happened"}\n')
    kind, name, line, _ = found(case.verify())
    assert (kind, name, line) == ("inserted", file.name, len(case.lines(file)))


# --- whole files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(0, 2), (0, 1)])
def test_files_that_changed_places_are_named(case: Case, pair: tuple[int, int]):
    one, other = (case.files()[n] for n in pair)
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)
    assert found(case.verify())[:3] == ("swapped", one.name, 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_file_is_named(case: Case, number: int):
    file = case.files()[number]
    file.unlink()
    assert found(case.verify())[:2] == ("missing", file.name)


def test_a_file_that_the_manifest_does_not_name_is_told(case: Case):
    file = case.folder / "audit-2026-11-22-0123456789abcdef-0001.jsonl"
    shutil.copy(case.files()[0], file)
    assert found(case.verify())[:2] == ("unlisted", file.name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_or_a_device_is_not_waited_for(case: Case):
    file = case.files()[2]
    file.unlink()
    os.mkfifo(file)
    assert found(case.verify())[0] == "unreadable"
    manifest = case.folder / "manifest.jsonl"
    manifest.unlink()
    manifest.symlink_to("/dev/zero")
    assert found(case.verify())[:2] == ("unreadable", "manifest.jsonl")


def test_files_of_versions_without_chains_are_told_as_such(case: Case):
    (case.folder / "audit-2026-11-01.jsonl").write_text('{"event":"task.admitted"}\n')
    (case.folder / "notes.txt").touch()
    report = case.verify()
    assert report.ok
    assert [(r.kind, r.file) for r in report.remarks] == [
        ("unchained", "audit-2026-11-01.jsonl"),
        ("stranger", "notes.txt"),
    ]


def test_a_file_that_was_announced_and_never_written_is_no_forgery(tmp_path: Path):
    case = Case(tmp_path)
    log = AuditLog(case.folder, key=KEY)
    log.append("x")
    file = log.path
    assert file is not None
    file.unlink()
    assert found(case.verify())[:2] == ("missing", file.name), "it was anchored"
    anchors = case.folder.parent / "audit-anchors.jsonl"
    anchors.write_bytes(b"".join(case.lines(anchors)[:-1]))
    report = case.verify()
    assert report.ok
    assert [r.kind for r in report.remarks] == ["empty", "open"]


# --- manifest and anchors ----------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(data=st.data())
def test_any_other_byte_of_manifest_and_anchors_is_found(module_case: Case, data: st.DataObject):
    module_case.restore()
    places = [module_case.folder / "manifest.jsonl", module_case.folder.parent / "audit-anchors.jsonl"]
    file = data.draw(st.sampled_from(places))
    before = file.read_bytes()
    at = data.draw(st.integers(0, len(before) - 2))
    spoilt = bytearray(before)
    spoilt[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(spoilt)
    _, name, line, _ = found(module_case.verify())
    assert (name, line) == (file.name, before.count(b"\n", 0, at) + 1)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda lines: lines[:-1], "cut"),
        (lambda lines: lines[1:], "removed"),
        (lambda lines: [lines[0], *lines], "inserted"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "removed"),
        (lambda lines: [], "cut"),
    ],
)
def test_the_manifest_is_a_chain_too(case: Case, spoil: Callable[[list[bytes]], list[bytes]], kind: str):
    manifest = case.folder / "manifest.jsonl"
    manifest.write_bytes(b"".join(spoil(case.lines(manifest))))
    assert found(case.verify())[:2] == (kind, "manifest.jsonl")


def test_a_missing_manifest_and_missing_anchors_are_told(case: Case):
    (case.folder / "manifest.jsonl").unlink()
    report = case.verify()
    assert found(report)[:2] == ("missing", "manifest.jsonl")
    assert {p.kind for p in report.problems[1:]} == {"unlisted"}
    case.restore()
    (case.folder.parent / "audit-anchors.jsonl").unlink()
    assert found(case.verify())[:2] == ("unanchored", "audit-anchors.jsonl")


def test_a_log_that_was_deleted_and_begun_anew_does_not_pass(case: Case):
    shutil.rmtree(case.folder)
    case.written(1).close()
    assert found(case.verify())[:2] == ("rewritten", "manifest.jsonl")


def test_who_has_the_key_and_not_the_anchors_is_found(tmp_path: Path):
    case = Case(tmp_path)
    (case.folder.parent / "audit-anchors.jsonl").rename(tmp_path / "safe.jsonl")
    mine, last = case.files()[0], case.folder / "manifest.jsonl"
    record = json.loads(case.lines(mine)[0])
    shutil.rmtree(case.folder)
    case.written(9, largest=1200).close()
    assert case.verify().ok, "with its own anchors it looks right"
    assert record["event"] == "task.admitted"
    report = verify_audit(case.folder, key=KEY, anchors=tmp_path / "safe.jsonl")
    assert found(report)[:2] == ("rewritten", last.name)


def test_records_that_were_written_anew_with_the_key_are_not_those_that_were_anchored(still_open: Case):
    first, _, last = still_open.files()
    forge(still_open, last, 1)
    assert found(still_open.verify()) == ("rewritten", last.name, 1, 1)
    still_open.restore()
    forge(still_open, first, 2)
    assert found(still_open.verify())[:2] == ("rewritten", first.name), "the next file follows another record"


def test_what_was_written_behind_a_closed_chain_or_in_its_last_place_is_found(case: Case):
    file = case.files()[2]
    forge(case, file, 3)
    assert found(case.verify())[:2] == ("rewritten", file.name)
    case.restore()
    forge(case, file, 4)
    assert found(case.verify())[:2] == ("rewritten", file.name)


def forge(case: Case, file: Path, number: int) -> None:
    """Write the file's records from that number on anew, as who has the key can."""
    signing, head, lines = Signing(KEY.encode(), "records"), Head(), list[bytes]()
    old = case.lines(file)
    for n in range(max(len(old), number)):
        seal = seal_of(old[min(n, len(old) - 1)])
        assert seal is not None
        text = seal.text.decode() if n + 1 < number else '{"event":"never happened"}'
        line, head = sealed(signing, head, text, seal.chain)
        lines.append(line)
    file.write_bytes(b"".join(lines))


def test_a_torn_entry_is_passed_over_by_the_next_and_no_forgery(tmp_path: Path):
    case = Case(tmp_path)
    for file in (case.folder / "manifest.jsonl", case.folder.parent / "audit-anchors.jsonl"):
        with file.open("ab") as end:
            end.write(b'{"at":"2026')
    assert {r.kind for r in case.verify().remarks} == {"torn"}
    case.written(1).close()
    report = case.verify()
    assert (report.problems, report.chains) == ((), 3)


def test_an_entry_that_lacks_only_its_end_is_not_lost(tmp_path: Path):
    case = Case(tmp_path)
    manifest = case.folder / "manifest.jsonl"
    os.truncate(manifest, manifest.stat().st_size - 1)
    case.written(1).close()
    assert case.verify().ok


def test_a_torn_line_that_no_entry_accounts_for_is_told(case: Case):
    manifest = case.folder / "manifest.jsonl"
    lines = case.lines(manifest)
    manifest.write_bytes(b"".join([lines[0], b'{"at":"2026\n', *lines[1:]]))
    assert found(case.verify())[:3] == ("altered", "manifest.jsonl", 2)


# --- the key -----------------------------------------------------------------------------------------------------


def test_another_key_is_told_apart_from_a_forgery(case: Case):
    report = verify_audit(case.folder, key="some other key, not ours")
    assert {p.kind for p in report.problems} == {"other_key", "unlisted"}
    assert report.records == 0


def test_a_log_whose_key_was_changed_needs_both(tmp_path: Path):
    case = Case(tmp_path)
    log = AuditLog(case.folder, key="the key of today, a new one")
    log.append("x")
    log.close()
    assert verify_audit(case.folder, key=[KEY, "the key of today, a new one"]).ok
    assert found(case.verify())[0] == "other_key"


def test_without_a_key_nothing_is_said(case: Case):
    for key in (None, "short"):
        with pytest.raises(AuditError, match="cannot be verified"):
            verify_audit(case.folder, key=key)


def test_nothing_to_verify(tmp_path: Path):
    assert verify_audit(tmp_path / "audit", key=KEY).empty
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot be read"):
        verify_audit(tmp_path / "file", key=KEY)


# --- any bytes ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(data=st.data())
def test_any_bytes_in_any_file_are_read_to_the_end(module_case: Case, data: st.DataObject):
    module_case.restore()
    files = sorted(module_case.folder.parent.rglob("*.jsonl"))
    for file in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3, unique=True)):
        lines = module_case.lines(file)
        junk = st.binary(max_size=60) | st.sampled_from([*lines, b"[" * 5000 + b"\n", b"\n", b'{"a":NaN}\n'])
        file.write_bytes(b"".join(data.draw(st.lists(st.sampled_from(lines) | junk, max_size=6))))
    report = module_case.verify()
    assert report.records <= 12
