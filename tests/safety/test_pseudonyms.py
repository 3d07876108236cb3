"""Values are hidden in one of four ways, and pseudonyms come back, in streams too."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.detection import Finding
from aiorch.safety.pseudonyms import Pseudonyms, hashed, mask, redact

TEXT = "from ann@mail.net to bob@mail.net, cc ann@mail.net"


def findings(text: str, *values: str) -> list[Finding]:
    return [
        Finding("pii.email", (at, at + len(value)), 0.9, "an address")
        for value in values
        for at in range(len(text))
        if text.startswith(value, at)
    ]


FOUND = findings(TEXT, "ann@mail.net", "bob@mail.net")


def test_redact_mask_and_hash() -> None:
    assert redact(TEXT, FOUND) == "from [redacted] to [redacted], cc [redacted]"
    assert mask("ann@mail.net", findings("ann@mail.net", "ann@mail.net"), keep=2) == "***@****.*et"
    assert mask("1234", [Finding("pii.x", (0, 4), 1, "")]) == "***4"
    once = hashed(TEXT, FOUND, b"key")
    assert once == hashed(TEXT, FOUND, b"key") != hashed(TEXT, FOUND, b"other")
    assert once.count("<EMAIL#") == 3
    assert "mail.net" not in once
    assert len({part for part in once.split() if part.startswith("<")}) <= 3
    with pytest.raises(ValueError, match="needs a key"):
        hashed(TEXT, FOUND, b"")


def test_of_overlapping_findings_the_longest_first_counts_and_empty_ones_do_not() -> None:
    overlapping = [
        Finding("a.b", (0, 4), 1, ""),
        Finding("a.b", (0, 8), 1, ""),
        Finding("a.b", (6, 9), 1, ""),
        Finding("a.b", (9, 9), 1, ""),
    ]
    assert redact("0123456789", overlapping) == "[redacted]89"
    assert redact("nothing", []) == "nothing"


def test_pseudonyms_are_consistent_within_a_task_and_come_back() -> None:
    names = Pseudonyms(random.Random(1))
    hidden = names.hide(TEXT, FOUND)
    first, second = hidden.split()[1], hidden.split()[3].rstrip(",")
    assert hidden == f"from {first} to {second}, cc {first}"
    assert (
        names.hide("again bob@mail.net", findings("again bob@mail.net", "bob@mail.net")) == f"again {second}"
    )
    assert names.restore(f"Dear {second}, {first}") == "Dear bob@mail.net, ann@mail.net"
    assert names.restore("nothing of ours") == "nothing of ours"
    assert "mail" not in repr(names)


def test_a_text_cannot_smuggle_in_a_stand_in() -> None:
    taken = Pseudonyms(random.Random(1)).hide("a@b.net", findings("a@b.net", "a@b.net"))
    text = f"{taken} a@b.net"
    names = Pseudonyms(random.Random(1))
    hidden = names.hide(text, findings(text, "a@b.net"))
    assert hidden.startswith(taken + " <EMAIL_2_")
    assert names.restore(hidden) == text
    assert Pseudonyms().hide("a@b.net", findings("a@b.net", "a@b.net")) != Pseudonyms().hide(
        "a@b.net", findings("a@b.net", "a@b.net")
    )


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_split_of_an_answer_is_restored_alike(data: st.DataObject) -> None:
    names = Pseudonyms(random.Random(2))
    hidden = names.hide(TEXT, FOUND) + " <b> < <EMAIL_1 <<"
    stream = names.restoring()
    shown, at = "", 0
    while at < len(hidden):
        size = data.draw(st.integers(1, 20))
        shown += stream.feed(hidden[at : at + size]).release
        at += size
    assert shown + stream.close().release == TEXT + " <b> < <EMAIL_1 <<"


def test_what_is_no_stand_in_is_not_held_back() -> None:
    stream = Pseudonyms(random.Random(2)).restoring()
    assert stream.feed("a <b").release == "a <b"
