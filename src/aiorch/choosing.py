"""The line's match step: who is asked for a task, best first, and why everybody else is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aiorch.answering import in_time
from aiorch.catalog import NOBODY, Snapshot, require
from aiorch.errors import NoModelAvailable
from aiorch.routing import RuleBook, directed, eligible, estimate_tokens, is_free, weigh
from aiorch.types import Candidate, Profile, Ranking, Task
from aiorch.work import Line, Work


async def match(line: Line, work: Work) -> Work:
    """Who may do the task, best first.

    :raises UnknownModel: when the task names a model that nobody knows.
    :raises NoModelAvailable: when nobody may be asked, with each candidate and why.
    """
    with in_time(line, work):
        ranking = await ranked(line, work.task, work.profile)
        silent = bool((await line.catalogue.snapshot()).problems)
    line.report.started(work.task, ranking)
    if not ranking.candidates:
        raise NoModelAvailable(nobody(work.task, ranking), ranking.passed_over)
    free = frozenset(c.deployment.id for c in ranking.candidates if is_free(c.card, line.rules))
    return replace(
        work, candidates=ranking.candidates, free=free, complexity=ranking.complexity, silent=silent
    )


async def ranked(line: Line, task: Task, profile: Profile, at: datetime | None = None) -> Ranking:
    """The ranking, with everybody who was passed over and why.

    :param at: as if it were asked then; ``None`` = now.
    """
    snapshot = await line.catalogue.snapshot()
    if task.model is not None:
        require(task.model, snapshot.index, line.catalogue.learnt)
    fit, unfit = eligible(task, snapshot.candidates, line.rules)
    ranking = await line.matcher.match(task, profile, fit)
    if line.rulebook is not None and task.model is None:
        now = at or datetime.fromtimestamp(line.clock.now(), UTC)
        ranking = by_the_rules(line, line.rulebook, task, ranking, snapshot, fit, now)
    return replace(ranking, passed_over=(*ranking.passed_over, *snapshot.problems, *unfit))


def by_the_rules(
    line: Line,
    rulebook: RuleBook,
    task: Task,
    ranking: Ranking,
    snapshot: Snapshot,
    fit: Sequence[Candidate],
    now: datetime,
) -> Ranking:
    """The ranking as the routing rules want it.

    :raises ConfigurationError: when they name models that nobody has heard of.
    """
    from aiorch.catalog.embedded import embedded_all  # only for those who have rules: it is large

    rulebook.check(
        (
            *(c.card for c in snapshot.candidates),
            *(card for cards in embedded_all().values() for card in cards),
        )
    )
    weighed = weigh(rulebook.rules, task, ranking.complexity, estimate_tokens(task), now)
    if weighed.rule is not None:
        ranking = directed(ranking, weighed.rule, fit, line.catalogue.learnt)
    return replace(ranking, passed_over=(*weighed.missed, *ranking.passed_over))


def nobody(task: Task, ranking: Ranking) -> str:
    """Why nobody can be asked, and what to do."""
    if not ranking.passed_over:
        return f"no model can be asked. {NOBODY}"
    whom = f"model {task.model}" if task.model else f"agent {task.agent}"
    return f"no model may be asked for {whom}; each candidate and why:"
