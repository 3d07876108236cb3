"""Describing a workflow: questions to models, functions, and what each waits for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from aiorch.errors import InvalidWorkflow
from aiorch.protocols import Tool
from aiorch.types import Budget, Parameters
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import Ask, Call, Mapped, Node, Port
from aiorch.workflow.signature import is_async, ports_of
from aiorch.workflow.template import Template, TemplateError
from aiorch.workflow.validation import problems

P = ParamSpec("P")
R = TypeVar("R")


class Step:
    """A task just added: names it elsewhere, and makes it run once per item of a list."""

    def __init__(self, flow: Workflow, position: int) -> None:
        self._flow = flow
        self._position = position

    @property
    def name(self) -> str:
        """What it is called."""
        return self._flow.graph().nodes[self._position].name

    def map(
        self,
        over: Mapping[str, str | Step] | None = None,
        /,
        *,
        on_error: Literal["fail", "collect"] = "fail",
        label: str | None = None,
        **names: str | Step,
    ) -> Step:
        """Carry it out once per item: ``.map(chunk="chunks")`` calls each item of what ``chunks`` gives ``chunk``.

        Its value is the list of results, in order. Several names walk their lists, equally long, side by side.

        :param on_error: ``collect`` puts an item's exception in the place of its result; ``fail`` ends the run.
        :param label: what displays call an item, as a template over its names: ``"{chunk.file}"``.
        """
        pairs = {inner: _name_of(source) for inner, source in {**(over or {}), **names}.items()}
        self._flow._map(self._position, pairs, on_error, label)  # pyright: ignore[reportPrivateUsage]
        return self

    def __repr__(self) -> str:
        return f"<task {self.name!r} of {self._flow.name!r}>"


class FunctionStep(Step, Generic[P, R]):
    """A task made from a function; still callable like that function."""

    def __init__(self, flow: Workflow, position: int, function: Callable[P, R]) -> None:
        super().__init__(flow, position)
        self._function = function
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself, outside any run."""
        return self._function(*args, **kwargs)


class Workflow:
    """Many tasks that give each other values.

    A name that a prompt or a function uses is an edge when a task has that name, and else an input.

        flow = Workflow("release-notes")
        flow.ask("facts", "List the changes in:\\n{log}")
        flow.ask("draft", "Write release notes from:\\n{facts}")

        @flow.task
        def save(draft: str) -> Path: ...
    """

    def __init__(self, name: str) -> None:
        self.name = name
        """For people."""
        self._nodes: list[Node] = []
        self._graph: Graph | None = None

    def ask(
        self,
        name: str,
        prompt: str,
        *,
        agent: str = "general",
        output: Any = str,
        system: str | None = None,
        tools: Sequence[Tool] = (),
        parameters: Parameters | None = None,
        budget: Budget | None = None,
        timeout: float | None = None,
        after: Iterable[str | Step] = (),
    ) -> Step:
        """Add a question to a model; its value is the outcome's ``value``.

        :param prompt: ``{name}`` is an edge or an input, ``{name.attr}``, ``{name[0]}`` look inside, ``{{`` is a brace.
        :param output: the type of the answer, for example a pydantic model.
        :param timeout: seconds for everything, retries included.
        :param after: tasks that must be done before, beside those whose values the prompt takes.
        """
        found: tuple[str, ...] = ()
        try:
            template = Template.parse(prompt)
        except TemplateError as wrong:
            template, found = Template(prompt, ()), (f"[template] the prompt of task {name!r}: {wrong}",)
        work = Ask(template, agent, output, system, tuple(tools), parameters or Parameters(), budget, timeout)
        ports = tuple(Port(n, n) for n in template.names)
        return Step(self, self._put(Node(name, work, ports, _names_of(after), problems=found)))

    def add(
        self,
        name: str,
        function: Callable[P, R],
        *,
        after: Iterable[str | Step] = (),
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        thread: bool = True,
    ) -> FunctionStep[P, R]:
        """Add a function, plain or async; its parameters' names are edges or inputs, a default makes an input optional.

        A parameter annotated ``aiorch.Orchestrator`` or ``aiorch.Run`` receives the one at work.

        :param after: tasks that must be done before, without giving a value.
        :param uses: where a parameter's value comes from, when not from its namesake; a list gives the list of values.
        :param thread: False runs a plain function in the event loop's own thread: about 0.1 ms quicker, but one that
            waits or computes holds up everybody. A function in a thread is waited for when the run is cancelled.
        """
        taken = {
            inner: _name_of(source) if isinstance(source, str | Step) else tuple(map(_name_of, source))
            for inner, source in (uses or {}).items()
        }
        ports, wrong = ports_of(function, taken)
        found = tuple(f"{code}] task {name!r}:{rest}" for code, _, rest in (w.partition("]") for w in wrong))
        node = Node(name, Call(function, is_async(function), thread), ports, _names_of(after), problems=found)
        return FunctionStep(self, self._put(node), function)

    @overload
    def task(self, function: Callable[P, R], /) -> FunctionStep[P, R]: ...
    @overload
    def task(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        after: Iterable[str | Step] = (),
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        thread: bool = True,
    ) -> Callable[[Callable[P, R]], FunctionStep[P, R]]: ...
    def task(
        self,
        function: Callable[P, R] | None = None,
        /,
        *,
        name: str | None = None,
        after: Iterable[str | Step] = (),
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        thread: bool = True,
    ) -> FunctionStep[P, R] | Callable[[Callable[P, R]], FunctionStep[P, R]]:
        """Decorate a function: a task of its name. With arguments as for :meth:`add`."""

        def decorate(function: Callable[P, R]) -> FunctionStep[P, R]:
            called = name or getattr(function, "__name__", "")
            return self.add(called, function, after=after, uses=uses, thread=thread)

        return decorate if function is None else decorate(function)

    def graph(self) -> Graph:
        """The workflow as it stands now, frozen; what is added later does not change it."""
        if self._graph is None:
            self._graph = Graph(self.name, tuple(self._nodes))
        return self._graph

    def inputs(self, handed: Iterable[str | type] = ()) -> Mapping[str, Any]:
        """What has to be handed in, by name, with the types that annotations tell (``str`` for what only prompts take).

        ``graph().inputs()`` has the defaults too.
        """
        return {name: one.type for name, one in self.graph().inputs(handed).items()}

    def problems(self, given: Collection[str] | None = None) -> tuple[str, ...]:
        """Everything that keeps it from running with inputs of these names (``None``: whatever the inputs).

        Each begins with a code of :data:`aiorch.workflow.validation.CODES`.
        """
        return problems(self.graph(), given)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, source: str = "the document") -> Workflow:
        """A workflow from plain data, as :meth:`from_file` reads it.

        :param source: what to call the document in messages.
        :raises InvalidWorkflow: naming every task and key that is not understood, and what would be.
        """
        from aiorch.workflow.documents import build

        return build(cls, document, source)

    @classmethod
    def from_file(cls, path: str | Path) -> Workflow:
        """A workflow from a YAML or TOML file; ``call:`` finds modules beside it, too.

        A workflow file is a program: whoever can write one can run code as you.

        :raises InvalidWorkflow: naming file, task and key, and what would be understood.
        :raises InputError: when the file cannot be read.
        """
        from aiorch.workflow.documents import read

        return read(cls, Path(path))

    def __repr__(self) -> str:
        return f"<workflow {self.name!r}: {len(self._nodes)} tasks>"

    def _put(self, node: Node) -> int:
        self._nodes.append(node)
        self._graph = None
        return len(self._nodes) - 1

    def _map(
        self, position: int, pairs: Mapping[str, str], on_error: Literal["fail", "collect"], label: str | None
    ) -> None:
        node = self._nodes[position]
        if node.mapped:
            twice = f"[map] task {node.name!r} is mapped twice: name all lists in one map()"
            raise InvalidWorkflow(self.name, (twice,))
        kinds = {port.name: port.kind for port in node.ports}
        found = [
            f"[map] task {node.name!r} is mapped over {inner!r}, which "
            + ("its prompt does not use" if isinstance(node.work, Ask) else "is no parameter of its function")
            for inner in pairs
            if inner not in kinds
        ]
        if not pairs:
            found.append(f"[map] task {node.name!r} is mapped over nothing: say map(item='list')")
        template: Template | None = None
        if label is not None:
            try:
                template = Template.parse(label)
                found += [
                    f"[map] the label of task {node.name!r} uses {name!r}, which is not mapped"
                    for name in template.names
                    if name not in pairs
                ]
            except TemplateError as wrong:
                found.append(f"[template] the label of task {node.name!r}: {wrong}")
        self._nodes[position] = replace(
            node,
            ports=tuple(port for port in node.ports if port.name not in pairs),
            mapped=Mapped(tuple(Port(i, s, kinds.get(i)) for i, s in pairs.items()), on_error, template),
            problems=(*node.problems, *found),
        )
        self._graph = None


def _name_of(step: str | Step) -> str:
    return step if isinstance(step, str) else step.name


def _names_of(steps: Iterable[str | Step]) -> tuple[str, ...]:
    return tuple(map(_name_of, (steps,) if isinstance(steps, str | Step) else steps))
