"""From an entry point to an object, or to the reason why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.plugins.conftest import Install

from aiorch.plugins import Plugin, declared, imported, made
from aiorch.protocols import Check
from aiorch.types import CheckResult


class Fine:
    """A check."""

    name = "fine"

    def __init__(self, settings: object = None) -> None:
        self.settings = settings

    async def check(self, task: Any, response: Any) -> CheckResult:
        return CheckResult(self.name, True)


def plugin(value: Any = None, **rest: Any) -> Plugin:
    return Plugin("aiorch.checks", "mine", "mine", "1.0", value=value, **rest)


def test_a_class_an_object_and_a_function_all_give_the_object() -> None:
    ready = Fine()

    class Callable(Fine):
        def __call__(self) -> None:
            raise AssertionError("it is an object already")

    assert isinstance(made(plugin(Fine), Check).value, Fine)
    assert made(plugin(ready), Check).value is ready
    assert made(plugin(lambda: ready), Check).value is ready
    assert isinstance(made(plugin(Callable()), Check).value, Callable)


def test_the_settings_are_given_to_whatever_has_a_parameter_of_that_name() -> None:
    assert made(plugin(Fine), Check, settings="s").value.settings == "s"
    assert made(plugin(lambda *, settings: Fine(settings)), Check, settings="s").value.settings == "s"
    assert made(plugin(lambda: Fine()), Check, settings="s").value.settings is None


def test_none_is_nothing_to_give_and_no_fault() -> None:
    nothing = made(plugin(lambda: None), Check)
    assert (nothing.state, nothing.value) == ("idle", None)
    assert "nothing to give" in nothing.idle


async def _async() -> Fine:
    return Fine()


def _exits() -> None:
    raise SystemExit(3)


class _Torn:
    @property
    def name(self) -> str:
        raise OSError("no disk")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("a text", "an object of str is no Check: it lacks name, check()"),
        (type("Nameless", (), {"check": None}), "an object of Nameless is no Check: it lacks name, check()"),
        (lambda: Fine, "what makes it gave the class Fine, not an object of it"),
        (lambda missing: Fine(), "TypeError"),
        (_exits, "SystemExit: 3"),
        (_async, "what makes it is async: it has to be a plain function"),
        (_Torn, "OSError: no disk"),
        (int, "an object of int is no Check"),
    ],
)
def test_what_gives_no_check_is_refused_with_the_reason(value: Any, says: str) -> None:
    refused = made(plugin(value), Check)
    assert refused.state == "refused"
    assert says in str(refused.error)
    assert refused.value is None


def test_what_is_refused_or_idle_stays_so() -> None:
    for before in (plugin(error="broken"), plugin(idle="off")):
        assert made(imported(before), Check) == before


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("fake_broken:thing", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("fake_broken:thing", "import does_not_exist_anywhere", "ModuleNotFoundError"),
        ("fake_broken:thing", "", "AttributeError"),
        ("fake_broken:thing", "thing = None", "fake_broken:thing is None"),
        ("fake_broken:thing", "def (", "SyntaxError"),
        ("fake_broken:thing", "import sys; sys.exit('go away')", "SystemExit: go away"),
        ("no such form", "", "'no such form' is no object of a module"),
        ("fake_broken", "", "'fake_broken' is no object of a module"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_the_others_survive(
    install: Install, target: str, code: str, says: str
) -> None:
    points = {"aiorch.checks": {"a": "fake_good:A", "bad": target, "z": "fake_good:Z"}}
    install("aiorch-mixed", points, fake_good="A = 1\nZ = 26", fake_broken=code)
    plugins = {p.name: imported(p) for p in declared() if p.distribution == "aiorch-mixed"}
    assert says in str(plugins["bad"].error)
    assert plugins["bad"].value is None
    assert (plugins["a"].value, plugins["z"].value) == (1, 26)


def test_an_import_that_fails_names_the_extras_that_the_entry_point_asks_for(install: Install) -> None:
    install(
        "aiorch-fast", {"aiorch.tools": {"fast": "fake_fast:X [gpu]"}}, fake_fast="import no_cuda_anywhere"
    )
    (fast,) = (p for p in declared() if p.distribution == "aiorch-fast")
    assert "no_cuda_anywhere" in str(imported(fast).error)
    assert "(it needs pip install 'aiorch-fast[gpu]')" in str(imported(fast).error)
    assert (
        imported(replace(fast, extras=())).error == "ModuleNotFoundError: No module named 'no_cuda_anywhere'"
    )


def test_an_interrupt_while_a_plugin_loads_ends_the_program(install: Install) -> None:
    install("aiorch-slow", {"aiorch.tools": {"slow": "fake_slow:X"}}, fake_slow="raise KeyboardInterrupt")
    (slow,) = (p for p in declared() if p.name == "slow")
    with pytest.raises(KeyboardInterrupt):
        imported(slow)
