"""How the program speaks: results to standard output, the rest to standard error, errors in one message."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aiorch.errors import (
    AiorchError,
    AllAttemptsFailed,
    BudgetExceeded,
    DeadlineExceeded,
    InputError,
    InvalidWorkflow,
    NoModelAvailable,
    SecurityException,
    SettingsError,
    UnknownAgent,
    UnknownModel,
    UnknownProvider,
)

if TYPE_CHECKING:
    from aiorch.settings import Settings

C = TypeVar("C", bound=Callable[..., Any])

DEMO = "a local demo model answered (135M parameters, often wrong)"

FAILED, USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes: it was tried and failed; it cannot be done as it was asked; interrupted."""

ASKED_WRONGLY = (
    SettingsError,
    UnknownAgent,
    UnknownModel,
    UnknownProvider,
    InputError,
    InvalidWorkflow,
)
"""Errors that another command line, setting or file mends: nothing was sent."""

SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSW")
"""What is in the names of variables that hold secrets, where the settings cannot be asked for them."""

HINTS: tuple[tuple[type[AiorchError], str], ...] = (
    (NoModelAvailable, "`aiorch doctor` says what is missing; `aiorch local install` needs no key"),
    (AllAttemptsFailed, "`aiorch doctor` says which providers can be reached"),
    (DeadlineExceeded, "--timeout SECONDS (ask), or the setting timeout, allows more"),
    (BudgetExceeded, "--max-usd USD (ask), or the settings budget_usd and allow_paid, allow more"),
)
"""What to do next on the command line, where an error's own message speaks to programmers."""


class Voice:
    """What one call of the program says, and where."""

    def __init__(self, *, json: bool = False, debug: bool = False) -> None:
        self.json = json
        """Standard output carries JSON only."""
        self.debug = debug
        """Show the traceback of an error."""
        self._out = sys.stdout  # kept: what a workflow's own code prints is led elsewhere meanwhile
        self._redact: Callable[[str], str] | None = None
        self.warned: set[str] = set()
        """What the library has warned of so far."""
        self._colour = False if os.environ.get("NO_COLOR") else None  # None: where a terminal shows it

    @classmethod
    def asked(cls, args: Sequence[str]) -> Voice:
        """The voice that a command line asks for, known before it is parsed: parsing may fail, and has to say so."""
        own = args[: args.index("--")] if "--" in args else args
        return cls(json="--json" in own, debug="--debug" in own)

    @contextmanager
    def listening(self) -> Generator[None, None, None]:
        """Say the library's warnings meanwhile, and set the streams to take any text."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(
                    errors="backslashreplace"
                )  # half a character, or a terminal that knows few
        log, told = logging.getLogger("aiorch"), _Told(self)
        before, log.propagate = log.propagate, False
        log.addHandler(told)
        try:
            yield
        finally:
            log.removeHandler(told)
            log.propagate = before

    def settings(self, **told: Any) -> Settings:
        """The settings, with what the command line says in front. From now on their keys are kept out of every message.

        :raises SettingsError: when they cannot be used.
        """
        from aiorch.safety import Redactor
        from aiorch.settings import Settings

        settings = Settings.load(**told)
        self._redact = Redactor(settings.all_secrets())
        return settings

    # --- what was asked for

    def result(self, text: str) -> None:
        """An answer or a table, for people."""
        click.echo(text, file=self._out, color=self._colour)

    def piece(self, text: str) -> None:
        """A piece of an answer, at once."""
        click.echo(text, nl=False, file=self._out)

    def document(self, value: Any) -> None:
        """A line of JSON."""
        click.echo(json.dumps(value, ensure_ascii=False, default=str), file=self._out)

    # --- everything else

    def tell(self, text: str) -> None:
        """Something beside the result."""
        click.echo(self.redacted(text), err=True, color=self._colour)

    def failed(self, message: str, *, kind: str, hint: str = "") -> None:
        """An error: for people, and for programs where they listen."""
        if self.json:
            self.document({"error": self.error(message, kind=kind, hint=hint)})
        self.complain(message, hint)

    def error(self, message: str, *, kind: str, hint: str = "") -> dict[str, str | None]:
        """An error as every JSON document carries it."""
        return {"type": kind, "message": self.redacted(message), "hint": self.redacted(hint) or None}

    def complain(self, message: str, hint: str = "") -> None:
        """An error, for people."""
        self.tell(f"{click.style('error:', fg='red')} {message}" + (f"\nhint: {hint}" if hint else ""))

    def raised(self, error: AiorchError) -> int:
        """Say what aiorch raised. Returns the exit code."""
        self.failed(str(error), kind=type(error).__name__, hint=hint(error))
        self.trace(error)
        return exit_code(error)

    def misused(self, error: click.ClickException) -> int:
        """Say how the command line is wrong. Returns the exit code."""
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f"`{error.ctx.command_path} --help` shows how it is used"
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message(), err=True)
            return USAGE
        self.failed(error.format_message(), kind="UsageError", hint=hint)
        self.trace(error)
        return USAGE

    def broke(self, bug: Exception) -> int:
        """Say that something happened that nobody foresaw. Returns the exit code."""
        hint = "this was not foreseen; the same command with --debug shows where it happened"
        if isinstance(bug, ImportError):
            hint = "the installation is not whole: pip install --force-reinstall aiorch-sdk"
        self.failed(f"{type(bug).__name__}: {bug}", kind=type(bug).__name__, hint="" if self.debug else hint)
        self.trace(bug)
        return FAILED

    def redacted(self, text: str) -> str:
        """``text`` without the keys that are in the environment or the settings, or look like keys."""
        if self._redact is None:  # the settings could not be read, or nobody needed them
            from aiorch.safety import Redactor

            named = (v for k, v in os.environ.items() if any(word in k.upper() for word in SECRET_WORDS))
            self._redact = Redactor(named)
        return self._redact(text)

    def trace(self, error: BaseException) -> None:
        """Where it happened, when --debug asks for it."""
        if self.debug:
            import traceback

            self.tell("".join(traceback.format_exception(error)).rstrip())


def voice() -> Voice:
    """The voice of the call that is running."""
    return click.get_current_context().ensure_object(Voice)


def flags(function: C) -> C:
    """The options that every command has. :meth:`Voice.asked` has seen them before; here they get their help."""
    for names, text in (
        ("--debug", "Show the traceback of an error."),
        ("--json", "Write JSON to standard output, and nothing else."),
    ):
        function = click.option(names, is_flag=True, expose_value=False, help=text)(function)
    return function


def exit_code(error: AiorchError) -> int:
    """Which code an error ends the program with."""
    asked_wrongly = isinstance(error, ASKED_WRONGLY) and not isinstance(error, SecurityException)
    return USAGE if asked_wrongly else FAILED


def hint(error: BaseException | None) -> str:
    """What to do about an error on the command line, where there is something beside its own message."""
    return next((text for kind, text in HINTS if isinstance(error, kind)), "")


class _Told(logging.Handler):
    """The library's warnings, in the program's own words and place."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(logging.DEBUG if voice.debug else logging.WARNING)
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self._voice.warned.add(message)
        self._voice.tell(f"{record.levelname.lower()}: {message}")
        if record.exc_info and self._voice.debug:
            self._voice.tell(logging.Formatter().formatException(record.exc_info))
