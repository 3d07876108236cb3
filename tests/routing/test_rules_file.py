from __future__ import annotations

import re
from datetime import time
from pathlib import Path

import pytest

from aiorch.errors import ConfigurationError
from aiorch.routing.pools import Hours, Rule
from aiorch.routing.rules_file import load_rules, read_rules

WHOLE = """
[pools]
night = ["local/*", "family:lfm-2.5-2.6b"]

[[rules]]
name = "nights and weekends"
task_type = ["analysis", "chat"]
agent = "analysis_agent"
tenant = "acme"
user = "u1"
complexity = "complex"
tags = { app = "x" }
min_tokens = 10
max_tokens = 4_000
between = "22:00-06:30"
days = ["sat", "sun"]
zone = "Europe/Berlin"
pool = "night"
only = true

[[rules]]
pool = ["groq/*"]
"""


def test_a_whole_file_becomes_rules() -> None:
    first, second = read_rules(WHOLE)
    assert first == Rule(
        "nights and weekends",
        "night",
        ("local/*", "family:lfm-2.5-2.6b"),
        only=True,
        task_type=("analysis", "chat"),
        agent=("analysis_agent",),
        tenant=("acme",),
        user=("u1",),
        complexity=("complex",),
        tags={"app": "x"},
        min_tokens=10,
        max_tokens=4_000,
        between=Hours(time(22), time(6, 30)),
        days=("sat", "sun"),
        zone="Europe/Berlin",
    )
    assert second == Rule("rule 2", "", ("groq/*",))
    assert read_rules("") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rules]\n", "is not TOML: .*line 1"),
        ("[rule]\na = 1", "there is no table 'rule'; did you mean 'rules'?"),
        ("rules = 3", "rules: Input should be a valid list"),
        ("rules = [3]", "rule 1: Input should be a valid"),
        ('[[rules]]\nagnt = "x"\npool = ["a"]', "rule 1: no condition is called 'agnt'; did you mean 'agent'?"),
        ('[[rules]]\nname = "n"\nagent = "x"', "n: pool: Field required"),
        ('[[rules]]\npool = "nigth"\n[pools]\nnight = ["a"]', "there is no pool 'nigth'; did you mean 'night'?"),
        ('[[rules]]\npool = ["a"]\nbetween = "25"', 'rule 1: between: a part of the day, such as "22:00-06:00"'),
        ('[[rules]]\npool = ["a"]\nbetween = "25:00-26:00"', "rule 1: between: a part of the day"),
        ('[[rules]]\npool = ["a"]\nzone = "Mars"', "rule 1: zone: a time zone that this machine knows"),
        ('[[rules]]\npool = ["a"]\ndays = "monday"', "rule 1: days.0: Input should be 'mon'"),
        ('[[rules]]\npool = ["a"]\ncomplexity = "hard"', "rule 1: complexity.0: Input should be 'simple'"),
        ('[[rules]]\npool = ["a"]\nmin_tokens = -1', "rule 1: min_tokens: Input should be greater than or equal to 0"),
        ('[[rules]]\npool = ["a"]\ntags = 3', "rule 1: tags: Input should be a valid table"),
        ('[[rules]]\npool = 3', "rule 1: pool: Input should be a valid string"),
        ("[pools]\nz = []", "pools: z: List should have at least 1 item"),
    ],
)  # fmt: skip
def test_a_mistake_names_rule_and_field_and_what_it_should_be(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_rules(text)
    assert re.search(told.replace("?", r"\?"), str(caught.value)), str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_rules('[[rules]]\npool = ["a"]\nzone = "Mars"\n[[rules]]\npool = ["b"]\nonly = "perhaps"')
    assert str(caught.value).count("\n  - ") == 2


def test_a_file_is_named_in_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "routes.toml"
    with pytest.raises(ConfigurationError, match=r"routes\.toml cannot be read"):
        load_rules(path)
    path.write_text("rules = 3", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"routes\.toml cannot be used"):
        load_rules(path)
    path.write_text(WHOLE, encoding="utf-8")
    assert len(load_rules(path)) == 2
