"""The public face says the truth about itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import aiorch


def test_every_exported_name_exists_and_comes_from_its_room() -> None:
    for name in aiorch.__all__:
        assert getattr(aiorch, name) is not None, name


def test_all_lists_exactly_what_is_fetched_lazily() -> None:
    assert set(aiorch.__all__) == {*aiorch._ROOM_OF, "__version__"}
    assert list(aiorch.__all__) == sorted(aiorch.__all__)


def test_type_checkers_see_the_same_names_as_programs() -> None:
    tree = ast.parse(Path(aiorch.__file__).read_text(encoding="utf-8"))
    guarded = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {
        (f"{imported.module}", alias.name)
        for imported in guarded.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
    }
    assert seen == {(room, name) for name, room in aiorch._ROOM_OF.items()}


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(aiorch, "Orchestrater")


def test_dir_offers_the_public_names() -> None:
    assert set(aiorch.__all__) <= set(dir(aiorch))


def test_importing_aiorch_loads_no_client_no_database_and_no_validator() -> None:
    heavy = {"httpx", "aiohttp", "pydantic", "sqlite3", "anyio", "rich", "click", "jsonschema", "asyncio"}
    code = (
        "import sys; before = set(sys.modules); import aiorch; "
        f"print(sorted((set(sys.modules) - before) & {heavy!r}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
