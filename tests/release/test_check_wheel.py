"""A wheel that lacks something or holds too much is not published."""

from __future__ import annotations

import runpy
from pathlib import Path

CHECK = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "check_wheel.py"))
INFO = "aiorch_sdk-1.0.0.dist-info/"
GOOD = [*CHECK["HAS"], f"{INFO}METADATA", f"{INFO}entry_points.txt", f"{INFO}licenses/LICENSE"]


def faults(names: list[str], size: int = 1_000_000) -> list[str]:
    return list(CHECK["faults"](names, size, "1.0.0"))


def test_a_wheel_with_code_data_and_licences_is_good() -> None:
    assert faults([*GOOD, "aiorch/routing/health.py", f"{INFO}RECORD"]) == []


def test_what_lacks_what_is_too_much_and_what_is_too_large_is_named() -> None:
    assert faults([name for name in GOOD if name != "aiorch/py.typed"]) == ["aiorch/py.typed is missing"]
    for stranger in (
        "tests/test_guide.py",
        ".env",
        "aiorch/data/model.gguf",
        "aiorch/notes.txt",
        "aiorch/.env.py",
    ):
        assert faults([*GOOD, stranger]) == [f"{stranger} does not belong in it"], stranger
    assert faults(GOOD, 4_000_000) == ["it has 4,000,000 bytes, more than 3,000,000"]


def test_every_file_of_data_is_asked_for() -> None:
    source = Path(__file__).parents[2] / "src"
    data = {file.relative_to(source).as_posix() for file in source.glob("aiorch/**/data/*") if file.is_file()}
    assert data
    assert data <= set(CHECK["HAS"])
