"""From a file to its workflow: ``digest.py``, ``flows.py:nightly``, ``release.yaml``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aiorch.errors import InputError, nearest
from aiorch.workflow.neighbours import beside

if TYPE_CHECKING:
    from types import ModuleType

    from aiorch.workflow.builder import Workflow

DOCUMENTS = (".yaml", ".yml", ".toml", ".json")
"""Endings of workflow files that are data."""


_ENDINGS = ".py, .yaml, .toml or .json"


def load(where: str | Path) -> Workflow:
    """The workflow that a file holds.

    :param where: a Python file (``flows.py``, or ``flows.py:name`` when it holds several), a YAML, TOML or JSON file.
    :raises InputError: when there is no such file, it cannot be run, or it does not hold exactly one workflow.
    :raises InvalidWorkflow: when a YAML, TOML or JSON file is not understood.
    """
    path, name = _split(str(where))
    found = _held(path)
    if name is not None:
        if name not in found:
            raise InputError(f"{path} has no workflow called {name!r}; {_told(found)}")
        return found[name]
    if len({id(flow) for flow in found.values()}) != 1:
        cure = (
            f": say which, as in {path}:{next(iter(found))}"
            if found
            else ": make one with aiorch.Workflow(...)"
        )
        raise InputError(f"{path} should hold one workflow; {_told(found)}{cure}")
    return next(iter(found.values()))


def load_all(where: str | Path) -> list[Workflow]:
    """Every workflow that a file holds, in order of their definition; behind ``flows.py:name`` that one alone.

    :raises InputError: when there is no such file, it cannot be run, or it holds none.
    :raises InvalidWorkflow: when a YAML, TOML or JSON file is not understood.
    """
    path, name = _split(str(where))
    if name is not None:
        return [load(where)]
    found = _held(path)
    if not found:
        raise InputError(f"{path} should hold a workflow; {_told(found)}: make one with aiorch.Workflow(...)")
    return list({id(flow): flow for flow in found.values()}.values())


def _held(path: Path) -> dict[str, Workflow]:
    """The workflows of a file by the names under which it holds them."""
    from aiorch.workflow.builder import Workflow

    if not path.is_file():
        near = nearest(path.name, (p.name for p in path.parent.glob("*"))) if path.parent.is_dir() else ()
        offer = f" Did you mean {' or '.join(near)}?" if near else f" Give the path of a {_ENDINGS} file."
        raise InputError(f"no workflow file {path}.{offer}")
    if path.suffix in DOCUMENTS:
        flow = Workflow.from_file(path)
        return {flow.name: flow}
    if path.suffix != ".py":
        raise InputError(f"{path} is no workflow file: its name should end in {_ENDINGS}")
    return {key: value for key, value in vars(_run(path)).items() if isinstance(value, Workflow)}


def _split(where: str) -> tuple[Path, str | None]:
    head, colon, tail = where.rpartition(":")
    if colon and head.endswith(".py") and tail.isidentifier():
        return Path(head), tail
    return Path(where), None


def _run(path: Path) -> ModuleType:
    name = f"aiorch_workflow_{path.stem}"  # not the bare stem: a file called json.py must not become `json`
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:  # cannot be for an existing .py file; the types allow it
        raise InputError(f"{path} cannot be run as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look annotations up there
    with beside(path.parent):
        try:
            spec.loader.exec_module(module)
        except Exception as broken:
            del sys.modules[name]
            raise InputError(f"{path} stopped with {type(broken).__name__}: {broken}") from broken
    return module


def _told(found: dict[str, Workflow]) -> str:
    return f"it holds {', '.join(sorted(found))}" if found else "it holds none"
