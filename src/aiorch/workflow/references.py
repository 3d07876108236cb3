"""``module:name``: how a file names a function, a class, a tool or an exception, and which name each of them has."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiorch.errors import nearest
from aiorch.protocols import Tool

LOADED = "aiorch_workflow_"
"""How the module of a workflow file begins: no program can import it by that name."""

_TOOLS: dict[str, Tool] = {}
"""The tools of plugins that were asked for, by name: one object each, so that their names are found again."""


# --- from a name to the thing ------------------------------------------------------------------------------------


def named(key: str, reference: str) -> Any:
    """What ``module:name`` names.

    :param key: where it was said, for messages.
    :raises ValueError: when there is no such module, or it has no such name; with the nearest one.
    """
    module, _, name = reference.replace(" ", "").partition(":")
    if not module or not name:
        raise ValueError(f"{key!r} is {reference!r}; write module:name")
    try:
        found: Any = importlib.import_module(module)
    except Exception as wrong:  # a module of the user's may raise anything while it is imported
        raise ValueError(
            f"the module {module!r} of {key!r} cannot be imported ({type(wrong).__name__}: {wrong}); "
            "it must be installed, or lie beside the file"
        ) from None
    for part in name.split("."):
        if not hasattr(found, part):
            near = nearest(part, (n for n in dir(found) if not n.startswith("_")))
            offer = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{module!r} has no {part!r}.{offer}")
        found = getattr(found, part)
    return found


def named_function(key: str, reference: str) -> Callable[..., Any]:
    """The same, a function; of a task that was made with ``@flow.task`` its function."""
    from aiorch.workflow.builder import FunctionStep

    found = named(key, reference)
    if isinstance(found, FunctionStep):
        return found.function  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    if not callable(found):
        raise ValueError(f"{reference!r} is no function")
    return found


def named_type(key: str, reference: str) -> Any:
    """The same, a type."""
    found = named(key, reference)
    if not isinstance(found, type) and not hasattr(found, "__origin__") and not hasattr(found, "__args__"):
        raise ValueError(f"{reference!r} of {key!r} is no type")
    return found


def named_exception(key: str, reference: str) -> type[Exception]:
    """The same, an exception; of Python's own the name alone."""
    found = named(key, reference) if ":" in reference else getattr(builtins, reference, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        raise ValueError(
            f"{reference!r} of {key!r} is no exception; write module:Class, or one of Python's own"
        )
    return found


def named_tool(key: str, reference: str) -> Tool:
    """The same, a tool; the name alone is that of a plugin's."""
    if ":" not in reference:
        return _of_a_plugin(key, reference)
    found = named(key, reference)
    if isinstance(found, type) or not isinstance(found, Tool):
        raise ValueError(f"{reference!r} of {key!r} is no tool; a function becomes one by @aiorch.tool")
    return found


def _of_a_plugin(key: str, name: str) -> Tool:
    if name in _TOOLS:
        return _TOOLS[name]
    from aiorch.plugins import declared, imported, made

    names: list[str] = []
    for plugin in declared():
        if plugin.group != "aiorch.tools":
            continue
        names.append(plugin.name)
        if plugin.name == name:
            done = made(imported(plugin), Tool)
            if done.state != "used":
                raise ValueError(f"the tool {name!r} of {key!r} cannot be used: {done.error or done.idle}")
            return _TOOLS.setdefault(name, done.value)
    near = nearest(name, names)
    offer = (
        f"Did you mean {' or '.join(map(repr, near))}?" if near else "Write module:name for one of your own."
    )
    raise ValueError(f"{key!r} names the tool {name!r}, and no plugin has one. {offer}")


# --- from the thing to its name ----------------------------------------------------------------------------------


def reference(thing: Any) -> str:
    """``module:name`` under which another process finds ``thing``.

    :raises ValueError: saying why there is none, and the cure.
    """
    module, name = _home(thing), getattr(thing, "__qualname__", None)
    shown = name or f"an object of {type(thing).__name__}"
    if isinstance(thing, partial):
        raise ValueError("a partial has no name: write a def in a module")
    if name is None or module is None:
        raise ValueError(f"{shown} has no name in a module: write a def or a class in one")
    if "<lambda>" in name or "<locals>" in name:
        raise ValueError(
            f"{shown} has no name in its module {module!r}: move it to the top level, under a name"
        )
    if module == "__main__" or module.startswith(LOADED):
        raise ValueError(
            f"{shown} lies in the program itself, which nobody can import: move it to a module beside it"
        )
    from aiorch.workflow.builder import FunctionStep

    found = _reached(module, name)
    if found is not thing and not (isinstance(found, FunctionStep) and found.function is thing):  # pyright: ignore[reportUnknownMemberType]
        raise ValueError(
            f"{module}:{name} is something else than what is meant: give it a name of its own there"
        )
    return f"{module}:{name}"


def exception_reference(kind: type[Exception]) -> str:
    """The same for an exception."""
    own = getattr(builtins, kind.__name__, None) is kind
    return kind.__name__ if own else reference(kind)


def tool_reference(tool: Tool) -> str:
    """The same for a tool."""
    for name, known in _TOOLS.items():
        if known is tool:
            return name
    if getattr(tool, "__qualname__", None) is not None:
        return reference(tool)
    module = type(tool).__module__
    held = vars(sys.modules[module]) if module in sys.modules else {}
    for name, value in held.items():
        if value is tool and module != "__main__" and not module.startswith(LOADED):
            return f"{module}:{name}"
    raise ValueError(
        f"the tool {tool.spec.name!r} has no name in the module of its class: keep it in a variable there, "
        "or write it with @aiorch.tool"
    )


def called(thing: Any) -> str:
    """The same for whatever has no such name: enough to tell two things apart, alike in every process."""
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return alike(f"{_home(thing) or ''}:{name}")


def alike(text: str) -> str:
    """With one name for the module of a workflow file, whether it is run as a program or loaded."""
    text = text.replace(LOADED, "")
    if "__main__" not in text:
        return text
    program = Path(getattr(sys.modules["__main__"], "__file__", None) or "__main__").stem
    return text.replace("__main__", program)


def _home(thing: Any) -> str | None:
    return getattr(thing, "__module__", None)


def _reached(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
