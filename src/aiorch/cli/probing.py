"""Does a provider answer? One request for its list of models, which costs nothing, and what that proves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio

from aiorch.clock import Clock, SystemClock
from aiorch.errors import AiorchError, AttemptFailed
from aiorch.types import FailureKind

if TYPE_CHECKING:
    from aiorch.protocols import Provider
    from aiorch.settings import Settings

PATIENCE = 8.0
"""Seconds that one provider gets; all are asked at once."""
PATIENCE_WITH: Mapping[str, float] = {"nvidia": 20.0}
"""Its list was seen to take eleven."""

Answer = Literal["proven", "reachable", "unasked", "refused", "unreachable", "strange"]
"""The key was accepted; it answers, which says nothing about the key; it has no list, so it was not asked; it refuses
the key; nothing came; or nonsense."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of asking one provider."""

    provider: str
    answer: Answer
    seconds: float
    models: int = 0
    detail: str = ""
    """What went wrong."""
    keys: tuple[str, ...] = ()
    """Names of its keys, never the keys."""

    @property
    def good(self) -> bool:
        """True when it can be expected to answer questions."""
        return self.answer in ("proven", "reachable", "unasked")

    def told(self) -> str:
        """In a sentence, claiming no more than was seen."""
        key = ", ".join(self.keys)
        took = f"{self.seconds:.2f} s, {self.models} models"
        match self.answer:
            case "proven":
                return f"accepts {key} ({took})"
            case "reachable" if self.keys:
                return f"answers ({took}); its list is public, so this does not prove {key}"
            case "reachable":
                return f"answers ({took})"
            case "unasked":
                return f"has no list to ask for, so {key} was not tried ({self.models} models are known)"
            case "refused":
                return f"refuses {key or 'to answer without a key'}: {self.detail}"
            case "unreachable":
                return f"cannot be reached: {self.detail}"
            case "strange":
                return f"answers in a way that is not understood: {self.detail}"

    def cure(self) -> str:
        """What to do."""
        match self.answer:
            case "refused":
                named = " or ".join(self.keys) or "its key"
                return f"check {named} (.env or the environment); the provider's site shows and renews keys"
            case "unreachable":
                return "check the network, and HTTPS_PROXY and NO_PROXY if you use them"
            case "strange":
                return "try again later; if it stays so, the provider has changed"
            case _:
                return ""


async def probe_all(
    providers: Sequence[Provider], clock: Clock, patience: Mapping[str, float] = PATIENCE_WITH
) -> tuple[Probe, ...]:
    """Ask all at once, each with a time-out of its own. In their order.

    :param patience: seconds by provider, for those that get more or less than :data:`PATIENCE`.
    """
    found: dict[int, Probe] = {}

    async def one(i: int, provider: Provider) -> None:
        found[i] = await probe(provider, clock, patience.get(provider.name, PATIENCE))

    async with anyio.create_task_group() as tasks:
        for i, provider in enumerate(providers):
            tasks.start_soon(one, i, provider)
    return tuple(found[i] for i in range(len(providers)))


async def probe(provider: Provider, clock: Clock, patience: float) -> Probe:
    """Ask one."""
    keys: tuple[str, ...] = tuple(getattr(provider, "key_names", ()))
    spec = getattr(provider, "spec", None)
    public = bool(getattr(spec, "list_is_public", False)) or not keys
    listless = getattr(spec, "list_path", "") is None
    began = clock.monotonic()
    answer: Answer
    models, detail = 0, ""
    try:
        with anyio.fail_after(patience):
            models = len(await provider.models())
        answer = "unasked" if listless else "reachable" if public else "proven"
    except TimeoutError:
        answer, detail = "unreachable", f"no answer within {patience:g} s"
    except AttemptFailed as failed:
        failure = failed.failure
        status = f" (HTTP {failure.status})" if failure.status else ""
        answer, detail = _ANSWERS.get(failure.kind, "strange"), failure.message + status
    except AiorchError as wrong:
        answer, detail = "strange", str(wrong)
    except Exception as broken:  # a plugin's provider may raise anything; the others are still asked
        answer, detail = "strange", f"{type(broken).__name__}: {broken}"
    return Probe(provider.name, answer, clock.monotonic() - began, models, detail, keys)


_ANSWERS: dict[FailureKind, Answer] = {
    FailureKind.AUTH: "refused",
    FailureKind.BILLING: "refused",
    FailureKind.TRANSPORT: "unreachable",
    FailureKind.TIMEOUT: "unreachable",
}


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[tuple[Provider, ...], None]:
    """The configured providers, let go of afterwards.

    :raises ConfigurationError: when a provider or a model is asked for that is not there.
    """
    from aiorch.net import Transport
    from aiorch.plugging import Shelf
    from aiorch.roster import configured, known_specs

    shelf, transport = Shelf(settings), Transport()
    providers: tuple[Provider, ...] = ()
    try:
        providers = configured(settings, known_specs(shelf), shelf, transport, SystemClock())
        yield providers
    finally:
        for provider in providers:
            await provider.aclose()
        await transport.aclose()


def networked(providers: Iterable[Provider]) -> tuple[Provider, ...]:
    """Those that are somewhere else than in this process."""
    return tuple(p for p in providers if p.name != "local")
