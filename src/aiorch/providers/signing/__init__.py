"""Who makes the headers of a call where no key in a header is enough: Amazon's signatures, IBM's and Google's tokens.

Each is a :class:`~aiorch.providers.http.Signer`. What it needs beyond the standard library is imported at its first
call, in a worker thread where that takes long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiorch.providers.spec import ProviderSpec

if TYPE_CHECKING:
    from pydantic import SecretStr

    from aiorch.clock import Clock
    from aiorch.net import Transport
    from aiorch.providers.http import Signer

__all__ = ["signer_for"]


def signer_for(
    spec: ProviderSpec,
    found: Mapping[str, SecretStr],
    variables: Mapping[str, str],
    transport: Transport,
    clock: Clock,
) -> Signer | None:
    """The signer that a row names; ``None`` where it names none.

    :param found: the values of the row's ``signer_env`` that are set.
    :param variables: those of the row's variables that are set; the others have their defaults.
    :raises MissingExtra: when what it signs with is not installed.
    """
    match spec.signer:
        case None:
            return None
        case "aws":
            from aiorch.providers.signing.aws import AWSSigner

            profile = found.get("AWS_PROFILE")
            return AWSSigner(
                clock,
                region=_value("region", spec, variables),
                access_key=found.get("AWS_ACCESS_KEY_ID"),
                secret_key=found.get("AWS_SECRET_ACCESS_KEY"),
                session_token=found.get("AWS_SESSION_TOKEN"),
                profile=profile.get_secret_value() if profile else None,
            )
        case "ibm":
            from aiorch.providers.signing.ibm import IBMSigner

            return IBMSigner(spec, transport, clock)
        case "google":
            from aiorch.providers.signing.google import GoogleSigner

            file = found.get("GOOGLE_APPLICATION_CREDENTIALS")
            return GoogleSigner(transport, file=file.get_secret_value() if file else None)


def _value(name: str, spec: ProviderSpec, variables: Mapping[str, str]) -> str:
    usual = next((v.default for v in spec.variables if v.name == name), None)
    return variables.get(name) or usual or "us-east-1"
