"""The wiring: which providers come of which settings, and what plugins add."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

import aiorch
from aiorch.compose import build
from aiorch.errors import ConfigurationError, LocalModelError, MissingExtra, PluginError, UnknownProvider
from aiorch.journal import NullJournal
from aiorch.plugins import Plugin
from aiorch.providers import ProviderSpec
from aiorch.roster import address, known_specs, weights_folder
from aiorch.testing import ScriptedProvider
from aiorch.types import CheckResult, Ranking, Verdict


def names(**arguments: Any) -> list[str]:
    house = build(None, arguments, aiorch.compose.Parts())
    return house.summary().split(", ")


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The embedded model is not there, unless a test puts it there."""
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr("aiorch.providers.local.locate", lambda name, folder: None)


def test_with_nothing_set_no_provider_is_configured() -> None:
    assert names() == ["no provider configured"]


def test_every_conventional_key_name_configures_its_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = known_specs()
    for spec in specs.values():
        for variable in spec.env if spec.needs_key else ():
            with monkeypatch.context() as patched:
                for needed in (v for v in spec.variables if v.default is None and not v.optional):
                    patched.setenv(needed.env[0], "mine")
                patched.setenv(variable, "a-key-of-sixteen-letters")
                assert names() == [spec.id], variable


def test_a_key_without_the_account_that_belongs_to_it_configures_nobody_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "a-key-of-sixteen-letters")
    assert names() == ["no provider configured"]
    with pytest.raises(ConfigurationError, match="set CLOUDFLARE_ACCOUNT_ID"):
        names(providers=("cloudflare",))
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "0123")
    assert names() == ["cloudflare"]


def test_nobody_is_asked_without_a_key_unless_that_is_allowed() -> None:
    anonymous = {spec.id for spec in known_specs().values() if spec.anonymous is not None}
    assert anonymous
    assert names() == ["no provider configured"]
    assert set(names(allow_anonymous=True)) == anonymous


def test_keys_and_addresses_can_be_given_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(keys={"groq": "k" * 20}) == ["groq"]
    assert names(base_urls={"vllm": "http://10.0.0.7:8000/v1"}) == ["vllm"]
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:11434")
    assert names() == ["ollama"]


def test_only_the_providers_asked_for_are_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k" * 20)
    monkeypatch.setenv("MISTRAL_API_KEY", "k" * 20)
    assert names(providers=("groq",)) == ["groq"]
    assert names(providers=("groq", "ollama")) == ["groq", "ollama"]


def test_providers_can_be_given_as_objects_and_names_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k" * 20)
    monkeypatch.setenv("MISTRAL_API_KEY", "k" * 20)
    assert "groq>" in repr(aiorch.Orchestrator(providers=["groq"]))
    assert "mine, groq>" in repr(aiorch.Orchestrator(providers=[ScriptedProvider(name="mine"), "groq"]))
    assert "no provider" in repr(aiorch.Orchestrator(providers=[]))


@pytest.mark.parametrize("wrong", [7, ScriptedProvider, object()])
def test_what_is_no_provider_is_refused_with_what_would_be_one(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"is neither\. aiorch\.endpoint"):
        aiorch.Orchestrator(providers=[wrong])


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two providers are called 'scripted'"):
        aiorch.Orchestrator(providers=[ScriptedProvider(), ScriptedProvider()])


def test_a_provider_asked_for_without_a_key_says_which_to_set() -> None:
    with pytest.raises(ConfigurationError, match="set GROQ_API_KEY"):
        names(providers=("groq",))


def test_unknown_providers_are_refused_with_the_nearest() -> None:
    for setting in (
        {"providers": ("grok",)},
        {"base_urls": {"olama": "http://x.example"}},
        {"keys": {"gemni": "k" * 20}},
    ):
        with pytest.raises(UnknownProvider, match=r"Did you mean '(groq|ollama|gemini)'"):
            names(**setting)


def test_a_provider_that_no_longer_serves_is_refused_with_what_became_of_it() -> None:
    for setting in ({"providers": ("github-models",)}, {"keys": {"github-models": "k" * 20}}):
        with pytest.raises(
            UnknownProvider, match="GitHub Models was shut down on 2026-07-30.*HTTP 410"
        ) as caught:
            names(**setting)
        assert "Did you mean" not in str(caught.value)


def test_offline_leaves_only_what_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k" * 20)
    monkeypatch.setenv("OLLAMA_HOST", "http://localhost:11434")
    assert names(offline=True) == ["ollama"]


@pytest.mark.parametrize(
    ("host", "usual", "whole"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("0.0.0.0", "http://localhost:11434/v1", "http://0.0.0.0:11434/v1"),
        ("box:9999", "http://localhost:11434/v1", "http://box:9999/v1"),
        ("https://box.example", "http://localhost:11434/v1", "https://box.example/v1"),
        ("https://box.example/other/", "http://localhost:11434/v1", "https://box.example/other"),
    ],
)
def test_an_address_is_completed_from_the_usual_one(host: str, usual: str, whole: str) -> None:
    assert address(host, usual) == whole


def test_providers_that_train_on_free_prompts_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k" * 20)
    house = build(None, {"exclude_training": True}, aiorch.compose.Parts())
    assert "gemini" in house.line.rules.excluded


# --- the embedded model ------------------------------------------------------------------------------------------


def test_weights_lie_in_the_data_folder_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert weights_folder(aiorch.Settings(data_dir=tmp_path)) == tmp_path / "nothing"
    monkeypatch.delenv("AIORCH_WEIGHTS_DIR")
    assert weights_folder(aiorch.Settings(data_dir=tmp_path)) == tmp_path / "models"


def test_a_model_asked_for_and_not_installed_says_how_to_install_it() -> None:
    pytest.importorskip("xllamacpp")
    with pytest.raises(LocalModelError, match="aiorch local install smollm2-135m"):
        names(local_model="smollm2-135m")


def test_a_model_asked_for_without_its_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[local\]"):
        names(local_model="smollm2-135m")
    assert names() == ["no provider configured"]


def test_installed_weights_make_the_local_provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr("aiorch.providers.local.locate", lambda name, folder: tmp_path / "model.gguf")
    assert names() == ["local"]
    assert names(providers=("local",)) == ["local"]


# --- a real provider over HTTP, end to end -----------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_key_in_the_environment_is_enough_to_be_answered_by_a_live_free_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-" + "0123456789abcdef" * 4)
    asked: list[str] = []

    def openrouter(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            prices = {"prompt": "0", "completion": "0"}
            parameters = ["tools", "response_format", "structured_outputs"]
            card = {"context_length": 131072, "supported_parameters": parameters}
            listed = [
                {"id": "google/gemma-4-26b-a4b-it:free", "pricing": prices, **card},
                {"id": "nvidia/nemotron-3-ultra-550b-a55b:free", "pricing": prices, **card},
                {"id": "openai/gpt-9", "pricing": {"prompt": "0.00001", "completion": "0.00003"}, **card},
            ]
            return httpx.Response(200, json={"data": listed})
        assert request.headers["authorization"].startswith("Bearer sk-or-v1-")
        model = json.loads(request.content)["model"]
        asked.append(model)
        message = {"role": "assistant", "content": "Back-pressure slows the sender."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return httpx.Response(200, json={"model": model, "choices": [choice]})

    async with aiorch.Orchestrator(transport=httpx.MockTransport(openrouter), data_dir=tmp_path) as ai:
        outcome = await ai.run("Explain back-pressure", agent="analysis_agent")
        ranking = await ai.route("Explain back-pressure", agent="analysis_agent")
    # The profile asks for a 2024 model; its successor of today answers.
    assert asked == ["nvidia/nemotron-3-ultra-550b-a55b:free"]
    assert outcome.model == "openrouter/nvidia/nemotron-3-ultra-550b-a55b:free"
    assert outcome.cost == 0
    notes = {p.id: p.reason for p in ranking.passed_over}
    assert "successor" in notes["nousresearch/hermes-3-llama-3.1-405b:free"]
    assert "allow_paid" in notes["openrouter/openai/gpt-9#OPENROUTER_API_KEY"]


@pytest.mark.anyio
async def test_a_dead_network_is_told_with_every_provider_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_" + "a1" * 26)

    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Network is unreachable", request=request)

    async with aiorch.Orchestrator(transport=httpx.MockTransport(dead), data_dir=tmp_path) as ai:
        with pytest.raises(aiorch.AllAttemptsFailed, match=r"groq/.*api\.groq\.com cannot be reached"):
            await ai.run("hello")
        (problem,) = (await ai.route("hello")).passed_over[:1]
        assert problem.id == "groq"
        assert "its list of models could not be had" in problem.reason


# --- plugins -----------------------------------------------------------------------------------------------------


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Adds entry points for one test."""
    added: list[Plugin] = []
    monkeypatch.setattr("aiorch.plugging.declared", lambda: tuple(added))

    def add(group: str, value: Any = None, *, error: str | None = None, name: str = "mine") -> None:
        added.append(Plugin(group, name, name, "1.0", value=value, error=error))

    return add


def test_a_plugin_can_be_a_row_or_a_maker_of_a_provider(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ProviderSpec(id="acme", name="Acme", base_url="https://acme.example/v1", env=("ACME_API_KEY",))
    plugin("aiorch.providers", row)
    plugin("aiorch.providers", lambda settings: ScriptedProvider(name="made"), name="maker")
    plugin("aiorch.providers", lambda settings: None, name="without a key")
    assert names() == ["made"]
    monkeypatch.setenv("ACME_API_KEY", "k" * 20)
    assert names() == ["acme", "made"]
    assert names(providers=("acme",)) == ["acme"]
    assert names(providers=("made",)) == ["made"]
    assert names(disabled_plugins="maker") == ["acme"]
    with pytest.raises(PluginError, match="'maker' of maker 1.0 cannot be used: switched off by the setting"):
        names(disabled_plugins="maker", providers=("maker",))


def test_no_plugin_takes_the_place_of_a_built_in_provider_and_its_keys(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "k" * 20)
    plugin("aiorch.providers", ProviderSpec(id="groq", name="Groq", base_url="https://elsewhere.example/v1"))
    plugin("aiorch.providers", lambda: ScriptedProvider(name="local"), name="second")
    assert known_specs()["groq"].base_url == "https://api.groq.com/openai/v1"
    assert names() == ["groq"]
    assert "aiorch has a provider 'groq' of its own" in caplog.text
    assert "aiorch has a provider 'local' of its own" in caplog.text


@pytest.mark.anyio
async def test_a_broken_plugin_of_any_group_is_told_once_by_name_and_takes_nobody_down(
    plugin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __init__(self) -> None:
            raise RuntimeError("no licence")

    def leaves(settings: aiorch.Settings) -> None:
        raise SystemExit("go away")

    plugin("aiorch.providers", error="ImportError: no module named acme", name="acme")
    plugin("aiorch.providers", leaves, name="leaver")
    plugin("aiorch.providers", lambda settings: 5, name="five")
    plugin("aiorch.checks", Broken)
    plugin("aiorch.validators", error="SyntaxError: line 3")
    plugin("aiorch.matchers", object())
    plugin("aiorch.mcp_servers", object(), name="server")
    plugin("aiorch.providers", lambda: ScriptedProvider(["Hello."], name="whole"), name="whole")
    async with aiorch.Orchestrator() as ai:
        assert (await ai.run("hi")).value == "Hello."
        assert (await ai.run("ho")).value == "Hello."
    for said in (
        "plugin acme of acme 1.0 (aiorch.providers) cannot be used: ImportError: no module named acme",
        "plugin leaver of leaver 1.0 (aiorch.providers) cannot be used: SystemExit: go away",
        "five 1.0 (aiorch.providers) cannot be used: an object of int is no Provider: it lacks name, models(), ",
        "(aiorch.checks) cannot be used: RuntimeError: no licence",
        "(aiorch.validators) cannot be used: SyntaxError: line 3",
        "(aiorch.matchers) cannot be used: an object of object is no Matcher: it lacks name, match()",
        "server 1.0 (aiorch.mcp_servers) cannot be used: this version of aiorch has no use",
    ):
        assert caplog.text.count(said) == 1, said


@pytest.mark.anyio
async def test_validators_checks_and_tools_are_made_when_the_first_task_needs_them(plugin: Any) -> None:
    made: list[str] = []

    def lister(group: str, value: Any) -> None:
        plugin(f"aiorch.{group}", lambda: made.append(group) or value)

    lister("validators", Quiet("loud"))
    lister("checks", Quiet("kind"))
    lister("tools", aiorch.tool(_now))
    provider = ScriptedProvider(["Hello."])
    async with aiorch.Orchestrator(
        providers=[provider], profiles={"clock": {"tools": ["_now"], "primary": "scripted/model"}}
    ) as ai:
        assert made == []
        outcome = await ai.run("What time is it?")
        assert made == ["validators", "checks"]
        assert "kind" in {check.name for check in outcome.assessment.passed}
        await ai.run("What time is it?", agent="clock")
        await ai.run("And now?", agent="clock")
    assert made == ["validators", "checks", "tools"]
    assert [tool.name for tool in provider.asked[-1][1].tools] == ["_now"]


def _now() -> str:
    """The time."""
    return "noon"


class Quiet:
    """A validator, a check, a matcher and an engine, with nothing to say."""

    stages = frozenset({"input"})
    durable = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def validate(self, stage: Any, content: Any, task: Any) -> Verdict:
        return Verdict(stage, "allow")

    async def check(self, task: Any, response: Any) -> CheckResult:
        return CheckResult(self.name, True)

    async def match(self, task: Any, profile: Any, candidates: Any) -> Ranking:
        return Ranking(tuple(candidates), reason=self.name)

    async def run(self, run_id: str, version: str, body: Any, *, returns: type[Any]) -> Any:
        return await body(NullJournal())


@pytest.mark.anyio
async def test_what_code_registers_comes_before_a_plugin_of_the_same_name(plugin: Any) -> None:
    mine, theirs = Quiet("kind"), Quiet("kind")
    plugin("aiorch.checks", theirs)
    plugin("aiorch.matchers", Quiet("theirs"))
    async with aiorch.Orchestrator(
        providers=[ScriptedProvider()], checks=[mine], matcher=Quiet("mine")
    ) as ai:
        outcome = await ai.run("hi")
        assert [check.name for check in outcome.assessment.checks].count("kind") == 1
        assert ai._line.checks[-1] is mine
        assert cast("Quiet", ai.matcher).name == "mine"


@pytest.mark.anyio
async def test_a_check_that_gives_anything_else_has_found_nothing_out() -> None:
    class Plain(Quiet):
        async def check(self, task: Any, response: Any) -> Any:
            return True

    async with aiorch.Orchestrator(providers=[ScriptedProvider()], checks=[Plain("plain")]) as ai:
        (plain,) = (c for c in (await ai.run("hi")).assessment.checks if c.name == "plain")
    assert plain.passed is None
    assert "it gave bool, not a CheckResult" in plain.detail


def test_one_installed_matcher_ranks_and_of_several_the_one_that_is_named(
    plugin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def matcher(**arguments: Any) -> str:
        return aiorch.Orchestrator(providers=[ScriptedProvider()], **arguments).matcher.name

    plugin("aiorch.matchers", Quiet("a"), name="one")
    assert matcher() == "a"
    assert matcher(matcher="profile") == "profile"
    plugin("aiorch.matchers", Quiet("b"), name="two")
    assert matcher() == "profile"
    assert "several matchers are installed (a, b): choose by Orchestrator(matcher='a')" in caplog.text
    assert matcher(matcher="b") == "b"
    assert matcher(disabled_plugins=["two"]) == "a"
    with pytest.raises(PluginError, match="no matcher is called 'profil'; did you mean 'profile'"):
        matcher(matcher="profil")


@pytest.mark.anyio
async def test_a_workflow_runs_on_the_engine_that_is_named(plugin: Any) -> None:
    plugin("aiorch.engines", Quiet("calm"))
    plugin("aiorch.engines", Quiet("memory"), name="usurper")
    flow = aiorch.Workflow("two")
    flow.task(_now)
    async with aiorch.Orchestrator(providers=[ScriptedProvider()]) as ai:
        for engine in ("calm", "memory", Quiet("mine")):
            assert (await ai.execute(flow, engine=engine)).results == {"_now": "noon"}
        with pytest.raises(PluginError, match="no engine is called 'clam'; did you mean 'calm'"):
            await ai.execute(flow, engine="clam")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"checks": [Quiet("x"), Quiet("x")]}, "two checks are called 'x': another check has that name"),
        ({"checks": [Quiet("schema")]}, "two checks are called 'schema': aiorch's own check"),
        ({"checks": [Quiet]}, "checks= takes objects; Quiet is a class: pass Quiet(...)"),
        ({"checks": [object()]}, "checks=: an object of object is no Check: it lacks name, check()"),
        ({"validators": [Quiet("input_limits")]}, "aiorch's own validator has that name"),
        ({"validators": [Quiet("")]}, "calls itself '': a name is a word"),
        ({"tools": [_now]}, "tools=: an object of function is no Tool: it lacks spec, idempotent, call()"),
        ({"tools": [aiorch.tool(_now), aiorch.tool(_now)]}, "two tools are called '_now'"),
        ({"matcher": object()}, "is no Matcher: it lacks name, match()"),
        ({"stream_validators": [object()]}, "stream_validators= takes what makes them"),
        ({"providers": [ScriptedProvider(name="a/b")]}, "calls itself 'a/b': a name is a word"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_registered_is_a_typed_error_that_says_why(given: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(says)):
        aiorch.Orchestrator(**{"providers": [ScriptedProvider()], **given})


def test_building_the_house_opens_nothing_and_loads_no_client(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys, aiorch; aiorch.Orchestrator(keys={'groq': 'k' * 20}); "
        "print(sorted({'httpx', 'aiohttp', 'rich', 'xllamacpp', 'jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
