"""One run of ``aiorch run``: what was asked for, and who carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiorch.orchestrator import Orchestrator
    from aiorch.settings import Settings
    from aiorch.workflow import Run, Workflow


@dataclass(frozen=True, slots=True)
class How:
    """How a run is carried out, as the command line says."""

    limit: int = 64
    limits: Mapping[str, int] = field(default_factory=dict[str, int])
    engine: str | None = None
    html: Path | None = None
    """Where its page goes."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run, from the command line to its end."""

    flow: Workflow
    inputs: Mapping[str, Any]
    settings: Settings
    how: How
    run: Run
    again: tuple[str, ...] = ()
    """The command that carries it on."""

    by: list[Orchestrator] = field(default_factory=list["Orchestrator"])
    """Who carries it out, from then on."""

    @property
    def audit(self) -> Path | None:
        """Where its last action was recorded."""
        return self.by[0].audit_file if self.by else None

    @property
    def durable(self) -> bool:
        """Whether it outlives this process."""
        return "://" in self.settings.engine.get_secret_value()
