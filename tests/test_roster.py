"""Several keys of one provider, and who is on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

import aiorch
from aiorch.compose import Parts, build
from aiorch.errors import NoModelAvailable, UnknownProvider
from aiorch.events import Event
from aiorch.protocols import Provider
from aiorch.providers.endpoints import endpoint
from aiorch.roster import on_this_machine
from aiorch.testing import ScriptedProvider

FIRST, SECOND = "gsk_" + "a1" * 26, "gsk_" + "b2" * 26


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr("aiorch.providers.local.locate", lambda name, folder: None)


def keys(**arguments: Any) -> dict[str, tuple[str | None, ...]]:
    return dict(build(None, arguments, Parts()).keys)


def test_numbered_variables_are_further_keys_by_their_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", FIRST)
    monkeypatch.setenv("GROQ_API_KEY_2", SECOND)
    monkeypatch.setenv("GROQ_API_KEY_10", "c" * 20)
    assert keys() == {"groq": ("GROQ_API_KEY", "GROQ_API_KEY_2")}


def test_a_numbered_key_alone_is_enough_and_one_given_twice_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY_3", FIRST)
    monkeypatch.setenv("GROQ_API_KEY_4", FIRST)
    assert keys() == {"groq": ("GROQ_API_KEY_3",)}


def test_keys_in_the_settings_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "c" * 20)
    assert keys(keys={"groq": [FIRST, f" {SECOND} ", ""]}) == {"groq": ("keys.groq", "keys.groq_2")}
    assert keys(keys={"groq": FIRST}) == {"groq": ("keys.groq",)}


@pytest.mark.anyio
async def test_the_second_key_answers_where_the_first_is_refused_and_no_key_is_ever_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", FIRST)
    monkeypatch.setenv("GROQ_API_KEY_2", SECOND)

    def groq(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(
                200, json={"data": [{"id": "openai/gpt-oss-20b", "context_window": 131072}]}
            )
        key = request.headers["authorization"].removeprefix("Bearer ")
        if key == FIRST:
            return httpx.Response(401, json={"error": {"message": f"Invalid API Key {key}", "type": "x"}})
        message = {"role": "assistant", "content": "Yes."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return httpx.Response(200, json={"model": json.loads(request.content)["model"], "choices": [choice]})

    caplog.set_level("DEBUG")
    events: list[Event] = []
    transport = httpx.MockTransport(groq)
    async with aiorch.Orchestrator(transport=transport, data_dir=tmp_path, allow_anonymous=False) as ai:
        ai.on(events.append)
        ranking = await ai.route("hi")
        outcome = await ai.run("hi")
    assert [a.deployment.key for a in outcome.attempts] == ["GROQ_API_KEY", "GROQ_API_KEY_2"]
    assert ranking.tiers[:2] == (0, 0)
    shown = [repr(ai.settings), repr(events), repr(outcome), repr(ranking), caplog.text, repr(ai)]
    shown += [p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file()]
    for text in shown:
        assert FIRST not in text
        assert SECOND not in text


# --- this machine ------------------------------------------------------------------------------------------------


def provider(address: str) -> Provider:
    return endpoint("box", address, models=["m"])


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://box.localhost/v1", True),
        ("http://10.0.0.5:8000/v1", False),
        ("http://gpu.local/v1", False),
        ("https://models.example/v1", False),
    ],
)
def test_only_the_machines_own_address_is_this_machine(address: str, here: bool) -> None:
    assert on_this_machine(provider(address)) is here


def test_who_has_no_address_says_itself_whether_it_is_here() -> None:
    parrot = ScriptedProvider()
    assert on_this_machine(parrot) is False
    parrot.local = True  # pyright: ignore[reportAttributeAccessIssue]
    assert on_this_machine(parrot) is True


@pytest.mark.anyio
async def test_private_asks_nobody_elsewhere_and_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", FIRST)
    asked: list[str] = []

    def anybody(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(500)

    transport = httpx.MockTransport(anybody)
    async with aiorch.Orchestrator(transport=transport, data_dir=tmp_path, policy="private") as ai:
        with pytest.raises(
            NoModelAvailable, match="policy private: nothing may leave this machine"
        ) as refused:
            await ai.run("a secret")
    assert asked == []
    assert "groq/" in str(refused.value)
    assert "it does not run on this machine" in str(refused.value)


@pytest.mark.anyio
async def test_a_private_profile_keeps_to_this_machine_while_others_do_not(tmp_path: Path) -> None:
    here, there = ScriptedProvider(["here"], "here"), ScriptedProvider(["there"], "there")
    here.local = True  # pyright: ignore[reportAttributeAccessIssue]
    diary = {"primary": "there/model", "route_policy": "private"}
    async with aiorch.Orchestrator(
        providers=[there, here],
        data_dir=tmp_path,
        profiles={"diary": diary, "open": {"primary": "there/model"}},
    ) as ai:
        assert (await ai.run("a", agent="diary")).text == "here"
        assert (await ai.run("a", agent="open")).text == "there"


def test_a_rotation_of_providers_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    for wrong in ({"rotation": ("grok",)}, {"weights": {"grok/m": 2}}):
        with pytest.raises(UnknownProvider, match="Did you mean 'groq'"):
            keys(**wrong)
    mine = ScriptedProvider(name="mine")
    aiorch.Orchestrator(providers=[mine], data_dir=tmp_path, rotation=("mine", "groq"))
