"""The names that readers of the integration guide try, as the guide writes them. One test a snippet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aiorch
from aiorch import guide
from aiorch.catalog import SEED, index, resolve
from aiorch.routing import Profiles
from aiorch.types import Candidate, Deployment

ROOT = Path(__file__).parent.parent


def test_agent_profiles_are_the_guides_and_every_model_of_theirs_resolves_to_a_free_one_today() -> None:
    seeded = [c for cards in SEED.values() for c in cards]
    known = index([Candidate(Deployment(c.provider, c.model, "KEY"), c) for c in seeded])
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
