from __future__ import annotations

from collections.abc import Sequence

import pytest

from aiorch.routing.attempts import NEVER
from aiorch.routing.bench import MENDED_AFTER, Bench
from aiorch.types import Candidate, Deployment, Failure, FailureKind, ModelCard

K = FailureKind
NOW = 1_800_000_000.0


def of(bench: Bench, them: Sequence[Candidate], now: float) -> dict[str, tuple[float, str]]:
    """Who of them is barred: until when, and why."""
    bars = ((c.deployment, bench.bar(c.deployment, now)) for c in them)
    return {d.id: bar[1:] for d, bar in bars if bar is not None}


def at(model: str, key: str | None = "K1", provider: str = "groq") -> Candidate:
    return Candidate(Deployment(provider, model, key), ModelCard(provider, model))


A1, A2, B1, OTHER = at("a"), at("a", "K2"), at("b"), at("a", "K1", "nova")


def limit(scope: str, seconds: float, said: str = "enough") -> Failure:
    return Failure(K.RATE_MINUTE, scope, said, retry_at=NOW + seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "name", "hit"),
    [
        ("account", "groq#K1", [A1, B1]),
        ("model", "groq/a", [A1, A2]),
        ("key_model", "groq/a#K1", [A1]),
        ("upstream", "groq/a#K1", [A1]),
    ],
)
def test_a_limit_holds_for_all_that_it_speaks_of(scope: str, name: str, hit: list[Candidate]) -> None:
    bench = Bench()
    bench.remember(A1, limit(scope, 60), NOW)
    assert bench.now(NOW) == {name: (NOW + 60, "rate_minute: enough")}
    them = (A1, A2, B1, OTHER)
    assert of(bench, them, NOW) == {c.deployment.id: (NOW + 60, "rate_minute: enough") for c in hit}
    assert of(bench, them, NOW + 60) == {}
    assert bench.now(NOW + 60) == {}


def test_everything_of_a_provider_without_keys_has_its_name() -> None:
    bench = Bench()
    bench.remember(at("a", None, "local"), limit("account", 60), NOW)
    assert set(bench.now(NOW)) == {"local"}
    assert set(of(bench, [at("b", None, "local"), A1], NOW)) == {"local/b"}


def test_the_longest_of_several_limits_counts() -> None:
    bench = Bench()
    bench.remember(A1, limit("key_model", 100, "mine"), NOW)
    bench.remember(A1, limit("account", 10, "all"), NOW)
    assert of(bench, [A1, B1], NOW) == {
        "groq/a#K1": (NOW + 100, "rate_minute: mine"),
        "groq/b#K1": (NOW + 10, "rate_minute: all"),
    }


def test_a_shorter_limit_does_not_shorten_a_longer_one_and_a_longer_one_prolongs_it() -> None:
    bench = Bench()
    for seconds, said in ((50, "first"), (20, "shorter"), (80, "longer")):
        bench.remember(A1, limit("account", seconds, said), NOW)
    assert bench.now(NOW) == {"groq#K1": (NOW + 80, "rate_minute: longer")}


def test_what_has_no_told_end_is_blocked_for_a_while_and_not_waited_for() -> None:
    bench = Bench()
    bench.remember(A1, Failure(K.AUTH, "account", "wrong key"), NOW)
    assert bench.now(NOW) == {"groq#K1": (NOW + MENDED_AFTER, "auth: wrong key")}
    assert of(bench, [A1], NOW + MENDED_AFTER - 1) == {"groq/a#K1": (NEVER, "auth: wrong key")}
    assert of(bench, [A1], NOW + MENDED_AFTER) == {}


def test_a_dead_key_goes_before_a_limit_however_long() -> None:
    bench = Bench()
    bench.remember(A1, limit("key_model", 10_000), NOW)
    bench.remember(A1, Failure(K.AUTH, "account", "wrong key"), NOW)
    assert of(bench, [A1], NOW) == {"groq/a#K1": (NEVER, "auth: wrong key")}


@pytest.mark.parametrize(
    "passing",
    [
        Failure(K.AUTH, "account", "?", ambiguous=True),
        Failure(K.RATE_MINUTE, "request", "?"),
        Failure(K.OVERLOADED, "model", "?"),
        Failure(K.CONTEXT, "model", "?"),
    ],
)
def test_what_speaks_of_one_request_only_is_forgotten(passing: Failure) -> None:
    bench = Bench()
    bench.remember(A1, passing, NOW)
    assert bench.now(NOW) == {}
    assert of(bench, [A1], NOW) == {}


def test_a_bar_is_named_after_what_is_blocked() -> None:
    bench = Bench()
    bench.remember(A1, limit("account", 60), NOW)
    assert bench.bar(B1.deployment, NOW) == ("groq#K1", NOW + 60, "rate_minute: enough")
    assert bench.bar(A2.deployment, NOW) is None


def test_who_says_now_and_refuses_each_request_is_barred_for_longer_until_it_answers() -> None:
    bench, now, waits = Bench(), NOW, []
    for _ in range(6):
        bench.remember(A1, Failure(K.RATE_MINUTE, "account", "now", retry_at=now), now)
        bar = bench.bar(A1.deployment, now)
        assert bar is not None
        waits.append(bar[1] - now)
        now = bar[1]
    assert waits == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 8.0])
    bench.answered(A2.deployment)
    assert bench.bar(A1.deployment, now) is None
    bench.answered(A1.deployment)
    bench.remember(A1, Failure(K.RATE_MINUTE, "account", "now", retry_at=now), now)
    assert bench.now(now) == {"groq#K1": (pytest.approx(now + 0.5), "rate_minute: now")}


def test_it_knows_that_nobody_is_on_it() -> None:
    bench = Bench()
    assert bench.empty
    bench.remember(A1, limit("key_model", 60), NOW)
    assert not bench.empty
    assert bench.now(NOW + 61) == {}
    assert bench.empty
