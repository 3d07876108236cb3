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
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from aiorch.choosing import ranked
from aiorch.compose import House, Parts, build
from aiorch.conversations import Chat, Stream
from aiorch.errors import InputError
from aiorch.events import Event
from aiorch.pipeline import completed, run, stream
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
    import httpx

    from aiorch.benchmarking import Progress, Report
    from aiorch.catalog import Probing
    from aiorch.clock import Clock
    from aiorch.discovering import Discovery
    from aiorch.protocols import Check, Engine, Matcher, Provider, StreamValidator, Tool, Validator
    from aiorch.settings import Settings
    from aiorch.workflow import Run, Workflow

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
        matcher: Matcher | None = None,
        validators: Sequence[Validator] = (),
        stream_validators: Sequence[Callable[[], StreamValidator]] = (),
        checks: Sequence[Check] = (),
        tools: Sequence[Tool] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        **arguments: object,
    ) -> None:
        """
        :param settings: ready-made ones; otherwise they are read from ``arguments``, the environment, ``.env`` and
            ``aiorch.toml``.
        :param providers: exactly these, as objects or as names of configured ones (``["groq", "local"]``); otherwise
            every provider that has a key, and the embedded model where it is installed.
        :param profiles: agents beside (or in place of) those of :data:`aiorch.AGENT_PROFILES`.
        :param matcher: who ranks models, in place of the profile matcher.
        :param validators: further validators, after the built-in ones.
        :param stream_validators: makers of validators that watch answers while they are written, one object a stream.
        :param checks: further quality checks.
        :param tools: tools that profiles may name.
        :param transport: the HTTP transport under every provider, in place of the pooled one.
        :param arguments: any setting by its name, for example ``allow_paid=True`` or ``cache="off"``.
        :raises SettingsError: for a setting that does not exist or cannot be used, with the nearest valid name.
        """
        parts = Parts(
            providers=None if providers is None else tuple(providers),
            profiles=profiles or {},
            matcher=matcher,
            validators=tuple(validators),
            stream_validators=tuple(stream_validators),
            checks=tuple(checks),
            tools=tuple(tools),
            transport=transport,
            clock=clock,
        )
        self._house: House = build(settings, arguments, parts)
        self._scope = Scope()

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
        :raises OutputInvalid: when no answer fitted ``output``. :raises QualityError: below the minima, with
            ``require_quality``.
        :raises AuditError: when the task could not be recorded; nothing was sent.
        """
        shape: Shape[Any] = shape_of(output)
        task, kit = self._task(prompt, system, agent, shape, tools, timeout, budget)
        with self._scope.paying() as till:
            return till.pay(await run(self._house.line, task, shape, kit, self._house.journal))

    def stream(
        self,
        prompt: Prompt,
        *,
        system: str | None = None,
        agent: str | None = None,
        tools: Sequence[Tool] = (),
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> Stream:
        """Ask, and get the answer while it is being written.

            async with ai.stream("Write a haiku") as stream:
                async for event in stream:
                    if isinstance(event, aiorch.TextDelta):
                        print(event.text, end="")
                outcome = await stream.outcome()

        A deployment that fails before its first piece is replaced unseen; one that fails later raises
        :class:`~aiorch.StreamInterrupted` with the text so far. Otherwise raises what :meth:`run` does.
        """
        task, kit = self._task(prompt, system, agent, shape_of(str), tools, timeout, budget)
        return Stream(stream(self._house.line, task, kit, self._house.journal), self._scope)

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
        engine: Engine | None = None,
        run: Run | None = None,
        **inputs: Any,
    ) -> Run:
        """Carry out a workflow: ``await ai.execute(flow, log=text)``.

        :param given: inputs as a mapping, for names that are also arguments of this method; those named win.
        :param limit: tasks at once.
        :param run: a fresh ``Run`` to fill in, for whoever wants to look at it while the work goes on.
        :raises InvalidWorkflow: before anything runs, with every problem found.
        :raises TaskFailed: when a task failed; its ``run`` holds what was finished.
        """
        from aiorch.workflow import execute

        async def ask(task: Task, output: Any, tools: Sequence[Tool]) -> Outcome[Any]:
            return await self.run(task, output=output, tools=tools)

        return await execute(
            flow,
            {**(given or {}), **inputs},
            ask=ask,
            bus=self._house.line.bus,
            clock=self._house.line.clock,
            engine=engine,
            provide={Orchestrator: self},
            limit=limit,
            run=run,
            redact=self._house.redact,
        )

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

        :param budget: for everything asked through this scope together. Tasks count when they end, so tasks that
            run at the same time may each use what is left.
        """
        mine: Orchestrator = object.__new__(type(self))
        mine._house = self._house
        mine._scope = self._scope.narrowed(user=user, tenant=tenant, budget=budget, tags=tags or {})
        return mine

    # --- looking -------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """What it was set up with."""
        return self._house.settings

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
    ) -> Report:
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
        task, _ = self._task(prompt, None, agent, shape, (), None, None)
        line = self._house.line
        profile = line.profiles[task.agent]
        return await ranked(line, completed(task, profile, line.budget), profile, at)

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
        kit = self._house.kit(agent, tools)
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
