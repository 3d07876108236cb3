"""What every command keeps to: where things are said, and how the program ends."""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

import aiorch as aiorch_package
from aiorch.cli import app, main
from aiorch.cli.app import COMMANDS
from aiorch.cli.voice import Voice, exit_code
from aiorch.errors import (
    InputError,
    NoModelAvailable,
    SecurityException,
    SettingsError,
    StorageError,
    UnknownModel,
)

HEAVY = (
    "rich",
    "pydantic",
    "httpx",
    "aiohttp",
    "anyio",
    "aiorch.store",
    "jsonschema",
    "yaml",
    "aiorch.settings",
)


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["run", "--help"], ["doctor", "--help"], ["local", "--help"]]
)
def test_help_imports_nothing_heavy(args: list[str]):
    code = f"import sys\nfrom aiorch.cli import main\ntry: main({args!r})\n"
    code += f"finally: print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_commands_say(name: str):
    command = importlib.import_module(f"aiorch.cli.{name}").command
    assert command.name in (name, "command")
    assert command.short_help == COMMANDS[name]


def _all(command: click.Command, path: str = "") -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    return [
        x
        for name in command.list_commands(context)
        if (inner := command.get_command(context, name))
        for x in _all(inner, f"{path} {name}")
    ]


@pytest.mark.parametrize(("path", "command"), _all(app), ids=lambda x: x if isinstance(x, str) else "")
def test_every_command_takes_json_and_debug(path: str, command: click.Command):
    options = {name for param in command.params for name in param.opts}
    assert {"--json", "--debug"} <= options, path
    assert command.help


def test_the_help_lists_every_command(aiorch):
    told = aiorch("--help").stdout
    assert all(f"  {name}" in told for name in COMMANDS)
    assert "130 interrupted" in " ".join(told.split())


def test_version_is_the_package_version(aiorch):
    assert aiorch("--version").stdout == f"aiorch {aiorch_package.__version__} (aiorch-sdk)\n"
    assert json.loads(aiorch("--version", "--json").stdout) == {"version": aiorch_package.__version__}


def test_no_arguments_show_the_help(aiorch):
    done = aiorch()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage: aiorch" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["aks", "hi"], "Did you mean 'ask'?"),
        (["ask", "--modle", "x", "hi"], "--model"),
        (["models", "--min-context", "much"], "write 8192, 128k or 1M"),
        (["run"], "Missing argument 'FILE'"),
        (["local", "instal"], "Did you mean"),
        (["completion", "powershell"], "bash"),
    ],
)
def test_a_wrong_command_line_is_said_with_what_would_be_right(aiorch, args: list[str], said: str):
    done = aiorch(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "hint:" in done.stderr


def test_an_unknown_option_of_the_program_itself_is_said(aiorch):
    done = aiorch("--jsn", "doctor")
    assert done.exit_code == 2
    assert "--json" in done.stderr


def test_errors_are_json_when_that_is_asked_for_even_when_the_command_line_cannot_be_read(aiorch):
    done = aiorch("aks", "--json")
    assert json.loads(done.stdout)["error"]["type"] == "UsageError"
    assert "error:" in done.stderr


def test_json_behind_a_double_dash_is_a_word_and_no_option():
    assert not Voice.asked(["ask", "--", "--json"]).json
    assert Voice.asked(["ask", "--json", "--", "x"]).json


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownModel("x"), 2),
        (InputError("x"), 2),
        (SettingsError("x"), 2),
        (SecurityException("x"), 1),
        (NoModelAvailable("x"), 1),
        (StorageError("x"), 1),
    ],
)
def test_exit_codes_tell_wrong_questions_from_failed_answers(error, code: int):
    assert exit_code(error) == code


class _Broken:
    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __call__(self, *_: object, **__: object) -> None:
        raise self._error


def _with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    from aiorch.cli import completion

    monkeypatch.setattr(completion.command, "callback", _Broken(error))


def test_what_nobody_foresaw_is_one_message_without_a_traceback(aiorch, monkeypatch: pytest.MonkeyPatch):
    _with(monkeypatch, ZeroDivisionError("by zero"))
    done = aiorch("completion", "bash")
    assert done.exit_code == 1
    assert "error: ZeroDivisionError: by zero" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_installation_that_is_not_whole_says_so():
    code = "import sys\nsys.modules['platformdirs'] = None\nfrom aiorch.cli import main\nmain(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "platformdirs" in done.stderr
    assert "pip install --force-reinstall aiorch-sdk" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by zero"), StorageError("full"), click.ClickException("odd")]
)
def test_debug_shows_the_traceback(aiorch, monkeypatch: pytest.MonkeyPatch, error: Exception):
    _with(monkeypatch, error)
    assert "Traceback" in aiorch("completion", "bash", "--debug").stderr
    assert "Traceback" not in aiorch("completion", "bash").stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupted_program_ends_with_130(aiorch, monkeypatch: pytest.MonkeyPatch, error: BaseException):
    _with(monkeypatch, error)
    done = aiorch("completion", "bash")
    assert done.exit_code == 130
    assert "interrupted" in done.stderr


def test_warnings_of_the_library_are_said_and_kept_out_of_json(aiorch, monkeypatch: pytest.MonkeyPatch):
    from aiorch.cli import completion

    def warn(**_: object) -> None:
        try:
            raise ValueError("inside")
        except ValueError:
            logging.getLogger("aiorch").warning("the disk is %s", "slow", exc_info=True)

    monkeypatch.setattr(completion.command, "callback", warn)
    done = aiorch("completion", "bash", "--json")
    assert (done.stdout, done.stderr) == ("", "warning: the disk is slow\n")
    assert "ValueError: inside" in aiorch("completion", "bash", "--debug").stderr


def test_a_call_leaves_logging_as_it_was(aiorch):
    log = logging.getLogger("aiorch")
    before = (list(log.handlers), log.propagate)
    aiorch("--version")
    assert (log.handlers, log.propagate) == before


def test_the_program_can_be_called_from_another_thread(capsys: pytest.CaptureFixture[str]):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool, pytest.raises(SystemExit) as ended:
        pool.submit(main, ["--version"]).result()
    assert ended.value.code == 0
    assert aiorch_package.__version__ in capsys.readouterr().out


def test_a_closed_pipe_ends_quietly(start):
    process = start("--help")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.wait(20)
    assert "Traceback" not in told


def test_python_m_aiorch_is_the_same_program(start):
    out, err = start("--version").communicate(timeout=30)
    assert (out, err) == (f"aiorch {aiorch_package.__version__} (aiorch-sdk)\n", "")
    assert version("click") >= "8.5"
