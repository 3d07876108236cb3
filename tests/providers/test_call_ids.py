"""Ids of calls fit wherever they came from, and results find their calls."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.call_ids import CallIds


@given(st.lists(st.sampled_from(["call_0", "a:b", "a.b", "", "é", "x" * 80, "x" * 90])))
def test_every_id_is_legal_and_no_two_calls_share_one(given_ids: list[str]) -> None:
    ids = CallIds()
    made: list[str] = []
    for call_id in given_ids:
        made.append(ids.call(call_id))
        assert ids.result(call_id) == made[-1]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", call_id) for call_id in made)


def test_a_result_without_a_call_has_an_id_of_its_own() -> None:
    assert CallIds().result("a:b") == "a_b"
    assert CallIds().result("") == "call"
