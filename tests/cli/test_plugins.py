"""``aiorch plugins``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with a plugin that is broken, one that nobody serves, and one that has no key."""
    folder = tmp_path / "others"
    info = folder / "others-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(
        "[aiorch.providers]\nnokey = aiorch_others_of_test:nothing\n"
        "[aiorch.tools]\nsaw = aiorch_others_of_test:missing\n"
        "[aiorch.mcp_servers]\nserver = aiorch_others_of_test:nothing\n"
    )
    (folder / "aiorch_others_of_test.py").write_text("def nothing(): return None\n")
    monkeypatch.syspath_prepend(str(folder))


def test_without_plugins_it_says_how_to_get_some(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aiorch.plugging.declared", lambda: ())
    done = aiorch("plugins")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no plugin is installed" in done.stderr
    assert json.loads(aiorch("plugins", "--json").stdout) == {"ok": True, "refused": 0, "plugins": []}


def test_each_plugin_is_listed_with_its_origin_and_what_is_wrong_with_it(aiorch, scripted, others):
    scripted()
    done = aiorch("plugins")
    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines == [
        "KIND NAME GIVES FROM",
        "idle provider nokey others 2.0",
        "-> it has nothing to give here (it returned None)",
        "used provider parrot parrot parrot 1.0",
        "refused tool saw others 2.0",
        "-> AttributeError: module 'aiorch_others_of_test' has no attribute 'missing'",
        "idle mcp server server others 2.0",
        "-> this version of aiorch has no use for plugins of this group yet",
    ]
    assert done.stderr == ""


def test_programs_read_the_same(aiorch, scripted, others):
    scripted()
    done = aiorch("plugins", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["ok"], told["refused"], len(told["plugins"])) == (False, 1, 4)
    assert told["plugins"][2] == {
        "group": "aiorch.tools",
        "name": "saw",
        "state": "refused",
        "gives": None,
        "distribution": "others",
        "version": "2.0",
        "object": "aiorch_others_of_test:missing",
        "reason": "AttributeError: module 'aiorch_others_of_test' has no attribute 'missing'",
    }


def test_what_is_switched_off_is_idle_and_no_problem(
    aiorch, scripted, others, monkeypatch: pytest.MonkeyPatch
):
    scripted()
    monkeypatch.setenv("AIORCH_DISABLED_PLUGINS", "saw")
    done = aiorch("plugins")
    assert done.exit_code == 0
    assert "switched off by the setting disabled_plugins" in done.stdout


def test_what_a_broken_plugin_says_shows_no_key_and_moves_no_cursor(
    aiorch, scripted, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_" + "a1" * 26)
    scripted().joinpath("parrot.py").write_text(
        "import os\nraise RuntimeError('\\x1b[2J refused: ' + os.environ['GROQ_API_KEY'])\n"
    )
    done = aiorch("plugins")
    assert done.exit_code == 1
    assert "refused: " in done.stdout
    assert "gsk_" not in done.output
    assert "\x1b" not in done.output
