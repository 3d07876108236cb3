"""Keys stay where they are: seeded everywhere, then looked for in everything that comes out."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

import aiorch
from aiorch.providers import SPECS
from aiorch.testing import ScriptedProvider
from aiorch.types import to_json

pytestmark = pytest.mark.anyio


def seeded(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A key of its own under every conventional name."""
    keys: dict[str, str] = {}
    for spec in SPECS.values():
        for variable in spec.env:
            keys[variable] = f"sk-{variable.lower().replace('_', '')}-4f9c1d7e2b8a6053"
            monkeypatch.setenv(variable, keys[variable])
    return keys


def echoing(request: httpx.Request) -> httpx.Response:
    """A provider at its worst: it repeats the key in bodies and headers, and fails in a different way each time."""
    sent = request.headers.get("authorization") or request.headers.get("x-goog-api-key") or ""
    said = f"Incorrect API key provided: {sent.removeprefix('Bearer ')}. You sent {sent}"
    if request.url.path.endswith("/models"):
        free = {
            "id": "some/model:free",
            "context_length": 8192,
            "pricing": {"prompt": "0", "completion": "0"},
        }
        return httpx.Response(200, json={"data": [free, {"id": "nova-2-lite-v1"}]})
    status = 400 + len(request.url.host) % 4
    if status == 402:
        raise httpx.ConnectError(f"cannot connect with {sent}", request=request)
    return httpx.Response(status, json={"error": {"message": said, "code": sent}}, headers={"x-echo": sent})


async def test_no_key_reaches_a_log_an_event_an_error_a_file_or_a_repr(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = seeded(monkeypatch)
    monkeypatch.setattr("aiorch.roster.embedded", lambda settings, clock: None)  # it would answer
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    events: list[Any] = []
    shown: list[str] = []
    try:
        ai = aiorch.Orchestrator(
            transport=httpx.MockTransport(echoing),
            data_dir=tmp_path,
            retention="text",
            max_attempts=40,
            timeout=1.5,
        )
        ai.on(events.append)
        shown += [
            repr(ai),
            repr(ai.settings),
            str(ai.settings),
            ai.settings.model_dump_json(),
            repr(vars(ai)),
        ]
        for prompt in ("hello", f"my key is {keys['OPENAI_API_KEY']}"):
            for call in (ai.run(prompt), ai.run(prompt, agent="coding_agent", output=list[str])):
                with pytest.raises(aiorch.ExecutionError) as failed:
                    await call
                shown += [str(failed.value), repr(failed.value), repr(vars(failed.value))]
                shown.append("".join(traceback.format_exception(failed.value)))
            with pytest.raises(aiorch.ExecutionError) as broken:
                async with ai.stream(prompt) as stream:
                    async for event in stream:
                        shown.append(repr(event))
            shown.append("".join(traceback.format_exception(broken.value)))
        shown += [repr(m) for m in await ai.models()]
        ranking = await ai.route("hello")
        shown += [repr(ranking), to_json(ranking)]
        await ai.aclose()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    shown += [repr(e) for e in events] + [to_json(e) for e in events]
    files = [f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()]
    assert len(events) > 10
    assert any(b"task.admitted" in f for f in files)
    everything = "\n".join([*shown, out.getvalue(), *(f.decode("utf-8", "replace") for f in files)])
    for name, key in keys.items():
        for form in (key, key[-16:], json.dumps(key)[1:-1]):
            at = everything.find(form)
            assert at < 0, f"{name}: ...{everything[max(0, at - 200) : at + 60]}..."


async def test_what_a_plugins_provider_raises_is_redacted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "the-secret-of-acme-7391")
    monkeypatch.setattr("aiorch.roster.embedded", lambda settings, clock: None)
    broken = RuntimeError("cannot call with the-secret-of-acme-7391")
    async with aiorch.Orchestrator(providers=[ScriptedProvider([broken])], data_dir=tmp_path) as ai:
        with pytest.raises(aiorch.AllAttemptsFailed, match=r"cannot call with \[redacted\]") as failed:
            await ai.run("hello")
    assert "7391" not in repr(failed.value.attempts)


async def test_what_a_plugins_list_raises_is_redacted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "the-secret-of-acme-7391")

    class Listless(ScriptedProvider):
        async def models(self) -> Any:
            raise RuntimeError("no list for the-secret-of-acme-7391")

    async with aiorch.Orchestrator(providers=[Listless()], data_dir=tmp_path) as ai:
        with pytest.raises(aiorch.NoModelAvailable, match=r"no list for \[redacted\]"):
            await ai.run("hello")
    assert "[redacted]" in caplog.text
    assert "7391" not in caplog.text


class Quoting:
    """A plugin of any kind that raises with what it holds."""

    name = "quoting"
    stages = frozenset({"output"})

    async def validate(self, stage: Any, content: Any, task: Any) -> Any:
        raise ValueError("cannot parse the-secret-of-acme-7391")

    async def check(self, task: Any, response: Any) -> Any:
        raise ValueError("cannot judge the-secret-of-acme-7391")

    def scan(self, text: str) -> Any:
        raise ValueError("cannot scan the-secret-of-acme-7391")


@pytest.mark.parametrize("kind", ["validators", "checks", "detectors"])
async def test_what_a_plugin_raises_is_redacted_in_the_log(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "the-secret-of-acme-7391")
    policy = tmp_path / "own.toml"
    policy.write_text('[output]\nquoting = "flag"\n')
    parts: dict[str, Any] = {kind: [Quoting()], "guard": str(policy)}
    async with aiorch.Orchestrator(providers=[ScriptedProvider(["fine"])], data_dir=tmp_path, **parts) as ai:
        refused = contextlib.nullcontext() if kind == "checks" else pytest.raises(aiorch.SecurityException)
        with refused:
            await ai.run("hello")
    assert "[redacted]" in caplog.text
    assert "quoting" in caplog.text
    assert "7391" not in caplog.text + repr([r.__dict__ for r in caplog.records])
    assert len(logging.getLogger("aiorch").filters) == 1  # however many orchestrators there were
