"""Commands of the pages: aiorch's own run in this process, of others only what they name is looked for."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import runpy
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner
from tests.docs.pages import ROOT

from aiorch.cli import app

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
TRUSTED = frozenset(["cd", "export", "source", "git", "mkdir", "ls", "cat", "echo", "uv", "for"])
"""Programs of others, which the pages use as everybody knows them."""


def write(path: Path, text: str) -> None:
    """Write a file of the page. :raises ValueError: for one that a link leads to in the clone itself."""
    if path.resolve().is_relative_to(ROOT):
        raise ValueError(f"{path} is a file of the clone: a page must not change it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Shell:
    """Understands as much of a shell as the pages use: pipes, redirections, variables before a command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commands(self, code: str) -> list[tuple[int, str]]:
        """Each with its line from 0; comments left out, continued lines joined."""
        found, held, start = list[tuple[int, str]](), "", 0
        for number, line in enumerate(code.splitlines()):
            start = start if held else number
            held += line
            if held.endswith("\\"):
                held = held[:-1]
                continue
            command = re.sub(r"(^|\s+)#(\s.*|$)", "", held).strip()
            held = ""
            if command:
                found.append((start, command))
        return found

    def run(self, command: str) -> tuple[int, str]:
        """:returns: the exit code, and what was written: to standard output, or, where it failed, to both."""
        cut = shlex.shlex(re.sub(r"\$\([^)]*\)", "some text", command), posix=True, punctuation_chars="|>")
        cut.whitespace_split, cut.commenters = True, ""
        words = list(cut)
        said, code = "Some text.\n", 0
        for part in _parts(words, "|"):
            into = None
            for sign in (">", ">>"):
                if sign in part:
                    at = part.index(sign)
                    into, part = Path(part[at + 1]).expanduser(), part[:at]
            variables = {}
            while part and re.fullmatch(r"[A-Z_]+=.*", part[0]):
                name, _, value = part.pop(0).partition("=")
                variables[name] = value
            with patch.dict(os.environ, variables):
                code, said = self._one(part, said) if part else (0, "")
            if into is not None:
                write(into, said)
        return code, said

    def _one(self, words: list[str], stdin: str) -> tuple[int, str]:
        program, *rest = words
        name = Path(program).name
        if name == "aiorch" or (name.startswith("python") and rest[:2] == ["-m", "aiorch"]):
            words = rest[2:] if rest[:2] == ["-m", "aiorch"] else rest
            done = CliRunner().invoke(app, words, input=stdin, prog_name="aiorch")
            return done.exit_code, done.stdout if done.exit_code == 0 else done.output
        if name.startswith("python"):
            return self._python(rest)
        if name in ("pip", "pytest"):
            return self._python(["-m", name, *rest])
        if name == "sh":
            program = rest[0]
        if "/" in program:
            return _there(os.access(ROOT / program, os.X_OK), f"there is no program {program}")
        if name == "cp":
            source = self.folder / rest[0]
            return _there(
                source.exists() and bool(shutil.copy(source, self.folder / rest[1])), f"no {rest[0]}"
            )
        return _there(name in TRUSTED, f"nobody here knows the program {name!r}")

    def _python(self, words: list[str]) -> tuple[int, str]:
        if words[:1] == ["-m"]:
            module, rest = words[1], words[2:]
            if module == "discover_all_models":
                return _ran(lambda: runpy.run_module(module, run_name="__main__"), [module, *rest])
            if module == "pip":
                return _pip(rest)
            paths = (
                [w.partition("::")[0] for w in rest if "/" in w or w.endswith(".py")]
                if module == "pytest"
                else []
            )
            missing = [p for p in paths if not (self.folder / p).exists()]
            return _there(not missing and _known(module), f"no {missing or module}")
        path = self.folder / words[0]
        if path.exists() and (path.parent == self.folder or words[0].startswith("examples/")):
            return _ran(lambda: runpy.run_path(str(path), run_name="__main__"), words)
        return _there(path.exists(), f"there is no file {words[0]}")


def _known(module: str) -> bool:
    """Whether it is here, or comes with an extra that may not be installed now."""
    of_extras = (re.match(r"[\w-]+", wanted) for extra in EXTRAS.values() for wanted in extra)
    return importlib.util.find_spec(module) is not None or module in {one[0] for one in of_extras if one}


def _parts(words: list[str], sign: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == sign:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _ran(run: Callable[[], object], words: list[str]) -> tuple[int, str]:
    out = io.StringIO()
    with patch.object(sys, "argv", words), contextlib.redirect_stdout(out):
        try:
            run()
        except SystemExit as ended:
            return (ended.code if isinstance(ended.code, int) else 1 if ended.code else 0), out.getvalue()
    return 0, out.getvalue()


def _pip(words: list[str]) -> tuple[int, str]:
    for one in words:
        wanted = re.fullmatch(r"(\.|aiorch-sdk)\[([\w,]+)\]", one)
        strangers = [] if wanted is None else [e for e in wanted[2].split(",") if e not in EXTRAS]
        if strangers:
            return 1, f"there is no extra {strangers}"
        if one.endswith(".txt") and not (ROOT / one).exists():
            return 1, f"there is no file {one}"
    return _there("aiorch" not in words, "the distribution aiorch is somebody else's")


def _there(true: bool, otherwise: str) -> tuple[int, str]:
    return (0, "") if true else (127, otherwise)
