"""Rules on trial, before they take effect: on their own examples, and on texts that aiorch ships.

Ordinary texts must not be hit, and where rules of aiorch are dropped, attacks that were found must still be found.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from aiorch.safety.detection import Detector
from aiorch.safety.rule_detector import detectors_of, joined
from aiorch.safety.rule_files import Rules

TOLD = 20
"""Problems that are told; of more, how many there are."""


@dataclass(frozen=True, slots=True)
class Known:
    """A text that aiorch ships for trials."""

    text: str
    what: str
    finds: str = ""
    """The rule, or the beginning of its name, that has to be found; empty for a text in which nothing is."""


def problems(rules: Rules, ours: Sequence[Detector]) -> list[str]:
    """What speaks against these rules; empty where nothing does.

    :param ours: aiorch's own detectors.
    """
    found = [*_own(rules), *_ordinary(rules), *_attacks(rules, ours)]
    return found if len(found) <= TOLD else [*found[:TOLD], f"and {len(found) - TOLD} more"]


def _own(rules: Rules) -> list[str]:
    detectors = detectors_of(rules.rows)
    wrong: list[str] = []
    for example in rules.examples:
        hit = {finding.rule for detector in detectors for finding in detector.scan(example.text)}
        start = _start(example.text)
        wrong += [
            f"the example {start} must be hit by {rule}, and is not" for rule in sorted(example.rules - hit)
        ]
        wrong += [
            f"the example {start} must not be hit by {rule}, and is" for rule in sorted(hit - example.rules)
        ]
    return wrong


def _ordinary(rules: Rules) -> list[str]:
    detectors = detectors_of(rules.rows)
    return [
        f"{rule} hits an ordinary text: {known.what}"
        for known in shipped()
        if not known.finds
        for rule in sorted({finding.rule for detector in detectors for finding in detector.scan(known.text)})
    ]


def _attacks(rules: Rules, ours: Sequence[Detector]) -> list[str]:
    if not rules.drops:  # rules that only come in addition cannot hide anything
        return []
    before = {detector.name: detector for detector in ours}
    after = {detector.name: detector for detector in joined(ours, detectors_of(rules.rows), rules.drops)}
    wrong: list[str] = []
    for known in shipped():
        name = known.finds.partition(".")[0]
        if known.finds and name in before and _finds(before[name], known) and not _finds(after[name], known):
            wrong.append(f"without the rules that it drops nobody finds {known.what}")
    return wrong


def _finds(detector: Detector, known: Known) -> bool:
    return any(f"{finding.rule}.".startswith(f"{known.finds}.") for finding in detector.scan(known.text))


def _start(text: str) -> str:
    """The beginning of an example; more of it may be a secret."""
    return repr(text if len(text) <= 24 else f"{text[:24]}...")


@cache
def shipped() -> tuple[Known, ...]:
    """The texts that aiorch ships, from its package data."""
    said = tomllib.loads((files("aiorch.safety") / "data" / "rule_trials.toml").read_text("utf-8"))
    rows = cast("list[dict[str, Any]]", said["ordinary"] + said["attack"])
    return tuple(
        Known(
            "".join(cast("list[str]", row["text"])),
            row["what"],
            row.get("finds", ""),
        )
        for row in rows
    )
