"""Nothing that is leased ever goes over a limit, wherever a provider's window begins."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aiorch.errors import ConfigurationError
from aiorch.quotas.leases import Demand, Full, Lease
from aiorch.quotas.ledger import MOMENT, SWEEP_ABOVE, Ledger
from aiorch.types import Limit

NOW = 1_800_000_000.0  # 08:00 UTC
MINUTE = Limit(3, "requests", "minute")
DAY = Limit(5, "requests", "day")
TOKENS = Limit(1_000, "tokens", "minute")


def ledger(**limits: Sequence[Limit]) -> Ledger:
    found = Ledger()
    for name, theirs in limits.items():
        found.define(name, theirs)
    return found


def reserve(books: Ledger, *names: str, now: float = NOW, tokens: int = 0) -> Lease:
    lease = books.reserve(Demand(names, tokens=tokens), now)
    assert isinstance(lease, Lease), lease
    return lease


def refused(books: Ledger, *names: str, now: float = NOW, tokens: int = 0) -> Full:
    full = books.reserve(Demand(names, tokens=tokens), now)
    assert isinstance(full, Full)
    return full


# --- reserving --------------------------------------------------------------------------------------------------


def test_concurrent_calls_cannot_overshoot() -> None:
    books = ledger(a=[MINUTE])
    for _ in range(3):
        reserve(books, "a")
    assert refused(books, "a").limit == MINUTE


def test_all_names_are_reserved_or_none() -> None:
    books = ledger(account=[DAY], model=[Limit(1, "requests", "minute")])
    reserve(books, "account", "model")
    refused(books, "account", "model")
    assert [use.used for use in books.uses(NOW)] == [1, 1]


def test_a_name_given_twice_is_asked_once() -> None:
    books = ledger(a=[Limit(1, "requests", "day")])
    reserve(books, "a", "a")


def test_a_name_that_nobody_has_limited_has_no_limits() -> None:
    assert reserve(Ledger(), "user:u1", tokens=10**9)


def test_an_open_call_counts_however_long_it_takes() -> None:
    books = ledger(a=[MINUTE, DAY])
    leases = [reserve(books, "a") for _ in range(3)]
    refused(books, "a", now=NOW + 3 * 86_400)
    leases[0].release()
    reserve(books, "a", now=NOW + 3 * 86_400)


def test_a_request_counts_for_a_period_from_its_end() -> None:
    books = ledger(a=[Limit(1, "requests", "minute")])
    reserve(books, "a").settle(0, 0, NOW + 30)
    assert refused(books, "a", now=NOW + 89).until == NOW + 90
    reserve(books, "a", now=NOW + 90)


def test_a_request_counts_from_its_arrival_where_that_is_told() -> None:
    books = ledger(a=[Limit(1, "requests", "minute"), Limit(2, "requests", "at once"), TOKENS])
    long = reserve(books, "a", tokens=400)
    long.arrived(NOW + 1)
    reserve(books, "a", tokens=600, now=NOW + 61)
    refused(books, "a", tokens=1, now=NOW + 61)
    long.settle(400, 0, NOW + 62)
    long.arrived(NOW + 63)
    used = {str(use.limit): use.used for use in books.uses(NOW + 63)}
    assert used == {"1 requests a minute": 1, "2 requests at once": 1, "1,000 tokens a minute": 1_000}


def test_a_day_ends_at_midnight_in_its_zone() -> None:
    books = Ledger()
    books.define("gemini#K", [Limit(1, "requests", "day")], "America/Los_Angeles")
    reserve(books, "gemini#K").settle(0, 0, NOW)
    midnight = NOW + 24 * 3600  # 08:00 UTC is midnight in winter
    assert refused(books, "gemini#K").until == midnight
    reserve(books, "gemini#K", now=midnight)


def test_a_call_over_midnight_counts_in_the_new_day() -> None:
    midnight = NOW - NOW % 86_400 + 86_400
    books = ledger(a=[Limit(1, "requests", "day")])
    late = reserve(books, "a", now=midnight - 1)
    refused(books, "a", now=midnight + 1)
    late.settle(0, 0, midnight + 2)
    assert refused(books, "a", now=midnight + 3).until == midnight + 86_400


# --- settling ---------------------------------------------------------------------------------------------------


def test_tokens_that_were_not_used_are_free_again() -> None:
    books = ledger(a=[TOKENS])
    reserve(books, "a", tokens=1_000).settle(100, 0, NOW)
    reserve(books, "a", tokens=900)


def test_tokens_beyond_the_estimate_are_carried_and_shown() -> None:
    books = ledger(a=[TOKENS])
    reserve(books, "a", tokens=900).settle(1_700, 0, NOW)
    [use] = books.uses(NOW)
    assert (use.used, use.left, use.over, use.resets_at) == (1_700, 0, 700, NOW + 60)
    assert refused(books, "a", tokens=1).until == NOW + 60


def test_a_providers_own_units_are_counted() -> None:
    books = ledger(cloudflare=[Limit(10_000, "neurons", "day", "account")])
    lease = books.reserve(Demand(("cloudflare",), neurons=6_000), NOW)
    assert isinstance(lease, Lease)
    lease.settle(0, 9_000, NOW)
    assert isinstance(books.reserve(Demand(("cloudflare",), neurons=1_001), NOW), Full)
    assert isinstance(books.reserve(Demand(("cloudflare",), neurons=1_000), NOW), Lease)


def test_settling_or_releasing_again_changes_nothing() -> None:
    books = ledger(a=[MINUTE, TOKENS])
    lease = reserve(books, "a", tokens=10)
    lease.settle(10, 0, NOW)
    lease.release()
    lease.settle(500, 0, NOW)
    assert [use.used for use in books.uses(NOW)] == [1, 10]
    assert (repr(lease), repr(reserve(books, "a"))) == ("<Lease closed>", "<Lease open>")


# --- why not ----------------------------------------------------------------------------------------------------


def test_of_several_full_limits_the_one_that_lasts_longest_is_named() -> None:
    books = ledger(a=[Limit(1, "requests", "minute"), Limit(1, "requests", "day")])
    reserve(books, "a").settle(0, 0, NOW)
    assert refused(books, "a").limit.per == "day"


def test_a_demand_above_the_limit_itself_never_fits() -> None:
    full = refused(ledger(a=[TOKENS]), "a", tokens=1_001)
    assert full.until == math.inf
    assert full.never
    moment = Full(NOW, "user:u1", MINUTE, 1)
    assert not moment.never
    assert str(moment).endswith(
        "used up its 3 requests a minute; asking again makes sense at 2027-01-15 08:00:00 UTC"
    )
    assert str(full) == "1,001 tokens never fit into the 1,000 tokens a minute of a: ask for fewer"


def test_how_long_calls_under_way_take_is_not_foretold() -> None:
    books = ledger(a=[Limit(1, "requests", "at once")], b=[Limit(1, "requests", "minute")])
    reserve(books, "a", "b")
    assert refused(books, "a").until == NOW + MOMENT
    assert str(refused(books, "a")) == "a has all of its 1 requests at once in use"
    assert refused(books, "b").until == NOW + 60


def test_looking_reserves_nothing() -> None:
    books = ledger(a=[Limit(1, "requests", "minute")], nothing=[Limit(0, "tokens", "day")])
    for _ in range(3):
        assert books.full(["a", "unknown"], NOW) is None
    reserve(books, "a").settle(0, 0, NOW)
    assert books.full(["a"], NOW) == Full(NOW + 60, "a", Limit(1, "requests", "minute"), 1)
    assert books.full(["nothing"], NOW) == Full(math.inf, "nothing", Limit(0, "tokens", "day"), 1)


# --- defining ---------------------------------------------------------------------------------------------------


def test_another_definition_keeps_what_was_used() -> None:
    books = ledger(a=[MINUTE, DAY])
    open_call = reserve(books, "a")
    books.define("a", [Limit(2, "requests", "minute"), TOKENS])
    reserve(books, "a")
    assert refused(books, "a").limit.amount == 2
    open_call.release()
    reserve(books, "a")


def test_of_two_limits_of_one_kind_the_tighter_holds() -> None:
    books = ledger(a=[Limit(1, "requests", "minute"), Limit(9, "requests", "minute")])
    reserve(books, "a")
    refused(books, "a")


def test_another_zone_is_taken_over() -> None:
    books = ledger(a=[Limit(1, "requests", "day")])
    reserve(books, "a").settle(0, 0, NOW)
    books.define("a", [Limit(1, "requests", "day"), Limit(2, "requests", "at once")], "America/Los_Angeles")
    books.define("a", [Limit(1, "requests", "day"), Limit(1, "requests", "at once")], "America/Los_Angeles")
    assert refused(books, "a").until == NOW + 86_400


def test_a_wrong_zone_is_refused_when_it_is_defined() -> None:
    with pytest.raises(ConfigurationError):
        Ledger().define("a", [DAY], "Mars/Olympus")


def test_names_that_nothing_counts_for_take_no_memory() -> None:
    books = Ledger()
    kept = [Limit(1, "requests", "day")]
    books.define("kept", kept)
    reserve(books, "kept")
    for number in range(3 * SWEEP_ABOVE):
        books.define(f"user:{number}", [Limit(1, "requests", "second")])
        reserve(books, f"user:{number}", now=NOW + number).settle(0, 0, NOW + number)
    assert len(books._meters) <= SWEEP_ABOVE
    refused(books, "kept")


# --- headers ----------------------------------------------------------------------------------------------------


def test_a_limit_in_a_header_replaces_the_defined_one() -> None:
    books = ledger(a=[MINUTE])
    books.observe("a", "requests", "minute", NOW, limit=1, remaining=1)
    reserve(books, "a")
    refused(books, "a")
    books.define("a", [Limit(99, "requests", "minute"), DAY])
    books.define("a", [Limit(99, "requests", "minute"), DAY])
    refused(books, "a")


def test_a_limit_that_nobody_has_documented_is_learnt_from_its_header() -> None:
    books = ledger(a=[DAY])
    books.observe("a", "tokens", "minute", NOW, limit=6_000, remaining=100)
    assert refused(books, "a", tokens=101).limit == Limit(6_000, "tokens", "minute")
    books.observe("b", "requests", "day", NOW, limit=2, remaining=0)
    refused(books, "b")
    books.define("a", [MINUTE])
    refused(books, "a", tokens=101)


@pytest.mark.parametrize("limit", [None, 0, -1])
def test_a_header_without_a_limit_makes_none(limit: int | None) -> None:
    books = ledger(a=[MINUTE])
    books.observe("a", "tokens", "day", NOW, limit=limit, remaining=0)
    books.observe("a", "requests", "minute", NOW, limit=limit)
    reserve(books, "a", tokens=10**6)


def test_calls_under_way_are_not_mistaken_for_others() -> None:
    books = ledger(a=[Limit(10, "requests", "minute")])
    for _ in range(5):
        reserve(books, "a")
    books.observe("a", "requests", "minute", NOW, remaining=5)
    assert [use.used for use in books.uses(NOW)] == [5]
    books.observe("a", "requests", "minute", NOW, remaining=2)
    assert [use.used for use in books.uses(NOW)] == [8]


def test_at_once_has_no_window_to_correct() -> None:
    books = ledger(a=[Limit(2, "requests", "at once")])
    books.observe("a", "requests", "at once", NOW, remaining=0)
    reserve(books, "a")


# --- whatever happens -------------------------------------------------------------------------------------------

LIMITS = {
    "account": (Limit(4, "requests", "minute"), Limit(3_000, "tokens", "hour"), Limit(9, "requests", "day")),
    "model": (Limit(1, "requests", "second"), Limit(1_500, "tokens", "minute")),
    "user": (Limit(30, "requests", "month"), Limit(2, "requests", "at once"), Limit(6_000, "tokens", "day")),
}
MONTHS = [NOW - 14 * 86_400 - 8 * 3_600 + 86_400 * days for days in (0, 31, 59, 90, 120, 151, 181, 212, 243)]
"""The first of January 2027 and of the months after it."""
PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0}


class Call:
    """A call: reserved, counted by the provider at some moment, settled."""

    def __init__(self, lease: Lease, names: Sequence[str], tokens: int) -> None:
        self.lease = lease
        self.names = names
        self.tokens = tokens
        self.counted: set[str] = set()
        self.ended = False


class AnyHistory(RuleBasedStateMachine):
    """Times are multiples of an eighth of a second, which binary fractions hold exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.books = ledger(**LIMITS)
        self.now = NOW
        self.calls: list[Call] = []
        self.counted: list[tuple[float, str, str, int]] = []

    @rule(eighths=st.sampled_from([0, 1, 4, 7, 8, 9, 472, 476, 479, 480, 3_599, 28_799, 691_200]))
    def wait(self, eighths: int) -> None:
        self.now += eighths / 8

    @rule(
        names=st.sets(st.sampled_from(sorted(LIMITS)), min_size=1), tokens=st.sampled_from([0, 1, 400, 1_500])
    )
    def reserve(self, names: set[str], tokens: int) -> None:
        answer = self.books.reserve(Demand(tuple(names), tokens=tokens), self.now)
        if isinstance(answer, Lease):
            self.calls.append(Call(answer, tuple(names), tokens))
        else:
            assert answer.until > self.now

    @rule(
        name=st.sampled_from(sorted(LIMITS)),
        eighths=st.lists(st.sampled_from([0, 1, 4, 7, 8, 472, 476, 479])),
    )
    def hammer(self, name: str, eighths: list[int]) -> None:
        for wait in eighths:
            self.now += wait / 8
            answer = self.books.reserve(Demand((name,), tokens=400), self.now)
            if isinstance(answer, Lease):
                self._count(Call(answer, [name], 400), "requests")
                self._count(Call(answer, [name], 400), "tokens")
                answer.settle(400, 0, self.now)
            self.no_limit_is_overshot()

    @rule(pick=st.randoms(use_true_random=False), unit=st.sampled_from(["requests", "tokens"]))
    def provider_counts(self, pick, unit: str) -> None:
        if self.calls:
            self._count(pick.choice(self.calls), unit)

    @rule(pick=st.randoms(use_true_random=False))
    def arrive(self, pick) -> None:
        if self.calls:
            call = pick.choice(self.calls)
            self._count(call, "requests")
            call.lease.arrived(self.now)

    @rule(pick=st.randoms(use_true_random=False), part=st.sampled_from([0.0, 0.5, 1.0]))
    def settle(self, pick, part: float) -> None:
        if self.calls:
            call = self.calls.pop(pick.randrange(len(self.calls)))
            if "tokens" not in call.counted:
                call.tokens = int(call.tokens * part)
            for unit in ("requests", "tokens"):
                self._count(call, unit)
            call.lease.settle(call.tokens, 0, self.now)

    @rule(pick=st.randoms(use_true_random=False))
    def release(self, pick) -> None:
        unsent = [call for call in self.calls if not call.counted]
        if unsent:
            call = pick.choice(unsent)
            self.calls.remove(call)
            call.lease.release()

    @rule(
        name=st.sampled_from(sorted(LIMITS)),
        unit=st.sampled_from(["requests", "tokens"]),
        per=st.sampled_from(["second", "minute", "hour", "day", "month"]),
        remaining=st.integers(-1, 5_000),
    )
    def observe(self, name, unit, per, remaining: int) -> None:
        self.books.observe(name, unit, per, self.now, remaining=remaining)

    def _count(self, call: Call, unit: str) -> None:
        if unit not in call.counted:
            call.counted.add(unit)
            amount = 1 if unit == "requests" else call.tokens
            self.counted += [(self.now, name, unit, amount) for name in call.names]

    @invariant()
    def no_limit_is_overshot(self) -> None:
        for name, limits in LIMITS.items():
            for limit in limits:
                assert self._seen(name, limit) <= limit.amount, (name, limit)

    def _seen(self, name: str, limit: Limit) -> int:
        """The most that a provider may see in a window that ends now."""
        if limit.per == "at once":
            return sum(name in call.names for call in self.calls)
        if limit.per in PERIODS:
            since = self.now - PERIODS[limit.per]
        elif limit.per == "day":
            since = self.now - self.now % 86_400 - 0.125
        else:
            since = max(begins for begins in MONTHS if begins <= self.now) - 0.125
        return sum(a for at, n, u, a in self.counted if n == name and u == limit.unit and at > since)


AnyHistory.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestAnyHistoryKeepsTheLimits = AnyHistory.TestCase


@given(
    phase=st.integers(0, 479),
    steps=st.lists(st.tuples(st.integers(0, 160), st.integers(0, 40)), min_size=20, max_size=120),
)
@settings(max_examples=80, deadline=None)
def test_headers_of_fixed_windows_are_followed_and_never_overshot(
    phase: int, steps: list[tuple[int, int]]
) -> None:
    """A provider that counts in fixed minutes of its own and tells them: more is asked of it than without headers."""
    limit = Limit(5, "requests", "minute")
    books, blind = ledger(a=[limit]), ledger(a=[limit])
    now, seen, served, served_blind = NOW + phase / 8, dict[int, int](), 0, 0
    for pause, takes in steps:
        now += pause / 8
        lease, without = (b.reserve(Demand(("a",)), now) for b in (books, blind))
        if isinstance(without, Lease):
            without.settle(0, 0, now)
            served_blind += 1
        if isinstance(lease, Full):
            continue
        now += takes / 8
        minute = int(now // 60)
        seen[minute] = seen.get(minute, 0) + 1
        assert seen[minute] <= 5
        served += 1
        books.observe(
            "a", "requests", "minute", now, limit=5, remaining=5 - seen[minute], reset_at=(minute + 1) * 60.0
        )
        lease.settle(0, 0, now)
    assert served >= min(served_blind, 5)
