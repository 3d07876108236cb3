"""Where two halves of an answer meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing.joints import ENOUGH, PREFILLING, Joint, going_on, may_go_on
from aiorch.types import JsonSchema, Message, Request, ToolSpec

ASK = Request((Message.user("Tell me a story."),))


def joined(before: str, *pieces: str) -> str:
    joint = Joint(before)
    return before + "".join(joint.feed(piece) for piece in pieces) + joint.close()


@pytest.mark.parametrize(
    ("before", "pieces", "whole"),
    [
        ("Once upon a", [" time", " there was"], "Once upon a time there was"),
        ("Once upon a", ["Once ", "upon a", " time"], "Once upon a time"),
        ("Once upon a time there ", ["upon a time ", "there was"], "Once upon a time there was"),
        ("t0 t1 t2 ", ["t0 ", "t1 ", "t2 ", "t3 "], "t0 t1 t2 t3 "),
        ("The end", ["d of it"], "The endd of it"),
        ("", ["anything"], "anything"),
        ("Once upon a time there", ["upon a time"], "Once upon a time thereupon a time"),
        ("ab ab ab ab ab ab ", ["ab ab ab ab ab ab ", "c"], "ab ab ab ab ab ab c"),
    ],
    ids=[
        "new",
        "anew",
        "last words",
        "in small pieces",
        "by chance",
        "nothing before",
        "cut in it",
        "repetitive",
    ],
)
def test_what_is_said_twice_is_shown_once(before: str, pieces: list[str], whole: str) -> None:
    assert joined(before, *pieces) == whole


text = st.text("ab .", max_size=40)


@given(text, st.lists(text, max_size=6))
def test_nothing_new_is_lost_and_only_a_repetition_is_left_out(before: str, pieces: list[str]) -> None:
    said, shown = "".join(pieces), joined(before, *pieces)[len(before) :]
    left_out = said[: len(said) - len(shown)]
    assert said == left_out + shown
    assert before.endswith(left_out)
    assert not left_out or len(left_out) >= ENOUGH or left_out == before


@given(text, st.lists(text, max_size=6))
def test_pieces_make_no_difference(before: str, pieces: list[str]) -> None:
    assert joined(before, *pieces) == joined(before, "".join(pieces))


@given(st.text("abcdefgh ", min_size=1, max_size=60), text)
def test_who_begins_anew_is_shown_from_where_the_first_stopped(before: str, more: str) -> None:
    assert joined(before, before + more) == before + more


def test_most_are_told_to_go_on_and_some_are_left_the_open_turn() -> None:
    told = going_on(ASK, "Once", "groq")
    assert [m.role for m in told.messages] == ["user", "assistant", "user"]
    assert told.messages[1].text == "Once"
    for provider in PREFILLING:
        assert [m.role for m in going_on(ASK, "Once", provider).messages] == ["user", "assistant"]
    assert ASK.messages == (Message.user("Tell me a story."),)


def test_tool_calls_and_objects_are_never_made_of_two_halves() -> None:
    assert may_go_on(ASK)
    assert not may_go_on(Request(ASK.messages, tools=(ToolSpec("t", "does", {}),)))
    assert not may_go_on(Request(ASK.messages, schema=JsonSchema({})))
