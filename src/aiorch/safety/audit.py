"""The record of what was done: one JSON object a line, in one file a day, appended and never changed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring
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
    :meth:`append` is called on the event loop. The file stays open; one that was deleted is begun again with the next
    record, one that was renamed within a second.

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
        self._open: _Opened | None = None
        self._second: tuple[int, str] = (-1, "")
        self._one_at_a_time = threading.Lock()

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
        record["at"] = self._time(now)
        record["event"] = event
        line = self._redact(canonical(record)).encode()
        try:
            with self._one_at_a_time:
                self._write(now, line)
        except OSError as fault:
            self._failed(fault)

    def close(self) -> None:
        """Let go of the file. A later record opens it anew."""
        with self._one_at_a_time:
            self._let_go()

    def __del__(self) -> None:
        self._let_go()

    def _time(self, now: float) -> str:
        second = int(now)
        micros = round((now - second) * 1_000_000)
        known, written = self._second
        if second != known:
            written = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
            self._second = second, written
        return f"{written}.{min(micros, 999_999):06d}Z"

    def _file(self, now: float) -> Path:
        return self.folder / f"audit-{datetime.fromtimestamp(now, UTC):%Y-%m-%d}.jsonl"

    def _write(self, now: float, line: bytes) -> None:
        mine, size = self._ready(now)
        # A line that a full disk cut off stays alone: the next record begins on a line of its own. Nothing is looked at
        # where the file ends as the last record here left it.
        whole = size in (0, mine.left_at) or _last_byte(mine.file, size) == b"\n"
        data = line + b"\n" if whole else b"\n" + line + b"\n"
        mine.left_at = -1
        written = os.write(mine.file, data)
        while written < len(data):
            written += os.write(mine.file, data[written:])
        mine.left_at = size + written
        if not _STAYS_OPEN:
            self._let_go()

    def _ready(self, now: float) -> tuple[_Opened, int]:
        """Today's file, open, and its size."""
        day = int(now // 86_400)
        if (mine := self._open) is not None:
            here = os.fstat(mine.file)
            if mine.day == day and here.st_nlink and mine.is_still_there(int(now)):
                return mine, here.st_size
            self._let_go()
        path = self._file(now)
        try:
            file = _opened(path)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = _opened(path)
        here = os.fstat(file)
        self._open = _Opened(day, path, file, (here.st_dev, here.st_ino), int(now))
        return self._open, here.st_size

    def _let_go(self) -> None:
        mine, self._open = self._open, None
        if mine is not None:
            os.close(mine.file)

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


@dataclass(slots=True)
class _Opened:
    day: int
    """Days since 1970."""
    path: Path
    file: int
    identity: tuple[int, int]
    """Device and number of the file, which another one under the same name does not have."""
    looked: int
    """When its name was last looked up, whole epoch seconds."""
    left_at: int = -1
    """Its size after the last whole record of this process."""

    def is_still_there(self, second: int) -> bool:
        """Whether it is still the one under its name, as of this second: looking costs as much as writing. A record
        that is written just after the file was renamed stands in the renamed one.
        """
        if second != self.looked:
            try:
                there = self.path.stat()
            except FileNotFoundError:
                return False
            if (there.st_dev, there.st_ino) != self.identity:
                return False
            self.looked = second
        return True


_STAYS_OPEN = os.name == "posix"
"""Elsewhere an open file can be neither renamed nor deleted."""


def canonical(record: Mapping[str, Any]) -> str:
    """``record`` in the one way to write it as JSON: sorted, compact, without ``NaN``.

    >>> canonical({"b": Path("/tmp"), "a": (1, None)})
    '{"a":[1,null],"b":"/tmp"}'
    """
    names = _headed(tuple(record))
    if names is None:
        return _whole(record)
    parts: list[str] = []
    for name, head in names:
        value: object = record[name]
        # Nearly all are texts and numbers, and setting up a JSON encoder costs more than writing them.
        if type(value) is str:
            written = encode_basestring(value)
        elif type(value) is int or (type(value) is float and math.isfinite(value)):
            written = repr(value)
        elif type(value) is bool:
            written = "true" if value else "false"
        else:
            written = _whole(value)
        parts.append(head + written)
    return _utf8("{" + ",".join(parts) + "}")


@lru_cache(maxsize=256)
def _headed(names: tuple[object, ...]) -> tuple[tuple[str, str], ...] | None:
    """Sorted, each with how it is written before its value: records of one event have the same names. ``None`` where
    one is no text.
    """
    if not all(type(name) is str for name in names):
        return None
    return tuple((name, f"{encode_basestring(name)}:") for name in sorted(cast("tuple[str, ...]", names)))


def _whole(value: object) -> str:
    try:
        return _dumped(value)
    except ValueError:  # NaN or infinity: no JSON has them
        return _dumped(_finite(value))


def _dumped(record: object) -> str:
    return _utf8(_encode(record))


def _utf8(text: str) -> str:
    # Half a surrogate pair becomes the escape that JSON has for it.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> object:
    if isinstance(value, set | frozenset):
        return sorted(map(str, cast("set[Any]", value)))
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else str(value)


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


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


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)


def _last_byte(file: int, size: int) -> bytes:
    os.lseek(file, size - 1, os.SEEK_SET)  # where O_APPEND writes does not depend on it
    return os.read(file, 1)
