"""``aiorch discover``: which models exist, which of them can be used now, and what keeps the others from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.filters import Wanted, filters
from aiorch.cli.listing import as_csv, as_json, plain
from aiorch.cli.looking import look
from aiorch.cli.models import problems, tell_problems
from aiorch.cli.voice import flags, voice

if TYPE_CHECKING:
    from aiorch.discovering import DiscoveredProvider, Discovery


@click.command(short_help="See which models exist, and which can be used now.")
@click.option("--refresh", is_flag=True, help="Ask anew, also where a list is still believed.")
@click.option("--offline", is_flag=True, help="Ask nobody: what is kept, and what aiorch brings along.")
@click.option(
    "--probe",
    type=click.IntRange(min=1),
    metavar="N",
    help="Find out who answers: at most N calls of one token, to models that cost nothing.",
)
@filters
@click.option("--csv", is_flag=True, help="Write CSV to standard output, one line a model.")
@flags
def command(refresh: bool, offline: bool, probe: int | None, wanted: Wanted, csv: bool) -> None:
    """Count the models of every provider that is known, and say what keeps each from being used now.

    With options such as --free, only models that are like that are counted.
    """
    speak = voice()
    for one, other, both in (
        ("--csv", "--json", csv and speak.json),
        ("--offline", "--refresh", offline and refresh),
        ("--offline", "--probe", offline and probe is not None),
    ):
        if both:
            raise click.UsageError(f"{one} and {other} exclude each other")
    settings = speak.settings(**({"offline": True} if offline else {}))
    found = stopping.run(
        lambda: look(settings, refresh=refresh, probe=probe),
        lambda: speak.failed("interrupted", kind="Interrupted"),
    )
    kept = wanted.of(found)
    if speak.json:
        speak.document(
            {
                **kept.summary,
                "providers_in_detail": [_provider(one) for one in kept.providers],
                "models": as_json(kept),
                "problems": problems(speak, found),
                "embedded_as_of": found.embedded_as_of,
            }
        )
    elif csv:
        speak.piece(as_csv(kept))
    else:
        for line in (*summary(kept), "", *providers(kept)):
            speak.result(line)
        if offline:
            speak.tell("offline: only what runs on this machine can be used now")
        hint = advice(kept)
        if hint:
            speak.tell(hint)
    tell_problems(speak, found)


def summary(found: Discovery) -> list[str]:
    """The four numbers."""
    rows = [("", "LISTED", "USABLE NOW")]
    for name, count in (
        ("models", found.summary["total_models"]),
        ("free of charge", found.summary["free_models"]),
        ("providers", found.summary["providers"]),
        ("with benchmark scores", found.summary["benchmarked"]),
    ):
        rows.append((name, f"{count['listed']:,}", f"{count['usable_now']:,}"))
    return columns(rows, right=(1, 2))


def providers(found: Discovery) -> list[str]:
    """Each provider: how many of its models there are, as of when that is known, and what keeps it from being used."""
    from aiorch.discovering import day

    rows = [("PROVIDER", "MODELS", "FREE", "NOW", "AS OF", "WHY NOT", "WHAT IS FREE")]
    for one in found.providers:
        counted = (f"{one.listed:,}", f"{one.free:,}", f"{one.usable_now:,}")
        as_of = f"{day(one.as_of) or ''}{' live' if one.live else ''}"
        rows.append((one.id, *counted, as_of, plain(one.why_not), plain(one.basis)))
    return columns(rows, right=(1, 2, 3))


def advice(found: Discovery) -> str:
    """Which keys would give the most free models."""
    missing = [p for p in found.providers if p.why_not.startswith("no ") and p.free]
    if not missing:
        return ""
    most = sorted(missing, key=lambda p: -p.free)[:3]
    told = ", ".join(f"{p.why_not.removeprefix('no ')} ({p.free:,})" for p in most)
    return f"most free models for one more key: {told}"


def _provider(one: DiscoveredProvider) -> dict[str, str | int | None]:
    from aiorch.discovering import day

    return {
        "provider": one.id,
        "name": one.name,
        "listed": one.listed,
        "free": one.free,
        "usable_now": one.usable_now,
        "as_of": day(one.as_of),
        "live": one.live,
        "why_not": one.why_not or None,
        "free_kind": one.free_kind,
        "basis": one.basis or None,
    }
