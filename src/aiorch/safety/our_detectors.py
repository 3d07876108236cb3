"""The detectors that look at every text. Those for values that a tool declares are in
:mod:`aiorch.safety.arguments`.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiorch.safety.detection import Detector


def detectors(more: Iterable[Detector] = (), drops: frozenset[str] = frozenset()) -> tuple[Detector, ...]:
    """One of each name, ready to look; they load their tables with their first text.

    :param more: further ones, of plugins and rule files: one with the name of ours stands beside it.
    :param drops: rules of ours that no longer count, by their whole names.
    """
    from aiorch.safety.harmful import HarmfulContent
    from aiorch.safety.injection import Injection
    from aiorch.safety.pii import PersonalData
    from aiorch.safety.rule_detector import joined
    from aiorch.safety.secrets import Secrets

    return joined((Secrets(), Injection(), PersonalData(), HarmfulContent()), more, drops)
