"""Functions that wait in the event loop's own thread, found in their code without running it."""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import zip_longest
from types import CodeType, FunctionType, ModuleType
from typing import Any

from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Call
from aiorch.workflow.report import Problem, told

_REQUESTS = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
WAITING: Mapping[str, frozenset[str]] = {
    "builtins": frozenset({"open", "input"}),
    "io": frozenset({"open"}),
    "_io": frozenset({"open"}),
    "time": frozenset({"sleep"}),
    "os": frozenset({"system", "waitpid", "wait"}),
    "subprocess": frozenset({"run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}),
    "requests": _REQUESTS,
    "httpx": _REQUESTS | {"stream"},
    "urllib.request": frozenset({"urlopen", "urlretrieve"}),
    "socket": frozenset({"create_connection", "getaddrinfo", "gethostbyname"}),
    "shutil": frozenset({"copytree", "rmtree", "make_archive", "unpack_archive"}),
    "sqlite3": frozenset({"connect"}),
    "psycopg": frozenset({"connect"}),
}
"""By module: functions whose call plainly waits for a disk, a network, another process or a person."""

_WAITING = frozenset(f"{module}.{name}" for module, names in WAITING.items() for name in names)
_NAMES = frozenset(name for names in WAITING.values() for name in names)


def blocking(graph: Graph) -> Iterator[Problem]:
    """Functions in the event loop's thread that call something of :data:`WAITING` themselves."""
    seen: dict[CodeType, str | None] = {}
    for node in graph.nodes:
        work = node.work
        if not isinstance(work, Call) or (work.thread and not work.is_async):
            continue
        function = _plain(work.function)
        if function is None or _NAMES.isdisjoint(function.__code__.co_names):
            continue
        code = function.__code__
        if code not in seen:
            seen[code] = next(_waits(function), None)
        called = seen[code]
        if called is not None:
            how = (
                "an async function holds up everybody while it waits"
                if work.is_async
                else "it runs in the event loop's own thread (thread=False), and holds up everybody"
            )
            cure = (
                "Await something, or make it a plain function: it then runs in a thread."
                if work.is_async
                else "Leave thread=False out."
            )
            said = f"task {node.name!r} calls {called}(): {how}"
            yield told("blocking", said, node.name, cure=cure)


def _plain(function: Callable[..., Any]) -> FunctionType | None:
    while isinstance(function, partial):
        function = function.func
    if isinstance(function, FunctionType):
        return function
    inner = getattr(function, "__func__", None) or getattr(type(function), "__call__", None)  # noqa: B004
    return inner if isinstance(inner, FunctionType) else None


def _waits(function: FunctionType) -> Iterator[str]:
    """What it calls of the table. Only calls count: ``to_thread.run_sync(time.sleep, 1)`` hands a function on."""
    scope: Mapping[str, Any] = {**vars(builtins), **function.__globals__}
    imported: dict[str, str] = {}
    module = brought = held = previous = ""
    called = False
    steps = [s for s in dis.get_instructions(function) if s.opname not in ("CACHE", "EXTENDED_ARG")]
    for step, following in zip_longest(steps, steps[1:]):
        name, word = step.opname, str(step.argval)
        then = following.opname if following else ""
        last = then not in ("LOAD_ATTR", "LOAD_METHOD")
        if name == "IMPORT_NAME":
            module, brought = word, word.partition(".")[0]
        elif name == "IMPORT_FROM":
            brought = f"{module}.{word}"
        elif name == "STORE_FAST" and previous in ("IMPORT_NAME", "IMPORT_FROM"):
            imported[word] = brought
        elif name == "LOAD_GLOBAL" or name.startswith("LOAD_FAST"):
            there = name == "LOAD_GLOBAL"
            held = _dotted(scope.get(word)) if there else imported.get(word, "")
            called = "PUSH_NULL" in (previous, then) or (there and bool((step.arg or 0) & 1))
            if called and last and held in _WAITING:
                yield word
        elif name in ("LOAD_METHOD", "LOAD_ATTR"):
            held = f"{held}.{word}" if held else ""
            now = name == "LOAD_METHOD" or "NULL" in step.argrepr or then == "PUSH_NULL"
            if held in _WAITING and (now or (called and last)):
                yield held
        else:
            held, called = "", False
        previous = name


def _dotted(value: object) -> str:
    """A module or function by its full name: ``from time import sleep`` is still ``time.sleep``."""
    if isinstance(value, ModuleType):
        return value.__name__
    module, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else ""
