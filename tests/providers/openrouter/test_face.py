"""The room's face: every name is there, and is loaded only when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiorch.providers import openrouter


def test_every_name_is_there() -> None:
    assert sorted(openrouter.__all__) == sorted(openrouter._FILES)
    assert all(getattr(openrouter, name) is not None for name in openrouter.__all__)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match=r"aiorch\.providers\.openrouter' has no attribute 'Nothing'"):
        _ = openrouter.Nothing


def test_a_chat_loads_neither_options_nor_accounts() -> None:
    code = (
        "import sys; from aiorch.providers.dialect import dialect_named; dialect_named('openrouter');"
        "print([m for m in ('options', 'preferences', 'variants', 'account', 'hosts', 'api', 'queries')"
        " if f'aiorch.providers.openrouter.{m}' in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
