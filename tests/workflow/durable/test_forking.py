"""What a forked run begins with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InputError
from aiorch.workflow.durable.forking import done_again, taken_along, task_at_the_top

NEEDS = {"load": (), "facts": ("load",), "draft": ("facts",), "notes": ("load",), "send": ("draft", "notes")}


def test_a_task_and_all_that_depend_on_it_are_done_again() -> None:
    assert done_again(NEEDS, "facts") == {"facts", "draft", "send"}
    assert done_again(NEEDS, "send") == {"send"}


def test_a_task_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean draft"):
        done_again(NEEDS, "drat")


def test_a_cycle_ends() -> None:
    assert done_again({"a": ("b",), "b": ("a",)}, "a") == {"a", "b"}


@pytest.mark.parametrize("inside", ["", "[3]", "/facts", "#2/better", ":round1/model", "!until", "[3]/x:y"])
def test_a_key_belongs_to_the_task_at_its_beginning(inside: str) -> None:
    assert task_at_the_top("draft" + inside) == "draft"


@given(st.sampled_from(list(NEEDS)), st.lists(st.sampled_from(["", "[0]", ":model", "!failed"])))
def test_nothing_that_is_done_again_is_taken_along(task: str, ends: list[str]) -> None:
    again = done_again(NEEDS, task)
    keys = [name + end for name in NEEDS for end in ends]
    taken = taken_along(keys, again)
    assert {task_at_the_top(key) for key in taken}.isdisjoint(again)
    assert len(taken) == len(ends) * (len(NEEDS) - len(again))
