from __future__ import annotations

import dataclasses
import inspect
import logging
from decimal import Decimal
from typing import Any

import pydantic
import pytest

from aiorch import events
from aiorch.events import (
    AttemptFinished,
    Bus,
    CacheHit,
    Event,
    NodeFinished,
    TaskErred,
    Waiting,
    Warned,
)
from aiorch.types import (
    Assessment,
    Attempt,
    CheckResult,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    Message,
    Outcome,
    ToolCall,
    Verdict,
)

SECRET = "sk-live-42"


def redact(text: str) -> str:
    return text.replace(SECRET, "[redacted]")


def warned(message: str = "careful") -> Warned:
    return Warned(at=1.0, code="c", message=message)


def seen_by(bus: Bus, *kinds: type[Event]) -> list[Any]:
    seen: list[Any] = []
    bus.subscribe(seen.append, *kinds)
    return seen


# --- who is told -------------------------------------------------------------------------------------------------


def test_listeners_are_told_in_the_order_in_which_they_subscribed() -> None:
    bus, order = Bus(), list[str]()
    for name in "abc":
        bus.subscribe(lambda _event, name=name: order.append(name))
    bus.emit(warned())
    assert order == ["a", "b", "c"]


def test_a_listener_hears_only_the_kinds_it_asked_for() -> None:
    bus = Bus()
    everything, two, all_events = seen_by(bus), seen_by(bus, Warned, CacheHit), seen_by(bus, Event)
    emitted = [warned(), CacheHit(at=1.0, model=None), Waiting(at=1.0, seconds=2.0, reason="r")]
    for event in emitted:
        bus.emit(event)
    assert everything == emitted == all_events
    assert two == emitted[:2]


def test_nobody_need_build_an_event_that_nobody_hears() -> None:
    bus = Bus()
    assert not bus.active
    stop = bus.subscribe(print)
    assert bus.active
    stop()
    assert not bus.active
    bus.emit(warned())


def test_who_has_unsubscribed_hears_nothing_more_and_others_still_do() -> None:
    bus = Bus()
    seen: list[Event] = []
    stop_first = bus.subscribe(seen.append)
    bus.subscribe(seen.append)
    stop_first()
    stop_first()  # a second time ends nobody else's subscription
    bus.emit(warned())
    assert len(seen) == 1


def test_a_listener_may_unsubscribe_while_it_is_told() -> None:
    bus = Bus()
    seen: list[Event] = []

    def once(event: Event) -> None:
        seen.append(event)
        stop()

    stop = bus.subscribe(once)
    after = seen_by(bus)
    bus.emit(warned())
    bus.emit(warned())
    assert len(seen) == 1
    assert len(after) == 2


# --- listeners that fail -----------------------------------------------------------------------------------------


def test_a_listener_that_raises_stops_nobody_and_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()

    def broken(event: Event) -> None:
        raise RuntimeError("boom")

    bus.subscribe(broken)
    seen = seen_by(bus)
    with caplog.at_level(logging.ERROR, "aiorch"):
        for _ in range(3):
            bus.emit(warned())
    assert len(seen) == 3
    assert [r.message for r in caplog.records] == ["a listener failed on Warned; the work goes on"]
    assert caplog.records[0].exc_info is not None


def test_each_broken_listener_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    for _ in range(2):

        def broken(event: Event) -> None:
            raise RuntimeError("boom")

        stop = bus.subscribe(broken)
        bus.emit(warned())
        stop()  # a later listener may live at the same address
    assert len(caplog.records) == 2


def test_an_interrupt_is_no_listeners_fault_and_passes() -> None:
    bus = Bus()

    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    bus.subscribe(interrupted)
    with pytest.raises(KeyboardInterrupt):
        bus.emit(warned())


# --- redaction ---------------------------------------------------------------------------------------------------


class Person(pydantic.BaseModel):
    name: str
    notes: list[str] = []


def test_redaction_reaches_the_failure_inside_an_attempt() -> None:
    bus = Bus(redact)
    seen = seen_by(bus)
    failure = Failure(
        FailureKind.AUTH, "account", f"key {SECRET} is wrong", code=SECRET, successors=(SECRET, "b")
    )
    attempt = Attempt(Deployment("groq", "m", "KEY"), 1, 0.0, 1.0, "fail", failure)
    bus.emit(AttemptFinished(at=1.0, attempt=attempt))
    told = seen[0].attempt.failure
    assert told.message == "key [redacted] is wrong"
    assert told.code == "[redacted]"
    assert told.successors == ("[redacted]", "b")
    assert told.kind is FailureKind.AUTH
    assert attempt.failure is failure
    assert failure.message == f"key {SECRET} is wrong"  # the original is left as it was


def test_redaction_reaches_every_nested_string_of_an_outcome() -> None:
    bus = Bus(redact)
    seen = seen_by(bus)
    call = ToolCall("1", "send", {"to": [SECRET, {"deep": (SECRET, {SECRET: 1})}], "n": 1})
    outcome = Outcome(
        Person(name=SECRET, notes=["a", SECRET]),
        f"text {SECRET}",
        "t1",
        cost=Decimal("0.1"),
        assessment=Assessment((CheckResult("c", False, SECRET),), {SECRET: 0.5}),
        verdicts=(Verdict("output", "redact", (Issue("c", SECRET),), (Message.assistant(call, SECRET),)),),
        messages=(Message.assistant(call),),
    )
    bus.emit(NodeFinished(at=1.0, run_id="r", node="n", seconds=1.0, item=SECRET, outcome=outcome))
    assert SECRET not in repr(seen[0])
    assert repr(seen[0]).count("[redacted]") == repr(outcome).count(SECRET) + 1
    assert isinstance(seen[0].outcome.value, Person)
    assert seen[0].outcome.cost == Decimal("0.1")
    assert outcome.value.name == SECRET


def every_string(kind: type[Event]) -> Event:
    """An event of this kind with the secret in each of its own texts."""
    samples: dict[str, Any] = {
        "str": SECRET,
        "str | None": SECRET,
        "tuple[str, ...]": (SECRET,),
        "Deployment": Deployment(SECRET, SECRET, SECRET),
        "Attempt": Attempt(
            Deployment(SECRET, "m"), 1, 0.0, 0.0, "fail", Failure(FailureKind.EMPTY, "model", SECRET)
        ),
        "Assessment": Assessment((CheckResult("c", None, SECRET),)),
        "Outcome[Any] | None": Outcome(SECRET, SECRET, SECRET),
    }
    return kind(**{f.name: samples.get(str(f.type), 1) for f in dataclasses.fields(kind)})


EVENTS = [c for _, c in inspect.getmembers(events, inspect.isclass) if issubclass(c, Event)]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda k: k.__name__)
def test_no_kind_of_event_shows_a_secret(kind: type[Event]) -> None:
    bus = Bus(redact)
    seen = seen_by(bus)
    event = every_string(kind)
    assert SECRET in repr(event)
    bus.emit(event)
    assert SECRET not in repr(seen[0])


def test_an_event_without_secrets_is_handed_on_as_it_is() -> None:
    bus = Bus(redact)
    seen = seen_by(bus)
    clean = NodeFinished(
        at=1.0,
        run_id="r",
        node="n",
        seconds=1.0,
        outcome=Outcome(Person(name="Ada"), "t", "t1", messages=(Message.user("x"),)),
    )
    bus.emit(clean)
    assert seen[0] is clean


def test_all_listeners_see_the_same_redacted_event_and_it_is_redacted_once() -> None:
    calls: list[str] = []

    def counted(text: str) -> str:
        calls.append(text)
        return redact(text)

    bus = Bus(counted)
    one, two = seen_by(bus), seen_by(bus)
    bus.emit(warned(SECRET))
    assert one[0] is two[0]
    assert calls.count(SECRET) == 1


def test_sets_and_classes_pass_through_a_redactor() -> None:
    bus = Bus(redact)
    seen = seen_by(bus)
    value = {"tags": {SECRET}, "frozen": frozenset({"x"}), "kind": Person}
    bus.emit(NodeFinished(at=1.0, run_id="r", node="n", seconds=1.0, outcome=Outcome(value, "", "t1")))
    assert seen[0].outcome.value == {"tags": {"[redacted]"}, "frozen": frozenset({"x"}), "kind": Person}


def test_what_cannot_be_redacted_is_shown_to_nobody_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(text: str) -> str:
        raise ValueError("no")

    bus = Bus(broken)
    seen = seen_by(bus)
    bus.emit(warned(SECRET))
    bus.emit(TaskErred(at=1.0, error="E", message=SECRET))
    assert seen == []
    assert [r.message for r in caplog.records] == ["Warned could not be redacted, so nobody is told of it"]
    assert SECRET not in caplog.records[0].message
