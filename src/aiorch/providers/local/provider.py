"""The embedded model as a provider like any other: one attempt a call, honestly classified."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, AttemptFailed
from aiorch.providers.local.calls import Call
from aiorch.providers.local.dialect import Reading, encode, failure_of_exception, refused
from aiorch.providers.local.engine import Engine, context_per_slot
from aiorch.providers.local.gguf import read_header
from aiorch.providers.local.known import BY_NAME, DEFAULT
from aiorch.providers.local.threads import default_threads
from aiorch.types import (
    JSON,
    ZERO_PRICE,
    Capabilities,
    Deployment,
    Failure,
    FailureKind,
    ModelCard,
    Request,
    Response,
    StreamPart,
    Timeouts,
)

_DEMO_SIZE = 300_000_000
"""Below this many weights an unknown model counts as a demo too."""

_CAPABILITIES = Capabilities(
    tools=True,  # by constraint: see toolcalls.py
    json_schema=True,
    vision=False,
    reasoning=None,
    streaming=True,
    chat=True,
    embeddings=False,
)


class LocalProvider:
    """A GGUF model that runs in this process.

        provider = LocalProvider(path, model_id="smollm2-135m")
        response = await provider.complete(Deployment("local", "smollm2-135m"), request)

    Making one costs nothing: the engine is imported and the model loaded at the first call, in a worker thread. It may
    be used from one event loop after the other; closed, it loads again at the next call.

    :param model: the weights file.
    :param model_id: the name of the model; that of a known model also says what hash the file must have.
    :param threads: that the engine computes with; ``None`` = as many as this machine can spare.
    :param slots: requests that are answered at the same time, others wait; ``None`` = 1 with one thread, else 2.
    :param context: tokens a request, prompt and answer together (at most what the model was trained for). Half of it is
        the longest answer, where a request sets no limit.

    A model that cannot be loaded raises :class:`~aiorch.errors.LocalModelError` from every call, a missing engine
    :class:`~aiorch.errors.MissingExtra`: both are for the person who set it up; no other attempt would mend them.
    """

    def __init__(
        self,
        model: Path,
        *,
        name: str = "local",
        model_id: str = DEFAULT,
        threads: int | None = None,
        slots: int | None = None,
        context: int = 4096,
        clock: Clock | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._model_id = model_id
        self._context = context
        self._clock = clock or SystemClock()
        self._known = BY_NAME.get(model_id)
        threads = threads or default_threads()
        self._slots = slots or default_slots(threads)
        self._engine = Engine(
            model,
            threads=threads,
            slots=self._slots,
            context=context,
            alias=model_id,
            sha256=self._known.sha256 if self._known else None,
        )
        self._queues: anyio.lowlevel.RunVar[anyio.Semaphore] = anyio.lowlevel.RunVar("aiorch.local.queue")
        self._running: set[Call] = set()

    @property
    def name(self) -> str:
        """Short, lower case, unique."""
        return self._name

    @property
    def at_once(self) -> int:
        """Questions that it answers at the same time; others wait."""
        return self._slots

    async def models(self) -> Sequence[ModelCard]:
        """The one model. :raises LocalModelError: when the file of an unknown model cannot be read."""
        row = self._known
        if row is not None:
            parameters, context, demo = row.parameters, min(self._context, row.context), row.demo
        else:
            header = await anyio.to_thread.run_sync(read_header, self._model)
            parameters, context = header.parameters, context_per_slot(header, self._context)
            demo = parameters < _DEMO_SIZE
        card = ModelCard(
            self._name,
            self._model_id,
            name=self._model.stem if row is None else row.name,
            context=context,
            max_output=context // 2,
            price=ZERO_PRICE,
            free="local",
            capabilities=_CAPABILITIES,
            parameters=parameters,
            demo=demo,
            source="embedded",
            as_of=self._clock.now(),
        )
        return (card,)

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """Ask once and return the whole answer. :raises AttemptFailed: whatever goes wrong."""
        async with aclosing(self.stream(deployment, request, timeouts)) as parts:
            async for part in parts:
                if isinstance(part, Response):
                    return part
        raise AssertionError("a stream ends with its response")

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        """Ask once; yield deltas and the whole response last. Closing it ends the generation within a batch or a token.

        Waiting for a slot and loading the model do not count as silence: ``first_byte`` and ``idle`` begin with the
        slot, and every batch of the prompt that was read is a sign of life.

        :raises AttemptFailed: whatever goes wrong, also in the middle.
        """
        if deployment.model != self._model_id:
            message = f"the embedded model is {self._model_id}, not {deployment.model}"
            raise AttemptFailed(
                Failure(FailureKind.MODEL_GONE, "model", message, successors=(self._model_id,))
            )
        body, shape = encode(request, most=self._context // 2)
        reading = Reading(shape)
        async with aclosing(self._chunks(body, timeouts)) as chunks:
            async for chunk in chunks:
                for delta in reading.feed(chunk):
                    yield delta
        for part in reading.close():
            yield part

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        """A chat model has no embeddings. :raises AttemptFailed: ``bad_request``, always."""
        raise refused(
            "the embedded model makes no embeddings: use a provider's model, or aiorch-sdk[embeddings]"
        )

    async def warm(self, timeouts: Timeouts = Timeouts()) -> None:
        """Load the model. :raises LocalModelError: when it cannot be. :raises MissingExtra: without its engine."""
        await self._load()

    async def aclose(self) -> None:
        """End what is running and let go of the model's memory. May be called again."""
        running = tuple(self._running)
        for call in running:
            call.cancel()

        def close() -> None:
            for call in running:
                call.join()
            self._engine.close()

        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(close)

    def _queue(self) -> anyio.Semaphore:
        """A place at the engine, in the order of asking. Every event loop has a queue of its own."""
        try:
            queue = self._queues.get()
        except LookupError:
            queue = anyio.Semaphore(self._slots)
            self._queues.set(queue)
        return queue

    async def _load(self) -> None:
        if not self._engine.loaded:
            # a caller that gives up leaves; the next one finds the model loaded
            await anyio.to_thread.run_sync(self._engine.load, abandon_on_cancel=True)

    async def _start(self, body: JSON) -> Call:
        """Begin to answer, when it is this request's turn.

        The slot is free again when the engine is done, not when the answer was read: who asks another question in the
        middle of a stream would otherwise wait for themselves.
        """
        queue = self._queue()
        await queue.acquire()
        try:
            await self._load()
            return Call(lambda on_chunk: self._engine.answer(body, on_chunk), on_end=queue.release)
        except BaseException:
            queue.release()
            raise

    async def _chunks(self, body: JSON, timeouts: Timeouts) -> AsyncGenerator[JSON, None]:
        call = await self._start(body)
        self._running.add(call)
        patience = timeouts.first_byte
        try:
            while (chunk := await call.next(patience)) is not None:
                patience = timeouts.idle
                yield chunk
            if call.cancelled:
                raise AttemptFailed(
                    Failure(FailureKind.CANCELLED, "request", "the embedded model was closed")
                )
        except TimeoutError as error:
            message = f"no sign of life from the embedded model for {patience:g} s"
            raise AttemptFailed(Failure(FailureKind.TIMEOUT, "upstream", message)) from error
        except AiorchError:
            raise
        except Exception as error:
            raise AttemptFailed(failure_of_exception(error)) from error
        finally:
            await call.stop()
            self._running.discard(call)


def default_slots(threads: int) -> int:
    """Requests at the same time.

    On one thread two slots only share it: 12 short jobs took 24 to 27 s with one and 28 to 39 s with two, and each slot
    costs the memory of its context (90 MB for the demo model).
    """
    return 1 if threads == 1 else 2
