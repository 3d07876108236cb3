"""``aiorch guard``: texts looked at, rules shown, checked and sealed, and an exit code for each way it can end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RULE = """
[[rule]]
name = "bluebird"
detector = "codenames"
what = "a code name"
keywords = ["bluebird"]
pattern = "bluebird[- ]?[0-9]{1,4}"
confidence = 0.97

[[example]]
text = "See Bluebird 7."
rules = ["codenames.bluebird"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULE)
    return tmp_path / "rules"


def test_findings_are_told_with_their_place_and_what_follows_and_never_themselves(aiorch, folder: Path):
    key = "sk-or-" + "v1-" + "0123456789abcdef" * 4
    done = aiorch("guard", "check", input=f"one\nuse {key} now")
    assert done.exit_code == 0
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "RULE AT SURE WHAT",
        "redact secrets.openrouter_key 2:5 0.99 a key of OpenRouter",
    ]
    assert "1 finding; the policy balanced at input: redact" in done.stderr
    assert key not in done.output
    told = json.loads(aiorch("guard", "check", "--json", input=f"use {key}").stdout)
    (finding,) = told["findings"]
    assert (told["action"], finding["from"], finding["to"]) == ("redact", 4, 4 + len(key))
    assert key not in json.dumps(told)


def test_what_the_policy_would_stop_ends_with_1(aiorch, folder: Path, tmp_path: Path):
    (tmp_path / "mail.txt").write_text("use sk-or-" + "v1-" + "0123456789abcdef" * 4)
    assert aiorch("guard", "check", str(tmp_path / "mail.txt")).exit_code == 0
    stopped = aiorch("guard", "check", str(tmp_path / "mail.txt"), "--policy", "strict", "--stage", "output")
    assert (stopped.exit_code, "the policy strict at output: block" in stopped.stderr) == (1, True)
    assert aiorch("guard", "check", str(tmp_path / "none.txt")).exit_code == 2
    assert aiorch("guard", "check", "--policy", "lax", input="").exit_code == 2
    assert "nothing was found" in aiorch("guard", "check", input="hello").stderr


def test_rules_are_checked_sealed_shown_and_used(aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert "only aiorch's own rules" in aiorch("guard", "rules").stderr
    assert aiorch("guard", "rules", "check", str(folder)).exit_code == 0
    sha256 = aiorch("guard", "rules", "seal", str(folder)).stdout.strip()
    monkeypatch.setenv("AIORCH_GUARD_RULES", str(folder))
    monkeypatch.setenv("AIORCH_GUARD_RULES_SHA256", sha256)
    shown = aiorch("guard", "rules")
    assert shown.exit_code == 0
    assert [" ".join(line.split()) for line in shown.stdout.splitlines()] == [
        "version 1",
        f"sha256 {sha256}",
        f"from {folder}",
        "RULE SURE INPUT OUTPUT STEPS WHAT",
        "codenames.bluebird 0.97 allow allow 19 a code name",
    ]
    assert "the policy balanced says nothing of codenames" in shown.stderr
    assert json.loads(aiorch("guard", "rules", "--json").stdout)["version"] == "1"
    assert "codenames.bluebird" in aiorch("guard", "check", input="See Bluebird 7.").stdout
    sealed = json.loads(aiorch("guard", "rules", "seal", str(folder), "--json").stdout)
    assert (sealed["version"], sealed["files"]) == ("2", ["own.toml"])
    refused = aiorch("guard", "rules")
    assert (refused.exit_code, "version  1" in refused.stdout) == (0, True)  # it is the one that is named


def test_rules_that_would_not_take_effect_are_told_and_not_sealed(
    aiorch, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "own.toml").write_text(RULE.replace("{1,4}", "*"))
    for command in ("check", "seal"):
        done = aiorch("guard", "rules", command, str(folder))
        assert (done.exit_code, "upper bound" in done.output) == (1, True)
    assert not (folder / "rules.json").exists()
    told = json.loads(aiorch("guard", "rules", "check", str(folder), "--json").stdout)
    assert (told["ok"], len(told["problems"])) == (False, 1)
    monkeypatch.setenv("AIORCH_GUARD_RULES", str(folder))
    done = aiorch("guard", "rules", "--json")
    assert (done.exit_code, json.loads(done.stdout)["version"]) == (1, None)
    (folder / "own.toml").write_text(RULE)
    (folder / "rules.json").write_text("{}")
    assert aiorch("guard", "rules", "seal", str(folder)).exit_code == 2
    assert aiorch("guard", "rules", "seal", str(folder), "--version", "7").exit_code == 0
