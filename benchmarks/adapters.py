"""aiorch's entries for client, router and workflow harnesses, through its public face only.

A harness executes this file inside its own namespace, which has ``Client``, ``ROUTERS`` and ``MSGS`` (clients and
routers) or ``work`` (workflows). Everything is at its default but the cache, which would otherwise answer every
repeated question, and what a harness itself prescribes.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import uuid

import aiorch


def _orchestrator(base, deployments, **more):
    """An orchestrator over OpenAI-compatible endpoints: ``deployments`` gives the models by the deployment's name."""
    providers = [
        aiorch.endpoint(name, f"{base}/d/{name}/v1", key="x", models=models)
        for name, models in deployments.items()
    ]
    return aiorch.Orchestrator(providers=providers, data_dir=tempfile.mkdtemp(), cache="off", **more)


if "Client" in globals():

    class Aiorch(Client):  # noqa: F821 - the harness's
        """One deployment, routing and health on."""

        name = "aiorch"
        imports = "import aiorch; aiorch.Orchestrator"

        async def setup(self, base):
            self.ai = _orchestrator(base, {"A": ["ok", "chunks-1000"]}, timeout=60, first_byte_timeout=60)

        def task(self, model):
            return aiorch.Task((aiorch.Message.user("hi"),), model=f"A/{model}")

        async def call(self, model):
            return (await self.ai.run(self.task(model))).text

        async def stream(self, model):
            async with self.ai.stream(self.task(model)) as stream:
                async for event in stream:
                    if isinstance(event, aiorch.TextDelta):
                        yield event.text

        async def close(self):
            await self.ai.aclose()


def aiorch_router(base, models, timeout=2, deadline=20, resume=None, hedge=False, **_):
    """A first, then B, then C; ``timeout`` seconds to the first byte of an attempt, ``deadline`` for everything."""
    named = [f"{deployment}/{model}" for deployment, model in models]
    profile = {"primary": named[0], "fallbacks": named[1:], "hedge": hedge}
    ai = _orchestrator(
        base,
        {deployment: [model] for deployment, model in models},
        profiles={"bench": profile},
        timeout=deadline,
        first_byte_timeout=timeout,
        idle_timeout=timeout,
    )

    async def call():
        outcome = await ai.run("hi", agent="bench")
        return f"{outcome.text!r}/{outcome.finish}"

    async def stream():
        async with ai.stream("hi", agent="bench", resume=resume) as pieces:
            async for event in pieces:
                if isinstance(event, aiorch.TextDelta):
                    yield event.text

    return call, stream


with contextlib.suppress(NameError):
    ROUTERS["aiorch"] = aiorch_router  # noqa: F821 - the harness's
    ROUTERS["aiorch-continue"] = functools.partial(aiorch_router, resume="continue")  # noqa: F821
    ROUTERS["aiorch-hedged"] = functools.partial(aiorch_router, hedge=True)  # noqa: F821


async def e_aiorch(dag, conc):
    """A workflow of ``dag.n`` async functions, each given the list of its dependencies' values."""
    async with aiorch.Orchestrator(providers=[], data_dir=tempfile.mkdtemp()) as ai:
        ai.on(lambda event: None)
        await ai.execute(_one())  # for what is imported when the first workflow comes
        T0()  # noqa: F821 - the harness's: imports and opening are not counted, for nobody
        flow = aiorch.Workflow("bench")

        def task(i):
            async def step(ins):
                return await work(dag, i, ins)  # noqa: F821 - the harness's

            return step

        for i, needs in enumerate(dag.deps):
            flow.add(f"t{i}", task(i), uses={"ins": [f"t{j}" for j in needs]})
        run = await ai.execute(flow, limit=conc)
    return [run.results[f"t{i}"] for i in range(dag.n)]


def _one():
    flow = aiorch.Workflow("one")
    flow.add("one", lambda: 1, thread=False)
    return flow


def _graph(deps, call):
    """A workflow in which task ``i`` gives what ``call(i, the values of those it needs)`` gives."""
    flow = aiorch.Workflow("bench")

    def task(i):
        async def step(ins: list[int]) -> int:
            return await call(i, ins)

        return step

    for i, needs in enumerate(deps):
        flow.add(f"t{i}", task(i), uses={"ins": [f"t{j}" for j in needs]})
    return flow


async def _kept(deps, call, url, run_id, limit, begin=None):
    """The values of a durable run. ``begin`` is called when what it needs is open and launched."""
    async with aiorch.Orchestrator(providers=[], data_dir=tempfile.mkdtemp(), engine=url) as ai:
        ai.on(lambda event: None)
        if begin is not None:
            await ai.execute(_graph([[]], _nothing), run_id=f"{run_id}-before")
            begin()
        run = await ai.execute(_graph(deps, call), run_id=run_id, limit=limit)
    return [run.results[f"t{i}"] for i in range(len(deps))]


async def _nothing(i, ins):
    return 1


async def _timed(dag, conc, url):
    def call(i, ins):
        return work(dag, i, ins)  # noqa: F821 - the harness's

    return await _kept(dag.deps, call, url, f"bench-{uuid.uuid4().hex}", conc, T0)  # noqa: F821


async def e_aiorch_sqlite(dag, conc):
    """Every task's result is synced to the disk (WAL, synchronous=FULL) before the next ones begin."""
    with tempfile.TemporaryDirectory(dir=RUN) as folder:  # noqa: F821 - the harness's, on its disk
        return await _timed(dag, conc, f"sqlite:///{folder}/runs.db")


async def e_aiorch_postgres(dag, conc):
    return await _timed(dag, conc, PG % "bench_sys")  # noqa: F821


async def d_aiorch(folder, run_id):
    """The harness's steps as a workflow: called again with the same arguments after a kill."""
    return await _kept(DEPS, paid, f"sqlite:///{folder}/runs.db", run_id, CONC)  # noqa: F821


async def d_aiorch_postgres(folder, run_id):
    return await _kept(DEPS, paid, PG % "dur_sys", run_id, CONC)  # noqa: F821
