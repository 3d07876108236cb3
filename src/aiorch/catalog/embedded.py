"""What is known of every provider's models before, or without, asking anybody: the snapshot that is in the wheel.

``tools/build_catalog.py`` makes it at release from sources whose licences permit that; :func:`sources` names them. Read
once, at the first question; a provider's cards are made when that provider is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType

from aiorch.catalog.packing import Packed, unpack
from aiorch.providers import SPECS
from aiorch.types import ModelCard

FILE = "data/catalog.json.gz"


@lru_cache(maxsize=1)
def packed() -> Packed:
    """The snapshot as it lies in the wheel."""
    return unpack(files("aiorch.catalog").joinpath(FILE).read_bytes())


@cache
def embedded(provider: str) -> tuple[ModelCard, ...]:
    """The embedded cards of one provider; none where nothing is known.

    >>> embedded("openrouter")[0].provider
    'openrouter'
    """
    spec = SPECS.get(provider)
    return () if spec is None else packed().cards(spec)


@lru_cache(maxsize=1)
def embedded_all() -> Mapping[str, tuple[ModelCard, ...]]:
    """All of them by provider, in the order in which providers are preferred."""
    held = frozenset(packed().providers)
    return MappingProxyType({provider: embedded(provider) for provider in SPECS if provider in held})


def as_of() -> str:
    """The day of the newest source, as ``2026-11-10``."""
    return packed().as_of


def sources() -> Mapping[str, str]:
    """What the snapshot was built from: by name the version, the licence, the day and what was taken."""
    return packed().sources
