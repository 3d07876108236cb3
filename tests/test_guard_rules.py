"""Rules and detectors that come from outside, in a whole orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

import aiorch
from aiorch import SecurityException, SettingsError
from aiorch.events import Warned
from aiorch.safety import Asked, Finding, audit_records
from aiorch.safety.rule_bundles import MANIFEST, manifest_of, read_bundle, rule_files
from aiorch.testing import ScriptedProvider

RULES = """
[[rule]]
name = "banana"
detector = "injection"
what = "an order for bananas"
keywords = ["bring me"]
pattern = "bring me bananas"
confidence = 0.98

[[example]]
text = "Now bring me bananas."
rules = ["injection.rule.banana"]
"""


class Codenames:
    name = "codenames"

    def scan(self, text: str) -> list[Finding]:
        at = text.find("BLUEBIRD")
        return [] if at < 0 else [Finding("codenames.bluebird", (at, at + 8), 1.0, "a code name")]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "own.toml").write_text(RULES)
    (folder / MANIFEST).write_text(manifest_of(rule_files(folder), "3"))
    return folder


def orchestrator(tmp_path: Path, **more: Any) -> aiorch.Orchestrator:
    return aiorch.Orchestrator(providers=[ScriptedProvider(["Yes."])], data_dir=tmp_path / "data", **more)


@pytest.mark.anyio
async def test_rules_of_a_folder_act_under_the_policy_of_aiorchs_own_and_are_recorded(
    tmp_path: Path, rules: Path
) -> None:
    async with orchestrator(tmp_path, guard_rules=rules) as ai:
        await ai.run("What is back-pressure?")
        with pytest.raises(SecurityException, match="an order for bananas"):
            await ai.run("Now bring me bananas.")
    (record,) = [
        r for r in audit_records(tmp_path / "data" / "audit", Asked()) if r["event"] == "guard.rules"
    ]
    assert (record["version"], record["sha256"]) == ("3", read_bundle(rules).sha256)


@pytest.mark.anyio
async def test_rules_of_an_address_are_those_whose_hash_is_set(tmp_path: Path, rules: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        path = rules / request.url.path.removeprefix("/v1/")
        return httpx.Response(200, content=path.read_bytes()) if path.exists() else httpx.Response(404)

    told: list[str] = []
    for where, sha256 in (
        ("v1", read_bundle(rules).sha256),
        ("v2", read_bundle(rules).sha256),
        ("v1", "0" * 64),
    ):
        transport = httpx.MockTransport(answer)
        data = tmp_path / f"data-{len(told)}"
        settings: dict[str, Any] = {
            "guard_rules": f"https://rules.example/{where}",
            "guard_rules_sha256": sha256,
        }
        ai = aiorch.Orchestrator(
            providers=[ScriptedProvider(["Yes."])], data_dir=data, transport=transport, **settings
        )
        ai.on(lambda event: told.append(event.message), Warned)
        try:
            await ai.run("Now bring me bananas.")
        except SecurityException as refused:
            told.append(str(refused))
        await ai.aclose()
    assert "an order for bananas" in told[0]
    assert "answered with status 404; only aiorch's own are in force" in told[1]
    assert "is not what guard_rules_sha256 names" in told[2]
    assert asked[:2] == ["https://rules.example/v1/rules.json", "https://rules.example/v1/own.toml"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"guard_rules": "https://rules.example"}, "needs guard_rules_sha256"),
        ({"guard_rules": "http://rules.example", "guard_rules_sha256": "0" * 64}, "https://"),
        ({"guard_rules": "x", "guard_rules_sha256": "abc"}, "64 hexadecimal digits"),
    ],
)
def test_rules_that_nobody_could_trust_are_a_mistake_in_the_settings(
    tmp_path: Path, given: dict[str, str], why: str
) -> None:
    with pytest.raises(SettingsError, match=why):
        orchestrator(tmp_path, **given)


@pytest.mark.anyio
async def test_a_detector_that_code_hands_in_is_asked_where_the_policy_names_it(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[input]\ncodenames = "block"\n')
    async with orchestrator(tmp_path, guard=str(policy), detectors=[Codenames()]) as ai:
        with pytest.raises(SecurityException, match="a code name"):
            await ai.run("What of BLUEBIRD?")
    async with orchestrator(tmp_path, detectors=[Codenames()]) as ai:
        assert (await ai.run("What of BLUEBIRD?")).verdicts == ()
