"""How a page's blocks are run, in order and in one world: the reader's."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import json
import linecache
import os
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from tests.docs.commands import Shell, write
from tests.docs.pages import ROOT, Block

import aiorch
from aiorch.catalog import overrides
from aiorch.plugins import GROUPS
from aiorch.providers import SPECS
from aiorch.routing.rules_file import read_rules
from aiorch.safety.policy import STAGES, read_policy
from aiorch.safety.rule_files import read_rules as guard_rules
from aiorch.settings import Settings
from aiorch.workflow import load


class Wrong(Exception):
    """A block does not do what its page says. The place is given where it is known better than by the block."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.line = line


class Page:
    """A reader who works through one page, in a folder that looks like the clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "page", "Path": Path}
        self.shell = Shell(folder)
        self.wrong: list[str] = []

    def read(self, blocks: Iterable[Block]) -> list[str]:
        """Run them. :returns: what is wrong, each with page and line."""
        with asyncio.Runner() as loop, patch.dict(os.environ):
            self._loop = loop
            for block in blocks:
                if not block.not_run:
                    self._one(block)
            for value in list(self.names.values()):
                if isinstance(value, aiorch.Orchestrator):
                    loop.run(value.aclose())
        return self.wrong

    def _one(self, block: Block) -> None:
        run = RUN.get(block.language)
        if run is None:
            self.wrong.append(
                f"{block.place}: {block.language!r} is no language of these pages: {', '.join(RUN)}"
            )
            return
        try:
            if block.given:
                self._python(block.given, Block(block.page, block.line, "python", block.given))
            if block.title:
                write(self.folder / block.title, block.code)
            run(self, block)
        except Wrong as wrong:
            place = f"{block.page}:{wrong.line}" if wrong.line else block.place
            self.wrong.append(f"{place}: {wrong}")
        except Exception as error:
            self.wrong.append(f"{block.place}: {type(error).__name__}: {error}")

    # --- Python --------------------------------------------------------------------------------------------------

    def python(self, block: Block) -> None:
        """In the names of the page; tests and titled files each by themselves."""
        tree = ast.parse(block.code)
        if any(
            isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name[:5] == "test_" for n in tree.body
        ):
            self._tests(block)
            return
        said = self._python(
            block.code, block, {"__name__": Path(block.title).stem} if block.title else self.names
        )
        lines = iter(said.splitlines())
        for promise in (line.partition("#> ")[2] for line in block.code.splitlines() if "#> " in line):
            if promise not in lines:
                raise Wrong(f"the page promises the output {promise!r}, in this order; it was:\n{said}")

    def _python(self, code: str, block: Block, names: dict[str, Any] | None = None) -> str:
        shown = f"<{block.place}>"
        linecache.cache[shown] = (len(code), None, code.splitlines(keepends=True), shown)
        names = self.names if names is None else names
        out = io.StringIO()
        raised = None
        try:
            compiled = compile(code, shown, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            with contextlib.redirect_stdout(out):
                # Not while the page's own loop runs: a block may have an asyncio.run() of its own.
                made = eval(compiled, names)
                if inspect.iscoroutine(made):
                    self._loop.run(_whole(made))
        except (Exception, SystemExit) as error:
            raised = error
        if type(raised).__name__ == block.raises:
            return out.getvalue()
        if raised is None and block.raises:
            raise Wrong(f"the page says that this raises {block.raises}, and nothing was raised")
        if raised is not None:
            at = [
                frame.lineno or 1
                for frame in traceback.extract_tb(raised.__traceback__)
                if frame.filename == shown
            ]
            at = at or ([raised.lineno or 1] if isinstance(raised, SyntaxError) else [1])
            raise Wrong(f"{type(raised).__name__}: {raised}", block.line + at[-1] - 1) from raised
        return out.getvalue()

    def _tests(self, block: Block) -> None:
        path = self.folder / (block.title or f"test_line_{block.line}.py")
        write(path, block.code)
        quietly = ("-q", "--no-header", "-p", "no:cacheprovider", "-c", os.devnull)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *quietly, str(path.relative_to(self.folder))],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), *sys.path])},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Wrong(f"pytest says:\n{done.stdout}{done.stderr}")

    # --- commands ------------------------------------------------------------------------------------------------

    def sh(self, block: Block) -> None:
        """Each line is a command; the last one ends with what the page says, the others with 0."""
        commands = self.shell.commands(block.code)
        for number, (line, command) in enumerate(commands, 1):
            self._command(block, line, command, block.exits if number == len(commands) else 0)

    def console(self, block: Block) -> None:
        """``$ command``, and below it what it writes (``...`` stands for anything)."""
        lines = block.code.splitlines()
        starts = [n for n, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            said = self._command(block, start, lines[start][2:], block.exits if end == len(lines) else 0)
            wanted = "".join(f"{line}\n" for line in lines[start + 1 : end])
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            if wanted and not doctest.OutputChecker().check_output(wanted, said, flags):
                raise Wrong(f"the page shows another output than this:\n{said}", block.line + start + 1)

    def _command(self, block: Block, line: int, command: str, code: int) -> str:
        ended, said = self.shell.run(command)
        if ended != code:
            raise Wrong(
                f"`{command}` ends with {ended}, the page says {code}:\n{said[-600:]}", block.line + line
            )
        return said

    # --- data ----------------------------------------------------------------------------------------------------

    def toml(self, block: Block) -> None:
        """By its tables: corrections of models, routing rules, a guard policy, a package, or else settings."""
        data = tomllib.loads(block.code)
        if "models" in data:
            overrides.read(block.code, block.place, SPECS)
        elif data.keys() & {"rules", "pools"}:
            read_rules(block.code, block.place)
        elif data.keys() & {"base", "style", "spotlight", *STAGES}:
            read_policy(data, block.place)
        elif data.keys() & {"rule", "drops"}:
            guard_rules({block.place: block.code})
        elif data.keys() & {"project", "build-system"}:
            for group in data.get("project", {}).get("entry-points", {}):
                if group.startswith("aiorch.") and group not in GROUPS:
                    raise Wrong(f"{group} is no entry-point group; those are {', '.join(GROUPS)}")
        elif not block.title.endswith("pyproject.toml"):
            Settings(**data)

    def json(self, block: Block) -> None:
        """It is JSON."""
        json.loads(block.code)

    def yaml(self, block: Block) -> None:
        """It is YAML, and a workflow where it has tasks."""
        data = yaml.safe_load(block.code)
        if isinstance(data, dict) and "tasks" in data:
            path = self.folder / (block.title or f"line_{block.line}.yaml")
            write(path, block.code)
            load(path)

    def dotenv(self, block: Block) -> None:
        """The settings understand it."""
        (self.folder / ".env").write_text(block.code, encoding="utf-8")
        Settings.load()
        (self.folder / ".env").unlink()

    def text(self, block: Block) -> None:
        """A drawing, or output that differs from day to day."""


async def _whole(made: Any) -> None:
    await made


RUN: dict[str, Callable[[Page, Block], None]] = {
    name: getattr(Page, name)
    for name in ("python", "sh", "console", "toml", "json", "yaml", "dotenv", "text")
}
"""What is done with a block, by its language."""
