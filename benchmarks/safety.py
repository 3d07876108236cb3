"""The detectors as plain functions of a text, for a scorer from outside: a number from 0 to 1, or a list of spans.

    from benchmarks.safety import detect_sqli
    detect_sqli("1 OR 1=1")

Each is the detector that the default policy uses, at the thresholds that ship.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from aiorch.safety.detection import Detector


def highest(made: Callable[[], Detector], text: str) -> float:
    """The confidence of the surest finding; 0 where there is none."""
    return max((finding.confidence for finding in _one(made).scan(text)), default=0.0)


@cache
def _one(made: Callable[[], Detector]) -> Detector:
    return made()


# --- injection -------------------------------------------------------------------------------------------------------


def detect_injection(text: str) -> float:
    """An attempt to make a model follow other orders: the surest of the rules' hits and the score, 0.5 being the
    threshold. Below it the score itself, so that texts can be ranked.
    """
    return highest(_injection, text)


class InjectionRulesOnly:
    """The same as `detect_injection` would be with rules alone: what may block."""

    @staticmethod
    def detect_injection(text: str) -> float:
        found = _one(_injection).scan(text)
        return max((f.confidence for f in found if f.rule.startswith("injection.rule.")), default=0.0)


def _injection() -> Detector:
    from aiorch.safety.injection import Injection

    return Injection(least=0.0)  # with the score of every text


# --- arguments and harmful content -----------------------------------------------------------------------------------


def detect_sqli(text: str) -> float:
    """SQL in an argument that should be a value."""
    from aiorch.safety.sql import SqlInjection

    return highest(SqlInjection, text)


def detect_cmdi(text: str) -> float:
    """A command in an argument that should be a value."""
    from aiorch.safety.shell import CommandInjection

    return highest(CommandInjection, text)


def harmful(text: str) -> float:
    """A request that should not be helped with: the score itself, 0.5 being the threshold."""
    return _harmful().score(text)


@cache
def _harmful():
    from aiorch.safety.harmful import HarmfulContent

    return HarmfulContent()


# --- secrets and personal data ---------------------------------------------------------------------------------------


def scan_secrets(text: str) -> list[tuple[int, int, str]]:
    """Where secrets are, and by which rule."""
    from aiorch.safety.secrets import Secrets

    return [(*finding.span, finding.rule) for finding in _one(Secrets).scan(text)]


def scan_pii(text: str) -> list[tuple[int, int, str]]:
    """Where personal data are, and of which kind: ``EMAIL``, ``PHONE``, ``CARD``, ``IBAN``, ``SSN``, ``IP``, others."""
    from aiorch.safety.pii import PersonalData

    return [
        (*finding.span, finding.rule.rpartition(".")[2].upper()) for finding in _one(PersonalData).scan(text)
    ]
