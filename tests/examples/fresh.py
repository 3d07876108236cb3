"""Empty virtual environments with aiorch's own wheel in them, made without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]


def uv(*words: str, cwd: Path = ROOT) -> None:
    command = [str(Path(sys.executable).with_name("uv")), "--offline", "--quiet", "--no-config", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"


def needed(name: str, extras: tuple[str, ...] = (), found: dict[str, metadata.Distribution] | None = None):
    """A distribution of this environment and all that it needs, by name."""
    from packaging.requirements import Requirement

    found = {} if found is None else found
    for text in metadata.requires(name) or ():
        wants = Requirement(text)
        if wants.marker and not any(wants.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        if wants.name not in found:
            found[wants.name] = metadata.distribution(wants.name)
            needed(wants.name, tuple(wants.extras), found)
    return found


def lend(distributions: dict[str, metadata.Distribution], site: Path) -> None:
    """Put what is installed here into another environment, without fetching anything."""
    for distribution in distributions.values():
        for file in {f.parts[0] for f in distribution.files or () if f.parts[0] != ".."}:
            source, link = Path(str(distribution.locate_file(file))), site / file
            if not source.exists() or link.exists() or file == "__pycache__":
                continue
            if file.endswith(".dist-info"):
                shutil.copytree(source, link)  # uv does not follow links to these
            else:
                link.symlink_to(source)


def environment(folder: Path, *sources: Path, beside: tuple[str, ...] = ()) -> Path:
    """A virtual environment that has aiorch, these packages, what they need, and nothing else.

    :param beside: further packages of this environment.
    """
    wheels, place = folder / "wheels", folder / "venv"
    for source in (ROOT, *sources):
        # With the hatchling of this environment, which needs no network.
        uv(
            "build",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "-o",
            str(wheels),
            str(source),
        )
    uv("venv", "--python", sys.executable, str(place))
    python = place / "bin" / "python"
    (site,) = (place / "lib").glob("python*/site-packages")
    for name in ("aiorch-sdk", *beside):
        lend(needed(name) | ({name: metadata.distribution(name)} if name in beside else {}), site)
    uv("pip", "install", "--no-deps", "--python", str(python), *map(str, sorted(wheels.glob("*.whl"))))
    uv("pip", "check", "--python", str(python))
    return place


def run(environment: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """In the environment, with nothing of this one."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE", "COV_"))}
    program = str(environment / "bin" / words[0])
    return subprocess.run(
        [program, *words[1:]],
        capture_output=True,
        text=True,
        env={**clean, "AIORCH_WEIGHTS_DIR": "/nowhere", "AIORCH_OFFLINE": "true", "NO_COLOR": "1", **more},
    )
