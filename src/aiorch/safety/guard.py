"""Every validator of a stage asked in turn, and one verdict from all of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from aiorch.protocols import StreamValidator, Validator
from aiorch.safety.inspection import Inspection
from aiorch.safety.places import restored
from aiorch.safety.policy import OFF, STRENGTH, Policy
from aiorch.types import Issue, Message, Stage, Task, Verdict

log = logging.getLogger("aiorch")


class Guard:
    """What stands at the doors of the line: it asks each validator of a stage.

    >>> Guard().watches("output")
    False
    """

    def __init__(self, validators: Sequence[Validator] = (), inspection: Inspection | None = None) -> None:
        """:param inspection: the validator that applies the policy; it also watches streams and keeps pseudonyms."""
        self._validators = validators  # not looked into before somebody is to be checked: plugins load then
        self._inspection = inspection

    def watches(self, stage: Stage) -> bool:
        """False when nobody looks at this stage, so there is nothing to prepare."""
        return any(stage in v.stages for v in self._validators)

    def policy(self, task: Task) -> Policy:
        """Which policy holds for a task."""
        return OFF if self._inspection is None else self._inspection.policy(task)

    def watchers(self, task: Task) -> Sequence[StreamValidator]:
        """New stream validators for one answer of a task."""
        return () if self._inspection is None else self._inspection.watchers(task)

    def restored(self, task: Task, message: Message) -> Message:
        """A message with values in place of the task's pseudonyms: for the caller and the caller's tools."""
        names = None if self._inspection is None else self._inspection.names(task)
        return message if names is None else restored(message, names.restore)

    def hidden(self, task: Task, text: str) -> str:
        """A text of ours for the model, with the task's pseudonyms in place of their values."""
        return text if self._inspection is None else self._inspection.hidden(task, text)

    def may_rename(self, task: Task) -> bool:
        """True where the task's policy puts pseudonyms in place of some values."""
        return "pseudonym" in self.policy(task).style.values()

    def name(self, task: Task, tag: str) -> None:
        """Give the task's pseudonyms this tag, so that they mean the same where it goes on after a restart."""
        if self._inspection is not None:
            self._inspection.tag(task, tag)

    def renames(self, task: Task) -> bool:
        """True where the task has pseudonyms: then its texts and answers mean something to it alone."""
        return self._inspection is not None and self._inspection.names(task) is not None

    def forget(self, task: Task) -> None:
        """The task has ended: so do its pseudonyms."""
        if self._inspection is not None:
            self._inspection.forget(task)

    async def check(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Ask the stage's validators in their order. Each sees what the one before it put in place of the content.

        The first block ends it: what follows may be costly, and nothing can overrule a block. A validator that raises
        blocks: a guard that cannot look must not wave anybody through.
        """
        verdict: Verdict | None = None
        for validator in self._validators:
            if stage not in validator.stages:
                continue
            now = content if verdict is None or verdict.replacement is None else verdict.replacement
            said = await _asked(validator, stage, now, task)
            verdict = said if verdict is None else combined(verdict, said)
            if verdict.action == "block":
                break
        return verdict or Verdict(stage, "allow")


def combined(first: Verdict, then: Verdict) -> Verdict:
    """Two verdicts on one content, the second made after the first one's replacement.

    >>> combined(Verdict("input", "flag"), Verdict("input", "allow")).action
    'flag'
    """
    return Verdict(
        first.stage,
        max(first.action, then.action, key=STRENGTH.__getitem__),
        first.issues + then.issues,
        first.replacement if then.replacement is None else then.replacement,
    )


async def _asked(validator: Validator, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
    try:
        verdict = await validator.validate(stage, content, task)
        STRENGTH[verdict.action]  # a plugin's verdict may be anything
        if type(verdict) is Verdict and verdict.stage == stage and not verdict.issues:
            return verdict
        issues = tuple(i if i.detector else replace(i, detector=validator.name) for i in verdict.issues)
        return replace(verdict, stage=stage, issues=issues)
    except Exception as broken:
        log.exception("the validator %r failed at stage %r; the content is refused", validator.name, stage)
        why = f"the validator {validator.name!r} failed ({type(broken).__name__}), so nothing passes it; see the log"
        return Verdict(stage, "block", (Issue("validator_failed", why, detector=validator.name),))
