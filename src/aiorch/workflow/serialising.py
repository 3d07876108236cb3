"""A workflow as plain data: what was said about it and nothing that is a default, so that it can be read again.

The same walk, with names for what has none, is the canonical description: two workflows that it describes alike are
the same workflow, and its hash is the version under which a durable engine keeps a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiorch.errors import InputError, NotSerialisable
from aiorch.types import Parameters, to_plain
from aiorch.workflow import references, shapes
from aiorch.workflow.forms import is_plain
from aiorch.workflow.graph import Graph, Input
from aiorch.workflow.nodes import (
    PLAIN,
    REQUIRED,
    Approve,
    Ask,
    Call,
    Condition,
    Loop,
    Mapped,
    Node,
    Port,
    Retry,
    Sub,
    Use,
    WaitFor,
)

Plain = dict[str, Any]

_NO_PARAMETERS = Parameters()


def to_dict(graph: Graph) -> Plain:
    """The document that :func:`aiorch.workflow.documents.build` reads.

    :raises NotSerialisable: naming each place that has no words, and what to do there.
    """
    writer = _Writer()
    document = writer.workflow(graph, None)
    if writer.problems:
        raise NotSerialisable(graph.name, writer.problems)
    return document


def canonical(graph: Graph) -> str:
    """The canonical description: a document like that, with a name for everything, alike in every process."""
    import json

    return json.dumps(_Describer().workflow(graph, None), ensure_ascii=False, separators=(",", ":"))


def save(graph: Graph, path: Path) -> None:
    """Write a YAML, TOML or JSON file, by its name's ending.

    :raises NotSerialisable: as :func:`to_dict`.
    :raises InputError: for another ending, and when the file cannot be written.
    """
    write = _WRITERS.get(path.suffix)
    if write is None:
        raise InputError(f"{path} should end in {', '.join(_WRITERS)}, by what the file is to be")
    document = to_dict(graph)
    try:
        text = write(document)
    except _NoNull as null:
        raise NotSerialisable(
            graph.name, (f"[document] {null} is null, which TOML has not: use YAML",)
        ) from None
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as wrong:
        raise InputError(f"{path} cannot be written: {wrong}") from wrong


# --- the walk ----------------------------------------------------------------------------------------------------


class _Writer:
    """Writes what can be read again, and notes what cannot."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.path = ""
        """The tasks around the one that is written: ``outer/``."""

    def workflow(self, graph: Graph, name: str | None) -> Plain:
        """A workflow; ``name`` is the one that it has anyway."""
        document: Plain = {} if graph.name == name else {"name": graph.name}
        if graph.declared:
            document["inputs"] = {one.name: self.input(one) for one in graph.declared}
        tasks: Plain = {}
        for node in graph.nodes:
            if node.name in tasks:
                self.refuse(node.name, "is the name of two tasks: rename one")
            tasks[node.name] = self.node(node)
        document["tasks"] = tasks
        if not tasks:
            self.problems.append(
                f"[document] {self.path or 'it'} has no task: add one with ask(), task() or add()"
            )
        if graph.nodes and graph.gives != graph.nodes[-1].name:
            document["gives"] = graph.gives
        return document

    def node(self, node: Node) -> Plain:
        """A task."""
        said = self.work(node)
        if node.after:
            said["after"] = list(node.after)
        if node.when:
            said["when"] = self.when(node)
        if node.mapped:
            said["map"] = self.mapped(node.mapped)
        if node.policy is not PLAIN:
            said |= self.policy(node)
        return said

    def work(self, node: Node) -> Plain:
        """What it does."""
        work = node.work
        if isinstance(work, Call):
            said: Plain = {"call": self.function(node, work.function)}
            for wrong in node.problems:
                if wrong.startswith(
                    "[parameter]"
                ):  # what uses= says of a parameter that is not there is kept nowhere
                    self.refuse(node.name, wrong.partition(": ")[2])
            uses = {port.name: _source(port) for port in node.ports if port.source != port.name}
            if uses:
                said["uses"] = uses
            if not work.thread:
                said["thread"] = False
            return said
        if isinstance(work, Ask):
            return self.ask(node, work)
        if isinstance(work, Use):
            schema: Mapping[str, Any] = work.tool.spec.parameters
            said = {"use": self.tool(node, work.tool)}
            if work.arguments:
                said["arguments"] = self.value(node.name, "arguments", dict(work.arguments))
            return said | _used(node, schema.get("required", ()))
        if isinstance(work, Sub):
            said = {"sub": self.inside(node, work.graph)} | _used(node, work.graph.inputs())
            return said | ({"spread": True} if work.spread else {})
        if isinstance(work, Loop):
            said = {"loop": self.inside(node, work.graph), "most": work.most}
            said |= {"until": work.until} if work.until is not None else {}
            said |= {"carry": dict(work.carry)} if work.carry else {}
            return said | _used(node, work.graph.inputs())
        if isinstance(work, Approve):
            said = {"approve": work.question.text}
            said |= {} if work.refused == "skip" else {"refused": work.refused}
            return said | ({} if work.timeout is None else {"timeout": work.timeout})
        if isinstance(work, WaitFor):
            said = {"wait_for": work.event}
            said |= {} if work.output is None else self.type(node.name, "output", work.output)
            return said | ({} if work.timeout is None else {"timeout": work.timeout})
        return {"sleep": work.seconds}

    def ask(self, node: Node, work: Ask) -> Plain:
        """A question."""
        said: Plain = {"ask": work.prompt.text}
        if work.agent != "general":
            said["agent"] = work.agent
        if work.system is not None:
            said["system"] = work.system
        if work.output is not str:
            said |= self.type(node.name, "output", work.output)
        if work.tools:
            said["tools"] = [self.tool(node, tool) for tool in work.tools]
        if work.parameters is not _NO_PARAMETERS and work.parameters != _NO_PARAMETERS:
            said |= self.parameters(node, work.parameters)
        if work.budget is not None:
            said["budget"] = {
                name: _number(value)
                for name in ("usd", "tokens", "attempts")
                if (value := getattr(work.budget, name)) is not None
            }
        if work.timeout is not None:
            said["timeout"] = work.timeout
        return said

    def parameters(self, node: Node, parameters: Parameters) -> Plain:
        """How a model samples."""
        said: Plain = {}
        for name in ("temperature", "max_tokens", "seed", "top_p"):
            if (value := getattr(parameters, name)) is not None:
                said[name] = value
        if parameters.stop:
            said["stop"] = list(parameters.stop)
        if parameters.extra:
            said["extra"] = self.value(node.name, "extra", dict(parameters.extra))
        if parameters.headers:
            said["headers"] = dict(parameters.headers)
        if parameters.by_provider:
            said["by_provider"] = {
                provider: self.value(
                    node.name,
                    "by_provider",
                    {key: dict(held) for key, held in (("body", own.body), ("headers", own.headers)) if held},
                )
                for provider, own in parameters.by_provider.items()
            }
        return said

    def mapped(self, mapped: Mapped) -> Plain:
        """Over which lists."""
        pairs = {port.name: port.source for port in mapped.over}
        more: Plain = {}
        if mapped.on_error != "fail":
            more["on_error"] = mapped.on_error
        if mapped.label is not None:
            more["label"] = mapped.label.text
        if mapped.most != 10_000:
            more["most"] = "unbounded" if mapped.most is None else mapped.most
        if mapped.limit is not None:
            more["limit"] = mapped.limit
        return {"over": pairs, **more} if more else cast("Plain", pairs)

    def when(self, node: Node) -> Any:
        """Under which conditions."""
        tests = [(one.source, self.test(node, one)) for one in node.when]
        if len(tests) == 1 and tests[0][1] is True:
            return tests[0][0]
        if len({source for source, _ in tests}) == len(tests):
            return dict(tests)
        return [{source: test} for source, test in tests]

    def test(self, node: Node, condition: Condition) -> Any:
        """What a value is compared with."""
        if callable(condition.test):
            return self.code(node, condition.test)
        return self.value(node.name, "when", condition.test)

    def policy(self, node: Node) -> Plain:
        """How it is carried out."""
        policy, said = node.policy, Plain()
        for name in ("timeout", "cache"):
            if (value := getattr(policy, name)) is not None:
                said[name] = value
        if policy.retry is not None:
            said["retry"] = self.retry(node, policy.retry)
        if policy.fallback is not REQUIRED and policy.fallback is not None:
            said["fallback"] = self.value(node.name, "fallback", policy.fallback)
            if policy.on_error != "continue":
                said["on_error"] = policy.on_error
        elif policy.on_error != "fail":
            said["on_error"] = policy.on_error
        if policy.priority:
            said["priority"] = policy.priority
        said |= {name: list(words) for name in ("resources", "tags") if (words := getattr(policy, name))}
        return said | ({} if policy.idempotent else {"idempotent": False})

    def retry(self, node: Node, retry: Retry) -> Any:
        """How often it is tried."""
        said: Plain = {
            name: getattr(retry, name)
            for name in ("attempts", "delay", "factor", "longest", "jitter")
            if getattr(retry, name) != getattr(_RETRY, name)
        }
        if retry.on != _RETRY.on:
            said["on"] = [self.exception(node, kind) for kind in retry.on]
        return retry.attempts if said.keys() <= {"attempts"} else said

    def inside(self, node: Node, graph: Graph) -> Plain:
        """A workflow in this one."""
        before, self.path = self.path, f"{self.path}{node.name}/"
        try:
            return self.workflow(graph, node.name)
        finally:
            self.path = before

    def input(self, one: Input) -> Any:
        """A declared input."""
        kind = {} if one.type is Any else self.type(one.name, "type", one.type)
        more: Plain = {}
        if one.default is not REQUIRED:
            more["default"] = self.default(one)
        if one.about:
            more["about"] = one.about
        short = kind.get("type", "any")
        return {**kind, **more} if more or "schema" in kind or isinstance(short, dict) else short

    # --- things without words --------------------------------------------------------------------------------

    def refuse(self, task: str, why: str) -> None:
        """Note that there are no words for something."""
        self.problems.append(f"[document] {self.path}{task}: {why}")

    def tried(self, task: str, key: str, name: Callable[[Any], Any], thing: Any) -> Any:
        """Its name, or a note that it has none."""
        try:
            return name(thing)
        except ValueError as wrong:
            self.refuse(task, f"{key!r}: {wrong}")
            return None

    def function(self, node: Node, function: Callable[..., Any]) -> Any:
        return self.tried(node.name, "call", references.reference, function)

    def exception(self, node: Node, kind: type[Exception]) -> Any:
        return self.tried(node.name, "retry", references.exception_reference, kind)

    def tool(self, node: Node, tool: Any) -> Any:
        return self.tried(node.name, "tools", references.tool_reference, tool)

    def code(self, node: Node, function: Callable[..., Any]) -> Any:
        self.refuse(
            node.name, "'when': a function can be said in code only: let a task give the value to compare"
        )
        return None

    def type(self, task: str, key: str, kind: Any) -> Plain:
        """``{"output": ...}`` or ``{"schema": ...}``."""
        made_from = shapes.schema_said(kind)
        if made_from is not None:
            return {"schema": dict(made_from)}
        return {key: self.tried(task, key, shapes.said, kind)}

    def default(self, one: Input) -> Any:
        if is_plain(one.default):
            return one.default
        try:
            plain = to_plain(one.default, None if one.type is Any else one.type)
        except Exception:  # whatever pydantic cannot describe: any class of the user's may be inside
            plain = one.default
        return self.value(one.name, "default", plain)

    def value(self, task: str, key: str, value: Any) -> Any:
        if not is_plain(value):
            self.refuse(
                task,
                f"{key!r} holds a {_odd(value)}, which JSON has not: use text, numbers, lists and mappings",
            )
        return value


class _Describer(_Writer):
    """Writes for comparing only: everything has a name."""

    def node(self, node: Node) -> Plain:
        said = super().node(node)
        if isinstance(node.work, Call):  # a new parameter is a new edge
            said["ports"] = [p.source if p.source == p.name else [p.name, p.source] for p in node.ports]
        return said

    def refuse(self, task: str, why: str) -> None:
        """Nothing is refused: what is wrong with a workflow is not looked at here."""

    def function(self, node: Node, function: Callable[..., Any]) -> Any:
        return _stable(function) if isinstance(function, partial) else references.called(function)

    def exception(self, node: Node, kind: type[Exception]) -> Any:
        return references.called(kind)

    def tool(self, node: Node, tool: Any) -> Any:
        return tool.spec.name

    def code(self, node: Node, function: Callable[..., Any]) -> Any:
        return {"function": references.called(function)}

    def type(self, task: str, key: str, kind: Any) -> Plain:
        made_from = shapes.schema_said(kind)
        if made_from is not None:
            return {"schema": dict(made_from)}
        try:
            return {key: shapes.said(kind, references.called)}
        except ValueError:
            return {key: references.alike(str(kind))}

    def value(self, task: str, key: str, value: Any) -> Any:
        return value if is_plain(value) else _stable(value)


_RETRY = Retry()


def _moved(ports: tuple[Port, ...], known: Mapping[str, Any]) -> Plain:
    """The ports that have to be said: not their namesake's value, or taken only because it is said."""
    return {port.name: _source(port) for port in ports if port.source != port.name or port.name not in known}


def _source(port: Port) -> str | list[str]:
    return port.source if isinstance(port.source, str) else list(port.source)


def _used(node: Node, known: Any) -> Plain:
    over = node.mapped.over if node.mapped else ()
    extra = tuple(
        Port(port.name, port.name) for port in over
    )  # mapping needs the parameter to be taken at all
    uses = _moved((*node.ports, *extra), dict.fromkeys(known))
    return {"uses": uses} if uses else {}


def _number(value: Any) -> Any:
    """A Decimal as the number that gives it again."""
    if isinstance(value, int | float):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _odd(value: Any) -> str:
    """What in ``value`` is not plain."""
    if type(value) is dict:
        pairs = cast("dict[Any, Any]", value)
        odd = next((k for k in pairs if not isinstance(k, str)), None)
        held = next((v for v in pairs.values() if not is_plain(v)), None)
        return f"{type(odd).__name__} as a key" if odd is not None else _odd(held)
    if isinstance(value, list):
        return _odd(next(v for v in cast("list[Any]", value) if not is_plain(v)))
    return "float that is no number" if isinstance(value, float) else type(value).__name__


def _stable(value: Any) -> Any:
    """Something plain that tells ``value`` from others and is alike in every process."""
    if is_plain(value):
        return value
    if isinstance(value, Mapping):
        return [[_stable(k), _stable(v)] for k, v in cast("Mapping[Any, Any]", value).items()]
    if isinstance(value, list | tuple):
        return [_stable(one) for one in cast("list[Any]", value)]
    if isinstance(value, set | frozenset):
        return sorted(repr(_stable(one)) for one in cast("set[Any]", value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [
            references.called(type(value)),
            {f.name: _stable(getattr(value, f.name)) for f in dataclasses.fields(value)},
        ]
    if isinstance(value, partial):
        held = cast("partial[Any]", value)
        return [_stable(held.func), _stable(held.args), _stable(held.keywords)]
    if isinstance(value, type) or callable(value):
        return references.called(value)
    if type(value).__repr__ is object.__repr__:  # that would be an address in memory
        return references.called(value)
    return [references.called(type(value)), references.alike(repr(value))]


# --- files -------------------------------------------------------------------------------------------------------


class _NoNull(ValueError):
    """A place where there is none."""


_BREAKS = "\r\x85\u2028\u2029\ufeff"
"""What YAML may take for an end of line, or leave out, unless it is escaped."""


def _yaml(document: Plain) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as they are, and repeats what is there twice."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        odd = any(mark in value for mark in _BREAKS)
        style = '"' if odd else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)  # pyright: ignore[reportUnknownMemberType]

    Dumper.add_representer(str, text)
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def _toml(document: Plain) -> str:
    """A table for the workflow and one for each task; what is inside of these stands on one line."""
    lines = [f"{_quoted(key)} = {_inline(key, value)}" for key, value in document.items() if key != "tasks"]
    for name, task in document["tasks"].items():
        lines += ["", f"[tasks.{_quoted(name)}]"]
        lines += [f"{_quoted(key)} = {_inline(f'{name}: {key!r}', value)}" for key, value in task.items()]
    return "\n".join(lines) + "\n"


def _inline(where: str, value: Any) -> str:
    if value is None:
        raise _NoNull(where)
    if isinstance(value, dict):
        pairs = [f"{_quoted(k)} = {_inline(where, v)}" for k, v in cast("Plain", value).items()]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(where, one) for one in cast("list[Any]", value)) + "]"
    return _quoted(value, bare=False) if isinstance(value, str) else _json(value)


def _quoted(text: str, *, bare: bool = True) -> str:
    if bare and text.isascii() and text.replace("-", "_").isidentifier():
        return text
    return _json(text).replace("\x7f", "\\u007f")


def _json(value: Any, indent: int | None = None) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=indent)


_WRITERS: Mapping[str, Callable[[Plain], str]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".toml": _toml,
    ".json": lambda document: _json(document, 2) + "\n",
}
