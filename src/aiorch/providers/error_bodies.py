"""What an error body says, in whatever shape it came. Pure.

Shapes met: ``{"error": {...}}`` (OpenAI and most), the same in a list (Google's compatible endpoint), a string in its
place (Ollama), ``{"message", "type", "code"}`` (Cerebras, Mistral), ``{"detail": ...}`` (FastAPI), RFC 7807 (NVIDIA),
``{"errors": [...]}`` (Cloudflare), ``{"base_resp": {...}}`` (MiniMax), another provider's error as a string inside
(OpenRouter), plain text and web pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says, whichever shape it had."""

    message: str = ""
    """The provider's words."""
    code: str | None = None
    """Its most telling code or type, as written."""
    codes: frozenset[str] = frozenset()
    """All its codes, types and reasons, in lower case."""
    status: int | None = None
    """The HTTP status that the body itself names."""
    upstream: str | None = None
    successors: tuple[str, ...] = ()
    wait: object = None
    """A wait or moment that the body names."""
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    """What else it tells that may be shown, by its own names."""


_CODE_FIELDS = (
    *("code", "type", "status", "error_type", "reason", "error_code", "http_status"),
    *("status_code", "errorCode"),  # watsonx; IBM's sign-in
)
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_MESSAGE_FIELDS = ("message", "detail", "error", "title", "msg", "description", "errorMessage", "Message")


def read_error(body: bytes | str | object, kind: str = "") -> ErrorBody:
    """The error in ``body``: bytes, text or parsed JSON.

    :param kind: what a header calls it, beside the body (Amazon's ``x-amzn-errortype``).

    >>> read_error(b'{"error": {"message": "no such model", "code": "model_not_found"}}').codes
    frozenset({'model_not_found'})
    """
    if isinstance(body, bytes):
        body = body[:1_000_000].decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            parsed: object = json.loads(body)
        except (ValueError, RecursionError):
            told = _amazons(kind)
            return ErrorBody(
                _plain_text(body), told[0] if told else None, frozenset(t.casefold() for t in told)
            )
        body = parsed
    layers = list(_layers(body))
    messages: list[str] = []
    codes: list[str] = []
    found: dict[str, Any] = {}
    for layer in layers:
        messages += [m for f in _MESSAGE_FIELDS if isinstance(m := layer.get(f), str)]
        codes += [c for f in _CODE_FIELDS if (c := _code(layer.get(f)))]
        for name, value in layer.items():
            found.setdefault(name, value)
    codes = [*_amazons(kind or found.get("__type")), *codes]
    if isinstance(body, str):
        messages.append(body)
    codes += _quota_ids(found.get("violations"))
    named = [c for c in codes if not _STATUS.fullmatch(c)] or codes
    status = next((int(c) for c in codes if _STATUS.fullmatch(c)), None)
    host = found.get("provider_name") or found.get("provider")
    if found.get("reasons") and found.get("flagged_input") is not None:
        codes.append("moderation")
    codes += _availability(found)
    if "failed_generation" in found:
        codes.append("failed_generation")
    return ErrorBody(
        ": ".join(dict.fromkeys(m.strip() for m in messages if m.strip())),
        named[0] if named else None,
        frozenset(c.casefold() for c in codes),
        status,
        host if isinstance(host, str) else None,
        tuple(m for m in _list(found.get("fallback_models")) if isinstance(m, str)),
        found.get("retryDelay") if found.get("retry_after") is None else found.get("retry_after"),
        _details(found),
    )


def _amazons(kind: object) -> list[str]:
    """The name of an exception of Amazon's, which is ``AccessDeniedException:http://...`` or ``com.amazon#...``."""
    name = kind.partition(":")[0].rpartition("#")[2].strip() if isinstance(kind, str) else ""
    return [name] if name else []


def _code(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1_000_000:
        return str(value)
    return value if isinstance(value, str) and value else None


def _layers(value: object, depth: int = 5) -> Sequence[Mapping[str, Any]]:
    """The objects of an error, the most telling first: what is inside before what wraps it.

    ``metadata.raw`` is another provider's error in a string (OpenRouter), ``details`` and ``errors`` are lists (Google,
    Cloudflare), and the whole may be a list (Google's compatible endpoint).
    """
    if depth == 0:
        return ()
    if isinstance(value, list):
        return [layer for item in cast("list[object]", value)[:5] for layer in _layers(item, depth - 1)]
    if not isinstance(value, dict):
        return ()
    own = cast("dict[str, Any]", value)
    inner: list[Mapping[str, Any]] = []
    for name in ("error", "errors", "detail", "choices"):
        inner += _layers(own.get(name), depth - 1)
    inner += _layers(own.get("availability"), depth - 1)
    outer: list[Mapping[str, Any]] = []
    for name in ("metadata", "details"):
        outer += _layers(own.get(name), depth - 1)
    status = _object(own.get("base_resp"))
    if status.get("status_code"):  # MiniMax's numbers are its own: another's may be the same
        inner.append({"code": f"minimax_{status.get('status_code')}", "message": status.get("status_msg")})
    raw = own.get("raw")
    if isinstance(raw, str):
        try:
            outer += _layers(json.loads(raw), depth - 1)
        except (ValueError, RecursionError):
            outer.append({"message": raw})
    return [*inner, own, *outer]


def _availability(found: Mapping[str, Any]) -> list[str]:
    """Codes for what OpenRouter tells of a model that cannot be served beside the code itself: whether it comes back,
    and which preference or setting left no host.
    """
    told = found.get("availability")
    if not isinstance(told, dict):
        return []
    said = cast("dict[str, Any]", told)
    comes_back = ["availability:retryable"] if said.get("retryable") is True else []
    return comes_back + [f"excluded_by:{e}" for e in _list(said.get("excluded_by")) if isinstance(e, str)]


_DETAILS = (
    # OpenRouter's, of models that cannot be served
    *("retryable", "excluded_by", "affected_providers", "constraint", "docs_url"),
    # of inputs that a filter or a guardrail refused
    *("reasons", "model_slug"),
    # of hosts that failed
    *("error_type", "provider_code", "previous_errors"),
)


def _details(found: Mapping[str, Any]) -> Mapping[str, str]:
    """The fields of an error that say more than kind, message and code, as text."""
    told = found.get("availability")
    code = cast("dict[str, Any]", told).get("code") if isinstance(told, dict) else None
    texts = {"availability": _text(code), **{name: _text(found.get(name)) for name in _DETAILS}}
    flagged, patterns = found.get("flagged_input"), _list(found.get("patterns"))
    # What somebody wrote is not repeated in errors: its length, and how much of it was matched, must do.
    texts["flagged_input"] = f"{len(flagged)} characters" if isinstance(flagged, str) and flagged else ""
    texts["patterns"] = f"{len(patterns)} matched" if patterns else ""
    return {name: text for name, text in texts.items() if text}


def _text(value: object) -> str:
    """A field as words: lists with commas, objects by their values."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int() | float():
            return str(value)
        case list():
            return ", ".join(t for item in cast("list[object]", value)[:10] if (t := _text(item)))
        case dict():
            return ": ".join(t for item in cast("dict[str, object]", value).values() if (t := _text(item)))
        case _:
            return ""


def _quota_ids(violations: object) -> list[str]:
    return [
        quota
        for v in _list(violations)
        if isinstance(v, dict) and isinstance(quota := cast("dict[str, Any]", v).get("quotaId"), str)
    ]


def _object(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _plain_text(text: str) -> str:
    """A text or HTML body in a few words."""
    if re.search(r"<\s*(?:!doctype|html|head|body)", text[:2000], re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:20_000], re.IGNORECASE | re.DOTALL)
        return f"a web page{': ' + title.group(1).strip() if title else ''} instead of an answer"
    return text.strip()
