"""Texts are looked at outside of any task: whatever they are handed in as, and nothing of them is kept."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.safety.keys import of_providers

from aiorch.errors import SettingsError
from aiorch.screening import Screening
from aiorch.settings import Settings
from aiorch.types import Message

KEY = of_providers(random.Random(7))["groq_key"]
MAIL = "ann.larsen@fjordmail.no"


def screening(folder: Path, **settings: Any) -> Screening:
    return Screening(Settings(data_dir=folder, **settings))


def test_a_text_comes_back_as_it_was_or_without_what_was_found(tmp_path: Path) -> None:
    look = screening(tmp_path).look
    fine = look("input", "Hello")
    assert (fine.content, fine.action, fine.issues, fine.allowed) == ("Hello", "allow", (), True)
    seen = look("input", f"my {KEY}")
    assert (seen.content, seen.action, seen.allowed) == ("my [redacted]", "redact", True)
    assert seen.issues[0].code == "secrets.groq_key"


def test_data_is_looked_at_wherever_a_text_can_be(tmp_path: Path) -> None:
    look = screening(tmp_path).look
    data = {"a": [1, None, True, {"deep": f"x {KEY}"}], KEY: "k", "path": Path(f"/tmp/{KEY}"), "n": 3}
    seen = look("input", data)
    assert KEY not in repr(seen)
    assert seen.content["a"] == [1, None, True, {"deep": "x [redacted]"}]
    assert (seen.content["n"], len(seen.issues)) == (3, 3)


def test_messages_stay_messages(tmp_path: Path) -> None:
    look = screening(tmp_path).look
    one = look("output", Message.assistant(f"It is {KEY}"))
    assert one.content == Message.assistant("It is [redacted]")
    several = look("input", [Message.system("Be brief."), Message.user(KEY)])
    assert several.content == (Message.system("Be brief."), Message.user("[redacted]"))
    wrong = look("input", [Message.user("a"), Message.system("b")])
    assert (wrong.allowed, wrong.issues[0].code) == (False, "bad_role_order")


def test_what_can_be_no_input_is_blocked_and_says_why(tmp_path: Path) -> None:
    look = screening(tmp_path, input_limit=100).look
    assert [i.code for i in look("input", "x" * 101).issues] == ["too_long"]
    assert [i.code for i in look("input", ["x" * 60, "y" * 60]).issues] == ["too_long"]
    assert look("input", "a\0b").action == "block"
    endless: list[Any] = []
    endless.append(endless)
    assert [i.code for i in look("input", endless).issues] == ["too_deep"]
    assert look("input", "").allowed
    assert look("input", []).allowed


def test_under_strict_persons_are_hidden_alike_within_one_look_and_nothing_is_kept(tmp_path: Path) -> None:
    guarded = screening(tmp_path, guard="strict")
    seen = guarded.look("input", {"to": MAIL, "text": f"from {MAIL}"})
    assert MAIL not in repr(seen)
    assert seen.content["text"] == f"from {seen.content['to']}"
    guarded.look("input", [Message.user(MAIL)])
    assert guarded._inspection._names == {}
    blocked = guarded.look("output", f"It is {KEY}")
    assert (blocked.allowed, blocked.action) == (False, "block")


def test_an_execution_is_written_down_as_retention_says(tmp_path: Path) -> None:
    guarded = screening(tmp_path)
    guarded.record({"q": 1}, Message.assistant("An answer."), model="m")
    guarded.record("asked", object())
    (file,) = (tmp_path / "audit").glob("audit-*.jsonl")
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["event"], first["model"], second["event"]) == ("execution", "m", "execution")
    assert "An answer." not in file.read_text()


def test_a_policy_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no guard policy 'loose'"):
        screening(tmp_path, guard="loose")
