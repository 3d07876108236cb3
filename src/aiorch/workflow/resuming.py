"""A run is carried on with the inputs that it was begun with: what is committed came from those."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from aiorch.errors import InputsChanged
from aiorch.protocols import Journal
from aiorch.types import to_json

KEY = "!inputs"
"""Where their fingerprints are kept; no task can be called like that."""


async def same_inputs(journal: Journal, run_id: str, inputs: Mapping[str, Any]) -> None:
    """Write down the inputs' fingerprints when a run begins, and compare them when it is carried on.

    What JSON cannot hold, such as an open file, is not compared.

    :raises InputsChanged: naming those that differ.
    """
    now = {name: _fingerprint(value) for name, value in inputs.items()}

    async def begins() -> dict[str, str]:
        return now

    began = await journal.once(KEY, begins, returns=dict[str, str])
    changed = sorted(name for name in {*began, *now} if began.get(name) != now.get(name))
    if changed:
        raise InputsChanged(run_id, changed)


def _fingerprint(value: Any) -> str:
    try:
        return sha256(to_json(value).encode()).hexdigest()[:16]
    except Exception:  # whatever pydantic cannot describe: any class of the user's may be inside
        return "not compared"
