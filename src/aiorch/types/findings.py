"""What guards and checks find: verdicts (permission) and assessments (evidence)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aiorch.types.messages import Message
from aiorch.types.quick import quick

Severity = Literal["info", "warning", "error"]
Action = Literal["allow", "flag", "redact", "ask", "block"]
Stage = Literal["input", "output", "arguments", "tool_result"]
"""Where on the line a validator looks: what comes in, what a model says, what it wants to call, what a tool gave
back.
"""


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding."""

    code: str
    """A short stable name, for example ``too_long`` or ``secret.openai_key``."""
    message: str
    """For the person who meets it: what was found and what to do. Never the secret itself."""
    severity: Severity = "error"
    span: tuple[int, int] | None = None
    """Start and end, in characters of the text that was looked at."""
    detector: str | None = None
    confidence: float | None = None
    """0 to 1 where the detector measures one."""
    action: Action | None = None
    """What was done about it, where the one that found it says so."""
    where: str | None = None
    """Which text it was found in, where there are several: ``message 2``, ``message 4, argument url``."""


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator decided about content at one stage.

    >>> Verdict("input", "allow").allowed
    True
    """

    stage: Stage
    action: Action
    issues: tuple[Issue, ...] = ()
    replacement: tuple[Message, ...] | None = None
    """What goes on instead (redacted, normalised); ``None`` = as it was."""

    @property
    def allowed(self) -> bool:
        """True unless the content must not pass (``ask`` waits for a person first)."""
        return self.action in ("allow", "flag", "redact")


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """What a stream validator lets through after one more piece."""

    release: str
    """Text that may be shown now; the rest is held back until more is known."""
    issues: tuple[Issue, ...] = ()
    blocked: bool = False


@quick
@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's evidence: passed, failed, or (``None``) not assessed."""

    name: str
    passed: bool | None
    detail: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Assessment:
    """How good an answer is, as far as anyone looked. A dimension without evidence is ``None``, never 1.0.

    >>> Assessment((CheckResult("schema", True), CheckResult("citations", None))).score
    1.0
    >>> Assessment().score is None
    True
    """

    checks: tuple[CheckResult, ...] = ()
    dimensions: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    """Named scores, 0 to 1 (accuracy, completeness ...), only where something measured them."""

    @property
    def passed(self) -> tuple[CheckResult, ...]:
        """Checks that were made and hold."""
        return tuple(c for c in self.checks if c.passed is True)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """Checks that were made and do not hold."""
        return tuple(c for c in self.checks if c.passed is False)

    @property
    def not_assessed(self) -> tuple[CheckResult, ...]:
        """Checks that had nothing to go by."""
        return tuple(c for c in self.checks if c.passed is None)

    @property
    def score(self) -> float | None:
        """The share of made checks that hold, 0 to 1; ``None`` when none was made."""
        held = [c.passed for c in self.checks if c.passed is not None]
        return held.count(True) / len(held) if held else None
