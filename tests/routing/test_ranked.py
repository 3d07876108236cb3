"""Tasks that are alike share a ranking; whatever a ranking depends on tells them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiorch.routing.ranked import MOST, Rankings
from aiorch.types import (
    Budget,
    Candidate,
    Deployment,
    Image,
    JsonSchema,
    Message,
    ModelCard,
    Profile,
    Ranking,
    Task,
    Text,
    ToolSpec,
)

CANDIDATES = (
    Candidate(Deployment("a", "large"), ModelCard("a", "large", context=100_000)),
    Candidate(Deployment("a", "small"), ModelCard("a", "small", context=4_000)),
    Candidate(Deployment("b", "silent"), ModelCard("b", "silent")),
)
PROFILE = Profile("general")
TASK = Task.of("What is back-pressure?")
MADE = (Ranking(CANDIDATES), frozenset[str]())


def test_a_task_like_an_earlier_one_gets_its_ranking():
    shelf = Rankings().shelf(CANDIDATES)
    shelf.put(shelf.key(TASK, PROFILE, 10), PROFILE, MADE)
    assert shelf.get(shelf.key(Task.of("And what is a semaphore?"), PROFILE, 12)) is MADE


@pytest.mark.parametrize(
    "other",
    [
        replace(TASK, model="a/small"),
        replace(TASK, type="analysis"),
        replace(TASK, agent="coding_agent"),
        replace(TASK, complexity="complex"),
        replace(TASK, tools=(ToolSpec("f", "does", {}),)),
        replace(TASK, schema=JsonSchema({})),
        replace(TASK, budget=Budget(usd=1)),
        replace(TASK, messages=(Message("user", (Text("look"), Image(url="https://example.com/a.png"))),)),
        Task.of("Prove and derive it, then compare the trade-offs step by step"),
    ],
)
def test_what_a_ranking_depends_on_tells_tasks_apart(other: Task):
    shelf = Rankings().shelf(CANDIDATES)
    assert shelf.key(other, PROFILE, 10) != shelf.key(TASK, PROFILE, 10)


def test_another_profile_of_the_same_name_has_rankings_of_its_own():
    shelf = Rankings().shelf(CANDIDATES)
    shelf.put(shelf.key(TASK, PROFILE, 10), PROFILE, MADE)
    assert shelf.get(shelf.key(TASK, replace(PROFILE, primary="a/small"), 10)) is None


def test_a_prompt_that_somebody_cannot_read_is_ranked_for_itself():
    shelf = Rankings().shelf(CANDIDATES)
    assert shelf.key(TASK, PROFILE, 4_000) is not None
    assert shelf.key(TASK, PROFILE, 4_001) is None
    shelf.put(None, PROFILE, MADE)
    assert shelf.get(None) is None
    assert Rankings().shelf(CANDIDATES[2:]).key(TASK, PROFILE, 10**9) is not None


def test_other_candidates_or_other_rules_begin_anew():
    rankings, rules, others = Rankings(), object(), object()
    shelf = rankings.shelf(CANDIDATES, rules)
    assert rankings.shelf(CANDIDATES, rules) is shelf
    assert rankings.shelf(CANDIDATES, others) is not shelf
    assert rankings.shelf((*CANDIDATES,), others) is not rankings.shelf(CANDIDATES, others)


def test_no_more_than_so_many_are_kept():
    shelf = Rankings().shelf(CANDIDATES)
    keys = [shelf.key(replace(TASK, type=str(n)), PROFILE, 1) for n in range(MOST + 1)]
    for key in keys:
        shelf.put(key, PROFILE, MADE)
    assert [shelf.get(key) for key in keys] == [None] * MOST + [MADE]
