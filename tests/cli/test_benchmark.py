"""``aiorch benchmark``: measured, shown, kept, and gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.benchmarking.conftest import NOW, candidate, item, record

from aiorch.benchmarking import Answered, Asking, Call, Measured, Planned, Report, SetAside, Skipped, Waiting
from aiorch.benchmarking.scores import measured
from aiorch.benchmarking.suite import SUITE
from aiorch.cli.benchmark import ORDERS, cells, remarks, table
from aiorch.cli.scoreboard import Scoreboard, picture, shown, told

QUESTIONS = sum(one.part != "code" for one in SUITE.items)
"""Those that need no sandbox."""


def test_a_model_is_measured_and_shown(aiorch, scripted):
    scripted("'127'")
    done = aiorch("benchmark")
    assert done.exit_code == 0
    head, line = done.stdout.splitlines()
    assert head.split()[:4] == ["MODEL", "SCORE", "95%", "N"]
    assert line.split()[:4] == ["parrot/model", "0.06", "0.01-0.27", str(QUESTIONS)]
    assert f"1/{QUESTIONS}  parrot/model rolls: right, 0.0 s" in done.stderr
    assert (
        "parrot/model: 3 questions (gaps, seconds, ledger) left out: there is no sandbox here" in done.stderr
    )
    assert f"suite aiorch-1: {QUESTIONS} of at most 100 calls made" in done.stderr


def test_what_is_kept_is_not_asked_again(aiorch, scripted):
    scripted("'127'")
    assert f"{QUESTIONS - 4} questions are still open" in aiorch("benchmark", "--calls", "4").stderr
    assert f"suite aiorch-1: {QUESTIONS - 4} of at most" in aiorch("benchmark").stderr
    again = aiorch("benchmark", "--json")
    assert json.loads(again.stdout)["asked"] == 0
    assert json.loads(aiorch("benchmark", "--json", "--again", "--calls", "5").stdout)["asked"] == 5
    assert json.loads(aiorch("benchmark", "--json", "--days", "0", "--calls", "3").stdout)["asked"] == 3


def test_json_is_one_document_with_everything(aiorch, scripted):
    scripted("'127'")
    done = aiorch("benchmark", "parrot/model", "--json", "--calls", "5")
    document = json.loads(done.stdout)
    (model,) = document["models"]
    assert (model["model"], model["right"], model["answered"], model["score"]) == ("parrot/model", 1, 5, 0.2)
    assert (document["suite"], document["asked"], document["open"]) == ("aiorch-1", 5, QUESTIONS - 5)
    assert document["skipped"][0]["items"] == ["gaps", "seconds", "ledger"]
    assert document["passed_over"] == []


def test_calls_0_shows_what_is_kept_and_asks_nobody(aiorch, scripted):
    scripted("'127'")
    nothing = aiorch("benchmark", "--calls", "0")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "no model has answered a single question" in nothing.stderr
    aiorch("benchmark", "--calls", "6")
    kept = aiorch("benchmark", "--calls", "0")
    assert kept.exit_code == 0
    assert "parrot/model" in kept.stdout
    assert "0 of at most 0 calls made" in kept.stderr


def test_failures_are_told_apart_from_wrong_answers(aiorch, scripted):
    scripted("Failure(FailureKind.AUTH, 'account', 'wrong key')")
    done = aiorch("benchmark")
    assert done.exit_code == 1
    assert "parrot/model rolls: no answer, 0.0 s, auth: wrong key" in done.stderr
    assert "parrot is set aside: auth: wrong key" in done.stderr
    assert re.search(r"parrot/model +few +\? +0 .*1 auth", done.stdout)


PAID = "[ModelCard('parrot', 'dear', free='none', price=Price(Decimal(10), Decimal(10)))]"


def test_nothing_is_paid_silently(aiorch, scripted):
    scripted("'127'", cards=PAID)
    for args in (("benchmark",), ("benchmark", "parrot/dear")):
        done = aiorch(*args)
        assert (done.exit_code, done.stdout) == (1, "")
    assert "parrot/dear: not known to be free, and paid models are not allowed" in done.stderr
    paid = aiorch("benchmark", "parrot/dear", "--max-usd", "0.02")
    assert paid.exit_code == 0
    assert re.search(r"0\.0\d+ USD", paid.stderr)


def test_unknown_names_are_told_with_the_nearest(aiorch, scripted):
    scripted()
    assert "'parrot/model'" in aiorch("benchmark", "parrot/modle").stderr
    provider = aiorch("benchmark", "--provider", "gorq")
    assert provider.exit_code == 2
    assert "'groq'" in provider.stderr
    retired = aiorch("benchmark", "--provider", "github-models")
    assert "HTTP 410" in " ".join(retired.stderr.split())


def test_a_provider_of_a_plugin_can_be_named(aiorch, scripted):
    scripted("'127'")
    assert aiorch("benchmark", "--provider", "parrot", "--calls", "1").exit_code == 0


def test_without_any_provider_it_says_what_to_do(aiorch):
    done = aiorch("benchmark")
    assert done.exit_code == 1
    assert "aiorch local install" in done.stderr


def until(there: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 40
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLOW_AFTER_THREE = """lambda r, seen=[]: (
    seen.append(r), __import__('pathlib').Path('asked').write_text(str(len(seen))),
    __import__('time').sleep(60) if len(seen) > 3 else None, '127')[-1]"""


@pytest.mark.skipif(os.name == "nt", reason="signals as Unix has them")
@pytest.mark.parametrize("json_", [True, False])
def test_ctrl_c_keeps_what_was_answered_and_says_how_to_go_on(aiorch, start, scripted, json_: bool):
    folder = scripted(SLOW_AFTER_THREE)
    process = start("benchmark", *(["--json"] if json_ else []), PYTHONPATH=str(folder))
    until(lambda: Path("asked").exists() and Path("asked").read_text() == "4", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert f"3 of {QUESTIONS} answers are kept; the same command goes on from there" in err
    assert "Traceback" not in err
    if json_:
        assert json.loads(out) == {"state": "cancelled", "kept": 3, "planned": QUESTIONS}
    scripted("'127'")
    assert f"suite aiorch-1: {QUESTIONS - 3} of at most" in aiorch("benchmark").stderr


# --- the table


def row(model: str, **more: Any) -> Measured:
    answers = [record(one.id, n < 3, suite="aiorch-1", model=model) for n, one in enumerate(SUITE.items[:6])]
    return replace(measured(answers)[0], **more)


ROWS = (
    row("a", right=6, first_token=0.5, tokens_per_second=10.0),
    row("b", right=3, first_token=None, tokens_per_second=None),
    row("c", right=0, first_token=0.1, tokens_per_second=99.0),
    row("d", answered=2, right=2, first_token=9.0, tokens_per_second=1.0),
)
MIXED = (ROWS[3], ROWS[1], ROWS[0], ROWS[2])


@pytest.mark.parametrize(
    ("order", "models"), [("score", "abcd"), ("first", "cadb"), ("speed", "cadb"), ("name", "abcd")]
)
def test_unknown_comes_last_in_every_order(order: str, models: str):
    assert "".join(one.model for one in sorted(MIXED, key=ORDERS[order])) == models


def test_the_table_claims_no_more_than_was_measured():
    assert cells(ROWS[1])[:4] == ("acme/b", "0.50", "0.19-0.81", "6")
    assert cells(ROWS[1])[8:] == ("?", "?", "-", "2027-01-15")
    assert cells(ROWS[3])[1] == "few"
    assert cells(replace(ROWS[0], failures={"timeout": 2, "auth": 1}))[10] == "2 timeout, 1 auth"
    assert cells(replace(ROWS[0], answered=0))[2] == "?"
    assert table(ROWS)[0].startswith("MODEL")


def test_another_model_that_answered_is_told(aiorch, scripted):
    scripted("Response(Message.assistant('127'), 'stop', Usage(1, 1), model='other')")
    assert "parrot/model: other answered" in aiorch("benchmark", "--calls", "1").stderr


def test_what_is_left_out_of_many_models_is_one_line():
    skipped = [Skipped(f"acme/{model}", ("gaps", "ledger"), "no sandbox") for model in "xyz"]
    report = Report("aiorch-1", 3, (), (*skipped, Skipped("acme/x", ("long",), "too long")))
    assert list(remarks(report, 9))[:2] == [
        "3 models: 2 questions (gaps, ledger) left out: no sandbox",
        "acme/x: 1 question (long) left out: too long",
    ]


# --- while it goes on

CALLS = tuple(Call(candidate(model=model), item("one"), 50) for model in ("x", "y", "x"))


def board() -> Scoreboard:
    made = Scoreboard()
    made.apply(Planned(CALLS))
    made.apply(Asking(CALLS[0]))
    return made


def test_the_board_follows_the_run():
    made = board()
    assert [(line.model, line.planned, line.asking) for line in made.lines()] == [
        ("acme/x", 2, "one"), ("acme/y", 1, ""),
    ]  # fmt: skip
    assert made.apply(Answered(record(model="x"))) == "1/3  acme/x one: right, 1.0 s"
    assert made.apply(Answered(record(model="x", passed=None, note="busy"))) is not None
    assert made.headline() == "2 of 3 answers, 2 models"
    x = made.lines()[0]
    assert (x.asked, x.right, x.failed, x.note, x.asking) == (2, 1, 1, "overloaded: busy", "")
    made.apply(Planned(CALLS[:1]))
    assert made.headline() == "2 of 3 answers, 2 models"
    assert [line.planned for line in made.lines()] == [3, 0]


def test_what_holds_it_up_is_said():
    made = board()
    assert made.apply(SetAside("acme", NOW, "rate_minute: slow")) == (
        "acme is set aside until 08:00:00 UTC: rate_minute: slow"
    )
    assert made.apply(SetAside("acme", float("inf"), "auth: no")) == "acme is set aside: auth: no"
    assert made.apply(Waiting(NOW)) == "everybody is limited; goes on at 08:00:00 UTC"
    assert made.headline().endswith("goes on at 08:00:00 UTC")
    made.apply(Asking(CALLS[0]))
    assert made.headline() == "0 of 3 answers, 2 models"


def test_one_answer_is_a_line():
    fast = record(tokens_per_second=41.7, note="cut off after 50 tokens", passed=False)
    assert told(fast) == "acme/small one: wrong, 1.0 s, 42 tokens/s, cut off after 50 tokens"


def console(width: int = 100, height: int = 30, terminal: bool = True) -> Any:
    import io

    from rich.console import Console

    return Console(file=io.StringIO(), width=width, height=height, force_terminal=terminal, color_system=None)


def test_the_picture_shows_those_at_work_first_and_fits():
    made = Scoreboard()
    made.apply(Planned(tuple(Call(candidate(model=f"m{n}"), item("one"), 50) for n in range(9))))
    made.apply(Asking(Call(candidate(model="m8"), item("one"), 50)))
    screen = console(height=8)
    screen.print(picture(made, screen))
    lines = screen.file.getvalue().splitlines()
    assert lines[0].startswith("0 of 9 answers, 9 models")
    assert lines[1].split()[:3] == ["acme/m8", "0/1", "0"]
    assert "and 5 more" in lines[-1]
    assert len(lines) <= 8


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_redrawn_and_anything_else_gets_lines(terminal: bool):
    screen = console(terminal=terminal)
    with shown(screen) as tell:
        tell(Planned(CALLS))
        tell(Asking(CALLS[0]))
        tell(Answered(record(model="x")))
    text = screen.file.getvalue()
    assert ("1/3  acme/x one: right, 1.0 s\n" in text) is not terminal
    assert ("\x1b[" in text) is terminal


def test_its_help_needs_no_model_and_no_client():
    code = (
        "import sys\nfrom aiorch.cli import main\ntry:\n    main(['benchmark', '--help'])\n"
        "except SystemExit: pass\nprint(sorted({'httpx', 'aiohttp', 'rich', 'aiorch.benchmarking'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--max-usd" in out
    assert out.splitlines()[-1] == "[]"
