from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog import Successor
from aiorch.errors import ConfigurationError
from aiorch.routing.pools import Hours, Rule, RuleBook, directed, unknown_entries, weigh
from aiorch.types import Candidate, Deployment, Message, ModelCard, PassedOver, Ranking, Task

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)  # a Sunday
TASK = Task(
    (Message.user("hi"),), agent="coding_agent", type="code_generation", tenant="acme", tags={"app": "x"}
)


def candidate(name: str, family: str | None = None, *, free: bool = True) -> Candidate:
    provider, _, model = name.partition("/")
    card = ModelCard(provider, model, free="zero_price" if free else "none", family=family)
    return Candidate(Deployment(provider, model, "KEY"), card)


LFM = candidate("openrouter/liquid/lfm-2.5-2.6b:free", "lfm-2.5-2.6b")
CODER = candidate("openrouter/qwen/qwen3-coder:free", "qwen3-coder")
GROQ_CODER = candidate("groq/qwen3-coder-480b", "qwen3-coder")
GROQ = candidate("groq/gpt-oss-20b", "gpt-oss-20b")
ALL = (LFM, CODER, GROQ_CODER, GROQ)


def rule(*models: str, **more: Any) -> Rule:
    return Rule("r", "p", models or ("groq/*",), **more)


# --- which rule holds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({}, None),
        ({"task_type": ("code_generation",)}, None),
        ({"task_type": ("analysis", "chat")}, "its task type is code_generation, not analysis or chat"),
        ({"agent": ("coding_agent",)}, None),
        ({"agent": ("general",)}, "its agent is coding_agent, not general"),
        ({"tenant": ("acme",)}, None),
        ({"tenant": ("other",)}, "its tenant is acme, not other"),
        ({"user": ("u1",)}, "its user is not told, not u1"),
        ({"complexity": ("simple",)}, None),
        ({"complexity": ("complex",)}, "its complexity is simple, not complex"),
        ({"tags": {"app": "x"}}, None),
        ({"tags": {"app": "y"}}, "its tag app is x, not y"),
        ({"tags": {"team": "a"}}, "its tag team is not set, not a"),
        ({"min_tokens": 100}, None),
        ({"min_tokens": 101}, "it has about 100 tokens, fewer than 101"),
        ({"max_tokens": 100}, None),
        ({"max_tokens": 99}, "it has about 100 tokens, more than 99"),
        ({"days": ("sat", "sun")}, None),
        ({"days": ("mon",)}, "it is sun in UTC, not mon"),
        ({"between": Hours(time(12), time(13))}, None),
        ({"between": Hours(time(11), time(12))}, "it is 12:00 in UTC, not 11:00 to 12:00"),
        ({"between": Hours(time(20), time(22)), "zone": "Asia/Tokyo"}, None),
        ({"days": ("mon",), "zone": "Pacific/Kiritimati"}, None),
    ],
)
def test_a_rule_holds_when_all_its_conditions_do_and_says_which_does_not(
    conditions: dict[str, Any], why: str | None
) -> None:
    assert rule(**conditions).misses(TASK, "simple", 100, NOON) == why


def test_the_first_rule_that_holds_counts_and_those_before_it_are_explained() -> None:
    night, code, all_ = rule(between=Hours(time(22), time(6))), rule(agent=("coding_agent",)), rule()
    weighed = weigh((replace(night, name="night"), code, all_), TASK, "simple", 1, NOON)
    assert weighed.rule is code
    assert weighed.missed == (PassedOver("rule 'night'", "it is 12:00 in UTC, not 22:00 to 06:00"),)
    assert weigh((night,), TASK, "simple", 1, NOON).rule is None


@given(st.times(), st.times(), st.times())
def test_hours_and_the_hours_left_over_share_out_the_day(begins: time, ends: time, now: time) -> None:
    if begins != ends:
        assert Hours(begins, ends).holds(now) != Hours(ends, begins).holds(now)


# --- where it sends the work -------------------------------------------------------------------------------------


def test_the_pools_models_come_first_in_the_pools_order_and_the_others_after() -> None:
    ranking = Ranking((LFM, CODER, GROQ), reason="as usual")
    ranked = directed(ranking, rule("groq/gpt-oss-20b", "family:qwen3-coder"), ALL)
    assert ranked.candidates == (GROQ, CODER, GROQ_CODER, LFM)
    assert ranked.reason == "rule 'r' sends it to pool 'p'; as usual"
    assert ranked.passed_over == ()


def test_a_pool_without_a_name_is_called_the_rules_own() -> None:
    assert directed(Ranking((LFM,)), Rule("r", "", ("groq/*",)), ALL).reason.startswith(
        "rule 'r' sends it to its own pool"
    )


def test_only_leaves_nobody_outside_of_the_pool_and_says_so() -> None:
    ranked = directed(Ranking((LFM, GROQ)), rule("groq/*", only=True), ALL)
    assert ranked.candidates == (GROQ_CODER, GROQ)
    assert [p.id for p in ranked.passed_over] == [LFM.deployment.id]
    assert "allows nobody else" in ranked.passed_over[0].reason


def test_a_pool_where_nobody_can_be_asked_leaves_the_usual_ranking() -> None:
    ranked = directed(Ranking((LFM,), reason="as usual"), rule("mistral/x"), (LFM,))
    assert ranked.candidates == (LFM,)
    assert "where nobody can be asked" in ranked.reason
    assert ranked.passed_over[0].id == "mistral/x"


def test_a_dead_id_in_a_pool_stands_for_its_free_successor() -> None:
    learnt = {"old/one:free": Successor("old/one:free", "", ("openrouter/liquid/lfm-2.5-2.6b:free",))}
    assert directed(Ranking(()), rule("old/one:free"), ALL, learnt).candidates == (LFM,)


def test_a_rule_never_brings_in_who_may_not_be_asked() -> None:
    paid = candidate("groq/paid", free=False)
    assert paid not in directed(Ranking((LFM,)), rule("groq/paid", "groq/*"), ALL).candidates


def test_whoever_serves_a_family_are_equals_and_nobody_of_one_entry_is_anothers_equal() -> None:
    ranking = Ranking((LFM, CODER, GROQ), tiers=(0, 0, 1))
    ranked = directed(ranking, rule("groq/gpt-oss-20b", "family:qwen3-coder"), ALL)
    assert (ranked.candidates, ranked.tiers) == ((GROQ, CODER, GROQ_CODER, LFM), (0, 1, 1, 2))
    untold = directed(Ranking((LFM, CODER)), rule("groq/gpt-oss-20b"), ALL)
    assert (untold.candidates, untold.tiers) == ((GROQ, LFM, CODER), (0, 1, 2))


def test_a_model_that_two_entries_name_is_asked_once() -> None:
    ranked = directed(Ranking(()), rule("groq/gpt-oss-20b", "groq/*"), ALL)
    assert (ranked.candidates, ranked.tiers) == ((GROQ, GROQ_CODER), (0, 1))


# --- names that do not exist -------------------------------------------------------------------------------------


def test_entries_that_name_nothing_are_told_once_each_with_the_nearest_names() -> None:
    rules = (rule("groq/gpt-os-20b", "family:qwen-coder", "gorq/*"), rule("groq/gpt-os-20b", "groq/*"))
    ids = [name for c in ALL for name in (c.card.id, c.card.model)]
    told = unknown_entries(rules, ids, ["qwen3-coder"])
    assert len(told) == 3
    assert "'groq/gpt-oss-20b'" in told[0]
    assert "did you mean 'qwen3-coder'?" in told[1]
    assert "pool 'p' of rule 'r' names 'gorq/*'" in told[2]


def test_dead_ids_with_a_known_fate_are_no_mistake() -> None:
    assert unknown_entries((rule("google/gemma-7b-it:free", "family:f", "groq/*"),), ["groq/a"], ["f"]) == ()


def test_a_rulebook_is_held_against_the_catalogue_once() -> None:
    book = RuleBook((rule("groq/gpt-oss-20b"),), "routes.toml")
    with pytest.raises(
        ConfigurationError, match=r"routes\.toml cannot be used:\n  - pool 'p' of rule 'r' names"
    ):
        book.check([LFM.card])
    book.check([GROQ.card])
    book.check([])
