"""Workflows in tests: carried out in milliseconds, with fakes, in virtual time, and with crashes where they hurt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import anyio

from aiorch.errors import AiorchError, InputError, WorkflowError
from aiorch.protocols import Engine, Journal
from aiorch.testing.chance import FakeRandom
from aiorch.testing.crashes import Death, Moment, Mortal
from aiorch.testing.fakes import Fakes
from aiorch.testing.kept import KeptRuns
from aiorch.testing.virtual import VirtualClock
from aiorch.workflow import Graph, Run, Workflow, execute
from aiorch.workflow.engine import Memory, MemoryJournal
from aiorch.workflow.services import Services

T = TypeVar("T")


async def carry_out(
    flow: Workflow | Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    fakes: Mapping[str, Any] | None = None,
    decisions: Mapping[str, bool] | None = None,
    events: Mapping[str, Any] | None = None,
    engine: KeptRuns | None = None,
    run_id: str | None = None,
    kill_after: str | None = None,
    kill_during: str | None = None,
    clock: VirtualClock | None = None,
    provide: Mapping[str | type, Any] | None = None,
    limit: int = 64,
    limits: Mapping[str, int] | None = None,
) -> Run:
    """Carry a workflow out as a test wants it: no model is asked, no real time passes.

        run = await carry_out(flow, {"log": text}, fakes={"facts": "three changes", "save": None})
        assert run.results["draft"] == ...

    Functions that have no fake are carried out; questions without one are refused before anything starts.

    :param fakes: by the path of a task (``draft``, ``polish/better`` inside of another workflow, ``*`` for every other
        question) what stands in for it: a value, an exception, a function, :class:`InTurn` for one after the other,
        :class:`Takes` for one that takes its time. A function gets what the task's function would get; in place of a
        question it gets the prompt.
    :param decisions: by the path of an ``approve`` task what the person says.
    :param events: by the name of an event what was sent. Whatever nobody sends is an error, unless it has a time-out.
    :param engine: where results are kept, so that a second call with the same ``run_id`` carries the run on.
    :param kill_after: the task, or the journal's key, with whose commit the process dies. The run that is returned is
        ``cancelled`` then.
    :param kill_during: the same, but it dies before the commit: what was done is done, and nobody knows.
    :raises InputError: for fakes that do not fit the workflow, and for a death that never came.
    :raises WorkflowError: where the run waits for what nobody sends; and whatever ``execute`` raises.
    """
    graph = flow if isinstance(flow, Graph) else flow.graph()
    clock = clock or VirtualClock()
    stand_ins = Fakes.of(graph, fakes or {}, clock)
    run = Run(graph.name) if run_id is None else Run(graph.name, id=run_id)
    mail = {
        name: {"allowed": allowed, "by": "a test", "note": ""} for name, allowed in (decisions or {}).items()
    }
    mail |= events or {}
    if engine is not None:
        for name, value in mail.items():
            engine.at(run.id).send(name, value)
    home: Engine = engine or _Posted(mail, clock)
    scope, waits = anyio.CancelScope(), list[str]()
    death = _death(kill_after, kill_during, engine, scope)

    def stuck() -> None:
        waits.extend(sorted(waiting.name for waiting in run.waiting))
        if waits:
            scope.cancel()

    clock.when_nobody_sleeps = stuck
    services = Services(stand_ins.ask, clock=clock, rng=FakeRandom(), provide=dict(provide or {}))
    with scope:
        async with clock:
            await execute(
                stand_ins.placed(graph),
                inputs,
                services=services,
                engine=home if death is None else Mortal(home, death),
                limit=limit,
                limits=limits,
                run=run,
            )
    if waits:
        raise WorkflowError(
            f"the run waits for {', '.join(map(repr, waits))}, and nobody sends it: "
            "say decisions={task: True} for an approval, events={event: ...} for an event"
        )
    if engine is not None and death is not None and not death.struck:
        raise InputError(
            f"the run ended, and {death.key!r} was never reached; there were {', '.join(engine.at(run.id).made)}"
        )
    return run


@dataclass(frozen=True, slots=True)
class Crash:
    """One crash that a workflow got over."""

    key: str
    """The effect at which the process died."""
    moment: Moment
    then: Literal["went on", "asks"]
    """``asks``: the effect must not happen twice, so a person has to look, which is right."""
    repeated: tuple[str, ...] = ()
    """Effects that happened a second time, since the first one was not committed."""


async def crash_everywhere(
    flow: Workflow | Graph,
    inputs: Mapping[str, Any] | None = None,
    *,
    fakes: Mapping[str, Any] | None = None,
    decisions: Mapping[str, bool] | None = None,
    events: Mapping[str, Any] | None = None,
    provide: Mapping[str | type, Any] | None = None,
) -> tuple[Crash, ...]:
    """Kill a workflow after and during each of its effects, carry it on each time, and compare.

        await crash_everywhere(flow, {"log": text}, fakes={"*": "some text"})

    Takes two short runs for each effect. Functions without a fake are carried out each time.

    :returns: every crash that it got over.
    :raises AssertionError: naming each crash that it does not get over, or after which something came out differently.
    """
    said: dict[str, Any] = {"fakes": fakes, "decisions": decisions, "events": events, "provide": provide}
    whole = KeptRuns()
    plain = await carry_out(flow, inputs, engine=whole, **said)
    crashes: list[Crash] = []
    wrong: list[str] = []
    for key in whole[plain.id].committed:
        for moment in ("after", "during"):
            kept, clock = KeptRuns(), VirtualClock()
            killed = await carry_out(
                flow, inputs, engine=kept, clock=clock, **{f"kill_{moment}": key}, **said
            )
            mine = kept[killed.id]
            begun = tuple(mine.made)
            try:
                run = await carry_out(flow, inputs, engine=kept, clock=clock, run_id=killed.id, **said)
            except AiorchError as error:
                if mine.stopped:
                    crashes.append(Crash(key, moment, "asks"))
                else:
                    wrong.append(f"{moment} {key!r}: {error}")
                continue
            other = [name for name, value in plain.results.items() if run.results.get(name) != value]
            if other:
                wrong.append(f"{moment} {key!r}: another result of {', '.join(map(repr, other))}")
            again = tuple(dict.fromkeys(made for made in mine.made[len(begun) :] if made in begun))
            crashes.append(Crash(key, moment, "went on", again))
    assert not wrong, f"workflow {plain.workflow!r} does not get over a crash" + "".join(
        f"\n  - {w}" for w in wrong
    )
    return tuple(crashes)


def _death(
    after: str | None, during: str | None, engine: KeptRuns | None, scope: anyio.CancelScope
) -> Death | None:
    if after is None and during is None:
        return None
    if after is not None and during is not None:
        raise InputError("a process dies once: say kill_after= or kill_during=")
    if engine is None:
        raise InputError("what dies without a memory cannot be carried on: say engine=KeptRuns()")
    return Death(after or during or "", "during" if after is None else "after", scope)


class _Posted(Memory):
    """An engine that keeps nothing, for a run to which something was sent before it began."""

    def __init__(self, mail: Mapping[str, Any], clock: VirtualClock) -> None:
        super().__init__(clock)
        self._mail = mail

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        journal = MemoryJournal(self._clock)
        for name, value in self._mail.items():
            await journal.send(name, value)
        return await body(journal)
