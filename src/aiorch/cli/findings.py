"""What the doctor finds, without asking anybody: pure functions of what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aiorch.cli.keys import mistyped
from aiorch.cli.probing import Probe
from aiorch.plugins import Plugin

Level = Literal["ok", "warning", "problem"]

SPARE = 200_000_000
"""Bytes of free disk below which the doctor warns: room for the demo model's weights and their package."""
BARE = 20_000_000
"""Bytes below which a database and an audit log soon cannot grow."""

FOREIGN_CURE = (
    "the two cannot share an environment, and its files may have replaced ours: pip uninstall aiorch, then "
    "pip install --force-reinstall --no-deps aiorch-sdk"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    topic: str
    level: Level
    message: str
    do: str = ""
    """What to do about it."""


def versions(python: str, aiorch: str, distribution: str | None, system: str) -> Finding:
    """Python and the package."""
    installed = f"aiorch-sdk {distribution}" if distribution else f"aiorch {aiorch} from its source folder"
    message = f"Python {python}, {installed}, {system}"
    if distribution and distribution != aiorch:
        cure = "pip install --force-reinstall aiorch-sdk"
        return Finding("python", "warning", f"{message}, but the module is {aiorch}", cure)
    return Finding("python", "ok", message)


def foreign(version: str | None) -> list[Finding]:
    """Another project's distribution of our name."""
    if version is None:
        return []
    message = (
        f"the distribution 'aiorch' {version} is installed: another project, with a module of the same name"
    )
    return [Finding("aiorch", "problem", message, FOREIGN_CURE)]


def keys(
    present: Sequence[str], providers: Mapping[str, Sequence[str]], given: Sequence[str] = ()
) -> list[Finding]:
    """Which keys were found.

    :param present: names of all variables that are set.
    :param providers: by provider, the names that its key may have.
    :param given: providers whose key is in the setting ``keys``.
    """
    known = [name for names in providers.values() for name in names]
    read = [next((n for n in names if n in present), "") for names in providers.values()]
    read = [name for name in read if name] + [f"keys.{provider}" for provider in given]
    found = [
        Finding("keys", "ok", f"found: {', '.join(read)}")
        if read
        else Finding(
            "keys", "ok", "none found", "one free key is enough to begin with: `aiorch init` lists the names"
        )
    ]
    for name, meant in mistyped(present, known).items():
        found.append(Finding("keys", "warning", f"{name} is read by nobody", f"did you mean {meant}?"))
    return found


def providers(probes: Sequence[Probe]) -> list[Finding]:
    """Who answers."""
    found: list[Finding] = []
    for one in probes:
        level: Level = "ok" if one.good else "problem" if one.answer == "refused" else "warning"
        found.append(Finding(one.provider, level, one.told(), one.cure()))
    return found


def servers(probes: Sequence[Probe], addresses: Mapping[str, str], settings: Mapping[str, str]) -> Finding:
    """Local servers at their usual addresses that are not configured.

    :param settings: by server, what to set so that it is used.
    """
    up = [one for one in probes if one.good]
    if not up:
        looked = ", ".join(f"{name} {address}" for name, address in addresses.items())
        return Finding("servers", "ok", f"no other server on this machine (looked for: {looked or 'none'})")
    told = ", ".join(f"{one.provider} at {addresses[one.provider]} ({one.models} models)" for one in up)
    cure = "to use it, set " + " ".join(settings[one.provider] for one in up)
    return Finding("servers", "ok", f"running, and not used: {told}", cure)


def plugins(found: Sequence[Plugin]) -> list[Finding]:
    """What other packages add."""
    lines = [
        Finding(
            "plugins",
            "warning",
            f"{plugin.name} of {plugin.source} ({plugin.group}) cannot be used: {plugin.error}",
            "upgrade or uninstall it (`aiorch plugins` lists all); everything else works without it",
        )
        for plugin in found
        if plugin.error is not None
    ]
    whole = [
        f"{plugin.name} of {plugin.source}" + (f" (not used: {plugin.idle})" if plugin.idle else "")
        for plugin in found
        if plugin.error is None
    ]
    return ([Finding("plugins", "ok", ", ".join(whole))] if whole else []) + lines


def extras(there: Mapping[str, bool]) -> Finding:
    """What was installed beside the core."""
    have = [name for name, installed in there.items() if installed]
    lack = [name for name, installed in there.items() if not installed]
    message = f"installed: {', '.join(have) or 'none'}"
    if lack:
        message += f"; not installed: {', '.join(lack)} (pip install 'aiorch-sdk[NAME]' when you need one)"
    return Finding("extras", "ok", message)


def disk(free: int, place: str) -> Finding:
    """Room to write."""
    size = f"{free / 1e9:.1f} GB" if free >= 1e9 else f"{free / 1e6:.0f} MB"
    message = f"{size} free on the disk of {place}"
    cure = "make room, or use another data folder: AIORCH_DATA_DIR"
    if free < BARE:
        return Finding("disk", "problem", message, cure)
    return Finding("disk", "warning", message, cure) if free < SPARE else Finding("disk", "ok", message)


def anybody(answering: Sequence[str], *, asked: bool) -> Finding:
    """The sum: can anybody be asked?

    :param asked: some provider is configured, and was looked at above.
    """
    if answering:
        return Finding("answers", "ok", f"questions can be answered by: {', '.join(answering)}")
    cure = "set a provider's key (`aiorch init` lists the names)"
    if asked:
        cure = "put right what is said above"
    return Finding(
        "answers", "problem", "nobody can be asked anything", f"{cure}, or run `aiorch local install`"
    )
