"""Reading the audit log: the records of all its files, by time, those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

from aiorch.errors import AuditError
from aiorch.safety.audit_entries import parsed
from aiorch.safety.audit_lines import lines_of

DAY = len("audit-2026-11-22")
"""Characters of a file's name that say its day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records; what is ``None`` is not asked for."""

    since: datetime | None = None
    """The first moment; without a time zone it is meant as this machine's."""
    until: datetime | None = None
    """The first moment that is too late."""
    user: str | None = None
    tenant: str | None = None
    task: str | None = None
    event: str | None = None
    """A name, or a pattern such as ``task.*``."""

    def fits(self, record: dict[str, Any]) -> bool:
        """Whether it is one of them."""
        at = str(record.get("at"))
        return (
            (self.since is None or at >= _written(self.since))
            and (self.until is None or at < _written(self.until))
            and all(
                wanted is None or record.get(name) == wanted
                for name, wanted in (("user", self.user), ("tenant", self.tenant), ("task_id", self.task))
            )
            and (self.event is None or fnmatchcase(str(record.get("event")), self.event))
        )

    def may_have(self, file: str) -> bool:
        """Whether a file of this name, which begins with a day, may hold any."""
        day = file[len("audit-") : DAY]
        return (self.since is None or day >= _written(self.since)[:10]) and (
            self.until is None or day <= _written(self.until)[:10]
        )


def audit_records(folder: str | Path, asked: Asked | None = None) -> Iterator[dict[str, Any]]:
    """The records of the log in ``folder`` by time, chained or not. Lines that are none are passed over: whether the
    log is whole is for :func:`~aiorch.safety.verify_audit` to say.

        for record in audit_records("data/audit", Asked(user="u1", event="task.*")): ...

    :raises AuditError: when one of the files cannot be read.
    """
    asked = asked or Asked()
    files = [one for one in sorted(Path(folder).glob("audit-*.jsonl")) if asked.may_have(one.name)]
    for _, those in groupby(files, key=lambda file: file.name[:DAY]):  # a day has a file for each process
        yield from sorted((r for file in those for r in _of(file, asked)), key=lambda r: str(r.get("at")))


def _of(file: Path, asked: Asked) -> Iterator[dict[str, Any]]:
    try:
        for line in lines_of(file):
            record = parsed(line)
            if record is not None and asked.fits(record):
                yield record
    except OSError as fault:
        raise AuditError(f"{file} cannot be read ({fault.strerror or fault})") from fault


def _written(moment: datetime) -> str:
    """As records write it: they compare as texts."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
