"""One look at what there is, for the commands that show models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiorch.discovering import Discovery
    from aiorch.settings import Settings


async def look(
    settings: Settings, *, only_configured: bool = False, refresh: bool = False, probe: int | None = None
) -> Discovery:
    """What there is."""
    from aiorch.orchestrator import Orchestrator

    async with Orchestrator(settings) as ai:
        return await ai.discover(refresh=refresh, probe=probe, only_configured=only_configured)
