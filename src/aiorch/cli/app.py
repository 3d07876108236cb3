"""The program: which commands there are, and how every one of them ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

from aiorch.cli.stopping import Stopped
from aiorch.cli.voice import FAILED, INTERRUPTED, USAGE, Voice, flags
from aiorch.errors import AiorchError

COMMANDS = {
    "run": "Carry out a workflow.",
    "runs": "Look after durable runs: list, show, resume, cancel, fork, approve.",
    "worker": "Carry out submitted runs, beside other workers.",
    "ask": "Ask one question; the answer comes while it is written.",
    "discover": "See which models exist, and which can be used now.",
    "models": "List the models that can be used now; show one.",
    "route": "Show whom a prompt would go to, and why.",
    "benchmark": "Measure models: how good and how quick they are.",
    "health": "Show who is sick, who is limited, and how quick everybody is.",
    "init": "Write .env and aiorch.toml, and try the keys.",
    "guard": "Look at a text as the guard does; show, check and seal rules.",
    "audit": "Verify the record of what was done; show it.",
    "plugins": "List what other packages add, and why something was refused.",
    "doctor": "Look for what is missing or wrong, and say what to do.",
    "local": "Weights of the model that runs on this machine.",
    "completion": "Print the completion script of a shell.",
}
"""Every command with its line in the help. They live in modules of these names, which ``--help`` need not import."""


class Commands(click.Group):
    """Commands that are imported when they are called, and one way to end for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: what is used most comes first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"aiorch.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, and with the nearest names for an unknown one: click looks among loaded commands only."""
        if args[0] not in COMMANDS and args[0][:1].isalnum():
            raise click.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:  # type: ignore[override]
        """Run, say what went wrong in one message, and exit with the code that ``docs/cli.md`` gives for it."""
        args = sys.argv[1:] if args is None else list(args)
        voice = Voice.asked(args)
        extra["standalone_mode"] = False
        sys.exit(_ended(voice, lambda: super(Commands, self).main(args, *rest, obj=voice, **extra)))


def _ended(voice: Voice, work: Callable[[], object]) -> int:
    try:
        with voice.listening(), _terminated_as_interrupted():
            code = work()
        return code if isinstance(code, int) else 0
    except Stopped:  # whoever was stopped has said what was done
        return INTERRUPTED
    except (click.Abort, KeyboardInterrupt):
        voice.failed("interrupted", kind="Interrupted")
        return INTERRUPTED
    except click.ClickException as wrong:
        return voice.misused(wrong)
    except AiorchError as error:
        return voice.raised(error)
    except Exception as bug:
        return voice.broke(bug)


@contextmanager
def _terminated_as_interrupted() -> Generator[None, None, None]:
    """SIGTERM ends what blocks (a download) as Ctrl-C does, so that its clean-up runs."""
    if (
        threading.current_thread() is not threading.main_thread()
    ):  # somebody else's program, and their signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from aiorch import __version__

        voice = ctx.ensure_object(Voice)
        if voice.json:
            voice.document({"version": __version__})
        else:
            click.echo(f"aiorch {__version__} (aiorch-sdk)")
        ctx.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"Exit codes: 0 done, {FAILED} the task failed, {USAGE} it cannot be done as it was asked, "
    f"{INTERRUPTED} interrupted.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
)
@flags
def app() -> None:
    """Many unreliable free language models behind one reliable, checked and cost-bounded service.

    Begin with `aiorch doctor`: it says what can answer here, and what to do when nothing can.
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program with ``args``, by default those of the command line, and exit."""
    app.main(args, prog_name="aiorch")
