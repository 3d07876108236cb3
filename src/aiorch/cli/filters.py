"""Options of the commands that show models: which ones, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from aiorch.discovering import Discovery

C = TypeVar("C", bound=Callable[..., Any])

UNITS = {"": 1, "k": 1_000, "m": 1_000_000}

ORDER_NAMES = ("route", "price", "name", "context", "size", "new")
"""As :data:`aiorch.discovering.ORDERS` has them; ``--help`` need not import that."""


class Tokens(click.ParamType[int]):
    """A number of tokens: ``8192``, ``128k``, ``1M``."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        if isinstance(value, int):
            return value
        read = re.fullmatch(r"(\d+(?:\.\d+)?)([km]?)", str(value).strip(), re.IGNORECASE)
        if read is None:
            self.fail(f"{value!r} is no number of tokens; write 8192, 128k or 1M", param, ctx)
        return int(float(read[1]) * UNITS[read[2].lower()])


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which models, and in which order."""

    free: bool
    usable: bool
    provider: tuple[str, ...]
    family: str | None
    tools: bool
    json_schema: bool
    vision: bool
    reasoning: bool
    min_context: int | None
    benchmark: str | None
    sort: str

    def of(self, found: Discovery) -> Discovery:
        """Those models of a discovery.

        :raises UnknownProvider: for a provider that nobody knows. :raises InputError: likewise for a benchmark.
        """
        kept = found.where(
            free=self.free or None,
            usable=self.usable or None,
            provider=self.provider or None,
            family=self.family,
            tools=self.tools or None,
            json_schema=self.json_schema or None,
            vision=self.vision or None,
            reasoning=self.reasoning or None,
            min_context=self.min_context,
            benchmark=self.benchmark,
        )
        return kept.sorted(self.benchmark or self.sort)


def filters(function: C) -> C:
    """The options, handed to the command as one ``wanted``."""
    names = tuple(Wanted.__dataclass_fields__)

    @wraps(function)  # with its docstring, and the options that it has already
    def gathered(*args: Any, **options: Any) -> Any:
        wanted = Wanted(**{name: options.pop(name) for name in names})
        return function(*args, wanted=wanted, **options)

    command: Any = gathered
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--free", is_flag=True, help="Only what costs nothing."),
    click.option("--usable", is_flag=True, help="Only what can be used now."),
    click.option(
        "--provider", metavar="P", multiple=True, help="Only this provider's; may be given several times."
    ),
    click.option("--family", metavar="F", help="Only this model, whoever serves it; `llama-*` is a pattern."),
    click.option("--tools", is_flag=True, help="Only models that are known to call tools."),
    click.option(
        "--json-schema", is_flag=True, help="Only models that are known to answer by a JSON schema."
    ),
    click.option("--vision", is_flag=True, help="Only models that are known to see pictures."),
    click.option("--reasoning", is_flag=True, help="Only models that are known to think first."),
    click.option(
        "--min-context",
        type=Tokens(),
        metavar="N",
        help="At least so many tokens of context: 8192, 128k, 1M.",
    ),
    click.option("--benchmark", metavar="B", help="Only models with a score of it, the best first."),
    click.option(
        "--sort",
        type=click.Choice(ORDER_NAMES),
        default="route",
        show_default=True,
        help="What comes first; route is the order in which models are asked.",
    ),
)
