from __future__ import annotations

from pathlib import Path

import pytest

from aiorch.errors import ConfigurationError
from aiorch.workflow.durable.address import Address


def test_two_ways_to_write_a_file_are_one_address() -> None:
    here = Path.cwd()
    assert Address.parse("sqlite:///runs.db") == Address.parse(f"sqlite:///{here}/runs.db")
    assert Address.parse("sqlite:///~/runs.db").shown == str(Path.home() / "runs.db")


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_is_shown_without_its_password(prefix: str) -> None:
    address = Address.parse(f"{prefix}://me:hush@db.example:5433/runs?sslmode=require")
    assert str(address) == "PostgreSQL at db.example:5433/runs"
    assert "hush" not in repr(address)
    assert address.url == "postgresql+psycopg://me:hush@db.example:5433/runs?sslmode=require"


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:", "mysql://me:hush@host/runs"])
def test_anything_else_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Address.parse(url)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["sqlite:runs.db", "sqlite:/runs.db", "sqlite://runs.db", "SQLite:///runs.db"]
)
def test_a_file_written_in_another_way_is_told_how_to_write_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as sqlite:///runs.db$"):
        Address.parse(url)
