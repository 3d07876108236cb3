"""What is asked of one model in one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from aiorch.types.messages import Message
from aiorch.types.quick import quick

JSON = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class OwnFields:
    """What only one provider understands."""

    body: JSON = field(default_factory=dict[str, Any])
    """Fields of a chat request, sent as they are."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@quick
@dataclass(frozen=True, slots=True)
class Parameters:
    """How a model samples. ``None`` leaves the provider's own default.

    >>> Parameters(temperature=0).merged(Parameters(max_tokens=50))
    Parameters(temperature=0, max_tokens=50, stop=(), seed=None, top_p=None, extra={}, headers={}, by_provider={})
    """

    temperature: float | None = None
    """0 is (nearly) deterministic; 0 to 2."""
    max_tokens: int | None = None
    """The longest answer, in tokens."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends."""
    seed: int | None = None
    top_p: float | None = None
    """Nucleus sampling, 0 to 1."""
    extra: JSON = field(default_factory=dict[str, Any])
    """Fields of a provider's own, sent as they are to whoever is asked; see also ``by_provider``."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers, sent as they are to whoever is asked; what identifies the caller cannot be replaced by them."""
    by_provider: Mapping[str, OwnFields] = field(default_factory=dict[str, OwnFields])
    """What is said to one provider only, by its name: takes precedence there, and no other is told."""

    def merged(self, over: Parameters) -> Parameters:
        """These, with whatever ``over`` sets taking precedence."""
        if over is NO_PARAMETERS:
            return self
        return Parameters(
            temperature=self.temperature if over.temperature is None else over.temperature,
            max_tokens=self.max_tokens if over.max_tokens is None else over.max_tokens,
            stop=over.stop or self.stop,
            seed=self.seed if over.seed is None else over.seed,
            top_p=self.top_p if over.top_p is None else over.top_p,
            extra={**self.extra, **over.extra},
            headers={**self.headers, **over.headers},
            by_provider={**self.by_provider, **over.by_provider},
        )

    def at(self, provider: str) -> Parameters:
        """These, as they are said to one provider.

        >>> Parameters(seed=1, by_provider={"openrouter": OwnFields({"models": ["a"]})}).at("groq").extra
        {}
        """
        if not self.by_provider:
            return self
        own = self.by_provider.get(provider, OwnFields())
        return replace(
            self,
            extra={**self.extra, **own.body},
            headers={**self.headers, **own.headers},
            by_provider={},
        )


NO_PARAMETERS = Parameters()
"""Nothing is said."""


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The shape an answer must have: a JSON schema (draft 2020-12) under a name that providers accept."""

    schema: JSON
    name: str = "answer"
    strict: bool = True
    """Ask the provider to enforce it while sampling, where it can."""


ArgumentKind = Literal["sql", "statement", "shell", "command", "path", "url", "code"]
"""What an argument is used for: a value inside of SQL or a whole statement, a value inside of a command line or a whole
one, a path, an address, Python code.
"""


@dataclass(frozen=True, slots=True)
class Arg:
    """What an argument of a tool is used for, so that the guard can check it. The model is not told.

    For example:

        @tool
        def read(name: Annotated[str, Arg("path", root="/srv/reports")]) -> str: ...

    :raises ValueError: for a kind that does not exist, which would otherwise be checked as another one.
    """

    kind: ArgumentKind
    root: str | None = None
    """For a path: the folder that it must stay in; ``None`` allows any relative one that does not climb out."""
    allowed: tuple[str, ...] | None = None
    """The only hosts (url), tables (statement) or programs (command) that may be named; ``None`` sets no such limit."""
    writes: bool = False
    """For a statement: whether it may change anything."""

    def __post_init__(self) -> None:
        kinds = get_args(ArgumentKind)
        if self.kind not in kinds:
            raise ValueError(f"no argument is of the kind {self.kind!r}: take one of {', '.join(kinds)}")


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What a model is told about a tool, and what the guard is told beside."""

    name: str
    """Letters, digits, ``_`` and ``-``; at most 64."""
    description: str
    parameters: JSON
    """A JSON schema of type ``object``."""
    checks: Mapping[str, Arg] = field(default_factory=dict[str, Arg])
    """By argument, what it is used for. Not sent to anybody."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether a model may (``auto``), must (``required``) or must not (``none``) call a tool, or which one."""

    mode: Literal["auto", "required", "none", "tool"] = "auto"
    name: str | None = None
    """The tool, when ``mode`` is ``tool``."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The patience of one attempt, in seconds; ``None`` waits for ever."""

    connect: float | None = 10.0
    """Name look-up, TCP and TLS."""
    first_byte: float | None = 60.0
    """From the request sent to the response's first byte (queueing and prompt reading happen here)."""
    idle: float | None = 30.0
    """The longest silence between two pieces of a body."""
    first_token: float | None = None
    """From the request sent to the first content of a stream, and between two pieces of it, or to a whole answer: some
    hosts send headers, comments or blanks all the while. ``None`` = ``first_byte`` and ``idle`` together, which whoever
    keeps to both has had."""

    @property
    def content(self) -> float | None:
        """The longest wait for content."""
        if self.first_token is not None:
            return self.first_token
        return None if self.first_byte is None or self.idle is None else self.first_byte + self.idle


@quick
@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model, in no provider's dialect."""

    messages: tuple[Message, ...]
    parameters: Parameters = Parameters()
    schema: JsonSchema | None = None
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels for the trail (user, tenant, tags); sent to a provider only where its dialect has a place for them."""
    idempotency_key: str | None = None
    """The same for the same question of the same durable run, also after a restart; sent where a provider's row names
    a header for it."""
