"""Google Cloud's tokens, through google-auth: of a service account's file, or of whoever is signed in here."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from aiorch.errors import AttemptFailed, MissingExtra
from aiorch.net import NetError, Reply, Transport
from aiorch.providers.failures import from_net
from aiorch.providers.redaction import Redactor
from aiorch.types import Failure, FailureKind, Timeouts

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What the token is good for."""

_PATIENCE = Timeouts(connect=10.0, first_byte=30.0, idle=30.0)
_KINDS: Mapping[str, tuple[str, str, str]] = {
    "service_account": (
        "google.oauth2.service_account",
        "Credentials",
        "from_service_account_info",
    ),
    "authorized_user": ("google.oauth2.credentials", "Credentials", "from_authorized_user_info"),
}
"""What a file's ``type`` is read by."""


class _Credentials(Protocol):
    """What google-auth knows of who calls."""

    @property
    def valid(self) -> bool:
        """True while its token is good, and for a few minutes more."""
        ...

    def refresh(self, request: object) -> None: ...
    def apply(self, headers: dict[str, str]) -> None: ...


class GoogleSigner:
    """Keeps one token, and asks for the next one shortly before it ends.

    :param file: of a service account or an authorized user; ``None`` = what Google's own tools would use.
    :raises MissingExtra: without google-auth.
    """

    def __init__(self, transport: Transport, *, file: str | None = None) -> None:
        try:
            there = find_spec("google.auth") is not None
        except ModuleNotFoundError:
            there = False
        if not there:
            raise MissingExtra("vertex", "signing in to Google Cloud")
        self._transport = transport
        self._file = file
        self._credentials: _Credentials | None = None
        self._asking = threading.Lock()

    def __repr__(self) -> str:
        return f"GoogleSigner(file={self._file!r})"

    async def headers(self, method: str, url: str, body: bytes | None, key: str | None) -> Mapping[str, str]:
        """The token, and the project that pays where the credentials name one.

        :raises AttemptFailed: when there is none to be had.
        """
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            import anyio

            credentials = await anyio.to_thread.run_sync(self._renewed)
        made: dict[str, str] = {}
        credentials.apply(made)
        return made

    # --- in a worker thread --------------------------------------------------------------------------------------

    def _renewed(self) -> _Credentials:
        errors = import_module("google.auth.exceptions")
        try:
            with self._asking:
                ask = _Asker(self._transport, cast("type[Exception]", errors.TransportError))
                self._credentials = self._credentials or self._found(ask)
                if not self._credentials.valid:
                    self._credentials.refresh(ask)
                return self._credentials
        except cast("type[Exception]", errors.GoogleAuthError) as error:
            if isinstance(error.__cause__, AttemptFailed):
                raise AttemptFailed(error.__cause__.failure) from None
            said = Redactor().clean(str(error.args[0]) if error.args else type(error).__name__)
            raise _refused(f"Google Cloud gave no token: {said}") from None

    def _found(self, ask: _Asker) -> _Credentials:
        if self._file is None:
            found: Any = import_module("google.auth").default(scopes=SCOPES, request=ask)
            return cast(_Credentials, found[0])
        try:
            told: Any = json.loads(Path(self._file).expanduser().read_bytes())
            module, name, read = _KINDS[told["type"]]
            kind: Any = getattr(import_module(module), name)
            return cast(_Credentials, getattr(kind, read)(told, scopes=SCOPES))
        except (OSError, ValueError, LookupError, TypeError) as error:
            # The cause is left out: it may show a part of the file.
            what = f"the file {self._file} holds no credentials of a service account or an authorized user"
            raise _refused(f"{what} ({type(error).__name__}); nothing was sent") from None


def _refused(what: str) -> AttemptFailed:
    return AttemptFailed(Failure(FailureKind.AUTH, "account", what))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response as google-auth wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Asker:
    """google-auth's questions over our transport; called in a worker thread."""

    def __init__(self, transport: Transport, failed: type[Exception]) -> None:
        self._transport = transport
        self._failed = failed

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: object,
    ) -> _Answer:
        from anyio import from_thread

        try:
            reply = from_thread.run(self._ask, method, url, body, dict(headers or {}))
        except AttemptFailed as error:
            raise self._failed(str(error)) from error
        return _Answer(reply.status, reply.headers, reply.body)

    async def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        try:
            reply = await self._transport.send(self._transport.prepare(method, url, headers), body, _PATIENCE)
        except NetError as error:
            raise AttemptFailed(from_net(error)) from error
        if reply.status >= 500 or reply.status == 429:
            # google-auth would ask again by itself, and wait in between; that is for those above to decide.
            what = f"Google Cloud's sign-in is unwell (status {reply.status})"
            raise AttemptFailed(Failure(FailureKind.OVERLOADED, "upstream", what, status=reply.status))
        return reply
