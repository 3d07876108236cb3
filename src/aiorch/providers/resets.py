"""When asking again makes sense: every way in which providers write it, as epoch seconds.

Formats met: Go durations (``6m0s``, ``12ms``, ``2m59.56s``: OpenAI, Groq), seconds with a fraction (Cerebras), whole
seconds or an HTTP date (``Retry-After``), milliseconds (``retry-after-ms``), RFC 3339 (Anthropic), epoch seconds or
milliseconds (OpenRouter), ``"36s"`` in a body (Gemini).
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

LONGEST = 400 * 86400.0
"""No allowance is longer than a year: a number of seconds beyond it is an epoch, a date beyond it is nonsense."""

_UNITS = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ns": 1e-9,
}
_PART = r"(\d+(?:\.\d+)?)(ms|us|µs|μs|ns|d|h|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_IN_TEXT = re.compile(
    rf"(?:try again in|retry in|retry after)\s+((?:{_PART})+|\d+(?:\.\d+)?)(?:\s*(seconds?|minutes?|hours?))?",
    re.IGNORECASE | re.ASCII,
)
_WORDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


def seconds_of(text: str) -> float | None:
    """The length of a Go duration, seconds; ``None`` when it is not one.

    >>> seconds_of("2m59.56s"), seconds_of("12ms"), seconds_of("soon")
    (179.56, 0.012, None)
    """
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))


def reset_at(value: object, now: float) -> float | None:
    """The moment that ``value`` names, epoch seconds, whichever of the formats it is in.

    A number is a wait in seconds, or an epoch in seconds or milliseconds when it is that large. ``None`` for ``-1``, an
    empty string, a moment that has passed and everything else that says nothing about the future.

    >>> reset_at("6m0s", 1000.0), reset_at("-1", 1000.0), reset_at("1760000000000", 1_759_999_990.0)
    (1360.0, None, 1760000000.0)
    """
    text = value.strip() if isinstance(value, str) else _plain(value)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number <= LONGEST:
            return now + number
        return _future(number / 1000 if number > 1e11 else number, now)
    length = seconds_of(text)
    if length is not None:
        return _future(now + length, now)
    return _future(_date(text), now)


def retry_after(headers: dict[str, str], now: float) -> float | None:
    """What ``retry-after-ms`` or ``Retry-After`` says. ``headers`` has lower-case names.

    >>> retry_after({"retry-after": "20"}, 1000.0)
    1020.0
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return _future(now + float(milliseconds) / 1000, now)
    return reset_at(headers.get("retry-after", ""), now)


def told_in_text(text: str, now: float) -> float | None:
    """What a sentence says: "Please try again in 5.289s", "Retry after 40 seconds".

    >>> told_in_text("Please try again in 1m2s. Visit ...", 1000.0)
    1062.0
    """
    found = _IN_TEXT.search(text)
    if not found:
        return None
    amount = found.group(1).lower()
    length = seconds_of(amount)
    if length is None:
        length = float(amount) * _WORDS[(found.group(4) or "second").lower().rstrip("s")]
    return _future(now + length, now)


def next_midnight(now: float, zone: str = "UTC") -> float:
    """When the next day begins in ``zone``, epoch seconds.

    >>> next_midnight(86_400.0 * 100 + 5) == 86_400.0 * 101
    True
    """
    if zone == "UTC":
        return (now // 86400 + 1) * 86400
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        here = datetime.fromtimestamp(now, ZoneInfo(zone))
    except ZoneInfoNotFoundError:  # a system without the zone data: a day is never too long to wait by much
        return now + 86400
    tomorrow = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return tomorrow.timestamp()


def _plain(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return f"{value:.6f}"
    return ""


def _future(moment: float | None, now: float) -> float | None:
    return moment if moment is not None and now <= moment <= now + LONGEST else None


def _date(text: str) -> float | None:
    """RFC 3339 or an HTTP date; without a zone it is UTC."""
    if len(text) < 10:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
