"""A tool from a typed function: its name, its docstring and its annotations are all that a model needs to know."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from aiorch.errors import ConfigurationError, InputError
from aiorch.types import Arg, ToolSpec

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

P = ParamSpec("P")
R = TypeVar("R")

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every provider takes as the name of a tool."""
# "    city: where" under "Args:", and ":param city: where"
DESCRIBED = re.compile(r"^\s*(?::param\s+(?:\w+\s+)?)?(?P<name>\w+)(?:\s*\([^)\n]*\))?:\s+(?P<text>\S.*)$")
SECTION = re.compile(r"^\s*(?:Args|Arguments|Parameters):\s*$")


class FunctionTool(Generic[P, R]):
    """A function as a tool; it can still be called as the function that it is.

    A plain function runs in a worker thread. When its time is up it is no longer waited for, but a thread cannot be
    stopped: what it does after that, it still does.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        idempotent: bool = False,
    ) -> None:
        self.function = function
        self.idempotent = idempotent
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self._description = description
        if not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot be the name of a tool (letters, digits, _ and -, at most 64); pass name="
            )
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise ConfigurationError(
                    f"the tool {self.name!r} cannot have the parameter {parameter}: a model gives arguments by name"
                )
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself, unchecked."""
        return self.function(*args, **kwargs)

    @property
    def spec(self) -> ToolSpec:
        """What the model is told. Made at the first use, so that declaring a tool costs nothing.

        :raises ConfigurationError: when an annotation cannot be expressed as a JSON schema.
        """
        return self._spec

    @cached_property
    def _spec(self) -> ToolSpec:
        from pydantic.errors import PydanticUserError

        text = inspect.getdoc(self.function) or ""
        try:
            schema = _without_titles(self._arguments.model_json_schema())
        except PydanticUserError as impossible:
            why = str(impossible).splitlines()[0]
            raise ConfigurationError(
                f"the tool {self.name!r} has an annotation without a JSON schema: {why}"
            ) from None
        schema.pop("description", None)
        schema.setdefault("properties", {})
        return ToolSpec(self.name, self._description or _summary(text) or self.name, schema, self._checks())

    def _checks(self) -> dict[str, Arg]:
        """Which parameters say what they are used for: ``Annotated[str, Arg("path")]``."""
        from typing import get_type_hints

        hints = get_type_hints(self.function, include_extras=True)
        marks = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items() if name != "return"}
        return {name: mark for name, marked in marks.items() for mark in marked if isinstance(mark, Arg)}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Check the arguments and call the function.

        :raises InputError: when the arguments do not fit; the message tells a model what to mend.
        """
        from pydantic import ValidationError

        try:
            checked = self._arguments.model_validate(dict(arguments))
        except ValidationError as invalid:
            raise InputError(_faults(self.name, invalid)) from None
        names = tuple(inspect.signature(self.function).parameters)
        given = {
            names[int(field.removeprefix("p"))]: getattr(checked, field) for field in checked.model_fields_set
        }
        return _as_text(await self._called(given))

    async def _called(self, values: dict[str, Any]) -> object:
        if inspect.iscoroutinefunction(self.function):
            return await cast("Callable[..., Awaitable[object]]", self.function)(**values)
        from anyio.to_thread import run_sync

        # In a tuple, since trio refuses a coroutine from a thread: some plain functions return one.
        (made,) = await run_sync(lambda: (self.function(**values),), abandon_on_cancel=True)  # pyright: ignore[reportCallIssue]
        return await cast("Awaitable[object]", made) if inspect.isawaitable(made) else made

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        """The parameters as a pydantic model. Its fields carry their names as aliases, since a parameter may be called
        ``schema`` or ``_id`` and a field may not.
        """
        from typing import get_type_hints

        from pydantic import ConfigDict, create_model
        from pydantic.errors import PydanticUserError

        about = _parameter_texts(inspect.getdoc(self.function) or "")
        try:
            hints = get_type_hints(self.function, include_extras=True)
            fields: dict[str, Any] = {
                f"p{n}": (hints.get(name, Any), _field(parameter, about.get(name)))
                for n, (name, parameter) in enumerate(inspect.signature(self.function).parameters.items())
            }
            return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)
        except (NameError, TypeError, PydanticUserError) as impossible:
            why = str(impossible).splitlines()[0]
            raise ConfigurationError(f"the tool {self.name!r} cannot be offered to a model: {why}") from None

    def __repr__(self) -> str:
        return f"<tool {self.name}{inspect.signature(self.function)}>"


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, idempotent: bool = False
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    idempotent: bool = False,
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a function, plain or async, into something that a model may call.

        @tool
        async def weather(city: str) -> str:
            "The weather in a city, in one sentence."

    :param name: how the model calls it; the function's name otherwise.
    :param description: what the model is told; the first paragraph of the docstring otherwise.
    :param idempotent: True when calling it twice is as good as once.
    :raises ConfigurationError: when a model could not call it: a bad name, ``*args``, positional-only parameters.
    """

    def made(function: Callable[P, R]) -> FunctionTool[P, R]:
        return FunctionTool(function, name=name, description=description, idempotent=idempotent)

    return made if function is None else made(function)


def _field(parameter: inspect.Parameter, about: str | None) -> Any:
    """A default that JSON has is told to the model; any other only makes the parameter optional."""
    from pydantic import Field

    default = parameter.default
    told: dict[str, Any] = {"alias": parameter.name} | ({} if about is None else {"description": about})
    if default is parameter.empty:
        return Field(**told)
    if default is None or isinstance(default, str | int | float):
        return Field(default, **told)
    return Field(default_factory=lambda: default, **told)


# --- docstrings --------------------------------------------------------------------------------------------------


def _summary(text: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(text.split("\n\n", 1)[0].split())


def _parameter_texts(text: str) -> dict[str, str]:
    """What a docstring says about single parameters, in Google's or Sphinx's manner."""
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        if SECTION.match(line):
            inside = True
        elif inside and not line.strip():
            inside = False
        elif (inside or line.lstrip().startswith(":param")) and (match := DESCRIBED.match(line)):
            found[match["name"]] = match["text"].strip()
    return found


# --- what the model reads ----------------------------------------------------------------------------------------


def _without_titles(schema: Any) -> Any:
    """Without the titles that pydantic makes of every name: a model pays for them in tokens."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", schema).items():
        if key == "properties":  # a parameter may be called title
            plain[key] = {name: _without_titles(sub) for name, sub in value.items()}
        elif key != "title":
            plain[key] = _without_titles(value)
    return plain


def _faults(name: str, invalid: ValidationError) -> str:
    said = [
        f"{'.'.join(map(str, e['loc']))}: {e['msg'][:1].lower()}{e['msg'][1:]}"
        for e in invalid.errors(include_url=False, include_context=False, include_input=False)
    ]
    return f"wrong arguments for {name}: {'; '.join(said)}"


def _as_text(value: object) -> str:
    """Text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    from pydantic_core import to_json

    return to_json(value, fallback=str).decode()
