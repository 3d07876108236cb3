"""Which place a setting is taken from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_config_path

from aiorch.settings import Settings

PLACES = ("argument", "environment", ".env", "aiorch.toml", "user's aiorch.toml")
"""Highest first."""


@contextmanager
def world(stated: Mapping[str, int]):
    """``cache_entries`` stated in some of the places. The fixture of conftest has emptied them all."""
    files = {
        ".env": (Path(".env"), "AIORCH_CACHE_ENTRIES={}"),
        "aiorch.toml": (Path("aiorch.toml"), "cache_entries = {}"),
        "user's aiorch.toml": (
            user_config_path("aiorch", appauthor=False) / "aiorch.toml",
            "cache_entries = {}",
        ),
    }
    try:
        for place, (path, line) in files.items():
            if place in stated:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(line.format(stated[place]))
        if "environment" in stated:
            os.environ["AIORCH_CACHE_ENTRIES"] = str(stated["environment"])
        yield {"cache_entries": stated["argument"]} if "argument" in stated else {}
    finally:
        os.environ.pop("AIORCH_CACHE_ENTRIES", None)
        for path, _ in files.values():
            path.unlink(missing_ok=True)


@given(st.dictionaries(st.sampled_from(PLACES), st.integers(1, 10**6)))
def test_the_highest_place_that_states_a_setting_wins(stated: dict[str, int]):
    with world(stated) as arguments:
        found = Settings(**arguments).cache_entries
    assert found == next((stated[p] for p in PLACES if p in stated), 10_000)


def test_places_are_layers_and_not_alternatives(monkeypatch: pytest.MonkeyPatch):
    Path("aiorch.toml").write_text('cache = "disk"\ntimeout = 5\n')
    Path(".env").write_text("AIORCH_TIMEOUT=6\nAIORCH_RETENTION=none\n")
    monkeypatch.setenv("AIORCH_RETENTION", "text")
    settings = Settings.load(offline=True)
    assert (settings.cache, settings.timeout, settings.retention, settings.offline) == (
        "disk",
        6,
        "text",
        True,
    )


def test_a_default_stated_higher_up_beats_another_value_below(monkeypatch: pytest.MonkeyPatch):
    Path("aiorch.toml").write_text('cache = "disk"\nallow_paid = true\n')
    monkeypatch.setenv("AIORCH_ALLOW_PAID", "false")
    settings = Settings(cache="memory")
    assert (settings.cache, settings.allow_paid) == ("memory", False)


def test_tables_of_several_places_are_joined():
    Path("aiorch.toml").write_text('[keys]\ngroq = "from-toml-1"\nopenai = "from-toml-2"\n')
    keys = Settings(keys={"groq": "from-argument"}).keys
    assert {k: [key.get_secret_value() for key in v] for k, v in keys.items()} == {
        "groq": ["from-argument"],
        "openai": ["from-toml-2"],
    }


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text("AIORCH_CACHE=\n")
    monkeypatch.setenv("AIORCH_TIMEOUT", "  ")
    assert (Settings().cache, Settings().timeout) == ("memory", 120)


def test_reading_env_files_changes_no_environment():
    Path(".env").write_text("GROQ_API_KEY=abc\nAIORCH_CACHE=off\n")
    Settings()
    assert "GROQ_API_KEY" not in os.environ
    assert "AIORCH_CACHE" not in os.environ


def test_a_virtual_environment_called_env_is_no_settings_file():
    Path(".env").mkdir()
    assert Settings().cache == "memory"


@pytest.mark.parametrize(("name", "text"), [(".env", "AIORCH_CACHE=off"), ("aiorch.toml", 'cache = "off"')])
def test_a_byte_order_mark_is_no_part_of_a_name(name: str, text: str):
    Path(name).write_bytes(f"\ufeff{text}\n".encode())
    assert Settings().cache == "off"


def test_another_parts_variables_are_not_taken_for_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_TEST_FULL", "1")
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", "/somewhere")
    Settings()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PROVIDERS", "groq, gemini", ("groq", "gemini")),
        ("PROVIDERS", "none", None),
        ("BILLED", "openai", ("openai",)),
        ("IDLE_TIMEOUT", "none", None),
        ("LOCAL_THREADS", "None", None),
        ("BUDGET_TOKENS", "none", None),
        (
            "BASE_URLS",
            "ollama=http://a:1/v1/, vllm=https://b",
            {"ollama": "http://a:1/v1", "vllm": "https://b"},
        ),
        ("BASE_URLS", '{"ollama": "http://a"}', {"ollama": "http://a"}),
        ("BASE_URLS", "azure=https://a/v1?api-version=2", {"azure": "https://a/v1?api-version=2"}),
        ("BASE_URLS", "a=https://a/MAX/, ", {"a": "https://a/MAX"}),
        ("INPUT_LIMIT", "1MiB", 1_048_576),
        ("LOCAL_MODEL", "smollm2-135m", "smollm2-135m"),
        ("LOCAL_MODEL", "/models/a.gguf", Path("/models/a.gguf")),
        ("ALLOW_PAID", "yes", True),
    ],
)
def test_variables_are_written_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
):
    monkeypatch.setenv(f"AIORCH_{name}", text)
    assert getattr(Settings(), name.lower()) == value


def test_paths_are_whole_and_know_the_home():
    settings = Settings(data_dir="~/data", local_model="models/a.GGUF")
    assert settings.data_dir == Path.home() / "data"
    assert settings.local_model == Path.cwd() / "models" / "a.GGUF"


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("smollm2-135m", "smollm2-135m"),
        ("small.gguf", "path"),
        ("SMALL.GGUF", "path"),
        ("models/small", "path"),
        ("./small", "path"),
    ],
)
def test_a_model_is_a_name_unless_it_looks_like_a_path(written: str, model: str):
    expected = Path.cwd() / written if model == "path" else model
    assert Settings(local_model=written).local_model == expected


def test_white_space_around_an_address_or_a_table_is_no_part_of_it():
    assert Settings(base_urls={"a": " http://a/v1/ "}).base_urls == {"a": "http://a/v1"}
    assert Settings(base_urls=' {"a": "http://a"} ').base_urls == {"a": "http://a"}


def test_related_settings_come_as_one_object():
    settings = Settings(connect_timeout=1, idle_timeout=None, budget_usd="0.10")
    assert (settings.timeouts.connect, settings.timeouts.first_byte, settings.timeouts.idle) == (1, 60, None)
    assert settings.budget is not None
    assert str(settings.budget.usd) == "0.10"
    assert Settings().budget is None


def test_a_table_in_a_variable_is_joined_with_that_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("aiorch.toml").write_text(
        '[base_urls]\nvllm = "http://a.example/v1"\nollama = "http://b.example/v1"\n'
    )
    monkeypatch.setenv("AIORCH_BASE_URLS", "ollama=http://c.example/v1")
    joined = {"vllm": "http://a.example/v1", "ollama": "http://c.example/v1"}
    assert Settings().base_urls == joined
    monkeypatch.setenv("AIORCH_BASE_URLS", '{"ollama": "http://c.example/v1"}')
    assert Settings().base_urls == joined
