"""The attempt loop's decisions, row by row, and then over thousands of random schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.routing.attempts import (
    HOST_PAUSE,
    LONGEST_PAUSE,
    NEVER,
    PAUSE,
    SPREAD,
    THE_REQUEST,
    UNREACHABLE,
    UNTOLD_MINUTE,
    Ask,
    GiveUp,
    Loop,
    Standing,
    Wait,
    after,
    asked,
    begin,
    blocked_until,
    choose,
    condemned,
    label,
    names,
    pause,
    still_open,
)
from aiorch.types import Candidate, Decision, Deployment, Failure, FailureKind, FailureScope, ModelCard

K = FailureKind
NOW = 1_800_000_000.0
LATER = NOW + 1e9


def candidate(
    provider: str = "groq", model: str = "a", key: str | None = "K1", context: int | None = None
) -> Candidate:
    return Candidate(Deployment(provider, model, key), ModelCard(provider, model, context=context))


A1, A2 = candidate(key="K1"), candidate(key="K2")
B1, B2 = candidate(model="b", key="K1"), candidate(model="b", key="K2")
OTHER = candidate("mistral", "a", "K1")
EVERYBODY = (A1, A2, B1, B2, OTHER)


def failing(
    kind: FailureKind,
    scope: FailureScope = "model",
    *,
    retry_at: float | None = None,
    ambiguous: bool = False,
) -> Failure:
    return Failure(kind, scope, "so it says", retry_at=retry_at, ambiguous=ambiguous)


def fresh(*candidates: Candidate, attempts: int = 8) -> Loop:
    return begin(candidates or EVERYBODY, attempts=attempts)


def tried(loop: Loop, whom: Candidate, failure: Failure, now: float = NOW) -> Loop:
    return after(asked(loop, whom), whom, failure, now)


def blocked(loop: Loop, now: float = NOW) -> dict[str, float]:
    """Seconds until each blocked deployment is asked again."""
    return {s.candidate.deployment.id: s.not_before - now for s in loop.standings if s.not_before > now}


def ids(*candidates: Candidate) -> set[str]:
    return {c.deployment.id for c in candidates}


# --- what each failure condemns ----------------------------------------------------------------------------------

GROQ_K1, GROQ_A, ONLY_A1 = (A1, B1), (A1, A2), (A1,)

CONDEMNED_FOR_GOOD = [
    (kind, scope) for kind in (K.AUTH, K.BILLING, K.MODEL_GONE) for scope in get_args(FailureScope)
]
BY_SCOPE: dict[str, tuple[Candidate, ...]] = {
    "account": GROQ_K1,
    "model": GROQ_A,
    "key_model": ONLY_A1,
    "upstream": ONLY_A1,
    "request": ONLY_A1,
}


@pytest.mark.parametrize(("kind", "scope"), CONDEMNED_FOR_GOOD)
def test_dead_keys_accounts_and_models_are_not_asked_again(kind: FailureKind, scope: FailureScope) -> None:
    loop = tried(fresh(), A1, failing(kind, scope, retry_at=NOW + 1))
    assert blocked(loop) == dict.fromkeys(ids(*BY_SCOPE[scope]), NEVER)
    assert loop.final is None


@pytest.mark.parametrize("scope", get_args(FailureScope))
@pytest.mark.parametrize(
    ("kind", "retry_at", "seconds"),
    [
        (K.RATE_MINUTE, NOW + 7, 7.0),
        (K.RATE_MINUTE, NOW - 7, PAUSE),
        (K.RATE_MINUTE, None, UNTOLD_MINUTE),
        (K.RATE_DAY, NOW + 7000, 7000.0),
        (K.RATE_DAY, None, NEVER),
        (K.OVERLOADED, NOW + 7, 7.0),
        (K.OVERLOADED, NOW, PAUSE),
    ],
)
def test_limits_block_what_they_speak_of_for_as_long_as_they_say(
    kind: FailureKind, retry_at: float | None, seconds: float, scope: FailureScope
) -> None:
    loop = tried(fresh(), A1, failing(kind, scope, retry_at=retry_at))
    assert blocked(loop) == pytest.approx(dict.fromkeys(ids(*BY_SCOPE[scope]), seconds))


@pytest.mark.parametrize("scope", get_args(FailureScope))
@pytest.mark.parametrize("kind", [K.OVERLOADED, K.TRANSPORT, K.TIMEOUT, K.TRUNCATED])
def test_a_passing_trouble_pauses_the_deployment_for_longer_each_time(
    kind: FailureKind, scope: FailureScope
) -> None:
    loop, pauses = fresh(), []
    for _ in range(6):
        loop = tried(loop, A1, failing(kind, scope))
        pauses.append(blocked(loop)[A1.deployment.id])
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0] == [pause(n) for n in range(1, 7)]
    assert LONGEST_PAUSE == 8.0


@pytest.mark.parametrize("scope", get_args(FailureScope))
def test_what_is_no_answer_is_asked_for_once_more_and_no_third_time(scope: FailureScope) -> None:
    loop = tried(fresh(), A1, failing(K.MALFORMED, scope))
    assert blocked(loop) == {A1.deployment.id: PAUSE}
    assert blocked(tried(loop, A1, failing(K.MALFORMED, scope))) == {A1.deployment.id: NEVER}


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_a_pause_varies_by_chance_within_bounds(chance: float) -> None:
    loop = after(asked(fresh(), A1), A1, failing(K.OVERLOADED), NOW, chance=chance)
    (seconds,) = blocked(loop).values()
    assert seconds == pytest.approx(PAUSE * (1 + SPREAD * (chance - 0.5)), abs=1e-6)
    assert seconds + 1e-6 >= PAUSE * (1 - SPREAD / 2)
    assert seconds <= PAUSE * (1 + SPREAD / 2) + 1e-6


def test_who_says_now_and_refuses_again_is_left_alone_for_longer() -> None:
    loop, waits = fresh(), []
    for _ in range(4):
        loop = tried(loop, A1, failing(K.RATE_MINUTE, "account", retry_at=NOW))
        waits.append(blocked(loop)[A1.deployment.id])
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_a_told_wait_is_believed_as_it_is_however_often_it_is_told() -> None:
    loop = fresh()
    for _ in range(4):
        loop = tried(loop, A1, failing(K.RATE_MINUTE, "key_model", retry_at=NOW + 1.5))
    assert blocked(loop) == {A1.deployment.id: 1.5}


# --- a host that cannot be reached -------------------------------------------------------------------------------


def refused(code: str, kind: FailureKind = K.TRANSPORT) -> Failure:
    return Failure(kind, "upstream", "so it says", code=code)


@pytest.mark.parametrize("code", sorted(UNREACHABLE))
def test_a_host_that_cannot_be_reached_is_not_asked_for_its_other_models(code: str) -> None:
    loop = tried(fresh(), A1, refused(code))
    assert blocked(loop) == dict.fromkeys(ids(A1, A2, B1, B2), HOST_PAUSE)
    assert choose(loop, NOW, LATER) == Ask(OTHER)
    loop = tried(loop, OTHER, failing(K.OVERLOADED))
    # Both are free again: the one that could be reached comes first, though it was asked before and B1 never was.
    assert choose(loop, NOW + 60, LATER) == Ask(OTHER)
    loop = tried(loop, B1, refused(code))
    assert blocked(loop) == {**dict.fromkeys(ids(A1, A2, B1, B2), NEVER), OTHER.deployment.id: PAUSE}


def test_a_time_out_while_connecting_counts_as_not_reached_and_a_later_one_does_not() -> None:
    assert len(blocked(tried(fresh(), A1, refused("connect_timeout", K.TIMEOUT)))) == 4
    assert len(blocked(tried(fresh(), A1, refused("read_timeout", K.TIMEOUT)))) == 1
    assert len(blocked(tried(fresh(), A1, refused("closed_early")))) == 1


@pytest.mark.parametrize("scope", get_args(FailureScope))
def test_an_empty_answer_is_not_asked_for_again_there(scope: FailureScope) -> None:
    assert blocked(tried(fresh(), A1, failing(K.EMPTY, scope))) == {A1.deployment.id: NEVER}


@pytest.mark.parametrize("scope", get_args(FailureScope))
@pytest.mark.parametrize("kind", [K.BAD_REQUEST, K.POLICY, K.CANCELLED])
def test_what_every_sibling_would_reject_is_final(kind: FailureKind, scope: FailureScope) -> None:
    loop = tried(fresh(), A1, failing(kind, scope))
    assert loop.final == f"{kind.value}: so it says"
    assert choose(loop, NOW, LATER) == GiveUp(f"{kind.value}: so it says")


@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("scope", get_args(FailureScope))
@pytest.mark.parametrize("ambiguous", [False, True])
def test_every_kind_of_failure_blocks_who_failed_or_ends_it(
    kind: K, scope: FailureScope, ambiguous: bool
) -> None:
    loop = tried(fresh(), A1, failing(kind, scope, ambiguous=ambiguous))
    assert loop.final or A1.deployment.id in blocked(loop)
    reasons = [s.reason for s in loop.standings if s.not_before > NOW]
    assert all(reason == f"{kind.value}: so it says" for reason in reasons)


def test_a_block_is_never_shortened_by_another() -> None:
    loop = tried(fresh(), A1, failing(K.RATE_MINUTE, "account", retry_at=NOW + 60))
    loop = tried(loop, B1, failing(K.RATE_MINUTE, "account", retry_at=NOW + 5))
    assert blocked(loop) == dict.fromkeys(ids(A1, B1), 60.0)


# --- a prompt that does not fit ----------------------------------------------------------------------------------


def test_a_prompt_that_does_not_fit_is_only_tried_where_more_fits() -> None:
    small, same, larger, unknown = (
        candidate(model="s", context=4_000),
        candidate(model="t", context=8_000),
        candidate(model="l", context=8_001),
        candidate(model="u"),
    )
    tight = candidate(model="m", context=8_000)
    loop = tried(fresh(tight, small, same, larger, unknown), tight, failing(K.CONTEXT, "request"))
    assert blocked(loop) == dict.fromkeys(ids(tight, small, same), NEVER)


def test_where_a_prompt_did_not_fit_those_known_to_be_larger_come_before_the_unknown() -> None:
    tight, unknown, larger = (
        candidate(model="m", context=8_000),
        candidate(model="u"),
        candidate(model="l", context=9_000),
    )
    assert choose(
        tried(fresh(tight, unknown, larger), tight, failing(K.CONTEXT, "request")), NOW, LATER
    ) == Ask(larger)


def test_a_model_of_unknown_size_says_nothing_about_others() -> None:
    unknown, sized = candidate(model="u"), candidate(model="s", context=1)
    assert blocked(tried(fresh(unknown, sized), unknown, failing(K.CONTEXT, "request"))) == {
        unknown.deployment.id: NEVER
    }


@pytest.mark.parametrize("ambiguous", [False, True])
def test_two_prompts_that_did_not_fit_do_not_rule_out_a_larger_model(ambiguous: bool) -> None:
    sizes = [candidate(model=str(n), context=n) for n in (1, 2, 3)]
    loop = fresh(*sizes)
    for whom in sizes[:2]:
        loop = tried(loop, whom, failing(K.CONTEXT, "request", ambiguous=ambiguous))
    assert choose(loop, NOW, LATER) == Ask(sizes[2])


# --- second opinions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (K.BAD_REQUEST, "request"),
        (K.POLICY, "request"),
        (K.EMPTY, "request"),
        (K.MALFORMED, "request"),
        (K.POLICY, "model"),
        (K.EMPTY, "upstream"),
        (K.BAD_REQUEST, "account"),
    ],
)
def test_two_agreeing_opinions_on_the_request_are_final(kind: FailureKind, scope: FailureScope) -> None:
    loop = tried(fresh(), A1, failing(kind, scope, ambiguous=True))
    assert blocked(loop) == {A1.deployment.id: NEVER}
    assert choose(loop, NOW, LATER) == Ask(
        B1
    )  # another model's opinion, not the same model's with another key
    loop = tried(loop, B1, failing(kind, scope, ambiguous=True))
    assert choose(loop, NOW, LATER) == GiveUp(f"two agree: {kind.value}: so it says")


def test_the_same_model_gives_the_second_opinion_where_there_is_no_other() -> None:
    loop = tried(fresh(A1, A2), A1, failing(K.EMPTY, "request", ambiguous=True))
    assert choose(loop, NOW, LATER) == Ask(A2)


def test_two_that_disagree_are_two_first_opinions() -> None:
    loop = tried(fresh(), A1, failing(K.POLICY, "request", ambiguous=True))
    loop = tried(loop, B1, failing(K.EMPTY, "request", ambiguous=True))
    assert loop.final is None
    assert choose(loop, NOW, LATER) == Ask(OTHER)


def test_a_certain_failure_is_no_opinion() -> None:
    loop = tried(fresh(), A1, failing(K.EMPTY, "request"))
    loop = tried(loop, B1, failing(K.EMPTY, "request", ambiguous=True))
    assert loop.final is None


def test_two_doubtful_refusals_by_different_accounts_condemn_neither_account_nor_request() -> None:
    loop = tried(fresh(), A1, failing(K.AUTH, "account", ambiguous=True))
    loop = tried(loop, OTHER, failing(K.AUTH, "account", ambiguous=True))
    assert blocked(loop) == dict.fromkeys(ids(A1, OTHER), NEVER)
    assert choose(loop, NOW, LATER) == Ask(B1)


@pytest.mark.parametrize(
    ("kind", "scope", "second", "hit"),
    [(K.AUTH, "account", B1, GROQ_K1), (K.MODEL_GONE, "model", A2, GROQ_A)],
)
def test_two_doubtful_refusals_of_the_same_thing_are_believed(
    kind: FailureKind, scope: FailureScope, second: Candidate, hit: tuple[Candidate, ...]
) -> None:
    third = candidate(model="c", key="K1") if scope == "account" else candidate(key="K3")
    loop = fresh(*EVERYBODY, third)
    for whom in (A1, second):
        loop = tried(loop, whom, failing(kind, scope, ambiguous=True))
    assert loop.final is None
    assert blocked(loop) == dict.fromkeys(ids(*hit, third), NEVER)


def test_two_models_that_may_be_gone_do_not_end_the_request() -> None:
    loop = tried(fresh(), A1, failing(K.MODEL_GONE, "model", ambiguous=True))
    loop = tried(loop, B1, failing(K.MODEL_GONE, "model", ambiguous=True))
    assert choose(loop, NOW, LATER) == Ask(OTHER)


# --- who is asked ------------------------------------------------------------------------------------------------


def test_nobody_starts_with_a_record() -> None:
    assert fresh(A1, B1) == Loop((A1, B1), attempts_left=8)
    assert fresh(A1, B1).standings == (Standing(A1), Standing(B1))
    assert Standing(A1) == Standing(A1, attempts=0, not_before=0.0, reason="", doubts=0)


def test_the_best_is_asked_first() -> None:
    assert choose(fresh(), NOW, LATER) == Ask(A1)


def test_a_sibling_is_asked_before_the_same_again() -> None:
    loop = tried(fresh(A1, B1), A1, failing(K.TIMEOUT))
    assert choose(loop, NOW + PAUSE, LATER) == Ask(B1)


def test_the_same_is_asked_again_when_there_is_nobody_else() -> None:
    loop = tried(fresh(A1), A1, failing(K.TIMEOUT))
    assert choose(loop, NOW, LATER) == Wait(NOW + PAUSE, "timeout: so it says")
    assert choose(loop, NOW + PAUSE, LATER) == Ask(A1)


def test_after_a_broken_connection_another_provider_is_asked_first() -> None:
    loop = tried(fresh(), A1, failing(K.TRANSPORT, "upstream"))
    assert [s.doubts for s in loop.standings] == [1, 1, 1, 1, 0]
    assert choose(loop, NOW, LATER) == Ask(OTHER)
    loop = tried(loop, OTHER, failing(K.TRANSPORT, "upstream"))
    assert choose(loop, NOW, LATER) == Ask(A2)  # each provider was doubted once: preference again


@pytest.mark.parametrize("kind", [K.TIMEOUT, K.OVERLOADED, K.MALFORMED, K.TRUNCATED])
def test_other_troubles_say_nothing_of_a_providers_other_models(kind: FailureKind) -> None:
    assert choose(tried(fresh(A1, B1, OTHER), A1, failing(kind, "upstream")), NOW, LATER) == Ask(B1)


def test_asking_counts_for_the_one_that_is_asked() -> None:
    loop = asked(fresh(attempts=3), B1)
    assert loop.attempts_left == 2
    assert [s.attempts for s in loop.standings] == [0, 0, 1, 0, 0]


def test_who_is_too_sick_is_passed_over_for_as_long_as_that_is_said() -> None:
    sick = {A1.deployment.id: (NOW + 30, "ejected")}
    loop = fresh(A1, B1)
    assert choose(loop, NOW, LATER, sick) == Ask(B1)
    assert choose(loop, NOW, LATER) == Ask(A1)
    lone = fresh(A1)
    assert choose(lone, NOW, LATER, sick) == Wait(NOW + 30, "ejected")
    assert choose(lone, NOW, NOW + 20, sick) == GiveUp(
        "everybody is blocked; the first to come back is groq/a#K1 in 30 s (ejected), which is past the deadline"
    )
    longer = tried(lone, A1, failing(K.RATE_MINUTE, "account", retry_at=NOW + 60))
    assert choose(longer, NOW, LATER, sick) == Wait(NOW + 60, "rate_minute: so it says")


def test_who_could_still_be_asked_in_time_is_known() -> None:
    loop = tried(fresh(A1, B1, OTHER), A1, failing(K.RATE_MINUTE, "key_model", retry_at=NOW + 60))
    assert still_open(loop, NOW + 50) == [B1.deployment.id, OTHER.deployment.id]
    assert still_open(loop, NOW + 61) == [A1.deployment.id, B1.deployment.id, OTHER.deployment.id]


# --- when nobody is ----------------------------------------------------------------------------------------------


def test_nobody_is_asked_when_there_is_nobody() -> None:
    assert choose(begin([], attempts=8), NOW, LATER) == GiveUp("nobody can be asked")


def test_nobody_is_asked_once_the_attempts_are_used_up() -> None:
    loop = fresh(attempts=1)
    assert choose(loop, NOW, LATER) == Ask(A1)
    assert choose(asked(loop, A1), NOW, LATER) == GiveUp("all attempts are used up")
    assert choose(fresh(attempts=0), NOW, LATER) == GiveUp("all attempts are used up")


def test_nobody_is_asked_at_the_deadline() -> None:
    assert choose(fresh(), NOW, NOW + 0.001) == Ask(A1)
    assert choose(fresh(), NOW, NOW) == GiveUp("the time is up")
    assert choose(fresh(), NOW + 1, NOW) == GiveUp("the time is up")


def test_nobody_is_left_once_each_was_condemned() -> None:
    loop = tried(fresh(A1), A1, failing(K.AUTH, "account"))
    assert choose(loop, NOW, LATER) == GiveUp("nobody is left to ask")


def test_a_wait_is_for_the_first_to_come_back() -> None:
    loop = tried(fresh(A1, OTHER), A1, failing(K.RATE_MINUTE, "account", retry_at=NOW + 9))
    loop = tried(loop, OTHER, failing(K.RATE_MINUTE, "account", retry_at=NOW + 4))
    assert choose(loop, NOW, NOW + 4.001) == Wait(NOW + 4, "rate_minute: so it says")
    assert choose(loop, NOW + 4, LATER) == Ask(OTHER)


def test_no_wait_reaches_the_deadline_and_the_reason_is_told() -> None:
    loop = tried(fresh(A1), A1, failing(K.RATE_MINUTE, "account", retry_at=NOW + 30))
    assert choose(loop, NOW, NOW + 30) == GiveUp(
        "everybody is blocked; the first to come back is groq/a#K1 in 30 s (rate_minute: so it says), "
        "which is past the deadline"
    )


def test_who_is_benched_is_not_asked_until_then_and_the_reason_is_known() -> None:
    loop = begin(EVERYBODY, attempts=8, benched={A1.deployment.id: (NOW + 5, "a limit"), "x/y": (NEVER, "?")})
    assert blocked(loop) == {A1.deployment.id: 5.0}
    assert loop.standings[0] == Standing(A1, 0, NOW + 5, "a limit")
    assert loop.standings[1] == Standing(A2)
    assert choose(loop, NOW, LATER) == Ask(A2)
    assert choose(loop, NOW + 5, LATER) == Ask(A1)


# --- names -------------------------------------------------------------------------------------------------------


def test_what_a_deployment_is_part_of_has_a_name() -> None:
    assert names(A1.deployment) == ("groq#K1", "groq/a", "groq/a#K1")
    assert names(Deployment("local", "m")) == ("local", "local/m", "local/m")


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("account", "groq#K1"),
        ("model", "groq/a"),
        ("key_model", "groq/a#K1"),
        ("upstream", "groq/a#K1"),
        ("request", "groq/a#K1"),
    ],
)
def test_a_failure_condemns_by_its_scope(scope: FailureScope, name: str) -> None:
    assert condemned(A1, failing(K.RATE_MINUTE, scope)) == name
    for kind in (K.BAD_REQUEST, K.POLICY, K.EMPTY):
        assert condemned(A1, failing(kind, scope)) == THE_REQUEST


def test_a_doubtful_failure_of_a_request_is_about_the_request() -> None:
    assert condemned(A1, failing(K.MALFORMED, "request", ambiguous=True)) == THE_REQUEST


# --- what the next request may know ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        K.CONTEXT,
        K.POLICY,
        K.BAD_REQUEST,
        K.TRANSPORT,
        K.TIMEOUT,
        K.MALFORMED,
        K.EMPTY,
        K.TRUNCATED,
        K.CANCELLED,
    ],
)
def test_what_blocks_for_a_moment_only_is_nothing_to_remember(kind: FailureKind) -> None:
    assert blocked_until(failing(kind, retry_at=NOW + 9), NOW) is None
    assert blocked_until(failing(K.OVERLOADED), NOW) is None


# --- labels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (GiveUp("?"), "fail"),
        (Wait(NOW, "?"), "wait"),
        (Ask(A1), "same_again"),
        (Ask(A2), "next_key"),
        (Ask(B1), "next_deployment"),
        (Ask(OTHER), "next_deployment"),
    ],
)
def test_each_decision_has_its_word(step: GiveUp | Wait | Ask, word: str) -> None:
    assert label(A1, step) == word


# --- thousands of random schedules -------------------------------------------------------------------------------

PROVIDERS, MODELS, KEYS = ["groq", "nova"], ["a", "b", "c"], ["K1", "K2"]

candidates = st.lists(
    st.builds(
        candidate,
        st.sampled_from(PROVIDERS),
        st.sampled_from(MODELS),
        st.sampled_from(KEYS),
        st.none() | st.sampled_from([4_000, 8_000, 32_000]),
    ),
    max_size=8,
    unique_by=lambda c: c.deployment,
)
failures = st.builds(
    Failure,
    # The passing ones twice: schedules that end at once teach little.
    st.sampled_from([*FailureKind, K.OVERLOADED, K.TIMEOUT, K.TRANSPORT, K.RATE_MINUTE, K.EMPTY]),
    st.sampled_from(get_args(FailureScope)),
    st.just("so it says"),
    retry_at=st.none() | st.floats(-5, 100).map(lambda s: NOW + s),
    code=st.sampled_from([None, None, "refused", "read_timeout"]),
    ambiguous=st.booleans(),
)


@dataclass(frozen=True)
class Told:
    """One attempt of a schedule: the loop before it, who was asked, what came of it, and the loop after it."""

    before: Loop
    whom: Candidate
    asked_at: float
    failure: Failure
    now: float
    after: Loop


@dataclass(frozen=True)
class Story:
    attempts: tuple[Told, ...]
    end: GiveUp
    ended_at: float
    deadline: float
    waits: tuple[tuple[float, float], ...]
    """From when until when."""
    allowed: int


def play(
    them: list[Candidate],
    said: list[tuple[Failure, float]],
    allowed: int,
    patience: float,
    benched: dict[str, tuple[float, str]] | None = None,
) -> Story:
    """Run a request in which every attempt fails, in virtual time."""
    now, deadline = NOW, NOW + patience
    loop = begin(them, attempts=allowed, benched=benched)
    told: list[Told] = []
    waits: list[tuple[float, float]] = []
    for _ in range(10_000):
        step = choose(loop, now, deadline)
        assert choose(loop, now, deadline) == step
        if isinstance(step, GiveUp):
            return Story(tuple(told), step, now, deadline, tuple(waits), allowed)
        if isinstance(step, Wait):
            waits.append((now, step.until))
            now = step.until
            continue
        failure, seconds = said[len(told) % len(said)]
        began, before = now, loop
        loop = asked(loop, step.candidate)
        now += seconds
        loop = after(loop, step.candidate, failure, now)
        told.append(Told(before, step.candidate, began, failure, now, loop))
    raise AssertionError("it never ends")


stories = st.builds(
    play,
    candidates,
    st.lists(st.tuples(failures, st.floats(0, 20)), min_size=1, max_size=10),
    st.integers(0, 12),
    st.floats(0, 200),
    st.none()
    | st.dictionaries(
        st.builds(lambda p, m, k: f"{p}/{m}#{k}", *map(st.sampled_from, (PROVIDERS, MODELS, KEYS))),
        st.tuples(st.floats(0, 300).map(lambda s: NOW + s) | st.just(NEVER), st.just("benched")),
        max_size=4,
    ),
)


def no_schedule_exceeds_its_attempts_or_its_deadline(story: Story) -> None:
    assert len(story.attempts) <= story.allowed
    assert all(told.asked_at < story.deadline for told in story.attempts)
    assert all(start < until < story.deadline for start, until in story.waits)


def no_schedule_asks_anybody_who_is_blocked(story: Story) -> None:
    for told in story.attempts:
        (standing,) = [s for s in told.before.standings if s.candidate is told.whom]
        assert standing.not_before <= told.asked_at


def every_schedule_ends_for_one_of_the_known_reasons(story: Story) -> None:
    known = (
        "nobody can be asked",
        "all attempts are used up",
        "the time is up",
        "nobody is left to ask",
        "everybody is blocked",
        "two agree",
        "policy",
        "bad_request",
        "cancelled",
    )
    assert story.end.why.startswith(known)


def nobody_gives_up_while_somebody_could_be_asked(story: Story) -> None:
    loop = story.attempts[-1].after if story.attempts else None
    if loop and loop.final is None and loop.attempts_left and story.ended_at < story.deadline:
        assert all(s.not_before >= story.deadline for s in loop.standings)


def among_those_that_are_free_the_one_asked_least_is_asked(story: Story) -> None:
    def record(loop: Loop, standing: Standing) -> tuple[int, int]:
        return loop.unreached.get(standing.candidate.deployment.provider, 0), standing.attempts

    for told in story.attempts:
        free = [record(told.before, s) for s in told.before.standings if s.not_before <= told.asked_at]
        (mine,) = [record(told.before, s) for s in told.before.standings if s.candidate is told.whom]
        assert mine == min(free)


def whoever_is_asked_again_had_a_pause(story: Story) -> None:
    for n, told in enumerate(story.attempts):
        for later in story.attempts[n + 1 :]:
            if later.whom is told.whom:
                assert later.asked_at >= told.now + PAUSE * (1 - SPREAD / 2) - 1e-6
                break


def no_host_is_tried_a_third_time_that_could_not_be_reached(story: Story) -> None:
    for told in story.attempts:
        assert told.before.unreached.get(told.whom.deployment.provider, 0) < 2


def about_the_request(failure: Failure) -> bool:
    return failure.kind in (K.BAD_REQUEST, K.POLICY, K.EMPTY) or (
        failure.scope == "request" and failure.kind is not K.CONTEXT
    )


def two_agreeing_opinions_on_the_request_end_every_schedule(story: Story) -> None:
    opinions = [
        t.failure.kind for t in story.attempts if t.failure.ambiguous and about_the_request(t.failure)
    ]
    repeated = [kind for n, kind in enumerate(opinions) if kind in opinions[:n]]
    assert len(repeated) <= 1
    if repeated:
        assert opinions[-1] is repeated[0]
        assert story.attempts[-1].failure.ambiguous
        assert story.end.why == f"two agree: {repeated[0].value}: so it says"


def what_is_certain_of_an_account_blocks_all_behind_its_key_and_nobody_else(story: Story) -> None:
    lasting = (K.AUTH, K.BILLING, K.RATE_DAY, K.RATE_MINUTE)
    for told in story.attempts:
        failure = told.failure
        if failure.scope != "account" or failure.ambiguous or failure.kind not in lasting:
            continue
        key = (told.whom.deployment.provider, told.whom.deployment.key)
        for old, new in zip(told.before.standings, told.after.standings, strict=True):
            same = (new.candidate.deployment.provider, new.candidate.deployment.key) == key
            if same:
                assert new.not_before > told.now
            else:
                assert new == old


def nothing_but_time_unblocks_anybody(story: Story) -> None:
    for told in story.attempts:
        for old, new in zip(told.before.standings, told.after.standings, strict=True):
            assert new.not_before >= old.not_before


PROMISES = (
    no_schedule_exceeds_its_attempts_or_its_deadline,
    no_schedule_asks_anybody_who_is_blocked,
    every_schedule_ends_for_one_of_the_known_reasons,
    nobody_gives_up_while_somebody_could_be_asked,
    among_those_that_are_free_the_one_asked_least_is_asked,
    whoever_is_asked_again_had_a_pause,
    no_host_is_tried_a_third_time_that_could_not_be_reached,
    two_agreeing_opinions_on_the_request_end_every_schedule,
    what_is_certain_of_an_account_blocks_all_behind_its_key_and_nobody_else,
    nothing_but_time_unblocks_anybody,
)


@settings(max_examples=2_000, deadline=None)
@given(stories)
def test_every_promise_holds_whatever_happens(story: Story) -> None:
    for promise in PROMISES:
        promise(story)


@settings(max_examples=200, deadline=None)
@given(
    candidates,
    st.lists(st.tuples(failures, st.floats(0, 20)), min_size=1, max_size=10),
    st.integers(0, 12),
    st.floats(0, 200),
)
def test_the_same_schedule_ends_the_same_way(
    them: list[Candidate], said: list[tuple[Failure, float]], allowed: int, patience: float
) -> None:
    assert play(them, said, allowed, patience) == play(them, said, allowed, patience)


def test_the_words_of_decisions_are_those_of_the_trail() -> None:
    words: set[str] = {"fail", "wait", "same_again", "next_key", "next_deployment"}
    assert set(get_args(Decision)) == words | {"accept", "lost"}
