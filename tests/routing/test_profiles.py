from __future__ import annotations

from typing import Any

import pytest

from aiorch.errors import ConfigurationError, UnknownAgent
from aiorch.routing import AGENT_PROFILES, Profiles, profile
from aiorch.types import Parameters, Profile


def test_the_agents_that_people_know_are_there_and_a_general_one() -> None:
    assert Profiles().names() == ("coding_agent", "database_agent", "analysis_agent", "general")
    assert Profiles()["coding_agent"].primary == "amazon/nova-2-lite-v1:free"
    assert Profiles()["general"] == Profile("general", parameters=Parameters(temperature=0.0))


@pytest.mark.parametrize("name", AGENT_PROFILES)
def test_the_same_question_gets_the_same_answer_unless_a_profile_says_otherwise(name: str) -> None:
    assert Profiles()[name].parameters.temperature == 0.0
    assert profile("p", {"parameters": {"temperature": 0.7}}).parameters.temperature == 0.7


def test_a_dictionary_becomes_a_profile() -> None:
    made = profile(
        "support",
        {
            "primary": "a",
            "fallbacks": ["b", "c"],
            "tools": ["now"],
            "parameters": {"max_tokens": 5, "stop": ["END", "STOP"]},
            "complexity_overrides": {"complex": "d"},
            "minima": {"score": 0.5},
        },
    )
    assert made == Profile(
        "support",
        primary="a",
        fallbacks=("b", "c"),
        tools=("now",),
        parameters=Parameters(temperature=0.0, max_tokens=5, stop=("END", "STOP")),
        complexity_overrides={"complex": "d"},
        minima={"score": 0.5},
    )


def test_parameters_may_be_ready_made() -> None:
    assert profile("p", {"parameters": Parameters(seed=1)}).parameters == Parameters(temperature=0.0, seed=1)


def test_one_text_is_one_text_where_several_may_stand() -> None:
    made = profile("p", {"fallbacks": "groq/a", "tools": "now", "parameters": {"stop": "END"}})
    assert (made.fallbacks, made.tools, made.parameters.stop) == (("groq/a",), ("now",), ("END",))


def test_a_profile_stays_as_it_is() -> None:
    mine = Profile("mine", parameters=Parameters(temperature=1.0))
    assert profile("mine", mine) is mine
    assert Profiles({"mine": mine})["mine"] is mine


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ({"primry": "a"}, "profile 'p' has no field 'primry'; did you mean 'primary'?"),
        (
            {"name": "q"},
            "profile 'p' has no field 'name'; there are any_free, complexity_overrides, fallbacks, ",
        ),
        (
            {"parameters": {"temprature": 1}},
            "profile 'p': models have no parameter 'temprature'; did you mean 'temperature'?",
        ),
        (
            {"complexity_overrides": {"hard": "a"}},
            "profile 'p': no complexity is called 'hard'; there are complex, moderate, simple",
        ),
        (
            {"complexity_overrides": {"complexe": "a"}},
            "profile 'p': no complexity is called 'complexe'; did you mean 'complex'?",
        ),
    ],
)
def test_a_mistyped_field_is_told_with_the_nearest(described: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        profile("p", described)
    assert str(wrong.value).startswith(says)


def test_profiles_of_the_caller_come_beside_and_before_the_built_in_ones() -> None:
    mine = Profiles({"support": {"system": "Be brief."}, "general": {"system": "Be kind."}})
    assert mine["support"].system == "Be brief."
    assert mine["general"].system == "Be kind."
    assert mine["coding_agent"] == Profiles()["coding_agent"]


def test_editing_the_known_agents_changes_what_is_made_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Profiles()
    monkeypatch.setitem(AGENT_PROFILES, "coding_agent", {"primary": "groq/x"})
    assert Profiles()["coding_agent"].primary == "groq/x"
    assert before["coding_agent"].primary == "amazon/nova-2-lite-v1:free"


def test_a_mistyped_agent_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownAgent, match=r"Did you mean 'coding_agent'") as unknown:
        Profiles()["codingagent"]
    assert unknown.value.__cause__ is None
