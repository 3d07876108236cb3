"""What functions ask for, and what callers hand in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from aiorch.workflow import Run, Workflow
from aiorch.workflow.nodes import REQUIRED, Port
from aiorch.workflow.provided import is_provided
from aiorch.workflow.signature import called, is_async, ports_of, resolved

if TYPE_CHECKING:
    from somewhere import Unknown  # pyright: ignore[reportMissingImports]


def everything(a: int, /, b: list[Path], *rest: int, c: str = "c", **more: int) -> None: ...


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


class Callable_:
    async def __call__(self, x: int) -> int:
        return x


EXPECTED = [("a", True, REQUIRED), ("b", False, REQUIRED), ("c", False, "c")]


@pytest.mark.parametrize("function", [everything, decorated(everything)])
def test_parameters_become_ports(function: Callable[..., Any]) -> None:
    ports, wrong = ports_of(function, {})
    assert wrong == ()
    assert [(p.name, p.positional, p.default) for p in ports] == EXPECTED
    assert resolved(function, ports[1].kind) == list[Path]


def test_a_partial_keeps_what_is_left() -> None:
    ports, _ = ports_of(functools.partial(everything, 1), {})
    assert [p.name for p in ports] == ["b", "c"]
    assert resolved(functools.partial(everything, 1), ports[0].kind) == list[Path]


def test_a_callable_object_has_parameters_too() -> None:
    ports, _ = ports_of(Callable_(), {})
    assert [p.name for p in ports] == ["x"]
    assert resolved(Callable_(), ports[0].kind) is int


def test_uses_moves_the_source() -> None:
    ports, wrong = ports_of(everything, {"b": ("x", "y"), "nobody": "z"})
    assert ports[1].source == ("x", "y")
    assert ports[1].sources == ("x", "y")
    assert len(wrong) == 1
    assert wrong[0].startswith("[parameter]")


def test_a_function_that_hides_its_parameters_is_a_problem() -> None:
    _, wrong = ports_of(type, {})
    assert wrong[0].startswith("[function]")


def test_an_annotation_that_only_the_type_checker_knows_stays_text() -> None:
    def ours(x: Unknown, y: int) -> None: ...

    ports, _ = ports_of(ours, {})
    assert resolved(ours, ports[0].kind) == "Unknown"
    assert resolved(ours, ports[1].kind) is int


def test_annotated_keeps_its_extras() -> None:
    def ours(x: Annotated[int, "metres"]) -> None: ...

    ports, _ = ports_of(ours, {})
    assert resolved(ours, ports[0].kind) == Annotated[int, "metres"]


def test_async_is_seen_through_partials_and_objects() -> None:
    async def later(x: int) -> int:
        return x

    assert is_async(later)
    assert is_async(functools.partial(later, 1))
    assert is_async(Callable_())
    assert not is_async(everything)
    assert not is_async(functools.partial(everything, 1))


def test_functions_are_called_by_their_names() -> None:
    assert called(functools.partial(everything)) == "everything"
    assert "Callable_" in called(Callable_())


class Helper: ...


class Better(Helper): ...


def takes(ai: aiorch.Orchestrator, run: Run, helper: Helper, plain: Any, thing: object) -> None: ...  # pyright: ignore # noqa


def port(name: str) -> Port:
    return next(p for p in ports_of(takes, {})[0] if p.name == name)


@pytest.mark.parametrize(
    ("name", "handed", "expected"),
    [
        ("ai", (), True),
        ("run", (), True),
        ("helper", (), False),
        ("helper", (Helper,), True),
        ("helper", (Better,), True),
        ("helper", ("helper",), True),
        ("plain", (Helper,), False),
        ("thing", (Helper,), False),
        ("plain", ("plain",), True),
    ],
)
def test_what_is_handed_in_is_no_input(name: str, handed: tuple[str | type, ...], expected: bool) -> None:
    assert is_provided(takes, port(name), handed) is expected


def test_inputs_leave_out_what_is_handed_in() -> None:
    flow = Workflow("x")
    flow.add("t", takes)
    assert list(flow.inputs()) == ["helper", "plain", "thing"]
    assert list(flow.inputs([Helper])) == ["plain", "thing"]
