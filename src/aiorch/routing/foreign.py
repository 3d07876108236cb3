"""Rankings by matchers of others: they put those in order who may be asked, and can add nobody."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from aiorch.errors import AiorchError
from aiorch.protocols import Matcher
from aiorch.routing.matching import ProfileMatcher
from aiorch.types import Candidate, PassedOver, Profile, Ranking, Task

log = logging.getLogger("aiorch")


async def ranking_by(matcher: Matcher, task: Task, profile: Profile, fit: Sequence[Candidate]) -> Ranking:
    """What ``matcher`` says of those who may be asked. Where it fails, the usual one ranks, and the log says so.

    A candidate that it was not given is passed over, also one that only claims to be another: else a paid model could
    be asked as a free one. What aiorch raises on purpose passes through.
    """
    if isinstance(matcher, ProfileMatcher):
        return await matcher.match(task, profile, fit)
    try:
        ranking = await matcher.match(task, profile, fit)
        if not isinstance(cast("object", ranking), Ranking):
            raise TypeError(f"it gave {type(ranking).__name__}, not a Ranking")
        return _only(fit, ranking)
    except AiorchError:
        raise
    except Exception as broken:
        log.exception("the matcher %r failed, and the usual one ranks in its place", matcher.name)
        usual = await ProfileMatcher().match(task, profile, fit)
        why = f"the matcher {matcher.name!r} failed ({type(broken).__name__}); {usual.reason}"
        return replace(usual, reason=why)


def _only(fit: Sequence[Candidate], ranking: Ranking) -> Ranking:
    """The ranking of those in ``fit``, each once."""
    known = {candidate.deployment: candidate for candidate in fit}
    kept: dict[int, Candidate] = {}
    strangers: list[PassedOver] = []
    for place, candidate in enumerate(ranking.candidates):
        ours = known.pop(candidate.deployment, None)
        if ours is None:
            strangers.append(
                PassedOver(candidate.deployment.id, "its matcher names it twice, or was not given it")
            )
        else:
            kept[place] = ours
    if not strangers and all(ours is ranking.candidates[place] for place, ours in kept.items()):
        return ranking
    tiers = tuple(ranking.tiers[place] for place in kept) if ranking.tiers else ()
    return replace(
        ranking,
        candidates=tuple(kept.values()),
        tiers=tiers,
        passed_over=(*ranking.passed_over, *strangers),
    )
