"""What every validator promises: a verdict on any content, that says why and gives nothing away."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import ClassVar, cast, get_args

import pytest

from aiorch.protocols import Validator
from aiorch.testing.conformance.examples import Example, content_of, odd_contents
from aiorch.testing.conformance.suite import (
    Suite,
    check_members,
    check_name,
    hold,
    in_time,
    missing,
    not_looked_at,
    raised,
    wrong,
)
from aiorch.types import Action, Issue, Message, Severity, Stage, Task, Verdict

ANY_CONTENT = (
    "validate() returns a Verdict for any content; one that raises makes the guard refuse everything"
)
NEVER_TOLD = "no message and no replacement holds what was found: both are shown, kept and sent on"


class ValidatorConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.Validator`. A test class inherits them and says what is tested:

    class TestCodenames(ValidatorConformance):
        @pytest.fixture
        def validator(self):
            return Codenames()

        @pytest.fixture
        def examples(self):
            return [Example("ask BLUEBIRD", "redact", secret="BLUEBIRD"), Example("ask a bird", "allow")]
    """

    deterministic: ClassVar[bool] = True
    """False for one that asks a model: the same content may then get another verdict."""

    @pytest.fixture
    def validator(self) -> Validator:
        """What is tested."""
        missing("validator", "NoShouting()")

    @pytest.fixture
    def examples(self) -> Sequence[Example]:
        """What it does about which texts."""
        return ()

    def test_it_has_what_a_validator_has(self, validator: Validator) -> None:
        check_members(validator, Validator, ("name", "stages", "validate"))
        check_name(validator.name, type(validator).__name__)

    def test_its_stages_are_stages(self, validator: Validator) -> None:
        stages = cast(object, validator.stages)
        promise = f"stages is a frozenset of {', '.join(get_args(Stage))}"
        cure = "write stages = frozenset({'input'})"
        hold(isinstance(stages, frozenset), f"stages is {stages!r}", promise, cure)
        unknown = sorted(map(repr, cast("frozenset[object]", stages) - set(get_args(Stage))))
        hold(not unknown, f"stages names {', '.join(unknown)}, where nobody looks", promise, cure)
        hold(stages, "stages is empty, so it is never asked", promise, cure)

    @pytest.mark.anyio
    async def test_no_content_makes_it_fail(self, validator: Validator) -> None:
        for stage in sorted(validator.stages):
            for label, content in odd_contents(stage):
                await _verdict(validator, stage, content, label)

    @pytest.mark.anyio
    async def test_its_verdicts_are_whole(self, validator: Validator, examples: Sequence[Example]) -> None:
        for stage, label, content in _contents(validator, examples):
            _check_verdict(await _verdict(validator, stage, content, label), stage, content, label)

    @pytest.mark.anyio
    async def test_it_changes_nothing_in_place(
        self, validator: Validator, examples: Sequence[Example]
    ) -> None:
        for stage, label, content in _contents(validator, examples):
            before = deepcopy(content)
            await _verdict(validator, stage, content, label)
            hold(
                content == before,
                f"validate() changed {label} in place",
                "content is only looked at: others see the same objects, and the trail keeps them",
                "return Verdict(stage, 'redact', issues, replacement=(new messages))",
            )

    @pytest.mark.anyio
    async def test_the_same_content_gets_the_same_verdict(
        self, validator: Validator, examples: Sequence[Example]
    ) -> None:
        if not self.deterministic:
            return
        for stage, label, content in _contents(validator, examples):
            first = await _verdict(validator, stage, content, label)
            second = await _verdict(validator, stage, content, label)
            hold(
                first == second,
                f"{label} was judged {_said(first)} and then {_said(second)}",
                "the same content gets the same verdict, whatever was asked before",
                "keep no state between calls; where a model judges, write deterministic = False in the test class",
            )

    @pytest.mark.anyio
    async def test_it_finds_what_it_should(self, validator: Validator, examples: Sequence[Example]) -> None:
        if not examples:
            not_looked_at("examples", "whether it finds anything")
        for example in examples:
            verdict = await _verdict(
                validator, example.stage, content_of(example.stage, example.text), repr(example.text)
            )
            hold(
                verdict.action == example.action,
                f"{example.text!r:.80} ({example.stage}) was judged {_said(verdict)}, not {example.action!r}",
                "the verdicts that its author gave as examples",
                "mend the validator, or the example",
            )
            if not example.secret:
                continue
            told = " ".join(f"{i.code} {i.message}" for i in verdict.issues)
            hold(
                example.secret not in told,
                f"an issue tells what was found: {told!r:.120}",
                NEVER_TOLD,
                "say of what kind it is and where (Issue.span), not what it is",
            )
            hold(
                verdict.replacement is None or example.secret not in repr(verdict.replacement),
                "the replacement still holds what was found",
                NEVER_TOLD,
                "replace it in every part: text, reasoning, arguments (also raw) and results",
            )


def _contents(validator: Validator, examples: Sequence[Example]) -> list[tuple[Stage, str, list[Message]]]:
    given: list[tuple[Stage, str, list[Message]]] = []
    for example in examples:
        given.append((example.stage, repr(example.text), content_of(example.stage, example.text)))
    for stage in validator.stages:
        for label, content in odd_contents(stage):
            given.append((stage, label, content))
    return given


async def _verdict(validator: Validator, stage: Stage, content: Sequence[Message], label: str) -> Verdict:
    task = replace(_TASK, messages=tuple(content) if stage == "input" else _TASK.messages)
    try:
        said = await in_time(
            lambda: validator.validate(stage, content, task),
            f"validate() of {label}",
            "it looks in time linear in the content",
            "look for nested quantifiers in regular expressions, and for loops in loops",
        )
    except Exception as error:
        wrong(
            f"validate() of {label} at the stage {stage!r} raised {raised(error)}",
            ANY_CONTENT,
            "read parts by their type (isinstance), and expect none, empty and huge ones",
        )
    if not isinstance(cast(object, said), Verdict):
        wrong(f"validate() of {label} returned {said!r:.80}", ANY_CONTENT, "return Verdict(stage, 'allow')")
    return said


_TASK = Task.of("What is the weather in Oslo?")


def _check_verdict(verdict: Verdict, stage: Stage, content: Sequence[Message], label: str) -> None:
    at = f"the verdict on {label}"
    hold(
        verdict.stage == stage,
        f"{at} at the stage {stage!r} says {verdict.stage!r}",
        "a verdict is about the stage that was asked for",
        "hand the argument on: Verdict(stage, ...)",
    )
    actions = get_args(Action)
    hold(
        verdict.action in actions,
        f"{at} has the action {verdict.action!r}",
        f"an action is one of {', '.join(actions)}",
        "choose one: flag lets through and notes, redact replaces, ask waits for a person, block refuses",
    )
    hold(
        verdict.action == "allow" or verdict.issues,
        f"{at} is {verdict.action!r} and names no issue",
        "whoever is refused or changed is told why",
        "add Issue('code', 'what was found and what to do')",
    )
    _check_replacement(verdict, content, at)
    check_issues(verdict.issues, _longest(content), at)


def _check_replacement(verdict: Verdict, content: Sequence[Message], at: str) -> None:
    replacement = cast(object, verdict.replacement)
    hold(
        verdict.action != "redact" or replacement is not None,
        f"{at} is 'redact' without a replacement, so the content passes as it was",
        "redact brings the content that goes on instead",
        "return Verdict(stage, 'redact', issues, replacement=(new messages))",
    )
    if replacement is None:
        return
    hold(
        verdict.action != "block",
        f"{at} is {verdict.action!r} and has a replacement",
        "what is refused is not replaced: nothing goes on; with ask, a replacement is what a person may allow",
        "drop the replacement, or redact",
    )
    messages = cast("tuple[object, ...]", replacement) if isinstance(replacement, tuple) else ()
    hold(
        len(messages) == len(content) and all(isinstance(m, Message) for m in messages),
        f"{at} replaces {len(content)} messages by {replacement!r:.80}",
        "a replacement is a tuple of as many Messages as there were",
        "replace parts within their messages: dataclasses.replace(message, parts=...)",
    )
    hold(
        [cast(Message, m).role for m in messages] == [m.role for m in content],
        f"{at} changes who speaks",
        "a replacement keeps each message's role",
        "replace parts within their messages: dataclasses.replace(message, parts=...)",
    )


def check_issues(issues: object, longest: int, at: str) -> None:
    """Issues are whole, and point into the text."""
    hold(
        isinstance(issues, tuple) and all(isinstance(i, Issue) for i in cast("tuple[object, ...]", issues)),
        f"{at} has the issues {issues!r:.80}",
        "issues is a tuple of Issues",
        "write (Issue('code', 'message'),)",
    )
    for issue in cast("tuple[Issue, ...]", issues):
        hold(
            issue.code.strip() and issue.message.strip() and " " not in issue.code,
            f"{at} has the issue {issue.code!r}: {issue.message!r}",
            "an issue has a stable code without blanks, and a message for the person who meets it",
            "write Issue('shouting', 'all capitals: write it in small letters')",
        )
        hold(
            issue.severity in get_args(Severity),
            f"{at} has an issue of severity {issue.severity!r}",
            f"severity is one of {', '.join(get_args(Severity))}",
            "choose one of them",
        )
        hold(
            issue.confidence is None or 0 <= issue.confidence <= 1,
            f"{at} has an issue of confidence {issue.confidence!r}",
            "confidence is a number from 0 to 1, or None where nothing was measured",
            "leave it out, or divide",
        )
        start, end = issue.span or (0, 0)
        hold(
            0 <= start <= end <= longest,
            f"{at} has an issue at {start} to {end}, in a text of {longest} characters",
            "a span is start and end in characters of the text that was looked at",
            "take match.span() of the text itself, not of a changed or encoded one",
        )


def _longest(content: Sequence[Message]) -> int:
    """The longest text that a span may mean: everything that the content says, joined in whatever way."""
    return sum(len(repr(part)) + 1 for message in content for part in message.parts)


def _said(verdict: Verdict) -> str:
    codes = ", ".join(i.code for i in verdict.issues)
    return f"{verdict.action!r}" + (f" ({codes})" if codes else "")
