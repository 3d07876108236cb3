"""``aiorch completion``: the script that makes a shell complete commands, options, agents and models."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from aiorch.cli.voice import flags, voice

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@flags
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete aiorch's commands and options.

    \b
    bash:  aiorch completion bash >> ~/.bashrc
    zsh:   aiorch completion zsh >> ~/.zshrc
    fish:  aiorch completion fish > ~/.config/fish/completions/aiorch.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell  # SHELLS are click's own
    script = kind(ctx.find_root().command, {}, "aiorch", "_AIORCH_COMPLETE").source()
    speak = voice()
    if speak.json:
        speak.document({"shell": shell, "script": script})
    else:
        speak.result(script)
