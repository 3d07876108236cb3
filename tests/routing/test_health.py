from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.routing import health as module
from aiorch.routing.health import FAIR, LOOK_AGAIN, Health, Turn, counts
from aiorch.routing.outliers import (
    CONSECUTIVE,
    EJECTION,
    HOST_CONSECUTIVE,
    JITTER,
    PROBE_LOST,
    RAMP,
    VOLUME,
    WINDOW,
)
from aiorch.types import Failure, FailureKind

K = FailureKind
NOW = 1_800_000_000.0
A, B, C = "groq/a#K", "nova/b#K", "cerebras/c#K"
SICK = Failure(K.OVERLOADED, "upstream", "overloaded", status=503)
UNREACHABLE = Failure(K.TRANSPORT, "upstream", "refused")


def health() -> Health:
    return Health(Random(1))


def fail(book: Health, id: str, now: float, times: int = 1, failure: Failure = SICK) -> None:
    for _ in range(times):
        book.failed(id, failure, now, book.begun(id, now))


def ejected(id: str = A) -> tuple[Health, float]:
    """A book in which one is ejected, and when that ends."""
    book = health()
    fail(book, id, NOW, CONSECUTIVE)
    return book, book.blocked([id, "other/x"], NOW)[id][0]


# --- who is ejected ----------------------------------------------------------------------------------------------


def test_failures_in_a_row_eject() -> None:
    book = health()
    fail(book, A, NOW, CONSECUTIVE - 1)
    assert book.blocked([A, B], NOW) == {}
    assert book.state(A, NOW) == "healthy"
    fail(book, A, NOW)
    ((id, (until, why)),) = book.blocked([A, B], NOW).items()
    assert id == A
    assert EJECTION * (1 - JITTER) <= until - NOW <= EJECTION * (1 + JITTER)
    assert why == "ejected: 3 failures in a row, the last: overloaded 503"
    assert book.state(A, NOW) == "ejected"
    assert book.share(A, NOW) == 0.0


def test_failures_in_a_row_count_however_far_apart_they_are() -> None:
    book = health()
    for hour in range(CONSECUTIVE):
        fail(book, A, NOW + 3_600 * hour)
    assert book.state(A, NOW + 3_600 * (CONSECUTIVE - 1)) == "ejected"


def test_a_success_ends_a_row() -> None:
    book = health()
    for _ in range(3):
        fail(book, A, NOW, CONSECUTIVE - 1)
        book.succeeded(A, NOW, 1.0, book.begun(A, NOW))
    assert book.state(A, NOW) == "healthy"


def test_a_high_rate_of_failures_ejects_without_a_row() -> None:
    book = health()
    for i in range(VOLUME):
        at = NOW + i
        if i % 3 == 2:
            book.succeeded(A, at, 1.0, book.begun(A, at))
        else:
            fail(book, A, at)
        assert book.state(A, at) == ("ejected" if i == VOLUME - 1 else "healthy")
    assert book.blocked([A, B], NOW + VOLUME)[A][1].startswith("ejected: 7 of 10 calls failed within 120 s")


def test_failures_that_the_window_has_left_do_not_count() -> None:
    book, at = health(), NOW
    for i in range(VOLUME * 3):
        at = NOW + i * (WINDOW / VOLUME + 1)  # at no time as many as VOLUME in the window
        if i % 3 == 2:
            book.succeeded(A, at, 1.0, book.begun(A, at))
        else:
            fail(book, A, at)
    assert book.state(A, at) == "healthy"


@pytest.mark.parametrize("kind", [K.OVERLOADED, K.TIMEOUT, K.TRANSPORT, K.MALFORMED, K.TRUNCATED, K.EMPTY])
def test_what_speaks_against_the_host_counts(kind: FailureKind) -> None:
    assert counts(Failure(kind, "upstream", "?"), 0.0)
    assert not counts(Failure(kind, "upstream", "?", ambiguous=True), 0.0)


@pytest.mark.parametrize(
    "kind",
    [
        K.AUTH,
        K.BILLING,
        K.RATE_MINUTE,
        K.RATE_DAY,
        K.MODEL_GONE,
        K.CONTEXT,
        K.POLICY,
        K.BAD_REQUEST,
        K.CANCELLED,
    ],
)
def test_what_is_the_benchs_or_the_requests_never_counts(kind: FailureKind) -> None:
    book = health()
    fail(book, A, NOW, 20, Failure(kind, "account", "?"))
    assert book.state(A, NOW) == "healthy"
    assert book.conditions(NOW) == ()


def test_every_kind_of_failure_is_decided_on() -> None:
    assert {kind for kind in K if counts(Failure(kind, "model", "?"), 0.0)} == module.COUNTED


def test_a_tasks_own_deadline_counts_only_after_a_fair_time() -> None:
    late = Failure(K.TIMEOUT, "request", "the task's time was up")
    book = health()
    for waited, state in ((FAIR - 0.1, "healthy"), (FAIR, "ejected")):
        for _ in range(CONSECUTIVE):
            book.failed(A, late, NOW + waited, book.begun(A, NOW))
        assert book.state(A, NOW + waited) == state
    assert not counts(late, 0.0)


# --- hosts -------------------------------------------------------------------------------------------------------


def test_a_host_whose_models_fail_one_after_the_other_is_ejected_as_a_whole() -> None:
    book = health()
    for i in range(HOST_CONSECUTIVE):
        assert book.state("groq", NOW) == "healthy"
        fail(book, f"groq/m{i % 3}#K", NOW)
    assert book.state("groq", NOW) == "ejected"
    assert book.state("groq/never-asked#K", NOW) == "ejected"
    assert set(book.blocked(["groq/never-asked#K", B], NOW)) == {"groq/never-asked#K"}
    assert "of 3 models" in book.blocked(["groq/never-asked#K", B], NOW)["groq/never-asked#K"][1]


def test_one_sick_model_or_two_do_not_make_a_sick_host() -> None:
    book = health()
    for i in range(20):
        fail(book, f"openrouter/m{i % 2}#K{i}", NOW)
    assert book.state("openrouter", NOW) == "healthy"


def test_a_host_that_cannot_be_reached_is_ejected_by_two_models() -> None:
    book = health()
    for i in range(HOST_CONSECUTIVE):
        fail(book, f"groq/m{i % 2}", NOW, failure=UNREACHABLE)
    assert book.state("groq", NOW) == "ejected"


def test_a_router_that_names_the_sick_host_behind_it_is_not_sick() -> None:
    book = health()
    behind = Failure(K.OVERLOADED, "upstream", "?", upstream="DeepInfra")
    for i in range(HOST_CONSECUTIVE * 4):
        fail(book, f"openrouter/m{i}", NOW, failure=behind)
    assert book.state("openrouter", NOW) == "healthy"


def test_any_answer_of_a_host_shows_that_it_is_well() -> None:
    book = health()
    for at in (NOW, NOW + WINDOW, NOW + 2 * WINDOW):
        for i in range(HOST_CONSECUTIVE - 1):
            fail(book, f"groq/m{i}#K{at}", at)
        book.succeeded("groq/well", at, 1.0)
    assert book.state("groq", NOW) == "healthy"


def test_a_model_that_failed_long_ago_does_not_speak_against_its_host() -> None:
    book = health()
    for i in range(3):
        fail(book, f"groq/old{i}", NOW - WINDOW - 1)
    fail(book, "groq/new", NOW, CONSECUTIVE)
    assert book.state("groq", NOW) == "healthy"


def test_one_probe_speaks_for_the_whole_host() -> None:
    book = health()
    for i in range(HOST_CONSECUTIVE):
        fail(book, f"groq/m{i}", NOW)
    until = book.blocked(["groq/m0", B], NOW)["groq/m0"][0]
    ids = ["groq/m0", "groq/m1", B]
    assert book.blocked(ids, until) == {}
    turn = book.begun("groq/m0", until)
    assert turn.probe
    assert set(book.blocked(ids, until)) == {"groq/m0", "groq/m1"}
    assert not book.begun("groq/m1", until).probe
    book.succeeded("groq/m0", until + 1, 1.0, turn)
    assert book.blocked(ids, until + 1) == {}
    assert book.shares(ids, until + 1) == {"groq/m0": 0.1, "groq/m1": 0.1}


def test_a_probe_that_a_named_upstream_fails_leaves_the_host_half_open() -> None:
    book = health()
    for i in range(HOST_CONSECUTIVE):
        fail(book, f"groq/m{i}", NOW)
    until = book.blocked(["groq/m0", B], NOW)["groq/m0"][0]
    turn = book.begun("groq/m0", until)
    book.failed("groq/m0", Failure(K.OVERLOADED, "upstream", "?", upstream="x"), until, turn)
    assert book.state("groq", until) == "probing"
    assert book.begun("groq/m1", until).probe


# --- probes ------------------------------------------------------------------------------------------------------


def test_after_the_ejection_exactly_one_attempt_finds_out() -> None:
    book, until = ejected()
    assert book.state(A, until) == "probing"
    assert book.blocked([A, B], until) == {}
    turn = book.begun(A, until)
    assert turn.probe
    ends, why = book.blocked([A, B], until + 1)[A]
    assert ends == until + 1 + LOOK_AGAIN
    assert "probe is under way" in why
    assert not book.begun(A, until + 1).probe


def test_a_probe_that_fails_ejects_again_for_twice_as_long() -> None:
    book, until = ejected()
    fail(book, A, until)
    again, why = book.blocked([A, B], until)[A]
    assert 2 * EJECTION * (1 - JITTER) <= again - until <= 2 * EJECTION * (1 + JITTER)
    assert why.startswith("ejected: its probe failed")
    assert book.conditions(until)[0].name == "groq"
    assert book.conditions(until)[1].ejections == 2


def test_a_probe_that_answers_brings_it_back_slowly() -> None:
    book, until = ejected()
    book.succeeded(A, until + 1, 0.7, book.begun(A, until))
    assert book.state(A, until + 1) == "recovering"
    assert book.share(A, until + 1) == 0.1
    assert book.shares([A, B], until + 1 + RAMP / 2) == {A: 0.5}
    assert book.shares([A, B], until + 1 + RAMP) == {}
    assert book.state(A, until + 1 + RAMP) == "healthy"
    assert book.share(A, until + 1 + RAMP) == book.share("un/known", NOW) == 1.0


@pytest.mark.parametrize("kind", [K.CANCELLED, K.RATE_MINUTE, K.BAD_REQUEST])
def test_a_probe_that_tells_nothing_frees_its_place(kind: FailureKind) -> None:
    book, until = ejected()
    turn = book.begun(A, until)
    book.failed(A, Failure(kind, "request", "?"), until + 1, turn)
    assert book.state(A, until + 1) == "probing"
    assert book.begun(A, until + 1).probe


def test_a_cancelled_probe_frees_its_place_and_another_cancelled_attempt_does_not() -> None:
    book, until = ejected()
    probe, other = book.begun(A, until), book.begun(A, until)
    book.cancelled(A, until, other)
    assert not book.begun(A, until).probe
    book.cancelled(A, until, probe)
    assert book.begun(A, until).probe


def test_a_probe_that_nobody_reports_back_on_is_given_up() -> None:
    book, until = ejected()
    lost = book.begun(A, until)
    assert not book.begun(A, until + PROBE_LOST - 1).probe
    assert book.blocked([A, B], until + PROBE_LOST) == {}
    probe = book.begun(A, until + PROBE_LOST)
    assert probe.probe
    book.failed(A, SICK, until + PROBE_LOST, lost)
    assert book.state(A, until + PROBE_LOST) == "probing", "its report comes too late"
    book.succeeded(A, until + PROBE_LOST, 1.0, probe)
    assert book.state(A, until + PROBE_LOST) == "recovering"


def test_what_was_asked_before_an_ejection_says_nothing_after_it() -> None:
    book = health()
    early = [book.begun(A, NOW) for _ in range(6)]
    for turn in early[:CONSECUTIVE]:
        book.failed(A, SICK, NOW, turn)
    until = book.blocked([A, B], NOW)[A][0]
    book.failed(A, SICK, NOW + 1, early[3])
    book.succeeded(A, NOW + 1, 1.0, early[4])
    assert book.blocked([A, B], NOW + 1)[A][0] == until
    probe = book.begun(A, until)
    book.cancelled(A, until, early[5])
    assert not book.begun(A, until).probe
    book.failed(A, SICK, until, early[5])
    assert book.state(A, until) == "probing"
    book.succeeded(A, until, 1.0, probe)
    assert book.state(A, until) == "recovering"


def test_an_answer_although_it_is_ejected_brings_it_back() -> None:
    book, until = ejected()
    turn = book.begun(A, NOW + 1)  # there was nobody else
    assert not turn.probe
    book.failed(A, SICK, NOW + 2, turn)
    assert book.blocked([A, B], NOW + 2)[A][0] == until, "nobody waits longer for it"
    book.succeeded(A, NOW + 3, 1.0, book.begun(A, NOW + 2))
    assert book.state(A, NOW + 3) == "recovering"


def test_what_is_found_out_otherwise_counts_without_a_turn() -> None:
    book, until = ejected()
    book.succeeded(A, NOW + 1, 0.2)
    assert book.state(A, NOW + 1) == "recovering"
    book, until = ejected()
    book.failed(A, SICK, until - 1)
    assert book.blocked([A, B], until - 1)[A][0] == until
    book.begun(A, until)
    book.cancelled(A, until)
    assert book.begun(A, until).probe
    book.failed(A, SICK, until)
    assert book.state(A, until) == "ejected"


# --- questions ---------------------------------------------------------------------------------------------------


def test_the_last_usable_one_stays_usable() -> None:
    book = health()
    for i, id in enumerate((A, B, C)):
        fail(book, id, NOW + 10 * i, CONSECUTIVE)
    at = NOW + 20
    everybody = book.blocked([A, B, C, "well/x"], at)
    assert set(everybody) == {A, B, C}
    first = min(everybody, key=lambda id: everybody[id][0])
    assert set(book.blocked([A, B, C], at)) == {A, B, C} - {first}
    for id in (A, B, C):
        assert book.blocked([id], at) == {}
    assert book.blocked([A, A], at) == {}
    assert book.blocked([], at) == {}


def test_the_worse_of_deployment_and_host_counts() -> None:
    book = health()
    fail(book, A, NOW, CONSECUTIVE)
    for i in range(HOST_CONSECUTIVE):
        fail(book, f"groq/m{i}", NOW + 20)
    own = book.blocked([A, B], NOW + 20)[A][0]
    assert own == book.blocked(["groq/well", B], NOW + 20)["groq/well"][0], "the host's, which ends later"
    fail(book, "cerebras/c#K", NOW, CONSECUTIVE)
    assert book.state("cerebras/other", NOW) == "healthy"


def test_conditions_show_everybody_that_was_asked() -> None:
    book, until = ejected()
    book.succeeded(B, NOW, 0.4, book.begun(B, NOW))
    seen = {c.name: c for c in book.conditions(NOW)}
    assert set(seen) == {A, "groq", B, "nova"}
    assert (seen[A].state, seen[A].until, seen[A].ejections) == ("ejected", until, 1)
    assert (seen["groq"].state, seen["groq"].calls, seen["groq"].failures) == ("healthy", 3, 3)
    assert (seen[B].answered, seen[B].until, seen[B].reason) == (0.4, None, "")
    assert {c.name: c.until for c in book.conditions(until)}[A] is None, "half-open: nobody knows when"


def test_it_is_calm_while_nobody_is_out_or_recovers() -> None:
    book, until = ejected()
    assert not book.calm
    book.succeeded(A, until, 1.0, book.begun(A, until))
    assert not book.calm
    book.shares([A], until + RAMP)
    assert book.calm


def test_asking_about_somebody_does_not_make_them_known() -> None:
    book = health()
    book.state(A, NOW)
    book.share(A, NOW)
    assert book.begun(A, NOW) == Turn(NOW, (0, 0), (False, False))
    assert book.conditions(NOW) == ()


# --- restarts ----------------------------------------------------------------------------------------------------


def test_an_ejection_survives_a_restart() -> None:
    book, until = ejected()
    plain = book.as_plain(NOW + 5)
    again = health()
    assert again.from_plain(plain, NOW + 5) == frozenset()
    assert again.blocked([A, B], NOW + 5) == book.blocked([A, B], NOW + 5)
    assert again.as_plain(NOW + 5) == plain
    assert again.begun(A, until).probe
    fail(again, A, until + 1)


def test_a_recovery_survives_a_restart() -> None:
    book, until = ejected()
    book.succeeded(A, until, 1.0, book.begun(A, until))
    again = health()
    again.from_plain(book.as_plain(until), until)
    assert again.shares([A, B], until + RAMP / 2) == {A: 0.5}


def test_failures_in_a_row_survive_a_restart() -> None:
    book = health()
    for i in range(CONSECUTIVE):
        fail(book, A, NOW + i)
        plain = book.as_plain(NOW + i)
        book = health()
        book.from_plain(plain, NOW + i)
    assert book.state(A, NOW + CONSECUTIVE) == "ejected"


def test_what_this_process_knows_goes_before_what_another_one_knew() -> None:
    book, until = ejected()
    again = health()
    again.succeeded(A, NOW + 1, 1.0)
    again.from_plain(book.as_plain(NOW), NOW + 1)
    assert again.state(A, NOW + 1) == "healthy"
    assert again.from_plain(book.as_plain(NOW), until + 10 * EJECTION) >= {A}


def test_changes_tell_when_there_is_something_new_to_keep() -> None:
    book = health()
    for _ in range(5):
        book.succeeded(A, NOW, 1.0, book.begun(A, NOW))
    assert book.changes == 0
    before = book.changes
    fail(book, A, NOW)
    assert book.changes > before
    before = book.changes
    book.succeeded(A, NOW, 1.0, book.begun(A, NOW))
    assert book.changes > before


# --- whatever happens --------------------------------------------------------------------------------------------

IDS = ("p/a", "p/b", "p/c", "q/a", "q/b#K", "r/a")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "succeed", "fail", "unreachable", "cancel", "restart"]),
        st.integers(0, len(IDS) - 1),
        st.sampled_from([0.0, 0.5, 5.0, 31.0, 400.0, -3.0]),
    ),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(0, 2**32), st.sets(st.sampled_from(IDS), min_size=1))
def test_nobody_ever_blocks_everybody_and_at_most_one_probe_lives(
    steps: list[tuple[str, int, float]], seed: int, asked: set[str]
) -> None:
    book, now = Health(Random(seed)), NOW
    open_turns: list[tuple[str, Turn]] = []
    for what, which, passed in steps:
        now += passed
        if what == "begin":
            id = IDS[which]
            allowed = id not in book.blocked(IDS, now)
            turn = book.begun(id, now)
            if turn.probes[0]:
                assert allowed
                live = [
                    t for other, t in open_turns if other == id and t.probes[0] and now - t.at < PROBE_LOST
                ]
                epochs = {t.epochs[0] for t in live}
                assert turn.epochs[0] not in epochs
            open_turns.append((id, turn))
        elif what == "restart":
            plain = book.as_plain(now)
            book, open_turns = Health(Random(seed)), []
            book.from_plain(plain, now)
        elif open_turns:
            id, turn = open_turns.pop(which % len(open_turns))
            match what:
                case "succeed":
                    book.succeeded(id, now, 1.0, turn)
                case "cancel":
                    book.cancelled(id, now, turn)
                case _:
                    book.failed(id, UNREACHABLE if what == "unreachable" else SICK, now, turn)
        ids = sorted(asked)
        blocked = book.blocked(ids, now)
        assert set(blocked) < set(ids)
        assert all(until > now for until, _ in blocked.values())
        assert all(0.0 <= book.share(id, now) <= 1.0 for id in ids)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.0, 5.0)), min_size=40, max_size=100),
    st.integers(0, 2**32),
)
def test_a_deployment_that_always_fails_is_asked_once_per_ejection(
    calls: list[tuple[float, float]], seed: int
) -> None:
    """Whatever the traffic, also with several calls under way at once."""
    book, now = Health(Random(seed)), NOW
    under_way: list[tuple[float, Turn]] = []
    first: float | None = None
    after = 0
    ends: set[float] = set()
    for gap, takes in calls:
        now += gap
        for done, turn in sorted(under_way):
            if done <= now:
                book.failed(A, SICK, done, turn)
        under_way = [(done, turn) for done, turn in under_way if done > now]
        blocked = book.blocked([A, B], now)
        if book.state(A, now) == "ejected":
            first = first or now
            ends.add(blocked[A][0])
        if A in blocked:
            continue
        if first is not None:
            after += 1
        under_way.append((now + takes, book.begun(A, now)))
    assert after <= len(ends)
