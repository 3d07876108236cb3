"""A provider's words made fit to be shown: without keys, on one line, short.

Providers echo keys ("Incorrect API key provided: sk-ab***yz"), so known keys, pieces of them and whatever else looks
like one are removed before a message is cut to length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 300
"""Characters of a message."""
REDACTED = "[redacted]"

# Prefixes of the keys of the providers known to SPECS and their neighbours; then any long run of letters and digits
# mixed, which is a token rather than a word or a model id (those have separators every few letters).
_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|gsk|csk|xai|nvapi|hf|tgp|pplx|fw|r8|rk|pk|key|ms|ghp|glpat)[-_]|AIza|AKIA|ya29\.)(?=[\w*.…-]{0,80}[\d*…])[\w*.…-]{8,}"
    r"|(?<=[Bb]earer )[\w.~+/=*…-]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w.-]+"
    r"|\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{28,}\b"
)


class Redactor:
    """Removes these secrets and everything key-like from texts.

    >>> Redactor(["my-secret-key-123"]).clean("no such key: my-secret-key-123\\n")
    'no such key: [redacted]'
    """

    __slots__ = ("_known",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts: list[str] = []
        for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
            parts.append(re.escape(secret))
            if len(secret) >= 16:  # an echo often keeps the beginning or the end and stars the rest
                parts.append(re.escape(secret[:8]) + r"[\w*.…-]*")
                parts.append(r"[\w*.…-]{0,80}[*…][\w*.…-]{0,80}?" + re.escape(secret[-4:]) + r"\b")
        self._known = re.compile("|".join(parts)) if parts else None

    def clean(self, text: str, longest: int = LONGEST) -> str:
        """``text`` on one line, without secrets, at most ``longest`` characters."""
        text = text[: longest * 20]  # far beyond what is kept, so nothing that is cut here can show
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        text = " ".join(_KEY_LIKE.sub(REDACTED, text).split())
        return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"

    def __repr__(self) -> str:
        return "Redactor(...)"
