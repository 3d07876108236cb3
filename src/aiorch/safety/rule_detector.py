"""The detector that rows of a rule file make, and how it stands beside aiorch's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from aiorch.safety.detection import Detector, Finding
from aiorch.safety.normalising import lowered, normalise
from aiorch.safety.rule_files import RuleRow

MOST_HITS = 100
"""Findings of one rule in one text."""


class RuleDetector:
    """Looks for rules of one detector's name.

    >>> row = RuleRow("codenames", "bluebird", "a code name", ("bluebird",), "bluebird[- ]?[0-9]{1,4}", 0.97)
    >>> [(f.rule, f.span) for f in RuleDetector("codenames", [row]).scan("About Bluebird 7.")]
    [('codenames.bluebird', (6, 16))]
    """

    def __init__(self, name: str, rows: Sequence[RuleRow]) -> None:
        self.name = name
        self._rows = tuple(row for row in rows if row.detector == name)

    def scan(self, text: str) -> Sequence[Finding]:
        """Every hit; those of injection also in what the text hides from its reader."""
        if self.name != "injection":
            return [Finding(row.rule, span, row.confidence, row.what) for row, span in self._hits(text)]
        from aiorch.safety.decoding import decoded

        plain = normalise(text)
        found = [
            Finding(row.rule, plain.origin(*span), row.confidence, row.what)
            for row, span in self._hits(plain.text)
        ]
        for reading in decoded(plain.text):
            for row, _ in self._hits(reading.text):
                what = f"{row.what}, that is written in {reading.kind}"
                found.append(Finding(row.rule, plain.origin(*reading.span), row.confidence, what))
        return found

    def _hits(self, text: str) -> Iterator[tuple[RuleRow, tuple[int, int]]]:
        low = lowered(text)
        for row, pattern in self._compiled:
            within, hits, done = (text if row.case else low), 0, 0
            for at in sorted(at for keyword in row.keywords for at in _places(within, keyword)):
                if at < done:
                    continue
                match = pattern.match(text, at)
                if match is not None:
                    yield row, match.span()
                    done, hits = match.end(), hits + 1
                    if hits == MOST_HITS:
                        break

    @cached_property
    def _compiled(self) -> tuple[tuple[RuleRow, re.Pattern[str]], ...]:
        """On first use."""
        return tuple(
            (row, re.compile(row.pattern, re.NOFLAG if row.case else re.IGNORECASE)) for row in self._rows
        )


class Several:
    """Detectors of one name as one, so that whoever asks for that name gets all of them.

    :param drops: rules whose findings do not count.
    """

    def __init__(self, name: str, detectors: Sequence[Detector], drops: frozenset[str] = frozenset()) -> None:
        self.name = name
        self._detectors = tuple(detectors)
        self._drops = drops

    def scan(self, text: str) -> Sequence[Finding]:
        """What any of them finds."""
        found = [finding for detector in self._detectors for finding in detector.scan(text)]
        return [f for f in found if f.rule not in self._drops] if self._drops else found


def joined(
    ours: Iterable[Detector], more: Iterable[Detector], drops: frozenset[str] = frozenset()
) -> tuple[Detector, ...]:
    """One detector for each name: ``more`` beside ``ours``, whose rules in ``drops`` no longer count."""
    own: dict[str, list[Detector]] = {}
    for detector in ours:
        dropped = frozenset(rule for rule in drops if rule.startswith(f"{detector.name}."))
        kept = Several(detector.name, [detector], dropped) if dropped else detector
        own.setdefault(detector.name, []).append(kept)
    for detector in more:
        own.setdefault(detector.name, []).append(detector)
    return tuple(them[0] if len(them) == 1 else Several(name, them) for name, them in own.items())


def detectors_of(rows: Sequence[RuleRow]) -> tuple[Detector, ...]:
    """One detector for each name that the rows have."""
    return tuple(RuleDetector(name, rows) for name in dict.fromkeys(row.detector for row in rows))


def _places(text: str, keyword: str) -> Iterator[int]:
    at = text.find(keyword)
    while at >= 0:
        yield at
        at = text.find(keyword, at + len(keyword))
