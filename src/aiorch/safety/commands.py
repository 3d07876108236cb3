"""A whole command line in an argument: which programs would run? Read by tree-sitter-bash where that is
installed, by shlex where it is not; never run.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiorch.safety.detection import Finding

MOST = 20_000
"""Characters; a longer command line is not read but reported."""
RUNNERS = frozenset(
    {
        *("sudo", "doas", "env", "nohup", "nice", "time", "timeout", "xargs"),
        *("exec", "command", "builtin", "setsid", "stdbuf", "watch", "chroot"),
    }
)
"""Programs that run the program behind them."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a command line would do."""

    programs: tuple[str, ...]
    """The first words of its commands, in order; ``$`` stands for one that only running it shows."""
    substitutes: bool = False
    """Whether the output of a command takes a place in it."""
    redirects: bool = False
    """Whether something is written to a file."""


def read(command: str) -> Line | None:
    """What ``command`` would do; ``None`` where it cannot be read.

    >>> read("cat notes.txt | sort")
    Line(programs=('cat', 'sort'), substitutes=False, redirects=False)
    """
    try:
        import tree_sitter
        import tree_sitter_bash
    except ImportError:
        return _by_words(command)
    language = tree_sitter.Language(tree_sitter_bash.language())
    tree = tree_sitter.Parser(language).parse(command.encode("utf-8", "replace"))
    return None if tree.root_node.has_error else _by_tree(tree.root_node)


class ShellCommand:
    """Looks at a text that is a whole command line.

    :param programs: the only ones that it may run; ``None`` allows all that can be told.

    >>> ShellCommand(["ls", "sort"]).scan("ls -l | sort")
    []
    >>> [f.rule for f in ShellCommand(["ls"]).scan("ls; rm -rf ~")]
    ['shell.program']
    """

    name = "shell"

    def __init__(self, programs: Iterable[str] | None = None) -> None:
        self.programs = None if programs is None else frozenset(programs)

    def scan(self, text: str) -> list[Finding]:
        """What is wrong with it; spans are the whole text."""
        line = read(text) if len(text) <= MOST else None
        if line is None or "\0" in text:
            return [_finding(text, "unreadable", 0.8, "a command line that cannot be read")]
        found: list[Finding] = []
        if "$" in line.programs:
            found.append(_finding(text, "hidden_program", 0.9, "a program whose name only running it shows"))
        if self.programs is not None:
            others = [p for p in line.programs if p != "$" and p not in self.programs]
            if others:
                found.append(
                    _finding(
                        text, "program", 0.97, f"{others[0][:40]!r}, which is not among the allowed programs"
                    )
                )
            if line.substitutes:
                found.append(
                    _finding(text, "substitution", 0.8, "the output of a command takes a place in another")
                )
            if line.redirects:
                found.append(_finding(text, "redirection", 0.8, "output that is written to a file"))
        return found


def _by_tree(root: Any) -> Line:
    programs: list[str] = []
    substitutes = redirects = False
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        kind = node.type
        if kind == "command":
            programs.extend(
                _programs(
                    [
                        _word(part)
                        for part in node.children
                        if part.type not in ("variable_assignment", "file_redirect", "herestring_redirect")
                    ]
                )
            )
        elif kind in ("command_substitution", "process_substitution"):
            substitutes = True
        elif kind == "file_redirect":
            redirects = redirects or any(
                child.type in (">", ">>", ">|", "&>", "&>>", ">&") for child in node.children
            )
        elif kind == "function_definition":
            programs.append("$")
        waiting.extend(reversed(node.children))
    return Line(tuple(programs), substitutes, redirects)


def _word(node: Any) -> str:
    """A word as the shell would have it; with a ``$`` where that cannot be told."""
    text = (node.text or b"").decode("utf-8", "replace")
    if any(c in text for c in "$`*?[{"):
        return "$"
    try:
        return "".join(shlex.split(text))
    except ValueError:
        return "$"


def _by_words(command: str) -> Line | None:
    """By shlex: coarser, since it knows no substitutions inside of words; so any sign of one counts."""
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return None
    substitutes = "$(" in command or "`" in command or "<(" in command
    programs: list[str] = []
    redirects = False
    current: list[str] = []
    for word in [*words, ";"]:
        if word and set(word) <= set("();<>|&"):
            redirects = redirects or ">" in word
            if "<" in word or ">" in word:
                continue
            programs.extend(_programs(current))
            current = []
        elif not (current == [] and "=" in word and word.partition("=")[0].isidentifier()):
            current.append("$" if any(c in word for c in "$`*?[{") else word)
    return Line(tuple(programs), substitutes, redirects)


def _programs(words: list[str]) -> Iterator[str]:
    """A command's program, and the one that it runs where it is one that runs others."""
    for at, word in enumerate(words):
        yield word if word == "$" else word.rpartition("/")[2]
        if word.rpartition("/")[2] not in RUNNERS:
            return
        rest = words[at + 1 :]
        inner = [
            w
            for w in rest
            if not w.startswith("-") and not w.replace(".", "").rstrip("smhd").isdigit() and "=" not in w
        ]
        if inner:
            yield from _programs(inner)
        return


def _finding(text: str, rule: str, sure: float, what: str) -> Finding:
    return Finding(f"shell.{rule}", (0, len(text)), sure, what)
