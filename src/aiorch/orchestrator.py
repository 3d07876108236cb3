"""The public face: one object that answers, streams, converses and runs workflows.

What a program writes:

    async with aiorch.Orchestrator() as ai:
        outcome = await ai.run("Explain back-pressure", agent="analysis_agent")
        print(outcome.value, outcome.model, outcome.cost)
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from aiorch.choosing import completed, ranked, routed
from aiorch.compose import House, Parts, build
from aiorch.conversations import Chat, Stream
from aiorch.errors import ConfigurationError, InputError
from aiorch.events import Event
from aiorch.pipeline import run, stream
from aiorch.quality import Shape, shape_of
from aiorch.scopes import Scope
from aiorch.spawning import Spawned, spawn
from aiorch.types import (
    Budget,
    Message,
    ModelCard,
    Outcome,
    Profile,
    Ranking,
    Task,
    as_messages,
)

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    import httpx

    from aiorch.benchmarking import Progress
    from aiorch.benchmarking import Report as BenchmarkReport
    from aiorch.catalog import Probing
    from aiorch.clock import Clock
    from aiorch.discovering import Discovery
    from aiorch.preloading import Preloaded
    from aiorch.protocols import Approver, Check, Engine, Matcher, Provider, StreamValidator, Tool, Validator
    from aiorch.routing import Resume
    from aiorch.routing.diversions import Diversion
    from aiorch.routing.routes import Rollback, ShiftStatus, Traffic
    from aiorch.routing.traffic import Mirror, Shift, Split
    from aiorch.routing.vitals import HealthReport
    from aiorch.safety import Detector
    from aiorch.settings import Settings
    from aiorch.work import Line
    from aiorch.workflow import Run, Workflow
    from aiorch.workflow.durable.administering import Runs
    from aiorch.workflow.estimate import Estimate
    from aiorch.workflow.facts import Thresholds
    from aiorch.workflow.history import Past
    from aiorch.workflow.report import Report
    from aiorch.workflow.services import Services
    from aiorch.workflows import Workshop

T = TypeVar("T")
Prompt = str | Sequence[Message] | Task
"""What can be asked: a string, a conversation, or a :class:`~aiorch.types.Task` that says everything."""


class Orchestrator:
    """Many unreliable models as one reliable service.

    It can be entered as an async context manager, or just used and closed with :meth:`aclose`: in a notebook, enter
    it in one cell and leave it in another. Nothing is loaded, opened or asked before the first call.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        providers: Sequence[Provider | str] | None = None,
        profiles: Mapping[str, Profile | Mapping[str, Any]] | None = None,
        matcher: Matcher | str | None = None,
        validators: Sequence[Validator] = (),
        stream_validators: Sequence[Callable[[], StreamValidator]] = (),
        detectors: Sequence[Detector] = (),
        checks: Sequence[Check] = (),
        tools: Sequence[Tool] = (),
        approver: Approver | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        **arguments: object,
    ) -> None:
        """
        :param settings: ready-made ones; otherwise they are read from ``arguments``, the environment, ``.env`` and
            ``aiorch.toml``.
        :param providers: exactly these, as objects or as names of configured ones (``["groq", "local"]``); otherwise
            every provider that has a key, and the embedded model where it is installed.
        :param profiles: agents beside (or in place of) those of :data:`aiorch.AGENT_PROFILES`.
        :param matcher: who ranks models, in place of the profile matcher: an object, or the name of an installed one.
        :param validators: further validators, after the built-in ones.
        :param stream_validators: makers of validators that watch answers while they are written, one object a stream.
        :param detectors: what else the guard looks for in texts; nothing follows from what they find until a policy
            names them.
        :param checks: further quality checks.
        :param tools: tools that profiles may name.
        :param approver: reaches the person whom the guard asks where its policy says ``ask``; without one, what is
            asked about is refused.
        :param transport: the HTTP transport under every provider, in place of the pooled one.
        :param clock: what time comes from, in tests; see :class:`aiorch.testing.FakeClock`.
        :param rng: what chance comes from, in tests; see :class:`aiorch.testing.FakeRandom`. Never used for secrets.
        :param arguments: any setting by its name, for example ``allow_paid=True`` or ``cache="off"``.
        :raises SettingsError: for a setting that does not exist or cannot be used, with the nearest valid name.
        :raises ConfigurationError: for an object that is not of its kind, and for two of one name. What is registered
            here comes before a plugin of the same name. :raises PluginError: for a matcher that nobody gives.
        """
        if approver is not None and (
            isinstance(approver, type) or not callable(getattr(approver, "approve", None))
        ):
            raise ConfigurationError(
                "approver= takes an object with a method approve(request) that can be awaited"
            )
        parts = Parts(
            providers=None if providers is None else tuple(providers),
            profiles=profiles or {},
            matcher=matcher,
            validators=tuple(validators),
            stream_validators=tuple(stream_validators),
            detectors=tuple(detectors),
            checks=tuple(checks),
            tools=tuple(tools),
            approver=approver,
            transport=transport,
            clock=clock,
            rng=rng,
        )
        self._house: House = build(settings, arguments, parts)
        self._scope = Scope()
        self._line: Line = self._house.line

    # --- one task ------------------------------------------------------------------------------------------------

    @overload
    async def run(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        agent: str | None = None,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> Outcome[str]: ...
    @overload
    async def run(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        agent: str | None = None,
        output: type[T],
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> Outcome[T]: ...
    async def run(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        agent: str | None = None,
        output: type[Any] = str,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> Outcome[Any]:
        """Ask, and get an answer that arrived, was checked, and cost nothing unless that was allowed.

        :param output: the type of the answer: a pydantic model, dataclass, ``list[str]`` ...; the model is held to
            its JSON schema.
        :param timeout: seconds for everything, waits and repetitions included.
        :param budget: the most that may be spent; needed, in USD, before a paid model is asked.

        :raises InputError: when the prompt is none. :raises SecurityException: when the guard refuses input or answer.
        :raises UnknownAgent: for an agent that no profile describes. :raises UnknownModel: likewise for a model.
        :raises NoModelAvailable: when nobody may be asked, with each candidate and why.
        :raises AllAttemptsFailed: when everybody that may be asked failed, with each attempt and why.
        :raises DeadlineExceeded: when the time is up. :raises BudgetExceeded: when the next call could cost too much.
        :raises LimitReached: when its user or tenant has used up a limit for longer than there is time.
        :raises OutputInvalid: when no answer fitted ``output``. :raises QualityError: below the minima, with
            ``require_quality``.
        :raises AuditError: when the task could not be recorded; nothing was sent.
        """
        shape: Shape[Any] = shape_of(output)
        task, kit = self._task(prompt, system, agent, shape, tools, timeout, budget)
        return await run(self._line, task, shape, kit, self._house.journal)

    def stream(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        agent: str | None = None,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
        resume: Resume | None = None,
    ) -> Stream:
        """Ask, and get the answer while it is being written.

            async with ai.stream("Write a haiku") as stream:
                async for event in stream:
                    if isinstance(event, aiorch.TextDelta):
                        print(event.text, end="")
                outcome = await stream.outcome()

        A deployment that fails before its first content is replaced unseen.

        :param resume: what happens when one fails later: ``"interrupt"`` raises :class:`~aiorch.StreamInterrupted` with
            the text so far, ``"continue"`` lets the next one go on where it broke (not with tools or a schema: then as
            before), ``"restart"`` shows a :class:`~aiorch.Restarted` and begins again. ``None`` = as the setting
            ``resume`` says.

        Otherwise raises what :meth:`run` does.
        """
        task, kit = self._task(prompt, system, agent, shape_of(str), tools, timeout, budget)
        return Stream(stream(self._line, task, kit, self._house.journal, resume))

    async def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        limit: int = 8,
        system: str | None = None,
        agent: str | None = None,
        output: type[T] = str,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> AsyncGenerator[Outcome[T], None]:
        """Ask many, ``limit`` at once, and get the outcomes in the order of the prompts.

        Prompts are taken as they are needed. The first one that fails raises at its place, and the others are
        cancelled.
        """
        if limit < 1:
            raise InputError(f"map(limit={limit}): at least one prompt has to be asked at a time")
        running: list[Spawned[Outcome[T]]] = []

        async def one(prompt: Prompt) -> Outcome[T]:
            return await self.run(
                prompt, system=system, agent=agent, output=output, tools=tools, timeout=timeout, budget=budget
            )

        try:
            async with aclosing(_each(prompts)) as coming:
                async for prompt in coming:
                    running.append(spawn(lambda prompt=prompt: one(prompt)))
                    if len(running) >= limit:
                        yield await running.pop(0).result()
            while running:
                yield await running.pop(0).result()
        finally:
            for left in running:
                left.cancel()

    def chat(
        self, *, system: str | None = None, agent: str | None = None, tools: Sequence[Tool] = ()
    ) -> Chat:
        """A conversation that remembers what was said.

        Each turn is answered with all that came before it:

            chat = ai.chat(agent="coding_agent")
            await chat.send("What is a semaphore?")
            await chat.send("Show me one in Python.")
        """
        return Chat(self, system, agent, tuple(tools))

    # --- many tasks ----------------------------------------------------------------------------------------------

    async def execute(
        self,
        flow: Workflow,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        run: Run | None = None,
        run_id: str | None = None,
        **inputs: Any,
    ) -> Run:
        """Carry out a workflow: ``await ai.execute(flow, log=text)``.

            run = await ai.execute(flow, log=text, engine="sqlite:///runs.db", run_id="nightly-1")

        Under a durable engine the same id carries on what was interrupted and repeats nothing that was committed; of a
        run that is done it returns what is stored.

        :param given: inputs as a mapping, for names that are also arguments of this method; those named win.
        :param limit: tasks at once. :param limits: by tag, how many tasks that have it are at work at once.
        :param engine: where it runs: ``sqlite:///file``, ``postgresql://...``, ``memory``, the name of a plugin's
            engine or one itself; ``None`` = as the setting ``engine`` says. One that is opened by its address is
            closed with the orchestrator.
        :param run: a fresh ``Run`` to fill in, for whoever wants to look at it while the work goes on.
        :param run_id: under which it is stored; ``None`` draws one.
        :raises InvalidWorkflow: before anything runs, with every problem found.
        :raises TaskFailed: when a task failed; its ``run`` holds what was finished.
        """
        return await self._workshop().execute(
            flow,
            {**(given or {}), **inputs},
            limit=limit,
            limits=limits,
            engine=engine,
            run=run,
            run_id=run_id,
        )

    async def start(
        self,
        flow: Workflow,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        run: Run | None = None,
        run_id: str | None = None,
        **inputs: Any,
    ) -> Run:
        """Begin a workflow and let it go on in the background.

            run = await ai.start(flow, log=text)
            async for event in run:
                ...
            await run.result()

        It is stopped by ``run.cancel()``, and when the orchestrator is closed. Parameters are those of :meth:`execute`.

        :returns: when it has begun. :raises InvalidWorkflow: and whatever else keeps it from beginning. What goes wrong
            later ``run.result()`` raises.
        """
        return await self._workshop().start(
            flow,
            {**(given or {}), **inputs},
            limit=limit,
            limits=limits,
            engine=engine,
            run=run,
            run_id=run_id,
        )

    async def validate(
        self,
        flow: Workflow,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        live: bool = False,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        engine: Engine | str | None = None,
        thresholds: Thresholds | None = None,
        **inputs: Any,
    ) -> Report:
        """Everything that is wrong or doubtful about a workflow, at once; nothing is carried out.

            report = await ai.validate(flow, live=True, log=text)
            report.raise_for_errors()

        :param given: the inputs, as for :meth:`execute`; without any, what is missing of them is no problem.
        :param live: also whether it can be carried out now: by keys, models, quotas, budgets and time. No model is
            asked, and nothing is spent.
        :param thresholds: beyond what it is no longer reasonable.
        """
        handed = None if given is None and not inputs else {**(given or {}), **inputs}
        return await self._workshop().validate(
            flow, handed, live=live, limit=limit, limits=limits, engine=engine, thresholds=thresholds
        )

    async def estimate(
        self,
        flow: Workflow,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        history: Past | None = None,
        **inputs: Any,
    ) -> Estimate:
        """How long a workflow takes and what it costs, by the prices of whoever would be asked first. Nobody is asked.

            print(await ai.estimate(flow, log=text, history=History.of(runs)))

        :param history: what earlier runs took; without it durations are assumed, and the estimate says so.
        :raises InvalidWorkflow: with every problem, where it cannot run whatever the inputs.
        """
        return await self._workshop().estimate(
            flow, {**(given or {}), **inputs}, limit=limit, limits=limits, history=history
        )

    async def submit(
        self,
        flow: Workflow,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        engine: str | None = None,
        run_id: str | None = None,
        priority: int = 0,
        delay: float | None = None,
        **inputs: Any,
    ) -> str:
        """Put a run into the queue of a database, for whichever worker (``aiorch worker``) takes it.

            run_id = await ai.submit(flow, log=text, engine="postgresql://me@db.example/runs")

        :param given: the inputs, as for :meth:`execute`: what JSON can hold, dataclasses and pydantic models included.
        :param engine: ``postgresql://...`` or ``sqlite:///file``; ``None`` = as the setting ``engine`` says.
        :param run_id: names it; one that is there already is left as it is, so that submitting twice is safe.
        :param priority: higher goes first. :param delay: seconds before which no worker takes it.
        :returns: the run's id.
        :raises InvalidWorkflow: before anything is stored, with every problem found.
        :raises InputError: for inputs or an id that cannot be stored. :raises ConfigurationError: for an engine whose
            runs do not outlive the process.
        """
        handed = {**(given or {}), **inputs}
        return await self.runs(engine).submit(flow, handed, run_id=run_id, priority=priority, delay=delay)

    async def services(self, *flows: Workflow) -> Services:
        """What runs of these workflows are handed in, for whoever carries them out in another way than :meth:`execute`.

            await serve([nightly], await ai.services(nightly), engine="postgresql://me@db.example/runs")

        It can be used for as long as the orchestrator is open.
        """
        return await self._workshop().services(*(flow.graph() for flow in flows))

    def runs(self, engine: str | None = None) -> Runs:
        """The runs of a database, to look at and to look after: list, resume, cancel, fork, send, approve.

            for run in await ai.runs("sqlite:///runs.db").list(state="failed"):
                print(run.id, run.error)

        It is closed with the orchestrator.

        :param engine: ``sqlite:///file`` or ``postgresql://...``; ``None`` = as the setting ``engine`` says.
        :raises ConfigurationError: for an engine whose runs do not outlive the process.
        """
        return self._house.runs(engine)

    def _workshop(self) -> Workshop:
        from aiorch.workflows import Workshop

        def prepared(task: Task, shape: Shape[Any], tools: Sequence[Tool]) -> tuple[Task, Mapping[str, Tool]]:
            return self._task(task, None, None, shape, tools, None, None)

        return Workshop(self._house, self._line, self._scope, prepared, {Orchestrator: self})

    # --- on whose behalf -----------------------------------------------------------------------------------------

    def scoped(
        self,
        *,
        user: str | None = None,
        tenant: str | None = None,
        budget: Budget | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Orchestrator:
        """The same orchestrator on somebody's behalf.

        :param budget: for everything asked through this scope together. The worst case of every call is reserved
            before it is made, so tasks that run at the same time cannot overshoot together; one that finds no room
            waits for the others. With ``max_tokens`` in the profile or the task more of them fit at a time.
        """
        mine: Orchestrator = object.__new__(type(self))
        mine._house = self._house
        mine._scope = self._scope.narrowed(user=user, tenant=tenant, budget=budget, tags=tags or {})
        mine._line = replace(self._house.line, purse=mine._scope.purse)
        return mine

    # --- sending work elsewhere ----------------------------------------------------------------------------------

    async def divert(
        self,
        profile: str,
        *,
        to: str,
        until: datetime | timedelta | float,
        reason: str,
        longest: timedelta | float = 86_400.0,
    ) -> Diversion:
        """Send work of one profile to another, or to a model, for a while; ``aiorch route`` and the outcome say so.

        Of several diversions the newest counts. The next process on this machine knows of them, and those that run
        learn of them within seconds.

            await ai.divert("coding_agent", to="analysis_agent", until=600, reason="its models answer nonsense")

        :param until: an aware datetime, or how long from now (seconds).
        :param reason: for whoever finds it; it is audited.
        :param longest: the most that ``until`` may lie ahead, seconds; a day, unless said.
        :raises UnknownAgent: for a profile that nobody described. :raises UnknownModel: for a target that is neither.
        :raises InputError: when it would end in the past, too late or never, or leads back to where it begins.
        :raises AuditError: when it could not be recorded; nothing is diverted.
        """
        if not isinstance(until, datetime):
            until = self._house.line.clock.now() + _seconds(until)
        return await self._house.line.traffic().send_away(
            profile, to, until, reason, longest=_seconds(longest)
        )

    async def split(self, profile: str, weights: Mapping[str, float]) -> Split:
        """Share out a profile's work over profiles, by weight. A user, else a tenant, stays on one side.

            await ai.split("general", {"general": 9, "analysis_agent": 1})

        It holds in this orchestrator until it is revoked or said anew.

        :param weights: in any unit; a profile that is not named gets nothing.
        :raises UnknownAgent: for a profile that nobody described. :raises InputError: for weights that are none.
        :raises AuditError: when it could not be recorded; nothing is split.
        """
        from aiorch.routing.traffic import Split

        split = _made(lambda: Split(profile, dict(weights)))
        await self._house.line.traffic().split(split)
        return split

    async def shift(
        self,
        *,
        from_: str,
        to: str,
        start: float = 0.01,
        end: float = 1.0,
        over: timedelta | float = 3_600.0,
        rollback: Rollback | bool = True,
    ) -> ShiftStatus:
        """Let a profile's work go over to another one, little by little, and back by itself where that is worse.

            await ai.shift(from_="stable", to="candidate", start=0.01, end=1.0, over=3600)

        Who has gone over stays there. The same shift said again, also by the next process, goes on where it was; one
        that was taken back stays so until it is revoked.

        :param start: the new profile's share at first. :param end: its share after ``over`` seconds.
        :param rollback: when it goes back by itself; ``False`` = never.
        :raises UnknownAgent: for a profile that nobody described. :raises InputError: for shares that shrink.
        :raises AuditError: when it could not be recorded; nothing is shifted.
        """
        from aiorch.routing.routes import Rollback, graded
        from aiorch.routing.traffic import Shift

        line = self._house.line
        steps = graded(start, end, _seconds(over))
        terms = (Rollback() if rollback else None) if isinstance(rollback, bool) else rollback
        return await line.traffic().shift(Shift(from_, to, line.clock.now(), steps), terms)

    async def mirror(
        self, profile: str, *, to: str, share: float = 1.0, budget: Budget | None = None
    ) -> Mirror:
        """Let another profile do a share of a profile's tasks as well, unseen, and tell how well it did.

            await ai.mirror("general", to="shadow", share=0.05)
            ai.on(print, aiorch.events.Mirrored)

        A copy is sent after the answer is there, without tools, and can neither delay nor fail nor change it. What
        does not fit beside the copies under way is dropped and counted.

        :param budget: what all copies together may cost; without one only free models do them.
        :raises UnknownAgent: for a profile that nobody described. :raises InputError: for a share outside of 0 to 1.
        :raises AuditError: when it could not be recorded; nothing is copied.
        """
        from aiorch.routing.traffic import Mirror

        mirror = _made(lambda: Mirror(profile, to, share))
        await self._house.line.traffic().mirror(mirror, budget)
        return mirror

    async def revoke(
        self,
        profile: str,
        *,
        reason: str,
        only: Literal["diversion", "split", "shift", "mirror"] | None = None,
    ) -> tuple[Diversion | Split | Shift | Mirror, ...]:
        """End whatever moves or copies work of a profile, or only what is of one kind. :returns: what ended.

        :raises UnknownAgent: for a profile that nobody described.
        :raises AuditError: when it could not be recorded; what was not recorded goes on.
        """
        return await self._house.line.traffic().revoke(profile, reason, only=only)

    async def diversions(self) -> tuple[Diversion, ...]:
        """The diversions that hold now, newest first."""
        return (await self.traffic()).diversions

    async def traffic(self) -> Traffic:
        """Everything that moves or copies work now: diversions, splits, shifts, mirrors."""
        return await self._house.line.traffic().now()

    # --- looking -------------------------------------------------------------------------------------------------

    async def preload(
        self, models: Iterable[str] | None = None, *, top: int = 1, timeout: float = 10.0
    ) -> tuple[Preloaded, ...]:
        """Make ready for the first question: open connections to where models are, load the embedded model.

            for one in await ai.preload():
                print(one.provider, one.seconds, one.problem)

        Sends no prompt and no key, spends nothing, and raises for nobody who is not ready: it is said in the result.

        :param models: these (``groq/llama-3.3-70b-versatile`` or a model id); ``None`` = the ``top`` first of every
            profile.
        :param timeout: seconds for all of it.
        """
        from aiorch.preloading import preload

        house = self._house
        return await preload(
            house.line, house.providers, models, top=top, seconds=timeout, redact=house.redact
        )

    @property
    def settings(self) -> Settings:
        """What it was set up with."""
        return self._house.settings

    @property
    def audit_file(self) -> Path | None:
        """The file that its last action was recorded in; ``None`` before the first."""
        return self._house.audit.path

    @property
    def matcher(self) -> Matcher:
        """Who ranks models. The usual one can be told whom to prefer for a kind of work:

            ai.matcher.override_model_for_task(task_type="analysis", model="groq/openai/gpt-oss-120b")

        It is a :class:`~aiorch.routing.ProfileMatcher`, unless another one was handed in or is installed.
        """
        return self._house.line.matcher

    async def models(self) -> tuple[ModelCard, ...]:
        """Every model that the configured providers list now."""
        snapshot = await self._house.line.catalogue.snapshot()
        return tuple({c.card.id: c.card for c in snapshot.candidates}.values())

    async def discover(
        self, *, refresh: bool = False, probe: Probing | int | None = None, only_configured: bool = False
    ) -> Discovery:
        """Every model that is known, of every provider, and which of them can be used now.

        Configured providers are asked for their lists, the others where theirs is public; whoever is silent or offline
        is known from what aiorch brings along. Free of charge, and a failing provider never fails it.

        :param refresh: ask anew, also where a list is still believed.
        :param probe: find out who answers, by at most so many calls of one token to models that cost nothing.
        :param only_configured: leave out the others; alone it also asks nobody else.
        """
        from aiorch.discovering import discover

        if isinstance(probe, int):
            from aiorch.catalog import Probing

            probe = Probing(calls=probe)
        house = self._house
        return await discover(
            house.line,
            house.settings,
            house.keys,
            refresh=refresh,
            probe=probe,
            only_configured=only_configured,
        )

    async def benchmark(
        self,
        models: Sequence[str] = (),
        *,
        provider: str | None = None,
        top: int = 10,
        calls: int = 100,
        usd: Decimal | float = 0,
        again: bool = False,
        days: float = 30,
        wait: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> BenchmarkReport:
        """Ask models a small fixed set of questions, and say how many were answered rightly, and how quickly.

            report = await ai.benchmark(["groq/openai/gpt-oss-20b", "local/smollm2-135m"], calls=40)

        Every result is kept when it comes and not asked for again, so what was stopped goes on with the next call.

        :param models: exactly these; otherwise the ``top`` of each provider, those that cost nothing.
        :param provider: only this one's.
        :param calls: the most that may be made; 0 only reports what is kept.
        :param usd: the most that may be spent; paid models also need the setting ``allow_paid``.
        :param again: ask also what is kept. :param days: for which a kept result is believed.
        :param wait: wait for limits that pass within an hour; otherwise whoever is limited is left for a later run.
        :param progress: is told what happens.
        :raises UnknownModel: for a name that nobody has heard of. :raises NoModelAvailable: when nobody may be
            measured. :raises StorageError: when a result cannot be kept.
        """
        from aiorch.benchmarking import MIGRATIONS, benchmark
        from aiorch.store import FILE_NAME, Store

        house = self._house
        clock = house.line.clock
        snapshot = await house.line.catalogue.snapshot()
        store = Store(house.settings.data_dir / FILE_NAME, MIGRATIONS, clock=clock)
        try:
            return await benchmark(
                snapshot.candidates,
                house.providers,
                store,
                models=models,
                provider=provider,
                top=top,
                calls=calls,
                usd=Decimal(str(usd)),
                again=again,
                kept=days * 86_400,
                rules=house.line.rules,
                wait=wait,
                clock=clock,
                progress=progress,
                redact=house.redact,
                audit=house.audit,
                learnt=house.line.catalogue.learnt,
            )
        finally:
            await store.aclose()

    async def route(
        self,
        prompt: Prompt,
        *,
        agent: str | None = None,
        output: type[Any] = str,
        at: datetime | None = None,
    ) -> Ranking:
        """Whom :meth:`run` would ask for this, best first, and who was passed over and why. Asks no model.

        :param at: as if it were asked then, for routing rules that go by time.
        """
        shape: Shape[Any] = shape_of(output)
        task, kit = self._task(prompt, None, agent, shape, (), None, None)
        line = self._house.line
        task, _, profile, route = await routed(line, task, kit, at)
        ranking = await ranked(line, completed(task, profile, line.budget), profile, at)
        return replace(ranking, reason=f"{route.why}; {ranking.reason}") if route else ranking

    async def health(self, *, check: bool = False) -> HealthReport:
        """How every deployment is that was asked, here or by an earlier process: sick or well, how quick, which limits.

            report = await ai.health()
            [v.id for v in report if v.state == "ejected"]
            pandas.DataFrame(report.to_records())

        :param check: ask each provider its cheapest question first; one that answers again after it could not be
            reached is used again at once. With a key of OpenRouter it also says how quick its models are.
        """
        from aiorch.routing.vitals import look

        line = self._house.line
        ranking = await self.route("?") if check else None
        return await look(
            line.executor.experience,
            self._house.providers,
            line.clock,
            check=None if ranking is None else ranking.candidates,
        )

    async def context_window(self, agent: str = "general") -> int:
        """Tokens that prompt and answer may have together at the model that is asked first for this agent.

        Models that do not tell are taken for :data:`ASSUMED_CONTEXT`.
        """
        ranking = await self.route("?", agent=agent)
        if not ranking.candidates:
            return ASSUMED_CONTEXT
        return ranking.candidates[0].card.context or ASSUMED_CONTEXT

    def on(self, listener: Callable[[Any], None], *kinds: type[Event]) -> Callable[[], None]:
        """Call ``listener`` with each event of these kinds (all, when none is named); returns what ends that."""
        return self._house.line.bus.subscribe(listener, *kinds)

    # --- coming and going ----------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of connections, models and files. What is asked afterwards opens them anew."""
        await self._house.aclose()

    def __repr__(self) -> str:
        return f"<aiorch.Orchestrator: {self._house.summary()}>"

    # --- from what was written to a task -------------------------------------------------------------------------

    def _task(
        self,
        prompt: Prompt,
        system: str | None,
        agent: str | None,
        shape: Shape[Any],
        tools: Sequence[Tool],
        timeout: float | None,
        budget: Budget | None,
    ) -> tuple[Task, dict[str, Tool]]:
        task = prompt if isinstance(prompt, Task) else Task(_messages(prompt))
        if system is not None:
            task = replace(task, messages=(Message.system(system), *task.messages))
        agent = agent or task.agent
        kit = dict(self._house.line.kit(agent, tools))
        if kit or shape.schema or timeout is not None or budget or agent != task.agent:
            task = replace(
                task,
                agent=agent,
                schema=shape.schema or task.schema,
                tools=tuple(tool.spec for tool in kit.values()) or task.tools,
                timeout=timeout if timeout is not None else task.timeout,
                budget=budget or task.budget,
            )
        return self._scope.applied(task), kit


async def discover(
    *,
    refresh: bool = False,
    probe: Probing | int | None = None,
    only_configured: bool = False,
    **settings: Any,
) -> Discovery:
    """:meth:`Orchestrator.discover` in one line, with an orchestrator of its own.

        found = await aiorch.discover()
        found.summary
        found.where(usable=True, tools=True)

    :param settings: what :class:`Orchestrator` takes, for example ``offline=True``.
    """
    async with Orchestrator(**settings) as ai:
        return await ai.discover(refresh=refresh, probe=probe, only_configured=only_configured)


ASSUMED_CONTEXT = 4_096
"""Tokens of context of a model that does not say: the smallest that is still common."""


def _messages(prompt: str | Sequence[Message]) -> tuple[Message, ...]:
    """The prompt as messages. :raises InputError: when it is neither a string nor messages."""
    messages = as_messages(prompt) if isinstance(prompt, str | Message | list | tuple) else ()
    if not messages or not all(isinstance(m, Message) for m in cast("tuple[object, ...]", messages)):
        empty = " and empty" if prompt in ("", [], ()) else ""
        raise InputError(
            "a prompt is a string, a sequence of aiorch.Message or an aiorch.Task; "
            f"this one is {type(prompt).__name__}{empty}"
        )
    return messages


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def _made(make: Callable[[], T]) -> T:
    """:raises InputError: in place of the ValueError of what cannot be."""
    try:
        return make()
    except ValueError as wrong:
        raise InputError(str(wrong)) from None


async def _each(prompts: Iterable[Prompt] | AsyncIterable[Prompt]) -> AsyncGenerator[Prompt, None]:
    if isinstance(prompts, AsyncIterable):
        coming = aiter(prompts)
        try:
            async for prompt in coming:
                yield prompt
        finally:
            if isinstance(coming, AsyncGenerator):
                await cast("AsyncGenerator[Prompt, None]", coming).aclose()
    else:
        for prompt in prompts:
            yield prompt
