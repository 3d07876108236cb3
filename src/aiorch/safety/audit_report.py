"""What verifying the audit log found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "altered",
    "removed",
    "inserted",
    "reordered",
    "swapped",
    "cut",
    "missing",
    "unlisted",
    "rewritten",
    "other_key",
    "unanchored",
    "unreadable",
]
"""What can be wrong. A record was altered, removed, inserted or moved; a file holds another chain's records; a tail was
cut off; a file that the manifest names is missing; one is there that it does not name; records are not those that were
anchored, though somebody with the key wrote them; they were signed with a key that was not given; nothing was
anchored; a file cannot be read."""

Remark = Literal["torn", "open", "empty", "unanchored", "unchained", "stranger"]
"""What is worth knowing and no sign of tampering. A last line that a crash or a full disk cut off; a chain that was not
closed (its process still runs, or was killed); a file that was announced and never written; an open chain without an
anchor so far; a file of a version that made no chains, of which nothing can be said; a file that is none of ours."""


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """One thing that is wrong: the first in its chain, since nothing after it can be relied on."""

    kind: Kind
    file: str
    """The name of the file."""
    what: str
    """A sentence for people."""
    line: int | None = None
    """The line in the file, from 1."""
    seq: int | None = None
    """The number of the record in its chain that was expected there."""

    def __str__(self) -> str:
        where = "" if self.line is None else f", line {self.line}"
        return f"{self.file}{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class AuditRemark:
    """Something that whoever reads the log should know."""

    kind: Remark
    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What :func:`~aiorch.safety.verify_audit` found.

    >>> AuditReport().ok
    True
    """

    problems: tuple[AuditProblem, ...] = ()
    """First those of the anchors and the manifest, then of each chain the first, in the order in which they began."""
    remarks: tuple[AuditRemark, ...] = ()
    records: int = 0
    """Records that are as they were written."""
    chains: int = 0
    files: int = 0
    """Files with chained records."""
    loose: int = 0
    """Records after the last anchor of chains that were not closed: cutting these off would not show."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def first(self) -> AuditProblem | None:
        """The first thing that is wrong."""
        return next(iter(self.problems), None)

    @property
    def empty(self) -> bool:
        """Whether there was nothing to verify."""
        return not (self.files or self.chains or self.problems)
