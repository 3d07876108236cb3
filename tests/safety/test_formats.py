"""What an answer must look like is checked in bounded time, and nothing is claimed of what cannot be told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import ConfigurationError
from aiorch.routing import Profiles
from aiorch.safety.formats import Format, OutputFormat, faults, matches, speaks
from aiorch.types import Message, Task, ToolCall

GERMAN = "Das ist eine kurze Antwort auf die Frage, und sie wird auch von den Kindern verstanden."
ENGLISH = "This is a short answer to the question, and it will be understood by the children of the house."
JAPANESE = "これは質問に対する短い答えです。子どもにもわかりますように書きました。"
CHINESE = "这是对问题的简短回答孩子们也能理解我们希望你会喜欢这个答案"


def codes(text: str, asked: Format) -> list[str]:
    return [issue.code for issue in faults(text, asked)]


def test_length_pattern_and_fences_are_told() -> None:
    assert codes("abc", Format(shortest=1, longest=3, pattern="^a", fences="none")) == []
    assert codes("", Format(shortest=1)) == ["format.too_short"]
    assert codes("abcd", Format(longest=3)) == ["format.too_long"]
    assert codes("abc", Format(pattern="^b")) == ["format.pattern"]
    block = "```python\nx = 1\n```"
    assert codes(block, Format(fences="only")) == codes(f"So:\n{block}", Format(fences="some")) == []
    assert codes(block, Format(fences="none")) == codes("x", Format(fences="some")) == ["format.fences"]
    assert codes(f"So:\n{block}", Format(fences="only")) == ["format.fences"]


def test_a_pattern_of_exponential_cost_elsewhere_costs_nothing_here() -> None:
    assert not matches(r"^(a+)+$", "a" * 5_000 + "b")
    assert not matches(r"(.*x){12}", "ax" * 11 + "a" * 5_000)
    assert matches("é$", "caf\ud800é")


def test_a_pattern_that_needs_backtracking_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ConfigurationError, match="linear time"):
        OutputFormat(Format(pattern=r"(a)\1"))
    with pytest.raises(ConfigurationError):
        OutputFormat(Format(pattern="("))
    with pytest.raises(ConfigurationError):
        Profiles({"poet": {"format": {"pattern": "("}}})
    with pytest.raises(ConfigurationError, match="did you mean 'longest'"):
        Profiles({"poet": {"format": {"longst": 3}}})
    with pytest.raises(ConfigurationError, match="is no Format"):
        Profiles({"poet": {"format": 3}})


def test_a_schema_says_what_is_wrong_and_fetches_nothing() -> None:
    asked = Format(schema={"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})
    assert codes('{"a": 1}', asked) == []
    assert codes('{"a": "x"}', asked) == ["format.schema"]
    assert codes("no", asked) == ["format.json"]
    assert codes("[" * 100_000, asked) == ["format.json"]


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        (GERMAN, "de", True),
        (GERMAN, "en", False),
        (ENGLISH, "en-GB", True),
        (ENGLISH, "de", False),
        (ENGLISH, "fi", None),
        (ENGLISH, "ru", False),
        ("Это короткий ответ на ваш вопрос", "en", False),
        ("Это короткий ответ на ваш вопрос", "ru", None),
        ("Αυτή είναι μια σύντομη απάντηση", "el", True),
        (JAPANESE, "ja", True),
        (JAPANESE, "zh", False),
        (CHINESE, "ja", None),
        (CHINESE, "zh", True),
        ("ok", "de", None),
        ("```\nif the and of to is that it was for\n```", "de", None),
        ("Berlin Paris Madrid Lissabon Kopenhagen", "de", None),
    ],
)
def test_a_language_is_told_or_left_open(text: str, language: str, said: bool | None) -> None:
    assert speaks(text, language) is said


@pytest.mark.anyio
async def test_the_validator_acts_as_told_and_waits_for_tools() -> None:
    asked = OutputFormat(Format(longest=2, language="de"), "block")
    verdict = await asked.validate("output", (Message.assistant(ENGLISH),), Task.of("x"))
    assert (verdict.action, [i.code for i in verdict.issues]) == (
        "block",
        ["format.too_long", "format.language"],
    )
    assert (await asked.validate("output", (Message.assistant("ja"),), Task.of("x"))).action == "allow"
    calls = (Message("assistant", (ToolCall("1", "f", {}),)),)
    assert (await OutputFormat(Format(shortest=5)).validate("output", calls, Task.of("x"))).action == "allow"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=120))
def test_any_answer_is_looked_at_without_fault(text: str) -> None:
    faults(text, Format("^a", 1, 9, "ja", "only", {"type": "object"}))
