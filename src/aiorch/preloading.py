"""Ready before the first question: connections to where the popular models are, and the embedded model in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import anyio

from aiorch.choosing import completed, ranked
from aiorch.errors import AiorchError
from aiorch.protocols import Provider, Warmable
from aiorch.types import Task, Timeouts
from aiorch.work import Line

AT_ONCE = 8
"""Providers that are made ready at the same time."""

EMBEDDINGS = "embeddings"
"""What compares prompts, where similar ones share their answers: reported like a provider."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What came of making one provider ready."""

    provider: str
    models: tuple[str, ...]
    """Whose first call is quicker now, as ``provider/model``."""
    seconds: float
    problem: str = ""
    """Why it is not ready; empty where it is."""

    @property
    def ready(self) -> bool:
        """True where nothing went wrong."""
        return not self.problem


async def preload(
    line: Line,
    providers: Iterable[Provider],
    models: Iterable[str] | None,
    *,
    top: int,
    seconds: float,
    redact: Callable[[str], str],
) -> tuple[Preloaded, ...]:
    """Make ready who has these models, or the ``top`` first of every profile. No failure is raised.

    :param seconds: for all of it together; what is not ready then is said to be late.
    """
    began, by_name = line.clock.monotonic(), {provider.name: provider for provider in providers}
    wanted: dict[str, tuple[str, ...]] = {}
    done: dict[str, Preloaded] = {}
    places = anyio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with places:
            at = line.clock.monotonic()
            problem = await _problem(_work(line, by_name.get(name), name, seconds), redact)
            done[name] = Preloaded(name, wanted[name], line.clock.monotonic() - at, problem)

    with anyio.move_on_after(seconds):
        wanted.update(by_provider(await (popular(line, top) if models is None else named(line, models))))
        if line.similar is not None:
            wanted[EMBEDDINGS] = ()
        async with anyio.create_task_group() as group:
            for name in wanted:
                group.start_soon(one, name)
    took, late = line.clock.monotonic() - began, f"not ready within {seconds:g} s"
    return tuple(done.get(name) or Preloaded(name, wanted[name], took, late) for name in wanted)


async def popular(line: Line, top: int) -> list[str]:
    """The models that are asked first, profile by profile."""
    found: list[str] = []
    for name in line.profiles.names():
        profile = line.profiles[name]
        ranking = await ranked(line, completed(Task.of("?", agent=name), profile, None), profile)
        found += [candidate.card.id for candidate in ranking.candidates[:top]]
    return found


async def named(line: Line, models: Iterable[str]) -> list[str]:
    """Models by their whole names; one that nobody lists keeps the name that it was given."""
    cards = [candidate.card for candidate in (await line.catalogue.snapshot()).candidates]
    return [next((c.id for c in cards if model in (c.id, c.model)), model) for model in models]


def by_provider(models: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Models (``provider/model``) by who has them, in their order. Pure.

    >>> by_provider(["a/x", "b/y", "a/z", "a/x"])
    {'a': ('a/x', 'a/z'), 'b': ('b/y',)}
    """
    found: dict[str, dict[str, None]] = {}
    for model in models:
        found.setdefault(model.partition("/")[0], {})[model] = None
    return {provider: tuple(names) for provider, names in found.items()}


def _work(line: Line, provider: Provider | None, name: str, seconds: float) -> Awaitable[None] | str:
    """What makes it ready, or why nothing can."""
    if name == EMBEDDINGS and line.similar is not None:
        return line.similar.warm()
    if provider is None:
        return "nobody who is configured has it"
    if not isinstance(provider, Warmable):
        return "there is nothing to make ready"
    return provider.warm(Timeouts(seconds, seconds, seconds))


async def _problem(work: Awaitable[None] | str, redact: Callable[[str], str]) -> str:
    """What goes wrong; empty where nothing does."""
    if isinstance(work, str):
        return work
    try:
        await work
    except AiorchError as failed:
        return redact(str(failed))
    except Exception as broken:  # a provider from elsewhere
        return redact(f"{type(broken).__name__}: {broken}")
    return ""
