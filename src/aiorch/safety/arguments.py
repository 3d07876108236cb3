"""What a tool said its arguments are used for, held against what a model puts into them.

    @tool
    def report(name: Annotated[str, Arg("path", root="/srv/reports")]) -> str: ...

Only declared arguments are looked at: an apostrophe is no attack where nobody builds SQL from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import cast

import anyio.to_thread

from aiorch.safety.detection import OFF_THE_LOOP, Detector, Finding
from aiorch.safety.policy import Policy, issue_of, strongest
from aiorch.types import Action, Arg, Issue, Message, Stage, Task, Verdict


class ArgumentChecks:
    """A validator of the stage ``arguments``.

    :param policy: which policy holds for a task; its rules ``sql``, ``shell``, ``path``, ``url`` and ``code``
        say what follows. What would be redacted is asked about: an argument with a hole in it is another
        argument.
    """

    name = "argument_checks"
    stages: frozenset[Stage] = frozenset({"arguments"})

    def __init__(self, policy: Callable[[Task], Policy]) -> None:
        self._policy = policy

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Look at every declared argument of every call in ``content``."""
        checks = {spec.name: spec.checks for spec in task.tools if spec.checks}
        texts = [
            (f"{call.name}.{where}", text, check)
            for message in content
            for call in message.tool_calls
            for name, check in checks.get(call.name, {}).items()
            if name in call.arguments
            for where, text in texts_in(call.arguments[name], name)
        ]
        if not texts:
            return Verdict(stage, "allow")
        policy = self._policy(task)
        if sum(len(text) for _, text, _ in texts) > OFF_THE_LOOP:
            found = await anyio.to_thread.run_sync(look, texts)
        else:
            found = look(texts)
        actions: list[Action] = ["allow"]
        issues: list[Issue] = []
        for where, finding in found:
            action = policy.action(stage, finding.rule, finding.confidence)
            action = "ask" if action == "redact" else action
            actions.append(action)
            if action != "allow":
                issues.append(issue_of(replace(finding, what=f"{where}: {finding.what}"), action))
        return Verdict(stage, strongest(actions), tuple(issues))


def look(texts: Sequence[tuple[str, str, Arg]]) -> list[tuple[str, Finding]]:
    """Each text under the detector of its kind. Pure."""
    return [(where, finding) for where, text, check in texts for finding in detector_of(check).scan(text)]


def texts_in(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Every text inside an argument, lists and objects included; a number is looked at as it would be
    written.

    >>> list(texts_in({"a": ["x", 1]}, "q"))
    [('q.a[0]', 'x'), ('q.a[1]', '1')]
    """
    waiting: deque[tuple[str, object]] = deque([(name, value)])
    while waiting:
        where, now = waiting.popleft()
        if isinstance(now, str):
            yield where, now
        elif isinstance(now, Mapping):
            for key, inner in cast("Mapping[object, object]", now).items():
                waiting.append((f"{where}.{key}", inner))
        elif isinstance(now, list | tuple):
            waiting.extend(
                (f"{where}[{at}]", inner) for at, inner in enumerate(cast("Sequence[object]", now))
            )
        elif now is not None and not isinstance(now, bool):
            yield where, str(now)


@lru_cache(maxsize=128)
def detector_of(check: Arg) -> Detector:
    """What looks at arguments of this kind. Imported here: most tools declare none."""
    kind = check.kind
    if kind == "sql":
        from aiorch.safety.sql import SqlInjection

        return SqlInjection()
    if kind == "statement":
        from aiorch.safety.statements import SqlStatement

        return SqlStatement(writes=check.writes, tables=check.allowed)
    if kind == "shell":
        from aiorch.safety.shell import CommandInjection

        return CommandInjection()
    if kind == "command":
        from aiorch.safety.commands import ShellCommand

        return ShellCommand(check.allowed)
    if kind == "path":
        from aiorch.safety.paths import UnsafePath

        return UnsafePath(check.root)
    if kind == "url":
        from aiorch.safety.urls import UnsafeUrl

        return UnsafeUrl(hosts=check.allowed)
    from aiorch.safety.code import UnsafePython

    return UnsafePython()
