from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aiorch.errors import PluginError
from aiorch.plugins import GROUPS, Plugin, discover

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with entry points, and modules by name, for this test only."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, points: dict[str, dict[str, str]], *, metadata: bool = True, **modules: str) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [
            line
            for group, named in points.items()
            for line in (f"[{group}]", *(f"{point} = {target}" for point, target in named.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, code in modules.items():
            (tmp_path / f"{module}.py").write_text(code)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def found(group: str = "aiorch.providers") -> dict[str, Plugin]:
    return {plugin.name: plugin for plugin in discover(group)}


def test_a_plugin_is_found_with_its_value_and_who_declares_it(install: Install) -> None:
    install(
        "aiorch-parrot",
        {"aiorch.providers": {"parrot": "fake_parrot:Parrot"}},
        fake_parrot="class Parrot: pass",
    )
    plugin = found()["parrot"]
    assert plugin.value.__name__ == "Parrot"
    assert (plugin.group, plugin.distribution, plugin.error) == (
        "aiorch.providers",
        "aiorch-parrot 1.2",
        None,
    )


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("fake_broken:thing", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("fake_broken:thing", "import does_not_exist_anywhere", "ModuleNotFoundError"),
        ("fake_broken:thing", "", "AttributeError"),
        ("fake_broken:thing", "def (", "SyntaxError"),
        ("fake_broken:thing", "import sys; sys.exit('go away')", "SystemExit: go away"),
        ("no such form", "", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_reported_by_name_and_the_others_survive(
    install: Install, target: str, code: str, says: str
) -> None:
    points = {"aiorch.checks": {"a": "fake_good:A", "bad": target, "z": "fake_good:Z"}}
    install("aiorch-mixed", points, fake_good="A = 1\nZ = 26", fake_broken=code)
    plugins = found("aiorch.checks")
    assert plugins["bad"].error is not None
    assert says in plugins["bad"].error
    assert plugins["bad"].value is None
    assert plugins["bad"].distribution == "aiorch-mixed 1.2"
    assert (plugins["a"].value, plugins["z"].value) == (1, 26)


def test_a_distribution_without_metadata_takes_nobody_down(install: Install) -> None:
    install("aiorch-torso", {"aiorch.tools": {"torso": "fake_torso:X"}}, metadata=False, fake_torso="X = 1")
    install("aiorch-whole", {"aiorch.tools": {"whole": "fake_whole:X"}}, fake_whole="X = 2")
    plugins = found("aiorch.tools")
    assert plugins["whole"].value == 2
    assert plugins["torso"].value == 1 or plugins["torso"].error


def test_an_interrupt_while_a_plugin_loads_ends_the_program(install: Install) -> None:
    install("aiorch-slow", {"aiorch.tools": {"slow": "fake_slow:X"}}, fake_slow="raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        found("aiorch.tools")


def test_plugins_of_other_groups_are_not_loaded(install: Install) -> None:
    points = {"aiorch.engines": {"e": "fake_engine:E"}, "aiorch.matchers": {"m": "fake_matcher:M"}}
    install("aiorch-two", points, fake_engine="E = 1", fake_matcher="M = 1")
    assert "e" in found("aiorch.engines")
    assert "m" not in found("aiorch.engines")
    assert "fake_matcher" not in sys.modules


def test_a_group_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(
        PluginError, match=r"unknown plugin group 'aiorch\.provider'; the groups are aiorch\.providers, "
    ):
        next(discover("aiorch.provider"))


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_can_be_asked_for(group: str) -> None:
    assert all(plugin.group == group for plugin in discover(group))


def test_nothing_is_loaded_before_it_is_asked_for(install: Install) -> None:
    install("aiorch-lazy", {"aiorch.tools": {"lazy": "fake_lazy:X"}}, fake_lazy="X = 1")
    plugins = discover("aiorch.tools")
    assert "fake_lazy" not in sys.modules
    assert "lazy" in {p.name for p in plugins}
    assert "fake_lazy" in sys.modules
