"""``aiorch run``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiorch.cli.ended import shown

ASKS = """
flow.ask("facts", "List the changes in: {log}", parameters=aiorch.Parameters(temperature=0))
flow.ask("draft", "Write release notes from: {facts}", parameters=aiorch.Parameters(temperature=0))
"""
FAILS = """
@flow.task
def first() -> int: return 1
@flow.task
def second(first: int) -> int: raise KeyError("x")
@flow.task
def third(second: int) -> int: return 3
"""


def test_the_answer_goes_to_standard_output_and_the_table_to_standard_error(aiorch, flow, scripted):
    scripted("'The facts.', 'The notes.'")
    done = aiorch("run", flow(ASKS), "fixed a bug")
    assert (done.exit_code, done.stdout) == (0, "The notes.\n")
    assert "parrot/model" in done.stderr
    assert "draft" in done.stderr
    audit = next(line for line in done.stderr.splitlines() if line.startswith("audit log: "))
    events = [
        json.loads(line)["event"] for line in Path(audit.removeprefix("audit log: ")).read_text().splitlines()
    ]
    assert events.count("task.finished") == 2


def test_a_second_run_is_answered_from_the_cache_and_says_so(aiorch, flow, scripted):
    scripted("'The facts.', 'The notes.'")
    path = flow(ASKS)
    assert "from the cache" not in aiorch("run", path, "log=x").stderr
    again = aiorch("run", path, "log=x")
    assert "2 of 2 answers came from the cache (disk)" in again.stderr
    assert again.stdout == "The notes.\n"


@pytest.mark.parametrize(
    ("option", "variable", "cached"),
    [
        ((), None, True),
        ((), "off", False),
        (("--cache", "off"), None, False),
        (("--cache", "disk"), "off", True),
    ],
)
def test_the_command_line_goes_before_the_setting_and_the_setting_before_disk(
    aiorch,
    flow,
    scripted,
    monkeypatch: pytest.MonkeyPatch,
    option: tuple[str, ...],
    variable: str | None,
    cached: bool,
):
    scripted()
    if variable:
        monkeypatch.setenv("AIORCH_CACHE", variable)
    path = flow(ASKS)
    aiorch("run", *option, path, "log=x")
    assert ("from the cache" in aiorch("run", *option, path, "log=x").stderr) is cached


def test_json_is_one_document_whatever_the_workflow_prints(aiorch, flow, scripted):
    scripted()
    path = flow(
        "print('while it is read')\n@flow.task\n"
        "def one(n: int) -> dict[str, int]:\n    print('noise')\n    return {'n': n}"
    )
    done = aiorch("run", path, "n=3", "--json")
    document = json.loads(done.stdout)
    assert document["state"] == "done"
    assert document["result"] == {"n": 3}
    assert document["error"] is None
    assert [task["task"] for task in document["tasks"]] == ["one"]
    assert "noise" in done.stderr
    assert "while it is read" in done.stderr


def test_json_counts_answers_tokens_and_money(aiorch, flow, scripted):
    scripted()
    document = json.loads(aiorch("run", flow(ASKS), "log=x", "--json").stdout)
    totals = document["totals"]
    assert (totals["answers"], totals["cached"], totals["attempts"], totals["usd"]) == (2, 0, 2, "0")
    assert totals["tokens"] > 0
    assert set(totals["checks"]) == {"passed", "failed", "not_assessed"}
    assert document["demo"] is False


def test_a_failed_task_is_named_with_why_and_what_was_done_and_skipped(aiorch, flow):
    done = aiorch("run", flow(FAILS))
    assert (done.exit_code, done.stdout) == (1, "")
    for said in (
        "error: task 'second' failed: KeyError: 'x'",
        "finished: first",
        "failed: second",
        "not started: third",
    ):
        assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in aiorch("run", "--debug", flow(FAILS)).stderr


def test_a_failed_task_is_json_when_that_is_asked_for(aiorch, flow):
    done = aiorch("run", flow(FAILS), "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert document["state"] == "failed"
    assert document["result"] is None
    assert document["error"] == {
        "type": "KeyError", "message": "task 'second' failed: KeyError: 'x'", "hint": None, "task": "second",
    }  # fmt: skip
    assert {t["task"]: t["state"] for t in document["tasks"]} == {
        "first": "done",
        "second": "failed",
        "third": "skipped",
    }


def test_nobody_to_ask_is_told_with_what_to_do(aiorch, flow):
    done = aiorch("run", flow(ASKS), "log=x")
    assert done.exit_code == 1
    assert "aiorch local install" in done.stderr
    assert "hint: `aiorch doctor`" in done.stderr


def test_collected_errors_are_listed_and_the_others_are_done(aiorch, flow):
    path = flow(
        "def half(n: int) -> int:\n    if n % 2: raise aiorch.InputError(f'{n} is odd')\n    return n // 2\n"
        "flow.add('halves', half).map(n='numbers', on_error='collect', label='{n}')\n"
        "@flow.task\ndef good(halves: list, numbers: list[int]) -> list[int]:\n"
        "    return [h for h in halves if isinstance(h, int)]"
    )
    done = aiorch("run", path, "2", "3", "8")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == [1, 4]
    assert "not done: halves[1] (3): 3 is odd" in done.stderr


def test_the_demo_model_is_named_once(aiorch, flow, scripted):
    scripted(cards="[ModelCard('parrot', 'tiny', free='local', demo=True)]")
    path = flow(ASKS)
    done = aiorch("run", path, "log=y")
    assert done.stderr.count("a local demo model answered") == 1
    assert "a local demo model answered" in aiorch("ask", "hi").stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [(Path("/x/y.md"), "wrote /x/y.md"), ("text", "text"), ([1, "ä"], '[\n  1,\n  "ä"\n]'), (None, "null")],
)
def test_a_result_is_shown_as_what_it_is(value, text: str):
    assert shown(value) == text


def test_a_result_that_json_does_not_know_is_shown_as_text(aiorch, flow):
    done = aiorch(
        "run",
        flow(
            "class Odd:\n    def __repr__(self): return 'odd thing'\n@flow.task\ndef one() -> object: return Odd()"
        ),
    )
    assert done.stdout == '"odd thing"\n'


def test_a_written_file_is_named(aiorch, flow, tmp_path: Path):
    done = aiorch("run", flow(f"@flow.task\ndef one() -> Path: return Path({str(tmp_path)!r}) / 'x.md'"))
    assert done.stdout == f"wrote {tmp_path / 'x.md'}\n"


def test_no_audit_log_is_named_where_nothing_was_recorded(aiorch, flow):
    assert "audit log" not in aiorch("run", flow("@flow.task\ndef one() -> int: return 1")).stderr


def test_offline_reaches_the_settings(aiorch, flow, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    assert aiorch("run", "--offline", flow(ASKS), "log=x").exit_code == 1
    assert server.seen == []


# --- files that hold no workflow that can be run -----------------------------------------------------------------

DOCUMENT = "name: notes\ntasks:\n  draft: {ask: 'Notes on {log}'}\n"


def test_yaml_and_toml_are_workflows_too(aiorch, flow, scripted):
    scripted()
    assert aiorch("run", flow(DOCUMENT, "notes.yaml"), "log=x").stdout == "Hello there.\n"
    assert (
        aiorch("run", flow("[tasks.draft]\nask = 'Notes on {log}'", "notes.toml"), "log=x").stdout
        == "Hello there.\n"
    )


def test_one_of_several_workflows_is_named_behind_a_colon(aiorch, flow):
    two = "@flow.task\ndef a() -> int: return 1\n"
    two += "other = aiorch.Workflow('other')\n@other.task\ndef b() -> int: return 2"
    path = flow(two)
    assert aiorch("run", f"{path}:other").stdout == "2\n"
    done = aiorch("run", path)
    assert (done.exit_code, f"{path}:flow" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken.py", "x = (", ["SyntaxError", "broken.py"]),
        ("raises.py", "1 / 0", ["ZeroDivisionError"]),
        ("none.py", "flow = None", ["holds none", "aiorch.Workflow"]),
        ("empty.py", "", ["no task"]),
        ("exits.py", "import sys; sys.exit(4)", ["sys.exit(4)", "__main__"]),
        (
            "cycle.py",
            "flow.ask('a', '{b}'); flow.ask('b', '{a}')",
            ["a -> b -> a", "cannot wait for each other"],
        ),
        ("odd.yaml", "tasks: [1, 2", ["is not YAML"]),
        ("odd.toml", "tasks = ", ["is not TOML"]),
        ("typo.yaml", "tasks:\n  a: {aks: hi}\n", ["typo.yaml", "'a'"]),
        ("flow.txt", "{}", [".py, .yaml, .toml or .json"]),
    ],
)
def test_a_file_that_holds_no_workflow_says_so_and_what_to_do(
    aiorch, flow, name: str, text: str, said: list[str]
):
    done = aiorch("run", flow(text, name))
    assert done.exit_code == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert all(part in done.stderr for part in said), done.stderr


def test_a_mistyped_file_is_told_with_the_nearest(aiorch, flow):
    path = Path(flow("", "digest.py"))
    done = aiorch("run", str(path.with_name("digset.py")))
    assert done.exit_code == 2
    assert "digest.py" in done.stderr


def test_a_wrong_input_is_told_before_anything_runs(aiorch, flow):
    done = aiorch("run", flow("@flow.task\ndef one(n: int) -> int: raise SystemError"), "n=x")
    assert done.exit_code == 2
    assert "the input 'n' should be int, and 'x' is not" in done.stderr
