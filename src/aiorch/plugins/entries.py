"""Which plugins are installed, read from what their distributions say of themselves. Nothing of theirs is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUPS = (
    "aiorch.providers",
    "aiorch.matchers",
    "aiorch.validators",
    "aiorch.detectors",
    "aiorch.checks",
    "aiorch.tools",
    "aiorch.mcp_servers",
    "aiorch.engines",
)
"""The entry-point groups that aiorch reads."""

State = Literal["used", "idle", "refused"]
"""``idle``: nothing is wrong with it, and it is not used here; the plugin's ``idle`` says why."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point, and what became of it so far."""

    group: str
    name: str
    """What the entry point is called."""
    distribution: str
    """The distribution that declares it."""
    version: str = ""
    target: str = ""
    """What it refers to: ``aiorch_parrot:Parrot``."""
    extras: tuple[str, ...] = ()
    """What it says that it needs beside its distribution."""
    value: Any = None
    """What that is, once imported; what it makes, once made."""
    gives: str = ""
    """The name of what it makes, once made: that of the provider, check, tool ..."""
    idle: str = ""
    """Why it is left alone although nothing is wrong with it."""
    error: str | None = None
    """Why it cannot be used."""

    @property
    def state(self) -> State:
        """In a word."""
        return "refused" if self.error is not None else "idle" if self.idle else "used"

    @property
    def source(self) -> str:
        """Its distribution with its version."""
        return f"{self.distribution} {self.version}".rstrip()


def declared() -> tuple[Plugin, ...]:
    """Every entry point of a group that begins with ``aiorch.``, in the order of groups, distributions and names.

    One pass over what is installed, for all groups: each look takes milliseconds. What cannot be read is refused.
    """
    from importlib.metadata import distributions

    found: list[Plugin] = []
    first: dict[str, str] = {}  # by distribution: the version that Python finds first
    for distribution in distributions():
        try:
            if "[aiorch." not in (distribution.read_text("entry_points.txt") or ""):
                continue
        except (OSError, UnicodeError):  # whose it is cannot be told: most packages are no plugins
            continue
        name, version = _called(distribution)
        before = first.setdefault(folded(name), version)
        if before == version:
            found += (p for p in _of(distribution, name, version) if not _there(p, found))
        else:
            found += (_twice(p, before) for p in _of(distribution, name, version))
    return tuple(sorted(found, key=_order))


def folded(name: str) -> str:
    """A distribution's name as it is compared: ``Aiorch_Parrot`` is ``aiorch-parrot``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _called(distribution: Distribution) -> tuple[str, str]:
    """Name and version; of one without metadata, the name of the folder that should hold them."""
    try:
        about = distribution.metadata
        name, version = about["Name"], about["Version"]
        if name:
            return str(name), str(version or "")
    except Exception:  # each Python has its own way to say that a file is missing or no text
        pass
    return PurePath(str(getattr(distribution, "_path", "unknown"))).name, ""


def _of(distribution: Distribution, name: str, version: str) -> Iterator[Plugin]:
    try:
        entries = [e for e in distribution.entry_points if e.group.startswith("aiorch.")]
    except Exception as broken:
        why = f"its entry_points.txt cannot be read: {type(broken).__name__}: {broken}"
        yield Plugin("unknown", "unknown", name, version, error=why)
        return
    for entry in entries:
        target, _, extras = entry.value.partition("[")
        needs = tuple(e.strip() for e in extras.rstrip("] ").split(",") if e.strip())
        error = None if entry.group in GROUPS else _no_group(entry.group)
        yield Plugin(entry.group, entry.name, name, version, target.strip(), needs, error=error)


def _no_group(group: str) -> str:
    near = get_close_matches(group, GROUPS, n=1, cutoff=0.75)
    return f"there is no group {group!r}" + (
        f"; did it mean {near[0]!r}?" if near else f": {', '.join(GROUPS)}"
    )


def _there(plugin: Plugin, found: list[Plugin]) -> bool:
    """True for one that a second look at the same distribution finds again: a folder may be on the path twice."""
    return plugin in found


def _twice(plugin: Plugin, before: str) -> Plugin:
    first = before or "another copy"
    return replace(
        plugin,
        error=f"{plugin.distribution} is installed twice, and {first} is found first: uninstall both, install one",
    )


def _order(plugin: Plugin) -> tuple[int, str, str]:
    group = GROUPS.index(plugin.group) if plugin.group in GROUPS else len(GROUPS)
    return group, folded(plugin.distribution), plugin.name
