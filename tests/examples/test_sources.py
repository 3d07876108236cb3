"""An answer from texts: what it names is there, and what does not hold is said to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples.embedded import local

from aiorch.errors import TaskFailed
from aiorch.testing import InTurn, carry_out
from examples import sources

pytestmark = pytest.mark.anyio
QUESTION = "How long is the children's corner closed?"


async def asked(*said: str, question: str = QUESTION, **inputs: Any) -> Any:
    return await carry_out(
        sources.flow, {"question": question, **inputs}, fakes={"answered/said": InTurn(*said)}
    )


async def test_a_citation_that_is_there_holds_and_is_shown() -> None:
    run = await asked("From 15 May to 9 June [1].")
    answer = run.results["answered"]
    assert answer.holds
    assert [passage.file for passage in answer.cited] == ["meeting.txt"]
    assert "9 June" in answer.cited[0].text
    assert "  > meeting.txt: 2. Where the children read meanwhile" in run.value
    assert "do not believe it" not in run.value


async def test_an_answer_without_a_source_is_sent_back_once_and_says_why() -> None:
    run = await asked("For a month.", "For a month [1].")
    assert run.results["answered"].holds
    first, second = run.outcomes["answered#1/said"], run.outcomes["answered#2/said"]
    assert "An answer without a number is no use." not in first.messages[0].text
    assert "An answer without a number is no use." in second.messages[0].text


async def test_a_source_that_nobody_has_is_never_shown_as_one() -> None:
    run = await asked("For a month [1] [9].")
    assert run.results["answered"].wrong == [9]
    assert "(not held up by any passage: do not believe it)" in run.value
    assert sum(row.task.endswith("/said") for row in run.timeline) == 2


async def test_the_right_text_is_found_for_each_question() -> None:
    for question, file in {
        "Which soup takes lentils and lemon?": "recipe.txt",
        "Why does the timer run twice as fast?": "bug-report.txt",
        "Who has found a crab on the island?": "letter.txt",
    }.items():
        run = await asked("So [1].", question=question)
        assert run.results["found"][0].file == file


async def test_a_question_about_nothing_in_the_texts_asks_nobody() -> None:
    with pytest.raises(TaskFailed, match="no text shares a word"):
        await asked("never", question="Xylophon?")


async def test_a_folder_without_texts_is_told(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match=r"holds no \.txt files"):
        await asked("never", texts=tmp_path)


@given(st.text(max_size=60), st.integers(0, 3))
def test_whatever_a_model_says_only_what_is_there_is_cited(said: str, count: int) -> None:
    found = [sources.Passage("a.txt", f"passage {n}") for n in range(count)]
    answer = sources.answer(f"{said} [2] [0]", found)
    assert all(passage in found for passage in answer.cited)
    assert 0 in answer.wrong
    assert not answer.holds


@pytest.mark.weights
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_embedded_model_answers_from_the_texts(tmp_path: Path) -> None:
    async with local(tmp_path) as ai:
        run = await ai.execute(sources.flow, question=QUESTION)
    answer = run.results["answered"]
    assert answer.text
    assert ("do not believe it" in run.value) is not answer.holds
    assert run.results["found"][0].file == "meeting.txt"
