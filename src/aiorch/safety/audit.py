"""The record of what was done: one JSON object a line, in one file a day, appended and never changed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AuditError

log = logging.getLogger("aiorch")

Mode = Literal["required", "best_effort", "off"]
Retention = Literal["none", "hashes", "text"]


class AuditLog:
    """Appends records to ``folder/audit-YYYY-MM-DD.jsonl`` (the day in UTC). Threads and processes share the file.

    A record is one ``write`` to a file opened for appending, so records of several writers never mix (on a local disk,
    under Linux and macOS). It is handed to the operating system and not forced to the disk: it survives the end of this
    process, not a power cut in the same second. Writing so little takes less time than handing it to a thread, so
    :meth:`append` is called on the event loop. The file is opened each time, so that a rotated or deleted one is begun
    again.

        audit.append("task_started", task_id=task.id, agent=task.agent, texts={"prompt": task.text})
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        mode: Mode = "required",
        retention: Retention = "hashes",
        redact: Callable[[str], str] = str,
        clock: Clock | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.mode: Mode = mode
        self.retention: Retention = retention
        self._redact = redact
        self._clock = clock or SystemClock()
        self._warned = False

    @property
    def path(self) -> Path:
        """Today's file."""
        return self._file(self._clock.now())

    def append(self, event: str, *, texts: Mapping[str, str] | None = None, **fields: Any) -> None:
        """Record that ``event`` happened.

        :param texts: prompts and answers by name. Retention says what is kept: sizes, hashes too, or the texts too.
        :param fields: whatever else is known: names, measures, decisions. No prompts, no answers; ``None`` is left out.
        :raises AuditError: when it could not be written and the mode is ``required``; what was to be recorded must
            then not be done.
        """
        if self.mode == "off":
            return
        now = self._clock.now()
        record = {k: v for k, v in fields.items() if v is not None}
        for name, text in (texts or {}).items():
            record |= _measured(name, text, self.retention)
        record |= {"at": _time(now), "event": event}
        line = self._redact(canonical(record)).encode()
        try:
            self._write(self._file(now), line)
        except OSError as fault:
            self._failed(fault)

    def _file(self, now: float) -> Path:
        return self.folder / f"audit-{datetime.fromtimestamp(now, UTC):%Y-%m-%d}.jsonl"

    def _write(self, path: Path, line: bytes) -> None:
        try:
            file = _opened(path)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _opened(path)
        try:
            size = os.fstat(file).st_size
            # A line that a full disk cut off stays alone: the next record begins on a line of its own.
            whole = size == 0 or _last_byte(file, size) == b"\n"
            data = line + b"\n" if whole else b"\n" + line + b"\n"
            while data:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)

    def _failed(self, fault: OSError) -> None:
        said = (
            f"the audit log in {self.folder} cannot be written ({fault.strerror}): make room or make it writable, "
            "or use another data_dir"
        )
        if self.mode == "required":
            raise AuditError(
                f"{said}. What cannot be recorded is not done; the setting audit='best_effort' (AIORCH_AUDIT) goes on"
            ) from fault
        if not self._warned:
            self._warned = True
            log.warning("%s. Records are missing from now on (audit='best_effort')", said)


def canonical(record: Mapping[str, Any]) -> str:
    """``record`` in the one way to write it as JSON: sorted, compact, without ``NaN``.

    >>> canonical({"b": Path("/tmp"), "a": (1, None)})
    '{"a":[1,null],"b":"/tmp"}'
    """
    try:
        return _dumped(record)
    except ValueError:  # NaN or infinity: no JSON has them
        return _dumped(_finite(record))


def _dumped(record: object) -> str:
    text = json.dumps(
        record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    )
    # Half a surrogate pair becomes the escape that JSON has for it.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> object:
    if isinstance(value, set | frozenset):
        return sorted(map(str, cast("set[Any]", value)))
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in cast("Mapping[str, Any]", value).items()}
    return [_finite(v) for v in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


def _measured(name: str, text: str, retention: Retention) -> dict[str, Any]:
    raw = text.encode("utf-8", "surrogatepass")
    kept: dict[str, Any] = {f"{name}_bytes": len(raw)}
    if retention != "none":
        kept[f"{name}_sha256"] = hashlib.sha256(raw).hexdigest()
    if retention == "text":
        kept[name] = text
    return kept


def _time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)


def _last_byte(file: int, size: int) -> bytes:
    os.lseek(file, size - 1, os.SEEK_SET)  # where O_APPEND writes does not depend on it
    return os.read(file, 1)
