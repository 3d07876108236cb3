"""Keys are found where people keep them, and shown nowhere."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from aiorch.settings import Settings

IN_ENVIRONMENT, IN_FILE, GIVEN = "gsk-environment-1234", "sk-file-12345678", "key-given-in-code-1"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GROQ_API_KEY", f"  {IN_ENVIRONMENT}\n")
    monkeypatch.setenv("EMPTY_API_KEY", "   ")
    monkeypatch.setenv("OLLAMA_HOST", "http://localhost:11434")
    Path(".env").write_text(
        f"GEMINI_API_KEY='{IN_FILE}'\nGROQ_API_KEY=below\nEMPTY_API_KEY=filled-in-file\nNOTHING\n"
    )
    return Settings(keys={"mistral": f" {GIVEN} ", "none": " "})


def test_the_first_variable_that_is_set_gives_the_key(settings: Settings):
    found = settings.secret("NO_SUCH_KEY", "GEMINI_API_KEY", "GROQ_API_KEY")
    assert found is not None
    assert (found[0], found[1].get_secret_value()) == ("GEMINI_API_KEY", IN_FILE)


def test_the_environment_wins_and_white_space_goes(settings: Settings):
    found = settings.secret("GROQ_API_KEY")
    assert found is not None
    assert found[1].get_secret_value() == IN_ENVIRONMENT


def test_an_empty_key_counts_as_absent(settings: Settings):
    found = settings.secret("EMPTY_API_KEY")
    assert found is not None
    assert found[1].get_secret_value() == "filled-in-file"
    assert settings.secret("NO_SUCH_KEY", "NOTHING") is None
    assert set(settings.keys) == {"mistral"}


def test_addresses_are_found_the_same_way(settings: Settings):
    assert settings.variable("OLLAMA_API_BASE", "OLLAMA_HOST") == "http://localhost:11434"
    assert settings.variable("NO_SUCH_ADDRESS") is None


def test_all_secrets_knows_keys_and_no_addresses(settings: Settings):
    assert {IN_ENVIRONMENT, IN_FILE, GIVEN} <= set(settings.all_secrets())
    assert "http://localhost:11434" not in settings.all_secrets()


def test_later_changes_of_the_environment_change_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LATE_API_KEY", "later")
    assert settings.secret("LATE_API_KEY") is None


def test_keys_are_shown_nowhere(settings: Settings):
    shown = [
        repr(settings),
        str(settings),
        repr(settings.model_dump()),
        settings.model_dump_json(),
        repr(settings.secret("GROQ_API_KEY")),
        repr(settings._variables),
        repr(copy.copy(settings)),
        repr(copy.deepcopy(settings)),
        repr(settings.model_copy()),
        repr(list(settings)),
    ]
    for text in shown:
        assert not any(secret in text for secret in (IN_ENVIRONMENT, IN_FILE, GIVEN))


def test_copies_still_find_keys(settings: Settings):
    for twin in (copy.copy(settings), copy.deepcopy(settings)):
        assert twin.secret("GROQ_API_KEY") is not None


def test_keys_do_not_leave_in_a_pickle(settings: Settings):
    with pytest.raises(TypeError) as raised:
        pickle.dumps(settings)
    assert (
        str(raised.value)
        == "settings hold keys and are not pickled; call Settings.load() where they are needed"
    )
    with pytest.raises(TypeError) as raised:
        pickle.dumps(settings._variables)
    assert str(raised.value) == "the variables hold keys and are not pickled"
