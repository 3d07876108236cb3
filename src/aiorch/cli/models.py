"""``aiorch models``: what can be asked now, which providers are missing and why; one model; what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiorch.cli import model_audit, model_show, stopping
from aiorch.cli.filters import Wanted, filters
from aiorch.cli.listing import as_csv, as_json, table
from aiorch.cli.looking import look
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.discovering import Discovery


@click.group(invoke_without_command=True, short_help="List the models that can be used now; show one.")
@click.option("--all", "everything", is_flag=True, help="Also the models of providers without a key here.")
@filters
@click.option("--retired", is_flag=True, help="Also models that no longer answer.")
@click.option("--offline", is_flag=True, help="Ask nobody: what is kept, and what runs on this machine.")
@click.option("--csv", is_flag=True, help="Write CSV to standard output, one line a model.")
@flags
@click.pass_context
def command(
    ctx: click.Context, everything: bool, wanted: Wanted, retired: bool, offline: bool, csv: bool
) -> None:
    """List the models of every provider that has a key here, as the providers list them now.

    Prices are USD per million tokens; `?` is what nobody says. Free is what a provider's own list or terms call so.
    """
    if ctx.invoked_subcommand is not None:
        return
    speak = voice()
    if csv and speak.json:
        raise click.UsageError("--csv and --json exclude each other")
    settings = speak.settings(**({"offline": True} if offline else {}))
    found = stopping.run(
        lambda: look(settings, only_configured=not everything),
        lambda: speak.failed("interrupted", kind="Interrupted"),
    )
    kept = wanted.of(found) if retired else wanted.of(found).where(retired=False)
    if speak.json:
        speak.document(
            {"models": as_json(kept), "problems": problems(speak, found), "left_out": left_out(found)}
        )
    elif csv:
        speak.piece(as_csv(kept))
    elif kept.models:
        for line in table(kept, wanted.benchmark):
            speak.result(line)
    _remarks(speak, found, kept, everything)
    if not everything and not configured(found):
        ctx.exit(FAILED)


command.add_command(model_show.command, "show")
command.add_command(model_audit.command, "audit")


def configured(found: Discovery) -> bool:
    """True where any provider can be asked."""
    return any(not one.why_not for one in found.standings)


def problems(speak: Voice, found: Discovery) -> list[dict[str, str]]:
    """Whose list could not be had, and why."""
    return [{"provider": p.id, "reason": speak.redacted(p.reason)} for p in found.problems]


def left_out(found: Discovery) -> list[dict[str, str]]:
    """Providers that are not configured, and why."""
    return [{"provider": p.id, "reason": p.why_not} for p in found.standings if p.why_not]


def tell_problems(speak: Voice, found: Discovery) -> None:
    """Say them, unless the library's warnings have: each of a configured provider, the others in one line."""
    missing = {one.id for one in found.standings if one.why_not}
    for problem in (f"{p.id}: {p.reason}" for p in found.problems if p.id not in missing):
        if problem not in speak.warned:
            speak.tell(problem)
    others = [p.id for p in found.problems if p.id in missing]
    if others:
        lists = "list" if len(others) == 1 else "lists"
        speak.tell(
            f"{len(others)} public {lists} could not be had (--json says why); what was known before is shown: "
            + ", ".join(others)
        )


def _left_out(found: Discovery) -> str:
    """Those that serve something for nothing by name, the others by number."""
    missing = [one for one in found.standings if one.why_not]
    free = [one for one in missing if one.free_kind in ("zero_price", "free_quota", "anonymous", "local")]
    named = [f"{one.id} ({one.why_not})" for one in free]
    if len(missing) > len(free):
        named.append(
            f"and {len(missing) - len(free)} that charge or give a credit (`aiorch discover` names them)"
        )
    return f"left out: {', '.join(named)}"


def _remarks(speak: Voice, found: Discovery, kept: Discovery, everything: bool) -> None:
    if kept.models:
        speak.tell(f"{len(kept):,} of {len(found):,} models")
    elif found.models:
        speak.tell(f"none of the {len(found):,} models is like that: leave an option out")
    tell_problems(speak, found)
    if everything:
        return
    speak.tell(_left_out(found))
    if not configured(found):
        from aiorch.catalog import NOBODY

        speak.complain(NOBODY, "`aiorch discover` shows what there is, and which keys give the most")
