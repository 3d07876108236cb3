"""What a workflow is made of: nodes, frozen once built, that say what to do and where their values come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiorch.protocols import Tool
from aiorch.types import Budget, Parameters
from aiorch.workflow.template import Template


class _Required:
    __slots__ = ()

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()
"""Stands for "no default"."""


@dataclass(frozen=True, slots=True)
class Port:
    """One parameter of a task: what it is called inside, and whose value it takes."""

    name: str
    source: str | tuple[str, ...]
    """A task or an input; several give the list of their values."""
    kind: Any = None
    """The annotation, unresolved; ``None`` where there is none."""
    default: Any = REQUIRED
    positional: bool = False
    """True where Python takes it by position only."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Everything it takes values from."""
        return (self.source,) if isinstance(self.source, str) else self.source


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a model."""

    prompt: Template
    agent: str = "general"
    output: Any = str
    """The type of the answer."""
    system: str | None = None
    tools: tuple[Tool, ...] = ()
    parameters: Parameters = Parameters()
    budget: Budget | None = None
    timeout: float | None = None
    """Seconds for everything, retries included."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the user's."""

    function: Callable[..., Any]
    is_async: bool
    thread: bool = True
    """Plain functions only: run in a worker thread, so that one that waits or computes stops nobody else."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Carried out once per item of a list."""

    over: tuple[Port, ...]
    """What an item is called inside, and the task or input that gives its list; several are walked side by side."""
    on_error: Literal["fail", "collect"] = "fail"
    label: Template | None = None
    """How an item is called in displays; ``None`` = by its number."""


@dataclass(frozen=True, slots=True)
class Node:
    """One task of a workflow."""

    name: str
    work: Ask | Call
    ports: tuple[Port, ...] = ()
    after: tuple[str, ...] = ()
    """Tasks that must be done before, without giving a value."""
    mapped: Mapped | None = None
    problems: tuple[str, ...] = ()
    """What is wrong with it in itself, found while it was described."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The tasks and inputs whose values it takes, in order."""
        found = dict.fromkeys(s for port in self.ports for s in port.sources)
        if self.mapped:
            found.update(dict.fromkeys(s for port in self.mapped.over for s in port.sources))
        return tuple(found)
