from __future__ import annotations

from decimal import Decimal

import pytest

from aiorch.errors import SettingsError
from aiorch.settings import DEFAULTS, Allowance, Settings, set_default
from aiorch.types import Limit


def test_each_tenant_and_user_has_its_own_table_or_everybodys() -> None:
    settings = Settings(
        tenants={"acme": {"usd_day": 2, "tokens_day": 100}}, users={"*": {"requests_minute": 20}}
    )
    assert settings.allowance("tenant:acme") == Allowance(usd_day=Decimal(2), tokens_day=100)
    assert settings.allowance("tenant:other") is None
    assert settings.allowance("user:u1") == Allowance(requests_minute=20)


def test_a_table_in_the_environment_is_a_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIORCH_USERS", '{"u1": {"tokens_minute": 5}}')
    assert Settings().users == {"u1": Allowance(tokens_minute=5)}


def test_what_counts_by_the_minute_or_at_once_is_for_quotas_and_the_days_budget_is_not() -> None:
    every = Allowance(Decimal(1), 2, 3, 4, 5, 6, 7)
    assert every.limits == (
        Limit(3, "requests", "minute"),
        Limit(4, "requests", "hour"),
        Limit(5, "requests", "day"),
        Limit(6, "tokens", "minute"),
        Limit(7, "requests", "at once"),
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"tenants": {"acme": {"usd": 1}}},
            r"tenants\.acme\.usd = 1 \(an argument\): must be one of usd_day, ",
        ),
        ({"tenants": {"acme": 3}}, r"tenants\.acme = 3 .*must be a table with usd_day"),
        ({"users": {"u1": {"usd_day": -1}}}, r"users\.u1\.usd_day = -1 .*at least 0"),
        ({"weights": {"groq": -1}}, r"weights\.groq = -1 .*at least 0"),
        ({"policy": "privat"}, "'free', 'local-first', 'cloud-first' or 'private'"),
        ({"balancing": "random"}, "'preference', 'round_robin'"),
    ],
)
def test_mistakes_are_told_by_their_whole_path(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings(**wrong)


def test_a_programs_default_is_below_everything_that_people_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiorch.settings.model.DEFAULTS", {})
    set_default("timeout", 33)
    assert Settings().timeout == 33
    assert Settings(timeout=5).timeout == 5
    monkeypatch.setenv("AIORCH_TIMEOUT", "7")
    assert Settings().timeout == 7
    assert "timeout" not in DEFAULTS


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("timeuot", 3, r"unknown setting 'timeuot' \(aiorch\.guide\.config\); did you mean 'timeout'"),
        ("timeout", "never", r"timeout = 'never' \(aiorch\.guide\.config\): must be a number"),
    ],
)
def test_a_default_that_cannot_be_used_is_refused_where_it_is_set(
    name: str, value: object, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        set_default(name, value)
    assert name not in DEFAULTS
