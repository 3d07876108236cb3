"""What parameters of tests are called: the same in every process, which addresses of objects are not."""

from __future__ import annotations

import re


def steady(value: object) -> str:
    """The value as text, without addresses."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
