"""Provider-specific fields of a request, laid over what a dialect wrote. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def with_extra(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """``body`` with ``extra`` over it. Objects are merged and everything else is replaced, so that one more setting
    keeps those beside it.

    >>> with_extra({"generationConfig": {"seed": 7}}, {"generationConfig": {"topK": 40}})
    {'generationConfig': {'seed': 7, 'topK': 40}}
    """
    merged = dict(body)
    for name, value in extra.items():
        own = merged.get(name)
        if isinstance(own, Mapping) and isinstance(value, Mapping):
            value = with_extra(cast("Mapping[str, Any]", own), cast("Mapping[str, Any]", value))
        merged[name] = value
    return merged
