"""What a GGUF file says of itself, read without the engine.

The engine answers every bad file with the same sentence, so this reads the header first and can say which: no GGUF at
all, cut off, from a newer format, or a base model that was never taught to converse. Format: ggml's ``docs/gguf.md``,
versions 2 and 3.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from aiorch.errors import LocalModelError

MAGIC = b"GGUF"
VERSIONS = (2, 3)

_FIXED = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_DEEPEST = 4  # arrays in arrays: the format allows any depth, no model uses one

# Numbers per block and bytes per block of the tensor types in use (ggml.h); another type counts as 0 bytes, so that a
# file of a new type is left for the engine to judge.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 30: (1, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """What matters of a model file's header."""

    architecture: str
    name: str | None
    context: int | None
    """The longest context that the model was trained for, tokens."""
    parameters: int
    """Number of weights."""
    chat_template: bool
    """Whether it knows how a conversation is written; a base model does not."""
    size: int
    """How many bytes the file must have, at least."""


def read_header(path: Path) -> Header:
    """Read and check the header of ``path``.

    :raises LocalModelError: when the file is missing, no GGUF file, damaged, cut off, or of another version.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 24:
                raise _not_a_model(path, f"it has only {size} bytes")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                header = _Reader(data, path).header()
    except OSError as error:
        raise LocalModelError(
            f"the model file {path} cannot be read: {error.strerror or error}. Give the path of a GGUF file, "
            "or install a known model: aiorch local install"
        ) from error
    if header.size > size:
        raise LocalModelError(
            f"the model file {path} is cut off: it has {size:,} bytes and its header speaks of {header.size:,}. "
            "Download it again."
        )
    return header


def _not_a_model(path: Path, why: str) -> LocalModelError:
    return LocalModelError(
        f"{path} is not a usable GGUF model file: {why}. Download it again, or choose another file."
    )


class _Reader:
    """A position in the file; every step checks that it stays inside."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = 0
        self._end = len(data)

    def header(self) -> Header:
        if self._data[:4] != MAGIC:
            raise _not_a_model(self._path, f"it begins with {bytes(self._data[:4])!r} instead of {MAGIC!r}")
        self._at = 4
        version = self._integer("<I")
        if version not in VERSIONS:
            raise _not_a_model(
                self._path, f"it is of format version {version}, and only {VERSIONS} are known"
            )
        tensors, entries = self._integer("<Q"), self._integer("<Q")
        facts: dict[str, object] = {}
        for _ in range(entries):
            key = self._string()
            facts[key] = self._value(self._integer("<I"))
        parameters, furthest = self._tensors(tensors)
        alignment = facts.get("general.alignment")
        step = alignment if isinstance(alignment, int) and alignment > 0 else 32
        start = math.ceil(self._at / step) * step
        architecture = str(facts.get("general.architecture", "unknown"))
        context, name = facts.get(f"{architecture}.context_length"), facts.get("general.name")
        return Header(
            architecture=architecture,
            name=name if isinstance(name, str) else None,
            context=context if isinstance(context, int) else None,
            parameters=parameters,
            chat_template=bool(facts.get("tokenizer.chat_template")),
            size=start + furthest,
        )

    def _tensors(self, count: int) -> tuple[int, int]:
        """How many numbers the tensors hold together, and where the last of them ends within the data."""
        parameters = furthest = 0
        for _ in range(count):
            self._string()
            numbers = math.prod(self._integer("<Q") for _ in range(self._integer("<I")))
            per_block, block = _BLOCKS.get(self._integer("<I"), (1, 0))
            parameters += numbers
            furthest = max(furthest, self._integer("<Q") + numbers // per_block * block)
        return parameters, furthest

    def _value(self, kind: int, depth: int = 0) -> object:
        if kind in _FIXED:
            return self._fixed(_FIXED[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY or depth > _DEEPEST:
            raise _not_a_model(self._path, f"its header holds a value of unknown kind {kind}")
        of, count = self._integer("<I"), self._integer("<Q")
        if of in _FIXED:
            self._skip(count * struct.calcsize(_FIXED[of]))
        elif of == _STRING:
            for _ in range(
                count
            ):  # a vocabulary: 50,000 to 300,000 words, of which only the lengths are read
                self._skip(self._integer("<Q"))
        else:
            for _ in range(count):
                self._value(of, depth + 1)
        return None

    def _fixed(self, layout: str) -> object:
        at = self._at
        self._skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self._data, at)[0]

    def _integer(self, layout: str) -> int:
        at = self._at
        self._skip(8 if layout == "<Q" else 4)
        return int(struct.unpack_from(layout, self._data, at)[0])

    def _string(self) -> str:
        length = self._integer("<Q")
        at = self._at
        self._skip(length)
        return self._data[at : at + length].decode("utf-8", "replace")

    def _skip(self, length: int) -> None:
        self._at += length
        if self._at > self._end:
            raise _not_a_model(self._path, "its header is cut off or damaged")
