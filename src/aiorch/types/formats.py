"""What an answer must look like beside its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Format:
    """What is asked of an answer; whatever is ``None`` is not looked at. :mod:`aiorch.safety.formats` does the looking.

    >>> Format(longest=400, fences="none").longest
    400
    """

    pattern: str | None = None
    """A regular expression that occurs in the answer (anchor it with ``^`` and ``$`` for the whole). Matched
    in linear time, so without look-around and back references."""
    shortest: int | None = None
    """The least number of characters."""
    longest: int | None = None
    """The largest number of characters."""
    language: str | None = None
    """ISO 639-1. An answer whose language cannot be told passes."""
    fences: Literal["none", "some", "only"] | None = None
    """No code block, at least one, or one and nothing around it."""
    schema: Mapping[str, Any] | None = None
    """A JSON schema (draft 2020-12) of the whole answer."""
