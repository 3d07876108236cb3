"""Which plugins are used: names that are taken, what is switched off, what nobody serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import aiorch
from aiorch import SecurityException, Settings
from aiorch.errors import ConfigurationError
from aiorch.plugging import KINDS, Later, Shelf, registered
from aiorch.plugins import GROUPS, Plugin
from aiorch.providers import ProviderSpec
from aiorch.safety import Finding
from aiorch.testing import ScriptedProvider
from aiorch.types import CheckResult


class Named:
    """A check that is called anything."""

    def __init__(self, name: Any) -> None:
        self.name = name

    async def check(self, task: Any, response: Any) -> CheckResult:
        return CheckResult(self.name, True)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Adds entry points, in the order in which they are found."""
    added: list[Plugin] = []
    monkeypatch.setattr("aiorch.plugging.declared", lambda: tuple(added))

    def add(name: str, value: Any, distribution: str = "mine", group: str = "aiorch.checks") -> None:
        added.append(Plugin(group, name, distribution, "1.0", value=value))

    return add


def states(shelf: Shelf) -> dict[str, str]:
    return {p.name: p.state for p in shelf.everything()}


def test_every_group_is_served_or_says_that_it_is_not() -> None:
    assert set(GROUPS) - set(KINDS) == {"aiorch.mcp_servers"}


def test_of_two_plugins_with_one_name_the_first_comes_first(plugin: Any) -> None:
    plugin("a", Named("kind"), "ants")
    plugin("b", Named("kind"), "bees")
    first, second = Shelf().ready("aiorch.checks")
    assert (first.state, first.gives) == ("used", "kind")
    assert second.error == "ants 1.0 has a check 'kind', and comes first"


@pytest.mark.parametrize("name", ["", " kind", "a/b", "a#b", "a\nb", None, 5])
def test_a_name_has_to_be_a_word(plugin: Any, name: Any) -> None:
    plugin("a", Named(name))
    assert "calls itself" in str(Shelf().ready("aiorch.checks")[0].error)


def test_a_row_comes_before_whoever_makes_a_provider_of_its_name(plugin: Any) -> None:
    row = ProviderSpec(id="acme", name="Acme", base_url="https://acme.example/v1")
    plugin("maker", lambda: ScriptedProvider(name="acme"), "ants", "aiorch.providers")
    plugin("row", row, "bees", "aiorch.providers")
    plugin("late", lambda: row, "cats", "aiorch.providers")
    shelf = Shelf()
    assert shelf.rows() == {"acme": row}
    assert {p.name: p.error and p.error[:40] for p in shelf.everything()} == {
        "row": None,
        "maker": "bees 1.0 has a provider 'acme', and comes first"[:40],
        "late": "an object of ProviderSpec is no Provider: it lacks"[:40],
    }


@pytest.mark.parametrize("stages", [None, {"everywhere"}, ["input"], "input"])
def test_stages_that_nobody_has_are_refused_before_a_task_meets_them(plugin: Any, stages: Any) -> None:
    class Odd(Named):
        def __init__(self) -> None:
            super().__init__("odd")
            self.stages = stages

        async def validate(self, stage: Any, content: Any, task: Any) -> None:
            return None

    plugin("a", Odd(), group="aiorch.validators")
    assert "has the stages" in str(Shelf().ready("aiorch.validators")[0].error)
    with pytest.raises(ConfigurationError, match="has the stages"):
        registered("aiorch.validators", [Odd()])


class Codenames:
    name = "codenames"

    def scan(self, text: str) -> list[Any]:
        return []


def test_a_detector_is_used_when_it_fits_and_has_a_name_of_its_own(plugin: Any) -> None:
    class Ours(Codenames):
        name = "secrets"

    plugin("a", Codenames, group="aiorch.detectors")
    plugin("b", Ours, group="aiorch.detectors")
    plugin("c", Named("d"), group="aiorch.detectors")
    used, ours, unfit = Shelf().ready("aiorch.detectors")
    assert (used.state, used.gives) == ("used", "codenames")
    assert ours.error == "aiorch has a detector 'secrets' of its own"
    assert "is no Detector: it lacks scan()" in str(unfit.error)
    with pytest.raises(ConfigurationError, match="two detectors are called 'secrets'"):
        registered("aiorch.detectors", [Ours()])


@pytest.mark.anyio
async def test_a_detector_that_a_plugin_gives_is_asked(plugin: Any, tmp_path: Path) -> None:
    class Everywhere(Codenames):
        def scan(self, text: str) -> list[Any]:
            return [Finding("codenames.any", (0, 1), 1.0, "a letter")]

    plugin("a", Everywhere, group="aiorch.detectors")
    policy = tmp_path / "policy.toml"
    policy.write_text('[input]\ncodenames = "block"\n')
    async with aiorch.Orchestrator(
        providers=[ScriptedProvider(["Yes."])], data_dir=tmp_path, guard=str(policy)
    ) as ai:
        with pytest.raises(SecurityException, match="a letter"):
            await ai.run("hi")


def test_a_name_that_cannot_be_had_is_refused(plugin: Any) -> None:
    class Unspecified:
        spec, idempotent = object(), True

        async def call(self, arguments: Any) -> str:
            return ""

    plugin("a", Unspecified(), group="aiorch.tools")
    assert "AttributeError" in str(Shelf().ready("aiorch.tools")[0].error)


@pytest.mark.parametrize("off", ["bee", "bee-keeper", "Bee_Keeper"])
def test_what_is_switched_off_by_name_or_package_is_not_even_imported(
    plugin: Any, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    def never() -> None:
        raise AssertionError("it is switched off")

    monkeypatch.setenv("AIORCH_DISABLED_PLUGINS", off)
    plugin("bee", never, "bee.keeper")
    plugin("ant", Named("ant"), "ants")
    assert states(Shelf(Settings())) == {"ant": "used", "bee": "idle"}


def test_switching_off_what_is_not_installed_is_told(plugin: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert Shelf(Settings(disabled_plugins=("bea",)), tells=True).declared == ()
    assert "the setting disabled_plugins names bea, and nothing of that name is installed" in caplog.text


def test_a_key_in_what_a_broken_plugin_says_is_not_shown(
    plugin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the key sk-secret is refused")

    plugin("a", broken)
    shelf = Shelf(None, lambda text: text.replace("sk-secret", "***"), tells=True)
    assert shelf.values("aiorch.checks") == ()
    assert "the key *** is refused" in caplog.text
    assert "sk-secret" not in caplog.text + str(shelf.everything())


def test_without_plugins_what_is_ours_stays_a_tuple_and_with_them_it_waits() -> None:
    assert Shelf().joined((1, 2), "aiorch.engines", ()) == (1, 2)
    asked: list[int] = []
    later = Later(lambda: (asked.append(1), 5))
    assert asked == []
    assert (len(later), later[1], later[1:], list(later)) == (2, 5, (5,), [None, 5])
    assert asked == [1]
