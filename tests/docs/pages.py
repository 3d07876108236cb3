"""The pages, and the blocks of code in them. How a page says what it wants of its blocks is told here, once.

A block is a fence. Comments right before it, which no reader sees, may say:

    <!-- not run: WHY -->             nobody runs it, for a reason that a reader would accept
    <!-- given: PYTHON -->            what has to be there before it: files, names
    <!-- raises: NAME -->             it ends with this error
    <!-- exits with N: WHY -->        its last command does

``title="PATH"`` after the language makes it a file of that name, which commands of the same page may use. In Python,
``print(...)  #> text`` promises a line of output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "examples/*.md",
        "scripts/*.md",
        "benchmarks/*.md",
        ".github/**/*.md",
    )
    for page in ROOT.glob(pattern)
)

FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$")
COMMENT = re.compile(
    r"^ *<!--\s*(?P<kind>not run|given|raises|exits with (?P<code>\d+)):\s*(?P<text>.*?)\s*-->", re.S | re.M
)


@dataclass(frozen=True)
class Block:
    """A fence of a page, with what the page says of it."""

    page: str
    """The path from the root of the clone."""
    line: int
    """The line of its first line of code, from 1."""
    language: str
    code: str
    title: str = ""
    given: str = ""
    raises: str = ""
    exits: int = 0
    not_run: str = ""

    @property
    def place(self) -> str:
        """Where it is, as editors and terminals understand it."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every fence of a page, in order."""
    return read(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())


def read(text: str, page: str) -> list[Block]:
    """Every fence of a text."""
    found, lines, at, said_from = list[Block](), text.splitlines(), 0, 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if opening is None:
            at += 1
            continue
        indent, mark = len(opening["indent"]), opening["mark"]
        end = at + 1
        while end < len(lines) and lines[end].strip() != mark:
            end += 1
        code = "".join(
            f"{line[indent:] if not line[:indent].strip() else line}\n" for line in lines[at + 1 : end]
        )
        language, _, rest = opening["info"].strip().partition(" ")
        title = re.search(r'title="([^"]+)"', rest)
        block = Block(page, at + 2, language, code, title[1] if title else "")
        found.append(_wished(block, "\n".join(lines[said_from:at])))
        at = said_from = end + 1
    return found


def prose(text: str) -> str:
    """A page without its fences, inline code and comments; as many lines as before."""
    out, mark = list[str](), ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if mark:
            mark = "" if line.strip() == mark else mark
            out.append("")
        elif fence:
            mark = fence["mark"]
            out.append("")
        else:
            out.append(line)
    bare = re.sub(r"<!--.*?-->", lambda m: "\n" * m[0].count("\n"), "\n".join(out), flags=re.S)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", bare)


def _wished(block: Block, before: str) -> Block:
    """With what the comments say between which and the fence there is nothing else."""
    tail = re.search(r"(?:\s*<!--(?:(?!-->).)*-->)+\s*\Z", before, re.S)
    for comment in COMMENT.finditer(tail[0] if tail else ""):
        text = comment["text"]
        match comment["kind"].split():
            case ["not", _]:
                block = replace(block, not_run=text)
            case ["given"]:
                block = replace(block, given=text)
            case ["raises"]:
                block = replace(block, raises=text)
            case _:
                block = replace(block, exits=int(comment["code"]))
    return block
