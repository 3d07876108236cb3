"""What follows from a finding is what the policy says: presets, own files, and mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import SettingsError
from aiorch.safety.policy import (
    ACTIONS,
    BALANCED,
    OFF,
    PERMISSIVE,
    PRESETS,
    STAGES,
    STRENGTH,
    STRICT,
    policy_of,
    read_policy,
)


def test_the_longest_name_that_fits_counts():
    policy = read_policy({"input": {"secrets": "block", "secrets.aws": "flag"}})
    assert policy.action("input", "secrets.aws.access_key", 1.0) == "flag"
    assert policy.action("input", "secrets.awsome", 1.0) == "block"
    assert policy.action("input", "secretsandmore", 1.0) == "allow"


def test_of_graded_actions_the_strongest_whose_confidence_is_reached_holds():
    policy = read_policy({"input": {"injection.score": {"flag": 0.5, "ask": 0.9, "block": 0.99}}})
    said = [policy.action("input", "injection.score", c) for c in (0.4, 0.5, 0.9, 0.98, 1.0)]
    assert said == ["allow", "flag", "ask", "ask", "block"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stricter_preset_never_does_less(stage):
    named = {name for preset in PRESETS.values() for name in preset.stages.get(stage, {})}
    for rule in {f"{name}.any" for name in named if not any(n.startswith(f"{name}.") for n in named)}:
        weak, middle, strong = (STRENGTH[p.action(stage, rule, 1.0)] for p in (PERMISSIVE, BALANCED, STRICT))
        assert weak <= middle <= strong, rule
        assert OFF.action(stage, rule, 1.0) == "allow"


def test_no_preset_shows_a_key_and_no_score_blocks():
    for preset in (PERMISSIVE, BALANCED, STRICT):
        assert preset.action("output", "secrets.any", 1.0) in ("redact", "block")
        for stage in STAGES:
            assert preset.action(stage, "injection.score", 1.0) != "block"


def test_whom_nothing_follows_from_need_not_look():
    policy = read_policy({"base": "off", "input": {"pii.email": "flag", "harmful": "allow"}})
    assert policy.looks_for("input", "pii")
    assert not policy.looks_for("input", "harmful")
    assert not policy.looks_for("output", "pii")


def test_a_file_says_it_on_top_of_its_base(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text('base = "strict"\nspotlight = "found"\n[input]\npii = "flag"\n[style]\nsecrets = "mask"\n')
    policy = policy_of(own)
    assert policy == policy_of(str(own))
    assert (policy.name, policy.spotlight) == ("own", "found")
    assert policy.action("input", "pii.email", 1.0) == "flag"
    assert policy.action("output", "pii.email", 1.0) == "redact"
    assert (policy.styled("secrets.groq_key"), policy.styled("pii.email"), policy.styled("x")) == (
        "mask",
        "pseudonym",
        "remove",
    )


def test_every_mistake_is_named_at_once():
    table = {
        "base": "strct",
        "inptu": {},
        "input": {"pii": "hide", "injection": {"ask": 2}},
        "output": "block",
        "style": {"pii": "blur"},
        "spotlight": True,
    }
    with pytest.raises(SettingsError) as wrong:
        read_policy(table)
    for piece in ("'strct'", "'inptu'", "'hide'", "ask = 2", "[output]", "'blur'", "spotlight = True"):
        assert piece in str(wrong.value)
    with pytest.raises(SettingsError, match=r"\[style\] must be a table"):
        read_policy({"style": 1})


@pytest.mark.parametrize(
    ("value", "said"),
    [("strickt", "did you mean 'strict'"), ("no/such.toml", "cannot be read"), ("bad.toml", "is no TOML")],
)
def test_what_cannot_be_used_is_refused_with_what_can(value: str, said: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text("input = [")
    with pytest.raises(SettingsError, match=said):
        policy_of(value)


NAMES = st.sampled_from(["input", "secrets", "base", "style", "flag"]) | st.text(max_size=3)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN)
def test_any_table_is_a_policy_or_a_settings_error(table):
    try:
        policy = read_policy(table if isinstance(table, dict) else {"input": table})
    except SettingsError:
        return
    assert policy.action("input", "secrets.x", 0.5) in ACTIONS
