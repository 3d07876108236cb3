"""What a program sets for all orchestrators that it makes afterwards, below everything that people set."""

from __future__ import annotations

from typing import Any

PROGRAM = "aiorch.guide.config"
"""The place, for people who look for where a value comes from."""

DEFAULTS: dict[str, Any] = {}
"""Setting to value. Checked where it is written: :func:`aiorch.settings.set_default`."""
