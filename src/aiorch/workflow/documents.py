"""Workflows as plain data: a dictionary, a YAML or a TOML file.

    name: release-notes
    tasks:
      facts:
        ask: "List the changes in:\\n{log}"
        agent: analysis_agent
      draft:
        ask: "Write release notes from:\\n{facts}"
        output: {title: str, body: str}
      save:
        call: notes:save          # the function save of notes.py beside this file, or of an installed module

Every key that is not understood is named together with the nearest one that is; all problems come at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aiorch.errors import InputError, InvalidWorkflow, nearest
from aiorch.types import Budget, Parameters
from aiorch.workflow import shapes
from aiorch.workflow.neighbours import beside

if TYPE_CHECKING:
    from aiorch.workflow.builder import Step, Workflow

TOP = ("name", "tasks")
BOTH = ("after", "map", "on_error", "label")
ASK = ("ask", "agent", "system", "output", "schema", "temperature", "max_tokens", "timeout", "budget", *BOTH)
CALL = ("call", "uses", "thread", *BOTH)
"""The keys that are understood: at the top, in either kind of task, in a question, in a call."""

_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "ask": ((str,), "a text"),
    "call": ((str,), "module:function"),
    "agent": ((str,), "an agent's name"),
    "system": ((str,), "a text"),
    "label": ((str,), "a text"),
    "on_error": ((str,), "fail or collect"),
    "temperature": ((int, float), "a number"),
    "max_tokens": ((int,), "a whole number"),
    "timeout": ((int, float), "a number of seconds"),
    "thread": ((bool,), "true or false"),
    "after": ((str, list), "a task's name or a list of names"),
    "map": ((dict,), "a mapping: {item: list}"),
    "uses": ((dict,), "a mapping: {parameter: task}"),
    "budget": ((dict,), "a mapping: {usd: 0, tokens: 50000, attempts: 5}"),
    "schema": ((dict,), "a JSON schema"),
    "output": ((str, dict), "a type (str, int, float, bool, list[...]) or a mapping: {field: type}"),
}


def read(make: type[Workflow], path: Path) -> Workflow:
    """The workflow of a YAML or TOML file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise InputError(f"the workflow file {path} cannot be read: {wrong}") from wrong
    if path.suffix == ".toml":
        import tomllib

        try:
            document: Any = tomllib.loads(text)
        except tomllib.TOMLDecodeError as wrong:
            raise InvalidWorkflow(path.stem, (f"[document] {path} is not TOML: {wrong}",)) from wrong
    else:
        document = _yaml(path, text)
    if not isinstance(document, Mapping):
        raise InvalidWorkflow(
            path.stem, (f"[document] {path} should be a mapping with the keys {', '.join(TOP)}",)
        )
    with beside(path.parent):
        return build(make, {"name": path.stem, **cast("Mapping[str, Any]", document)}, str(path))


def build(make: type[Workflow], document: Mapping[str, Any], source: str) -> Workflow:
    """The workflow that ``document`` describes."""
    name = str(document.get("name", "workflow"))
    found = list(_strangers(document, TOP, source))
    tasks: Any = document.get("tasks")
    flow = make(name)
    if not isinstance(tasks, Mapping) or not tasks:
        found.append(
            f"[document] {source}: 'tasks' should be a mapping of at least one task's name to what it does"
        )
        tasks = {}
    for key, task in cast("Mapping[Any, Any]", tasks).items():
        where = f"{source}: task {str(key)!r}"
        if not isinstance(task, Mapping):
            found.append(f"[document] {where} should be a mapping with 'ask' or 'call'")
            continue
        found += _add(flow, str(key), cast("Mapping[str, Any]", task), where)
    if found:
        raise InvalidWorkflow(name, found)
    return flow


def _add(flow: Workflow, name: str, task: Mapping[str, Any], where: str) -> list[str]:
    if ("ask" in task) == ("call" in task):
        return [f"[document] {where} needs either 'ask' (a prompt) or 'call' (module:function)"]
    found = list(_strangers(task, ASK if "ask" in task else CALL, where))
    for key, value in task.items():
        kinds, words = _KINDS.get(key, ((object,), ""))
        if not isinstance(value, kinds) or (
            isinstance(value, bool) and bool not in kinds and object not in kinds
        ):
            found.append(f"[document] {where}: {key!r} should be {words}, not {value!r}")
    if task.get("on_error", "fail") not in ("fail", "collect"):
        found.append(f"[document] {where}: 'on_error' is fail or collect, not {task['on_error']!r}")
    if "map" not in task and ("on_error" in task or "label" in task):
        found.append(f"[document] {where}: 'on_error' and 'label' are for tasks with 'map'")
    if found:
        return found
    try:
        step = _ask(flow, name, task) if "ask" in task else _call(flow, name, task)
    except ValueError as wrong:
        return [f"[document] {where}: {wrong}"]
    if "map" in task:
        step.map(task["map"], on_error=task.get("on_error", "fail"), label=task.get("label"))
    return []


def _ask(flow: Workflow, name: str, task: Mapping[str, Any]) -> Step:
    if "output" in task and "schema" in task:
        raise ValueError("say either 'output' or 'schema', not both")
    output: Any = str
    if "schema" in task:
        output = shapes.schema(task["schema"])
    elif isinstance(task.get("output"), Mapping):
        output = shapes.record(name, task["output"])
    elif "output" in task:
        output = shapes.word("output", task["output"])
    return flow.ask(
        name,
        task["ask"],
        agent=task.get("agent", "general"),
        system=task.get("system"),
        output=output,
        parameters=Parameters(temperature=task.get("temperature"), max_tokens=task.get("max_tokens")),
        timeout=task.get("timeout"),
        budget=_budget(task["budget"]) if "budget" in task else None,
        after=task.get("after", ()),
    )


def _call(flow: Workflow, name: str, task: Mapping[str, Any]) -> Step:
    module, _, function = str(task["call"]).partition(":")
    if not module or not function:
        raise ValueError(f"'call' is {task['call']!r}; write module:function")
    try:
        found: Any = importlib.import_module(module)
    except Exception as wrong:  # a module of the user's may raise anything while it is imported
        raise ValueError(
            f"the module {module!r} of 'call' cannot be imported ({type(wrong).__name__}: {wrong}); "
            "it must be installed, or lie beside the file"
        ) from None
    for part in function.split("."):
        if not hasattr(found, part):
            near = nearest(part, (n for n in dir(found) if not n.startswith("_")))
            offer = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{module!r} has no {part!r}.{offer}")
        found = getattr(found, part)
    if not callable(found):
        raise ValueError(f"{task['call']!r} is no function")
    return flow.add(
        name, found, after=task.get("after", ()), uses=task.get("uses"), thread=task.get("thread", True)
    )


def _budget(document: Mapping[str, Any]) -> Budget:
    wrong = next(_strangers(document, ("usd", "tokens", "attempts"), "'budget'"), None)
    if wrong:
        raise ValueError(wrong.removeprefix("[document] "))
    return Budget(**document)


def _strangers(document: Mapping[Any, Any], known: tuple[str, ...], where: str) -> Any:
    for key in document:
        if key not in known:
            near = nearest(str(key), known)
            offer = (
                f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known are {', '.join(known)}."
            )
            yield f"[document] {where}: unknown key {str(key)!r}. {offer}"


def _yaml(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key given twice: plain YAML keeps the last one and says nothing."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[Any] = set()
            for key_node, _ in node.value:
                key: Any = self.construct_object(key_node, deep=True)  # pyright: ignore[reportUnknownMemberType]
                if key in seen:
                    line = key_node.start_mark.line + 1
                    raise yaml.constructor.ConstructorError(
                        None, None, f"line {line}: {key!r} is given twice"
                    )
                seen.add(key)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader=Loader)  # a SafeLoader with one more rule
    except yaml.YAMLError as wrong:
        raise InvalidWorkflow(path.stem, (f"[document] {path} is not YAML: {wrong}",)) from wrong
