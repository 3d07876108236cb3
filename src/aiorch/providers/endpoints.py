"""Any OpenAI-compatible server by its address: one of your own, a proxy, a provider without a row."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiorch.net import Transport
from aiorch.providers.http import HTTPProvider
from aiorch.providers.spec import FreePolicy, ProviderSpec
from aiorch.types import Capabilities, FreeKind, Listing, ModelCard


class Endpoint(HTTPProvider):
    """An :class:`HTTPProvider` whose models may be told instead of asked for; made by :func:`endpoint`."""

    def __init__(
        self, spec: ProviderSpec, *, key: str | None, cards: Sequence[ModelCard], transport: Transport | None
    ) -> None:
        from pydantic import SecretStr

        self._own = transport is None
        self._seam = transport or Transport()
        self._cards = tuple(cards)
        keys = {f"{spec.id}.key": SecretStr(key)} if key else {}
        super().__init__(spec, self._seam, keys=keys)

    async def listing(self, known: Listing | None = None) -> Listing:
        """The models it was told, else those that the server lists."""
        return Listing(self._cards) if self._cards else await super().listing(known)

    async def aclose(self) -> None:
        """Close its connections, unless they were handed in."""
        if self._own:
            await self._seam.aclose()


def endpoint(
    name: str,
    base_url: str,
    *,
    key: str | None = None,
    models: Sequence[str | ModelCard] = (),
    free: FreeKind | None = None,
    idempotency_header: str | None = None,
    transport: Transport | None = None,
) -> Endpoint:
    """A provider for ``Orchestrator(providers=[...])`` from an address.

        ai = aiorch.Orchestrator(providers=[aiorch.endpoint("box", "http://10.0.0.5:8000/v1")])

    :param name: what it is called in routes and trails.
    :param base_url: up to and without ``/chat/completions``.
    :param key: sent as ``Authorization: Bearer``.
    :param models: ids (or whole cards) of its models; otherwise the server is asked for its list.
    :param free: why calls cost nothing. By default ``local`` for this machine and private networks, and ``unknown``
        elsewhere, which is used only with ``allow_paid=True`` and a budget.
    :param idempotency_header: the header under which it takes an idempotency key, for example ``Idempotency-Key``; sent
        with what durable runs ask.
    """
    here = _private(base_url)
    kind: FreeKind = free or ("local" if here else "unknown")
    spec = ProviderSpec(
        id=name,
        name=name,
        base_url=base_url,
        needs_key=key is not None,
        local=here,
        embeddings_path="/embeddings",
        free=FreePolicy(kind),
        idempotency_header=idempotency_header,
    )
    cards = [m if isinstance(m, ModelCard) else _card(name, m, kind) for m in models]
    return Endpoint(spec, key=key, cards=cards, transport=transport)


def _card(name: str, model: str, kind: FreeKind) -> ModelCard:
    return ModelCard(name, model, free=kind, capabilities=Capabilities(chat=True), source="user")


def _private(base_url: str) -> bool:
    """True for an address on this machine or a private network."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
