"""How a task is carried out, as it is said where the task is added: read, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast

from aiorch.errors import nearest
from aiorch.workflow.nodes import REQUIRED, OnError, Policy, Retry


class Options(TypedDict, total=False):
    """How a task is carried out, whatever it does; see :class:`~aiorch.workflow.nodes.Policy`."""

    retry: Retry | int | None
    """How often and how long apart it is tried; a number is that many attempts."""
    timeout: float | None
    """Seconds for one try."""
    on_error: OnError
    """``fail`` ends the run, ``skip`` skips those who wait for it, ``continue`` goes on with ``fallback``."""
    fallback: Any
    """The value in place of a failed task's; giving one means ``on_error="continue"``."""
    cache: float | None
    """Seconds for which the same task with the same values is not carried out again."""
    priority: int
    """Higher goes first."""
    resources: str | Iterable[str]
    """What it needs for itself alone: tasks that share a name never run at the same time."""
    tags: str | Iterable[str]
    """What ``execute(limits={tag: n})`` limits."""
    idempotent: bool
    """False: one that was started but never committed is not repeated before a person says so."""


def policy_of(task: str, options: Options) -> tuple[Policy, tuple[str, ...]]:
    """What was said about how a task is carried out, and what is wrong with it."""
    wrong = dict(_wrong(task, options))
    said = cast("Options", {name: value for name, value in options.items() if name not in wrong})
    retry = said.get("retry")
    if isinstance(retry, int):
        retry = Retry(attempts=retry)
    fallback = said.get("fallback", REQUIRED)
    on_error = said.get("on_error", "fail" if fallback is REQUIRED else "continue")
    policy = Policy(
        retry,
        said.get("timeout"),
        on_error,
        fallback,
        said.get("cache"),
        said.get("priority", 0),
        _words(said.get("resources", ())),
        _words(said.get("tags", ())),
        said.get("idempotent", True),
    )
    found = [*wrong.values()]
    if retry is not None and retry.attempts < 1:
        found.append(f"retry= of task {task!r} makes {retry.attempts} attempts; 1 is the first and only one")
    if retry is not None and min(retry.delay, retry.factor, retry.longest) < 0:
        found.append(f"retry= of task {task!r} has a negative wait or factor")
    if fallback is not REQUIRED and on_error != "continue":
        found.append(f"task {task!r} has a fallback and on_error={on_error!r}, which never uses it")
    return policy, tuple(f"[policy] {problem}" for problem in found)


def _wrong(task: str, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options that there are not, and values that an option cannot have."""
    for name, value in options.items():
        if name not in _TAKES:
            near = nearest(name, _TAKES, 1)
            offer = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_TAKES)}"
            yield name, f"task {task!r} has no option {name!r}; {offer}"
        elif not _TAKES[name][0](value):
            yield name, f"{name}={value!r} of task {task!r}: it is {_TAKES[name][1]}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_iterable(value: Any) -> bool:
    return isinstance(value, Iterable)


def _is_seconds(value: Any) -> bool:
    return value is None or (_is_number(value) and value > 0)


_SECONDS = (_is_seconds, "a number of seconds above 0, or None")
_NAMES = (_is_iterable, "a name or a list of names")
_TAKES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "retry": (
        lambda value: value is None or isinstance(value, Retry) or type(value) is int,
        "a number of attempts, a Retry(...), or None",
    ),
    "timeout": _SECONDS,
    "on_error": (lambda value: value in ("fail", "skip", "continue"), "fail, skip or continue"),
    "fallback": (lambda value: True, "any value"),
    "cache": _SECONDS,
    "priority": (_is_number, "a number; higher goes first"),
    "resources": _NAMES,
    "tags": _NAMES,
    "idempotent": (lambda value: isinstance(value, bool), "True or False"),
}
"""By option what it takes, and that in words."""


def _words(words: str | Iterable[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(dict.fromkeys(words))
