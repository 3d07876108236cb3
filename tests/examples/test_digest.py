"""The digest: what can be read is done, what cannot is named, and nothing is cut silently."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import ExecutionError, TaskFailed
from aiorch.types import Outcome, Task
from aiorch.workflow import Run, execute, load
from aiorch.workflow.services import Services
from examples import digest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.anyio


class Orchestrator:
    def __init__(self, context: int = 2048) -> None:
        self.context = context

    async def context_window(self, agent: str = "general") -> int:
        return self.context


async def ask(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
    assert task.parameters.temperature == 0
    if output is str:
        return Outcome("First. Second. Third.", "", task.id, model="local/tiny", demo=True)
    record = output(title="A # title\nin lines", kind="letter", topics=["jam", "jam", " "])
    return Outcome(record, "", task.id, model="local/tiny", demo=True)


async def made(paths: list[Path], out: Path, context: int = 2048, asker: Any = ask) -> tuple[str, Run]:
    services = Services(asker, provide={"ai": Orchestrator(context)})
    run = await execute(digest.flow, {"paths": paths, "out": out}, services=services)
    assert run.results["digest"] == out
    return out.read_text(encoding="utf-8"), run


def test_it_loads_as_the_command_line_does() -> None:
    flow = load(ROOT / "examples" / "digest.py")
    assert flow.validate(given=[]).errors == ()
    assert flow.inputs() == {"out": Path, "paths": list[Path]}
    assert not any(one.required for one in flow.graph().inputs().values())


async def test_the_six_sample_texts_make_one_digest(tmp_path: Path) -> None:
    text, run = await made(digest.SAMPLES, tmp_path / "d.md")
    assert text.startswith("# Digest of 6 texts\n")
    assert text.count("- **Covered**: whole text") == 6
    assert text.count("(demo model: often wrong)") == 6
    assert "Not read" not in text
    assert len(run.outcomes["record"]) == 6  # type: ignore[arg-type]
    assert {row.label for row in run.timeline if row.task == "record"} >= {"letter.txt", "recipe.txt"}


def test_the_samples_are_short_and_six() -> None:
    found = sorted((ROOT / "examples" / "texts").iterdir())
    assert len(found) == 6
    assert all(path.stat().st_size <= 4096 for path in found)


async def test_the_section_of_a_file_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    text, _ = await made([path], tmp_path / "d.md")
    assert text == (
        f"# Digest of 1 text\n\n## A # title in lines\n\n- **File**: `{path}`\n- **Kind**: letter\n- **Topics**: jam\n"
        "- **Covered**: whole text\n- **Model**: local/tiny (demo model: often wrong)\n\nFirst. Second. [...]\n"
    )


async def test_each_file_that_cannot_be_read_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("hello")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "binary.bin").write_bytes(b"GIF\0\1\2")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "large.txt").write_bytes(b"x" * 5_000_000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".hidden").write_text("x")
    (tmp_path / "bare").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = (
        "good.txt",
        "empty.txt",
        "binary.bin",
        "latin.txt",
        "large.txt",
        "folder",
        "bare",
        "pipe",
        "missing.txt",
    )
    text, run = await made([tmp_path / n for n in (*names, "good.txt")], tmp_path / "d.md")
    assert text.startswith("# Digest of 1 text\n")
    told = dict(line.split("`: ") for line in text.split("## Not read\n\n")[1].splitlines())
    assert {Path(key.removeprefix("- `")).name: why for key, why in told.items()} == {
        "empty.txt": "empty",
        "binary.bin": "binary, not text",
        "latin.txt": "not UTF-8 text (byte 3); save it as UTF-8",
        "large.txt": "5.0 MB is too large, the most is 1 MB: cut out what matters",
        "folder": "no file in this folder can be read",
        "bare": "no file in this folder can be read",
        "pipe": "not a regular file",
        "missing.txt": "there is no such file",
    }
    assert len(run.errors) == 8


@pytest.fixture
def commons() -> Iterator[Path]:
    """A folder that anybody may use, and a test that is nobody in particular: root could read everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        me = os.geteuid()
        if me == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(me)


async def test_a_file_without_permission_is_named(commons: Path) -> None:
    (commons / "mine.txt").write_text("x")
    (commons / "mine.txt").chmod(0)
    with pytest.raises(TaskFailed, match="cannot be read: Permission denied"):
        await made([commons / "mine.txt"], commons / "d.md")


async def test_a_file_that_fails_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.txt").write_text("x")
    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(TaskFailed, match=r"a.txt: cannot be read: Permission denied"):
        await made([tmp_path / "a.txt"], tmp_path / "d.md")


async def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "f").mkdir()
    monkeypatch.setattr(Path, "iterdir", broken)
    with pytest.raises(TaskFailed, match=r"f: this folder cannot be opened"):
        await made([tmp_path / "f"], tmp_path / "d.md")


async def test_when_nothing_can_be_read_each_reason_is_told_and_no_model_asked(tmp_path: Path) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    with pytest.raises(
        TaskFailed, match=r"none of the 2 files could be read:\n  - .*a.txt: there is no such file\n  - "
    ):
        await made([tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "d.md", asker=never)


async def test_a_place_that_cannot_be_written_is_told_before_any_model_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    for out, says in ((tmp_path, "is a folder"), (tmp_path / "no" / "d.md", "there is no folder")):
        with pytest.raises(TaskFailed, match=says):
            await made([tmp_path / "a.txt"], out)


async def test_a_place_without_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(TaskFailed, match="cannot be written to"):
        await made([], tmp_path / "d.md")


async def test_a_long_file_is_split_and_the_digest_says_how_much_was_covered(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("word " * 4000)
    (tmp_path / "fits.txt").write_text("word " * 1000)
    text, run = await made([tmp_path / "long.txt", tmp_path / "fits.txt"], tmp_path / "d.md")
    assert "of the text, in 4 parts" in text
    assert "whole text" in text
    parts = run.results["parts"]
    assert [p.label for p in parts if p.file == 0] == [f"long.txt {n}" for n in (1, 2, 3, 4)]
    assert all(len(p.text) <= (2048 - 700) * 3 for p in parts)
    wide, _ = await made([tmp_path / "long.txt"], tmp_path / "d.md", context=128_000)
    assert "whole text" in wide


async def test_an_answer_that_failed_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")

    async def half(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        if output is not str:
            raise ExecutionError("no record\ncame")
        return await ask(task, output, tools, journal)

    text, _ = await made([tmp_path / "a.txt"], tmp_path / "d.md", asker=half)
    assert "## a.txt" in text
    assert "- **No record**: no record came" in text
    assert "First. Second." in text

    async def other(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        if output is str:
            raise ExecutionError("no summary")
        return await ask(task, output, tools, journal)

    assert "(no summary: no summary)" in (await made([tmp_path / "a.txt"], tmp_path / "d.md", asker=other))[0]


async def test_when_no_model_answers_the_run_fails_and_the_old_digest_stays(tmp_path: Path) -> None:
    async def nobody(task: Task, output: Any, tools: Any, journal: Any) -> Outcome[Any]:
        raise ExecutionError("nobody answers")

    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "d.md").write_text("old")
    with pytest.raises(TaskFailed, match="nobody answers"):
        await made([tmp_path / "a.txt"], tmp_path / "d.md", asker=nobody)
    assert (tmp_path / "d.md").read_text() == "old"


async def test_a_digest_is_never_half_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("x")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(TaskFailed, match="No space left"):
        await made([tmp_path / "a.txt"], tmp_path / "d.md")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt"]


@given(st.text(alphabet="ab \n", min_size=1, max_size=3000).filter(str.strip), st.integers(300, 900))
def test_parts_cover_the_text_they_say_they_cover(text: str, room: int) -> None:
    document = digest.Document(Path("x.txt"), text)
    parts = digest.split(0, document, room)
    stripped = text.strip()
    assert all(len(part.text) <= room for part in parts)
    assert all(stripped[part.begin : part.end].strip() == part.text for part in parts)
    assert all(b.begin <= a.end for a, b in itertools.pairwise(parts))
    seen = {i for part in parts for i in range(part.begin, part.end)}
    assert digest.covered(document, parts) == pytest.approx(len(seen) / len(stripped))
    if len(parts) < digest.MOST_PARTS:
        assert digest.covered(document, parts) == 1


def test_two_sentences_are_kept_and_more_is_marked() -> None:
    keep: Callable[[str], str] = digest.two_sentences
    assert keep("One. Two!") == "One. Two!"
    assert keep("One? Two.\nThree.") == "One? Two. [...]"
    assert keep("no end") == "no end"


def test_the_digest_runs_on_both_loops(tmp_path: Path) -> None:
    anyio.run(made, digest.SAMPLES, tmp_path / "d.md", backend="trio")
