"""docs/settings.md has a row for every setting, with its default."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from aiorch.settings import OTHER_VARIABLES, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_has_a_row_and_every_row_a_setting():
    assert set(Settings.model_fields) == {name for name in ROWS if not name.startswith("AIORCH_")}


def test_every_other_variable_is_on_the_page():
    assert set(OTHER_VARIABLES) == {name for name in ROWS if name.startswith("AIORCH_")}


def test_defaults_on_the_page_are_the_defaults():
    settings = Settings()
    for name, default in ((n, d.strip("`")) for n, d in ROWS.items() if n in Settings.model_fields):
        if name not in (
            "data_dir",
            "keys",
            "base_urls",
            "billed",
            "disabled_plugins",
            "rotation",
            "weights",
            "tenants",
            "users",
        ):
            value = getattr(settings, name)
            value = value.get_secret_value() if isinstance(value, SecretStr) else value
            told = (
                {True: "true", False: "false", None: "none"}[value]
                if value in (True, False, None)
                else f"{value}"
            )
            assert default == told.removesuffix(".0"), name


def test_every_setting_says_what_it_is():
    source = Path(__file__).parents[2].joinpath("src/aiorch/settings/model.py").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert re.search(rf'^    {name}: (?:[^"]|"(?!""))*?\n    """\w', source, re.MULTILINE), name
