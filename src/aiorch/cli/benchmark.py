"""``aiorch benchmark``: measure models, a few questions each, and keep what came out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.benchmarking import Measured, Progress, Report, Share
    from aiorch.settings import Settings


def _large(value: float | None) -> float:
    """Large first, unknown last."""
    return float("inf") if value is None else -value


def _small(value: float | None) -> float:
    """Small first, unknown last."""
    return float("inf") if value is None else value


ORDERS: Mapping[str, Callable[[Measured], Any]] = {
    "score": lambda one: (_large(one.score and one.score.value), -one.answered, one.card),
    "first": lambda one: (_small(one.first_token), one.card),
    "speed": lambda one: (_large(one.tokens_per_second), one.card),
    "name": lambda one: one.card,
}
"""How the table can be sorted."""


@click.command(short_help="Measure models: how good and how quick they are.")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, help="Models of each provider."
)
@click.option("--provider", metavar="P", help="Only this provider's models.")
@click.option(
    "--calls", type=click.IntRange(min=0), default=100, show_default=True, help="The most that are made now."
)
@click.option(
    "--max-usd",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="USD",
    help="The most that may be spent. More than 0 allows paid models.",
)
@click.option("--again", is_flag=True, help="Ask also what is kept from earlier runs.")
@click.option(
    "--days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="For which a kept answer is believed.",
)
@click.option("--wait", is_flag=True, help="Wait for limits that pass within an hour.")
@click.option(
    "--sort", type=click.Choice(list(ORDERS)), default="score", show_default=True, help="What comes first."
)
@click.option("--offline", is_flag=True, help="Only models that run on this machine.")
@flags
@click.pass_context
def command(
    ctx: click.Context,
    models: tuple[str, ...],
    top: int,
    provider: str | None,
    calls: int,
    max_usd: float,
    again: bool,
    days: float,
    wait: bool,
    sort: str,
    offline: bool,
) -> None:
    """Ask each MODEL (provider/model, or a model's id) a small fixed set of questions, and show how it did.

    Without MODEL: the most promising of each provider that has a key here, those that cost nothing. Answers are judged
    by rules, not by a model. Each is kept when it comes, so what Ctrl-C or a limit cut short goes on with the same
    command. --calls 0 only shows what is kept.

    \b
    aiorch benchmark --provider groq --calls 60
    aiorch benchmark local/smollm2-135m
    """
    speak = voice()
    told: dict[str, Any] = {
        **({"allow_paid": True} if max_usd else {}),
        **({"offline": True} if offline else {}),
    }
    settings = speak.settings(**told)
    tally = Tally()
    wish = dict[str, Any](
        models=models, provider=provider, top=top, calls=calls, usd=max_usd, again=again, days=days, wait=wait
    )
    report = stopping.run(lambda: _measure(settings, wish, tally), lambda: _stopped(speak, tally))
    rows = sorted(report.measured, key=ORDERS[sort])
    if speak.json:
        speak.document(record(speak, report, rows))
    elif rows:
        for line in table(rows):
            speak.result(line)
    for line in remarks(report, calls):
        speak.tell(line)
    if not any(one.answered for one in rows):
        speak.complain("no model has answered a single question")
        ctx.exit(FAILED)


@dataclass(slots=True)
class Tally:
    """What was done so far, for the last words of a run that is interrupted."""

    kept: int = 0
    planned: int = 0

    def take(self, event: Progress) -> None:
        """Count."""
        from aiorch.benchmarking import Answered, Planned

        match event:
            case Planned():
                self.planned = self.kept + len(event.calls)
            case Answered():
                self.kept += 1
            case _:
                pass


async def _measure(settings: Settings, wish: Mapping[str, Any], tally: Tally) -> Report:
    from rich.console import Console

    from aiorch.cli.scoreboard import shown
    from aiorch.orchestrator import Orchestrator

    async with Orchestrator(settings) as ai:
        with shown(Console(file=sys.stderr, soft_wrap=True)) as show:

            def progress(event: Progress) -> None:
                tally.take(event)
                show(event)

            return await ai.benchmark(**wish, progress=progress)


def _stopped(speak: Voice, tally: Tally) -> None:
    """The last words of a run that was interrupted."""
    said = (
        f"{tally.kept} of {tally.planned} answers are kept; the same command goes on from there"
        if tally.planned
        else "no question was asked yet"
    )
    if speak.json:
        speak.document({"state": "cancelled", "kept": tally.kept, "planned": tally.planned})
    speak.tell(f"interrupted: {said}")


# --- what is said at the end -------------------------------------------------------------------------------------

HEAD = (
    "MODEL",
    "SCORE",
    "95%",
    "N",
    "EXACT",
    "JSON",
    "CODE",
    "LOOKUP",
    "FIRST s",
    "TOKENS/s",
    "NO ANSWER",
    "AS OF",
)


def table(rows: Iterable[Measured]) -> list[str]:
    """The models in columns."""
    return columns([HEAD, *map(cells, rows)], right=range(1, 10))


def cells(one: Measured) -> tuple[str, ...]:
    """A model's line. ``?`` is what was not measured, ``few`` a score that too few answers would make."""
    low, high = one.interval
    return (
        one.card,
        "few" if one.score is None else f"{one.score.value:.2f}",
        f"{low:.2f}-{high:.2f}" if one.answered else "?",
        str(one.answered),
        *(_share(one.parts[part]) for part in ("exact", "json", "code", "lookup")),
        "?" if one.first_token is None else f"{one.first_token:.2f}",
        "?" if one.tokens_per_second is None else f"{one.tokens_per_second:.0f}",
        ", ".join(f"{count} {kind}" for kind, count in one.failures.items()) or "-",
        one.as_of,
    )


def remarks(report: Report, calls: int) -> Iterable[str]:
    """What to know beside the table: what was left out, who was left alone, what is still open."""
    alike: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for left_out in report.skipped:
        alike.setdefault((left_out.items, left_out.reason), []).append(left_out.model)
    for (items, why), models in alike.items():
        whose = models[0] if len(models) == 1 else f"{len(models)} models"
        many = "1 question" if len(items) == 1 else f"{len(items)} questions"
        yield f"{whose}: {many} ({', '.join(items)}) left out: {why}"
    for one in (*report.passed_over, *report.aside):
        yield f"{one.id}: {one.reason}"
    for one in report.measured:
        if one.served:
            yield f"{one.card}: {', '.join(one.served)} answered"
    spent = f", {report.spent:.4f} USD" if report.spent else ""
    yield f"suite {report.suite}: {report.asked} of at most {calls} calls made{spent}; what is kept was not asked again"
    if report.waiting:
        yield f"{report.waiting} questions are still open: the same command goes on with them"


def record(speak: Voice, report: Report, rows: Sequence[Measured]) -> dict[str, Any]:
    """The report as one JSON document."""
    return {
        "suite": report.suite,
        "asked": report.asked,
        "open": report.waiting,
        "usd": str(report.spent),
        "models": [one.to_record() for one in rows],
        "skipped": [
            {"model": one.model, "items": list(one.items), "reason": speak.redacted(one.reason)}
            for one in report.skipped
        ],
        "passed_over": [
            {"id": one.id, "reason": speak.redacted(one.reason)}
            for one in (*report.passed_over, *report.aside)
        ],
    }


def _share(share: Share) -> str:
    return f"{share.right}/{share.of}" if share.of else "-"
