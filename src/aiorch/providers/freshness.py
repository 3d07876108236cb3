"""For how long a provider says that its list holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d+)", re.IGNORECASE)


def holds_for(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by ``Cache-Control`` (RFC 9111), less the answer's ``Age``; else until ``Expires``; ``None`` = not told.

    >>> holds_for({"Cache-Control": "public, max-age=300, stale-while-revalidate=3600", "Age": "20"}, 0.0)
    280.0
    >>> holds_for({"cache-control": "no-store"}, 0.0)
    0.0
    """
    told = {name.lower(): value for name, value in headers.items()}
    control = told.get("cache-control", "")
    if re.search(r"\bno-(?:store|cache)\b", control, re.IGNORECASE):
        return 0.0
    found = _MAX_AGE.search(control)
    if found:
        age = told.get("age", "").strip()
        return max(0.0, float(found[1]) - (float(age) if age.isascii() and age.isdigit() else 0.0))
    try:
        return max(0.0, parsedate_to_datetime(told.get("expires", "")).timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None
