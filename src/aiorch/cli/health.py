"""``aiorch health``: who is sick, who is limited, how quick everybody is. Asks nobody unless it is told to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from math import isinf
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.columns import columns
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.quotas import Use
    from aiorch.routing.checks import Checked
    from aiorch.routing.vitals import HealthReport, Vital
    from aiorch.settings import Settings

COLOURS = {"healthy": "green", "recovering": "yellow", "probing": "yellow", "ejected": "red"}


@click.command(short_help="Show who is sick, who is limited, and how quick everybody is.")
@click.option("--check", is_flag=True, help="Ask each provider its cheapest question first.")
@flags
@click.pass_context
def command(ctx: click.Context, check: bool) -> None:
    """Show how deployments and limits are, as far as calls of this machine have told.

    \b
    aiorch health            what is remembered; nobody is asked
    aiorch health --check    each provider is asked a question that costs nothing

    Sick deployments and what is used of limits are remembered between programs; speed is known to a running program
    only (ai.health()). Exit code 1 when somebody was checked and nobody answered.
    """
    speak = voice()
    settings = speak.settings()
    report = stopping.run(
        lambda: looked(settings, check), lambda: speak.failed("interrupted", kind="Interrupted")
    )
    checks = report.checks or {}
    if speak.json:
        speak.document(_record(report))
    else:
        _show(speak, report)
    if check and checks and not any(checked.answered for checked in checks.values()):
        ctx.exit(FAILED)


async def looked(settings: Settings, check: bool) -> HealthReport:
    """The report of these settings."""
    from aiorch.orchestrator import Orchestrator

    async with Orchestrator(settings) as ai:
        return await ai.health(check=check)


def _show(speak: Voice, report: HealthReport) -> None:
    if not report.providers:
        speak.complain("no provider is configured", "`aiorch init`, or `aiorch local install` needs no key")
        return
    checks = report.checks or {}
    rows = [
        (v.id, _state(v, report.at), *_outcomes(v), _check(checks.get(v.id)), v.reason)
        for v in report.providers
    ]
    head = ("PROVIDER", "STATE", "CALLS", "FAILED", "CHECK", "NOTE")
    _table(speak, [head, *rows], right=(2, 3))
    if report.deployments:
        speak.result("")
        rows = [
            (
                v.id,
                _state(v, report.at),
                str(v.in_flight or ""),
                *_outcomes(v),
                _seconds(v.p50 if v.p50 is not None else v.first_token),
                _seconds(v.p95),
                "" if v.tokens_per_second is None else f"{v.tokens_per_second:.0f}",
                v.reason,
            )
            for v in report.deployments
        ]
        head = ("DEPLOYMENT", "STATE", "NOW", "CALLS", "FAILED", "FIRST", "P95", "TOKENS/S", "NOTE")
        _table(speak, [head, *rows], right=(2, 3, 4, 5, 6, 7))
    if report.quotas:
        speak.result("")
        rows = [
            (use.name, str(use.limit), f"{use.used:,}", f"{use.left:,}", _when(use.resets_at, report.at))
            for use in report.quotas
        ]
        _table(speak, [("LIMIT OF", "ALLOWED", "USED", "LEFT", "FREE"), *rows], right=(2, 3))
    if not report.deployments and not report.quotas:
        speak.tell("nobody was asked lately; `--check` asks each provider a question that costs nothing")


def _table(speak: Voice, rows: list[tuple[str, ...]], right: tuple[int, ...]) -> None:
    lines = columns(rows, right=right)
    speak.result(lines[0])
    for row, line in zip(rows[1:], lines[1:], strict=True):
        word = row[1].split(" ")[0]
        speak.result(
            line.replace(row[1], click.style(row[1], fg=COLOURS[word]), 1) if word in COLOURS else line
        )


def _state(vital: Vital, now: float) -> str:
    if vital.blocked is not None and vital.state == "healthy":
        return f"blocked {_when(vital.blocked, now)}"
    return f"{vital.state} {_when(vital.until, now)}".rstrip()


def _outcomes(vital: Vital) -> tuple[str, str]:
    return (str(vital.calls or ""), str(vital.failures or ""))


def _check(checked: Checked | None) -> str:
    if checked is None:
        return ""
    if checked.answered is None:
        return "nothing to ask"
    return f"{checked.seconds:.2f} s" if checked.answered else checked.detail


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _when(moment: float | None, now: float) -> str:
    """``for 25 s``, ``until 18:30 UTC``; nothing where it is over or unknown."""
    if moment is None or moment <= now:
        return ""
    if isinf(moment):
        return "for good"
    if moment - now < 600:
        return f"for {moment - now:.0f} s"
    until = datetime.fromtimestamp(moment, UTC)
    return f"until {until:%H:%M} UTC" if moment - now < 86_400 else f"until {until:%Y-%m-%d %H:%M} UTC"


def _record(report: HealthReport) -> dict[str, Any]:
    from aiorch.routing.vitals import record

    return {
        "at": report.at,
        "providers": [record(v) for v in report.providers],
        "deployments": report.to_records(),
        "quotas": [_quota(use) for use in report.quotas],
        "checks": [asdict(checked) for checked in (report.checks or {}).values()],
    }


def _quota(use: Use) -> dict[str, Any]:
    return {
        "name": use.name,
        "limit": use.limit.amount,
        "unit": use.limit.unit,
        "per": use.limit.per,
        "used": use.used,
        "left": use.left,
        "resets_at": use.resets_at,
    }
