"""JSON with faults of punctuation is mended; nothing is guessed."""

from __future__ import annotations

import sys

import pytest

from aiorch.quality.answers import MOST_REPAIRED, NoJSON, json_in

BROKEN = "[{'a': 1,}, {'a': True}]"


def test_what_is_json_but_for_its_punctuation_is_mended() -> None:
    pytest.importorskip("json_repair")
    assert json_in(BROKEN) == [{"a": 1}, {"a": True}]
    assert json_in(f"Here you are:\n```json\n{BROKEN}\n```") == [{"a": 1}, {"a": True}]
    assert json_in('{a: 1, "b": "x" /* note */}') == {"a": 1, "b": "x"}


def test_what_stops_in_the_middle_or_never_was_json_is_not_made_up() -> None:
    for text in ('{"a": 1', '{"a": {"b": 1,}', "{see above}", "[see above]", "none", '{"a": NaN}'):
        with pytest.raises(NoJSON):
            json_in(text)
    with pytest.raises(NoJSON):
        json_in("{'a': '" + "x" * MOST_REPAIRED + "'}")


def test_without_the_library_the_fault_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "json_repair", None)
    with pytest.raises(NoJSON, match="line 1"):
        json_in("{'a': 1}")
