"""``aiorch models audit``: what has changed since the snapshot that aiorch brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.listing import plain, size
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.catalog.audit import Audit
    from aiorch.settings import Settings
    from aiorch.types import ModelCard

NOBODY_ANSWERED = "no provider's list could be had, so there is nothing to compare with"


@click.command(short_help="What has changed since the embedded snapshot.")
@flags
@click.pass_context
def command(ctx: click.Context) -> None:
    """Compare the snapshot that aiorch brings along with what providers list now: new, retired and changed models.

    Asks every provider that has a key here, and those whose list is public. Exits with 1 when more than a fifth of the
    snapshot's free ids is gone, or when nobody answers.
    """
    speak = voice()
    settings = speak.settings()
    found = stopping.run(lambda: audit(settings), lambda: speak.failed("interrupted", kind="Interrupted"))
    if not found.providers:
        speak.failed(NOBODY_ANSWERED, kind="ExecutionError", hint="`aiorch doctor` says which can be reached")
        ctx.exit(FAILED)
    if speak.json:
        speak.document(document(found))
    else:
        for line in report(found):
            speak.result(line)
    _verdict(speak, found)
    if found.exceeds():
        ctx.exit(FAILED)


async def audit(settings: Settings) -> Audit:
    """Ask for every list anew, and compare."""
    from aiorch.compose import Parts, build

    house = build(settings, {}, Parts())
    try:
        return await house.line.catalogue.audit()
    finally:
        await house.aclose()


def report(found: Audit) -> list[str]:
    """What has changed, in columns."""
    lines: list[str] = []
    for title, cards in (("NEW", found.new), ("RETIRED", found.retired)):
        if cards:
            lines += [*columns([(title, "CONTEXT", "FREE"), *map(_row, cards)], right=(1,)), ""]
    if found.changed:
        rows: list[Sequence[str]] = [("CHANGED", "WHAT", "BEFORE", "NOW")]
        rows += [tuple(map(plain, (c.id, c.field, c.before, c.after))) for c in found.changed]
        lines += [*columns(rows), ""]
    counts = (
        f"{len(found.new):,} new, {len(found.retired):,} retired, {_many(len(found.changed), 'fact')} changed"
    )
    lines.append(
        f"{counts}, at {_many(len(found.providers), 'provider')} since {found.as_of}: {', '.join(found.providers)}"
    )
    return lines


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _row(card: ModelCard) -> tuple[str, str, str]:
    return plain(card.id), size(card.context), card.free.replace("_", " ") if card.costs_nothing else "no"


def _verdict(speak: Voice, found: Audit) -> None:
    gone = f"{len(found.free_gone):,} of {_many(found.free, 'free id')} of the snapshot gone ({found.share_gone:.0%})"
    if found.exceeds():
        speak.complain(
            f"{gone}: what aiorch says of free models without asking their providers is out of date",
            "look for a newer release of aiorch-sdk",
        )
    else:
        speak.tell(gone)


def document(found: Audit) -> dict[str, Any]:
    """The same for programs."""
    return {
        "as_of": found.as_of,
        "providers": list(found.providers),
        "new": [card.id for card in found.new],
        "retired": [card.id for card in found.retired],
        "changed": [
            {"id": c.id, "field": c.field, "before": c.before, "now": c.after} for c in found.changed
        ],
        "free": found.free,
        "free_gone": list(found.free_gone),
        "share_gone": round(found.share_gone, 4),
        "too_many_gone": found.exceeds(),
    }
