"""Reading the files that several processes wrote, manifest and anchors: which entries stand, and where it breaks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiorch.safety.audit_chain import Head, Seal, Signing, seal_of
from aiorch.safety.audit_lines import lines_of
from aiorch.safety.audit_report import AuditProblem, AuditRemark


@dataclass(slots=True)
class Entries:
    """What stands in such a file."""

    good: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    heads: list[str] = field(default_factory=list[str])
    """The MAC of each good entry; the one numbered 1 comes first where nothing is wrong."""
    problem: AuditProblem | None = None
    """The first thing that is wrong with it."""
    torn: AuditRemark | None = None
    there: bool = True


def entries_of(path: Path, name: str, keys: Mapping[str, bytes]) -> Entries:
    """Read one. After something wrong it goes on with what can still be checked.

    :param name: the chain's, which each line carries. :param keys: by their id.
    """
    found = Entries()
    signings = {key: Signing(secret, name) for key, secret in keys.items()}
    before = Head()
    torn: tuple[int, int] | None = None
    number = 0

    def wrong(problem: AuditProblem) -> None:
        found.problem = found.problem or problem

    try:
        for number, line in enumerate(lines_of(path), 1):
            seal = seal_of(line)
            entry = None if seal is None or seal.chain != name else parsed(seal.text)
            if seal is None or entry is None:
                if torn is not None:
                    wrong(_altered(path, torn[0], before))
                torn = (number, len(line) - 1) if line.endswith(b"\n") else (number, 0)
                continue
            if torn is not None and entry.get("torn") != torn[1]:
                wrong(_altered(path, torn[0], before))
            torn = None
            signing = signings.get(str(entry.get("key")))
            if signing is None:
                what = "this entry was signed with a key that was not given (or by a stranger)"
                wrong(AuditProblem("other_key", path.name, what, number, before.seq + 1))
            elif seal.holds(signing, before):
                found.good.append(entry)
                found.heads.append(seal.head.mac)
            else:
                wrong(_why(path, number, seal, before))
            before = seal.head
    except FileNotFoundError:
        found.there = False
    except OSError as fault:
        wrong(AuditProblem("unreadable", path.name, f"it cannot be read: {fault.strerror or fault}"))
    if torn is not None:
        if torn[1]:
            wrong(_altered(path, torn[0], before))
        else:
            found.torn = AuditRemark(
                "torn", path.name, f"line {torn[0]} was cut off by a crash or a full disk"
            )
    return found


def parsed(text: bytes) -> dict[str, Any] | None:
    """The JSON object in ``text``; ``None`` for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _altered(path: Path, line: int, before: Head) -> AuditProblem:
    return AuditProblem("altered", path.name, "this line is no entry, or was altered", line, before.seq + 1)


def _why(path: Path, line: int, seal: Seal, before: Head) -> AuditProblem:
    expected = before.seq + 1
    if seal.head.seq > expected:
        what = f"entry {expected} should stand here, and {seal.head.seq} does: entries were removed or moved"
        return AuditProblem("removed", path.name, what, line, expected)
    if seal.head.seq < expected:
        what = f"entry {expected} should stand here, and {seal.head.seq} does: it was inserted or moved"
        return AuditProblem("inserted", path.name, what, line, expected)
    return AuditProblem("altered", path.name, f"entry {expected} was altered", line, expected)
