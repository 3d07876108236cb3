"""From an entry point to an object that can be used, or to the reason why not.

Whatever a plugin does, nothing is raised but what ends the program on purpose (Ctrl-C).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from aiorch.plugins.entries import Plugin

_TARGET = re.compile(r"[\w.]+\s*:\s*[\w.]+")
_NOTHING = object()


def imported(plugin: Plugin) -> Plugin:
    """With its ``value``, or the ``error`` that keeps it from being imported."""
    if plugin.state != "used" or plugin.value is not None:
        return plugin
    if not _TARGET.fullmatch(plugin.target):
        return replace(
            plugin, error=f"{plugin.target!r} is no object of a module: it has to be 'module:object'"
        )
    from importlib.metadata import EntryPoint

    try:
        value = EntryPoint(plugin.name, plugin.target, plugin.group).load()
    except (Exception, SystemExit) as broken:  # a module that calls sys.exit() must not end the program
        hint = ""
        if isinstance(broken, ImportError) and plugin.extras:
            hint = f" (it needs pip install '{plugin.distribution}[{','.join(plugin.extras)}]')"
        return replace(plugin, error=_said(broken) + hint)
    if value is None:
        return replace(plugin, error=f"{plugin.target} is None")
    return replace(plugin, value=value)


def made(plugin: Plugin, protocol: type, also: type | None = None, settings: object = None) -> Plugin:
    """With the object that it gives as its ``value``.

    :param protocol: what the object must be; members are looked for, and methods must be callable.
    :param also: a class whose instances will do as well, where the entry point names one itself.
    :param settings: for whatever has a parameter of that name.
    """
    if plugin.state != "used":
        return plugin
    try:
        value = plugin.value
        fits = not lacking(value, protocol, also)
        if isinstance(value, type) or (not fits and callable(value)):
            value = _call(cast("Callable[..., object]", value), settings)
            if value is None:
                return replace(plugin, value=None, idle="it has nothing to give here (it returned None)")
            if inspect.iscoroutine(value):
                value.close()
                why = "what makes it is async: it has to be a plain function"
                return replace(plugin, value=None, error=why)
            if isinstance(value, type):
                why = f"what makes it gave the class {value.__name__}, not an object of it"
                return replace(plugin, value=None, error=why)
            also = None  # what will do as well is named itself, so that it can be read without being made
        lacks = lacking(value, protocol, also)
    except (Exception, SystemExit) as broken:
        return replace(plugin, value=None, error=_said(broken))
    if lacks:
        return replace(plugin, value=None, error=no_such(value, protocol, lacks))
    return replace(plugin, value=value)


def lacking(value: object, protocol: type, also: type | None = None) -> tuple[str, ...]:
    """The members of ``protocol`` that ``value`` does not have, or has as something else than the method they are.

    >>> from aiorch.protocols import Check
    >>> lacking("a text", Check)
    ('name', 'check()')
    """
    if also is not None and isinstance(value, also):
        return ()
    lacks: list[str] = []
    for name, member in vars(protocol).items():
        if name.startswith("_"):
            continue
        method = inspect.isfunction(member)
        there = getattr(value, name, _NOTHING)
        if there is _NOTHING or (method and not callable(there)):
            lacks.append(f"{name}()" if method else name)
    return tuple(lacks)


def no_such(value: object, protocol: type, lacks: tuple[str, ...]) -> str:
    """That ``value`` does not have what ``protocol`` asks for."""
    kind = (
        f"the class {value.__name__}" if isinstance(value, type) else f"an object of {type(value).__name__}"
    )
    return f"{kind} is no {protocol.__name__}: it lacks {', '.join(lacks)}"


def _call(maker: Callable[..., object], settings: object) -> object:
    try:
        wanted = "settings" in inspect.signature(maker).parameters
    except (TypeError, ValueError):  # some of those written in C do not say what they take
        wanted = False
    return maker(settings=settings) if wanted else maker()


def _said(broken: BaseException) -> str:
    return f"{type(broken).__name__}: {broken}"
