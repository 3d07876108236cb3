"""Measure models oneself: from what is there to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NoReturn

from aiorch.benchmarking.choosing import FREE_ONLY, TOP, choose
from aiorch.benchmarking.plan import Means, Skipped
from aiorch.benchmarking.progress import Progress
from aiorch.benchmarking.records import Records
from aiorch.benchmarking.runner import Runner
from aiorch.benchmarking.scores import Measured, measured
from aiorch.benchmarking.suite import SUITE, Suite
from aiorch.catalog import NOBODY, Successor
from aiorch.clock import Clock, SystemClock
from aiorch.errors import InputError, NoModelAvailable, UnknownProvider
from aiorch.protocols import Provider, Sandbox
from aiorch.providers import RETIRED, SPECS
from aiorch.routing import Rules
from aiorch.safety import AuditLog
from aiorch.store import Store
from aiorch.types import Candidate, PassedOver

CALLS = 100
"""Calls of a run unless somebody says otherwise: about six models, every question once."""

KEPT = 30 * 86_400.0
"""Seconds for which an answer is believed: models change behind their names."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is known after a run."""

    suite: str
    asked: int
    """Calls that this run made."""
    measured: tuple[Measured, ...]
    """The chosen models that have answered anything, now or before; best first."""
    skipped: tuple[Skipped, ...] = ()
    """Questions that were not asked, and why."""
    waiting: int = 0
    """Questions that are still open, for a later run."""
    aside: tuple[PassedOver, ...] = ()
    """Accounts and models that were left alone after a failure, and why."""
    passed_over: tuple[PassedOver, ...] = ()
    """Models that were asked for and are not measured, and why."""
    spent: Decimal = Decimal(0)
    """USD."""

    def to_records(self) -> list[dict[str, Any]]:
        """One plain row a model, for a table or ``pandas.DataFrame``."""
        return [one.to_record() for one in self.measured]


async def benchmark(
    candidates: Sequence[Candidate],
    providers: Iterable[Provider],
    store: Store,
    *,
    models: Sequence[str] = (),
    provider: str | None = None,
    top: int = TOP,
    calls: int = CALLS,
    usd: Decimal = Decimal(0),
    again: bool = False,
    kept: float = KEPT,
    rules: Rules = FREE_ONLY,
    sandbox: Sandbox | None = None,
    wait: bool = False,
    clock: Clock | None = None,
    progress: Callable[[Progress], None] | None = None,
    redact: Callable[[str], str] = str,
    audit: AuditLog | None = None,
    learnt: Mapping[str, Successor] | None = None,
    suite: Suite = SUITE,
) -> Report:
    """Ask models the questions of a suite, and keep how they did. What is stored is not asked again.

    For example:

        store = Store(settings.data_dir / FILE_NAME, MIGRATIONS)
        report = await benchmark(snapshot.candidates, providers, store, models=["groq/openai/gpt-oss-20b"])

    :param candidates: everything that could be asked, as the catalogue's snapshot has it.
    :param store: with this room's ``MIGRATIONS``.
    :param models: exactly these, by name; otherwise the ``top`` of every provider, those that cost nothing.
    :param provider: only models of this one.
    :param calls: the most that may be made now; 0 only reports what is stored.
    :param usd: the most that may be spent. Paid models need more than 0, and ``rules`` that allow them.
    :param again: ask also what is stored.
    :param kept: seconds after which a stored answer is asked for again.
    :param sandbox: where code that models write is run; without one such questions are left out.
    :param wait: wait for limits that pass within an hour; otherwise a limited provider is left alone.
    :param progress: is told what happens; see :mod:`aiorch.benchmarking.progress`.
    :param redact: takes keys out of the messages of failures.
    :param audit: where each call is recorded before it is made.
    :raises UnknownModel: for a name that nobody has heard of. :raises UnknownProvider: likewise for a provider.
    :raises NoModelAvailable: when nobody may be measured, with each model and why. :raises StorageError: when a result
        cannot be kept; those before are.
    """
    if calls < 0 or top < 1:
        raise InputError(
            f"benchmark(calls={calls}, top={top}): at least 0 calls, and the top 1 of each provider"
        )
    clock = clock or SystemClock()
    if usd <= 0:
        rules = replace(rules, allow_paid=False)
    reached = {one.name: one for one in providers}
    if provider is not None and provider not in reached:
        _unreached(provider, reached)
    there = [c for c in candidates if c.deployment.provider in reached]
    chosen, passed_over = choose(there, names=models, provider=provider, top=top, rules=rules, learnt=learnt)
    if not chosen:
        raise NoModelAvailable(_nobody(there), passed_over)
    records = Records(store)
    runner = Runner(
        chosen,
        reached,
        records,
        suite,
        Means(calls, usd, _trusted(sandbox) is not None, rules),
        kept_since=clock.now() if again else clock.now() - kept,
        clock=clock,
        sandbox=_trusted(sandbox),
        wait=wait,
        tell=progress or (lambda _: None),
        redact=redact,
        audit=audit,
    )
    done = await runner.run()
    names = {c.card.id for c in chosen}
    return Report(
        suite=suite.name,
        asked=done.asked,
        measured=tuple(one for one in measured(await records.of(suite.name), suite) if one.card in names),
        skipped=done.plan.skipped,
        waiting=done.plan.waiting,
        aside=tuple(PassedOver(who, why) for who, (_, why) in done.aside.items()),
        passed_over=passed_over,
        spent=done.spent,
    )


def _unreached(provider: str, reached: Iterable[str]) -> NoReturn:
    """:raises NoModelAvailable: for one that is not set up. :raises UnknownProvider: for one that does not exist."""
    spec = SPECS.get(provider)
    if spec is None:
        fate = RETIRED.get(provider, "")
        raise UnknownProvider(provider, () if fate else {*SPECS, *reached}, fate)
    needed = " or ".join(spec.env) if spec.needs_key else " or ".join((*spec.url_env, f"base_urls.{spec.id}"))
    raise NoModelAvailable(f"no model of {provider} can be measured: it is not set up here; set {needed}")


def _trusted(sandbox: Sandbox | None) -> Sandbox | None:
    """One that holds something back; a sandbox of level ``none`` is none."""
    return None if sandbox is None or sandbox.level == "none" else sandbox


def _nobody(there: Sequence[Candidate]) -> str:
    if not there:
        return f"no model can be measured. {NOBODY}"
    return (
        "no model may be measured: free chat models are; any other has to be named, and allowed with a budget"
    )
