"""Small GGUF files, written by the format's description and not by the code under test."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
NUMBERS = {"u8": (0, "<B"), "u32": (4, "<I"), "f32": (6, "<f"), "bool": (7, "<?"), "u64": (10, "<Q")}


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, value: Any) -> bytes:
    return text(key) + typed(value)


def typed(value: Any) -> bytes:
    kind, body = kind_and_body(value)
    return struct.pack("<I", kind) + body


def kind_and_body(value: Any) -> tuple[int, bytes]:
    """A string, a list, or a pair such as ``("u32", 7)``."""
    if isinstance(value, str):
        return 8, text(value)
    if isinstance(value, list):
        kinds = [kind_and_body(v) for v in value]
        return 9, struct.pack("<IQ", kinds[0][0] if kinds else 4, len(value)) + b"".join(b for _, b in kinds)
    kind, layout = NUMBERS[value[0]]
    return kind, struct.pack(layout, value[1])


def gguf(
    path: Path,
    *,
    entries: dict[str, Any] | None = None,
    tensors: Sequence[tuple[str, Sequence[int], int, int]] = (("w", (8, 4), 0, 0),),
    data: int = 128,
    version: int = 3,
    magic: bytes = b"GGUF",
    alignment: int = 32,
) -> Path:
    """Write a file. A tensor is (name, dimensions, type, offset); ``data`` is how many bytes follow the header."""
    if entries is None:
        entries = chat_entries()
    head = magic + struct.pack("<IQQ", version, len(tensors), len(entries))
    head += b"".join(entry(k, v) for k, v in entries.items())
    for name, dimensions, kind, offset in tensors:
        head += text(name) + struct.pack("<I", len(dimensions))
        head += b"".join(struct.pack("<Q", d) for d in dimensions) + struct.pack("<IQ", kind, offset)
    head += b"\0" * (-len(head) % alignment)
    path.write_bytes(head + b"\1" * data)
    return path


def chat_entries(**more: Any) -> dict[str, Any]:
    return {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "llama.context_length": ("u32", 2048),
        "tokenizer.ggml.tokens": ["a", "b", "é"],
        "tokenizer.ggml.scores": [("f32", 0.5), ("f32", 1.5)],
        "tokenizer.chat_template": TEMPLATE,
        **more,
    }
