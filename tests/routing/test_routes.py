"""How traffic is told, and the steps of a shift."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InputError
from aiorch.routing.routes import graded, moment, sticky
from aiorch.routing.traffic import Shift
from aiorch.types import Message, Task

SHARES = st.floats(min_value=1e-6, max_value=1.0)


@given(one=SHARES, other=SHARES, over=st.floats(min_value=0.0, max_value=1e9), key=st.text())
def test_steps_only_ever_grow_from_the_first_share_to_the_last(
    one: float, other: float, over: float, key: str
) -> None:
    start, end = sorted((one, other))
    steps = graded(start, end, over)
    shift = Shift("a", "b", 0.0, steps)  # refuses steps that shrink
    assert steps[0][0] == 0.0
    assert steps[-1][1] == end
    assert math.isclose(steps[0][1], start) or over == 0
    times = (0.0, over / 3, over / 2, over, over * 2)
    sides = [shift.side(key, t) for t in times]
    assert sides == sorted(sides)  # once over, nobody comes back


@pytest.mark.parametrize("wrong", [(0.0, 1.0, 1.0), (0.5, 0.4, 1.0), (0.1, 1.1, 1.0), (0.1, 1.0, math.inf)])
def test_what_is_no_shift_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InputError):
        graded(*wrong)


def test_a_time_beyond_the_calendar_is_told_all_the_same() -> None:
    assert moment(math.inf) == moment(1e30) == "the end of time"


def test_nobody_is_taken_for_somebody_else() -> None:
    messages = (Message.user("hi"),)
    keys = {
        sticky(Task(messages, id="1")),
        sticky(Task(messages, user="1")),
        sticky(Task(messages, tenant="1")),
        sticky(Task(messages, user="1", tenant="1")),
        sticky(Task(messages, user="1", tenant="2")),
    }
    assert len(keys) == 5
