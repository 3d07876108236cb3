"""The modules that lie beside a workflow file: it may import them, whether it is Python or data."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def beside(folder: Path) -> Generator[None]:
    """Modules of ``folder`` can be imported meanwhile, as they can by a script that lies there."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)
