"""The examples on the embedded model, with nobody else to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiorch


def local(folder: Path, **more: Any) -> aiorch.Orchestrator:
    """An orchestrator that knows the embedded model alone."""
    return aiorch.Orchestrator(providers=["local"], offline=True, data_dir=folder, **more)
