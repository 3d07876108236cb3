"""``aiorch plugins``: what other packages add, from where, and why something was refused. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli.columns import columns
from aiorch.cli.listing import plain
from aiorch.cli.voice import FAILED, flags, voice

if TYPE_CHECKING:
    from aiorch.plugins import Plugin

COLOURS = {"used": "green", "idle": "yellow", "refused": "red"}


@click.command(short_help="List what other packages add, and why something was refused.")
@flags
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the plugins that are installed here: what each gives, and from which package and version.

    Each one is imported and made, as an orchestrator with the settings of this folder would do. A plugin is used, idle
    (switched off, without a key, nobody asks for it) or refused, with the reason; everything else works without it.
    Exit code 1 when one is refused.
    """
    from aiorch.plugging import Shelf

    speak = voice()
    settings = speak.settings()
    found = Shelf(settings, speak.redacted, tells=True).everything()
    refused = sum(plugin.state == "refused" for plugin in found)
    if speak.json:
        speak.document({"ok": refused == 0, "refused": refused, "plugins": [record(p) for p in found]})
    elif found:
        for line in lines(found):
            speak.result(line)
    if not found:
        speak.tell("no plugin is installed; docs/plugins.md shows how one is written")
    if refused:
        ctx.exit(FAILED)


def lines(found: Sequence[Plugin]) -> list[str]:
    """The plugins for people: a line each, and below it why it is not used."""
    rows = [("", "KIND", "NAME", "GIVES", "FROM")]
    rows += [(p.state, _kind(p), *map(plain, (p.name, p.gives, p.source))) for p in found]
    head, *told = columns(rows)
    shown = [head]
    for plugin, line in zip(found, told, strict=True):
        state = plugin.state
        shown.append(click.style(state, fg=COLOURS[state]) + line.removeprefix(state))
        why = plugin.error or plugin.idle
        if why:
            shown.append(f"         -> {plain(' '.join(why.split()))}")
    return shown


def record(plugin: Plugin) -> dict[str, Any]:
    """The same for programs."""
    return {
        "group": plugin.group,
        "name": plugin.name,
        "state": plugin.state,
        "gives": plugin.gives or None,
        "distribution": plugin.distribution,
        "version": plugin.version or None,
        "object": plugin.target or None,
        "reason": plugin.error or plugin.idle or None,
    }


def _kind(plugin: Plugin) -> str:
    """``provider`` for ``aiorch.providers``, as it is written where nobody knows the group."""
    from aiorch.plugins import GROUPS

    if plugin.group not in GROUPS:
        return plain(plugin.group)
    return plugin.group.removeprefix("aiorch.").removesuffix("s").replace("_", " ")
