"""What detectors find, and what a detector is. Detectors look; what follows from a finding is the policy's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

OFF_THE_LOOP = 16_384
"""Characters. Longer texts are looked at in a thread, so that other tasks go on: at the measured 1-2 ms a kilobyte this
is a pause of 20-30 ms.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a detector saw in a text.

    >>> Finding("secrets.groq_key", (10, 66), 0.99, "a key of Groq").detector
    'secrets'
    """

    rule: str
    """A stable dotted name: the detector, then its rule."""
    span: tuple[int, int]
    """Start and end, in characters of the text that was given."""
    confidence: float
    """0 to 1. A precise rule says what share of its hits were right where it was measured; a score says itself."""
    what: str
    """For the person who meets it: what was found. Never the value itself."""

    @property
    def detector(self) -> str:
        """The first part of its rule's name."""
        return self.rule.partition(".")[0]


@runtime_checkable
class Detector(Protocol):
    """Looks for one kind of thing in a text: in time linear in its length, without side effects, and without raising,
    whatever the text is.

    For example:

        class Codenames:
            name = "codenames"

            def scan(self, text):
                at = text.find("BLUEBIRD")
                return [] if at < 0 else [Finding("codenames.bluebird", (at, at + 8), 1.0, "a code name")]
    """

    @property
    def name(self) -> str:
        """Short and unique; a policy names it."""
        ...

    def scan(self, text: str) -> Sequence[Finding]:
        """Everything that was found, in no particular order; findings may overlap."""
        ...
