"""Each check says yes, no, or that it cannot tell."""

from __future__ import annotations

from typing import Any

import pytest

from aiorch.protocols import Check
from aiorch.quality import CHECKS, FitsSchema, NoRepetition, NotEmpty, NotTruncated, assess, meets, shortfalls
from aiorch.types import (
    Assessment,
    CheckResult,
    FinishReason,
    JsonSchema,
    Message,
    Response,
    Task,
    ToolCall,
)

TASK = Task.of("hello")
PERSON = JsonSchema(
    {
        "type": "object",
        "properties": {"age": {"type": "integer"}},
        "required": ["age"],
        "additionalProperties": False,
    }
)
ASKING = Task(TASK.messages, schema=PERSON)
TOOL = ToolCall("1", "f", {})


async def result(
    check: Check, text: str, task: Task = TASK, finish: FinishReason = "stop", *calls: ToolCall
) -> CheckResult:
    return await check.check(task, Response(Message.assistant(text, *calls), finish))


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", " \n", "\u200b\ufeff \n"])
async def test_nothing_is_empty(text: str):
    assert (await result(NotEmpty(), text)).passed is False
    assert (await result(NotEmpty(), text, TASK, "tool_calls", TOOL)).passed is True
    assert (await result(NotEmpty(), text + "x")).passed is True


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "task", "finish", "expected"),
    [
        ("Done.", TASK, "stop", True),
        ("Done", TASK, "length", False),
        ("Done", TASK, "content_filter", None),
        ("", TASK, "tool_calls", True),
        ("```python\nx = 1\n", TASK, "stop", False),
        ("```python\nx = 1\n```", TASK, "stop", True),
        ("````md\n```\n````", TASK, "stop", True),
        ("~~~\n```\n~~~", TASK, "stop", True),
        ("Use ```x``` here:\n```echo hi``` is one line", TASK, "stop", True),
        ('{"age": 4', ASKING, "stop", False),
        ('{"age": "4}', ASKING, "stop", False),
        (r'{"age": "a \" {"}', ASKING, "stop", True),
        (r'{"age": "a \"}', ASKING, "stop", False),
        ('{"age": 4}', ASKING, "stop", True),
        ('```json\n{"age": 4}\n```', ASKING, "stop", True),
        ("[sic] a {bracket", TASK, "stop", True),
        ("<think>```</think>fine", TASK, "stop", True),
    ],
)
async def test_an_answer_that_stops_in_the_middle(
    text: str, task: Task, finish: FinishReason, expected: bool | None
):
    assert (await result(NotTruncated(), text, task, finish)).passed is expected


@pytest.mark.anyio
async def test_an_answer_that_goes_round_in_circles():
    found = await result(NoRepetition(), "I am sorry about that, my friend. " * 30)
    assert found.passed is False
    assert found.detail == "'I am sorry about that, my friend.' is repeated 30 times, 100% of the answer"
    assert (await result(NoRepetition(), "An honest answer.")).passed is True
    assert (await result(NoRepetition(), " ")).passed is None
    long = await result(
        NoRepetition(), ("word " + "another one " * 3 + "and so on for quite a while until the end. ") * 9
    )
    assert "...' is repeated 9 times" in long.detail


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "expected", "detail"),
    [
        ('{"age": 4}', True, ""),
        ('Here you are:\n```json\n{"age": 4}\n```', True, ""),
        ('{"age": "4"}', False, "$.age: '4' is not of type 'integer'"),
        ('{"years": 4}', False, "$: Additional properties are not allowed ('years' was unexpected)"),
        ("four", False, "the answer is not JSON: Expecting value at line 1, column 1"),
        ("", False, "the answer is not JSON: it is empty"),
    ],
)
async def test_an_answer_that_must_fit_a_schema(text: str, expected: bool, detail: str):
    found = await result(FitsSchema(), text, ASKING)
    assert found.passed is expected
    assert detail in found.detail


@pytest.mark.anyio
async def test_no_schema_no_evidence():
    assert (await result(FitsSchema(), "{}")).passed is None
    assert (await result(FitsSchema(), "", ASKING, "tool_calls", TOOL)).passed is None


@pytest.mark.anyio
async def test_many_faults_are_told_shortly():
    schema = JsonSchema({"type": "array", "items": {"type": "integer"}})
    found = await result(
        FitsSchema(), str(["x" * 300] * 9).replace("'", '"'), Task(TASK.messages, schema=schema)
    )
    assert found.detail.endswith("and 4 more")
    assert len(found.detail) < 1300


@pytest.mark.anyio
async def test_a_schema_makes_us_fetch_nothing():
    schema = JsonSchema({"$ref": "http://127.0.0.1:9/schema.json"})
    (found,) = (
        await assess(
            Task(TASK.messages, schema=schema), Response(Message.assistant("1"), "stop"), [FitsSchema()]
        )
    ).checks
    assert found.passed is None
    assert "Unresolvable" in found.detail


# --- all together ------------------------------------------------------------------------------------------------


class Broken:
    name = "broken"

    async def check(self, task: Task, response: Response) -> CheckResult:
        raise RuntimeError("no idea")


@pytest.mark.anyio
async def test_all_checks_are_made_and_a_broken_one_is_left_open():
    found = await assess(TASK, Response(Message.assistant("An answer."), "stop"), [*CHECKS, Broken()])
    assert [(c.name, c.passed) for c in found.checks] == [
        ("not_empty", True),
        ("not_truncated", True),
        ("no_repetition", True),
        ("schema", None),
        ("broken", None),
    ]
    assert found.checks[-1].detail == "the check failed: RuntimeError: no idea"
    assert found.score == 1.0


def made(*passed: bool | None, **dimensions: Any) -> Assessment:
    return Assessment(tuple(CheckResult(f"c{n}", p, f"d{n}") for n, p in enumerate(passed)), dimensions)


@pytest.mark.parametrize(
    ("assessment", "minima", "expected"),
    [
        (made(), {}, ()),
        (made(None), {"score": 1.0, "accuracy": 0.9}, ()),
        (made(True, None), {}, ()),
        (made(True, False), {}, ("c1: d1",)),
        (made(True, False), {"score": 0.5}, ()),
        (made(True, False), {"score": 0.6}, ("c1: d1",)),
        (made(accuracy=0.8), {"accuracy": 0.9}, ("accuracy: 0.80 is below 0.90",)),
        (made(accuracy=0.9), {"accuracy": 0.9}, ()),
        (made(accuracy=None), {"accuracy": 0.9}, ()),
        (Assessment((CheckResult("x", False),)), {}, ("x: does not hold",)),
    ],
)
def test_good_enough(assessment: Assessment, minima: dict[str, float], expected: tuple[str, ...]):
    assert shortfalls(assessment, minima) == expected
    assert meets(assessment, minima) is (not expected)
