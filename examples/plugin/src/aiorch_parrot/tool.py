"""Something that models do badly: counting."""

from __future__ import annotations

import aiorch


@aiorch.tool(idempotent=True)
def count_words(text: str) -> str:
    """Count the words of a text.

    :param text: the text, as it is.
    """
    return f"There are {len(text.split())} words."
