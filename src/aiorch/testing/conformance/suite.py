"""What all suites share: which event loops their tests run on, and how a broken promise is told."""

from __future__ import annotations

import re
import traceback
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any, ClassVar, NoReturn, TypeVar

import anyio
import pytest

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""How plugins are called."""


class Suite:
    """The ground of every suite.

    Its tests run on asyncio, and on trio where that is installed. An implementation that needs one of them says so:

        class TestMine(EngineConformance):
            backends = ("asyncio",)
    """

    backends: ClassVar[tuple[str, ...]] = ("asyncio", "trio") if find_spec("trio") else ("asyncio",)
    """The event loops that its tests run on."""
    patience: ClassVar[float] = 30.0
    """Seconds after which a test gives up on what does not end."""

    @pytest.fixture(autouse=True)
    def _patience_of_this_suite(self) -> None:
        _patience.seconds = self.patience

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each test that awaits runs once on every loop."""
        if "anyio_backend" in metafunc.fixturenames:
            metafunc.parametrize("anyio_backend", type(self).backends)


class _Patience:
    seconds = Suite.patience


_patience = _Patience()


def in_patience() -> anyio.CancelScope:
    """A scope that ends what does not end by itself."""
    return anyio.move_on_after(_patience.seconds)


def wrong(what: str, promise: str, cure: str) -> NoReturn:
    """Fail the test: what is wrong, what the protocol promises, what to do."""
    __tracebackhide__ = True
    pytest.fail(f"{what}\n  promised: {promise}\n  cure: {cure}", pytrace=False)


def hold(condition: object, what: str, promise: str, cure: str) -> None:
    """Fail the test unless ``condition`` holds."""
    __tracebackhide__ = True
    if not condition:
        wrong(what, promise, cure)


def missing(fixture: str, example: str) -> NoReturn:
    """The test class does not say what is to be tested."""
    pytest.fail(
        f"this suite needs the fixture {fixture!r}. Add to your test class:\n\n"
        f"    @pytest.fixture\n    def {fixture}(self):\n        return {example}",
        pytrace=False,
    )


def not_looked_at(fixture: str, what: str) -> NoReturn:
    """Skip a test that needs an example which the author did not give."""
    pytest.skip(f"not looked at: {what}; give the fixture {fixture!r} to have it tested")


def raised(error: BaseException) -> str:
    """An exception as a reader needs it: its type, its words, and where it came from.

    >>> raised(KeyError("city"))
    "KeyError: 'city'"
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (line {frames[-1].lineno} of {frames[-1].filename}, in {frames[-1].name})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def check_name(name: object, whose: str) -> None:
    """Names are how people and logs call a plugin."""
    promise = "a name is short, unique and lower case, since settings, events and logs use it"
    hold(isinstance(name, str), f"{whose}.name is {name!r}, not a text", promise, "set name = 'mine'")
    hold(
        NAME.fullmatch(str(name)) and len(str(name)) <= 64,
        f"{whose}.name is {name!r}",
        promise,
        "use lower-case letters, digits, '_', '-' and '.', at most 64, for example 'my_plugin'",
    )


async def in_time(call: Callable[[], Awaitable[T]], what: str, promise: str, cure: str) -> T:
    """What ``call`` returns; the test fails where it takes for ever."""
    with in_patience():
        return await call()
    wrong(f"{what} did not end within {_patience.seconds:g} s", promise, cure)


async def cancelled_cleanly(call: Callable[[], Awaitable[Any]], what: str) -> None:
    """Whoever is cancelled may finish what needs no waiting, or stop; but never fail with something else."""
    promise = "cancellation passes through untouched: a deadline and a lost race are no faults of anybody"
    cure = "do not catch BaseException or asyncio.CancelledError; write `except Exception`, and clean up in `finally`"
    failed: BaseException | None = None
    with in_patience() as scope:
        scope.cancel()
        try:
            await call()
        except Exception as error:
            failed = error
    if failed is not None:
        wrong(f"{what}, when cancelled, raised {raised(failed)}", promise, cure)


def check_members(subject: object, protocol: type, names: tuple[str, ...]) -> None:
    """Everything that the protocol asks for is there."""
    lacking = [name for name in names if not hasattr(subject, name)]
    hold(
        not lacking,
        f"{type(subject).__name__} has no {' and no '.join(lacking)}",
        f"a {protocol.__name__} has {', '.join(names)}",
        f"add what is missing; its page is aiorch.protocols.{protocol.__name__}",
    )
