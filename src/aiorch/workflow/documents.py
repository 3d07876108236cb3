"""Workflows from plain data: a dictionary, a YAML, TOML or JSON file.

    name: release-notes
    inputs:
      log: str
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

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aiorch.errors import AiorchError, InputError, InvalidWorkflow, nearest
from aiorch.types import Budget, OwnFields, Parameters
from aiorch.workflow import references, shapes
from aiorch.workflow.forms import (
    INPUT,
    INPUTS,
    INSIDE,
    KINDS,
    NEEDED,
    TASKS,
    TOP,
    kind_of,
    misfits,
    strangers,
)
from aiorch.workflow.neighbours import beside
from aiorch.workflow.nodes import REQUIRED, Retry

if TYPE_CHECKING:
    from aiorch.workflow.builder import Step, Workflow
    from aiorch.workflow.options import Options

_POLICY = ("retry", "timeout", "on_error", "fallback", "cache", "priority", "resources", "tags", "idempotent")
"""Keys that say how a task is carried out."""

_ELEVEN = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
"""What YAML 1.1 reads into words that YAML 1.2 leaves alone."""

_SAMPLING = ("temperature", "max_tokens", "seed", "top_p")


@dataclass(frozen=True)
class _Place:
    """Where a document stands."""

    make: type[Workflow]
    source: str
    """What messages call it."""
    folder: Path
    """Where the files lie that it names."""
    inside: tuple[Path, ...] = ()
    """The files that led to it: none of them may come again."""


def read(make: type[Workflow], path: Path) -> Workflow:
    """The workflow of a YAML, TOML or JSON file."""
    return _read(_Place(make, str(path), path.parent, (path.resolve(),)), path)


def build(make: type[Workflow], document: Mapping[str, Any], source: str) -> Workflow:
    """The workflow that ``document`` describes; files that it names are looked for in the working directory."""
    return _build(_Place(make, source, Path()), document, "workflow")


# --- files -------------------------------------------------------------------------------------------------------


def _read(place: _Place, path: Path) -> Workflow:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise InputError(f"the workflow file {path} cannot be read: {wrong}") from wrong
    document = _PARSERS.get(path.suffix, _yaml)(path, text)
    if not isinstance(document, Mapping):
        raise InvalidWorkflow(
            path.stem, (f"[document] {path} should be a mapping with the keys {', '.join(TOP)}",)
        )
    with beside(path.parent):
        return _build(place, cast("Mapping[str, Any]", document), path.stem)


def _toml(path: Path, text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise InvalidWorkflow(path.stem, (f"[document] {path} is not TOML: {wrong}",)) from wrong


def _yaml(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses a key given twice: plain YAML keeps the last one and says nothing.

        Words mean what they mean in YAML 1.2: ``on``, ``yes`` and ``2026-01-31`` are texts.
        """

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

    Loader.yaml_implicit_resolvers = {
        first: [(tag, words) for tag, words in known if tag not in _ELEVEN]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
        "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
    )
    try:
        return yaml.load(text, Loader=Loader)  # a SafeLoader with one more rule
    except yaml.YAMLError as wrong:
        raise InvalidWorkflow(path.stem, (f"[document] {path} is not YAML: {wrong}",)) from wrong


def _json(path: Path, text: str) -> Any:
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
            raise ValueError(f"{twice!r} is given twice")
        return made

    try:
        return json.loads(text, object_pairs_hook=once)
    except ValueError as wrong:
        raise InvalidWorkflow(path.stem, (f"[document] {path} is not JSON: {wrong}",)) from wrong


_PARSERS: Mapping[str, Callable[[Path, str], Any]] = {".toml": _toml, ".json": _json}


# --- a workflow --------------------------------------------------------------------------------------------------


def _build(place: _Place, document: Mapping[str, Any], name: str) -> Workflow:
    name = str(document.get("name", name))
    found = list(strangers(document, TOP, place.source))
    flow = place.make(name)
    held: Any = document.get("tasks")
    if "tasks" not in document:
        found.append(f"[document] {place.source}: 'tasks' should be {TASKS.words}")
    tasks = cast("Mapping[Any, Any]", held if isinstance(held, Mapping) else {})
    if INPUTS.fits(inputs := document.get("inputs", {})):
        found += _inputs(flow, inputs, place.source)
    for key, task in tasks.items():
        where = f"{place.source}: task {str(key)!r}"
        if not isinstance(task, Mapping):
            found.append(f"[document] {where} should be a mapping with one of {', '.join(map(repr, KINDS))}")
            continue
        found += _add(flow, str(key), cast("Mapping[str, Any]", task), replace(place, source=where))
    if "gives" in document and not found:
        found += _gives(flow, document["gives"], tuple(map(str, tasks)), place)
    if found:
        raise InvalidWorkflow(name, found)
    return flow


def _inputs(flow: Workflow, inputs: Mapping[str, Any], source: str) -> Iterator[str]:
    for name, said in inputs.items():
        where = f"{source}: input {name!r}"
        wrong = list(misfits(INPUT, said, where))
        yield from wrong
        if wrong:
            continue
        row: Mapping[str, Any] = cast("Any", said) if isinstance(said, Mapping) else {"type": said}
        try:
            kind = _type(name, row, "type", Any)
        except ValueError as odd:
            yield f"[document] {where}: {odd}"
            continue
        flow.input(name, kind, default=row.get("default", REQUIRED), about=row.get("about", ""))


def _gives(flow: Workflow, task: str, tasks: tuple[str, ...], place: _Place) -> Iterator[str]:
    if task in tasks:
        flow.gives(task)
        return
    near = nearest(task, tasks)
    offer = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    yield f"[document] {place.source}: 'gives' is {task!r}, and no task is called that.{offer}"


# --- a task ------------------------------------------------------------------------------------------------------


def _unkind(task: Mapping[str, Any]) -> str:
    """Why it cannot be told what a task does."""
    said = [kind for kind in KINDS if kind in task]
    if said:
        return f"says {' and '.join(map(repr, said))}: one of them says what it does, make two tasks of it"
    near = [(str(key), found[0]) for key in task if (found := nearest(str(key), KINDS, 1))]
    offer = f": did you mean {near[0][1]!r} by {near[0][0]!r}?" if near else ""
    return f"needs one of {', '.join(map(repr, KINDS))}, which says what it does{offer}"


def _add(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> list[str]:
    kind = kind_of(task)
    if kind is None:
        return [f"[document] {place.source} {_unkind(task)}"]
    found = list(strangers(task, KINDS[kind], place.source))
    found += [
        f"[document] {place.source}: a {kind} needs {key!r}: {KINDS[kind][key].about}"
        for key in NEEDED.get(kind, ())
        if key not in task
    ]
    if found:
        return found
    try:
        step = _ADD[kind](flow, name, task, place)
    except InvalidWorkflow as inside:
        told = [p if place.source in p else f"{place.source}: {p}" for p in inside.problems]
        return [f"[document] {problem.replace('[document] ', '')}" for problem in told]
    except (ValueError, AiorchError) as wrong:
        return [f"[document] {place.source}: {wrong}"]
    if "map" in task:
        _map(step, task["map"])
    for source, test in _conditions(task.get("when", ())):
        step.when(source, test)
    return []


def _map(step: Step, said: Mapping[str, Any]) -> None:
    if not isinstance(said.get("over"), Mapping):
        step.map(said)
        return
    most = said.get("most", 10_000)
    step.map(
        said["over"],
        on_error=said.get("on_error", "fail"),
        label=said.get("label"),
        most=None if most == "unbounded" else most,
        limit=said.get("limit"),
    )


def _conditions(said: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(said, str):
        yield said, True
    elif isinstance(said, Mapping):
        yield from cast("Mapping[str, Any]", said).items()
    else:
        for one in said:
            yield from _conditions(one)


def _ask(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.ask(
        name,
        task["ask"],
        agent=task.get("agent", "general"),
        system=task.get("system"),
        output=_type(name, task, "output", str),
        tools=[references.named_tool("tools", one) for one in task.get("tools", ())],
        parameters=_parameters(task),
        budget=Budget(**task["budget"]) if "budget" in task else None,
        after=task.get("after", ()),
        **_options(task),
    )


def _call(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.add(
        name,
        references.named_function("call", task["call"]),
        uses=task.get("uses"),
        thread=task.get("thread", True),
        after=task.get("after", ()),
        **_options(task),
    )


def _use(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.use(
        name,
        references.named_tool("use", task["use"]),
        arguments=task.get("arguments"),
        uses=task.get("uses"),
        after=task.get("after", ()),
        **_options(task),
    )


def _sub(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.sub(
        name,
        _inside(name, task["sub"], place),
        uses=task.get("uses"),
        spread=task.get("spread", False),
        after=task.get("after", ()),
        **_options(task),
    )


def _loop(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.loop(
        name,
        _inside(name, task["loop"], place),
        most=task["most"],
        until=task.get("until"),
        carry=task.get("carry"),
        uses=task.get("uses"),
        after=task.get("after", ()),
        **_options(task),
    )


def _approve(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.approve(
        name,
        task["approve"],
        refused=task.get("refused", "skip"),
        timeout=task.get("timeout"),
        after=task.get("after", ()),
    )


def _wait_for(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    output = _type(name, task, "output", None)
    return flow.wait_for(
        name, task["wait_for"], output=output, timeout=task.get("timeout"), after=task.get("after", ())
    )


def _sleep(flow: Workflow, name: str, task: Mapping[str, Any], place: _Place) -> Step:
    return flow.sleep(name, task["sleep"], after=task.get("after", ()))


_ADD: Mapping[str, Callable[[Workflow, str, Mapping[str, Any], _Place], Step]] = {
    "ask": _ask,
    "call": _call,
    "use": _use,
    "sub": _sub,
    "loop": _loop,
    "approve": _approve,
    "wait_for": _wait_for,
    "sleep": _sleep,
}

# --- what tasks say ----------------------------------------------------------------------------------------------


def _inside(name: str, document: Mapping[str, Any], place: _Place) -> Workflow:
    """The workflow of a sub or a loop."""
    if "file" not in document:
        return _build(replace(place, source=f"{place.source}, inside"), document, name)
    wrong = [*strangers(document, INSIDE.keys, place.source)]
    wrong += [
        f"[document] {place.source}: {key!r} and 'file' exclude each other" for key in TOP if key in document
    ]
    if wrong:
        raise InvalidWorkflow(name, wrong)
    from aiorch.workflow.loading import DOCUMENTS, load

    path = place.folder / document["file"]
    if path.suffix not in DOCUMENTS:
        return load(path)
    if path.resolve() in place.inside:
        raise ValueError(f"{path} holds itself, by way of {' -> '.join(p.name for p in place.inside)}")
    return _read(_Place(place.make, str(path), path.parent, (*place.inside, path.resolve())), path)


def _type(name: str, row: Mapping[str, Any], key: str, default: Any) -> Any:
    if key in row and "schema" in row:
        raise ValueError(f"say either {key!r} or 'schema', not both")
    if "schema" in row:
        return shapes.schema(row["schema"])
    if key not in row:
        return default
    said = row[key]
    return (
        shapes.record(name, cast("Mapping[str, Any]", said))
        if isinstance(said, Mapping)
        else shapes.word(key, said)
    )


def _parameters(task: Mapping[str, Any]) -> Parameters | None:
    said: dict[str, Any] = {key: task[key] for key in (*_SAMPLING, "extra", "headers") if key in task}
    if "stop" in task:
        said["stop"] = tuple(task["stop"])
    if "by_provider" in task:
        said["by_provider"] = {name: OwnFields(**own) for name, own in task["by_provider"].items()}
    return Parameters(**said) if said else None


def _options(task: Mapping[str, Any]) -> Options:
    said: dict[str, Any] = {key: task[key] for key in _POLICY if key in task}
    if isinstance(said.get("retry"), Mapping):
        retry = dict(said["retry"])
        on: Any = retry.pop("on", ["Exception"])
        kinds = tuple(references.named_exception("on", one) for one in ([on] if isinstance(on, str) else on))
        said["retry"] = Retry(**retry, on=kinds)
    return cast("Options", said)
