"""Any provider over HTTP, by its row of facts and the dialect that the row names: exactly one attempt a call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AttemptFailed
from aiorch.net import (
    NetError,
    Prepared,
    Reply,
    Transport,
)
from aiorch.providers.allowances_seen import limits_seen
from aiorch.providers.batches import Parts
from aiorch.providers.decode import parse_json
from aiorch.providers.dialect import dialect_named
from aiorch.providers.failures import (
    classify,
    from_net,
    malformed,
    no_such_key,
    without_model,
)
from aiorch.providers.framing import ACCEPT, as_stream, is_stream, parser_for, parts_of
from aiorch.providers.freshness import holds_for
from aiorch.providers.pages import next_page
from aiorch.providers.redaction import Redactor
from aiorch.providers.spec import ProviderSpec, resolved
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Listing,
    ModelCard,
    Request,
    Response,
    StreamPart,
    Timeouts,
)

if TYPE_CHECKING:
    from pydantic import SecretStr

LIST_TIMEOUTS = Timeouts(connect=10.0, first_byte=30.0, idle=30.0)
"""NVIDIA's list was seen to take 11 s."""

MOST_PAGES = 50
"""Pages of one list; the longest known list, asked for by the hundred, has eight."""

ASKED_AT_ONCE = 4
"""Questions about single models that a list leaves open, at one time."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Signer(Protocol):
    """Makes the headers that prove who calls, anew for each call."""

    async def headers(self, method: str, url: str, body: bytes | None, key: str | None) -> Mapping[str, str]:
        """:param key: the secret of the deployment's key, where it names one.

        :raises AttemptFailed: ``auth``, when there is nothing to prove it with.
        """
        ...


class HTTPProvider:
    """One provider of :data:`~aiorch.providers.SPECS`, or of a row of your own.

        groq = HTTPProvider(SPECS["groq"], Transport(), keys={"GROQ_API_KEY": SecretStr("gsk_...")})
        response = await groq.complete(Deployment("groq", "openai/gpt-oss-20b", "GROQ_API_KEY"), request)

    :param keys: the secrets by the names that a :class:`~aiorch.types.Deployment` uses for them.
    :param base_url: instead of the row's, for example of a local server on another port.
    :param variables: the values of the row's variables; those left out have their defaults.
    :param signer: for rows with a ``signer``.
    :param anonymous: call without a key, under the row's anonymous policy.
    :raises ConfigurationError: when a variable without a default has no value.

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
        variables: Mapping[str, str] | None = None,
        signer: Signer | None = None,
        anonymous: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if anonymous and spec.anonymous is not None:
            spec = replace(spec, needs_key=False, free=spec.anonymous)
        self.spec = resolved(spec, variables or {}, base_url)
        self._dialect = dialect_named(spec.dialect)
        self._transport = transport
        self._keys = dict(keys)
        self._signer = signer
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

    @property
    def account(self) -> str:
        """A fingerprint of the key and the address that its list depends on; empty where everybody gets the same."""
        if self.spec.list_is_public and not self.spec.local:
            return ""
        secrets = (k.get_secret_value() for k in self._keys.values())
        told = "\0".join((self.spec.base_url, self.spec.list_path or "", *secrets))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"HTTPProvider({self.spec.id!r}, {self.spec.base_url!r}, keys={sorted(self._keys)})"

    async def warm(self, timeouts: Timeouts = Timeouts()) -> None:
        """Open a connection for the next call. :raises AttemptFailed: when that fails."""
        try:
            await self._transport.warm(self.spec.base_url, timeouts)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error

    # --- its models ----------------------------------------------------------------------------------------------

    async def models(self) -> Sequence[ModelCard]:
        """The models that it lists now, or those of the row where there is no list to ask for.

        :raises AttemptFailed: when it does not say.
        """
        return (await self.listing()).cards

    async def listing(self, known: Listing | None = None) -> Listing:
        """Its list now, every page of it; ``unchanged`` where it says that ``known`` still holds.

        :raises AttemptFailed: when it does not say.
        """
        if self.spec.list_path is None:
            return Listing(tuple(self._dialect.models(b"[]", self.spec, self._clock.now())))
        try:
            first = await self._list(self.spec.list_path, known)
            if first.status == 304:
                kept = known or Listing()
                return Listing(
                    (), kept.etag, kept.last_modified, holds_for(first.headers, self._clock.now()), True
                )
            cards = {card.model: card for card in await self._pages(self.spec.list_path, first)}
            for path in self.spec.more_lists:
                for card in await self._pages(path, await self._list(path)):
                    cards.setdefault(card.model, card)
        except AttemptFailed as failed:
            raise AttemptFailed(without_model(failed.failure)) from failed
        told = {name.lower(): value for name, value in first.headers.items()}
        return Listing(
            await self._completed(tuple(cards.values())),
            told.get("etag"),
            told.get("last-modified"),
            holds_for(first.headers, self._clock.now()),
        )

    async def _list(self, path: str, known: Listing | None = None) -> Reply:
        # A whole URL is another host: one that tells everybody is not shown the key.
        elsewhere = self.spec.list_is_public and path.startswith(("http://", "https://"))
        key = None if elsewhere else next(iter(self._keys), None)
        asked: dict[str, str] = {}
        if known is not None and known.etag:
            asked["if-none-match"] = known.etag
        if known is not None and known.last_modified:
            asked["if-modified-since"] = known.last_modified
        prepared = await self._prepare("GET", path, key, None, optional=self.spec.list_is_public, more=asked)
        return await self._send(prepared, None, LIST_TIMEOUTS, unchanged=bool(asked))

    async def _pages(self, path: str, first: Reply) -> Sequence[ModelCard]:
        """The models of this page and those after it."""
        now = self._clock.now()
        cards = list(self._dialect.models(first.body, self.spec, now))
        body, asked = first.body, {path}
        while (following := next_page(body, path)) is not None and following not in asked:
            if len(asked) >= MOST_PAGES:
                raise AttemptFailed(malformed(f"its list of models has more than {MOST_PAGES} pages"))
            asked.add(following)
            body = (await self._list(following)).body
            cards += self._dialect.models(body, self.spec, now)
        return cards

    async def _completed(self, cards: Sequence[ModelCard]) -> tuple[ModelCard, ...]:
        """The cards with what only a question about each model tells; one that fails leaves its card as it is."""
        calls = {card.model: call for card in cards if (call := self._dialect.about(card, self.spec))}
        if not calls:
            return tuple(cards)
        import anyio

        told: dict[str, Mapping[str, Any]] = {}
        places = anyio.Semaphore(ASKED_AT_ONCE)
        key = next(iter(self._keys), None)

        async def ask(model: str) -> None:
            body = _bytes(calls[model].body)
            async with places:
                try:
                    prepared = await self._prepare("POST", calls[model].path, key, body)
                    told[model] = parse_json((await self._send(prepared, body, LIST_TIMEOUTS)).body)
                except AttemptFailed:
                    return

        async with anyio.create_task_group() as tasks:
            for model in calls:
                tasks.start_soon(ask, model)
        return tuple(self._dialect.enriched(c, told[c.model]) if c.model in told else c for c in cards)

    # --- asking --------------------------------------------------------------------------------------------------

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        """Ask once and return the whole answer. :raises AttemptFailed: whatever goes wrong."""
        request = self._mine(request)
        call = self._dialect.chat(deployment.model, request, self.spec)
        path, body = call.path, _bytes(call.body)
        del call  # hundreds may wait at a time, and the collector would look at all that these are made of
        more = self._own_headers(request, body)
        prepared = None if more else self._prepared.get(("POST" + path, deployment.key, True))
        if prepared is None:
            prepared = await self._prepare("POST", path, deployment.key, body, more=more)
        reply = await self._send(prepared, body, timeouts)
        response = self._dialect.answer(
            parse_json(reply.body), request, deployment.model, self._error_in_answer
        )
        return self._told(response, reply.headers)

    def stream(self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()) -> Parts:
        """Ask once; deltas as they come and the whole response last. Closing it ends the request.

        :raises AttemptFailed: whatever goes wrong, also in the middle.
        """
        return Parts(self._batches(deployment, request, timeouts))

    async def _batches(
        self, deployment: Deployment, request: Request, timeouts: Timeouts
    ) -> AsyncGenerator[Sequence[StreamPart], None]:
        """The parts, those together that came together."""
        dialect, request = self._dialect, self._mine(request)
        call = dialect.chat(deployment.model, request, self.spec, stream=True)
        body = _bytes(call.body)
        # llama.cpp's server says that it keeps the connection of a stream, and closes it under the next call. A new
        # connection to one's own machine costs nothing; over TLS to a cloud it would.
        prepared = await self._prepare(
            "POST",
            call.path,
            deployment.key,
            body,
            keep=not self.spec.local,
            more=self._own_headers(request, body),
        )
        parser = parser_for(dialect.framing)  # before anything is sent: it may need what is not installed
        try:
            async with self._transport.stream(prepared, body, timeouts) as reply:
                if reply.status != 200:
                    raise AttemptFailed(self._refused(reply.status, reply.headers, await reply.read()))
                if not is_stream(reply, dialect.framing):
                    # Some answer whole though a stream was asked for, and errors inside a 200 come so too.
                    answer = parse_json(await reply.read())
                    response = dialect.answer(answer, request, deployment.model, self._error_in_answer)
                    yield as_stream(self._told(response, reply.headers))
                    return
                reader = dialect.reader(request, deployment.model, self._error_in_stream)
                try:
                    async for piece in reply:
                        parts, failed = parts_of(reader, parser.feed(piece))
                        if parts:
                            yield parts
                        if failed is not None:
                            raise failed
                except NetError:
                    if not reader.finished:
                        raise
                    # The model had said all: only the usage is lost.
                if not reader.finished:
                    parts, failed = parts_of(reader, parser.close())
                    if parts:
                        yield parts
                    if failed is not None:
                        raise failed
                response = self._told(reader.response(), reply.headers)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        yield (response,)

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
        vectors: list[Sequence[float]] = []
        for call in self._dialect.embed(deployment.model, texts, self.spec):
            body = _bytes(call.body)
            prepared = await self._prepare("POST", call.path, deployment.key, body)
            answer = parse_json((await self._send(prepared, body, timeouts)).body)
            vectors += self._dialect.vectors(answer, call.count, self._error_in_answer)
        return vectors

    async def get(
        self, path: str, key: str | None = None, timeouts: Timeouts = LIST_TIMEOUTS
    ) -> Mapping[str, Any]:
        """The JSON object at a further address of this provider: an account, a model's hosts, a generation.

        :param key: the name of the key to ask with; ``None`` = its first, where it has one.
        :raises AttemptFailed: when it does not say.
        """
        name = key or next(iter(self._keys), None)
        prepared = await self._prepare("GET", path, name, None, optional=True)
        return parse_json((await self._send(prepared, None, timeouts)).body)

    async def aclose(self) -> None:
        """Nothing to let go of: the transport belongs to whoever made it."""

    # --- one call ------------------------------------------------------------------------------------------------

    async def _prepare(
        self,
        method: str,
        path: str,
        key: str | None,
        body: bytes | None,
        *,
        optional: bool = False,
        keep: bool = True,
        more: Mapping[str, str] | None = None,
    ) -> Prepared:
        """URL and headers of a call; made once a place where nothing in them is this call's own.

        :param keep: the connection. :raises AttemptFailed: without its key.
        """
        place = (method + path, key, keep)
        signs = self._signs(key)
        prepared = self._prepared.get(place)
        if prepared is not None and not more and not signs:
            return prepared
        url = path if path.startswith(("http://", "https://")) else self.spec.base_url + path
        headers = {"content-type": "application/json", "accept": ACCEPT[self._dialect.framing]}
        headers.update(self.spec.headers)
        headers.update(more or {})
        if not keep:
            headers["connection"] = "close"
        headers.update(self._key_header(key, optional=optional or signs))
        if signs and self._signer is not None:
            secret = self._keys.get(key) if key else None
            signed = await self._signer.headers(
                method, url, body, secret.get_secret_value() if secret else None
            )
            headers.update(signed)
        try:
            prepared = self._transport.prepare(method, url, headers)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        except (UnicodeEncodeError, ValueError):
            # The cause is left out: it would show the key.
            what = f"the key {key} of {self.spec.name} has characters that no key has; nothing was sent"
            raise AttemptFailed(Failure(FailureKind.AUTH, "account", what)) from None
        if not more and not signs:
            self._prepared[place] = prepared
        return prepared

    def _mine(self, request: Request) -> Request:
        """The request with what its parameters say to this provider, and not what they say to others."""
        if not request.parameters.by_provider:
            return request
        return replace(request, parameters=request.parameters.at(self.spec.id))

    def _own_headers(self, request: Request, body: bytes) -> Mapping[str, str]:
        """The headers that are this request's alone.

        What is asked is part of its idempotency key: under one key most refuse another question, and the others answer
        the first one again.
        """
        name = self.spec.idempotency_header
        if name is None or request.idempotency_key is None:
            return request.parameters.headers
        key = hashlib.sha256(request.idempotency_key.encode() + b"\0" + body).hexdigest()[:32]
        return {**request.parameters.headers, name: key}

    def _signs(self, key: str | None) -> bool:
        return self._signer is not None and (key is None or self.spec.auth is None)

    def _key_header(self, key: str | None, *, optional: bool) -> Mapping[str, str]:
        if key is not None:
            secret = self._keys.get(key)
            if secret is None:
                raise AttemptFailed(no_such_key(key, self.spec))
            if self.spec.auth is not None:
                header, _, template = self.spec.auth.partition(": ")
                return {header: template.format(key=secret.get_secret_value())}
        elif self.spec.needs_key and not optional:
            raise AttemptFailed(no_such_key(None, self.spec))
        return {}

    async def _send(
        self, prepared: Prepared, body: bytes | None, timeouts: Timeouts, *, unchanged: bool = False
    ) -> Reply:
        """A good answer. :param unchanged: take 304 for one. :raises AttemptFailed: for every other."""
        try:
            reply = await self._transport.send(prepared, body, timeouts)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        if reply.status != 200 and not (unchanged and reply.status == 304):
            raise AttemptFailed(self._refused(reply.status, reply.headers, reply.body))
        return reply

    def _told(self, response: Response, headers: Mapping[str, str]) -> Response:
        """The response with what the row wants to know of the headers."""
        spec = self.spec
        if spec.windows and (limits := limits_seen(headers, spec, self._clock.now())):
            response = replace(response, limits=limits)
        if not spec.told_headers:
            return response
        there = {name.lower(): value for name, value in headers.items()}
        told = {as_: there[name] for name, as_ in spec.told_headers.items() if name in there}
        return replace(response, details={**response.details, **told}) if told else response

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        if status < 300:
            return malformed(f"status {status} instead of an answer", status)
        now = self._clock.now()
        failure = classify(status, headers, body, provider=self.spec, now=now, redactor=self._redactor)
        limits = limits_seen(headers, self.spec, now)
        return replace(failure, limits=limits) if limits else failure

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


def _bytes(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8; half a surrogate pair, which is no text, becomes a question mark instead of an error."""
    return _encode(body).encode("utf-8", "replace")
