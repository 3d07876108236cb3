"""What every check promises: evidence where there is any, and None where there is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import pytest

from aiorch.protocols import Check
from aiorch.testing.conformance.examples import odd_contents
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
from aiorch.types import CheckResult, JsonSchema, Message, Response, Task, Usage, to_json

ANY_ANSWER = "check() returns a CheckResult for any task and answer"


class CheckConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.Check`. A test class inherits them and says what is tested:

    class TestHasCitation(CheckConformance):
        @pytest.fixture
        def check(self):
            return HasCitation()

        @pytest.fixture
        def answers(self):
            return [(Task.of("Who said so?"), "Smith [1]", True), (Task.of("Who said so?"), "Smith", False)]
    """

    deterministic: ClassVar[bool] = True
    """False for one that asks a model."""

    @pytest.fixture
    def check(self) -> Check:
        """What is tested."""
        missing("check", "HasCitation()")

    @pytest.fixture
    def answers(self) -> Sequence[tuple[Task, str | Response, bool | None]]:
        """Tasks with answers, and what the check says of them."""
        return ()

    def test_it_has_what_a_check_has(self, check: Check) -> None:
        check_members(check, Check, ("name", "check"))
        check_name(check.name, type(check).__name__)

    @pytest.mark.anyio
    async def test_no_answer_makes_it_fail(self, check: Check) -> None:
        for task, response, label in _odd_answers():
            await _result(check, task, response, label)

    @pytest.mark.anyio
    async def test_it_says_true_false_or_nothing(
        self, check: Check, answers: Sequence[tuple[Task, str | Response, bool | None]]
    ) -> None:
        for task, response, label in _given(answers) + _odd_answers():
            result = await _result(check, task, response, label)
            passed = cast(object, result.passed)
            hold(
                passed is None or isinstance(passed, bool),
                f"of {label} it says {passed!r}",
                "passed is True, False, or None where there is nothing to go by",
                "compare with a threshold of your own; scores are no evidence by themselves",
            )
            hold(
                result.name == check.name,
                f"the result is called {result.name!r}, the check {check.name!r}",
                "a result carries its check's name: minima and reports find it by that",
                "write CheckResult(self.name, ...)",
            )
            hold(
                passed is not False or result.detail.strip(),
                f"{label} failed without a word",
                "a check that does not hold says what is wrong: a model is told to mend it",
                "fill CheckResult.detail",
            )

    @pytest.mark.anyio
    async def test_the_same_answer_gets_the_same_result(
        self, check: Check, answers: Sequence[tuple[Task, str | Response, bool | None]]
    ) -> None:
        if not self.deterministic:
            return
        for task, response, label in _given(answers) + _odd_answers():
            first = await _result(check, task, response, label)
            second = await _result(check, task, response, label)
            hold(
                first == second,
                f"of {label} it said {first.passed}, then {second.passed}: {first.detail!r:.60}, {second.detail!r:.60}",
                "the same answer gets the same result, whatever was looked at before",
                "keep no state between calls; where a model judges, write deterministic = False in the test class",
            )

    @pytest.mark.anyio
    async def test_it_changes_nothing_in_place(
        self, check: Check, answers: Sequence[tuple[Task, str | Response, bool | None]]
    ) -> None:
        for task, response, label in _given(answers) + _odd_answers()[-6:]:
            before = (to_json(task), to_json(response))
            await _result(check, task, response, label)
            hold(
                (to_json(task), to_json(response)) == before,
                f"check() changed {label} in place",
                "task and answer are only looked at",
                "copy what is to be changed",
            )

    @pytest.mark.anyio
    async def test_it_finds_what_it_should(
        self, check: Check, answers: Sequence[tuple[Task, str | Response, bool | None]]
    ) -> None:
        if not answers:
            not_looked_at("answers", "whether it finds anything")
        wanted = [passed for _, _, passed in answers]
        for (task, response, label), expected in zip(_given(answers), wanted, strict=True):
            result = await _result(check, task, response, label)
            hold(
                result.passed is expected,
                f"of {label} it says {result.passed} ({result.detail!r:.80}), not {expected}",
                "the results that its author gave as examples",
                "mend the check, or the example",
            )


async def _result(check: Check, task: Task, response: Response, label: str) -> CheckResult:
    try:
        said = await in_time(
            lambda: check.check(task, response),
            f"check() of {label}",
            "it looks in time linear in the answer",
            "look for nested quantifiers in regular expressions, and for loops in loops",
        )
    except Exception as error:
        wrong(
            f"check() of {label} raised {raised(error)}",
            ANY_ANSWER + "; one that raises has found nothing out",
            "read parts by their type, and expect none, empty and huge ones",
        )
    if not isinstance(cast(object, said), CheckResult):
        wrong(f"check() of {label} returned {said!r:.80}", ANY_ANSWER, "return CheckResult(self.name, True)")
    return said


def _given(
    answers: Sequence[tuple[Task, str | Response, bool | None]],
) -> list[tuple[Task, Response, str]]:
    return [
        (
            task,
            a if isinstance(a, Response) else _answer(Message.assistant(a)),
            f"the answer {_text(a)!r:.60}",
        )
        for task, a, _ in answers
    ]


def _text(answer: str | Response) -> str:
    return answer if isinstance(answer, str) else answer.message.text


def _answer(message: Message) -> Response:
    return Response(message, "stop", Usage(10, 10))


def _odd_answers() -> list[tuple[Task, Response, str]]:
    plain = Task.of("What is the weather in Oslo?", agent="analysis_agent")
    shaped = Task(
        plain.messages, schema=JsonSchema({"type": "object", "properties": {}}), type="data_analysis"
    )
    said = [(plain, _answer(content[0]), label) for label, content in odd_contents("output")]
    short = [(t, r, label) for t, r, label in said if len(r.message.text) < 1_000]
    return (
        said
        + [(shaped, r, f"{label}, where JSON was asked for") for _, r, label in short]
        + [
            (
                plain,
                Response(Message.assistant("It ra"), "length", Usage(1, 1)),
                "an answer that was cut off",
            ),
            (plain, Response(Message("assistant", ()), "content_filter"), "an answer that a filter ended"),
            (Task(()), _answer(Message.assistant("Hello.")), "the answer to a task without messages"),
        ]
    )
