"""The note beside a weights file: where it came from, its licence, how it looked when its hash was checked."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from aiorch.errors import LocalModelError
from aiorch.providers.local.known import KnownModel

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """The content of ``NAME.gguf.json``."""

    name: str
    source: str
    licence: str
    sha256: str
    size: int
    installed_at: str
    """Date and time, UTC, ISO 8601."""
    modified_ns: int
    """The file's own time stamp: while it and the size are the same, the hash is not computed again."""


def record_path(model: Path) -> Path:
    """Where the note of a weights file lies."""
    return model.with_name(model.name + ".json")


def make_record(model: Path, row: KnownModel, *, now: float) -> Record:
    """The note for a file whose hash has just been checked. ``now`` in epoch seconds."""
    stat = model.stat()
    return Record(
        name=row.name,
        source=str(row.source),
        licence=row.licence,
        sha256=row.sha256,
        size=stat.st_size,
        installed_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        modified_ns=stat.st_mtime_ns,
    )


def write_record(model: Path, record: Record) -> None:
    """Keep the note, whole or not at all. :raises OSError: when the folder cannot be written."""
    path = record_path(model)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


def read_record(model: Path) -> Record | None:
    """The note beside ``model``; ``None`` where there is none, or it cannot be understood."""
    try:
        fields: Any = json.loads(record_path(model).read_text(encoding="utf-8"))
        record = Record(**cast("dict[str, Any]", fields))
    except (OSError, ValueError, TypeError):
        return None
    texts = (record.name, record.source, record.licence, record.sha256, record.installed_at)
    numbers = (record.size, record.modified_ns)
    understood = all(type(t) is str for t in texts) and all(type(n) is int for n in numbers)
    return record if understood else None


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def verify(model: Path, expected: str | None = None) -> None:
    """Make sure that ``model`` is still the file whose hash was checked.

    Cheap while its size and time stamp are those of the note beside it.

    :param expected: the SHA-256 it must have where there is no note beside it; ``None`` lets any file pass.
    :raises LocalModelError: when the content is another, or the file cannot be read.
    """
    record = read_record(model)
    if record is not None and expected is None:
        expected = record.sha256
    if expected is None:
        return
    try:
        stat = model.stat()
        stamp = (expected, stat.st_size, stat.st_mtime_ns)
        if record and stamp == (record.sha256, record.size, record.modified_ns):
            return
        actual = file_sha256(model)
    except OSError as error:
        raise LocalModelError(f"the model file {model} cannot be read: {error.strerror or error}") from error
    if actual != expected:
        raise LocalModelError(
            f"{model} is not the file that was installed: its SHA-256 is {actual}, expected {expected}. "
            "Remove it and install it again: aiorch local install"
        )
    if record and record.sha256 == expected:
        _restamp(model, replace(record, size=stat.st_size, modified_ns=stat.st_mtime_ns))


def _restamp(model: Path, record: Record) -> None:
    try:
        write_record(model, record)
    except OSError:  # a folder that is read only now: the hash is computed again next time
        return
