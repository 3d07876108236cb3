"""Hosts of a model in seconds, tokens per second and shares; and what they let expect."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.openrouter import Host, Prior, Spread, prior, prior_of, read_hosts
from aiorch.types import Price

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "discovery" / "samples"


def host(**told: Any) -> dict[str, Any]:
    return {
        "name": "Acme | acme/large",
        "provider_name": "Acme",
        "tag": "acme/fp8",
        "context_length": 8192,
        "pricing": {"prompt": "0.0000005", "completion": "0.000002", "request": "0"},
        "quantization": "fp8",
        "max_completion_tokens": 4096,
        "max_prompt_tokens": None,
        "supported_parameters": ["tools", "seed"],
        "status": 0,
        "uptime_last_5m": 100,
        "uptime_last_30m": 99.5,
        "uptime_last_1d": None,
        "latency_last_30m": {"p50": 850, "p75": 1200, "p90": 2400, "p99": 9000},
        "throughput_last_30m": {"p50": 45.2, "p75": 38.5, "p90": 28.3, "p99": 15.1},
        "supports_implicit_caching": False,
        **told,
    }


def read(**told: Any) -> Host:
    (one,) = read_hosts({"data": {"id": "acme/large", "endpoints": [host(**told)]}})
    return one


def test_a_host_is_read_in_the_units_of_its_fields() -> None:
    assert read() == Host(
        "Acme",
        "acme/fp8",
        "acme/large",
        8192,
        4096,
        None,
        Price(Decimal("0.5"), Decimal(2)),
        "fp8",
        0,
        1.0,
        0.995,
        None,
        Spread(0.85, 1.2, 2.4, 9.0),
        Spread(45.2, 38.5, 28.3, 15.1),
        frozenset({"tools", "seed"}),
        False,
    )


@pytest.mark.parametrize(
    ("p50", "seconds"), [(0.25, 0.25), (9.99, 9.99), (10, 0.01), (850, 0.85), (60_000, 60)]
)
def test_a_latency_is_seconds_whichever_unit_it_came_in(p50: float, seconds: float) -> None:
    told = read(latency_last_30m={"p50": p50, "p99": p50 * 2}).latency
    assert told is not None
    assert told.p50 == pytest.approx(seconds)
    assert told.p99 == pytest.approx(seconds * 2)
    assert told.p75 is None


def test_the_model_of_a_host_is_its_own_where_it_names_one() -> None:
    (one,) = read_hosts({"data": [host(model_id="acme/other")]})
    assert one.model == "acme/other"
    assert read_hosts({"data": [host()]})[0].model == ""


def test_what_is_missing_or_odd_is_unknown() -> None:
    odd = read(
        status=True,
        uptime_last_5m=101,
        uptime_last_30m=-1,
        latency_last_30m=None,
        throughput_last_30m={"p75": 1},
        pricing={"prompt": "-1", "completion": "-1"},
        context_length=0,
        quantization=None,
        supported_parameters=None,
        supports_implicit_caching="yes",
    )
    assert odd == Host("Acme", "acme/fp8", "acme/large", max_output=4096)
    assert read_hosts({"data": {"endpoints": [{}, "x"]}}) == ()
    assert read_hosts({"data": {"endpoints": [{"tag": "acme"}]}})[0].name == "acme"
    assert read_hosts({}) == ()


# --- what to expect ----------------------------------------------------------------------------------------------


def test_what_was_just_now_says_most() -> None:
    failing = Host("A", "a", uptime_5m=0.0, uptime_30m=1.0, uptime_1d=1.0)
    assert prior_of(failing).success == 0.5
    assert prior_of(Host("A", "a", uptime_1d=0.9)).success == 0.9
    assert prior_of(Host("A", "a")) == Prior()


def test_a_host_lets_expect_its_medians() -> None:
    assert prior_of(read()) == Prior(pytest.approx(0.998125), 0.85, 45.2)  # type: ignore[arg-type]
    assert prior_of(read(status=-2)).unwell


def test_a_model_lets_expect_its_best_host() -> None:
    slow = Host("S", "s", uptime_5m=1.0, latency=Spread(5.0), throughput=Spread(10.0))
    quick = Host("Q", "q", uptime_5m=1.0, latency=Spread(0.5), throughput=Spread(90.0))
    shaky = Host("X", "x", uptime_5m=0.4, latency=Spread(0.1))
    unwell = Host("U", "u", uptime_5m=1.0, status=-5, latency=Spread(0.1))
    assert prior([slow, shaky, unwell, quick]) == Prior(1.0, 0.5, 90.0)
    assert prior([unwell]).unwell
    assert prior([shaky, Host("?", "?")]).success == 0.4
    assert prior([]) == Prior()


SHARES = st.none() | st.floats(0, 1)


@given(SHARES, SHARES, SHARES)
def test_an_expectation_lies_between_what_was_seen(a: float | None, b: float | None, c: float | None) -> None:
    expected = prior_of(Host("A", "a", uptime_5m=a, uptime_30m=b, uptime_1d=c)).success
    seen = [share for share in (a, b, c) if share is not None]
    assert (expected is None) == (not seen)
    if expected is not None:
        assert min(seen) - 1e-6 <= expected <= max(seen) + 1e-6


if SAMPLES.exists():

    def test_recorded_hosts_are_read() -> None:
        older = read_hosts(json.loads((SAMPLES / "openrouter_endpoints.json").read_text())["body"])
        assert [(h.name, h.slug, h.context) for h in older] == [
            ("Google", "google-vertex", 1_048_576),
            ("Google AI Studio", "google-ai-studio", 1_048_576),
        ]
        assert older[0].price == Price(Decimal("1.25"), Decimal(10), Decimal("0.31"))
        (newer,) = read_hosts(
            json.loads((SAMPLES / "openrouter_endpoints_2026_shape.json").read_text())["body"]
        )
        assert (newer.uptime_5m, newer.uptime_30m, newer.uptime_1d) == (1.0, 0.995, 0.998)
        assert newer.latency == Spread(0.25, 0.35, 0.48, 0.85)
        assert newer.throughput == Spread(45.2, 38.5, 28.3, 15.1)
        assert newer.price == Price(Decimal(30), Decimal(60))
