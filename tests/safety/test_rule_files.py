"""Rule files: rows that are right become rules, and everything that is wrong with them is told at once."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.rule_files import MOST_RULES, Example, RuleRow, read_rules

ROW = {
    "name": '"bluebird"',
    "detector": '"codenames"',
    "what": '"a code name"',
    "keywords": '["Bluebird"]',
    "pattern": '"bluebird[- ]?[0-9]{1,4}"',
    "confidence": "0.97",
}
HIT = '[[example]]\ntext = "See Bluebird 7."\nrules = ["codenames.bluebird"]\n'


def file(**row: str) -> str:
    lines = "".join(f"{key} = {value}\n" for key, value in {**ROW, **row}.items() if value)
    return f"[[rule]]\n{lines}\n{HIT}"


def test_a_row_is_a_rule_with_what_it_costs() -> None:
    rules = read_rules({"a.toml": file()})
    assert rules.rows == (
        RuleRow(
            "codenames", "bluebird", "a code name", ("bluebird",), "bluebird[- ]?[0-9]{1,4}", 0.97, False, 19
        ),
    )
    assert rules.examples == (Example("See Bluebird 7.", frozenset({"codenames.bluebird"})),)
    assert rules.rows[0].rule == "codenames.bluebird"


def test_rules_of_injection_are_called_as_aiorchs_own_so_that_its_policy_holds_for_them() -> None:
    text = file(detector='"injection"').replace("codenames.bluebird", "injection.rule.bluebird")
    assert [row.rule for row in read_rules({"a.toml": text}).rows] == ["injection.rule.bluebird"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"name": '"Blue bird"'}, "name must be a word"),
        ({"name": ""}, "name must be a word"),
        ({"detector": "3"}, "detector must be a word"),
        ({"detector": '"sql"'}, "takes no rules"),
        ({"what": '" "'}, "what must say"),
        ({"confidence": "true"}, "confidence must be"),
        ({"confidence": "1.5"}, "confidence must be"),
        ({"confidence": "0"}, "confidence must be"),
        ({"case": '"yes"'}, "case must be"),
        ({"keywords": "[]"}, "keywords must be"),
        ({"keywords": '["ab"]'}, "at least 3"),
        ({"keywords": '"bluebird"'}, "keywords must be"),
        ({"pattern": '"a.*b"'}, "upper bound"),
        ({"pattern": "7"}, "must be a regular expression"),
        ({"patern": '"x"'}, "'patern' is unknown"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_file_and_the_reason(row: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as wrong:
        read_rules({"a.toml": file(**row)})
    assert str(wrong.value).startswith("a.toml, rule ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[rule]", "a.toml is no TOML"),
        ('rules = "x"', "'rules' is unknown here"),
        ("rule = 5", r"must be written as \[\[rule\]\]"),
        ('[[example]]\ntext = "x"', "example 1: it has a text, and rules"),
        ('[[example]]\ntext = "x"\nrules = [5]', "example 1: it has a text, and rules"),
        ('[[example]]\ntext = "x"\nrules = ["a.b"]', "no such rule"),
        ('drops = ["nonsense"]', "drops names 'nonsense'"),
        (file().replace(HIT, ""), "codenames.bluebird has no example"),
    ],
)
def test_files_that_are_wrong_are_told_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_rules({"a.toml": text})


def test_one_dropped_rule_may_be_written_without_a_list() -> None:
    assert read_rules({"a.toml": 'drops = "secrets.x"'}).drops == {"secrets.x"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError) as wrong:
        read_rules({"a.toml": file(name="5", confidence="2"), "b.toml": "["})
    assert len(str(wrong.value).splitlines()) == 3


def test_rules_that_are_tried_at_the_same_places_have_one_bound_together() -> None:
    one = file(pattern='"blue[a-z]{0,300}[0-9]"')
    two = one.replace("bluebird", "bluefish").replace("Bluebird", "bluefish")
    read_rules({"a.toml": one})
    with pytest.raises(ValueError, match="begin with 'blu' can take"):
        read_rules({"a.toml": one, "b.toml": two})


def test_there_are_not_endless_rules() -> None:
    text = "".join(file(name=f'"n{n}"').replace(HIT, "") for n in range(MOST_RULES + 1))
    with pytest.raises(ValueError, match="at most 500 are used"):
        read_rules({"a.toml": text})
    with pytest.raises(ValueError, match="2,001 examples, at most"):
        read_rules({"a.toml": "[[example]]\ntext = ''\nrules = []\n" * 2_001})


@given(st.text(max_size=60))
@settings(max_examples=30)
def test_no_file_does_anything_but_be_read_or_refused(text: str) -> None:
    try:
        tomllib.loads(text)
        read_rules({"a.toml": text})
    except ValueError:
        pass
