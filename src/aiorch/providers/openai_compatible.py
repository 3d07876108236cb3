"""Any provider that speaks OpenAI's chat dialect, by its row of facts: exactly one attempt a call."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AttemptFailed
from aiorch.net import NetError, Prepared, SSEParser, StreamReply, Transport
from aiorch.providers.decode import parse_json, read_response, read_vectors
from aiorch.providers.encode import chat_body
from aiorch.providers.failures import (
    classify,
    from_net,
    malformed,
    no_such_key,
    without_model,
)
from aiorch.providers.listing import read_models
from aiorch.providers.redaction import Redactor
from aiorch.providers.spec import ProviderSpec
from aiorch.providers.streaming import StreamReader
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    ModelCard,
    ReasoningDelta,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
    ToolCallDelta,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

LIST_TIMEOUTS = Timeouts(connect=10.0, first_byte=30.0, idle=30.0)
"""NVIDIA's list was seen to take 11 s."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class OpenAICompatible:
    """One provider of :data:`~aiorch.providers.SPECS`, or of a row of your own.

        groq = OpenAICompatible(SPECS["groq"], Transport(), keys={"GROQ_API_KEY": SecretStr("gsk_...")})
        response = await groq.complete(Deployment("groq", "openai/gpt-oss-20b", "GROQ_API_KEY"), request)

    :param keys: the secrets by the names that a :class:`~aiorch.types.Deployment` uses for them.
    :param base_url: instead of the row's, for example of a local server on another port.

    Every failure is raised as :class:`~aiorch.errors.AttemptFailed`. The transport is not closed with it: several
    providers may share one.
    """

    def __init__(
        self,
        spec: ProviderSpec,
        transport: Transport,
        *,
        keys: Mapping[str, SecretStr],
        base_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.spec = spec
        self._transport = transport
        self._keys = dict(keys)
        self._base_url = (base_url or spec.base_url).rstrip("/")
        self._clock = clock or SystemClock()
        self._redactor = Redactor(k.get_secret_value() for k in self._keys.values())
        self._prepared: dict[tuple[str, str | None, bool], Prepared] = {}

    @property
    def name(self) -> str:
        """The row's id: ``groq``."""
        return self.spec.id

    @property
    def local(self) -> bool:
        """True for a server on the user's own machine or network."""
        return self.spec.local

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of its keys, as deployments call them."""
        return tuple(self._keys)

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.spec.id!r}, {self._base_url!r}, keys={sorted(self._keys)})"

    async def models(self) -> Sequence[ModelCard]:
        """The models that it lists now, or those of the row where there is no list to ask for.

        :raises AttemptFailed: when it does not say.
        """
        if self.spec.list_path is None:
            return read_models(b"[]", self.spec, self._clock.now())
        key = next(iter(self._keys), None)
        prepared = self._prepare("GET", self.spec.list_path, key, optional=self.spec.list_is_public)
        try:
            body = await self._ask(prepared, None, LIST_TIMEOUTS)
        except AttemptFailed as failed:
            raise AttemptFailed(without_model(failed.failure)) from failed
        return read_models(body, self.spec, self._clock.now())

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """Ask once and return the whole answer. :raises AttemptFailed: whatever goes wrong."""
        prepared = self._prepare("POST", self.spec.chat_path, deployment.key)
        body = _bytes(chat_body(deployment.model, request, self.spec))
        answer = parse_json(await self._ask(prepared, body, timeouts))
        return read_response(answer, request, deployment.model, self._error_in_answer)

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        """Ask once; yield deltas as they come and the whole response last. Closing the generator ends the request.

        :raises AttemptFailed: whatever goes wrong, also in the middle.
        """
        # llama.cpp's server says that it keeps the connection of a stream, and closes it under the next call. A new
        # connection to one's own machine costs nothing; over TLS to a cloud it would.
        prepared = self._prepare("POST", self.spec.chat_path, deployment.key, keep=not self.spec.local)
        body = _bytes(chat_body(deployment.model, request, self.spec, stream=True))
        try:
            async with self._transport.stream(prepared, body, timeouts) as reply:
                if reply.status != 200:
                    raise AttemptFailed(self._refused(reply.status, reply.headers, await reply.read()))
                if not _is_event_stream(reply):
                    # Some answer whole though a stream was asked for, and errors inside a 200 come so too.
                    answer = parse_json(await reply.read())
                    response = read_response(answer, request, deployment.model, self._error_in_answer)
                    for part in _as_stream(response):
                        yield part
                    return
                reader = StreamReader(request, deployment.model, self._error_in_stream)
                parser = SSEParser()
                try:
                    async for piece in reply:
                        for event in parser.feed(piece):
                            for delta in reader.feed(event):
                                yield delta
                except NetError:
                    if not reader.finished:
                        raise
                    # The model had said all: only the usage is lost.
                if not reader.finished:
                    for event in parser.close():
                        for delta in reader.feed(event):
                            yield delta
                response = reader.response()
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        yield response

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        """One vector a text. :raises AttemptFailed: also where the provider has no embeddings (``bad_request``)."""
        if self.spec.embeddings_path is None:
            raise AttemptFailed(
                Failure(
                    FailureKind.BAD_REQUEST,
                    "account",
                    f"{self.spec.name} has no embeddings; nothing was sent",
                )
            )
        if not texts:
            return ()
        prepared = self._prepare("POST", self.spec.embeddings_path, deployment.key)
        body = _bytes({"model": deployment.model, "input": list(texts)})
        answer = parse_json(await self._ask(prepared, body, timeouts))
        return read_vectors(answer, len(texts), self._error_in_answer)

    async def aclose(self) -> None:
        """Nothing to let go of: the transport belongs to whoever made it."""

    # --- one call ------------------------------------------------------------------------------------------------

    def _prepare(
        self, method: str, path: str, key: str | None, *, optional: bool = False, keep: bool = True
    ) -> Prepared:
        """URL and headers of a place, made once; ``keep`` its connection. :raises AttemptFailed: without its key."""
        prepared = self._prepared.get((path, key, keep))
        if prepared is not None:
            return prepared
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        headers.update(self.spec.headers)
        if not keep:
            headers["connection"] = "close"
        if key is not None:
            secret = self._keys.get(key)
            if secret is None:
                raise AttemptFailed(no_such_key(key, self.spec))
            if self.spec.auth is not None:
                header, _, template = self.spec.auth.partition(": ")
                headers[header] = template.format(key=secret.get_secret_value())
        elif self.spec.needs_key and not optional:
            raise AttemptFailed(no_such_key(None, self.spec))
        try:
            prepared = self._transport.prepare(method, self._base_url + path, headers)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        except (UnicodeEncodeError, ValueError):
            # The cause is left out: it would show the key.
            what = f"the key {key} of {self.spec.name} has characters that no key has; nothing was sent"
            raise AttemptFailed(Failure(FailureKind.AUTH, "account", what)) from None
        self._prepared[path, key, keep] = prepared
        return prepared

    async def _ask(self, prepared: Prepared, body: bytes | None, timeouts: Timeouts) -> bytes:
        """The body of a good answer. :raises AttemptFailed: for every other."""
        try:
            reply = await self._transport.send(prepared, body, timeouts)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        if reply.status != 200:
            raise AttemptFailed(self._refused(reply.status, reply.headers, reply.body))
        return reply.body

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        if status < 300:
            return malformed(f"status {status} instead of an answer", status)
        return classify(
            status, headers, body, provider=self.spec, now=self._clock.now(), redactor=self._redactor
        )

    def _error_in_answer(self, error: object, in_stream: bool = False) -> Failure:
        return classify(
            200,
            {},
            error,
            provider=self.spec,
            now=self._clock.now(),
            in_stream=in_stream,
            redactor=self._redactor,
        )

    def _error_in_stream(self, error: object) -> Failure:
        return self._error_in_answer(error, in_stream=True)


class _Header(Protocol):
    headers: Mapping[str, str]


def _bytes(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which is no text, becomes a question mark instead of an error."""
    return _encode(body).encode("utf-8", "replace")


def _is_event_stream(reply: StreamReply | _Header) -> bool:
    kind = reply.headers.get("content-type", "").lower()
    # No type at all is taken for what was asked for.
    return "text/event-stream" in kind or not kind


def _as_stream(response: Response) -> Sequence[StreamPart]:
    """A whole response as a stream would have brought it."""
    parts: list[StreamPart] = []
    if response.message.reasoning:
        parts.append(ReasoningDelta(response.message.reasoning))
    if response.message.text:
        parts.append(TextDelta(response.message.text))
    for index, call in enumerate(response.message.tool_calls):
        arguments = call.raw if call.raw is not None else json.dumps(dict(call.arguments))
        parts.append(ToolCallDelta(index, arguments, call.id, call.name))
    parts.append(response)
    return parts
