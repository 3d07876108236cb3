"""Quotas and routing mean the same by a name."""

from __future__ import annotations

import subprocess
import sys

import pytest

import aiorch.quotas
from aiorch.quotas import account_name, bound_to, model_name, tenant_name, user_name
from aiorch.routing.attempts import names
from aiorch.types import Deployment, Limit


@pytest.mark.parametrize("key", ["GROQ_API_KEY", None])
def test_accounts_and_models_are_named_as_routing_names_them(key: str | None) -> None:
    deployment = Deployment("groq", "qwen/qwen3", key)
    account, _, behind_key = names(deployment)
    assert account_name("groq", key) == bound_to(deployment, Limit(1, "requests", "day")) == account
    assert model_name("groq", "qwen/qwen3", key) == behind_key
    assert bound_to(deployment, Limit(1, "requests", "day", "key_model")) == behind_key


def test_nobody_shares_a_name_by_chance() -> None:
    assert len({account_name("u"), model_name("u", "u"), user_name("u"), tenant_name("u")}) == 4


def test_every_name_of_the_room_is_there() -> None:
    for name in aiorch.quotas.__all__:
        assert getattr(aiorch.quotas, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        aiorch.quotas.Nothing  # noqa: B018


def test_the_room_loads_no_database() -> None:
    code = "import sys; import aiorch.types; before = {*sys.modules}; import aiorch.quotas; "
    code += "print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "aiorch.quotas.memory" in loaded
    assert not {"sqlite3", "psycopg", "zoneinfo", "anyio", "json"} & set(loaded)
