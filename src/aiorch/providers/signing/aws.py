"""Amazon's signatures (Signature Version 4), with the credentials that Amazon's own tools would use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiorch.clock import Clock
from aiorch.errors import AttemptFailed, MissingExtra
from aiorch.types import Failure, FailureKind

if TYPE_CHECKING:
    from pydantic import SecretStr


class _Frozen(Protocol):
    """A key pair of botocore's, at one moment."""

    access_key: str
    secret_key: str
    token: str | None


class _Credentials(Protocol):
    """A source of key pairs of botocore's; some expire."""

    def get_frozen_credentials(self) -> _Frozen: ...


class AWSSigner:
    """Signs with the key pair that it is given; without one with whatever botocore finds: a profile, a role, SSO.

    :param service: what the signature is good for; Amazon calls it the signing name.
    :raises MissingExtra: without botocore.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        region: str,
        service: str = "bedrock",
        access_key: SecretStr | None = None,
        secret_key: SecretStr | None = None,
        session_token: SecretStr | None = None,
        profile: str | None = None,
    ) -> None:
        if find_spec("botocore") is None:
            raise MissingExtra("bedrock", "signing calls to Amazon")
        self._clock = clock
        self._region = region
        self._service = service
        self._pair = (access_key, secret_key) if access_key and secret_key else None
        self._session_token = session_token
        self._profile = profile
        self._credentials: _Credentials | None = None
        self._looking = threading.Lock()

    def __repr__(self) -> str:
        return f"AWSSigner({self._service!r}, {self._region!r}, profile={self._profile!r})"

    async def headers(self, method: str, url: str, body: bytes | None, key: str | None) -> Mapping[str, str]:
        """Date, signature and, of credentials for a while, their token. :raises AttemptFailed: without credentials."""
        return self._signed(await self._frozen(), method, url, body)

    # --- who calls -----------------------------------------------------------------------------------------------

    async def _frozen(self) -> _Frozen:
        credentials = self._credentials
        if credentials is not None and not _may_be_renewed(credentials):
            return credentials.get_frozen_credentials()
        import anyio

        # Files are read, and Amazon may be asked over the network.
        return await anyio.to_thread.run_sync(self._look_up, abandon_on_cancel=True)

    def _look_up(self) -> _Frozen:
        errors = import_module("botocore.exceptions")
        failed = cast("tuple[type[Exception], ...]", (errors.BotoCoreError, errors.ClientError))
        unreached = cast("tuple[type[Exception], ...]", (errors.HTTPClientError, errors.ConnectionError))
        try:
            with self._looking:
                self._credentials = self._credentials or self._found()
                return self._credentials.get_frozen_credentials()
        except failed as error:
            # Their words are left out: a helper program's output, which may be a secret, would be among them.
            whose = f"of the profile {self._profile!r} " if self._profile else ""
            what = f"Amazon's credentials {whose}cannot be had ({type(error).__name__}); nothing was sent"
            if isinstance(error, unreached):
                raise AttemptFailed(Failure(FailureKind.TRANSPORT, "account", what)) from None
            raise AttemptFailed(Failure(FailureKind.AUTH, "account", what)) from None

    def _found(self) -> _Credentials:
        import_module("botocore.auth")  # here, where it holds nobody up
        if self._pair is not None:
            token = self._session_token.get_secret_value() if self._session_token else None
            secrets = (secret.get_secret_value() for secret in self._pair)
            return cast(_Credentials, import_module("botocore.credentials").Credentials(*secrets, token))
        session = import_module("botocore.session").Session(profile=self._profile)
        credentials = cast("_Credentials | None", session.get_credentials())
        if credentials is None:
            what = (
                "no credentials of Amazon's were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK; nothing was sent"
            )
            raise AttemptFailed(Failure(FailureKind.AUTH, "account", what))
        return credentials

    # --- the signature -------------------------------------------------------------------------------------------

    def _signed(self, pair: _Frozen, method: str, url: str, body: bytes | None) -> Mapping[str, str]:
        # SigV4Auth.add_auth would do all this in one, but reads the machine's clock and logs the session's token.
        moment = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        told = {"X-Amz-Date": moment}
        if pair.token:
            told["X-Amz-Security-Token"] = pair.token
        request: Any = import_module("botocore.awsrequest").AWSRequest(
            method=method, url=url, data=body or b"", headers=told
        )
        request.context["timestamp"] = moment
        auth: Any = import_module("botocore.auth").SigV4Auth(pair, self._service, self._region)
        signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        signed = auth.signed_headers(auth.headers_to_sign(request))
        proof = f"Credential={auth.scope(request)}, SignedHeaders={signed}, Signature={signature}"
        return {**told, "Authorization": f"AWS4-HMAC-SHA256 {proof}"}


def _may_be_renewed(credentials: _Credentials) -> bool:
    """True where asking for the key pair may take a while."""
    expire = getattr(credentials, "refresh_needed", None)
    return expire is not None and bool(expire())
