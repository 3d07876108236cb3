"""What every provider promises: exactly one attempt a call, honestly classified, whole or in pieces."""

from __future__ import annotations

import inspect
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar, cast, get_args

import anyio
import pytest

from aiorch.errors import AttemptFailed
from aiorch.protocols import Provider
from aiorch.testing.conformance.pieces import check_joined, check_part
from aiorch.testing.conformance.suite import (
    Suite,
    cancelled_cleanly,
    check_members,
    check_name,
    hold,
    in_patience,
    in_time,
    missing,
    not_looked_at,
    raised,
    wrong,
)
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    FailureScope,
    FinishReason,
    JsonSchema,
    Message,
    ModelCard,
    Parameters,
    Request,
    Response,
    StreamPart,
    Timeouts,
    ToolCall,
    ToolResult,
    ToolSpec,
)

T = TypeVar("T")

ONLY_ATTEMPT_FAILED = (
    "whatever goes wrong is raised as AttemptFailed with a classified Failure: routing decides by it"
)
CLASSIFY = "catch it where it arises and raise AttemptFailed(Failure(kind, scope, message)) from it"
LAST = "a stream yields deltas as they come, then exactly one Response, last"


@dataclass(frozen=True, slots=True)
class Failing:
    """A provider that fails, and how.

    For example, with respx:

        Failing(Groq(transport, key="wrong"), FailureKind.AUTH, attempts=lambda: len(router.calls))
    """

    provider: Provider
    """Every call of it fails."""
    kind: FailureKind
    """What it is to say of that."""
    attempts: Callable[[], int] | None = None
    """How many times its upstream was asked so far, where that can be counted."""
    deployment: Deployment | None = None
    """Where its calls fail; ``None``: where the suite's ``deployment`` is."""


class ProviderConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.Provider`. A test class inherits them and says what is tested:

        class TestParrot(ProviderConformance):
            @pytest.fixture
            def provider(self):
                return Parrot()

    Further fixtures, each optional: ``deployment`` (of a model that answers; default: the first that it lists),
    ``question`` (default: "Say hello."), ``failing`` (a :class:`Failing`), ``secret`` (its key, to be looked for where
    it must not be).
    """

    @pytest.fixture
    def provider(self) -> Provider:
        """What is tested."""
        missing("provider", "Parrot()")

    @pytest.fixture
    def deployment(self) -> Deployment | None:
        """Where a model answers; ``None``: the first model that it lists."""
        return None

    @pytest.fixture
    def question(self) -> Request:
        """What is asked."""
        return Request((Message.user("Say hello."),), Parameters(max_tokens=16))

    @pytest.fixture
    def failing(self) -> Failing | None:
        """A provider that fails."""
        return None

    @pytest.fixture
    def secret(self) -> str:
        """The key that the provider holds."""
        return ""

    # --- what it is ----------------------------------------------------------------------------------------------

    def test_it_has_what_a_provider_has(self, provider: Provider) -> None:
        check_members(provider, Provider, ("name", "models", "complete", "stream", "embed", "aclose"))

    def test_its_name_can_be_used_as_one(self, provider: Provider) -> None:
        check_name(provider.name, type(provider).__name__)

    def test_its_secrets_are_not_shown(self, provider: Provider, secret: str) -> None:
        if not secret:
            if getattr(provider, "key_names", ()):
                not_looked_at("secret", "whether its key is shown by repr()")
            return
        hold(
            secret not in repr(provider) and secret not in str(provider),
            "repr() of the provider holds its key",
            "secrets never reach logs, events, exceptions or repr",
            "keep the key as a pydantic SecretStr, or write a __repr__ that leaves it out",
        )

    @pytest.mark.anyio
    async def test_it_lists_models_of_its_own(self, provider: Provider) -> None:
        cards = await _no_other_error(provider.models, "models()", ONLY_ATTEMPT_FAILED)
        hold(
            isinstance(cast(object, cards), Sequence)
            and all(isinstance(cast(object, c), ModelCard) for c in cards),
            f"models() returned {_kinds(cards)}",
            "models() returns a sequence of ModelCards",
            "return [ModelCard(self.name, 'model-id', ...)]",
        )
        strangers = sorted({c.provider for c in cards} - {provider.name})
        hold(
            not strangers,
            f"models() lists models of {', '.join(map(repr, strangers))}, but the provider is called {provider.name!r}",
            "a provider lists its own models, under its own name",
            "write ModelCard(self.name, ...)",
        )
        ids = [c.model for c in cards]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        hold(
            not twice and all(ids),
            f"models() lists {', '.join(map(repr, twice)) or 'an empty id'}{' more than once' if twice else ''}",
            "every model is listed once, by the id that the API takes",
            "leave repeated and empty ids out",
        )

    # --- a whole answer ------------------------------------------------------------------------------------------

    @pytest.mark.anyio
    async def test_a_whole_answer_is_a_response(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        here = await _place(provider, deployment)
        _check_response(await _answer(provider, here, question), "complete()")

    @pytest.mark.anyio
    async def test_several_are_answered_at_the_same_time(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        here = await _place(provider, deployment)
        failed: list[Exception] = []

        async def ask() -> None:
            try:
                await provider.complete(here, question, Timeouts())
            except Exception as error:
                failed.append(error)

        async def all_of_them() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(ask)

        promise = "one object answers any number of callers at the same time"
        cure = "keep what belongs to one call in local variables, not on self"
        await in_time(all_of_them, "four calls at the same time", promise, cure)
        if failed:
            wrong(f"of four calls at the same time, {len(failed)} failed: {raised(failed[0])}", promise, cure)

    @pytest.mark.anyio
    async def test_any_request_is_answered_or_refused(
        self, provider: Provider, deployment: Deployment | None
    ) -> None:
        here = await _place(provider, deployment)
        for label, request in _REQUESTS.items():

            async def ask(request: Request = request) -> Response:
                return await provider.complete(here, request, Timeouts())

            await _no_other_error(ask, f"complete() of {label}", ONLY_ATTEMPT_FAILED, refusing=True)

    @pytest.mark.anyio
    async def test_an_unknown_model_is_answered_or_refused(
        self, provider: Provider, question: Request
    ) -> None:
        nowhere = Deployment(provider.name, "no-such-model-anywhere", _key(provider))

        async def ask() -> Response:
            return await provider.complete(nowhere, question, Timeouts())

        await _no_other_error(ask, "complete() of an unknown model", ONLY_ATTEMPT_FAILED, refusing=True)

    # --- in pieces -----------------------------------------------------------------------------------------------

    @pytest.mark.anyio
    async def test_a_stream_ends_with_its_response(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        parts = await _stream(provider, await _place(provider, deployment), question)
        for part in parts:
            check_part(part)
        whole = [n for n, part in enumerate(parts) if isinstance(part, Response)]
        hold(
            whole,
            f"the stream ended after {len(parts)} deltas without a Response",
            LAST,
            "yield the Response last",
        )
        hold(
            len(whole) == 1, f"the stream yielded {len(whole)} Responses", LAST, "yield one, after all deltas"
        )
        hold(
            whole == [len(parts) - 1],
            f"the stream went on after its Response: {type(parts[-1]).__name__}",
            LAST,
            "yield the Response last",
        )
        _check_response(cast(Response, parts[-1]), "the Response of stream()")

    @pytest.mark.anyio
    async def test_the_pieces_join_to_the_answer(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        parts = await _stream(provider, await _place(provider, deployment), question)
        if parts and isinstance(parts[-1], Response):
            check_joined(parts[:-1], parts[-1])

    @pytest.mark.anyio
    async def test_a_stream_may_be_read_as_the_line_reads_it(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        here = await _place(provider, deployment)
        promise = (
            "a stream can be begun in one task and read on in another, each piece under a deadline of its own"
        )
        cure = "no task group and no cancel scope may stay open across a yield: start them in functions without yield"
        first: list[object] = []
        try:
            pieces = provider.stream(here, question, Timeouts())

            async def begin() -> None:
                with in_patience():
                    first.append(await anext(pieces, None))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(begin)
            while first[-1] is not None:
                with in_patience():
                    first.append(await anext(pieces, None))
        except* Exception as group:
            failed = _first(group)
        else:
            failed = None
        if failed is not None:
            wrong(f"read so, the stream raised {raised(failed)}", promise, cure)

    @pytest.mark.anyio
    async def test_closing_a_stream_early_ends_it(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        here = await _place(provider, deployment)
        promise = (
            "closing the generator ends the request, without an error and without leaving anything running"
        )
        cure = "end the request in `finally` or `async with`; never catch GeneratorExit, never yield in `finally`"
        before = _tasks()
        pieces = provider.stream(here, question, Timeouts())
        _check_generator(pieces)
        failed: Exception | None = None
        with in_patience():
            await anext(pieces, None)
            try:
                await pieces.aclose()
            except Exception as error:
                failed = error
        if failed is not None:
            wrong(f"closing the stream raised {raised(failed)}", promise, cure)
        hold(await anext(pieces, None) is None, "the closed stream went on yielding", promise, cure)
        left = await _left_running(before)
        hold(not left, f"the closed stream left running: {', '.join(left)}", promise, cure)
        _check_response(await _answer(provider, here, question), "complete() after a stream was closed")

    # --- what ends it --------------------------------------------------------------------------------------------

    @pytest.mark.anyio
    async def test_cancellation_passes_through(
        self, provider: Provider, deployment: Deployment | None, question: Request
    ) -> None:
        here = await _place(provider, deployment)
        await cancelled_cleanly(lambda: provider.complete(here, question, Timeouts()), "complete()")

        async def read() -> None:
            async with aclosing(provider.stream(here, question, Timeouts())) as pieces:
                async for _ in pieces:
                    pass

        await cancelled_cleanly(read, "stream()")

    @pytest.mark.anyio
    async def test_a_failure_is_classified_and_tried_once(
        self, failing: Failing | None, deployment: Deployment | None, question: Request, secret: str
    ) -> None:
        if failing is None:
            not_looked_at(
                "failing", "how its failures are classified, and that it does not try again by itself"
            )
        here = await _place(failing.provider, failing.deployment or deployment, listed=False)

        async def whole() -> object:
            return await failing.provider.complete(here, question, Timeouts())

        async def streamed() -> object:
            async with aclosing(failing.provider.stream(here, question, Timeouts())) as pieces:
                return [piece async for piece in pieces]

        for ask, what in ((whole, "complete()"), (streamed, "stream()")):
            before = failing.attempts() if failing.attempts else 0
            _check_failure(await _failure(ask, what), failing.kind, secret, what)
            made = failing.attempts() - before if failing.attempts else 1
            hold(
                made == 1,
                f"{what} asked its upstream {made} times",
                "a provider makes exactly one attempt; trying again, and elsewhere, is the line's business",
                "remove the retry loop, and switch off the retries of the client underneath",
            )

    @pytest.mark.anyio
    async def test_texts_become_as_many_vectors_or_are_refused(
        self, provider: Provider, deployment: Deployment | None
    ) -> None:
        here = await _place(provider, deployment)
        texts = ("one", "two", "three")
        promise = "embed() returns one vector a text, or raises AttemptFailed of kind bad_request where there are none"

        async def embed() -> Sequence[Sequence[float]]:
            return await provider.embed(here, texts, Timeouts())

        failure = None
        vectors: Sequence[Sequence[float]] = ()
        try:
            vectors = await embed()
        except AttemptFailed as refused:
            failure = refused.failure
        except Exception as error:
            wrong(
                f"embed() raised {raised(error)}",
                promise,
                "raise AttemptFailed(Failure(FailureKind.BAD_REQUEST, 'request', 'it has no embeddings'))",
            )
        if failure is not None:
            hold(
                failure.kind is FailureKind.BAD_REQUEST,
                f"embed() was refused as {getattr(failure.kind, 'value', failure.kind)}",
                promise,
                "use FailureKind.BAD_REQUEST: no key, limit or outage is to blame",
            )
            return
        hold(
            len(vectors) == len(texts),
            f"embed() gave {len(vectors)} vectors for {len(texts)} texts",
            promise,
            "return a vector for each text, in their order",
        )
        hold(
            len({len(v) for v in vectors}) == 1 and all(math.isfinite(x) for v in vectors for x in v),
            "the vectors of embed() differ in length or hold numbers that are none",
            "vectors of one model have one length and finite numbers",
            "look at how the answer is read",
        )

    @pytest.mark.anyio
    async def test_it_may_be_closed_twice(self, provider: Provider) -> None:
        promise = "aclose() lets go of what is held, and may be called again"
        cure = "do nothing where nothing is held any more"
        for time in ("first", "second"):
            try:
                await in_time(provider.aclose, "aclose()", promise, cure)
            except Exception as error:
                wrong(f"the {time} aclose() raised {raised(error)}", promise, cure)


# --- what is asked -----------------------------------------------------------------------------------------------

_TOOL = ToolSpec(
    "weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_SHORT = Parameters(max_tokens=16)
_REQUESTS = {
    "a message with odd characters": Request((Message.user("\0 \ud800 👩‍👩‍👧‍👦 \u202e"),), _SHORT),
    "a conversation with a tool's result": Request(
        (
            Message.system("Be brief."),
            Message.user("How is the weather in Oslo?"),
            Message.assistant(ToolCall("call_1", "weather", {"city": "Oslo"})),
            Message.tool(ToolResult("call_1", "rain")),
        ),
        _SHORT,
        tools=(_TOOL,),
    ),
    "a request for JSON": Request(
        (Message.user("Name a city."),), _SHORT, schema=JsonSchema({"type": "object", "properties": {}})
    ),
}


async def _place(provider: Provider, given: Deployment | None, *, listed: bool = True) -> Deployment:
    """Where to ask: as the author says, or the first model that it lists."""
    if given is not None:
        return given
    cards: Sequence[ModelCard] = ()
    try:
        cards = await provider.models()
    except Exception:
        if listed:
            missing("deployment", "Deployment('parrot', 'echo')   # models() does not tell one")
    usable = [c for c in cards if isinstance(cast(object, c), ModelCard) and c.capabilities.chat is not False]
    if usable:
        return Deployment(provider.name, usable[0].model, _key(provider))
    if listed:
        missing("deployment", "Deployment('parrot', 'echo')   # models() lists none that chats")
    return Deployment(provider.name, "any", _key(provider))


def _key(provider: Provider) -> str | None:
    return next(iter(getattr(provider, "key_names", ())), None)


async def _answer(provider: Provider, here: Deployment, question: Request) -> Response:
    async def ask() -> Response:
        return await provider.complete(here, question, Timeouts())

    return await _no_other_error(ask, "complete()", ONLY_ATTEMPT_FAILED)


async def _stream(provider: Provider, here: Deployment, question: Request) -> list[StreamPart]:
    async def read() -> list[StreamPart]:
        pieces: AsyncGenerator[StreamPart, None] = provider.stream(here, question, Timeouts())
        async with aclosing(pieces):
            return [piece async for piece in pieces]

    return await _no_other_error(read, "stream()", ONLY_ATTEMPT_FAILED)


async def _no_other_error(
    call: Callable[[], Awaitable[T]], what: str, promise: str, *, refusing: bool = False
) -> T:
    """What it returns. ``refusing``: an AttemptFailed is as good, so nothing is returned then."""
    try:
        return await in_time(
            call, what, "a call ends with an answer or a failure", "keep to the Timeouts given"
        )
    except AttemptFailed as failed:
        if refusing:
            _check_failure(failed, None, "", what)
            return cast(T, None)
        error: Exception = failed
    except Exception as other:
        error = other
    if isinstance(error, AttemptFailed):
        wrong(
            f"{what} failed: {error}",
            "the model under test answers",
            "give the fixture 'deployment' of one that does",
        )
    wrong(f"{what} raised {raised(error)}", promise, CLASSIFY)


async def _failure(ask: Callable[[], Awaitable[object]], what: str) -> AttemptFailed:
    try:
        answer = await in_time(ask, what, "a failure is told, not waited for", "keep to the Timeouts given")
    except AttemptFailed as failed:
        return failed
    except Exception as error:
        wrong(f"{what} of a failing provider raised {raised(error)}", ONLY_ATTEMPT_FAILED, CLASSIFY)
    wrong(
        f"{what} of a failing provider returned {_a(answer)}",
        ONLY_ATTEMPT_FAILED,
        "look at the status and the body before anything is read as an answer",
    )


def _check_failure(failed: AttemptFailed, kind: FailureKind | None, secret: str, what: str) -> None:
    failure = cast(object, failed.failure)
    if not isinstance(failure, Failure) or not isinstance(cast(object, failure.kind), FailureKind):
        wrong(f"the failure of {what} is {failure!r}", ONLY_ATTEMPT_FAILED, CLASSIFY)
    hold(
        failure.scope in get_args(FailureScope),
        f"the failure of {what} has the scope {failure.scope!r}",
        f"a failure's scope is one of {', '.join(get_args(FailureScope))}: it says what else is not worth asking",
        "use 'account' for a bad key, 'model' for one model, 'request' for this call only",
    )
    hold(
        failure.message.strip(),
        f"the failure of {what} says nothing",
        "a failure says what happened",
        CLASSIFY,
    )
    hold(
        not secret or secret not in f"{failed!r} {failed} {failure!r}",
        f"the failure of {what} holds the provider's key",
        "secrets never reach logs, events, exceptions or repr",
        "take the key out of the upstream's words before they become a message",
    )
    hold(
        kind is None or failure.kind is kind,
        f"{what} failed as {failure.kind.value!r}, and it is {kind.value if kind else ''!r}",
        "what routing does next depends on the kind: another key, a pause, another model",
        "classify by status and body; see aiorch.FailureKind",
    )


def _check_generator(made: object) -> None:
    if inspect.iscoroutine(made):
        made.close()  # nobody will await it
    hold(
        hasattr(made, "__anext__") and hasattr(made, "aclose"),
        f"stream() returned {_a(made)}, which cannot be read piece by piece and closed",
        "stream() is an async generator",
        "write it as `async def stream(...)` with `yield`",
    )


def _check_response(response: object, what: str) -> None:
    if not isinstance(response, Response):
        wrong(
            f"{what} gave {_a(response)}",
            "an answer is an aiorch.types.Response",
            "return Response(Message.assistant(text), 'stop', Usage(...))",
        )
    message = cast(object, response.message)
    hold(
        isinstance(message, Message) and message.role == "assistant",
        f"{what} says {response.message!r:.80}",
        "an answer is the assistant's message",
        "use Message.assistant(...)",
    )
    hold(
        response.finish in get_args(FinishReason),
        f"{what} finished with {response.finish!r}",
        f"finish is one of {', '.join(get_args(FinishReason))}",
        "translate the upstream's word",
    )
    has_content = bool(
        response.message.text.strip() or response.message.tool_calls or response.message.reasoning
    )
    hold(
        has_content or response.finish in ("content_filter", "length"),
        f"{what} is an answer with nothing in it",
        "an empty answer is a failure of kind 'empty', so that another model is asked",
        "raise AttemptFailed(Failure(FailureKind.EMPTY, 'request', 'the answer is empty', ambiguous=True))",
    )
    usage = response.usage
    hold(
        min(usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.cached_tokens) >= 0
        and (usage.output_tokens > 0 or not has_content),
        f"{what} has {usage}",
        "usage counts the tokens of an answer: budgets and limits are kept by it",
        "pass on what the upstream counts; where it does not, estimate and say Usage(..., estimated=True)",
    )


# --- what is left behind -----------------------------------------------------------------------------------------


def _tasks() -> set[int]:
    return {task.id for task in anyio.get_running_tasks()}


async def _left_running(before: set[int]) -> list[str]:
    """Names of tasks that were not there before, after a while in which they could end."""
    left: list[str] = []
    for pause in (0.0, 0.0, 0.01, 0.1, 0.4):
        await anyio.sleep(pause)
        left = [str(task.name) for task in anyio.get_running_tasks() if task.id not in before]
        if not left:
            return []
    return left


def _first(error: BaseExceptionGroup[BaseException]) -> BaseException:
    first = error.exceptions[0]
    return (
        _first(cast("BaseExceptionGroup[BaseException]", first))
        if isinstance(first, BaseExceptionGroup)
        else first
    )


def _a(value: object) -> str:
    return f"{type(value).__name__} {value!r:.80}"


def _kinds(values: object) -> str:
    if not isinstance(values, Sequence) or isinstance(values, str):
        return _a(values)
    return "a list of " + ", ".join(sorted({type(v).__name__ for v in cast("Sequence[object]", values)}))
