"""A digest of text files: what each one is, what it is about, and two sentences on what it says.

    aiorch run examples/digest.py notes.txt letters/ --out digest.md

Every file is read, split where it is longer than a model can take at once, and asked about in parallel: once for a
record that a JSON schema holds in shape, once for a summary. A file that cannot be read is named with the reason, and
the others are done.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

import aiorch

SAMPLES = [Path(__file__).parent / "texts"]
"""What is read when nothing else is named."""

MOST_BYTES = 1_000_000
"""A larger file is a book or a log, not a text for a digest."""

MOST_PARTS = 4
"""Parts of one file that models are asked about; the record says how much of the file they cover."""

OVERLAP = 200
"""Characters that neighbouring parts share, so that no sentence is lost between them."""

ANSWER, FRAME, CHARS_PER_TOKEN = 400, 300, 3
"""Tokens kept free for the answer and for the instructions; 3 characters a token is a cautious guess."""


PATIENCE = 3600.0
"""Seconds for one question. A model on this machine answers one after the other, so the last of many waits for all."""


class Record(BaseModel):
    """What a text is."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Literal["ticket", "release note", "recipe", "meeting", "bug report", "letter", "other"]
    topics: Annotated[list[Annotated[str, Field(min_length=1, max_length=30)]], Field(max_length=5)]


@dataclass(frozen=True)
class Document:
    """A text file."""

    path: Path
    text: str


@dataclass(frozen=True)
class Part:
    """A piece of a document that fits a model."""

    file: int
    """Which document, counted over all that were given."""
    label: str
    text: str
    begin: int
    end: int


flow = aiorch.Workflow("digest")
calm = aiorch.Parameters(
    temperature=0, max_tokens=ANSWER
)  # at temperature 0 a second run is answered from the cache


@flow.task
def target(out: Path = Path("digest.md")) -> Path:
    """Where the digest goes; found out before any model works for nothing."""
    path = Path(out).absolute()
    if path.is_dir():
        raise aiorch.InputError(f"{path} is a folder: name the file that the digest should go to")
    if not path.parent.is_dir():
        raise aiorch.InputError(f"there is no folder {path.parent}: make it, or name another file with --out")
    if not os.access(path.parent, os.W_OK):
        raise aiorch.InputError(f"{path.parent} cannot be written to: name another file with --out")
    return path


@flow.task
def files(paths: list[Path] = SAMPLES) -> list[Path]:
    """The files named, and those in the folders named, each once."""
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        inside = _visible(path) if path.is_dir() else []
        found.update(dict.fromkeys(inside or [path]))
    return list(found)


def read(path: Path) -> Document:
    """A text file's text, or the reason why there is none."""
    if path.is_dir():
        empty = _listable(path) is not None
        raise aiorch.InputError(
            "no file in this folder can be read" if empty else "this folder cannot be opened"
        )
    if not path.exists():
        raise aiorch.InputError("there is no such file")
    if not path.is_file():
        raise aiorch.InputError("not a regular file")
    size = path.stat().st_size
    if size > MOST_BYTES:
        most = f"{MOST_BYTES / 1e6:g} MB"
        raise aiorch.InputError(f"{size / 1e6:.1f} MB is too large, the most is {most}: cut out what matters")
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise aiorch.InputError(f"cannot be read: {wrong.strerror}") from wrong
    if b"\0" in data:
        raise aiorch.InputError("binary, not text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise aiorch.InputError(f"not UTF-8 text (byte {wrong.start}); save it as UTF-8") from wrong
    if not text.strip():
        raise aiorch.InputError("empty")
    return Document(path, text)


@flow.task(after=["target"])
async def parts(texts: list[Document | Exception], files: list[Path], ai: aiorch.Orchestrator) -> list[Part]:
    """Every text in pieces that fit the model that will be asked."""
    if files and all(isinstance(text, Exception) for text in texts):
        reasons = "".join(f"\n  - {path}: {why}" for path, why in zip(files, texts, strict=True))
        raise aiorch.InputError(f"none of the {len(files)} files could be read:{reasons}")
    tokens = await ai.context_window()
    room = max(600, (tokens - ANSWER - FRAME) * CHARS_PER_TOKEN)
    return [
        part
        for number, text in enumerate(texts)
        if isinstance(text, Document)
        for part in split(number, text, room)
    ]


def split(number: int, document: Document, room: int) -> list[Part]:
    """A document in pieces of at most ``room`` characters, cut at a line or a word where there is one near the end."""
    text, begin, found = document.text.strip(), 0, list[Part]()
    while begin < len(text) and len(found) < MOST_PARTS:
        end = min(begin + room, len(text))
        if end < len(text):
            late = begin + room * 3 // 4
            end = max(text.rfind("\n", late, end), text.rfind(" ", late, end)) + 1 or end
        label = (
            document.path.name if not found and end == len(text) else f"{document.path.name} {len(found) + 1}"
        )
        found.append(Part(number, label, text[begin:end].strip(), begin, end))
        if end == len(text):
            break
        begin = max(end - OVERLAP, begin + 1)
    return found


flow.add("texts", read).map(path="files", on_error="collect", label="{path.name}")

flow.ask(
    "record",
    "{part.text}\n\n---\nWhat is the text above? Give its title, its kind and up to five topics.",
    output=Record,
    parameters=calm,
    timeout=PATIENCE,
).map(part="parts", on_error="collect", label="{part.label}")

flow.ask(
    "summary",
    "{part.text}\n\n---\nIn two sentences, the text above says that",
    parameters=calm,
    timeout=PATIENCE,
).map(part="parts", on_error="collect", label="{part.label}")


@flow.task
def digest(
    target: Path,
    files: list[Path],
    texts: list[Document | Exception],
    parts: list[Part],
    record: list[Record | Exception],
    summary: list[str | Exception],
    run: aiorch.Run,
) -> Path:
    """One Markdown file from all answers; written beside its place and moved there, so that it is never half there."""
    failed = [answer for answer in (*record, *summary) if isinstance(answer, Exception)]
    if len(failed) == len(record) + len(summary):
        raise failed[0]
    models = [_who(run, i) for i in range(len(parts))]
    sections = [
        _section(
            path, text, [i for i, part in enumerate(parts) if part.file == n], parts, record, summary, models
        )
        for n, (path, text) in enumerate(zip(files, texts, strict=True))
        if isinstance(text, Document)
    ]
    unread = [
        f"- `{path}`: {text}" for path, text in zip(files, texts, strict=True) if isinstance(text, Exception)
    ]
    blocks = [f"# Digest of {len(sections)} {'text' if len(sections) == 1 else 'texts'}", *sections]
    if unread:
        blocks.append("\n".join(["## Not read", "", *unread]))
    _write(target, "\n\n".join(blocks) + "\n")
    return target


def covered(document: Document, pieces: Sequence[Part]) -> float:
    """The share of a text's characters that some part holds; 1.0 is all of it."""
    reached, seen = 0, 0
    for piece in pieces:
        seen += piece.end - max(piece.begin, reached)
        reached = piece.end
    return seen / len(document.text.strip())


def two_sentences(text: str) -> str:
    """The first two sentences of an answer; ``[...]`` where the model went on, as small ones do."""
    sentences = re.split(r"(?<=[.!?])\s+", _line(text))
    return " ".join(sentences[:2]) + (" [...]" if len(sentences) > 2 else "")


def _section(
    path: Path,
    document: Document,
    mine: Sequence[int],
    parts: Sequence[Part],
    record: Sequence[Record | Exception],
    summary: Sequence[str | Exception],
    models: Sequence[str],
) -> str:
    records = [r for r in (record[i] for i in mine) if isinstance(r, Record)]
    said = [s if isinstance(s, Exception) else two_sentences(s) for s in (summary[i] for i in mine)]
    share = covered(document, [parts[i] for i in mine])
    whole = "whole text" if share == 1 else f"{share:.0%} of the text, in {len(mine)} parts"
    if records:
        title = _line(records[0].title)
        kind = Counter(r.kind for r in records).most_common(1)[0][0]
        topics = list(dict.fromkeys(_line(t) for r in records for t in r.topics if t.strip()))[:5]
        facts = [f"- **Kind**: {kind}", f"- **Topics**: {', '.join(topics) or 'none given'}"]
    else:
        title = path.name
        facts = [f"- **No record**: {_line(str(record[mine[0]]))}"]
    told = [f"(no summary: {_line(str(s))})" if isinstance(s, Exception) else s for s in said]
    return "\n".join(
        [
            f"## {title}",
            "",
            f"- **File**: `{path}`",
            *facts,
            f"- **Covered**: {whole}",
            f"- **Model**: {', '.join(dict.fromkeys(models[i] for i in mine))}",
            "",
            "\n".join(told),
        ]
    )


def _who(run: aiorch.Run, item: int) -> str:
    """Who answered about a part, and whether that one should be believed."""
    names: list[str] = []
    for task in ("record", "summary"):
        outcomes = run.outcomes[task]
        outcome = outcomes[item] if isinstance(outcomes, list) else outcomes
        if outcome is not None:
            names.append(f"{outcome.model}{' (demo model: often wrong)' if outcome.demo else ''}")
    return ", ".join(dict.fromkeys(names)) or "nobody answered"


def _line(text: str) -> str:
    return " ".join(text.split())


def _visible(folder: Path) -> list[Path]:
    return [path for path in _listable(folder) or () if path.is_file() and not path.name.startswith(".")]


def _listable(folder: Path) -> Iterable[Path] | None:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return None


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", text=True)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        beside.chmod(0o644)  # mkstemp keeps the file to its owner; a digest is an ordinary file
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
