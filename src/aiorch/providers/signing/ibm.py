"""IBM Cloud's tokens: an API key is exchanged for one that is good for an hour."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed
from aiorch.net import NetError, Transport
from aiorch.providers.decode import as_text, parse_json
from aiorch.providers.failures import classify, from_net, malformed, no_such_key
from aiorch.providers.redaction import Redactor
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Failure, FailureKind, Timeouts

if TYPE_CHECKING:
    import anyio

IAM = "https://iam.cloud.ibm.com/identity/token"
"""Where keys are exchanged (IBM Cloud IAM Identity Services API)."""

MARGIN = 60.0
"""Seconds before its end in which a token is no longer used: the call that bears it has to arrive."""

_PATIENCE = Timeouts(connect=10.0, first_byte=30.0, idle=30.0)
_LATER = (408, 429)
_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    until: float
    """By the monotonic clock."""


class IBMSigner:
    """Keeps a token for each key, and exchanges each key once at a time."""

    def __init__(self, spec: ProviderSpec, transport: Transport, clock: Clock) -> None:
        self._spec = spec
        self._transport = transport
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        # A lock belongs to the event loop that it was made in.
        self._locks: weakref.WeakKeyDictionary[object, dict[str, anyio.Lock]] = weakref.WeakKeyDictionary()

    def __repr__(self) -> str:
        return f"IBMSigner({self._spec.id!r})"

    async def headers(self, method: str, url: str, body: bytes | None, key: str | None) -> Mapping[str, str]:
        """The token of ``key``. :raises AttemptFailed: when there is none to be had."""
        if key is None:
            raise AttemptFailed(no_such_key(None, self._spec))
        token = self._kept(key)
        if token is None:
            async with self._lock(key):
                token = self._kept(key)
                if token is None:
                    token = self._tokens[key] = await self._exchanged(key)
        return {"authorization": f"Bearer {token.value}"}

    def _kept(self, key: str) -> _Token | None:
        token = self._tokens.get(key)
        return token if token is not None and self._clock.monotonic() < token.until else None

    def _lock(self, key: str) -> anyio.Lock:
        import anyio
        from anyio.lowlevel import current_token

        here = self._locks.setdefault(current_token().native_token, {})
        return here.setdefault(key, anyio.Lock())

    async def _exchanged(self, key: str) -> _Token:
        form = urlencode({"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": key}).encode()
        asked = self._clock.monotonic()
        try:
            prepared = self._transport.prepare("POST", IAM, _FORM)
            reply = await self._transport.send(prepared, form, _PATIENCE)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        if reply.status != 200:
            raise AttemptFailed(self._refused(reply.status, reply.headers, reply.body, key))
        answer = parse_json(reply.body)
        value, seconds = as_text(answer.get("access_token")), answer.get("expires_in")
        if not value:
            raise AttemptFailed(malformed("IBM Cloud answered without a token"))
        good_for = float(seconds) if isinstance(seconds, int | float) else 0.0
        return _Token(value, asked + good_for - MARGIN)

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes, key: str) -> Failure:
        failure = classify(
            status, headers, body, provider=self._spec, now=self._clock.now(), redactor=Redactor([key])
        )
        said = f"IBM Cloud gave no token: {failure.message}"
        if 400 <= status < 500 and status not in _LATER:
            # All that was sent is the key, so whatever displeases is about the key.
            return replace(failure, kind=FailureKind.AUTH, scope="account", message=said, ambiguous=False)
        return replace(failure, message=said)
