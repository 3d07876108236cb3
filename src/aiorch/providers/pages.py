"""Lists that come in pages: the address of the next one, in whatever way a provider tells it. Pure."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiorch.providers.decode import as_object, as_text


def next_page(body: bytes, path: str) -> str | None:
    """Where the page after ``body`` is, which came from ``path``; ``None`` after the last.

    >>> next_page(b'{"data": [], "has_more": true, "last_id": "m-20"}', "/models?limit=20")
    '/models?limit=20&after_id=m-20'
    """
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    told = as_object(parsed)
    for field, parameter in (
        ("nextPageToken", "pageToken"),
        ("next_page_token", "page_token"),
    ):  # Gemini, Cohere
        if token := as_text(told.get(field)):
            return _with(path, parameter, token)
    last = as_text(told.get("last_id"))
    if told.get("has_more") is True and last:  # Anthropic
        return _with(path, "after_id", last)
    info = as_object(told.get("result_info"))  # Cloudflare
    page, pages = info.get("page"), info.get("total_pages")
    if isinstance(page, int) and isinstance(pages, int) and page < pages:
        return _with(path, "page", str(page + 1))
    if token := as_text(told.get("nextToken")):  # Amazon
        return _with(path, "nextToken", token)
    following = as_text(as_object(told.get("next")).get("href")) or as_text(
        as_object(told.get("links")).get("next")
    )
    return _same_place(path, following)  # IBM; OpenRouter


def _with(path: str, parameter: str, value: str) -> str:
    parts = urlsplit(path)
    kept = [(n, v) for n, v in parse_qsl(parts.query, keep_blank_values=True) if n != parameter]
    return urlunsplit(parts._replace(query=urlencode([*kept, (parameter, value)])))


def _same_place(path: str, following: str) -> str | None:
    """The path that was asked with the query of the next page: a key is never taken to an address that a list names."""
    query = urlsplit(following).query
    return urlunsplit(urlsplit(path)._replace(query=query)) if query else None
