"""What every test stands on: both event loops, and nothing of the developer's machine."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path

import platformdirs
import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, not wrong; and the same code gets the same examples, so that a change is what a failure is
# about. HYPOTHESIS=explore looks for new ones.
exploring = os.environ.get("HYPOTHESIS") == "explore"
settings.register_profile(
    "patient", deadline=None, derandomize=not exploring, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

WEIGHTS = os.environ.get("AIORCH_WEIGHTS_DIR") or str(
    platformdirs.user_data_path("aiorch", appauthor=False) / "models"
)
"""Where the embedded model's weights lie for the person who runs the tests, found before HOME is moved."""

PYTHONPATH = os.pathsep.join(
    str(Path(p).absolute()) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p
)
"""Where other processes that a test starts find what is tested, whatever the current folder is."""

# Names under which keys and provider addresses are kept, whoever the provider is.
OF_PROVIDERS = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|APIKEY|ENDPOINT|ACCOUNT_ID|PROJECT_ID|API_BASE|CREDENTIALS)(?:_|$)"
    r"|^(?:AWS|AZURE|GOOGLE|WATSONX|OLLAMA|LMSTUDIO|VLLM|SGLANG|LOCALAI|HF)_"
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """``@pytest.mark.anyio`` tests run once on each."""
    return request.param


@pytest.fixture(autouse=True)
def _nobodys_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, an empty current folder, no keys and no settings. :returns: the home."""
    home = tmp_path_factory.mktemp("home", numbered=True)
    here = home / "here"
    here.mkdir()
    for name in tuple(os.environ):
        ours = name.startswith("AIORCH_") and name != "AIORCH_TEST_FULL"
        if ours or OF_PROVIDERS.search(name):
            monkeypatch.delenv(name)
    for name, folder in {
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home / "AppData" / "Roaming",
        "LOCALAPPDATA": home / "AppData" / "Local",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_RUNTIME_DIR": home / ".run",
    }.items():
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("AIORCH_WEIGHTS_DIR", WEIGHTS)
    if PYTHONPATH:
        monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    monkeypatch.chdir(here)
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """`scripts/test --full` skips nothing: there a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("AIORCH_TEST_FULL") == "1":
        report.outcome = "failed"
    return report
