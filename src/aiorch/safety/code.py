"""Python in an argument that will be run: what would it reach for? Read by ``ast``, never run.

Nothing here makes code safe to run: only a sandbox does. It names what stands in it, so that a policy can
refuse or ask.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from aiorch.safety.detection import Finding

LONGEST = 200_000
"""Characters; more is not read but reported."""

Reach = tuple[str, float, str]
"""A rule, how sure it is, and what it says."""


def _rows(*rows: tuple[str, str, float, str]) -> dict[str, Reach]:
    return {name: (rule, sure, what) for names, rule, sure, what in rows for name in names.split()}


MODULES: dict[str, Reach] = _rows(
    ("subprocess pty pexpect sh plumbum", "process", 0.95, "starts other programs"),
    ("os posix nt shutil multiprocessing signal", "system", 0.8, "reaches the operating system"),
    ("ctypes cffi mmap gc _ctypes", "memory", 0.95, "reaches memory outside of Python"),
    (
        "socket ssl http urllib ftplib smtplib telnetlib xmlrpc socketserver",
        "network",
        0.85,
        "reaches the network",
    ),
    ("requests httpx aiohttp paramiko websockets urllib3", "network", 0.85, "reaches the network"),
    ("pickle marshal shelve dill cloudpickle joblib", "unpickling", 0.85, "reads data that can run code"),
    ("importlib imp runpy pkgutil zipimport builtins", "internals", 0.7, "reaches Python's own machinery"),
    ("code codeop sys inspect types", "internals", 0.7, "reaches Python's own machinery"),
    ("tempfile pathlib glob fileinput sqlite3 dbm winreg", "files", 0.7, "reaches files"),
)
CALLS: dict[str, Reach] = _rows(
    ("eval exec compile execfile", "dynamic", 0.95, "runs a text as code"),
    ("__import__ import_module", "import", 0.95, "imports what only running it shows"),
    (
        "globals locals vars getattr setattr delattr breakpoint",
        "internals",
        0.6,
        "reaches names that are not written out",
    ),
    ("input", "interactive", 0.5, "waits for somebody to type"),
)
METHODS: dict[str, Reach] = _rows(
    (
        "system popen spawnl spawnv execv execve execl fork startfile",
        "process",
        0.95,
        "starts other programs",
    ),
    ("check_output check_call Popen", "process", 0.95, "starts other programs"),
    ("unlink rmtree remove rmdir rename chmod chown symlink_to", "file_write", 0.7, "changes files"),
    ("write_text write_bytes touch mkdir makedirs truncate", "file_write", 0.7, "changes files"),
    ("eval exec", "dynamic", 0.95, "runs a text as code"),
    ("import_module", "import", 0.95, "imports what only running it shows"),
)
DUNDERS = frozenset(
    [
        "__class__",
        "__bases__",
        "__base__",
        "__mro__",
        "__subclasses__",
        "__globals__",
        "__builtins__",
        "__dict__",
        "__code__",
        "__closure__",
        "__getattribute__",
        "__reduce__",
        "__reduce_ex__",
        "__loader__",
        "__spec__",
        "__import__",
        "__init_subclass__",
        "__func__",
        "__self__",
        "gi_frame",
        "f_globals",
        "f_locals",
        "f_builtins",
        "f_back",
        "tb_frame",
        "cr_frame",
        "ag_frame",
    ]
)
"""The steps by which code climbs out of a restricted place."""


class UnsafePython:
    """Looks at Python code that is to be run.

    >>> UnsafePython().scan("sum(x * x for x in range(10))")
    []
    >>> [f.rule for f in UnsafePython().scan("import os; os.system('id')")]
    ['code.system', 'code.process']
    """

    name = "code"

    def scan(self, text: str) -> list[Finding]:
        """Findings, each with the place in the code; ``code.unreadable`` where it is no Python."""
        if len(text) > LONGEST:
            return [Finding("code.too_long", (0, len(text)), 0.6, "more code than is looked at")]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is in the code, such as an escape that is none
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return [Finding("code.unreadable", (0, len(text)), 0.5, "no Python that can be read")]
        starts = _line_starts(text)
        best: dict[tuple[str, tuple[int, int]], Finding] = {}
        for node, (rule, sure, what) in _reaches(tree):
            span = _span(text, starts, node)
            best.setdefault((rule, span), Finding(f"code.{rule}", span, sure, what))
        return list(best.values())


def _reaches(tree: ast.AST) -> Iterator[tuple[ast.AST, Reach]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                found = MODULES.get(name.partition(".")[0])
                if found:
                    yield node, found
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif (isinstance(node, ast.Attribute) and node.attr in DUNDERS) or (
            isinstance(node, ast.Name) and node.id in ("__builtins__", "__loader__", "__import__")
        ):
            yield node, ("dunder", 0.95, "climbs to Python's internals by a name with underscores")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in DUNDERS:
            yield node, ("dunder", 0.9, "holds the name of one of Python's internals")


def _called(node: ast.Call) -> Iterator[tuple[ast.AST, Reach]]:
    called = node.func
    if isinstance(called, ast.Name):
        if called.id == "open":
            mode = (
                node.args[1]
                if len(node.args) > 1
                else next((k.value for k in node.keywords if k.arg == "mode"), None)
            )
            reads = mode is None or (
                isinstance(mode, ast.Constant) and not set(str(mode.value)) & set("wax+")
            )
            yield node, ("files", 0.7, "opens a file") if reads else ("file_write", 0.85, "writes a file")
        elif called.id in CALLS:
            yield node, CALLS[called.id]
    elif isinstance(called, ast.Attribute):
        found = METHODS.get(called.attr)
        if found:
            yield node, found


def _line_starts(text: str) -> list[int]:
    return [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]


def _span(text: str, starts: list[int], node: ast.AST) -> tuple[int, int]:
    def at(line: int, byte: int) -> int:
        if line > len(starts):
            return len(text)
        begin = starts[line - 1]
        end = starts[line] if line < len(starts) else len(text)
        return begin + len(text[begin:end].encode("utf-8", "replace")[:byte].decode("utf-8", "ignore"))

    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return at(line, column), at(
        getattr(node, "end_lineno", line) or line, getattr(node, "end_col_offset", column) or column
    )
