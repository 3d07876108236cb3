"""The record of what was done: one JSON object a line, appended, chained by MACs, and never changed."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AuditError
from aiorch.safety.audit_canonical import canonical

if TYPE_CHECKING:
    from aiorch.safety.audit_writing import Chain, Rhythm

log = logging.getLogger("aiorch")

Mode = Literal["required", "best_effort", "off"]
Retention = Literal["none", "hashes", "text"]

OWN = frozenset({"at", "event", "chain", "seq", "mac"})
"""Members of a record that the log itself writes."""


class AuditLog:
    """Appends records to files of its own in ``folder``, ``audit-YYYY-MM-DD-CHAIN-NUMBER.jsonl`` (the day in UTC).

    Each record carries a MAC over the one before it, so that :func:`~aiorch.safety.verify_audit` finds what was
    changed, taken out, put in or moved; ``docs/audit.md`` says against whom that helps. Every process writes a chain
    of its own, a forked child as well; threads share one. Nothing is opened, and no key made, before the first record.

    A record is one ``write`` to a file opened for appending. It is handed to the operating system and not forced to
    the disk: it survives the end of this process, not a power cut in the same second. Writing so little takes less
    time than handing it to a thread, so :meth:`append` is called on the event loop.

        audit.append("task_started", task_id=task.id, agent=task.agent, texts={"prompt": task.text})

    :param key: what the MACs are made with; by default one that is made once and kept in ``audit.key`` beside the
        folder.
    :param anchor: the file that is told how far the log goes; by default ``audit-anchors.jsonl`` beside the folder.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        mode: Mode = "required",
        retention: Retention = "hashes",
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
        key: str | None = None,
        anchor: str | Path | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.mode: Mode = mode
        self.retention: Retention = retention
        self._redact = redact
        self._clock = clock or SystemClock()
        self._key = key
        self._anchor = anchor
        self._rhythm = rhythm
        self._warned = False
        self._chain: Chain | None = None
        self._path: Path | None = None
        self._second: tuple[int, str] = (-1, "")
        self._one_at_a_time = threading.Lock()
        _LOGS.add(self)

    @property
    def path(self) -> Path | None:
        """The file that the last record went to; ``None`` before the first."""
        chain = self._chain
        return self._path if chain is None or chain.path is None else chain.path

    def append(self, event: str, *, texts: Mapping[str, str] | None = None, **fields: Any) -> None:
        """Record that ``event`` happened.

        :param texts: prompts and answers by name. Retention says what is kept: sizes, hashes too, or the texts too.
        :param fields: whatever else is known: names, measures, decisions. No prompts, no answers; ``None`` is left out.
        :raises AuditError: when it could not be written and the mode is ``required``; what was to be recorded must
            then not be done. :raises ValueError: for a field that has the name of one of the log's own.
        """
        if self.mode == "off":
            return
        if not OWN.isdisjoint(fields):
            raise ValueError(
                f"{', '.join(sorted(OWN & fields.keys()))}: the log's own; call the field something else"
            )
        now = self._clock.now()
        record = {k: v for k, v in fields.items() if v is not None}
        for name, text in (texts or {}).items():
            record |= _measured(name, text, self.retention)
        record["at"] = self._time(now)
        record["event"] = event
        line = self._redact(canonical(record))
        try:
            with self._one_at_a_time:
                (self._chain or self._begun()).append(now, line)
        except OSError as fault:
            self._failed(fault)

    def close(self) -> None:
        """End the chain: manifest and anchors are told how far it goes. A later record begins another.

        That they cannot be told is a warning: there is nothing left to refuse.
        """
        with self._one_at_a_time:
            chain, self._path = self._chain, self.path
            self._chain = None
            if chain is not None:
                try:
                    chain.close(self._clock.now())
                except OSError as fault:
                    log.warning("where the audit log in %s ends could not be noted: %s", self.folder, fault)

    def __del__(self) -> None:
        self._let_go()

    def _begun(self) -> Chain:
        from aiorch.safety.audit_keys import KEY_FILE, kept_key, key_bytes
        from aiorch.safety.audit_writing import ANCHOR_FILE, Chain, Rhythm

        beside = self.folder.parent
        key = kept_key(beside / KEY_FILE) if self._key is None else key_bytes(self._key)
        self._chain = Chain(
            self.folder, key, Path(self._anchor or beside / ANCHOR_FILE), self._rhythm or Rhythm()
        )
        return self._chain

    def _time(self, now: float) -> str:
        second = int(now)
        micros = round((now - second) * 1_000_000)
        known, written = self._second
        if second != known:
            written = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
            self._second = second, written
        return f"{written}.{min(micros, 999_999):06d}Z"

    def _let_go(self) -> None:
        chain, self._chain = self._chain, None
        if chain is not None:
            chain.let_go()

    def _forked(self) -> None:
        """In a forked child: the chain is its parent's, and who held the lock is not here."""
        self._one_at_a_time = threading.Lock()
        self._let_go()
        self._path = None

    def _failed(self, fault: OSError) -> None:
        where = f": {fault.filename}" if fault.filename else ""
        said = (
            f"the audit log in {self.folder} cannot be written ({fault.strerror}{where}): make room or make it "
            "writable, or use another data_dir"
        )
        if self.mode == "required":
            raise AuditError(
                f"{said}. What cannot be recorded is not done; the setting audit='best_effort' (AIORCH_AUDIT) goes on"
            ) from fault
        if not self._warned:
            self._warned = True
            log.warning("%s. Records are missing from now on (audit='best_effort')", said)


_LOGS = weakref.WeakSet[AuditLog]()


def _forked() -> None:
    for one in _LOGS:
        one._forked()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _measured(name: str, text: str, retention: Retention) -> dict[str, Any]:
    raw = text.encode("utf-8", "surrogatepass")
    kept: dict[str, Any] = {f"{name}_bytes": len(raw)}
    if retention != "none":
        kept[f"{name}_sha256"] = hashlib.sha256(raw).hexdigest()
    if retention == "text":
        kept[name] = text
    return kept
