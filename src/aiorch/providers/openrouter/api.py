"""Everything OpenRouter answers besides chats: a thin ring around one provider's ``get``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from aiorch.errors import InputError
from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.openrouter.account import (
    Credits,
    GenerationStats,
    KeyInfo,
    read_credits,
    read_generation,
    read_key,
)
from aiorch.providers.openrouter.benchmarks import (
    BenchmarkSource,
    BenchmarkTask,
    benchmarks_path,
    read_benchmarks,
)
from aiorch.providers.openrouter.hosts import Host, read_hosts
from aiorch.providers.openrouter.ids import ROUTERS, split
from aiorch.types import Score


class Asks(Protocol):
    """Whoever can be asked for a JSON object: :class:`~aiorch.providers.http.HTTPProvider`."""

    async def get(self, path: str, key: str | None = None) -> Mapping[str, Any]:
        """:raises AttemptFailed: when it does not say."""
        ...


@dataclass(frozen=True, slots=True)
class HostCompany:
    """Who stands behind a host."""

    name: str
    slug: str
    headquarters: str | None = None
    """Two letters of a country, as the next."""
    datacenters: tuple[str, ...] = ()
    status_page: str | None = None
    privacy_policy: str | None = None
    terms: str | None = None


class OpenRouterAPI:
    """What OpenRouter tells of models, hosts, keys and past answers.

        router = OpenRouterAPI(HTTPProvider(SPECS["openrouter"], Transport(), keys={"OPENROUTER_API_KEY": key}))
        limits = free_limits(await router.key())
        expected = prior(await router.hosts("qwen/qwen3.8-27b:free"))

    Every call raises :class:`~aiorch.errors.AttemptFailed` when it is not answered.
    """

    def __init__(self, provider: Asks, key: str | None = None) -> None:
        """:param key: the name of the key to ask with; ``None`` = the provider's first."""
        self._provider = provider
        self._key = key

    async def hosts(self, model: str) -> tuple[Host, ...]:
        """The hosts of one model; with a key also how quick they are. Of a ``:free`` id those that are free.

        :raises InputError: for a router, which has none of its own, and for what is no id.
        """
        base, suffixes = split(model)
        whole = base.removeprefix("openrouter/") if base.count("/") > 1 else base
        author, _, slug = whole.partition("/")
        if whole in ROUTERS or not author or not slug or "/" in slug:
            raise InputError(f"{model!r} has no hosts at OpenRouter: name a model as author/model")
        # Variants have no address of their own: the model's has the free hosts and the paid ones.
        found = read_hosts(
            await self._get(f"/models/{quote(author, safe='~')}/{quote(slug, safe='')}/endpoints")
        )
        return tuple(h for h in found if h.price and h.price.zero) if "free" in suffixes else found

    async def key(self) -> KeyInfo:
        """What the key may spend and has spent."""
        return read_key(await self._get("/key"))

    async def credits(self) -> Credits:
        """What the account has bought and used; answered only to management keys."""
        return read_credits(await self._get("/credits"))

    async def generation(self, id: str) -> GenerationStats:
        """One past answer, by ``Response.id`` or ``Response.details["generation"]``; there a moment after it ended."""
        return read_generation(await self._get(f"/generation?{urlencode({'id': id})}"))

    async def count(self) -> int:
        """How many models it has for text."""
        number = as_object((await self._get("/models/count")).get("data")).get("count")
        return number if isinstance(number, int) else 0

    async def companies(self) -> tuple[HostCompany, ...]:
        """Who stands behind its hosts."""
        items = map(as_object, as_list((await self._get("/providers")).get("data")))
        return tuple(_company(item) for item in items if item.get("slug"))

    async def keeping_nothing(self) -> tuple[Host, ...]:
        """Every host of every model that keeps no prompt (zero data retention)."""
        return read_hosts(await self._get("/endpoints/zdr"))

    async def benchmarks(
        self, source: BenchmarkSource | None = None, task: BenchmarkTask | None = None
    ) -> Mapping[str, tuple[Score, ...]]:
        """Scores by the model's id."""
        return read_benchmarks(await self._get(benchmarks_path(source, task)))

    async def _get(self, path: str) -> Mapping[str, Any]:
        return await self._provider.get(path, self._key)


def _company(item: Mapping[str, Any]) -> HostCompany:
    return HostCompany(
        as_text(item.get("name")) or as_text(item.get("slug")),
        as_text(item.get("slug")),
        as_text(item.get("headquarters")) or None,
        tuple(as_text(place) for place in as_list(item.get("datacenters"))),
        as_text(item.get("status_page_url")) or None,
        as_text(item.get("privacy_policy_url")) or None,
        as_text(item.get("terms_of_service_url")) or None,
    )
