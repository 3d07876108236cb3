"""The guide's validate_execution: a refused input ends it, and what was done is recorded without its texts."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from aiorch.errors import SecurityException
from aiorch.guide import SecurityManager
from aiorch.safety import audit_records
from examples import validate_execution as example

pytestmark = pytest.mark.anyio
KEY = "gsk_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3aB4cD5eF6gH7"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the strict manager that the example uses here records."""
    monkeypatch.setattr(example, "security_manager", SecurityManager(guard="strict", data_dir=tmp_path))
    return tmp_path / "audit"


async def test_what_is_fine_is_valid_and_recorded_without_its_texts(folder: Path) -> None:
    assert await example.validate_execution("Write to ann@mail.net", {"said": "I wrote to her."}) is True
    (record,) = audit_records(folder)
    assert (record["event"], record["valid"]) == ("execution", True)
    assert "ann@mail.net" not in "".join(file.read_text() for file in folder.glob("audit-*.jsonl"))


async def test_an_input_that_is_refused_is_not_recorded_as_done(folder: Path) -> None:
    with pytest.raises(SecurityException, match="a key of Groq") as refused:
        await example.validate_execution(f"My key is {KEY}", "Thank you.")
    assert KEY not in str(refused.value)
    assert list(audit_records(folder)) == []


async def test_an_output_that_is_not_valid_is_warned_of_and_recorded(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await example.validate_execution("What was my key?", f"It was {KEY}") is False
    assert "Output issues: ['secrets.groq_key']" in caplog.text
    assert KEY not in caplog.text
    (record,) = audit_records(folder)
    assert record["valid"] is False
