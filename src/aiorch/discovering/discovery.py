"""What a look around has found: models with what decides about each, counted, filtered, sorted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypedDict, overload

from aiorch.discovering.orders import ORDERS, by_score
from aiorch.discovering.records import Plain, record
from aiorch.errors import InputError, UnknownModel, UnknownProvider, nearest
from aiorch.providers import RETIRED
from aiorch.types import FreeKind, ModelCard, PassedOver


class Counted(TypedDict):
    """How many there are, and how many of them can be used now."""

    listed: int
    usable_now: int


class Summary(TypedDict):
    """The four numbers of a discovery. Retired models are in none of them."""

    total_models: Counted
    free_models: Counted
    providers: Counted
    benchmarked: Counted


@dataclass(frozen=True, slots=True)
class DiscoveredModel:
    """A model and whether it can be used now."""

    card: ModelCard
    reasons: tuple[str, ...] = ()
    """Everything that stands in the way of using it now."""
    free: bool = False
    """Known to cost nothing with these settings (at a provider whose key is billed, an allowance does not count)."""

    @property
    def usable_now(self) -> bool:
        """True when nothing stands in the way."""
        return not self.reasons

    @property
    def why_not(self) -> str:
        """The reasons in one line; empty where there are none."""
        return "; ".join(self.reasons)


@dataclass(frozen=True, slots=True)
class DiscoveredProvider:
    """A provider and whether it can be used now."""

    id: str
    name: str
    why_not: str = ""
    """What keeps it from being used, for example ``no GROQ_API_KEY``; empty where it is configured."""
    free_kind: FreeKind = "none"
    """What its free models are, where it has any."""
    basis: str = ""
    """In words: which of its models cost nothing, and how far."""
    as_of: float | None = None
    """Of when that is which is known of its models, epoch seconds."""
    live: bool = False
    """True where it comes from the provider's own list, had then."""
    listed: int = 0
    """Models that it is known to have, without retired ones."""
    free: int = 0
    usable_now: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Discovery:
    """Every model that is known, of every provider.

        found = await aiorch.discover()
        found.summary["free_models"]                       # {"listed": 286, "usable_now": 12}
        for model in found.where(usable=True, tools=True, min_context=100_000):
            print(model.card.id, model.card.context)
        pandas.DataFrame(found.to_records())

    Where the numbers are examples.
    """

    models: tuple[DiscoveredModel, ...]
    """In the order in which they would be asked, until :meth:`sorted` puts them in another."""
    standings: tuple[DiscoveredProvider, ...] = ()
    """What is known of the providers; :attr:`providers` has their models counted as well."""
    problems: tuple[PassedOver, ...] = ()
    """Whose list could not be had, and what is shown in its place."""
    embedded_as_of: str = ""
    """The day of what aiorch brings along: what is known of whoever was not asked."""

    # --- numbers

    @property
    def summary(self) -> Summary:
        """How many there are, and how many of them can be used now: ``summary["free_models"]["listed"]``."""
        alive = [m for m in self.models if not m.card.retired]
        usable = [m for m in alive if m.usable_now]
        return Summary(
            total_models=Counted(listed=len(alive), usable_now=len(usable)),
            free_models=Counted(listed=sum(m.free for m in alive), usable_now=sum(m.free for m in usable)),
            providers=Counted(
                listed=len({m.card.provider for m in alive}),
                usable_now=len({m.card.provider for m in usable}),
            ),
            benchmarked=Counted(
                listed=sum(bool(m.card.scores) for m in alive),
                usable_now=sum(bool(m.card.scores) for m in usable),
            ),
        )

    @property
    def providers(self) -> tuple[DiscoveredProvider, ...]:
        """The providers with their models counted, most usable first."""
        listed, free, usable = Counter[str](), Counter[str](), Counter[str]()
        for model in self.models:
            if not model.card.retired:
                listed[model.card.provider] += 1
                free[model.card.provider] += model.free
                usable[model.card.provider] += model.usable_now
        counted = (
            replace(one, listed=listed[one.id], free=free[one.id], usable_now=usable[one.id])
            for one in self.standings
        )
        return tuple(sorted(counted, key=lambda p: (-p.usable_now, -p.free, -p.listed, p.id)))

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Names of the benchmarks that any of these models has a score of."""
        return tuple(sorted({score.benchmark for m in self.models for score in m.card.scores}))

    # --- fewer, and in another order

    def where(
        self,
        *,
        free: bool | None = None,
        usable: bool | None = None,
        provider: str | Collection[str] | None = None,
        family: str | None = None,
        tools: bool | None = None,
        json_schema: bool | None = None,
        vision: bool | None = None,
        reasoning: bool | None = None,
        embeddings: bool | None = None,
        retired: bool | None = None,
        min_context: int | None = None,
        benchmark: str | None = None,
    ) -> Discovery:
        """Only models that are like this; ``None`` asks for nothing.

        ``tools=True`` keeps those that are known to call tools, ``tools=False`` all others; likewise the rest.

        :param family: a family, or a pattern of some (``llama-*``).
        :param min_context: tokens; models that do not tell are left out.
        :param benchmark: only models with a score of it.
        :raises UnknownProvider: for a provider that nobody knows, with the nearest names; :raises InputError: likewise
            for a benchmark.
        """
        wanted = {provider} if isinstance(provider, str) else None if provider is None else set(provider)
        for name in wanted or ():
            if name not in self._provider_ids:
                fate = RETIRED.get(name, "")
                raise UnknownProvider(name, () if fate else self._provider_ids, fate)
        if benchmark is not None:
            self._check_benchmark(benchmark)

        def like(model: DiscoveredModel) -> bool:
            card, can = model.card, model.card.capabilities
            asked = (
                (free, model.free),
                (usable, model.usable_now),
                (tools, can.tools is True),
                (json_schema, can.json_schema is True),
                (vision, can.vision is True or "image" in (card.inputs or ())),
                (reasoning, can.reasoning is True),
                (embeddings, can.embeddings is True),
                (retired, card.retired),
            )
            return (
                all(want is None or want is has for want, has in asked)
                and (wanted is None or card.provider in wanted)
                and (family is None or fnmatchcase((card.family or "").lower(), family.lower()))
                and (min_context is None or (card.context or 0) >= min_context)
                and (benchmark is None or any(s.benchmark == benchmark for s in card.scores))
            )

        kept = tuple(m for m in self.models if like(m))
        if len(kept) == len(self.models) and wanted is None:
            return self
        of = {m.card.provider for m in kept} | (wanted or set())
        return replace(self, models=kept, standings=tuple(p for p in self.standings if p.id in of))

    def sorted(self, by: str = "route") -> Discovery:
        """The same models in another order.

        :param by: ``route``, ``price``, ``name``, ``context``, ``size``, ``new``, or a benchmark's name.
        :raises InputError: for another order, with the nearest names.
        """
        if by in ORDERS:
            order = ORDERS[by]
        else:
            self._check_benchmark(by, also=ORDERS)
            order = by_score(by)
        usable_first = by == "route"
        models = sorted(self.models, key=lambda m: (usable_first and not m.usable_now, order(m.card)))
        return replace(self, models=tuple(models))

    # --- one

    def model(self, name: str) -> DiscoveredModel:
        """The first model that is called so: ``provider/model``, or the bare id.

        :raises UnknownModel: when there is none, with the nearest names.
        """
        found = next((m for m in self.models if name in (m.card.id, m.card.model)), None)
        if found is None:
            raise UnknownModel(name, self._names_like(name))
        return found

    def relatives(self, model: DiscoveredModel) -> tuple[DiscoveredModel, ...]:
        """The other deployments of its family: the same model at other providers, and its variants."""
        family = model.card.family
        if family is None:
            return ()
        return tuple(m for m in self.models if m.card.family == family and m.card.id != model.card.id)

    # --- as plain data

    def to_records(self) -> list[dict[str, Plain]]:
        """One flat row a model, all with the same columns, for a data frame.

        Prices are USD per million tokens, and ``None`` is what nobody says. Scores are in columns
        ``score_<benchmark>``.
        """
        benchmarks = self.benchmarks
        return [record(model, benchmarks) for model in self.models]

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[DiscoveredModel]:
        return iter(self.models)

    @overload
    def __getitem__(self, at: int) -> DiscoveredModel: ...
    @overload
    def __getitem__(self, at: slice) -> Discovery: ...
    def __getitem__(self, at: int | slice) -> DiscoveredModel | Discovery:
        """The model at a place, or a discovery of some: ``found[:10]``."""
        return replace(self, models=self.models[at]) if isinstance(at, slice) else self.models[at]

    @property
    def told(self) -> str:
        """The numbers in words."""
        summary = self.summary
        return ", ".join(
            f"{count['listed']:,} {name} ({count['usable_now']:,} usable now)"
            for name, count in (
                ("models", summary["total_models"]),
                ("free", summary["free_models"]),
                ("providers", summary["providers"]),
                ("benchmarked", summary["benchmarked"]),
            )
        )

    def __repr__(self) -> str:
        return f"<aiorch.Discovery: {self.told}>"

    # --- names

    @property
    def _provider_ids(self) -> set[str]:
        return {p.id for p in self.standings} | {m.card.provider for m in self.models}

    def _names_like(self, name: str) -> set[str]:
        """Where ``name`` begins with a provider, its models; otherwise bare ids, so that no provider's name gets in the
        way of the comparison.
        """
        provider = name.split("/", 1)[0]
        of_it = {m.card.id for m in self.models if m.card.provider == provider}
        return of_it or {m.card.model for m in self.models} | {m.card.id for m in self.models}

    def _check_benchmark(self, name: str, also: Collection[str] = ()) -> None:
        if name in self.benchmarks:
            return
        near = nearest(name, (*also, *self.benchmarks))
        what = "order or benchmark" if also else "benchmark"
        offer = (
            f"did you mean {' or '.join(map(repr, near))}?"
            if near
            else "none of these models has a score of it"
        )
        raise InputError(f"unknown {what} {name!r}: {offer}")
