"""The names that readers of the integration guide try, as the guide writes them. One test a snippet."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.safety.keys import of_providers

import aiorch
from aiorch import guide
from aiorch.catalog import index, resolve
from aiorch.catalog.embedded import embedded_all
from aiorch.routing import Profiles
from aiorch.testing import ScriptedProvider
from aiorch.types import Candidate, Deployment, Lifecycle, ModelCard

ROOT = Path(__file__).parent.parent


def test_agent_profiles_are_the_guides_and_every_model_of_theirs_resolves_to_a_free_one_today() -> None:
    embedded = [c for cards in embedded_all().values() for c in cards]
    known = index([Candidate(Deployment(c.provider, c.model, "KEY"), c) for c in embedded])
    for agent in ("coding_agent", "database_agent", "analysis_agent"):
        profile = Profiles()[agent]
        described = guide.AGENT_PROFILES[agent]
        assert profile.primary == described["primary"]
        assert list(profile.fallbacks) == described["fallbacks"]
        for name in profile.models("complex"):
            resolved = resolve(name, known)
            assert resolved.candidates, f"{name}: {resolved.note}"
            assert all(c.card.costs_nothing for c in resolved.candidates)


def test_agent_profiles_can_be_edited_before_an_orchestrator_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(
        guide.AGENT_PROFILES, "legal_agent", {"primary": "amazon/nova-2-lite-v1:free", "fallbacks": []}
    )
    ai = aiorch.Orchestrator(providers=[], data_dir=tmp_path)
    assert ai._house.line.profiles["legal_agent"].primary == "amazon/nova-2-lite-v1:free"


def test_security_exception_is_what_a_refused_input_raises() -> None:
    assert guide.SecurityException is aiorch.SecurityException
    raised = guide.SecurityException("no")
    assert isinstance(raised, Exception)


def test_cp_env_example_env_gives_settings_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    monkeypatch.chdir(tmp_path)
    assert aiorch.Settings.load().allow_paid is False


def test_pip_install_r_requirements_names_the_package_and_what_the_tests_need() -> None:
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "-e .[local,test]" in wanted
    assert "-c requirements-dev.lock" in wanted


def test_python_scripts_initialize_system_writes_env_and_settings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "initialize_system.py"), "--yes", "--offline"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".env").exists()
    assert (tmp_path / "aiorch.toml").exists()


@pytest.mark.anyio
async def test_get_enhanced_discovery_says_what_is_available(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIORCH_OFFLINE", "true")
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", "nowhere")
    get_enhanced_discovery = guide.get_enhanced_discovery

    discovery = get_enhanced_discovery()
    available = await discovery.discover_all_providers()
    print(f"Available models: {sum(len(m) for m in available.values())}")

    assert capsys.readouterr().out == "Available models: 0\n"  # no key, no network
    assert len(available) >= 15
    assert available["groq"] == ()
    assert available.summary["total_models"]["listed"] == len(available.discovery.where(retired=False))
    assert repr(available) == f"<models that can be used now of {len(available)} providers: none>"


@pytest.mark.anyio
async def test_available_models_are_those_that_can_be_used_now(tmp_path: Path) -> None:
    cards = [
        ModelCard("parrot", "p", free="local"),
        ModelCard("parrot", "paid", free="none"),
        ModelCard("parrot", "gone", free="local", lifecycle=Lifecycle("retired")),
    ]
    parrot = ScriptedProvider(name="parrot", cards=cards)
    parrot.local = True  # pyright: ignore[reportAttributeAccessIssue]
    discovery = guide.get_enhanced_discovery(providers=[parrot], data_dir=tmp_path, offline=True)
    available = await discovery.discover_all_providers()
    assert [(name, [c.model for c in cards]) for name, cards in available.items() if cards] == [
        ("parrot", ["p"])
    ]
    assert "parrot: 1" in repr(available)


def test_python_m_discover_all_models_prints_the_guides_numbers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "discover_all_models"],
        cwd=tmp_path,
        env={**os.environ, "AIORCH_OFFLINE": "true", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert set(numbers) == {"total_models", "free_models", "providers", "benchmarked"}
    assert all(set(one) == {"listed", "usable_now"} for one in numbers.values())
    assert numbers["total_models"]["listed"] >= numbers["free_models"]["listed"] > 0


def test_discover_all_models_says_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "discover_all_models"],
        cwd=tmp_path,
        env={**os.environ, "AIORCH_TIMEOUT": "never", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "AIORCH_TIMEOUT" in done.stderr
    assert "Traceback" not in done.stderr


def cleared() -> None:
    for name in ("enable_multi_provider_lb", "providers_rotation", "policy"):
        delattr(guide.config, name)


@pytest.mark.anyio
async def test_config_enables_load_balancing_over_providers_in_their_rotation(tmp_path: Path) -> None:
    config = guide.config
    try:
        config.enable_multi_provider_lb = True
        config.providers_rotation = ["gemini", "groq", "openrouter"]

        assert config.enable_multi_provider_lb is True
        assert config.providers_rotation == ("gemini", "groq", "openrouter")
        three = [
            ScriptedProvider(name=name, cards=[ModelCard(name, "m", free="free_quota")])
            for name in ("openrouter", "groq", "gemini")
        ]
        async with aiorch.Orchestrator(providers=three, data_dir=tmp_path, cache="off") as ai:
            assert ai.settings.balancing == "round_robin"
            asked = [(await ai.run(f"question {number}")).model for number in range(6)]
        assert asked == ["gemini/m", "groq/m", "openrouter/m"] * 2
    finally:
        cleared()
    assert config.enable_multi_provider_lb is False
    assert aiorch.Orchestrator(providers=[], data_dir=tmp_path).settings.rotation == ()


def test_config_refuses_what_it_does_not_know_and_values_that_cannot_be_used() -> None:
    config = guide.config
    try:
        for name, value, said in (
            ("enable_multi_provider_bl", True, "did you mean 'enable_multi_provider_lb'"),
            ("enable_multi_provider_lb", "yes", "must be True or False"),
            ("providers_rotation", "gemini", "must be a list"),
            ("policy", "secret", "policy = 'secret'"),
        ):
            with pytest.raises(aiorch.SettingsError, match=said):
                setattr(config, name, value)
        config.policy = "local-first"
        assert aiorch.Settings.load().policy == config.policy == "local-first"
        config.enable_multi_provider_lb = False
        assert config.timeout == 120.0
        with pytest.raises(AttributeError, match="no setting 'nothing'"):
            _ = config.nothing
    finally:
        cleared()


@pytest.mark.anyio
async def test_matcher_overrides_the_model_for_a_task(tmp_path: Path) -> None:
    matcher = guide.matcher
    try:
        matcher.override_model_for_task(
            task_type="analysis", model="nousresearch/hermes-3-llama-3.1-405b:free"
        )
        parrot = ScriptedProvider(
            name="openrouter",
            cards=[
                ModelCard("openrouter", "z-ai/glm-5.2:free", free="zero_price", parameters=2 * 10**12),
                ModelCard("openrouter", "nvidia/nemotron-3-ultra-550b-a55b:free", free="zero_price"),
            ],
        )
        async with aiorch.Orchestrator(providers=[parrot], data_dir=tmp_path) as ai:
            plain = aiorch.Task.of("What does this table say?")
            typed = dataclasses.replace(plain, type="analysis")
            assert (await ai.route(plain)).candidates[0].card.model == "z-ai/glm-5.2:free"
            # The model of the guide has ended; its successor of today comes first in its place.
            assert (await ai.route(typed)).candidates[
                0
            ].card.model == "nvidia/nemotron-3-ultra-550b-a55b:free"
            assert ai.matcher.name == "profile"
    finally:
        matcher.override_model_for_task(task_type="analysis", model=None)
    assert guide.TASK_MODELS == {}


@pytest.mark.anyio
async def test_validate_execution_of_the_guide(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    SecurityException = guide.SecurityException
    logger = logging.getLogger("mine")
    security_manager = guide.SecurityManager(data_dir=tmp_path)

    async def validate_execution(input_data, output_data):
        # Stage 1: Input validation
        input_check = security_manager.sanitize_input(input_data)
        if not input_check["safe"]:
            raise SecurityException(input_check["issues"])

        # Stage 2: Output validation
        output_check = security_manager.validate_output(output_data)
        if not output_check["valid"]:
            logger.warning(f"Output issues: {output_check['issues']}")

        # Stage 3: Audit logging
        security_manager.log_execution(input_data, output_data)

        return output_check["valid"]

    key = of_providers(random.Random(8))["openai_key"]
    assert await validate_execution("Sum this up.", "It is short.") is True
    with pytest.raises(aiorch.SecurityException, match="input was refused.*too_long"):
        await validate_execution("x" * 200_000, "Long.")
    assert security_manager.sanitize_input(f"Is {key} right?")["sanitized"] == "Is [redacted] right?"
    assert security_manager.validate_output(f"It is {key}.")["output"] == "It is [redacted]."
    security_manager = guide.SecurityManager(data_dir=tmp_path, guard="strict")
    assert await validate_execution("And the key?", f"It is {key}.") is False
    assert "secrets.openai_key" in caplog.text
    assert key not in caplog.text
    records = [
        json.loads(line)
        for file in sorted((tmp_path / "audit").glob("audit-*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    assert [r["event"] for r in records if r["event"] == "execution"] == ["execution"] * 2


def test_the_guides_security_manager_takes_its_settings_when_it_is_first_asked(tmp_path: Path) -> None:
    assert guide.security_manager.sanitize_input("Hello") == {
        "safe": True,
        "issues": (),
        "action": "allow",
        "sanitized": "Hello",
    }


def test_workflow_validation_rules_are_the_guides() -> None:
    assert guide.WORKFLOW_VALIDATION_RULES == {
        "dependency_checks": ["no_circular_dependencies", "all_dependencies_exist", "dependency_order_valid"],
        "resource_checks": ["api_keys_available", "sufficient_quota", "models_accessible"],
        "feasibility_checks": [
            "estimated_time_reasonable",
            "estimated_cost_acceptable",
            "complexity_manageable",
        ],
    }


def test_identify_parallel_groups_draws_the_guides_picture() -> None:
    @dataclasses.dataclass
    class Task:
        id: int
        dependencies: tuple[int, ...] = ()

    tasks = [Task(1), Task(2), Task(3), Task(4, (1, 2, 3))]
    identify_parallel_groups = guide.identify_parallel_groups

    groups = identify_parallel_groups(tasks)

    assert groups == [tasks[:3], tasks[3:]]
