"""The review: nothing goes out before a person allows it, and nothing goes out twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.examples.embedded import local

from aiorch.errors import ExecutionError, TaskFailed, WorkflowError
from aiorch.testing import KeptRuns, carry_out, crash_everywhere
from examples import review

pytestmark = pytest.mark.anyio


async def reviewed(out: Path, allowed: bool | None = True, said: Any = "It may\nfail.", **more: Any) -> Any:
    decisions = {} if allowed is None else {"ok": allowed}
    return await carry_out(review.flow, {"out": out}, fakes={"opinion": said}, decisions=decisions, **more)


async def test_what_rules_and_the_model_say_is_in_it(tmp_path: Path) -> None:
    run = await reviewed(tmp_path / "r.md")
    assert (tmp_path / "r.md").read_text() == run.results["report"]
    assert run.results["report"] == (
        "# Review\n\n## timer/clock.py\n\n- line 19 catches everything, Ctrl-C too: name the exceptions\n"
        "- line 23 prints: a log can be switched off\n\nIt may fail. (fake/model)\n\n"
        "## timer/display.py\n\n- line 4 leaves something to do: say who does it, and when\n\n"
        "It may fail. (fake/model)\n"
    )
    assert "rings" in run.outcomes["opinion"][0].messages[0].text


async def test_a_person_who_says_no_is_obeyed(tmp_path: Path) -> None:
    run = await reviewed(tmp_path / "r.md", allowed=False)
    assert run.state == "done"
    assert "post" in run.skipped
    assert not (tmp_path / "r.md").exists()


async def test_nothing_goes_out_while_nobody_has_decided(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="waits for 'ok'"):
        await reviewed(tmp_path / "r.md", allowed=None)
    assert not (tmp_path / "r.md").exists()


async def test_stopped_while_it_waits_it_asks_no_model_again(tmp_path: Path) -> None:
    kept = KeptRuns()
    run = await reviewed(tmp_path / "r.md", engine=kept, kill_after="report")
    again = await reviewed(tmp_path / "r.md", said=AssertionError("asked again"), engine=kept, run_id=run.id)
    assert again.results["post"] == tmp_path / "r.md"


async def test_killed_in_the_middle_of_posting_it_is_not_posted_twice(tmp_path: Path) -> None:
    kept = KeptRuns()
    run = await reviewed(tmp_path / "r.md", engine=kept, kill_during="post")
    with pytest.raises(TaskFailed, match="is not idempotent, so it is not repeated unasked"):
        await reviewed(tmp_path / "r.md", engine=kept, run_id=run.id)
    assert (tmp_path / "r.md").read_text().count("# Review") == 1


async def test_it_gets_over_a_crash_at_any_moment(tmp_path: Path) -> None:
    crashes = await crash_everywhere(
        review.flow, {"out": tmp_path / "r.md"}, fakes={"opinion": "fine"}, decisions={"ok": True}
    )
    assert {crash.key for crash in crashes if crash.then == "asks"} == {"post"}
    assert len(crashes) >= 12


async def test_a_model_that_fails_does_not_keep_the_rules_back(tmp_path: Path) -> None:
    run = await reviewed(tmp_path / "r.md", said=ExecutionError("nobody answers"))
    assert run.results["report"].count("(no model answered: nobody answers)") == 2
    assert "name the exceptions" in run.results["report"]


async def test_a_file_that_is_no_change_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.diff").write_text("nothing\n")
    with pytest.raises(TaskFailed, match="holds no change"):
        await carry_out(review.flow, {"diff": tmp_path / "x.diff"}, fakes={"*": "x"})


@pytest.mark.weights
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_embedded_model_reviews_and_the_run_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dbos")
    engine = f"sqlite:///{tmp_path / 'review.db'}"
    async with local(tmp_path, approver=review.Yes()) as ai:
        await ai.execute(review.flow, out=tmp_path / "r.md", engine=engine, run_id="one")
        run = await ai.execute(review.flow, out=tmp_path / "r.md", engine=engine, run_id="one")
    assert run.state == "done"
    assert (tmp_path / "r.md").read_text().count("# Review") == 1
