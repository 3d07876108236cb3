"""Which model gets a task: the profile's own models first, then whatever is free, best guess first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiorch.catalog import Index, Successor, index, resolve
from aiorch.routing.complexity import judge
from aiorch.routing.pools import gather
from aiorch.routing.preference import by_worth, shared_out
from aiorch.types import Candidate, Profile, Ranking, Task

TASK_MODELS: dict[str, str] = {}
"""Task type to model, asked first for such work whatever the agent. Edit it before an Orchestrator is made, or call
:meth:`ProfileMatcher.override_model_for_task`."""


class ProfileMatcher:
    """The default :class:`~aiorch.protocols.Matcher`: profiles, complexity overrides, then a ranking by what is known.

    >>> ProfileMatcher().name
    'profile'
    """

    name = "profile"

    def __init__(
        self,
        successors: Mapping[str, Successor] | None = None,
        priors: Callable[[], Awaitable[Mapping[str, float]]] | None = None,
        *,
        mixing: bool = False,
    ) -> None:
        """
        :param successors: by dead id, looked at before the built-in ones (:attr:`Catalogue.learnt`).
        :param priors: gives the scores that were measured here, 0 to 1 by ``provider/model``; asked once.
        :param mixing: work is to be spread: the best models of several providers are equals.
        """
        self._successors = successors
        self._ask_priors = priors
        self._priors: Mapping[str, float] = {}
        self._mixing = mixing
        self._task_models = dict(TASK_MODELS)
        self._field: Field | None = None
        self.stamp = object()
        """Another object whenever the same question may get another answer."""

    def override_model_for_task(self, task_type: str, model: str | None) -> None:
        """From now on ask ``model`` first for work of this type; ``None`` takes that back.

            matcher.override_model_for_task(task_type="analysis", model="groq/openai/gpt-oss-120b")

        :param task_type: a task's type (``data_analysis``), or an agent, with or without ``_agent`` behind it.
        :param model: whatever a profile may name: ``provider/model``, an id, ``family:NAME``, a pattern.
        """
        if model is None:
            self._task_models.pop(task_type, None)
        else:
            self._task_models[task_type] = model
        self.stamp = object()

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        """See :func:`rank`."""
        if self._ask_priors is not None:
            ask, self._ask_priors = self._ask_priors, None
            self._priors = await ask()
            self.stamp = object()
        # The same few hundred are ranked for task after task; comparing them by identity takes microseconds.
        if self._field is None or self._field.candidates != tuple(candidates):
            self._field = survey(candidates, self._priors, mixing=self._mixing)
        return rank(
            task,
            profile,
            candidates,
            self._successors,
            self._priors,
            task_models=self._task_models,
            mixing=self._mixing,
            field=self._field,
        )


@dataclass(frozen=True, slots=True)
class Field:
    """Candidates in the order in which they would be asked if nobody named any."""

    candidates: tuple[Candidate, ...]
    known: Index
    ordered: tuple[Candidate, ...]
    tiers: tuple[int, ...]


def survey(
    candidates: Sequence[Candidate], priors: Mapping[str, float] | None = None, *, mixing: bool = False
) -> Field:
    """What ranking needs to know of candidates, whatever the task."""
    ordered, tiers = (shared_out if mixing else by_worth)(candidates, priors)
    return Field(tuple(candidates), index(candidates), tuple(ordered), tuple(tiers))


def rank(
    task: Task,
    profile: Profile,
    candidates: Sequence[Candidate],
    successors: Mapping[str, Successor] | None = None,
    priors: Mapping[str, float] | None = None,
    *,
    task_models: Mapping[str, str] | None = None,
    mixing: bool = False,
    field: Field | None = None,
) -> Ranking:
    """Candidates for ``task``, best first; those of the model that it names, where it names one.

    :param task_models: models by task type, asked before the profile's own.
    :param mixing: the best models of several providers are equals, so that balancing can share the work out.
    :param field: what :func:`survey` says of these candidates, where that is known already.
    """
    field = field or survey(candidates, priors, mixing=mixing)
    known = field.known
    judged = judge(task)
    if task.model is not None:
        asked = resolve(task.model, known, successors)
        equals = (0,) * len(asked.candidates)
        why = f"the task asks for {task.model}"
        return Ranking(asked.candidates, asked.passed_over, why, judged.complexity, equals)
    overridden = _for_type(task, task_models) if task_models else None
    entries = profile.models(judged.complexity)
    if overridden is not None:
        entries = (overridden[1], *entries)
    named = gather(entries, known, field.candidates, successors, priors, mixing=mixing)
    rest, tiers = (field.ordered, field.tiers) if profile.any_free else ((), ())
    if rest and named.candidates:
        chosen = set(map(id, named.candidates))
        left = [(c, tier) for c, tier in zip(rest, tiers, strict=True) if id(c) not in chosen]
        rest, tiers = tuple(c for c, _ in left), tuple(tier for _, tier in left)
    reason = f"profile {profile.name}, {judged.complexity} ({', '.join(judged.signs)})"
    if overridden is not None:
        reason += f"; work of type {overridden[0]} goes to {overridden[1]} first"
    if not named.candidates and entries:
        reason += "; none of its own models can be used here, so the best of the others"
    behind = named.behind
    return Ranking(
        (*named.candidates, *rest),
        named.passed_over,
        reason,
        judged.complexity,
        (*named.tiers, *(behind + tier for tier in tiers)),
    )


def _for_type(task: Task, models: Mapping[str, str]) -> tuple[str, str] | None:
    """The override that speaks of this task: by its type, then by its agent."""
    for name in (task.type, task.agent, task.agent.removesuffix("_agent")):
        if name is not None and name in models:
            return name, models[name]
    return None
