"""What other packages add: found through entry points, loaded on first use, reported by name when broken.

In the ``pyproject.toml`` of such a package:

    [project.entry-points."aiorch.providers"]
    parrot = "aiorch_parrot:Parrot"
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiorch.errors import PluginError

GROUPS = (
    "aiorch.providers",
    "aiorch.matchers",
    "aiorch.validators",
    "aiorch.checks",
    "aiorch.tools",
    "aiorch.mcp_servers",
    "aiorch.engines",
)
"""The entry-point groups that aiorch reads."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point: loaded, or refused with the reason."""

    group: str
    name: str
    distribution: str
    """The distribution that declares it, with its version."""
    value: Any = None
    """What it names, once loaded."""
    error: str | None = None
    """Why it cannot be used."""


def discover(group: str) -> Iterator[Plugin]:
    """Every plugin of a group. A broken one is yielded with its ``error``; it never takes the rest down.

    :raises PluginError: when ``group`` is not one of :data:`GROUPS`.
    """
    if group not in GROUPS:
        raise PluginError(f"unknown plugin group {group!r}; the groups are {', '.join(GROUPS)}")
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        made_by = "unknown"
        try:
            if entry.dist:
                made_by = (
                    f"{entry.dist.name} {entry.dist.version}"  # reads its metadata, which may be broken too
                )
            value = entry.load()
        except (Exception, SystemExit) as broken:  # a module that calls sys.exit() must not end the program
            yield Plugin(group, entry.name, made_by, error=f"{type(broken).__name__}: {broken}")
        else:
            yield Plugin(group, entry.name, made_by, value)
