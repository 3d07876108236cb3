"""Distributions that are there for one test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with entry points, and modules by name: ``install("parrot", {group: {name: target}})``.

    :returns: the folder of its metadata.
    """
    before = set(sys.modules)

    def write(
        name: str,
        points: dict[str, dict[str, str]] | bytes,
        *,
        version: str = "1.2",
        folder: str = "site",
        metadata: bool = True,
        **modules: str,
    ) -> Path:
        site = tmp_path / folder
        if not site.exists():
            site.mkdir()
            monkeypatch.syspath_prepend(str(site))
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if isinstance(points, dict):
            lines = [
                line
                for group, named in points.items()
                for line in (f"[{group}]", *(f"{point} = {target}" for point, target in named.items()))
            ]
            points = ("\n".join(lines) + "\n").encode()
        (info / "entry_points.txt").write_bytes(points)
        for module, code in modules.items():
            (site / f"{module}.py").write_text(code)
        return info

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]
