"""New rules are tried before they take effect."""

from __future__ import annotations

from aiorch.safety import detectors
from aiorch.safety.injection import Injection
from aiorch.safety.rule_files import Example, RuleRow, Rules
from aiorch.safety.rule_trials import TOLD, problems, shipped

OURS = (*(d for d in detectors() if d.name != "injection"), Injection())
BIRD = RuleRow("codenames", "bluebird", "a code name", ("bluebird",), "bluebird[- ]?[0-9]{1,4}", 0.97)
HIT = Example("See Bluebird 7.", frozenset({"codenames.bluebird"}))


def test_the_shipped_texts_are_what_they_say_for_aiorchs_own_rules() -> None:
    for known in shipped():
        found = {f.rule for d in OURS for f in d.scan(known.text) if f.confidence >= 0.9}
        if known.finds:
            assert any(rule.startswith(known.finds) for rule in found), known.what
        else:
            assert not {rule for rule in found if not rule.endswith(".score")}, known.what
    assert len({known.what for known in shipped()}) == len(shipped())


def test_rules_that_do_what_their_examples_say_pass() -> None:
    assert problems(Rules((BIRD,), (HIT, Example("A bluebird sat there.", frozenset()))), OURS) == []


def test_an_example_that_is_not_hit_as_it_says_is_told() -> None:
    rules = Rules(
        (BIRD,), (Example("See Redbird 7.", HIT.rules), Example("See Bluebird 7 again.", frozenset()))
    )
    assert problems(rules, OURS) == [
        "the example 'See Redbird 7.' must be hit by codenames.bluebird, and is not",
        "the example 'See Bluebird 7 again.' must not be hit by codenames.bluebird, and is",
    ]


def test_a_rule_that_hits_ordinary_texts_is_told_with_the_first_of_them() -> None:
    greedy = RuleRow("codenames", "greedy", "anything", ("the ", "and ", "ing "), ".", 0.9)
    found = problems(Rules((greedy,)), OURS)
    assert "codenames.greedy hits an ordinary text: a question in plain English" in found
    assert len(found) <= TOLD + 1
    many = tuple(RuleRow("codenames", f"n{n}", "anything", ("the ",), "t", 0.9) for n in range(9))
    assert problems(Rules(many), OURS)[-1].startswith("and ")


def test_a_rule_may_be_dropped_when_something_takes_its_place() -> None:
    drops = frozenset({"secrets.groq_key"})
    assert problems(Rules(drops=drops), OURS) == [
        "without the rules that it drops nobody finds a key of Groq"
    ]
    better = RuleRow("secrets", "groq", "a key of Groq", ("gsk_",), "gsk_[A-Za-z0-9]{48,60}", 0.99)
    assert problems(Rules((better,), drops=drops), OURS) == []
