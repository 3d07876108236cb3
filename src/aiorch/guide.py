"""The names that readers of the integration guide will try, thin over the real objects."""

from __future__ import annotations

from aiorch.errors import SecurityException
from aiorch.routing import AGENT_PROFILES

__all__ = ["AGENT_PROFILES", "SecurityException"]
