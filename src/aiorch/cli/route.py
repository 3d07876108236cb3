"""``aiorch route``: whom a prompt would go to, by which rule, and why not to the others. Asks no model."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.ask import question
from aiorch.cli.columns import columns
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.settings import Settings
    from aiorch.types import ModelCard, PassedOver, Ranking, Task

SHOWN = 10
"""Candidates, and reasons of one kind, that are shown unless more are asked for."""


@click.command(short_help="Show whom a prompt would go to, and why.")
@click.argument("words", nargs=-1)
@click.option("--agent", help="The profile that says which models are asked.")
@click.option("--type", "kind", metavar="TYPE", help="The kind of work: code_generation, data_analysis ...")
@click.option("--tenant", help="On whose behalf.")
@click.option("--user", help="On whose behalf.")
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME=VALUE", help="A label of the task; may be repeated."
)
@click.option(
    "--at", "moment", metavar="TIME", help="As if it were asked then: 2026-11-22T23:00 (UTC unless told)."
)
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Routing rules to try, in place of the setting routing_rules.",
)
@click.option("--all", "whole", is_flag=True, help="Every candidate, and everybody who was passed over.")
@click.option("--offline", is_flag=True, help="Only models that run on this machine.")
@flags
@click.pass_context
def command(
    ctx: click.Context,
    words: tuple[str, ...],
    agent: str | None,
    kind: str | None,
    tenant: str | None,
    user: str | None,
    tags: tuple[str, ...],
    moment: str | None,
    rules: Path | None,
    whole: bool,
    offline: bool,
) -> None:
    """Show whom a prompt would go to, best first, by which routing rule, and why the others are passed over.

    \b
    aiorch route "Refactor this module" --agent coding_agent
    aiorch route "Summarise" --rules routes.toml --tenant acme --at 2026-11-22T23:00
    """
    speak = voice()
    from aiorch.types import Message, Task

    told: dict[str, Any] = {"routing_rules": rules} if rules else {}
    settings = speak.settings(**told, **({"offline": True} if offline else {}))
    task = Task(
        (Message.user(question(words)),),
        agent=agent or "general",
        type=kind,
        tenant=tenant,
        user=user,
        tags=dict(_label(tag, ctx) for tag in tags),
    )
    at = _moment(moment, ctx)
    ranking = stopping.run(
        lambda: routed(settings, task, at), lambda: speak.failed("interrupted", kind="Interrupted")
    )
    if speak.json:
        speak.document(_record(ranking))
    else:
        _show(speak, ranking, None if whole else SHOWN)
    if not ranking.candidates:
        ctx.exit(FAILED)


async def routed(settings: Settings, task: Task, at: datetime | None) -> Ranking:
    """The ranking of a task."""
    from aiorch.orchestrator import Orchestrator

    async with Orchestrator(settings) as ai:
        return await ai.route(task, at=at)


def _label(tag: str, ctx: click.Context) -> tuple[str, str]:
    name, equals, value = tag.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{tag!r} is no label; write --tag app=web", ctx)
    return name, value


def _moment(text: str | None, ctx: click.Context) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"--at {text!r} is no time; write 2026-11-22T23:00", ctx) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show(speak: Voice, ranking: Ranking, most: int | None) -> None:
    speak.result(f"{ranking.complexity}: {ranking.reason}")
    rows = [
        (str(place), candidate.deployment.id, _cost(candidate.card), candidate.card.family or "")
        for place, candidate in enumerate(ranking.candidates[:most], 1)
    ]
    if rows:
        for line in columns([("", "MODEL", "COST", "FAMILY"), *rows], right=(0,)):
            speak.result(line)
    more = len(ranking.candidates) - len(rows)
    if more:
        speak.tell(f"and {more} more (--all shows them)")
    if not ranking.candidates:
        speak.complain("nobody may be asked", "`aiorch models` lists who can be, and who is left out and why")
    for line in passed_over(ranking.passed_over, most):
        speak.tell(line)


def passed_over(those: tuple[PassedOver, ...], most: int | None) -> list[str]:
    """Why the others are not asked: reasons that many share are told once."""
    shared = Counter(one.reason for one in those)
    lines: list[str] = []
    for reason, count in shared.items():
        ids = [one.id for one in those if one.reason == reason]
        if count <= 3 or most is None:
            lines += [f"not {name}: {reason}" for name in ids]
        else:
            lines.append(f"not {ids[0]} and {count - 1} others: {reason}")
    return lines


def _cost(card: ModelCard) -> str:
    if card.costs_nothing:
        return card.free.replace("_", " ")
    if card.price is None:
        return "?"
    return f"{card.price.input.normalize():f} / {card.price.output.normalize():f}"


def _record(ranking: Ranking) -> dict[str, Any]:
    return {
        "complexity": ranking.complexity,
        "reason": ranking.reason,
        "candidates": [
            {"id": c.deployment.id, "free": c.card.free, "family": c.card.family} for c in ranking.candidates
        ],
        "passed_over": [{"id": p.id, "reason": p.reason} for p in ranking.passed_over],
    }
