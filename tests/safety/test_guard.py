"""Many validators, one verdict."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.protocols import Validator
from aiorch.safety import Guard
from aiorch.safety.guard import STRENGTH, combined
from aiorch.types import Action, Issue, Message, Stage, Task, Verdict

TASK = Task.of("hello")
ACTIONS = st.sampled_from(list(STRENGTH))


class Says:
    """A validator with an opinion; ``replaces`` is written behind whatever it sees."""

    def __init__(self, action: Action, replaces: str = "", stages: tuple[Stage, ...] = ("input",)) -> None:
        self.name = f"says_{action}"
        self.stages = frozenset(stages)
        self.action: Action = action
        self.replaces = replaces
        self.seen: list[str] = []

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        self.seen.append(content[0].text)
        replacement = (Message.user(content[0].text + self.replaces),) if self.replaces else None
        return Verdict(stage, self.action, (Issue(self.action, "found"),), replacement)


class Broken(Says):
    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        raise RuntimeError("out of order: sk-secret")


class Nonsense(Says):
    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        return "fine"  # pyright: ignore[reportReturnType]


@pytest.mark.anyio
async def test_without_validators_everything_passes():
    assert await Guard().check("input", TASK.messages, TASK) == Verdict("input", "allow")
    assert not Guard().watches("input")


@pytest.mark.anyio
async def test_the_strongest_action_holds_and_all_findings_stay():
    verdict = await Guard([Says("flag"), Says("ask"), Says("redact", "!")]).check(
        "input", TASK.messages, TASK
    )
    assert verdict.action == "ask"
    assert [(i.code, i.detector) for i in verdict.issues] == [
        ("flag", "says_flag"),
        ("ask", "says_ask"),
        ("redact", "says_redact"),
    ]
    assert verdict.replacement == (Message.user("hello!"),)


@pytest.mark.anyio
async def test_each_sees_what_the_one_before_put_in_place():
    first, second, third = Says("redact", "1"), Says("allow"), Says("redact", "2")
    verdict = await Guard([first, second, third]).check("input", TASK.messages, TASK)
    assert (first.seen, second.seen, third.seen) == (["hello"], ["hello1"], ["hello1"])
    assert verdict.replacement == (Message.user("hello12"),)


@pytest.mark.anyio
async def test_a_block_ends_it():
    after = Says("allow")
    verdict = await Guard([Says("block"), after]).check("input", TASK.messages, TASK)
    assert (verdict.action, after.seen) == ("block", [])


@pytest.mark.anyio
async def test_only_the_validators_of_the_stage_are_asked():
    other = Says("block", stages=("output", "arguments"))
    guard = Guard([other])
    assert (await guard.check("input", TASK.messages, TASK)).action == "allow"
    assert (await guard.check("output", TASK.messages, TASK)).stage == "output"
    assert guard.watches("arguments")
    assert not guard.watches("tool_result")


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [Broken("allow"), Nonsense("allow"), Says("shrug")])  # pyright: ignore[reportArgumentType]
async def test_a_validator_that_cannot_look_waves_nobody_through(
    broken: Validator, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.ERROR, "aiorch"):
        verdict = await Guard([broken]).check("input", TASK.messages, TASK)
    assert verdict.action == "block"
    assert verdict.issues[0].code == "validator_failed"
    assert repr(broken.name) in verdict.issues[0].message
    assert "sk-secret" not in verdict.issues[0].message
    assert "content is refused" in caplog.text


@given(ACTIONS, ACTIONS)
def test_combining_never_weakens(one: Action, two: Action):
    both = combined(Verdict("input", one), Verdict("input", two)).action
    assert STRENGTH[both] == max(STRENGTH[one], STRENGTH[two])
