"""The guard without a model: texts looked at, and executions written down, outside of any task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aiorch.furnishing import audit_log
from aiorch.safety import Inspection, Redactor, detectors, policy_of
from aiorch.safety.limits import check
from aiorch.safety.policy import strongest
from aiorch.settings import Settings
from aiorch.types import Action, Issue, Message, Stage, Task


@dataclass(frozen=True, slots=True)
class Screened:
    """What came of it."""

    content: Any
    """As it was handed in, without what the policy redacts."""
    action: Action
    issues: tuple[Issue, ...] = ()

    @property
    def allowed(self) -> bool:
        """False where it is blocked, or a person would have to allow it."""
        return self.action not in ("ask", "block")


class Screening:
    """Looks at texts under one policy.

    >>> Screening(Settings(guard="balanced")).look("input", "Hello").action
    'allow'
    """

    def __init__(self, settings: Settings) -> None:
        """:raises SettingsError: for a policy that cannot be used."""
        self._limit = int(settings.input_limit)
        self.policy = policy_of(settings.guard)
        self._inspection = Inspection(detectors, lambda task: self.policy)
        self._audit = audit_log(settings, Redactor(settings.all_secrets()))

    def look(self, stage: Stage, data: object) -> Screened:
        """Look at a text, at messages, or at any data with texts in it. What can be no input is blocked.

        Of data, what is no text is looked at as it would be written. Pseudonyms stay what they are: there is no answer
        to put the values back into.
        """
        if isinstance(data, Message):
            seen = self._conversation(stage, (data,))
            return Screened(seen.content[0], seen.action, seen.issues)
        if messages := _messages(data):
            return self._conversation(stage, messages)
        try:
            wrong = self._unfit(_texts(data))
        except RecursionError:
            wrong = (Issue("too_deep", "the data is nested too deeply, or holds itself"),)
        if wrong:
            return Screened(data, "block", wrong)
        issues: list[Issue] = []
        task = Task(())
        try:
            content = self._walked(stage, data, task, issues)
        finally:
            self._inspection.forget(task)
        actions: list[Action] = [issue.action or "allow" for issue in issues]
        return Screened(content, strongest(actions), tuple(issues))

    def close(self) -> None:
        """End the audit log's chain; a later record begins another."""
        self._audit.close()

    def record(self, asked: object, answered: object, **fields: Any) -> None:
        """One audit record. :raises AuditError: when it cannot be written."""
        self._audit.append(
            "execution", texts={"input": _as_text(asked), "output": _as_text(answered)}, **fields
        )

    def _unfit(self, texts: Sequence[str]) -> tuple[Issue, ...]:
        wrong = [
            issue for text in texts if text.strip() for issue in check([Message.user(text)], self._limit)
        ]
        if not wrong and sum(len(text.encode("utf-8", "replace")) for text in texts) > self._limit:
            wrong.append(
                Issue("too_long", f"the texts together have more than the {self._limit:,} bytes allowed")
            )
        return tuple(wrong)

    def _conversation(self, stage: Stage, messages: Sequence[Message]) -> Screened:
        if stage == "input" and (wrong := check(messages, self._limit)):
            return Screened(messages, "block", wrong)
        task = Task(tuple(messages))
        try:
            verdict = self._inspection.inspect(stage, messages, task)
        finally:
            self._inspection.forget(task)
        content = messages if verdict.replacement is None else verdict.replacement
        return Screened(content, verdict.action, verdict.issues)

    def _walked(self, stage: Stage, data: object, task: Task, issues: list[Issue]) -> Any:
        if isinstance(data, Mapping):
            items = cast("Mapping[object, object]", data).items()
            return {
                self._walked(stage, key, task, issues): self._walked(stage, value, task, issues)
                for key, value in items
            }
        if isinstance(data, list | tuple):
            return [self._walked(stage, value, task, issues) for value in cast("Sequence[object]", data)]
        text = _written(data)
        message = Message.assistant(text) if stage == "output" else Message.user(text)
        verdict = self._inspection.inspect(stage, [message], task)
        issues += verdict.issues
        return data if verdict.replacement is None else verdict.replacement[0].text


def _messages(data: object) -> tuple[Message, ...]:
    """``data`` where it is messages; nothing where it is anything else."""
    if not isinstance(data, list | tuple):
        return ()
    found = [one for one in cast("Sequence[object]", data) if isinstance(one, Message)]
    return tuple(found) if len(found) == len(cast("Sequence[object]", data)) else ()


def _texts(data: object) -> list[str]:
    if isinstance(data, Mapping):
        items = cast("Mapping[object, object]", data).items()
        return [text for item in items for one in item for text in _texts(one)]
    if isinstance(data, list | tuple):
        return [text for value in cast("Sequence[object]", data) for text in _texts(value)]
    return [_written(data)]


def _written(data: object) -> str:
    if isinstance(data, str):
        return data
    return "" if data is None or isinstance(data, bool) else str(data)


def _as_text(data: object) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, Message):
        return data.text
    try:
        return json.dumps(data, default=str, ensure_ascii=False)
    except (TypeError, ValueError):  # keys that are no texts, or data that holds itself
        return str(data)
    except RecursionError:
        return f"a {type(data).__name__} that is nested too deeply to be written"
