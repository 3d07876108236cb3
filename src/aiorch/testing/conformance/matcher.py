"""What every matcher promises: it ranks those who may be asked, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

import pytest

from aiorch.protocols import Matcher
from aiorch.testing.conformance.suite import (
    Suite,
    check_members,
    check_name,
    hold,
    in_time,
    missing,
    raised,
    wrong,
)
from aiorch.types import (
    ZERO_PRICE,
    Candidate,
    Capabilities,
    Deployment,
    JsonSchema,
    Message,
    ModelCard,
    Price,
    Profile,
    Ranking,
    Task,
)

ONLY_GIVEN = (
    "a matcher ranks the candidates that it is given: the others are not usable, not free, or not allowed"
)


class MatcherConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.Matcher`. A test class inherits them and says what is tested:

        class TestCheapestFirst(MatcherConformance):
            @pytest.fixture
            def matcher(self):
                return CheapestFirst()

    ``candidates``, ``profile`` and ``tasks`` may be given in place of ordinary ones.
    """

    @pytest.fixture
    def matcher(self) -> Matcher:
        """What is tested."""
        missing("matcher", "CheapestFirst()")

    @pytest.fixture
    def candidates(self) -> Sequence[Candidate]:
        """Whom it may choose from."""
        return _CANDIDATES

    @pytest.fixture
    def profile(self) -> Profile:
        """For which agent."""
        return Profile("general")

    @pytest.fixture
    def tasks(self) -> Sequence[Task]:
        """For which work."""
        return _TASKS

    def test_it_has_what_a_matcher_has(self, matcher: Matcher) -> None:
        check_members(matcher, Matcher, ("name", "match"))
        check_name(matcher.name, type(matcher).__name__)

    @pytest.mark.anyio
    async def test_it_ranks_only_those_it_was_given(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for some in (candidates, candidates[:1], candidates[1:]):
            for task in tasks:
                ranking = await _ranking(matcher, task, profile, some)
                strangers = [c.deployment.id for c in ranking.candidates if c not in some]
                hold(
                    not strangers,
                    f"{', '.join(strangers)} is ranked, and was no candidate",
                    ONLY_GIVEN,
                    "choose from `candidates`, and return those very objects",
                )

    @pytest.mark.anyio
    async def test_it_ranks_nobody_twice(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for task in tasks:
            ids = [c.deployment.id for c in (await _ranking(matcher, task, profile, candidates)).candidates]
            twice = sorted({i for i in ids if ids.count(i) > 1})
            hold(
                not twice,
                f"{', '.join(twice)} is ranked more than once",
                "each deployment has one place in a ranking: it is asked again only where that may help",
                "leave out whom you have named already",
            )

    @pytest.mark.anyio
    async def test_tiers_never_fall(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for task in tasks:
            tiers = (await _ranking(matcher, task, profile, candidates)).tiers
            hold(
                not tiers or (list(tiers) == sorted(tiers) and tiers[0] == 0),
                f"the tiers are {tiers}",
                "tiers begin with 0 and never fall along the ranking: balancing mixes equals and nobody else",
                "sort by tier first, or leave tiers out",
            )

    @pytest.mark.anyio
    async def test_nobody_given_is_nobody_ranked(
        self, matcher: Matcher, profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for task in tasks:
            ranking = await _ranking(matcher, task, profile, ())
            hold(
                not ranking.candidates,
                f"without candidates, {ranking.candidates[:1]!r:.80} is ranked",
                ONLY_GIVEN,
                "return Ranking(())",
            )

    @pytest.mark.anyio
    async def test_the_same_question_gets_the_same_ranking(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for task in tasks:
            first = await _ranking(matcher, task, profile, candidates)
            await _ranking(matcher, tasks[-1], profile, candidates[1:])
            second = await _ranking(matcher, task, profile, candidates)
            hold(
                first.candidates == second.candidates,
                f"ranked {_ids(first)}, then {_ids(second)}",
                "the same question gets the same ranking: rankings are kept, and shown by `aiorch route`",
                "keep no state between calls; spreading work over equals is balancing's business (Ranking.tiers)",
            )

    @pytest.mark.anyio
    async def test_it_changes_nothing_in_place(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        given = list(candidates)
        for task in tasks:
            await _ranking(matcher, task, profile, given)
            hold(
                given == list(candidates),
                f"match() changed the list of candidates to {', '.join(c.deployment.id for c in given) or 'nothing'}",
                "candidates are only looked at: the line ranks the same ones for task after task",
                "use sorted(candidates) in place of candidates.sort()",
            )

    @pytest.mark.anyio
    async def test_whoever_is_passed_over_is_told_why(
        self, matcher: Matcher, candidates: Sequence[Candidate], profile: Profile, tasks: Sequence[Task]
    ) -> None:
        for task in tasks:
            for passed in (await _ranking(matcher, task, profile, candidates)).passed_over:
                hold(
                    passed.id and passed.reason.strip(),
                    f"{passed.id or 'somebody'} was passed over without a reason",
                    "NoModelAvailable lists everybody who was passed over, and why",
                    "fill PassedOver.reason",
                )


async def _ranking(
    matcher: Matcher, task: Task, profile: Profile, candidates: Sequence[Candidate]
) -> Ranking:
    promise = "match() returns a Ranking for any task and candidates, also for cards of which little is known"
    try:
        ranking = await in_time(
            lambda: matcher.match(task, profile, candidates), "match()", promise, "rank by what is known"
        )
    except Exception as error:
        wrong(
            f"match() of {len(candidates)} candidates for {task.text!r:.40} raised {raised(error)}",
            promise,
            "most fields of a ModelCard may be None: price, context, capabilities",
        )
    if not isinstance(cast(object, ranking), Ranking):
        wrong(f"match() returned {ranking!r:.80}", promise, "return Ranking(tuple(best_first), reason='why')")
    hold(
        isinstance(cast(object, ranking.candidates), tuple)
        and all(isinstance(cast(object, c), Candidate) for c in ranking.candidates),
        f"the ranking holds {ranking.candidates!r:.80}",
        "Ranking.candidates is a tuple of Candidates",
        "return Ranking(tuple(best_first), reason='why')",
    )
    return ranking


def _ids(ranking: Ranking) -> str:
    return ", ".join(c.deployment.id for c in ranking.candidates) or "nobody"


def _candidate(card: ModelCard, key: str | None = None) -> Candidate:
    return Candidate(Deployment(card.provider, card.model, key), card)


_LARGE = ModelCard(
    "one", "large", context=128_000, price=Price(Decimal("0.5"), Decimal("1.5")), free="none", family="large"
)
_CANDIDATES: Sequence[Candidate] = (
    _candidate(_LARGE, "ONE_KEY"),
    _candidate(_LARGE, "OTHER_KEY"),
    _candidate(ModelCard("two", "large-instruct", price=ZERO_PRICE, free="zero_price", family="large")),
    _candidate(ModelCard("two", "unheard-of")),
    _candidate(
        ModelCard(
            "local",
            "small",
            context=2_048,
            free="local",
            demo=True,
            capabilities=Capabilities(chat=True, tools=False),
        )
    ),
)
_TASKS: Sequence[Task] = (
    Task.of("What is the capital of Norway?"),
    Task.of("Prove it.\n" * 200, agent="coding_agent", system="Be thorough."),
    Task((Message.user("A city as JSON"),), schema=JsonSchema({"type": "object"}), type="data_analysis"),
    Task((Message.user("Hello"),), model="two/large-instruct"),
)
