"""Verifying the audit log: is each record as it was written, and is none missing? Reads files, changes nothing.

The order of reading makes it right while others write: what is told before (anchors, then the manifest) is read before
what it tells of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiorch.errors import AuditError
from aiorch.safety.audit_chain import ANCHORS, MANIFEST, Head, Seal, Signing, key_id, seal_of
from aiorch.safety.audit_entries import Entries, entries_of, parsed
from aiorch.safety.audit_keys import KEY_FILE, key_bytes, read_key
from aiorch.safety.audit_lines import lines_of
from aiorch.safety.audit_report import AuditProblem, AuditRemark, AuditReport, Kind
from aiorch.safety.audit_writing import ANCHOR_FILE, CLOSED, CONTINUED, MANIFEST_FILE, OPENED

CHAINED = re.compile(r"audit-\d{4}-\d\d-\d\d-([0-9a-f]{16})-\d{4,}\.jsonl\Z")
UNCHAINED = re.compile(r"audit-\d{4}-\d\d-\d\d\.jsonl\Z")
"""Names of files with chains, and of those that earlier versions wrote."""


def verify_audit(
    folder: str | Path,
    *,
    key: str | Sequence[str] | None = None,
    anchors: str | Path | Sequence[str | Path] | None = None,
) -> AuditReport:
    """Whether the audit log in ``folder`` is what was written.

        report = verify_audit("data/audit", anchors="/mnt/elsewhere/anchors.jsonl")
        print(report.ok, report.first)

    :param key: what it was signed with, several where it changed; by default that of ``audit.key`` beside the folder.
    :param anchors: the files that were told how far the log goes; by default ``audit-anchors.jsonl`` beside the folder.
    :raises AuditError: when there is no key, or the folder cannot be read.
    """
    folder = Path(folder)
    keys = {key_id(one): one for one in _keys(folder, key)}
    places = (folder.parent / ANCHOR_FILE,) if anchors is None else anchors
    places = (places,) if isinstance(places, str | Path) else places
    names = _names(folder)
    told = [(Path(place), entries_of(Path(place), ANCHORS, keys)) for place in places]
    manifest = entries_of(folder / MANIFEST_FILE, MANIFEST, keys)
    return _Verifying(folder, keys, names, told, manifest).report()


@dataclass(slots=True)
class _Part:
    file: str
    before: Head
    """Where the file before it ended."""
    after: Head | None = None
    """Where it ends itself, if that was told."""


@dataclass(slots=True)
class _Told:
    """What manifest and anchors say of one chain."""

    chain: str
    key: str
    parts: list[_Part] = field(default_factory=list[_Part])
    closed: Head | None = None
    anchored: dict[int, str] = field(default_factory=dict[int, str])
    """MACs by the numbers of their records."""

    @property
    def reaches(self) -> int:
        """The number of the last record that is vouched for."""
        return max((self.closed or Head()).seq, *self.anchored, 0)


class _Verifying:
    """One pass over one folder."""

    def __init__(
        self,
        folder: Path,
        keys: Mapping[str, bytes],
        names: Sequence[str],
        told: Sequence[tuple[Path, Entries]],
        manifest: Entries,
    ) -> None:
        self.folder = folder
        self.signings = {one: Signing(secret, "records") for one, secret in keys.items()}
        self.names = names
        self.told = told
        self.manifest = manifest
        self.problems: list[AuditProblem] = []
        self.remarks: list[AuditRemark] = []
        self.records = self.loose = 0

    def report(self) -> AuditReport:
        chains = self._chains()
        listed = {part.file for told in chains.values() for part in told.parts}
        there = [name for name in self.names if CHAINED.match(name)]
        if there or chains or self.manifest.there:
            self._joined(chains)
        for told in chains.values():
            problem = self._chain(told)
            if problem is not None:
                self.problems.append(problem)
        for name in self.names:
            self._beside(name, listed)
        return AuditReport(
            tuple(self.problems), tuple(self.remarks), self.records, len(chains), len(there), self.loose
        )

    # --- what manifest and anchors say

    def _chains(self) -> dict[str, _Told]:
        chains: dict[str, _Told] = {}
        for entry in self.manifest.good:
            event, chain, head = entry.get("event"), str(entry.get("of")), _head(entry)
            told = chains.setdefault(chain, _Told(chain, str(entry.get("key"))))
            if event in (OPENED, CONTINUED):
                if told.parts:
                    told.parts[-1].after = head
                told.parts.append(_Part(str(entry.get("file")), head))
            elif event == CLOSED:
                told.closed = head
                if told.parts:
                    told.parts[-1].after = head
        for _, anchors in self.told:
            for entry in anchors.good:
                chain, head = str(entry.get("of")), _head(entry)
                if chain in chains:
                    chains[chain].anchored[head.seq] = head.mac
        return chains

    def _joined(self, chains: Mapping[str, _Told]) -> None:
        """Are manifest and anchors whole, and of one mind?"""
        known = dict(enumerate(self.manifest.heads, 1)) if self.manifest.problem is None else None
        anchored = 0
        for path, anchors in self.told:
            self._whole(anchors)
            if not anchors.there:
                what = "there are no anchors, so a cut-off end would not show: where are they?"
                self.problems.append(AuditProblem("unanchored", path.name, what))
            for entry in anchors.good:
                seq, mac = _number(entry, "manifest"), str(entry.get("manifest_head"))
                anchored = max(anchored, seq)
                if known is not None and known.get(seq, mac) != mac:
                    what = (
                        f"entry {seq} is not the one that was anchored: somebody with the key wrote it anew"
                    )
                    self.problems.append(AuditProblem("rewritten", MANIFEST_FILE, what, seq=seq))
                    known = None
        if not self.manifest.there:
            what = "the manifest is missing, and with it what says which files there were"
            self.problems.append(AuditProblem("missing", MANIFEST_FILE, what))
        self._whole(self.manifest)
        if known is not None and self.manifest.there and anchored > len(known):
            what = f"it ends after entry {len(known)}, and {anchored} were anchored: its end was cut off"
            self.problems.append(AuditProblem("cut", MANIFEST_FILE, what, seq=len(known) + 1))

    def _whole(self, entries: Entries) -> None:
        if entries.problem is not None:
            self.problems.append(entries.problem)
        if entries.torn is not None:
            self.remarks.append(entries.torn)

    # --- one chain

    def _chain(self, told: _Told) -> AuditProblem | None:
        """Walk along it. :returns: the first thing that is wrong."""
        signing = self.signings.get(told.key)
        assert signing is not None, "its entries were checked with this key"
        head, line, file = Head(), 0, MANIFEST_FILE
        for part in told.parts:
            if head != part.before:
                return _ends(told, file, line, head, part.before)
            file, line = part.file, 0
            try:
                for step in self._walk(told, part, head, signing):
                    line, head, problem = step
                    if problem is not None:
                        return problem
                    self.records += 1
            except FileNotFoundError:
                if self._was_begun(told, part):
                    what = "the manifest names this file, and it is missing"
                    return AuditProblem("missing", file, what, seq=head.seq + 1)
                self.remarks.append(AuditRemark("empty", file, "it was announced and never written"))
            except OSError as fault:
                what = f"it cannot be read: {fault.strerror or fault}"
                return AuditProblem("unreadable", file, what, seq=head.seq + 1)
        end = told.closed
        if end is not None and head != end:
            return _ends(told, file, line, head, end)
        if told.reaches > head.seq:
            return _ends(told, file, line, head, Head(told.reaches))
        if end is None:
            self.remarks.append(
                AuditRemark("open", file, "its chain was not closed: its process still runs, or was killed")
            )
            self.loose += head.seq - told.reaches
            if head.seq and not told.anchored:
                self.remarks.append(AuditRemark("unanchored", file, "its chain has no anchor so far"))
        return None

    def _was_begun(self, told: _Told, part: _Part) -> bool:
        """Whether anybody vouches for records in this file or after it."""
        return told.reaches > part.before.seq or any(p.before.seq > part.before.seq for p in told.parts)

    def _walk(
        self, told: _Told, part: _Part, head: Head, signing: Signing
    ) -> Iterator[tuple[int, Head, AuditProblem | None]]:
        """The records of one file: line, head after it, and what is wrong with it."""
        lines = lines_of(self.folder / part.file)
        for number, line in enumerate(lines, 1):
            seal = seal_of(line)
            if seal is None or seal.chain != told.chain or not seal.holds(signing, head):
                if (
                    not line.endswith(b"\n")
                    and next(lines, None) is None
                    and not _ended(line, told, signing, head)
                ):
                    what = f"line {number} was cut off by a crash or a full disk"
                    self.remarks.append(AuditRemark("torn", part.file, what))
                    return
                kind, what = _why(line, seal, told, part, head, signing, lines)
                yield number, head, AuditProblem(kind, part.file, what, number, head.seq + 1)
                return
            head = seal.head
            if told.anchored.get(head.seq, head.mac) != head.mac:
                what = (
                    f"record {head.seq} is not the one that was anchored: somebody with the key wrote it anew"
                )
                yield number, head, AuditProblem("rewritten", part.file, what, number, head.seq)
                return
            yield number, head, None

    # --- what else lies there

    def _beside(self, name: str, listed: set[str]) -> None:
        if name == MANIFEST_FILE or name in listed:
            return
        if UNCHAINED.match(name):
            what = "a version that made no chains wrote it: nobody can tell whether it was changed"
            self.remarks.append(AuditRemark("unchained", name, what))
        elif CHAINED.match(name):
            what = "the manifest does not name this file: it was put there, or taken out of the manifest"
            self.problems.append(AuditProblem("unlisted", name, what))
        else:
            self.remarks.append(AuditRemark("stranger", name, "it is no file of the log's"))


def _keys(folder: Path, given: str | Sequence[str] | None) -> list[bytes]:
    try:
        if given is None:
            return [read_key(folder.parent / KEY_FILE)]
        return [key_bytes(one) for one in ((given,) if isinstance(given, str) else given)]
    except ValueError as wrong:
        raise AuditError(f"the audit log in {folder} cannot be verified: {wrong}") from None
    except OSError as fault:
        raise AuditError(
            f"the audit log in {folder} cannot be verified without its key ({fault.filename}: {fault.strerror}): "
            "give the one that it was written with"
        ) from fault


def _names(folder: Path) -> list[str]:
    try:
        return sorted(one.name for one in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise AuditError(f"the audit log in {folder} cannot be read ({fault.strerror})") from fault


def _head(entry: Mapping[str, Any]) -> Head:
    return Head(_number(entry, "records"), str(entry.get("head")))


def _number(entry: Mapping[str, Any], name: str) -> int:
    """A number of an entry, also where somebody with the key wrote something else."""
    value = entry.get(name)
    return value if isinstance(value, int) else 0


def _ends(told: _Told, file: str, line: int, head: Head, end: Head) -> AuditProblem:
    """A file or chain does not end where it should."""
    if head.seq < end.seq:
        what = f"it ends after record {head.seq}, and there were {end.seq}: its end was cut off"
        return AuditProblem("cut", file, what, line + 1, head.seq + 1)
    if head.seq > end.seq:
        what = f"it should end after record {end.seq}, and goes on to {head.seq}: somebody with the key wrote these"
        return AuditProblem("rewritten", file, what, seq=end.seq + 1)
    what = f"record {head.seq} is not the one that the manifest names: somebody with the key wrote it anew"
    return AuditProblem("rewritten", file, what, line, head.seq)


def _ended(line: bytes, told: _Told, signing: Signing, head: Head) -> bool:
    """Whether a last line without an end is a whole record whose end was changed: nothing tears so."""
    seal = seal_of(line[:-1] + b"\n")
    return seal is not None and seal.chain == told.chain and seal.holds(signing, head)


def _why(
    line: bytes,
    seal: Seal | None,
    told: _Told,
    part: _Part,
    head: Head,
    signing: Signing,
    rest: Iterator[bytes],
) -> tuple[Kind, str]:
    """What happened where record ``head.seq + 1`` should stand and ``line`` does."""
    wanted = head.seq + 1
    if head == part.after:
        return "inserted", f"the file should end after record {head.seq}, and goes on"
    if seal is not None and Seal(told.chain, Head(wanted, seal.head.mac), seal.text).holds(signing, head):
        return "altered", f"record {wanted} was altered in its chain or number"
    if head == part.before and seal is not None:
        others = (p.before for p in told.parts if p is not part)
        if seal.chain != told.chain or any(seal.holds(signing, other) for other in others):
            return "swapped", f"it holds another file's records: {seal.head.seq} and on of chain {seal.chain}"
    if _comes(rest, told.chain, head, signing):
        if seal is not None and seal.chain == told.chain and seal.head.seq > wanted:
            return "reordered", f"record {seal.head.seq} stands before record {wanted}"
        return "inserted", f"this is not record {wanted}, which comes after it: the line was inserted"
    if seal is None or parsed(seal.text) is None:
        return "altered", f"record {wanted} was altered: this is no record"
    if seal.chain != told.chain:
        return "altered", f"record {wanted} should stand here, and one of chain {seal.chain} does"
    if seal.head.seq > wanted:
        return "removed", f"record {wanted} should stand here, and {seal.head.seq} does: records were removed"
    if seal.head.seq < wanted:
        return "inserted", f"record {wanted} should stand here, and {seal.head.seq} does again"
    return "altered", f"record {wanted} was altered"


def _comes(rest: Iterator[bytes], chain: str, head: Head, signing: Signing) -> bool:
    """Whether the record that should stand here stands further down."""
    for line in rest:
        seal = seal_of(line)
        if seal is not None and seal.chain == chain and seal.holds(signing, head):
            return True
    return False
