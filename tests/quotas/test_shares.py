"""Several processes share limits, and whatever happens to them, all of them together keep each one."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aiorch.errors import ConfigurationError
from aiorch.quotas.exchange import Exchange
from aiorch.quotas.leases import Demand, Full, Lease
from aiorch.quotas.ledger import SWEEP_ABOVE
from aiorch.quotas.pool import BLOCK, GRACE, Observation, Pool
from aiorch.quotas.shares import ASK_AGAIN, Shares
from aiorch.types import Limit

NOW = 1_800_000_000.0
REQUEST = Demand(("a",))


class Table:
    """The rows, by key."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    def carry_out(self, exchange: Exchange, now: float) -> Lease | Full:
        self.rows |= {k: state for k, (state, _) in exchange.decide(self.rows, now).items()}
        return exchange.done()

    def lease(self, shares: Shares, demand: Demand = REQUEST, now: float = NOW) -> Lease | Full:
        return shares.serve(demand, now) or self.carry_out(shares.asking(demand), now)

    def tell(self, shares: Shares, now: float, *, closing: bool = False) -> None:
        exchange = shares.telling(now, closing=closing)
        if exchange:
            self.carry_out(exchange, now)

    def used(self, now: float) -> dict[str, int]:
        uses = [Pool.from_text(state).use(now) for state in self.rows.values()]
        return {f"{use.limit}": use.used for use in uses}


def process(owner: str, *limits: Limit, zone: str = "UTC") -> Shares:
    shares = Shares(owner)
    shares.define("a", limits, zone)
    return shares


def granted(answer: Lease | Full | None) -> Lease:
    assert isinstance(answer, Lease), answer
    return answer


def refused(answer: Lease | Full | None) -> Full:
    assert isinstance(answer, Full)
    return answer


# --- blocks -----------------------------------------------------------------------------------------------------


def test_most_leases_of_a_busy_process_ask_no_store() -> None:
    table, one = Table(), process("one", Limit(100_000, "requests", "day"))
    asked = 0
    for step in range(2_000):
        now = NOW + step / 100
        lease = one.serve(REQUEST, now)
        if lease is None:
            asked += 1
            lease = table.carry_out(one.asking(REQUEST), now)
        granted(lease).settle(0, 0, now)
    assert asked < 30


def test_a_slow_process_takes_no_more_than_it_needs() -> None:
    table, one = Table(), process("one", Limit(1_000, "requests", "day"))
    for step in range(5):
        granted(table.lease(one, now=NOW + 60 * step)).settle(0, 0, NOW + 60 * step)
    assert table.used(NOW + 241) == {"1,000 requests a day": 5}


def test_a_block_is_small_when_little_is_left() -> None:
    table, one = Table(), process("one", Limit(40, "requests", "day"))
    for _ in range(8):
        granted(table.lease(one))
    assert table.used(NOW)["40 requests a day"] <= 8 + 40 // 8


def test_what_was_not_used_goes_back_when_the_block_is_over() -> None:
    table, limit = Table(), Limit(30, "requests", "day")
    one, two = process("one", limit), process("two", limit)
    for _ in range(12):
        granted(table.lease(one)).settle(0, 0, NOW)
    assert table.used(NOW)["30 requests a day"] > 12
    assert one.due_at() == NOW + BLOCK
    table.tell(one, NOW + BLOCK)
    assert table.used(NOW + BLOCK) == {"30 requests a day": 12}
    assert one.due_at() is None
    for _ in range(18):
        granted(table.lease(two, now=NOW + BLOCK))
    refused(table.lease(two, now=NOW + BLOCK))


def test_closing_gives_back_all_but_what_is_under_way() -> None:
    table, one = Table(), process("one", Limit(300, "requests", "day"))
    leases = [granted(table.lease(one)) for _ in range(20)]
    leases.pop().settle(0, 0, NOW)
    leases.pop().release()
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"300 requests a day": 19}


def test_a_dead_processs_block_counts_as_used_until_its_window_is_over() -> None:
    limit = Limit(8, "requests", "minute")
    table, dead, other = Table(), process("dead", limit), process("other", limit)
    granted(table.lease(dead))
    granted(table.lease(dead))
    assert sum(isinstance(table.lease(other), Lease) for _ in range(10)) <= 6
    last = NOW + BLOCK + GRACE + 60
    table.tell(other, NOW, closing=True)
    assert table.used(last - 0.1)["8 requests a minute"] >= 2
    assert table.used(last) == {"8 requests a minute": 0}


def test_a_live_process_holds_on_to_long_calls() -> None:
    limit = Limit(1, "requests", "minute")
    table, one, other = Table(), process("one", limit), process("other", limit)
    long = granted(table.lease(one))
    for step in range(1, 60):
        table.tell(one, NOW + step * BLOCK)
        refused(table.lease(other, now=NOW + step * BLOCK))
    long.settle(0, 0, NOW + 300)
    table.tell(one, NOW + 305)
    refused(table.lease(other, now=NOW + 359))
    granted(table.lease(other, now=NOW + 360))


def test_a_slot_is_kept_for_a_second_and_then_given_to_others() -> None:
    limit = Limit(1, "requests", "at once")
    table, one, other = Table(), process("one", limit), process("other", limit)
    granted(table.lease(one)).settle(5, 0, NOW)
    granted(one.serve(REQUEST, NOW + 0.5)).release()
    refused(table.lease(other, now=NOW + 0.6))
    table.tell(one, NOW + 1)
    granted(table.lease(other, now=NOW + 1))


def test_a_slot_of_a_dead_process_comes_back() -> None:
    limit = Limit(1, "requests", "at once")
    table, dead, other = Table(), process("dead", limit), process("other", limit)
    granted(table.lease(dead))
    refused(table.lease(other, now=NOW + GRACE))
    granted(table.lease(other, now=NOW + GRACE + 1))


def test_restarting_forgets_nothing() -> None:
    limit = Limit(3, "requests", "day")
    table, before = Table(), process("before", limit)
    for _ in range(2):
        granted(table.lease(before)).settle(0, 0, NOW)
    table.tell(before, NOW, closing=True)
    after = process("after", limit)
    granted(table.lease(after))
    refused(table.lease(after))


# --- answers ----------------------------------------------------------------------------------------------------


def test_refusals_are_remembered_for_a_moment_and_for_demands_as_large() -> None:
    limit = Limit(100, "tokens", "day")
    table, one = Table(), process("one", limit)
    granted(table.lease(one, Demand(("a",), tokens=40)))
    refused(table.lease(one, Demand(("a",), tokens=70)))
    assert isinstance(one.serve(Demand(("a",), tokens=80), NOW + ASK_AGAIN / 2), Full)
    assert one.serve(Demand(("a",), tokens=60), NOW + ASK_AGAIN / 2) is None
    assert one.serve(Demand(("a",), tokens=80), NOW + ASK_AGAIN) is None
    granted(table.lease(one, Demand(("a",), tokens=60)))


def test_looking_tells_what_was_heard_and_asks_nobody() -> None:
    table, one = Table(), process("one", Limit(1, "requests", "day"))
    assert one.full(["a", "b"], NOW) is None
    granted(table.lease(one)).settle(0, 0, NOW)
    refused(table.lease(one))
    assert refused(one.full(["a"], NOW)).limit.amount == 1
    assert one.full(["a"], NOW + BLOCK) is None  # who knows what others gave back


def test_a_demand_above_the_limit_never_fits() -> None:
    table, one = Table(), process("one", Limit(100, "tokens", "day"))
    assert refused(table.lease(one, Demand(("a",), tokens=101))).until == math.inf


def test_when_one_limit_is_full_nothing_of_the_others_is_taken() -> None:
    table, one = Table(), process("one", Limit(10, "requests", "day"), Limit(1, "requests", "minute"))
    granted(table.lease(one)).settle(0, 0, NOW)
    assert refused(table.lease(one)).limit.per == "minute"
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"10 requests a day": 1, "1 requests a minute": 1}


def test_it_says_when_others_may_give_back() -> None:
    limit = Limit(12, "requests", "day")
    table, one, other = Table(), process("one", limit), process("other", limit)
    for _ in range(9):
        granted(table.lease(one))
    full = None
    while not isinstance(full, Full):
        full = table.lease(other, now=NOW + 1)
    assert full.until in (NOW + BLOCK, NOW + 57_600)


def test_a_name_without_limits_asks_nobody() -> None:
    assert isinstance(process("one").serve(Demand(("nobody",), tokens=5), NOW), Lease)


def test_a_wrong_zone_is_refused_when_it_is_defined() -> None:
    with pytest.raises(ConfigurationError):
        process("one", zone="Mars/Olympus")


# --- settling ---------------------------------------------------------------------------------------------------


def test_tokens_that_were_not_used_serve_the_next_call() -> None:
    table, one = Table(), process("one", Limit(1_000, "tokens", "minute"))
    granted(table.lease(one, Demand(("a",), tokens=900))).settle(100, 0, NOW)
    granted(one.serve(Demand(("a",), tokens=800), NOW + 1))


def test_tokens_beyond_the_estimate_are_carried() -> None:
    table, one = Table(), process("one", Limit(1_000, "tokens", "minute"))
    granted(table.lease(one, Demand(("a",), tokens=900))).settle(1_300, 0, NOW)
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"1,000 tokens a minute": 1_300}


def test_calls_that_end_together_are_told_together() -> None:
    table, one = Table(), process("one", Limit(10_000, "requests", "minute"))
    leases = [granted(table.lease(one)) for _ in range(500)]
    for number, lease in enumerate(leases):
        lease.settle(0, 0, NOW + number / 1_000)
    exchange = one.telling(NOW + 1, closing=True)
    assert exchange is not None
    table.carry_out(exchange, NOW + 1)
    [state] = table.rows.values()
    assert len(state) < 500
    assert table.used(NOW + 1) == {"10,000 requests a minute": 500}


# --- what may go wrong ------------------------------------------------------------------------------------------


def test_telling_again_what_arrived_counts_once() -> None:
    table, one = Table(), process("one", Limit(10, "requests", "day"))
    granted(table.lease(one)).settle(0, 0, NOW)
    exchange = one.telling(NOW, closing=True)
    assert exchange is not None
    table.rows |= {k: state for k, (state, _) in exchange.decide(table.rows, NOW).items()}
    exchange.failed()  # its commit arrived; the word of that did not
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"10 requests a day": 1}


def test_what_was_granted_in_vain_goes_back() -> None:
    table, one = Table(), process("one", Limit(10, "requests", "day"))
    lost = one.asking(REQUEST)
    table.rows |= {k: state for k, (state, _) in lost.decide(table.rows, NOW).items()}
    lost.failed()
    leases = [granted(table.lease(one)) for _ in range(10)]
    refused(table.lease(one))
    assert len(leases) == 10


def test_visits_may_overlap() -> None:
    table, one = Table(), process("one", Limit(10, "requests", "day"))
    first, second = one.asking(REQUEST), one.asking(REQUEST)
    for exchange in (first, second):
        table.rows |= {k: state for k, (state, _) in exchange.decide(table.rows, NOW).items()}
    for exchange in (second, first):
        granted(exchange.done()).settle(0, 0, NOW)
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"10 requests a day": 2}


# --- headers ----------------------------------------------------------------------------------------------------


def told(
    remaining: int | None = None, reset_at: float | None = None, limit: int | None = None
) -> Observation:
    return Observation(limit, remaining, reset_at)


def test_a_header_that_tells_of_less_than_is_held_stops_serving_from_it() -> None:
    limit = Limit(1_000, "requests", "minute")
    table, one, other = Table(), process("one", limit), process("other", limit)
    for _ in range(70):
        granted(table.lease(one))
    one.observe("a", "requests", "minute", told(remaining=2, reset_at=NOW + 30), NOW)
    for _ in range(2):
        granted(table.lease(one))
    refused(table.lease(one))
    refused(table.lease(other))


def test_what_a_header_tells_reaches_the_others() -> None:
    limit = Limit(100, "requests", "day")
    table, one, other = Table(), process("one", limit), process("other", limit)
    granted(table.lease(one))
    one.observe("a", "requests", "day", told(remaining=0, limit=50), NOW)
    table.tell(one, NOW, closing=True)
    assert refused(table.lease(other)).limit.amount == 50


def test_headers_that_tell_of_no_less_change_nothing() -> None:
    table, one = Table(), process("one", Limit(100, "requests", "day"))
    for _ in range(5):
        granted(table.lease(one))
    for observation in (told(), told(remaining=-1), told(remaining=90), told(remaining=0, reset_at=NOW - 1)):
        one.observe("a", "requests", "day", observation, NOW)
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"100 requests a day": 5}


def test_blocks_of_others_are_not_taken_for_use_that_headers_should_tell_of() -> None:
    limit = Limit(800, "requests", "day")
    table, one, other = Table(), process("one", limit), process("other", limit)
    for _ in range(40):
        granted(table.lease(one)).settle(0, 0, NOW)
    granted(table.lease(other)).settle(0, 0, NOW)
    other.observe("a", "requests", "day", told(remaining=800 - 41), NOW)
    table.tell(other, NOW, closing=True)
    table.tell(one, NOW, closing=True)
    assert table.used(NOW) == {"800 requests a day": 41}


def test_a_limit_that_nobody_has_documented_is_learnt_and_outlives_definitions() -> None:
    table, one = Table(), process("one", Limit(100, "requests", "day"))
    one.observe("a", "tokens", "minute", told(limit=500), NOW)
    one.observe("a", "neurons", "day", told(remaining=5), NOW)
    one.define("a", [Limit(90, "requests", "day"), Limit(1, "requests", "hour")], "UTC")
    assert refused(table.lease(one, Demand(("a",), tokens=501, neurons=9))).limit == Limit(
        500, "tokens", "minute"
    )
    one.define("a", [Limit(90, "requests", "day")], "UTC")
    granted(table.lease(one, Demand(("a",), tokens=500)))
    granted(table.lease(one, Demand(("a",))))


def test_another_zone_and_amount_reach_the_row() -> None:
    table, one = Table(), process("one", Limit(1, "requests", "day"))
    granted(table.lease(one)).settle(0, 0, NOW)
    one.define("a", [Limit(1, "requests", "day")], "America/Los_Angeles")
    assert refused(table.lease(one)).until == NOW + 86_400
    for _ in range(2):
        one.define("a", [Limit(2, "requests", "day")], "America/Los_Angeles")
    granted(table.lease(one))


# --- memory -----------------------------------------------------------------------------------------------------


def test_names_that_nothing_is_held_of_take_no_memory() -> None:
    table, one = Table(), process("one")
    for number in range(2 * SWEEP_ABOVE):
        one.define(f"user:{number}", [Limit(5, "requests", "day")], "UTC")
        granted(table.lease(one, Demand((f"user:{number}",)))).settle(0, 0, NOW)
        table.tell(one, NOW, closing=True)
    assert len(one._shares) <= SWEEP_ABOVE


def test_a_row_says_from_when_it_may_be_removed() -> None:
    table, one = Table(), process("one", Limit(5, "requests", "minute"), Limit(1, "requests", "at once"))
    lease = granted(table.lease(one))
    lease.settle(0, 0, NOW + 1)
    exchange = one.telling(NOW + 5)
    assert exchange is not None
    for key, (state, until) in exchange.decide(table.rows, NOW + 5).items():
        assert until == NOW + (61 if "minute" in key else 5 + 1 + GRACE)
        assert Pool.from_text(state).use(until).used == 0
    one.observe("a", "requests", "minute", told(limit=7), NOW)
    learnt = one.telling(NOW + 5, closing=True)
    assert learnt is not None
    assert max(until for _, until in learnt.decide(table.rows, NOW + 5).values()) > NOW + 60 * 86_400


# --- whatever happens -------------------------------------------------------------------------------------------

LIMITS = {
    "account": (
        Limit(60, "requests", "minute"),
        Limit(240, "requests", "day"),
        Limit(40, "requests", "at once"),
    ),
    "model": (Limit(24, "requests", "second"), Limit(40_000, "tokens", "minute")),
}


class Call:
    def __init__(self, lease: Lease, names: tuple[str, ...], tokens: int) -> None:
        self.lease = lease
        self.names = names
        self.tokens = tokens


class Process:
    def __init__(self, owner: str) -> None:
        self.shares = Shares(owner)
        for name, limits in LIMITS.items():
            self.shares.define(name, limits, "UTC")
        self.calls: list[Call] = []
        self.pending: list[tuple[Exchange, tuple[str, ...], int]] = []
        """Visits that the store has taken in, and this process does not know of yet."""


class AnyProcesses(RuleBasedStateMachine):
    """Processes that begin, die, and visit a store whose commits may fail or be in doubt."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.rng = Random(seed)
        self.table = Table()
        self.now = NOW
        self.owners = 0
        self.processes: list[Process] = []
        self.counted: list[tuple[float, str, str, int]] = []
        for _ in range(3):
            self.one_more_process()

    @rule()
    def die(self) -> None:
        self.processes.pop(self.rng.randrange(3))
        self.one_more_process()

    def one_more_process(self) -> None:
        self.owners += 1
        self.processes.append(Process(f"p{self.owners}"))

    @rule(eighths=st.sampled_from([0, 1, 2, 7, 8, 9, 30, 80, 472, 480, 481, 4_000]))
    def wait(self, eighths: int) -> None:
        until = self.now + eighths / 8
        while self.now < until:
            self.now = min(until, self.now + BLOCK)
            for one in self.processes:
                self._finish(one)
                self.table.tell(one.shares, self.now)

    @rule(
        name=st.sampled_from([("account",), ("model",), ("account", "model")]),
        tokens=st.sampled_from([0, 300, 1_500]),
        fate=st.sampled_from(["ends", "ends", "lasts", "lasts", "in doubt", "lost", "overlaps"]),
        times=st.integers(1, 40),
    )
    def call(self, name: tuple[str, ...], tokens: int, fate: str, times: int) -> None:
        one = self.rng.choice(self.processes)
        for _ in range(times):
            self._call(one, name, tokens, fate)
            self.now += self.rng.choice([0, 0, 0.125])

    @rule()
    def settle(self) -> None:
        for one in self.processes:
            self._finish(one)
            self.rng.shuffle(one.calls)
            for call in [one.calls.pop() for _ in range(len(one.calls) // 2 + len(one.calls) % 2)]:
                self._end(call)

    @rule()
    def arrive(self) -> None:
        for one in self.processes:
            for call in one.calls:
                if self.rng.random() < 0.5:
                    call.lease.arrived(self.now)

    @rule(remaining=st.integers(0, 70))
    def observe(self, remaining: int) -> None:
        """Without a reset: a provider that tells of one is believed, and this one counts in every stretch."""
        shares = self.rng.choice(self.processes).shares
        shares.observe("account", "requests", "minute", told(remaining=remaining), self.now)

    @rule()
    def close(self) -> None:
        one = self.rng.choice(self.processes)
        self._finish(one)
        self.table.tell(one.shares, self.now, closing=True)

    def _call(self, one: Process, names: tuple[str, ...], tokens: int, fate: str) -> None:
        demand = Demand(names, tokens=tokens)
        answer = one.shares.serve(demand, self.now)
        if answer is None:
            exchange = one.shares.asking(demand)
            changed = exchange.decide(self.table.rows, self.now)
            if fate != "lost":
                self.table.rows |= {key: state for key, (state, _) in changed.items()}
            if fate in ("lost", "in doubt"):
                exchange.failed()
                return
            if fate == "overlaps":
                one.pending.append((exchange, names, tokens))
                return
            answer = exchange.done()
        if isinstance(answer, Lease):
            self._begin(one, answer, names, tokens, ends=fate == "ends")

    def _finish(self, one: Process) -> None:
        for exchange, names, tokens in one.pending:
            answer = exchange.done()
            if isinstance(answer, Lease):
                self._begin(one, answer, names, tokens, ends=False)
        one.pending = []

    def _begin(self, one: Process, lease: Lease, names: tuple[str, ...], tokens: int, *, ends: bool) -> None:
        self.counted += [(self.now, name, "requests", 1) for name in names]
        call = Call(lease, names, tokens)
        if ends:
            self._end(call)
        else:
            one.calls.append(call)

    def _end(self, call: Call) -> None:
        used = self.rng.choice([0, call.tokens // 2, call.tokens])
        self.counted += [(self.now, name, "tokens", used) for name in call.names]
        call.lease.settle(used, 0, self.now)

    @invariant()
    def no_limit_is_overshot(self) -> None:
        for name, limits in LIMITS.items():
            for limit in limits:
                assert self._seen(name, limit) <= limit.amount, (name, limit)

    def _seen(self, name: str, limit: Limit) -> int:
        if limit.per == "at once":
            return sum(name in call.names for one in self.processes for call in one.calls)
        period = {"second": 1.0, "minute": 60.0, "day": self.now % 86_400 + 0.125}[limit.per]
        return sum(
            amount
            for at, n, unit, amount in self.counted
            if n == name and unit == limit.unit and at > self.now - period
        )

    def teardown(self) -> None:
        """Nothing is lost for ever: the whole limit is there again when everybody is gone and the day is over."""
        if not hasattr(self, "table"):
            return
        self.now += 2 * 86_400
        last = process("last", *LIMITS["account"])
        last.define("account", LIMITS["account"], "UTC")
        leases = [self.table.lease(last, Demand(("account",)), self.now) for _ in range(41)]
        assert [isinstance(lease, Lease) for lease in leases] == [True] * 40 + [False]


AnyProcesses.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnyProcessesKeepTheLimits = AnyProcesses.TestCase
