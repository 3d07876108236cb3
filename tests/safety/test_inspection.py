"""Every text of a stage is looked at, and what the policy says is done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from aiorch.safety.detection import OFF_THE_LOOP, Detector, Finding
from aiorch.safety.inspection import REMEMBERED, Inspection
from aiorch.safety.places import places_of
from aiorch.safety.policy import read_policy
from aiorch.types import (
    Image,
    Message,
    Provenance,
    Reasoning,
    Task,
    Text,
    ToolCall,
    ToolResult,
)

pytestmark = pytest.mark.anyio


class Words:
    """Finds each of its words, wherever it stands."""

    def __init__(self, name: str, *words: str) -> None:
        self.name = name
        self.words = words
        self.texts: list[str] = []

    def scan(self, text: str) -> Sequence[Finding]:
        self.texts.append(text)
        found = []
        for word in self.words:
            at = text.find(word)
            while at >= 0:
                found.append(
                    Finding(f"{self.name}.{word}", (at, at + len(word)), 0.9, f"the word of {self.name}")
                )
                at = text.find(word, at + 1)
        return found


def inspection(table: dict, *detectors: Detector) -> Inspection:
    policy = read_policy({"base": "off", **table})
    return Inspection(lambda: detectors, lambda task: policy)


def task(*messages: Message) -> Task:
    return Task(messages=messages)


async def verdict(guard: Inspection, stage, *messages: Message):
    return await guard.validate(stage, messages, task(*messages))


async def test_nothing_found_is_allowed_as_it_is():
    said = await verdict(
        inspection({"input": {"a": "block"}}, Words("a", "x")), "input", Message.user("hello")
    )
    assert (said.action, said.issues, said.replacement) == ("allow", (), None)


async def test_what_is_redacted_is_taken_out_and_told():
    guard = inspection({"input": {"a": "redact"}}, Words("a", "key"))
    said = await verdict(guard, "input", Message.system("Be brief."), Message.user("my key and your key."))
    assert said.action == "redact"
    assert said.replacement is not None
    assert [m.text for m in said.replacement] == ["Be brief.", "my [redacted] and your [redacted]."]
    first = said.issues[0]
    assert (first.code, first.span, first.detector, first.confidence) == ("a.key", (3, 6), "a", 0.9)
    assert (first.action, first.where, first.severity) == ("redact", "message 2", "warning")


async def test_findings_that_overlap_are_taken_out_once_and_whole():
    guard = inspection({"input": {"a": "redact"}}, Words("a", "bcd", "abc", "cd", "x"))
    said = await verdict(guard, "input", Message.user("-abcdx-x"))
    assert said.replacement is not None
    assert said.replacement[0].text == "-[redacted][redacted]-[redacted]"


async def test_the_strongest_action_holds_and_a_block_replaces_nothing():
    guard = inspection(
        {"input": {"a": "redact", "b": "block", "c": "flag"}},
        Words("a", "a"),
        Words("b", "b"),
        Words("c", "c"),
    )
    said = await verdict(guard, "input", Message.user("a b c"))
    assert (said.action, said.allowed, said.replacement) == ("block", False, None)
    assert {i.code: i.action for i in said.issues} == {"a.a": "redact", "b.b": "block", "c.c": "flag"}


async def test_a_person_who_is_asked_decides_on_what_would_be_sent():
    guard = inspection({"input": {"a": "redact", "b": "ask"}}, Words("a", "a"), Words("b", "b"))
    said = await verdict(guard, "input", Message.user("a b"))
    assert said.action == "ask"
    assert said.replacement is not None
    assert said.replacement[0].text == "[redacted] b"


async def test_only_those_look_from_whom_something_follows():
    idle, busy = Words("idle", "x"), Words("busy", "x")
    await verdict(
        inspection({"input": {"busy": "flag", "idle": "allow"}}, idle, busy), "input", Message.user("x")
    )
    assert (idle.texts, busy.texts) == ([], ["x"])


async def test_what_the_developer_and_the_model_wrote_is_not_taken_for_an_attack():
    guard = inspection(
        {"input": {"injection": "block", "secrets": "flag"}}, Words("injection", "x"), Words("secrets", "x")
    )
    said = await verdict(guard, "input", Message.system("x"), Message.assistant("x"))
    assert [i.code for i in said.issues] == ["secrets.x", "secrets.x"]
    assert (await verdict(guard, "input", Message.user("x"))).action == "block"


async def test_what_a_document_says_is_judged_like_a_tools_result_wherever_it_stands():
    guard = inspection({"input": {"a": "block"}, "tool_result": {"a": "flag"}}, Words("a", "x"))
    document = Message.user("Sum this up:", Text("x", Provenance("document", "report.pdf")))
    said = await verdict(guard, "input", document)
    assert (said.action, said.issues[0].where) == ("flag", "message 1, part 2")


async def test_arguments_and_results_are_looked_at_and_rewritten_in_place():
    guard = inspection({"arguments": {"a": "redact"}, "tool_result": {"a": "redact"}}, Words("a", "x"))
    call = Message.assistant(ToolCall("1", "send", {"to": "x", "lines": ["y", {"deep": "zx"}], "n": 3}))
    said = await verdict(guard, "arguments", call)
    assert said.replacement is not None
    assert said.replacement[0].tool_calls[0].arguments == {
        "to": "[redacted]",
        "lines": ["y", {"deep": "z[redacted]"}],
        "n": 3,
    }
    assert [i.where for i in said.issues] == ["message 1, argument to", "message 1, argument lines[1].deep"]
    result = Message.tool(ToolResult("1", "x!", provenance=Provenance("tool", "send")))
    said = await verdict(guard, "tool_result", result)
    assert said.replacement is not None
    assert said.replacement[0].tool_results[0].content == "[redacted]!"


async def test_reasoning_that_was_changed_carries_no_signature_and_pictures_stay():
    guard = inspection({"output": {"a": "redact"}}, Words("a", "x"))
    picture = Image(url="https://example.org/x.png")
    said = await verdict(
        guard, "output", Message("assistant", (Reasoning("x", "signed"), Text("fine"), picture))
    )
    assert said.replacement is not None
    thought, text, same = said.replacement[0].parts
    assert (thought, text, same) == (Reasoning("[redacted]"), Text("fine"), picture)


async def test_a_text_that_comes_again_is_not_looked_at_again():
    words = Words("a", "x")
    guard = inspection({"input": {"a": "flag"}}, words)
    for _ in range(3):
        assert (await verdict(guard, "input", Message.user("x"))).action == "flag"
    assert words.texts == ["x"]
    for n in range(REMEMBERED + 1):
        guard.look(list(places_of("input", [Message.user(f"{n}")])), read_policy({"input": {"a": "flag"}}))
    assert len(guard._looking().known) == REMEMBERED


async def test_long_texts_are_looked_at_beside_the_event_loop():
    import threading

    seen: list[int] = []

    class Where(Words):
        def scan(self, text: str) -> Sequence[Finding]:
            seen.append(threading.get_ident())
            return super().scan(text)

    guard = inspection({"input": {"a": "flag"}}, Where("a", "x"))
    await verdict(guard, "input", Message.user("short"))
    await verdict(guard, "input", Message.user("long " * OFF_THE_LOOP + "x"))
    assert seen[0] == threading.get_ident() != seen[1]


async def test_detectors_are_made_when_the_first_text_comes():
    made: list[int] = []

    def make():
        made.append(1)
        return (Words("a", "x"),)

    policy = read_policy({"base": "off", "input": {"a": "flag"}})
    guard = Inspection(make, lambda task: policy)
    assert made == []
    for text in ("x", "y", " ", ""):
        await verdict(guard, "input", Message.user(text))
    assert made == [1]
