"""``aiorch runs`` and ``aiorch worker``, over a file of durable runs."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from aiorch.cli.worker import limits_of
from aiorch.errors import InputError
from aiorch.workflow.durable import Limits

FLOWS = """
import aiorch

payment = aiorch.Workflow("payment")

@payment.task
def total(amounts: list[int]) -> int:
    return sum(amounts)

payment.approve("ok", "Pay {total}?")
payment.wait_for("paid", "paid", after="ok")

@payment.task(after=["paid"])
def receipt(total: int) -> str:
    return f"paid {total}"
"""

Aiorch = Callable[..., Result]


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of workflows; runs are kept beside it."""
    monkeypatch.setenv("AIORCH_ENGINE", f"sqlite:///{tmp_path}/runs.db")
    file = tmp_path / "flows.py"
    file.write_text(FLOWS)
    return str(file)


def read(aiorch: Aiorch, *args: str) -> Any:
    """What a command says to programs."""
    done = aiorch("runs", *args, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_run_goes_from_the_queue_to_its_end(aiorch: Aiorch, flows: str, start: Callable[..., Any]) -> None:
    submitted = aiorch("runs", "submit", flows, "amounts=[1, 2]", "--id", "may", "--priority", "3")
    assert submitted.stdout == "may\n"
    listed = aiorch("runs", "list").stdout
    assert re.search(r"may +payment +\w{8} +queued .* a worker that holds payment@", listed)
    mistaken = aiorch("runs", "approve", "may", "okk")
    assert (mistaken.exit_code, "no task 'okk'. Did you mean ok?" in mistaken.output) == (2, True)

    worker = start("worker", flows, "--lease", "5", "--json", "--schedule", "payment=0 2 * * *")
    assert worker.wait(60) == 2, "a schedule without the input it needs is refused"
    worker = start("worker", flows, "--lease", "5", "--json")
    ready = json.loads(worker.stdout.readline())
    assert list(ready["serves"]) == ["payment"]
    assert len(read(aiorch, "workers")) == 1
    assert "payment@" in aiorch("runs", "workers").stdout

    _until(lambda: "approval ok: Pay 3?" in aiorch("runs", "list", "--state", "running").stdout)
    assert "sent ok to may" in aiorch("runs", "approve", "may", "ok", "--by", "ann").stderr
    assert "received ok before" in aiorch("runs", "approve", "may", "ok", "--refuse").stderr
    assert read(aiorch, "send", "may", "paid", "card") == {"run": "may", "name": "paid", "sent": True}
    _until(lambda: read(aiorch, "show", "may")["info"]["state"] == "done")
    shown = aiorch("runs", "show", "may").stdout
    assert re.search(r"receipt +done +1", shown)
    assert re.search(r"received +ok, paid", shown)
    assert "process" in shown

    forked = aiorch("runs", "fork", "may", "--from", "receipt", "--id", "again")
    assert forked.stdout == "again\n"
    _until(lambda: read(aiorch, "show", "again")["info"]["state"] == "done")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert "stopped" in worker.stderr.read()
    assert "no worker is alive" in aiorch("runs", "workers").stderr
    assert read(aiorch, "delete", "--older-than", "0") == {"deleted": 2}


def test_a_run_is_cancelled_resumed_and_deleted(aiorch: Aiorch, flows: str) -> None:
    assert read(aiorch, "submit", flows, "amounts=[1]", "--id", "may", "--delay", "3600")["run"] == "may"
    assert read(aiorch, "list")[0]["state"] == "delayed"
    assert "may is cancelled" in aiorch("runs", "cancel", "may").stderr
    assert read(aiorch, "resume", "may")["state"] == "queued"
    refused = aiorch("runs", "delete", "may")
    assert refused.exit_code == 2
    assert "queued: cancel it first" in refused.stderr
    aiorch("runs", "cancel", "may")
    assert "deleted: 1" in aiorch("runs", "delete", "may").stderr
    assert read(aiorch, "list") == []
    gone = aiorch("runs", "show", "may")
    assert gone.exit_code == 2
    assert "no run 'may'" in gone.stderr
    assert read(aiorch, "submit", flows, "amounts=[1]", "--id", "june")["run"] == "june"
    forked = read(aiorch, "fork", "june", "--from", "total")
    assert forked["forked_from"] == "june"


def test_without_a_database_it_says_what_to_set(
    aiorch: Aiorch, flows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIORCH_ENGINE")
    for args in (["runs", "list"], ["worker", flows]):
        done = aiorch(*args)
        assert done.exit_code == 2
        assert "--engine postgresql://" in done.stderr


def test_looking_for_runs_makes_no_database(aiorch: Aiorch, tmp_path: Path) -> None:
    asked = aiorch("runs", "list", "--engine", f"sqlite:///{tmp_path}/rnus.db")
    assert asked.exit_code == 2
    assert "there is no file" in asked.output
    assert not (tmp_path / "rnus.db").exists()


def test_a_password_in_the_address_is_never_shown(aiorch: Aiorch) -> None:
    done = aiorch("runs", "list", "--engine", "postgresql://me:s3cret-word@127.0.0.1:9/runs")
    assert done.exit_code == 1
    assert "s3cret-word" not in done.output
    assert "127.0.0.1:9" in done.stderr


def test_limits_are_read_as_people_write_them() -> None:
    assert limits_of(None, None) is None
    assert limits_of(3, None) == Limits(running=3)
    assert limits_of(None, "100/h") == Limits(None, 100, 3600.0)
    assert limits_of(2, "5/10s") == Limits(2, 5, 10.0)
    for wrong in ("often", "0/h", "5/0s", "5/10"):
        with pytest.raises(InputError, match="how many in which time"):
            limits_of(None, wrong)


def _until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 45
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.1)
