"""The line's route and match steps: which profile serves a task, and who is asked for it, best first, and why
everybody else is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiorch.answering import in_time
from aiorch.catalog import NOBODY, Snapshot, require
from aiorch.errors import NoModelAvailable
from aiorch.protocols import Tool
from aiorch.routing import RuleBook, Rules, directed, eligible, estimate_tokens, is_free, placed, weigh
from aiorch.routing.foreign import ranking_by
from aiorch.routing.ranked import Ranked
from aiorch.types import Budget, Candidate, Message, PassedOver, Profile, Ranking, Task
from aiorch.work import Line, Work

if TYPE_CHECKING:
    from aiorch.routing.routes import Route


async def routed(
    line: Line, task: Task, tools: Mapping[str, Tool], at: datetime | None = None
) -> tuple[Task, Mapping[str, Tool], Profile, Route | None]:
    """The profile that serves a task, and why where that is not just its agent's; the task with that one's tools.

    :param tools: by name, those of its agent's profile included. :param at: as if it were asked then; ``None`` = now.
    """
    control = line.traffic()
    await control.fresh()
    asked = line.profiles[task.agent]
    route = control.route(task, at.timestamp() if at else line.clock.now())
    if route is None:
        return task, tools, asked, None
    profile = line.profiles[route.profile]
    if profile.tools != asked.tools:
        given = [tool for name, tool in tools.items() if name not in asked.tools]
        tools = line.kit(profile.name, given)
        task = replace(task, tools=tuple(tool.spec for tool in tools.values()))
    return task, tools, serving(profile, asked, route.model), route


def serving(profile: Profile, asked: Profile, model: str | None) -> Profile:
    """A profile as it serves another one's work. Pure.

    What may not leave this machine does not leave it by a detour. Another model comes before the profile's own, which
    stay behind it: a diversion must not end in no answer.
    """
    if asked.route_policy == "private":
        profile = replace(profile, route_policy="private")
    if model is None:
        return profile
    return replace(profile, primary=model, complexity_overrides={}, fallbacks=profile.models("moderate"))


def completed(task: Task, profile: Profile, budget: Budget | None) -> Task:
    """The task with whatever it leaves open taken from its profile. Pure."""
    messages = task.messages
    if profile.system and not any(m.role == "system" for m in messages):
        messages = (Message.system(profile.system), *messages)
    return Task(  # written out, since every task comes by here, and replace() takes five times as long
        messages,
        task.agent,
        task.schema or profile.schema,
        task.tools,
        task.tool_choice,
        profile.parameters.merged(task.parameters),
        task.model,
        task.type or profile.task_type,
        task.complexity,
        task.timeout,
        task.budget or budget,
        task.user,
        task.tenant,
        task.tags,
        task.id,
    )


async def match(line: Line, work: Work) -> Work:
    """Who may do the task, best first.

    :raises UnknownModel: when the task names a model that nobody knows.
    :raises NoModelAvailable: when nobody may be asked, with each candidate and why.
    """
    (ranking, free), silent = await rank_once(line, work)
    if not work.rounds:  # otherwise it was told when an earlier process's answer was taken
        line.report.started(work.task, ranking, work.profile.name, work.route.why if work.route else "")
    if not ranking.candidates:
        raise NoModelAvailable(
            nobody(work.task, ranking, line.rules.under(work.profile)), ranking.passed_over
        )
    work.candidates, work.tiers, work.free = ranking.candidates, ranking.tiers, free
    work.complexity, work.silent = ranking.complexity, silent
    if work.left_out and not (work := without_those(work)).candidates:
        left_out = [
            PassedOver(id, "it was asked, and its answer was not good enough") for id in work.left_out
        ]
        raise NoModelAvailable(
            nobody(work.task, ranking, line.rules.under(work.profile)), (*left_out, *ranking.passed_over)
        )
    return work


def without_those(work: Work) -> Work:
    """The work without the candidates whose answers were not good enough. Pure."""
    tiers = work.tiers or range(len(work.candidates))
    left = [
        (c, tier) for c, tier in zip(work.candidates, tiers, strict=True) if c.card.id not in work.left_out
    ]
    return replace(work, candidates=tuple([c for c, _ in left]), tiers=tuple([tier for _, tier in left]))


async def rank_once(line: Line, work: Work) -> tuple[Ranked, bool]:
    """The ranking, an earlier one where a task like this one was ranked before; and whether a provider was silent."""
    task, profile = work.task, work.profile
    snapshot = line.catalogue.at_hand()
    stamp = getattr(line.matcher, "stamp", None)  # whoever has none may rank differently each time
    if snapshot is None or stamp is None or (line.rulebook is not None and task.model is None):
        shelf = key = None
    else:
        shelf = line.rankings.shelf(snapshot.candidates, line.rules, stamp)
        key = shelf.key(task, profile, estimate_tokens(task))
        known = shelf.get(key)
        if known is not None:
            return known, bool(snapshot.problems)
    with in_time(line, work):
        ranking = await ranked(line, task, profile)
        silent = bool((await line.catalogue.snapshot()).problems)
    free = frozenset(c.deployment.id for c in ranking.candidates if is_free(c.card, line.rules))
    if shelf is not None:
        shelf.put(key, profile, (ranking, free))
    return (ranking, free), silent


async def ranked(line: Line, task: Task, profile: Profile, at: datetime | None = None) -> Ranking:
    """The ranking, with everybody who was passed over and why.

    :param at: as if it were asked then; ``None`` = now.
    """
    snapshot = await line.catalogue.snapshot()
    if task.model is not None:
        require(task.model, snapshot.index, line.catalogue.learnt)
    rules = line.rules.under(profile)
    fit, unfit = eligible(task, snapshot.candidates, rules)
    ranking = placed(await ranking_by(line.matcher, task, profile, fit), rules.policy)
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
        ranking = directed(ranking, weighed.rule, fit, line.catalogue.learnt, mixing=line.mixing)
    return replace(ranking, passed_over=(*weighed.missed, *ranking.passed_over))


def nobody(task: Task, ranking: Ranking, rules: Rules) -> str:
    """Why nobody can be asked, and what to do."""
    if rules.policy == "private":
        return (
            "policy private: nothing may leave this machine, and no model that runs on it can do this; start a server "
            "such as Ollama on it, or run `aiorch local install`. Each candidate and why:"
        )
    if not ranking.passed_over:
        return f"no model can be asked. {NOBODY}"
    whom = f"model {task.model}" if task.model else f"agent {task.agent}"
    return f"no model may be asked for {whom}; each candidate and why:"
