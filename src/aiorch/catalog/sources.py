"""Where lists of models come from: a provider's own list, and models.dev's of all providers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiorch.catalog.here import is_local
from aiorch.clock import Clock
from aiorch.errors import AiorchError
from aiorch.protocols import Lister, Provider
from aiorch.types import Listing

LIST_TIMEOUT = 10.0
"""Seconds that a source may take to list its models; most answer within one."""
SLOW_LISTS = {"nvidia": 30.0}
"""NVIDIA was seen to take eleven."""

MODELS_DEV = "models.dev"
MODELS_DEV_URL = "https://models.dev/api.json"
MODELS_DEV_HOLDS = 86_400.0
"""Seconds; it is put together anew several times a day, and facts about models change more slowly."""

INCOMPLETE = frozenset({"nova"})
"""Providers whose list is not known to be complete: what is known besides is added to it."""


class Fetched(Protocol):
    """An answer over HTTP, as :class:`aiorch.net.Reply` is one."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


Fetch = Callable[[str, Mapping[str, str]], Awaitable[Fetched]]
"""Gets an address with these headers; whatever goes wrong is raised as an :class:`~aiorch.errors.AiorchError`."""


@dataclass(frozen=True, slots=True)
class Source:
    """One list that can be asked for."""

    name: str
    """A provider's, or ``models.dev``."""
    ask: Callable[[Listing | None], Awaitable[Listing]]
    """Asks for the list; takes what is known, so that the answer may be that nothing has changed."""
    account: str = ""
    """A fingerprint of what the list depends on; empty where everybody gets the same."""
    patience: float = 10.0
    """Seconds."""
    holds: float | None = None
    """Seconds for which an answer is believed whatever it says; ``None`` = as it says."""
    stored: bool = True
    """False where the list costs nothing and changes at any moment."""
    offline: bool = False
    """True where it may be asked without a network."""
    complete: bool = True
    """False where models may exist that it leaves out."""


def of_provider(provider: Provider) -> Source:
    """The provider's own list."""
    here = is_local(provider)

    async def ask(known: Listing | None) -> Listing:
        if isinstance(provider, Lister):
            return await provider.listing(known)
        return Listing(tuple(await provider.models()))

    return Source(
        provider.name,
        ask,
        account=provider.account if isinstance(provider, Lister) else "",
        patience=SLOW_LISTS.get(provider.name, LIST_TIMEOUT),
        stored=not here,
        offline=here,
        complete=provider.name not in INCOMPLETE and _has_list(provider),
    )


def models_dev(fetch: Fetch, clock: Clock) -> Source:
    """models.dev's facts on every provider that it and we know, in one list."""

    async def ask(known: Listing | None) -> Listing:
        import anyio.to_thread

        from aiorch.catalog.modelsdev import read_api
        from aiorch.providers.freshness import holds_for

        asked: dict[str, str] = {"accept": "application/json"}
        if known is not None and known.etag:
            asked["if-none-match"] = known.etag
        if known is not None and known.last_modified:
            asked["if-modified-since"] = known.last_modified
        reply = await fetch(MODELS_DEV_URL, asked)
        if reply.status == 304 and known is not None:
            return Listing((), known.etag, known.last_modified, unchanged=True)
        if reply.status != 200:
            raise AiorchError(f"{MODELS_DEV_URL} answered with status {reply.status}")
        now = clock.now()
        found = await anyio.to_thread.run_sync(read_api, reply.body, now)  # megabytes of JSON
        told = {name.lower(): value for name, value in reply.headers.items()}
        return Listing(
            tuple(card for cards in found.values() for card in cards),
            told.get("etag"),
            told.get("last-modified"),
            holds_for(reply.headers, now),
        )

    return Source(MODELS_DEV, ask, patience=LIST_TIMEOUT, holds=MODELS_DEV_HOLDS)


def _has_list(provider: Provider) -> bool:
    """False for a row of facts without a list: the few models that it names are not all."""
    return getattr(getattr(provider, "spec", None), "list_path", "") is not None
