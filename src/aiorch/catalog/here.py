"""Which providers are on this machine."""

from __future__ import annotations

from aiorch.protocols import Provider

LOCAL_NAMES = frozenset({"local"})
"""Providers inside this process."""


def is_local(provider: Provider) -> bool:
    """True for a provider on this machine, inside the process or beside it (those say so by ``local = True``).

    Its list costs nothing, changes whenever its user pulls a model, and is neither stored nor forbidden offline.
    """
    return provider.name in LOCAL_NAMES or getattr(provider, "local", False) is True
