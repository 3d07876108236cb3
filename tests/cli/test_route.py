"""``aiorch route``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiorch.cli.route import passed_over
from aiorch.types import PassedOver

CARDS = (
    "[ModelCard('parrot', 'small', free='local', capabilities=Capabilities(chat=True)),"
    " ModelCard('parrot', 'large', free='local', capabilities=Capabilities(chat=True), parameters=70_000_000_000),"
    " ModelCard('parrot', 'paid', price=Price(Decimal('1'), Decimal('2')), free='none')]"
)


@pytest.fixture
def parrot(scripted) -> None:
    scripted("'hi'", cards=CARDS)


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "routes.toml"
    path.write_text(
        '[pools]\nsmall = ["parrot/small"]\n'
        '[[rules]]\nname = "nights"\nbetween = "22:00-06:00"\npool = "small"\nonly = true\n'
        '[[rules]]\nname = "acme"\ntenant = "acme"\ntags = { app = "web" }\npool = ["parrot/small"]\n'
    )
    return str(path)


def test_candidates_come_in_the_order_in_which_they_would_be_asked(aiorch, parrot):
    done = aiorch("route", "hi")
    assert done.exit_code == 0
    first, head, large, small = done.stdout.splitlines()
    assert first.startswith("simple: profile general")
    assert head.split() == ["MODEL", "COST", "FAMILY"]
    assert large.split()[:2] == ["1", "parrot/large"]
    assert small.split()[:2] == ["2", "parrot/small"]
    assert "not parrot/paid: not known to be free, and allow_paid is off" in done.stderr


def test_a_rule_that_holds_is_named_and_those_that_do_not_are_explained(aiorch, parrot, rules):
    by_night = aiorch("route", "hi", "--rules", rules, "--at", "2026-11-22T23:00")
    assert "rule 'nights' sends it to pool 'small'" in by_night.stdout
    assert "not parrot/large: outside of pool 'small'" in by_night.stderr
    by_day = aiorch(
        *("route", "hi", "--rules", rules, "--at", "2026-11-22T12:00+00:00"),
        *("--tenant", "acme", "--tag", "app=web"),
    )
    assert "rule 'acme' sends it to its own pool" in by_day.stdout
    assert "1  parrot/small" in by_day.stdout
    assert "not rule 'nights': it is 12:00 in UTC, not 22:00 to 06:00" in by_day.stderr


def test_rules_come_from_the_settings_as_well(aiorch, parrot, rules, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_ROUTING_RULES", rules)
    told = json.loads(aiorch("route", "hi", "--at", "2026-11-22T23:00", "--json").stdout)
    assert [c["id"] for c in told["candidates"]] == ["parrot/small"]
    assert told["reason"].startswith("rule 'nights'")
    assert {
        "id": "parrot/large",
        "reason": "outside of pool 'small', and rule 'nights' allows nobody else",
    } in told["passed_over"]


def test_a_rule_about_a_model_that_nobody_knows_is_an_error_before_anything_is_asked(
    aiorch, parrot, tmp_path: Path
):
    path = tmp_path / "routes.toml"
    path.write_text('[[rules]]\npool = ["parrot/smal"]\n')
    done = aiorch("route", "hi", "--rules", str(path))
    assert done.exit_code != 0
    assert "'parrot/smal', which no provider is known to serve; did you mean 'parrot/small'" in done.stderr


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--tag", "web"), "is no label; write --tag app=web"),
        (("--at", "noon"), "is no time; write 2026-11-22T23:00"),
    ],
)
def test_what_cannot_be_understood_is_said(aiorch, option: tuple[str, str], told: str):
    done = aiorch("route", "hi", *option)
    assert done.exit_code == 2
    assert told in done.stderr


def test_nobody_to_ask_is_a_failure_with_the_reasons(aiorch):
    done = aiorch("route", "hi")
    assert done.exit_code == 1
    assert "nobody may be asked" in done.stderr


def test_reasons_that_many_share_are_told_once():
    those = (*(PassedOver(f"p/{n}", "costs") for n in range(5)), PassedOver("p/x", "old"))
    assert passed_over(those, 10) == ["not p/0 and 4 others: costs", "not p/x: old"]
    assert len(passed_over(those, None)) == 6
