"""Files by reference: whoever reads one gets what it was, or is told that it is gone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import aiorch
from aiorch import Artifact, Artifacts
from aiorch.errors import ArtifactChanged, InputError, StorageError


def test_an_artifact_is_the_facts_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.md").write_bytes(b"one\r\ntwo")
    made = Artifact.of("notes.md")
    assert made == Artifact(
        tmp_path / "notes.md", hashlib.sha256(b"one\r\ntwo").hexdigest(), 8, "text/markdown"
    )
    assert made.read_bytes() == b"one\r\ntwo"
    assert made.read_text() == "one\r\ntwo"
    with made.open() as file:
        assert file.read(3) == b"one"
    assert Artifact.of("notes.md", "text/plain").media_type == "text/plain"
    Path("notes").write_bytes(b"")
    assert Artifact.of("notes").media_type == "application/octet-stream"


def test_it_goes_to_json_and_back(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    made = Artifact.of(tmp_path / "a.txt")
    assert aiorch.from_json(Artifact, aiorch.to_json(made)) == made


def test_a_file_that_was_changed_or_is_gone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    made = Artifact.of(path)
    path.write_text("y")
    for read in (made.read_bytes, made.read_text, made.open):
        with pytest.raises(
            ArtifactChanged, match=r"is not any more what it was: it has 1 bytes .*Artifacts\(folder\)"
        ):
            read()
    path.unlink()
    for read in (made.read_bytes, made.open):
        with pytest.raises(
            ArtifactChanged, match="cannot be read: No such file.*run the task that made it again"
        ):
            read()


def test_what_cannot_be_read_makes_no_artifact(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no artifact can be made of"):
        Artifact.of(tmp_path / "nothing")
    with pytest.raises(InputError, match="cannot be kept"):
        Artifacts(tmp_path).keep(tmp_path / "nothing")


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    kept = Artifacts(tmp_path / "deep" / "kept")
    (tmp_path / "a.md").write_text("x" * 3_000_000)
    (tmp_path / "b.txt").write_text("x" * 3_000_000)
    a, b = kept.keep(tmp_path / "a.md"), kept.keep(tmp_path / "b.txt")
    assert a.path == b.path == kept.folder / a.sha256[:2] / a.sha256
    assert (a.media_type, b.media_type) == ("text/markdown", "text/plain")
    assert [p for p in kept.folder.rglob("*") if p.is_file()] == [a.path]
    (tmp_path / "a.md").unlink()
    assert a.read_text() == "x" * 3_000_000
    assert a.path.stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_copy_that_was_damaged_is_mended_by_keeping_it_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    kept = Artifacts(tmp_path / "kept")
    made = kept.keep(tmp_path / "a.txt")
    made.path.write_text("damaged")
    assert kept.keep(tmp_path / "a.txt").read_text() == "x"


def test_a_copy_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be kept in"):
        Artifacts(tmp_path / "file").keep(tmp_path / "a.txt")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    kept = Artifacts(tmp_path / "kept")
    with pytest.raises(StorageError, match="No space left on device; nothing was changed there"):
        kept.keep(tmp_path / "a.txt")
    assert list(kept.folder.rglob("*")) == []
