"""What is no input is refused, with the reason; what is one passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.safety import InputLimits
from aiorch.safety.limits import check
from aiorch.types import Image, Message, Reasoning, Task, Text, ToolCall, ToolResult

CALL = ToolCall("c1", "search", {"q": "x"})
ASKED = Message.assistant(CALL)
ANSWERED = Message.tool(ToolResult("c1", "found"))
USER = Message.user("hello")


def codes(*messages: Any, **limits: int) -> list[str]:
    return [issue.code for issue in check(messages, **limits)]


@pytest.mark.parametrize(
    "conversation",
    [
        (USER,),
        (Message.system("a"), Message.system("b"), USER),
        (USER, ASKED, ANSWERED),
        (USER, ASKED, ANSWERED, Message.assistant("done"), USER),
        (
            USER,
            Message.assistant(CALL, ToolCall("c2", "x", {})),
            ANSWERED,
            Message.tool(ToolResult("c2", "")),
        ),
        (Message.user("see", Image(data=b"x", media_type="image/png"), Image(url="https://a/b.png")),),
        (USER, Message.assistant(Reasoning("hm"), "so")),
        (Message.user("åäö 漢字 🎉 \u200b"),),
    ],
)
def test_a_conversation_passes(conversation: tuple[Message, ...]):
    assert check(conversation) == ()
    assert check(list(conversation)) == ()


@pytest.mark.parametrize(
    ("conversation", "code"),
    [
        ((), "empty"),
        ((Message.system("only"),), "empty"),
        ((Message.user("  \n"),), "empty"),
        ((Message("user", ()),), "empty"),
        ((USER, Message.system("late")), "bad_role_order"),
        ((USER, ANSWERED), "orphan_tool_result"),
        ((USER, ASKED, ANSWERED, ANSWERED), "orphan_tool_result"),
        ((USER, ASKED), "unanswered_tool_call"),
        ((USER, ASKED, USER), "unanswered_tool_call"),
        ((USER, Message.assistant(CALL, CALL), ANSWERED), "bad_role_order"),
        ((Message.user("a\0b"),), "invalid_text"),
        ((Message.user("half \ud83d"),), "invalid_text"),
        ((USER, ASKED, Message.tool(ToolResult("c1", "\udcff"))), "invalid_text"),
        ((USER, Message.assistant(ToolCall("c1", "f", {"x": object()})), ANSWERED), "invalid_text"),
        ((Message.user(Image(url="file:///etc/passwd")),), "invalid_image"),
        ((Message.user(Image(data=b"x", media_type="text/html")),), "invalid_image"),
        ((Message.user(CALL),), "misplaced_part"),
        ((Message.assistant(Image(url="https://a")),), "misplaced_part"),
        ((Message("narrator", (Text("x"),)),), "bad_type"),  # pyright: ignore[reportArgumentType]
        (("hello",), "bad_type"),
        ((Message("user", "hello"),), "bad_type"),  # pyright: ignore[reportArgumentType]
        ((Message("user", ("hello",)),), "bad_type"),  # pyright: ignore[reportArgumentType]
        ((Message.user(Text(7)),), "bad_type"),  # pyright: ignore[reportArgumentType]
        ((Message.user(Image(url=7)),), "bad_type"),  # pyright: ignore[reportArgumentType]
        ((Message.assistant(ToolCall("1", "f", [])), ANSWERED), "bad_type"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_what_is_wrong_is_named(conversation: tuple[Message, ...], code: str):
    assert code in codes(*conversation)


def test_no_sequence_of_messages_is_named():
    for nothing in ("hello", None, 7, {"role": "user"}):
        assert [i.code for i in check(nothing)] == ["bad_type"]


def test_the_limit_counts_bytes_of_utf8_over_all_parts():
    four = Message.user("é", "é")
    assert codes(four, text_limit=4) == []
    assert codes(four, text_limit=3) == ["too_long"]
    assert codes(USER, Message.assistant(Reasoning("123")), text_limit=7) == ["too_long"]
    assert codes(USER, ASKED, ANSWERED, text_limit=25) == ["too_long"]


def test_the_default_limit_is_a_hundred_kilobytes():
    assert codes(Message.user("x" * 102_400)) == []
    (issue,) = check((Message.user("x" * 102_401),))
    assert "102,401 bytes long, at most 102,400 are taken" in issue.message
    assert "AIORCH_INPUT_LIMIT" in issue.message


def test_pictures_have_a_limit_of_their_own():
    picture = Message.user("look", Image(data=b"x" * 1000, media_type="image/png"))
    assert codes(picture, text_limit=10) == []
    assert codes(picture, image_limit=999) == ["image_too_large"]
    inline = Message.user(Image(url="data:image/png;base64," + "A" * 2000))
    assert codes(inline, text_limit=10, image_limit=1000) == ["image_too_large"]


def test_every_problem_is_named_at_once():
    assert codes(Message.user("\0" * 11), Message.system("x"), text_limit=10) == [
        "invalid_text",
        "too_long",
        "bad_role_order",
    ]


@pytest.mark.anyio
async def test_it_blocks_or_allows():
    limits = InputLimits(text_limit=10)
    task = Task.of("x")
    assert (await limits.validate("input", (USER,), task)).action == "allow"
    verdict = await limits.validate("input", (Message.user("x" * 11),), task)
    assert (verdict.action, verdict.allowed) == ("block", False)
    assert verdict.issues[0].detector == "input_limits"


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=6,
)
TEXTS = st.text(st.characters(exclude_categories=()))
PARTS = (
    st.builds(Text, TEXTS | ANYTHING)
    | st.builds(Reasoning, TEXTS | ANYTHING)
    | st.builds(ToolCall, TEXTS, TEXTS | ANYTHING, ANYTHING, ANYTHING)
    | st.builds(ToolResult, TEXTS | ANYTHING, TEXTS | ANYTHING)
    | st.builds(Image, url=TEXTS)
    | ANYTHING
)
MESSAGES = st.builds(
    Message, st.sampled_from(["system", "user", "assistant", "tool"]) | ANYTHING, st.lists(PARTS) | ANYTHING
)


@given(st.lists(MESSAGES | ANYTHING) | ANYTHING)
def test_it_never_raises_and_what_passes_can_be_sent(content: Any):
    if not check(content):
        for message in content:
            assert isinstance(message, Message)
            message.text.encode()
