"""What makes a request cost though its model is free: paid models to fall back on, searches, paid helpers. Pure.

``:free`` says only that the model's own tokens cost nothing. These go with it and are charged all the same, or take
another model's place and are charged as that (documentation of 2026-08-22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.openrouter.ids import costs_nothing

NOTHING: Mapping[str, str] = {"prompt": "0", "completion": "0", "request": "0", "image": "0"}
"""A ``max_price`` that no host fits which charges anything."""
FREE_PLUGINS = frozenset({"context-compression", "response-healing", "auto-router", "auto-beta-router"})
"""Those that only change the request or the answer, or have no effect on a model that is named."""
FREE_READERS = frozenset({"cloudflare-ai", "native"})
"""Engines of the ``file-parser`` plugin that are not charged by the page."""
FREE_TOOLS = frozenset({"function", "openrouter:datetime"})


def charged(body: Mapping[str, Any]) -> str | None:
    """What in a chat request is charged beside a free model, or in its place; ``None`` where nothing is.

    >>> charged({"models": ["a/b:free", "a/b"]})
    'the fallback model a/b costs money'
    """
    for model in _each(body.get("models")):
        if not costs_nothing(as_text(model)):
            return f"the fallback model {model} costs money"
    for item in _each(body.get("plugins")):
        why = _plugin(as_object(item))
        if why:
            return why
    for tool in _each(body.get("tools")):
        kind = as_text(as_object(tool).get("type"))
        if kind not in FREE_TOOLS:
            return f"the tool {kind or 'without a type'} is charged by the call"
    if body.get("web_search_options"):
        return "web_search_options is charged by the search"
    if body.get("preset"):
        return f"nobody can tell from here what the preset {body['preset']} costs"
    return None


def _each(value: object) -> Sequence[object]:
    """The items of a list; what stands in its place is looked at as well, since nobody knows how it will be read."""
    return as_list(value) or ([value] if value else [])


def _plugin(plugin: Mapping[str, Any]) -> str | None:
    name = as_text(plugin.get("id"))
    if plugin.get("enabled") is False or name in FREE_PLUGINS:
        return None
    if name == "file-parser":
        engine = as_object(plugin.get("pdf")).get("engine")
        if engine in FREE_READERS:
            return None
        return f"the plugin file-parser is charged by the page with {engine or 'the engine that it chooses'}"
    return f"the plugin {name or 'without an id'} may be charged"


def agreed(body: Mapping[str, Any]) -> bool:
    """True where the request itself says what may be charged: a ``provider.max_price`` above nothing."""
    limit = as_object(as_object(body.get("provider")).get("max_price"))
    return any(_above_nothing(limit.get(name)) for name in ("prompt", "completion"))


def _above_nothing(price: object) -> bool:
    try:
        return float(price) > 0 if isinstance(price, str | int | float) else False
    except ValueError:
        return False
