"""The setting ``shared_database``: orchestrators on different machines share limits through PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

import aiorch
from aiorch.testing import ScriptedProvider


@pytest.mark.anyio
async def test_two_machines_together_never_ask_more_than_one_limit_allows(
    tmp_path: Path, postgres_url: str
) -> None:
    answered = 0
    machines = [
        aiorch.Orchestrator(
            providers=[ScriptedProvider(["Hello."])],
            data_dir=tmp_path / name,  # nothing is shared but the database
            shared_database=SecretStr(postgres_url),
            users={"u1": {"requests_hour": 3}},
            cache="off",
        )
        for name in ("one", "two")
    ]
    try:
        for _ in range(3):
            for ai in machines:
                try:
                    await ai.scoped(user="u1").run("hi", timeout=5)
                    answered += 1
                except aiorch.AiorchError as refused:
                    assert "user:u1" in str(refused)  # noqa: PT017 - of six some have to be refused
    finally:
        for ai in machines:
            await ai.aclose()
    assert 1 <= answered <= 3


def test_the_address_is_a_secret(postgres_url: str) -> None:
    settings = aiorch.Settings(shared_database=SecretStr(postgres_url))
    assert postgres_url in settings.all_secrets()
    assert postgres_url not in repr(settings)


@pytest.mark.anyio
async def test_an_address_that_cannot_be_read_is_told_without_showing_it(tmp_path: Path) -> None:
    ai = aiorch.Orchestrator(
        providers=[ScriptedProvider(["Hello."])],
        data_dir=tmp_path,
        shared_database="postgresql://a:s3cret@[::1/x",
    )
    with pytest.raises(aiorch.AiorchError) as caught:
        await ai.run("hi")
    assert "s3cret" not in str(caught.value)
    await ai.aclose()
