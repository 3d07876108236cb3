"""``aiorch init``: two files that change nothing by themselves, and a try of the keys."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from dotenv import dotenv_values

from aiorch.cli.explained import EXAMPLES, settings_file
from aiorch.cli.init import Looked, assignments, env_file, env_lines
from aiorch.cli.probing import Probe
from aiorch.providers import SPECS, ProviderSpec
from aiorch.roster import address
from aiorch.settings import OTHER_VARIABLES, Settings

ROOT = Path(__file__).parents[2]
KEY = "gsk_0123456789abcdefghij"


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_both_files_are_written_and_the_keys_only_for_their_owner(aiorch):
    done = aiorch("init")
    assert (done.exit_code, done.stdout) == (0, "")
    assert mode(".env") == 0o600
    assert mode("aiorch.toml") == 0o644
    assert "put a key into .env" in done.stderr
    assert "aiorch local install" in done.stderr


def test_written_files_change_no_setting(aiorch):
    before = Settings.load().model_dump()
    aiorch("init")
    assert Settings.load().model_dump() == before
    assert dotenv_values(".env") == {}


def test_every_setting_with_its_default_is_in_the_file():
    text = re.sub(r"^# (?=\w+ = |\[)", "", settings_file(), flags=re.MULTILINE)
    for line in EXAMPLES.values():
        text = text.replace(line, "")
    values = tomllib.loads(text)
    assert set(values) == set(Settings.model_fields)
    assert Settings.load(**values).model_dump() == Settings.load().model_dump()


def test_settings_are_explained_in_plain_words():
    text = settings_file()
    assert "``" not in text
    assert ":class:" not in text
    assert "One of: off, memory, disk." in text
    assert all(len(line) <= 120 for line in text.splitlines() if " = " not in line)


def test_every_key_that_is_read_is_in_the_file():
    text = env_file(SPECS.values())
    for spec in SPECS.values():
        assert all(name in text for name in (*spec.env, *spec.url_env)), spec.id


def test_an_env_that_is_there_keeps_every_line(aiorch):
    old = "# mine\nGROQ_API_KEY=abc\nexport OTHER='x y'\n# NOVA_API_KEY=later\n"
    Path(".env").write_text(old)
    Path(".env").chmod(0o644)
    assert "keeps its lines" in aiorch("init", "--offline").stderr
    text = Path(".env").read_text()
    assert text.startswith(old)
    assert (text.count("GROQ_API_KEY"), text.count("\n# NOVA_API_KEY"), text.count("# GEMINI_API_KEY=")) == (
        1,
        1,
        1,
    )
    assert mode(".env") == 0o600
    aiorch("init", "--offline")
    assert Path(".env").read_text() == text


def test_force_writes_anew_and_loses_no_value(aiorch):
    Path(".env").write_text("GOOGLE_API_KEY=second\nexport OTHER='x y'\nGROQ_API_KEY=abc\n")
    Path("aiorch.toml").write_text("timeout = 5\n")
    assert "written anew" in aiorch("init", "--force", "--offline").stderr
    assert dotenv_values(".env") == {"GOOGLE_API_KEY": "second", "OTHER": "x y", "GROQ_API_KEY": "abc"}
    assert Path(".env").read_text().startswith("# Keys for aiorch")
    assert Path("aiorch.toml.old").read_text() == "timeout = 5\n"
    assert mode("aiorch.toml.old") == 0o600


def test_settings_that_are_there_are_left_alone(aiorch):
    Path("aiorch.toml").write_text("timeout = 5\n")
    assert "left as it is" in aiorch("init").stderr
    assert Path("aiorch.toml").read_text() == "timeout = 5\n"


def test_where_env_is_a_link_the_file_behind_it_is_written(aiorch, tmp_path: Path):
    real = tmp_path / "secrets"
    real.write_text("GROQ_API_KEY=abc\n")
    Path(".env").symlink_to(real)
    aiorch("init", "--offline")
    assert Path(".env").is_symlink()
    assert "GEMINI_API_KEY" in real.read_text()


def test_assignments_are_what_sets_something():
    assert assignments("# A=1\nB=2 # two\nexport C='3\n4'\n\nD\n") == {
        "B": "B=2 # two",
        "C": "export C='3\n4'",
        "D": "D",
    }


@pytest.mark.parametrize("name", [".env", "aiorch.toml"])
def test_a_file_that_cannot_be_read_is_left_alone(aiorch, name: str):
    Path(name).write_bytes(b"\xff\xfe\xfa")
    done = aiorch("init")
    assert done.exit_code == 1
    assert f"{name} is not UTF-8 text" in done.stderr
    assert Path(name).read_bytes() == b"\xff\xfe\xfa"
    Path(name).unlink()
    Path(name).mkdir()
    assert "cannot be read" in aiorch("init").stderr


def test_a_disk_that_takes_nothing_is_told_and_leaves_nothing_behind(aiorch, monkeypatch: pytest.MonkeyPatch):
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    done = aiorch("init")
    assert done.exit_code == 1
    assert ".env cannot be written (No space left on device)" in done.stderr
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(aiorch, monkeypatch: pytest.MonkeyPatch):
    import tempfile

    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    done = aiorch("init")
    assert done.exit_code == 1
    assert "Permission denied" in done.stderr


# --- keys --------------------------------------------------------------------------------------------------------


def pointed_at(server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"{name.upper()}_API_KEY", KEY)
    monkeypatch.setenv("AIORCH_BASE_URLS", f"{name}={server.url}")


def test_a_key_that_works_is_proven_by_a_list_that_needs_it(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    pointed_at(server, monkeypatch, "groq")
    done = aiorch("init")
    assert "ok: groq accepts GROQ_API_KEY" in done.stderr
    assert "aiorch ask" in done.stderr
    assert server.seen == ["GET /v1/models"]


def test_a_public_list_proves_no_key(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    pointed_at(server, monkeypatch, "openrouter")
    assert "this does not prove OPENROUTER_API_KEY" in aiorch("init").stderr


def test_a_key_that_is_refused_is_told_with_what_to_do(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    pointed_at(server, monkeypatch, "groq")
    server.status, server.echo_key = 401, True
    document = json.loads(aiorch("init", "--json").stdout)
    assert document["keys"][0]["answer"] == "refused"
    assert KEY not in json.dumps(document)
    assert document["next"][0].startswith("put right what is said above")


def test_offline_tries_no_key(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    pointed_at(server, monkeypatch, "groq")
    done = aiorch("init", "--offline")
    assert "not tried, offline" in done.stderr
    assert "aiorch doctor (it tries the keys)" in done.stderr
    assert server.seen == []


def test_weights_that_are_there_are_a_way_to_begin():
    assert "demo model answers" in Looked((), Path("x.gguf"), offline=False).next()[1]
    assert Looked((Probe("groq", "proven", 0.1),), None, offline=False).next()[0].startswith("aiorch ask")


def test_json_names_the_files(aiorch):
    document = json.loads(aiorch("init", "--json").stdout)
    assert document["files"][".env"] == {"path": str(Path.cwd() / ".env"), "done": "written"}
    assert document["weights"] is None


# --- people ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
def test_at_a_terminal_it_asks_first(aiorch, monkeypatch: pytest.MonkeyPatch, answer: str, code: int):
    from click.testing import _NamedTextIOWrapper

    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda self: True, raising=False)
    done = aiorch("init", input=answer)
    assert done.exit_code == code
    assert "Write .env and aiorch.toml into" in done.stderr
    assert Path(".env").exists() is (code == 0)


def test_yes_asks_nothing(aiorch, monkeypatch: pytest.MonkeyPatch):
    from click.testing import _NamedTextIOWrapper

    monkeypatch.setattr(_NamedTextIOWrapper, "isatty", lambda self: True, raising=False)
    assert "Write .env" not in aiorch("init", "--yes", input="n\n").stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_that_would_take_the_keys_is_warned_about(aiorch):
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    assert "git does not ignore .env" in aiorch("init").stderr
    Path(".gitignore").write_text(".env\n")
    assert "git does not ignore .env" not in aiorch("init").stderr


def test_without_git_nothing_is_asked_of_it(aiorch, monkeypatch: pytest.MonkeyPatch):
    Path(".git").mkdir()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert aiorch("init").exit_code == 0


def test_the_guide_s_script_is_the_same_command(tmp_path: Path):
    script = ROOT / "scripts" / "initialize_system.py"
    done = subprocess.run([sys.executable, script, "--offline"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".env").is_file()
    bare = subprocess.run([sys.executable, "-S", "-I", script], capture_output=True, text=True, cwd=tmp_path)
    assert bare.returncode == 1
    assert "pip install -r requirements.txt" in bare.stderr


# --- .env.example ------------------------------------------------------------------------------------------------

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LINES = dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(\S*)", EXAMPLE, re.MULTILINE))


def test_env_example_has_every_setting_with_its_default():
    own = {
        name.removeprefix("AIORCH_").lower(): value
        for name, value in LINES.items()
        if name.startswith("AIORCH_")
    }
    assert set(own) == {*Settings.model_fields, "weights_dir"}
    assert {f"AIORCH_{name.upper()}" for name in set(own) - set(Settings.model_fields)} <= set(
        OTHER_VARIABLES
    )
    given = {name: value for name, value in own.items() if value and name in Settings.model_fields}
    assert Settings.load(**given).model_dump() == Settings.load().model_dump()


@pytest.mark.parametrize(
    "spec", [s for s in SPECS.values() if s.url_env and s.local], ids=lambda spec: spec.id
)
def test_an_address_that_is_written_leads_to_where_the_server_usually_is(spec: ProviderSpec):
    (line,) = [line for line in env_lines([spec]).splitlines() if line.startswith(f"# {spec.url_env[0]}=")]
    assert address(line.partition("=")[2], spec.base_url) == spec.base_url
    assert address(LINES[spec.url_env[0]], spec.base_url) == spec.base_url


def test_env_example_has_every_key_that_is_read():
    for spec in SPECS.values():
        assert all(name in EXAMPLE for name in spec.names), spec.id


def test_keys_in_env_example_are_read():
    read = {name for spec in SPECS.values() for name in spec.names}
    keys = {name for name in LINES if re.search(r"(KEY|TOKEN)$", name) and not name.startswith("AIORCH_")}
    assert keys <= read
