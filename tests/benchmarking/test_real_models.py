"""A real model, in this process and behind a server that was not written here: a few questions, a minute at most."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import anyio
import pytest
from tests.providers.local.server import RunningServer, find_weights, needs_engine, running_server

from aiorch.benchmarking import MIGRATIONS, SUITE, Suite, benchmark
from aiorch.benchmarking.records import Record, Records
from aiorch.catalog import key_names
from aiorch.protocols import Provider
from aiorch.providers.local import DEFAULT, LocalProvider
from aiorch.store import Store
from aiorch.types import Candidate, Deployment

pytestmark = [pytest.mark.weights, pytest.mark.anyio]

CONTEXT = 1024
SHORT = Suite(SUITE.name, tuple(SUITE[name] for name in ("oslo", "visitor", "rolls", "crate")))


@pytest.fixture(scope="module")
def weights() -> Path:
    needs_engine()
    return find_weights()


@pytest.fixture(scope="module")
def embedded(weights: Path) -> Generator[LocalProvider]:
    provider = LocalProvider(weights, context=CONTEXT)
    yield provider
    anyio.run(provider.aclose)


@pytest.fixture(scope="module")
def server(weights: Path) -> Generator[RunningServer]:
    with running_server(weights, context=CONTEXT) as running:
        yield running


async def run(provider: Provider) -> tuple[Record, ...]:
    """Measure its model twice over: the second run finds everything there."""
    cards = await provider.models()
    there = [Candidate(Deployment(c.provider, c.model, key_names(provider)[0]), c) for c in cards]
    store = Store.in_memory(MIGRATIONS)
    try:
        report = await benchmark(there, [provider], store, suite=SHORT)
        again = await benchmark(there, [provider], store, suite=SHORT)
        assert (report.waiting, again.asked) == (0, 0)
        assert [one.card for one in report.measured] == [f"{provider.name}/{DEFAULT}"]
        return tuple(await Records(store).of(SUITE.name))
    finally:
        await store.aclose()


def plausible(record: Record) -> None:
    """Measures of a small model on a processor."""
    assert record.passed is not None, record
    assert record.input_tokens > 10
    assert 0 < record.output_tokens <= record.allowed
    assert record.first_token is not None
    assert 0 < record.first_token < record.seconds < 60
    if record.output_tokens > 60:
        assert record.tokens_per_second is not None
        assert 1 < record.tokens_per_second < 10_000


async def test_the_embedded_model_is_measured(embedded: LocalProvider):
    records = {record.item: record for record in await run(embedded)}
    assert records.keys() == {"oslo", "visitor", "rolls"}, (
        "the register does not fit 1,024 tokens, so it is not sent"
    )
    for record in records.values():
        plausible(record)
    assert records["oslo"].passed, "a question that it is known to answer"


async def test_a_model_behind_any_compatible_server_is_measured(server: RunningServer):
    from pydantic import SecretStr

    from aiorch.net import Transport
    from aiorch.providers import SPECS, HTTPProvider

    transport = Transport()
    key = SecretStr(server.key)
    provider = HTTPProvider(
        SPECS["llamacpp"], transport, keys={"LLAMA_API_KEY": key}, base_url=f"{server.url}/v1"
    )
    try:
        records = {record.item: record for record in await run(provider)}
    finally:
        await transport.aclose()
    for name in ("oslo", "visitor", "rolls"):
        plausible(records[name])
    if "crate" in records:  # its list tells the context that the model was trained for, not the server's
        assert (records["crate"].passed, records["crate"].failure) == (None, "context")
