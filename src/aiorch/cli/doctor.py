"""``aiorch doctor``: is everything there that aiorch needs here, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aiorch.cli import stopping
from aiorch.cli.voice import FAILED, flags, voice

if TYPE_CHECKING:
    from aiorch.cli.findings import Finding

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command(short_help="Look for what is missing or wrong, and say what to do.")
@click.option("--offline", is_flag=True, help="Ask no provider.")
@flags
@click.pass_context
def command(ctx: click.Context, offline: bool) -> None:
    """Look at all that aiorch needs here: Python, settings, keys, providers, the embedded model, the data folder.

    Each line is ok, a warning, or a problem with what to do about it. One small request goes to each provider that
    has a key. Exit code 1 when there is a problem. Keys are named and never shown.
    """
    from aiorch.cli.examination import examine

    speak = voice()
    found = stopping.run(
        lambda: examine(speak.settings, offline=offline),
        lambda: speak.failed("interrupted", kind="Interrupted"),
    )
    problems = sum(f.level == "problem" for f in found)
    warnings = sum(f.level == "warning" for f in found)
    if speak.json:
        checks = [
            {
                "topic": f.topic,
                "level": f.level,
                "message": speak.redacted(f.message),
                "do": speak.redacted(f.do) or None,
            }
            for f in found
        ]
        speak.document({"ok": problems == 0, "problems": problems, "warnings": warnings, "checks": checks})
    else:
        for line in lines(found):
            speak.result(speak.redacted(line))
        speak.result(f"\n{_count(problems, 'problem')}, {_count(warnings, 'warning')}")
    if problems:
        ctx.exit(FAILED)


def lines(found: tuple[Finding, ...]) -> list[str]:
    """The findings for people: a line each, and what to do below it."""
    wide = max(len(f.topic) for f in found)
    told: list[str] = []
    for f in found:
        told.append(f"{click.style(f'{f.level:<8}', fg=COLOURS[f.level])} {f.topic:<{wide}}  {f.message}")
        if f.do:
            told.append(" " * (wide + 11) + f"-> {f.do}")
    return told


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
