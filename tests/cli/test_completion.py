"""``aiorch completion``."""

from __future__ import annotations

import json

import pytest
from click.shell_completion import ShellComplete

from aiorch.cli import app


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(aiorch, shell: str):
    done = aiorch("completion", shell)
    assert done.exit_code == 0
    assert "_AIORCH_COMPLETE" in done.stdout
    assert json.loads(aiorch("completion", shell, "--json").stdout)["shell"] == shell


@pytest.mark.parametrize(
    ("args", "begun", "found"),
    [
        ([], "do", "doctor"),
        (["ask"], "--mo", "--model"),
        (["ask", "--agent"], "cod", "coding_agent"),
        (["local", "install"], "smol", "smollm2-135m"),
        (["local"], "inst", "install"),
    ],
)
def test_commands_options_and_names_are_completed(args: list[str], begun: str, found: str):
    complete = ShellComplete(app, {}, "aiorch", "_AIORCH_COMPLETE")
    assert found in {item.value for item in complete.get_completions(args, begun)}
