"""Names that are nearly those of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.cli.keys import mistyped
from aiorch.providers import SPECS

KNOWN = tuple(name for spec in SPECS.values() for name in spec.env)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GROQ_APIKEY", "GROQ_API_KEY"),
        ("GROQ_KEY", "GROQ_API_KEY"),
        ("GROQ_TOKEN", "GROQ_API_KEY"),
        ("groq_api_key", "GROQ_API_KEY"),
        ("GROQ-API-KEY", "GROQ_API_KEY"),
        ("GORQ_API_KEY", "GROQ_API_KEY"),
        ("GROQQ_API_KEY", "GROQ_API_KEY"),
        ("OPENROUTR_API_KEY", "OPENROUTER_API_KEY"),
        ("OPEN_ROUTER_API_KEY", "OPENROUTER_API_KEY"),
        ("GEMENI_API_KEY", "GEMINI_API_KEY"),
        ("HF_API_KEY", "HF_TOKEN"),
        ("MISTRAL_API_KEYS", "MISTRAL_API_KEY"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(name: str, meant: str):
    assert mistyped([name], KNOWN) == {name: meant}


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "GITHUB_TOKEN",
        "NPM_TOKEN",
        "SECRET_KEY",
        "API_KEY",
        "KEY",
        "AF_TOKEN",
        "OPENAI_API_BASE",
    ],
)
def test_other_people_s_names_are_no_slips(name: str):
    assert mistyped([name], KNOWN) == {}


@pytest.mark.parametrize("name", KNOWN)
def test_a_proper_name_is_no_slip(name: str):
    assert mistyped([name], KNOWN) == {}


def test_nothing_is_said_where_the_proper_name_is_there_too():
    assert mistyped(["GROQ_APIKEY", "GROQ_API_KEY"], KNOWN) == {}


@given(st.sampled_from([n for n in KNOWN if n.endswith("_API_KEY") and len(n) > 12]), st.data())
def test_any_one_letter_left_out_of_a_provider_s_name_is_found(name: str, data: st.DataObject):
    at = data.draw(st.integers(0, len(name) - len("_API_KEY") - 1))
    slip = name[:at] + name[at + 1 :]
    if slip not in KNOWN:
        assert mistyped([slip], KNOWN).get(slip) is not None


@given(st.text())
def test_no_name_breaks_it(name: str):
    mistyped([name], KNOWN)
