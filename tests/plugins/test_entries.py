"""What is read of installed distributions, however badly they are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.plugins.conftest import Install

from aiorch.plugins import GROUPS, Plugin, declared


def found(group: str = "aiorch.providers") -> dict[str, Plugin]:
    return {plugin.name: plugin for plugin in declared() if plugin.group == group}


def test_a_plugin_is_found_with_who_declares_it_and_nothing_of_it_is_imported(install: Install) -> None:
    points = {"aiorch.providers": {"parrot": "fake_parrot:Parrot"}}
    install("aiorch-parrot", points, fake_parrot="raise RuntimeError")
    assert found() == {
        "parrot": Plugin("aiorch.providers", "parrot", "aiorch-parrot", "1.2", "fake_parrot:Parrot")
    }
    assert found()["parrot"].source == "aiorch-parrot 1.2"
    assert "fake_parrot" not in sys.modules


def test_plugins_come_in_the_order_of_groups_distributions_and_names(install: Install) -> None:
    install("zebra", {"aiorch.providers": {"b": "z:b", "a": "z:a"}, "aiorch.tools": {"t": "z:t"}})
    install("Ant", {group: {"x": "ant:x"} for group in reversed(GROUPS)})
    assert [(p.group, p.distribution, p.name) for p in declared() if p.distribution in ("zebra", "Ant")] == [
        ("aiorch.providers", "Ant", "x"),
        ("aiorch.providers", "zebra", "a"),
        ("aiorch.providers", "zebra", "b"),
        ("aiorch.matchers", "Ant", "x"),
        ("aiorch.validators", "Ant", "x"),
        ("aiorch.detectors", "Ant", "x"),
        ("aiorch.checks", "Ant", "x"),
        ("aiorch.tools", "Ant", "x"),
        ("aiorch.tools", "zebra", "t"),
        ("aiorch.mcp_servers", "Ant", "x"),
        ("aiorch.engines", "Ant", "x"),
    ]


def test_a_group_that_does_not_exist_is_refused_with_the_one_that_was_meant(install: Install) -> None:
    install("typo", {"aiorch.provider": {"parrot": "x:X"}, "aiorch.zzz": {"y": "x:X"}})
    said = {p.name: p.error for p in declared() if p.distribution == "typo"}
    assert said["parrot"] == "there is no group 'aiorch.provider'; did it mean 'aiorch.providers'?"
    assert "there is no group 'aiorch.zzz': aiorch.providers, " in str(said["y"])


@pytest.mark.parametrize("points", [b"[aiorch.tools]\nno equals sign\n", b"[aiorch.tools]\na = b:c\nhalf"])
def test_entry_points_that_cannot_be_read_are_refused_by_distribution(
    install: Install, points: bytes
) -> None:
    install("aiorch-torn", points)
    install("aiorch-whole", {"aiorch.tools": {"whole": "fake_whole:X"}})
    (torn,) = (p for p in declared() if p.distribution == "aiorch-torn")
    assert "its entry_points.txt cannot be read" in str(torn.error)
    assert found("aiorch.tools")["whole"].error is None


def test_packages_that_are_no_plugins_are_no_concern_however_broken(install: Install) -> None:
    install("latin", "[aiorch.tools]\nä = b:c\n".encode("latin-1"))
    install("other", {"console_scripts": {"aiorch-other": "aiorch.cli:main"}})
    assert not {p.distribution for p in declared()} & {"latin", "other"}


def test_a_distribution_without_metadata_goes_by_the_name_of_its_folder(install: Install) -> None:
    install("aiorch-torso", {"aiorch.tools": {"torso": "fake_torso:X"}}, metadata=False)
    assert found("aiorch.tools")["torso"].source == "aiorch_torso-1.2.dist-info"


def test_the_same_distribution_twice_on_the_path_is_one(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = {"aiorch.tools": {"saw": "saws:saw"}}
    info = install("saws", points)
    install("saws", points, folder="second")
    monkeypatch.setattr(sys, "path", [*sys.path, str(info.parent)])
    assert len([p for p in declared() if p.distribution == "saws"]) == 1


def test_of_two_versions_of_a_distribution_the_first_on_the_path_counts_and_the_other_is_told(
    install: Install,
) -> None:
    install("aiorch-saws", {"aiorch.tools": {"saw": "saws:saw"}}, version="1.0", folder="behind")
    install("aiorch_saws", {"aiorch.tools": {"saw": "saws:saw"}}, version="2.0", folder="before")
    first, second = sorted((p for p in declared() if "saws" in p.distribution), key=lambda p: p.error or "")
    assert (first.version, first.error) == ("2.0", None)
    assert second.version == "1.0"
    assert second.error == (
        "aiorch-saws is installed twice, and 2.0 is found first: uninstall both, install one"
    )


def test_extras_of_an_entry_point_are_told_apart_from_what_it_names(install: Install) -> None:
    install("aiorch-fast", {"aiorch.tools": {"fast": "fast.tools:run [speed, gpu]"}})
    plugin = found("aiorch.tools")["fast"]
    assert (plugin.target, plugin.extras) == ("fast.tools:run", ("speed", "gpu"))


def test_an_unreadable_folder_on_the_path_takes_nobody_down(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install("aiorch-whole", {"aiorch.tools": {"whole": "fake_whole:X"}})
    (tmp_path / "a-file").write_text("no folder")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "missing"), str(tmp_path / "a-file"), *sys.path])
    assert "whole" in found("aiorch.tools")
