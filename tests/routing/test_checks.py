"""Active checks: what they ask, what health learns of them, and when they are begun beside the traffic."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from aiorch.errors import AttemptFailed
from aiorch.routing import checks
from aiorch.routing.checks import BUDGET, EVERY, Checks, priors
from aiorch.routing.health import Health
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import Failure, FailureKind

REFUSED = Failure(FailureKind.TRANSPORT, "upstream", "refused the connection", code="refused")


class Networked(ScriptedProvider):
    """A provider with addresses of its own."""

    def __init__(self, name: str, said: Any = None, **spec: Any) -> None:
        super().__init__(name=name, key_names=("KEY",))
        self.spec = SimpleNamespace(**{"key_check": None, "list_path": "/models", **spec})
        self.paths: list[str] = []
        self.said = said

    async def get(self, path: str, key: str | None = None) -> dict[str, Any]:
        self.paths.append(path)
        if isinstance(self.said, Failure):
            raise AttemptFailed(self.said)
        if isinstance(self.said, Exception):
            raise self.said
        if self.said == "hang":
            await anyio.sleep(60)
        assert not isinstance(self.said, str)
        return self.said or {}


def sick(clock: FakeClock, *ids: str, failure: Failure = REFUSED) -> Health:
    health = Health(random.Random(1))
    for id in ids:
        for _ in range(3):
            health.failed(id, failure, clock.now())
    return health


def one(provider: Any, health: Health | None = None, **more: Any) -> Checks:
    clock = more.pop("clock", FakeClock())
    return Checks({provider.name: provider}, health or sick(clock), clock, **more)


@pytest.mark.anyio
async def test_the_cheapest_question_is_asked():
    keyed, listed, neither = (
        Networked("a", key_check="/key"),
        Networked("b"),
        Networked("c", list_path=None),
    )
    plain = ScriptedProvider(name="d")
    named = {p.name: p for p in (keyed, listed, neither, plain)}
    found = await Checks(named, sick(FakeClock()), FakeClock()).check()
    assert [c.answered for c in found] == [True, True, None, True]
    assert (keyed.paths, listed.paths, neither.paths) == (["/key"], ["/models"], [])


@pytest.mark.anyio
async def test_a_key_check_without_a_key_would_only_be_refused():
    provider = Networked("a", key_check="/key")
    provider.key_names = ()
    await one(provider).check(["a"])
    assert provider.paths == ["/models"]


@pytest.mark.anyio
async def test_failures_are_told_without_secrets_and_eject_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "PATIENCE", 0.01)
    clock = FakeClock()
    health = sick(clock)
    told: list[str] = []
    wrong = Failure(FailureKind.AUTH, "account", "wrong key", status=401)
    for said in (wrong, REFUSED, RuntimeError("sk-secret"), "hang"):
        provider = Networked("a", said)
        checked = None
        for _ in range(5):
            (checked,) = await Checks(
                {"a": provider}, health, clock, redact=lambda t: t.replace("sk-secret", "[redacted]")
            ).check()
        assert checked is not None
        assert checked.answered is False
        told.append(checked.detail)
    assert told == [
        "auth: wrong key (HTTP 401)",
        "transport: refused the connection",
        "RuntimeError: [redacted]",
        "no answer within 0.01 s",
    ]
    assert health.state("a", clock.now()) == "healthy"


@pytest.mark.anyio
@pytest.mark.parametrize("said", [None, Failure(FailureKind.AUTH, "account", "wrong key", status=401)])
async def test_a_host_that_is_there_again_is_probed_at_once(said: Any):
    clock = FakeClock()
    health = sick(clock, "a/x#KEY", "b/x#KEY")
    assert set(health.blocked(["a/x#KEY", "b/x#KEY", "c/x"], clock.now())) == {"a/x#KEY", "b/x#KEY"}
    await one(Networked("a", said), health, clock=clock).check()
    assert set(health.blocked(["a/x#KEY", "b/x#KEY", "c/x"], clock.now())) == {"b/x#KEY"}
    assert health.state("a/x#KEY", clock.now()) == "probing"


@pytest.mark.anyio
@pytest.mark.parametrize("said", [REFUSED, Failure(FailureKind.TIMEOUT, "upstream", "late")])
async def test_a_host_that_is_not_there_stays_ejected(said: Failure):
    clock = FakeClock()
    health = sick(clock, "a/x#KEY")
    await one(Networked("a", said), health, clock=clock).check()
    assert health.state("a/x#KEY", clock.now()) == "ejected"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureKind.OVERLOADED, "model", "busy", status=503),
        Failure(FailureKind.TRANSPORT, "upstream", "the connection broke", code="closed"),
        Failure(FailureKind.TIMEOUT, "upstream", "no answer in time", code="timeout"),
    ],
    ids=lambda failure: failure.kind,
)
async def test_a_list_that_answers_says_nothing_of_a_model_that_fails(failure: Failure):
    clock = FakeClock()
    health = sick(clock, "a/x#KEY", failure=failure)
    await one(Networked("a"), health, clock=clock).check()
    assert health.state("a/x#KEY", clock.now()) == "ejected"


# --- beside the traffic ------------------------------------------------------------------------------------------


class Beside:
    """Takes work, and does it when told."""

    def __init__(self, room: bool = True) -> None:
        self.room = room
        self.work: list[Callable[[], Awaitable[None]]] = []

    def __call__(self, work: Callable[[], Awaitable[None]]) -> bool:
        if self.room:
            self.work.append(work)
        return self.room

    async def do(self) -> None:
        while self.work:
            await self.work.pop()()


@pytest.mark.anyio
async def test_only_who_cannot_be_reached_is_checked_beside_the_traffic_one_at_a_time():
    clock, beside = FakeClock(), Beside()
    health = sick(clock, "a/x#KEY")
    busy = Failure(FailureKind.OVERLOADED, "model", "busy", status=503)
    for _ in range(3):
        health.failed("b/x#KEY", busy, clock.now())
    a, b = Networked("a", REFUSED), Networked("b")
    looking = Checks({"a": a, "b": b}, health, clock, beside=beside)
    for _ in range(3):
        looking.tend()
        clock.advance(1.5)
    assert len(beside.work) == 1
    await beside.do()
    assert (a.paths, b.paths) == (["/models"], [])
    assert looking.last["a"].answered is False


@pytest.mark.anyio
async def test_background_checks_keep_to_their_pace_and_budget():
    clock, beside = FakeClock(), Beside()
    health = Health(random.Random(1))
    provider = Networked("a", REFUSED)
    looking = Checks({"a": provider}, health, clock, beside=beside)
    began = clock.now()
    while clock.now() < began + 3_500:
        if health.state("a/x", clock.now()) != "ejected":
            for _ in range(3):
                health.failed("a/x", REFUSED, clock.now())
        looking.tend()
        await beside.do()
        clock.advance(2.0)
    assert BUDGET - 5 <= len(provider.paths) <= BUDGET
    assert EVERY * BUDGET < 3_500


@pytest.mark.anyio
async def test_no_room_beside_the_traffic_means_no_check():
    clock, beside = FakeClock(), Beside(room=False)
    looking = one(Networked("a"), sick(clock, "a/x#KEY"), clock=clock, beside=beside)
    looking.tend()
    assert looking.last == {}
    beside.room = True
    clock.advance(2)
    looking.tend()
    assert len(beside.work) == 1


def test_without_anybody_to_do_it_nothing_is_begun():
    clock = FakeClock()
    one(Networked("a"), sick(clock, "a/x#KEY"), clock=clock).tend()


# --- what OpenRouter says ----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_openrouters_hosts_say_how_quick_a_model_is():
    class Router(Networked):
        async def get(self, path: str, key: str | None = None) -> dict[str, Any]:
            if "gone" in path:
                raise AttemptFailed(Failure(FailureKind.MODEL_GONE, "model", "no such model", status=404))
            host = {
                "provider_name": "Acme",
                "tag": "acme",
                "pricing": {"prompt": "0", "completion": "0"},
                "uptime_last_5m": 99.0,
                "latency_last_30m": {"p50": 400},
                "throughput_last_30m": {"p50": 50},
            }
            return {"data": {"id": "a/b", "endpoints": [host]}}

    told = await priors(Router("openrouter"), ["a/b:free", "a/gone", "openrouter/auto"])
    assert list(told) == ["a/b:free"]
    assert (told["a/b:free"].first_token, told["a/b:free"].tokens_per_second) == (0.4, 50)
