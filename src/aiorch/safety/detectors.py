"""The detectors that look at every text. Those for values that a tool declares are in
:mod:`aiorch.safety.arguments`.
"""

from __future__ import annotations

from aiorch.safety.detection import Detector


def detectors() -> tuple[Detector, ...]:
    """One of each, ready to look; they load their tables with their first text."""
    from aiorch.safety.harmful import HarmfulContent
    from aiorch.safety.pii import PersonalData
    from aiorch.safety.secrets import Secrets

    return (Secrets(), PersonalData(), HarmfulContent())
