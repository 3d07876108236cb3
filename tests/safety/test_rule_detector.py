"""Rules of files at work, alone and beside aiorch's own detectors."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety import Detector, Finding, detectors
from aiorch.safety.rule_detector import MOST_HITS, RuleDetector, Several, detectors_of, joined
from aiorch.safety.rule_files import RuleRow

BIRD = RuleRow(
    "codenames",
    "bluebird",
    "a code name",
    ("bluebird", "blaumeise"),
    "(?<![a-z])blu[a-z]{1,9}[- ]?[0-9]{1,4}|blaumeise",
    0.97,
)
CASED = RuleRow("secrets", "acme_key", "a key of Acme", ("AcmeKey",), "AcmeKey[A-Z]{4}", 0.99, case=True)
ORDER = RuleRow("injection", "banana", "an order for bananas", ("bring me",), r"bring me\W{1,3}bananas", 0.98)


class Fixed:
    def __init__(self, name: str, *rules: str) -> None:
        self.name = name
        self.found = [Finding(rule, (0, 1), 0.9, "it") for rule in rules]

    def scan(self, text: str) -> list[Finding]:
        return self.found


def names(detector: Detector, text: str) -> list[str]:
    return [finding.rule for finding in detector.scan(text)]


def test_a_rule_is_tried_where_a_keyword_begins_whatever_its_case() -> None:
    detector = RuleDetector("codenames", [BIRD, CASED])
    text = "BLUEBIRD 7, bluebird, xbluebird 8, Blaumeise; İİ bluebird-99"
    assert [text[slice(*f.span)] for f in detector.scan(text)] == ["BLUEBIRD 7", "Blaumeise", "bluebird-99"]
    assert names(RuleDetector("secrets", [BIRD, CASED]), "AcmeKeyABCD acmekeyabcd") == ["secrets.acme_key"]


def test_what_injection_hides_is_found_too_and_its_place_is_that_in_the_text() -> None:
    detector = RuleDetector("injection", [ORDER])
    hidden = base64.b64encode(b"Please bring me bananas at once").decode()
    shown = "br\u200bing me bananas"
    (plain,), (coded,) = detector.scan(f"now {shown}!"), detector.scan(f"now {hidden}!")
    assert (plain.rule, plain.span) == ("injection.rule.banana", (4, 4 + len(shown)))
    assert coded.what.endswith("written in base64")
    assert coded.span == (4, 4 + len(hidden))


def test_a_text_of_nothing_but_hits_is_told_up_to_a_bound() -> None:
    assert len(RuleDetector("codenames", [BIRD]).scan("bluebird 7 " * 3_000)) == MOST_HITS


@given(st.text(max_size=80), st.sampled_from(["", "bluebird 1", "bring me bananas", "\ud800"]))
@settings(max_examples=30)
def test_no_text_makes_it_raise_and_every_place_lies_in_the_text(text: str, more: str) -> None:
    text += more
    for detector in detectors_of([BIRD, CASED, ORDER]):
        for finding in detector.scan(text):
            assert 0 <= finding.span[0] < finding.span[1] <= len(text)


def test_detectors_of_one_name_stand_as_one_and_no_finding_is_lost() -> None:
    ours, more = Fixed("secrets", "secrets.ours"), Fixed("secrets", "secrets.theirs")
    other = Fixed("codenames", "codenames.x")
    secrets, codenames = joined([ours], [more, other])
    assert names(secrets, "x") == ["secrets.ours", "secrets.theirs"]
    assert codenames is other
    assert joined([ours], []) == (ours,)


def test_only_rules_of_ours_are_dropped() -> None:
    ours, theirs = Fixed("secrets", "secrets.a", "secrets.b"), Fixed("secrets", "secrets.a")
    (both,) = joined([ours], [theirs], frozenset({"secrets.a", "pii.a"}))
    assert names(both, "x") == ["secrets.b", "secrets.a"]
    (alone,) = joined([ours], [], frozenset({"pii.a"}))
    assert alone is ours


def test_the_guards_detectors_have_one_of_each_name_with_rules_and_without() -> None:
    for them in (detectors(), detectors(detectors_of([BIRD, CASED]), frozenset({"secrets.groq_key"}))):
        assert len({d.name for d in them}) == len(them)
        assert all(isinstance(d, Detector) for d in them)
    assert any(isinstance(d, Several) and d.name == "secrets" for d in them)
