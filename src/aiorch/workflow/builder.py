"""Describing a workflow: questions to models, functions, and what each waits for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, Unpack, overload

from aiorch.errors import InputError, InvalidWorkflow
from aiorch.protocols import Tool
from aiorch.types import Budget, Parameters
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
    Sleep,
    Sub,
    Use,
    WaitFor,
    Work,
)
from aiorch.workflow.options import Options, policy_of
from aiorch.workflow.signature import is_async, ports_of
from aiorch.workflow.template import Template, TemplateError

if TYPE_CHECKING:
    from aiorch.types import Price
    from aiorch.workflow.facts import Thresholds
    from aiorch.workflow.history import Past
    from aiorch.workflow.planning import Plan
    from aiorch.workflow.report import Report

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
        most: int | None = 10_000,
        limit: int | None = None,
        **names: str | Step,
    ) -> Step:
        """Carry it out once per item: ``.map(chunk="chunks")`` calls each item of what ``chunks`` gives ``chunk``.

        Its value is the list of results, in order. Several names walk their lists, equally long, side by side.

        :param on_error: ``collect`` puts an item's exception in the place of its result; ``fail`` ends the run.
        :param label: what displays call an item, as a template over its names: ``"{chunk.file}"``.
        :param most: items at the most; a longer list fails the task before any item begins. ``None`` = no bound.
        :param limit: items at work at once, where that should be fewer than the run allows.
        """
        pairs = {inner: _name_of(source) for inner, source in {**(over or {}), **names}.items()}
        self._flow._map(self._position, pairs, on_error, label, most, limit)  # pyright: ignore[reportPrivateUsage]
        return self

    def when(self, source: str | Step, test: Any = True) -> Step:
        """Carry it out only where the value of ``source``, a task or an input, passes; said again, all must pass.

        One that is left out is *skipped*: whoever takes its value is skipped with it, unless a default stands in or
        it is one of several in a list; whoever only runs ``after`` it goes on.

            flow.ask("reply", "Answer {letter}").when("kind", "question")

        :param test: True or False ask whether the value is truthy, a function is called with it, anything else is
            compared with it.
        """
        self._flow._when(self._position, Condition(_name_of(source), test))  # pyright: ignore[reportPrivateUsage]
        return self

    def __repr__(self) -> str:
        return f"<task {self.name!r} of {self._flow.name!r}>"


class FunctionStep(Step, Generic[P, R]):
    """A task made from a function; still callable like that function."""

    def __init__(self, flow: Workflow, position: int, function: Callable[P, R]) -> None:
        super().__init__(flow, position)
        self._function = function
        self.__doc__ = function.__doc__

    @property
    def function(self) -> Callable[P, R]:
        """The function itself."""
        return self._function

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
        self._inputs: dict[str, Input] = {}
        self._gives: str | None = None
        self._graph: Graph | None = None

    def input(self, name: str, kind: Any = Any, *, default: Any = REQUIRED, about: str = "") -> str:
        """Declare a value that has to be handed in; gives its name, as a source for tasks.

            flow.input("days", int, default=7, about="how far to look back")

        Inputs that are not declared are taken too, with what annotations and defaults of functions tell of them.

        :param kind: the type that it has to be; what comes is validated against it.
        :param default: its value where none is handed in. Without one it has to be.
        :raises InvalidWorkflow: when it is declared already.
        """
        if name in self._inputs:
            raise InvalidWorkflow(self.name, (f"[input] {name!r} is declared twice: rename one",))
        self._inputs[name] = Input(name, kind, default, about=about, declared=True, sure=kind is not Any)
        self._graph = None
        return name

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
        after: Iterable[str | Step] = (),
        **options: Unpack[Options],
    ) -> Step:
        """Add a question to a model; its value is the outcome's ``value``.

        :param prompt: ``{name}`` is an edge or an input, ``{name.attr}``, ``{name[0]}`` look inside, ``{{`` is a brace.
        :param output: the type of the answer, for example a pydantic model.
        :param after: tasks that must be done before, beside those whose values the prompt takes.
        :param options: how it is carried out; ``timeout`` is in seconds, for everything, retries included.
        """
        template, found = _template(name, "prompt", prompt)
        timeout = options.pop("timeout", None)
        work = Ask(template, agent, output, system, tuple(tools), parameters or Parameters(), budget, timeout)
        ports = tuple(Port(n, n) for n in template.names)
        return self._step(name, work, ports, after, options, found)

    def add(
        self,
        name: str,
        function: Callable[P, R],
        *,
        after: Iterable[str | Step] = (),
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        thread: bool = True,
        **options: Unpack[Options],
    ) -> FunctionStep[P, R]:
        """Add a function, plain or async; its parameters' names are edges or inputs, a default makes an input optional.

        A parameter annotated ``aiorch.Orchestrator`` or ``aiorch.Run`` receives the one at work.

        :param after: tasks that must be done before, without giving a value.
        :param uses: where a parameter's value comes from, when not from its namesake; a list gives the list of values.
        :param thread: False runs a plain function in the event loop's own thread: about 0.1 ms quicker, but one that
            waits or computes holds up everybody. A function in a thread is waited for when the run is cancelled.
        :param options: how it is carried out.
        """
        ports, wrong = ports_of(function, _taken(uses) if uses else {})
        found = tuple(
            [f"{code}] task {name!r}:{rest}" for code, _, rest in (w.partition("]") for w in wrong)]
        )
        work = Call(function, is_async(function), thread)
        self._step(name, work, ports, after, options, found)
        return FunctionStep(self, len(self._nodes) - 1, function)

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
        **options: Unpack[Options],
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
        **options: Unpack[Options],
    ) -> FunctionStep[P, R] | Callable[[Callable[P, R]], FunctionStep[P, R]]:
        """Decorate a function: a task of its name. With arguments as for :meth:`add`."""

        def decorate(function: Callable[P, R]) -> FunctionStep[P, R]:
            called = name or getattr(function, "__name__", "")
            return self.add(called, function, after=after, uses=uses, thread=thread, **options)

        return decorate if function is None else decorate(function)

    def use(
        self,
        name: str,
        tool: Tool,
        *,
        arguments: Mapping[str, Any] | None = None,
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        after: Iterable[str | Step] = (),
        **options: Unpack[Options],
    ) -> Step:
        """Add a tool, called under the same guard as when a model calls it; its value is the text that it returns.

        :param arguments: constants. Every other argument that the tool requires is an edge or an input of its name.
        :param uses: where an argument's value comes from, when not from its namesake; also for optional arguments.
        """
        if not isinstance(tool, Tool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"use() takes a tool, not {tool!r:.60}: make one of a function with @aiorch.tool"
            )
        given = dict(arguments or {})
        schema = tool.spec.parameters
        known: Mapping[str, Any] = schema.get("properties", {})
        taken = _taken(uses) if uses else {}
        wanted = dict.fromkeys([*schema.get("required", ()), *taken])
        ports = tuple(Port(a, taken.get(a, a), _kind(known.get(a))) for a in wanted if a not in given)
        found = tuple(
            f"[parameter] task {name!r}: the tool {tool.spec.name!r} has no argument {a!r}"
            for a in (*given, *taken)
            if a not in known
        )
        return self._step(name, Use(tool, given), ports, after, options, found)

    def sub(
        self,
        name: str,
        flow: Workflow,
        *,
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        after: Iterable[str | Step] = (),
        spread: bool = False,
        **options: Unpack[Options],
    ) -> Step:
        """Add another workflow as one task: its inputs are edges or inputs here, its value is what it gives.

        :param spread: under an engine with workers each is a run of its own, which any worker may take.
        """
        graph = _graph_of(flow)
        return self._step(name, Sub(graph, spread), _inputs_as_ports(graph, uses), after, options)

    def loop(
        self,
        name: str,
        flow: Workflow,
        *,
        most: int,
        until: str | None = None,
        carry: Mapping[str, str] | None = None,
        uses: Mapping[str, str | Step | Sequence[str | Step]] | None = None,
        after: Iterable[str | Step] = (),
        **options: Unpack[Options],
    ) -> Step:
        """Add another workflow that is carried out until it is good, ``most`` times at the most.

            polish = Workflow("polish")
            polish.ask("better", "Improve:\\n{draft}")
            polish.ask("good", "Is this good?\\n{better}", output=bool)
            flow.loop("final", polish, most=3, until="good", carry={"draft": "better"}, uses={"draft": "facts"})

        Its value is what the last round gives.

        :param until: the task of ``flow`` whose true value ends it.
        :param carry: for an input of ``flow`` the task whose value it takes from the second round on.
        """
        graph = _graph_of(flow)
        work = Loop(graph, most, until, dict(carry or {}))
        return self._step(name, work, _inputs_as_ports(graph, uses), after, options)

    def approve(
        self,
        name: str,
        question: str,
        *,
        refused: Literal["skip", "continue"] = "skip",
        after: Iterable[str | Step] = (),
        timeout: float | None = None,
    ) -> Step:
        """Let a person decide: ``flow.approve("ok", "Send this?\\n{draft}")``; whoever needs ``ok`` waits for it.

        :param question: what the person reads; a template like a prompt.
        :param refused: ``skip`` skips whoever waits for it; ``continue`` makes the task's value False.
        :param timeout: seconds after which silence is a refusal.
        """
        template, found = _template(name, "question", question)
        ports = tuple(Port(n, n) for n in template.names)
        return self._step(name, Approve(template, refused, timeout), ports, after, {}, found)

    def wait_for(
        self,
        name: str,
        event: str | None = None,
        *,
        output: Any = None,
        after: Iterable[str | Step] = (),
        timeout: float | None = None,
    ) -> Step:
        """Wait until somebody sends an event to the run (``run.send``, ``aiorch runs send``); its value is what came.

        :param event: what it is called; the task's own name where that is not said.
        :param output: the type that it must have. :param timeout: seconds after which the task fails.
        """
        return self._step(name, WaitFor(event or name, output, timeout), (), after, {})

    def sleep(self, name: str, seconds: float, *, after: Iterable[str | Step] = ()) -> Step:
        """Wait so long; under a durable engine the time goes on while nothing runs."""
        if not isinstance(seconds, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"task {name!r} is to sleep {seconds!r}: say how long in seconds, as a number")
        return self._step(name, Sleep(seconds), (), after, {})

    def gives(self, task: str | Step) -> Workflow:
        """Say which task's value is the workflow's own: ``run.value``. Otherwise it is the task added last."""
        self._gives = _name_of(task)
        self._graph = None
        return self

    def graph(self) -> Graph:
        """The workflow as it stands now, frozen; what is added later does not change it."""
        if self._graph is None:
            self._graph = Graph(self.name, tuple(self._nodes), self._gives, tuple(self._inputs.values()))
        return self._graph

    def inputs(self, handed: Iterable[str | type] = ()) -> Mapping[str, Any]:
        """What has to be handed in, by name, with the types that annotations tell (``str`` for what only prompts take).

        ``graph().inputs()`` has the defaults too.
        """
        return {name: one.type for name, one in self.graph().inputs(handed).items()}

    def validate(
        self,
        given: Collection[str] | None = None,
        *,
        handed: Iterable[str | type] | None = None,
        limits: Mapping[str, int] | None = None,
        durable: bool = False,
        thresholds: Thresholds | None = None,
    ) -> Report:
        """Everything that is wrong or doubtful about it, at once and without asking anybody.

            report = flow.validate(given=["log"])
            print(report)
            report.raise_for_errors()

        :param given: names of the inputs that are handed in; ``None`` looks at the workflow alone.
        :param handed: names and types of objects that the caller provides; ``None`` does not look whether they suffice.
        :param limits: how many tasks of a tag may run at once, as for ``execute``.
        :param durable: True where results are stored, by a durable engine.
        :param thresholds: beyond what it is no longer reasonable.
        """
        from aiorch.workflow.facts import REASONABLE
        from aiorch.workflow.validation import validate

        return validate(
            self.graph(),
            given,
            handed,
            limits=limits,
            durable=durable,
            thresholds=thresholds or REASONABLE,
        )

    def plan(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        limit: int = 64,
        limits: Mapping[str, int] | None = None,
        history: Past | None = None,
        prices: Mapping[str, Price | Sequence[Price]] | None = None,
        **named: Any,
    ) -> Plan:
        """What would be done, in which order, how long it takes and what would be asked; nobody is asked.

            print(flow.plan(log=text))

        :param inputs: as far as they are known, by name; ``named`` are more of them.
        :param limit: tasks at work at once. :param limits: the same by tag.
        :param history: what earlier runs took. :param prices: what models cost, by agent.
        :raises InvalidWorkflow: with every problem, where it cannot run whatever the inputs.
        """
        from aiorch.workflow.planning import plan

        given = {**(inputs or {}), **named}
        return plan(self.graph(), given, limit=limit, limits=limits, history=history, prices=prices)

    def to_dict(self) -> dict[str, Any]:
        """The workflow as plain data, as :meth:`from_dict` reads it: what was said, and nothing that is a default.

        :raises NotSerialisable: naming each thing that only code can say, such as a lambda, and what to do instead.
        """
        from aiorch.workflow.serialising import to_dict

        return to_dict(self.graph())

    def save(self, path: str | Path) -> None:
        """Write it as a file that :meth:`from_file` reads: YAML, TOML or JSON, by the name's ending.

        :raises NotSerialisable: as :meth:`to_dict`; in TOML also for a null, which it has not.
        :raises InputError: for another ending, and when the file cannot be written.
        """
        from aiorch.workflow.serialising import save

        save(self.graph(), Path(path))

    @staticmethod
    def schema() -> dict[str, Any]:
        """The JSON schema (draft 2020-12) of workflow files, for editors and programs that write them."""
        from aiorch.workflow.forms import document_schema

        return document_schema()

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
        """A workflow from a YAML, TOML or JSON file; ``call:`` finds modules beside it, too.

        A workflow file is a program: whoever can write one can run code as you.

        :raises InvalidWorkflow: naming file, task and key, and what would be understood.
        :raises InputError: when the file cannot be read.
        """
        from aiorch.workflow.documents import read

        return read(cls, Path(path))

    def __repr__(self) -> str:
        return f"<workflow {self.name!r}: {len(self._nodes)} tasks>"

    def _step(
        self,
        name: str,
        work: Work,
        ports: tuple[Port, ...],
        after: Iterable[str | Step],
        options: Options,
        problems: tuple[str, ...] = (),
    ) -> Step:
        policy, wrong = policy_of(name, options) if options else (PLAIN, ())
        self._nodes.append(
            Node(name, work, ports, _names_of(after), policy=policy, problems=(*problems, *wrong))
        )
        self._graph = None
        return Step(self, len(self._nodes) - 1)

    def _when(self, position: int, condition: Condition) -> None:
        node = self._nodes[position]
        self._nodes[position] = replace(node, when=(*node.when, condition))
        self._graph = None

    def _map(
        self,
        position: int,
        pairs: Mapping[str, str],
        on_error: Literal["fail", "collect"],
        label: str | None,
        most: int | None,
        limit: int | None,
    ) -> None:
        node = self._nodes[position]
        if node.mapped:
            twice = f"[map] task {node.name!r} is mapped twice: name all lists in one map()"
            raise InvalidWorkflow(self.name, (twice,))
        kinds = {port.name: port.kind for port in node.ports}
        found = [
            f"[map] task {node.name!r} is mapped over {inner!r}, which "
            + ("its prompt does not use" if isinstance(node.work, Ask) else "it does not take")
            for inner in pairs
            if inner not in kinds
        ]
        if not pairs:
            found.append(f"[map] task {node.name!r} is mapped over nothing: say map(item='list')")
        found += [
            f"[map] task {node.name!r} is mapped with {which}={count}; at least 1 makes sense"
            for which, count in (("most", most), ("limit", limit))
            if count is not None and count < 1
        ]
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
            mapped=Mapped(
                tuple(Port(i, s, kinds.get(i)) for i, s in pairs.items()), on_error, template, most, limit
            ),
            problems=(*node.problems, *found),
        )
        self._graph = None


def _name_of(step: str | Step) -> str:
    """What a task or an input is called. :raises InputError: for a value in the place of a name."""
    if isinstance(step, str):
        return step
    if isinstance(step, Step):  # pyright: ignore[reportUnnecessaryIsInstance]
        return step.name
    raise InputError(
        f"{step!r:.60} stands where the name of a task or an input is wanted: hand values in as inputs, "
        "ai.execute(flow, texts=[...]), and name them here"
    )


def _names_of(steps: Iterable[str | Step]) -> tuple[str, ...]:
    if steps == ():
        return ()
    return tuple(map(_name_of, (steps,) if isinstance(steps, str | Step) else steps))


def _graph_of(flow: Workflow) -> Graph:
    """A workflow inside of another one, as it stands now. :raises InputError: for anything else."""
    if not isinstance(flow, Workflow):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"a Workflow is wanted, not {flow!r:.60}; Workflow.from_file(...) reads one from a file"
        )
    return flow.graph()


def _template(task: str, what: str, text: str) -> tuple[Template, tuple[str, ...]]:
    """The template, and what is wrong with it. :raises InputError: where it is no text."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"the {what} of task {task!r} should be a text, not {text!r:.60}")
    try:
        return Template.parse(text), ()
    except TemplateError as wrong:
        return Template(text, ()), (f"[template] the {what} of task {task!r}: {wrong}",)


def _taken(uses: Mapping[str, str | Step | Sequence[str | Step]]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for inner, source in uses.items():
        if isinstance(source, str):
            found[inner] = source
        elif isinstance(source, Sequence):
            found[inner] = tuple([_name_of(one) for one in source])
        else:
            found[inner] = _name_of(source)
    return found


def _inputs_as_ports(
    graph: Graph, uses: Mapping[str, str | Step | Sequence[str | Step]] | None
) -> tuple[Port, ...]:
    """What a workflow takes, as the parameters of a task that carries it out."""
    taken = _taken(uses) if uses else {}
    known = graph.inputs()
    ports = [Port(one.name, taken.get(one.name, one.name), one.type, one.default) for one in known.values()]
    return (*ports, *(Port(name, source) for name, source in taken.items() if name not in known))


_KINDS: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}


def _kind(schema: Any) -> Any:
    """The type that a tool's schema says for an argument, where it is a plain one."""
    return _KINDS.get(str(schema.get("type"))) if isinstance(schema, Mapping) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
