"""``aiorch doctor``: what is found, what it is called, and what to do about it."""

from __future__ import annotations

import json
import tomllib
from importlib.util import find_spec
from pathlib import Path

import anyio
import click
import pytest
import respx
from pydantic import SecretStr

from aiorch.cli import examination, findings
from aiorch.cli.doctor import lines
from aiorch.cli.findings import Finding
from aiorch.cli.probing import PATIENCE, Probe, probe, probe_all
from aiorch.clock import SystemClock
from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.plugins import Plugin
from aiorch.providers import SPECS, HTTPProvider
from aiorch.testing.transport import respx_transport
from aiorch.types import Failure, FailureKind, ModelCard

KEY = "gsk_0123456789abcdefghij"


def report(aiorch, *args: str) -> dict[str, list[dict]]:
    """The findings of a call by topic."""
    found: dict[str, list[dict]] = {}
    for check in json.loads(aiorch("doctor", "--json", *args).stdout)["checks"]:
        found.setdefault(check["topic"], []).append(check)
    return found


# --- the report --------------------------------------------------------------------------------------------------


def test_a_bare_machine_has_one_problem_and_it_says_what_to_do(aiorch):
    done = aiorch("doctor")
    assert done.exit_code == 1
    assert "problem  answers" in done.stdout
    assert "aiorch local install" in done.stdout
    assert done.stdout.endswith("1 problem, 0 warnings\n")
    assert done.stderr == ""


def test_with_somebody_to_ask_all_is_well(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    done = aiorch("doctor")
    assert done.exit_code == 0, done.stdout
    assert "found: GROQ_API_KEY" in done.stdout
    assert "accepts GROQ_API_KEY" in done.stdout
    assert "answered by: groq" in done.stdout
    assert KEY not in done.stdout


def test_json_is_one_document(aiorch):
    document = json.loads(aiorch("doctor", "--json").stdout)
    assert (document["ok"], document["problems"]) == (False, 1)
    assert {
        "python",
        "settings",
        "keys",
        "extras",
        "engine",
        "weights",
        "sandbox",
        "data",
        "disk",
        "store",
    } <= {check["topic"] for check in document["checks"]}


def test_what_to_do_stands_below_its_line():
    told = lines((Finding("disk", "problem", "full", "make room"), Finding("store", "ok", "fine")))
    assert [click.unstyle(line) for line in told] == [
        "problem  disk   full",
        "                -> make room",
        "ok       store  fine",
    ]


# --- keys and providers ------------------------------------------------------------------------------------------


def test_a_mistyped_key_is_named_with_the_nearest(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_APIKEY", KEY)
    found = report(aiorch)["keys"]
    assert {
        "level": "warning",
        "message": "GROQ_APIKEY is read by nobody",
        "do": "did you mean GROQ_API_KEY?",
    }.items() <= found[1].items()


def test_keys_in_env_and_in_the_settings_are_found(aiorch, server):
    Path(".env").write_text(f"GEMINI_APIKEY={KEY}\nMISTRAL_API_KEY=\n")
    Path("aiorch.toml").write_text(f'[keys]\ngroq = "{KEY}"\n[base_urls]\ngroq = "{server.url}"\n')
    found = report(aiorch)
    assert [one["message"] for one in found["keys"]] == [
        "found: keys.groq",
        "GEMINI_APIKEY is read by nobody",
    ]
    assert found["groq"][0]["level"] == "ok"


def test_a_refused_key_is_a_problem(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    server.status, server.echo_key = 401, True
    done = aiorch("doctor")
    assert done.exit_code == 1
    assert "refuses GROQ_API_KEY" in done.stdout
    assert "HTTP 401" in done.stdout
    assert "put right what is said above" in done.stdout
    assert KEY not in done.output


def test_a_dead_network_is_told_and_ends(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = report(aiorch)["groq"][0]
    assert (found["level"], found["message"].startswith("cannot be reached: ")) == ("warning", True)
    assert "HTTPS_PROXY" in found["do"]


def test_offline_asks_no_provider(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    assert "offline" in report(aiorch, "--offline")["providers"][0]["message"]
    assert server.seen == []


def test_a_provider_that_is_asked_for_without_a_key_is_a_problem(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_PROVIDERS", "groq")
    found = report(aiorch)
    assert found["providers"][0]["level"] == found["answers"][0]["level"] == "problem"
    assert "openrouter" in found["providers"][0]["do"]


def test_a_running_local_server_is_found_and_how_to_use_it(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    from aiorch.providers import SPECS

    moved = {
        n: replace(s, base_url=server.url if n in ("ollama", "vllm") else "http://127.0.0.1:9/v1")
        for n, s in SPECS.items()
    }
    # The server beside this test speaks OpenAI's dialect.
    moved["ollama"] = replace(moved["ollama"], dialect="openai", list_path="/models")
    monkeypatch.setattr(examination, "known_specs", lambda shelf: moved)
    found = report(aiorch)["servers"][0]
    host = server.url.removesuffix("/v1")
    assert (
        found["message"] == f"running, and not used: ollama at {host} (2 models), vllm at {host} (2 models)"
    )
    assert found["do"] == f"to use it, set OLLAMA_HOST={host} AIORCH_BASE_URLS=vllm={server.url}"


# --- settings, package, plugins ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"), [('cach = "disk"', "did you mean 'cache'"), ("x = [", "is not TOML")]
)
def test_broken_settings_are_a_problem_and_the_rest_is_still_looked_at(aiorch, text: str, said: str):
    Path("aiorch.toml").write_text(text)
    done = aiorch("doctor")
    assert done.exit_code == 1
    assert said in done.stdout
    assert "extras" in done.stdout


def test_what_differs_from_the_defaults_is_named(aiorch, monkeypatch: pytest.MonkeyPatch):
    assert report(aiorch)["settings"][0]["message"].startswith("all as they come")
    monkeypatch.setenv("AIORCH_CACHE", "memory")
    monkeypatch.setenv("AIORCH_TIMEOUT", "5")
    assert report(aiorch)["settings"][0]["message"].startswith("not as they come: timeout (")


def distribution(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_other_project_s_distribution_is_a_problem(
    aiorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    distribution(tmp_path / "site", "aiorch", "0.2.2")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = report(aiorch)["aiorch"][0]
    assert found["level"] == "problem"
    assert "0.2.2" in found["message"]
    assert "pip uninstall aiorch" in found["do"]


def test_our_own_distribution_is_none(aiorch):
    assert "aiorch" not in report(aiorch)


@pytest.mark.parametrize(("installed", "level"), [("0.1.0", "ok"), ("0.0.9", "warning"), (None, "ok")])
def test_a_module_that_is_not_what_was_installed_is_seen(installed: str | None, level: str):
    assert findings.versions("3.11.7", "0.1.0", installed, "Linux").level == level


def test_the_extras_are_those_of_the_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    with_packages = {
        name for name, packages in optional.items() if packages and name not in ("all", "test", "dev")
    }
    assert set(examination.EXTRAS) == with_packages
    told = findings.extras({"local": True, "mcp": False})
    assert told.message.startswith("installed: local; not installed: mcp")
    assert findings.extras({"local": True}).message == "installed: local"


def test_plugins_are_named_and_broken_ones_are_warnings(aiorch, scripted):
    scripted()
    assert report(aiorch)["plugins"][0]["message"] == "parrot of parrot 1.0"
    (broken,) = findings.plugins([Plugin("aiorch.tools", "saw", "saws 1.0", error="ImportError: no wood")])
    assert (broken.level, "no wood" in broken.message) == ("warning", True)


# --- the embedded model ------------------------------------------------------------------------------------------


def test_weights_that_are_asked_for_and_missing_are_a_problem(aiorch, monkeypatch: pytest.MonkeyPatch):
    assert report(aiorch)["weights"][0]["level"] == "ok"
    monkeypatch.setenv("AIORCH_LOCAL_MODEL", "qwen2.5-coder-0.5b")
    found = report(aiorch)["weights"][0]
    assert (found["level"], found["do"]) == ("problem", "aiorch local install qwen2.5-coder-0.5b")
    monkeypatch.setenv("AIORCH_LOCAL_MODEL", "/nowhere/x.gguf")
    assert "AIORCH_LOCAL_MODEL" in report(aiorch)["weights"][0]["do"]


def test_wrong_weights_are_a_problem(aiorch, tmp_path: Path):
    folder = tmp_path / "no-weights"
    folder.mkdir()
    (folder / "smollm2-135m.gguf").write_bytes(b"GGUF but short")
    found = report(aiorch)["weights"][0]
    assert found["level"] == "problem"
    assert found["do"] == "aiorch local install --force"


def test_a_file_of_one_s_own_is_not_called_checked(aiorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF")
    monkeypatch.setenv("AIORCH_LOCAL_MODEL", str(mine))
    found = report(aiorch)["weights"][0]
    assert "nobody said what its SHA-256 should be" in found["message"]


def test_a_missing_engine_says_which_extra(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        examination, "find_spec", lambda name: None if name == "xllamacpp" else find_spec(name)
    )
    assert "aiorch-sdk[local]" in report(aiorch)["engine"][0]["do"]


# --- the disk ----------------------------------------------------------------------------------------------------


def test_a_data_folder_that_cannot_be_made_is_a_problem(
    aiorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path / "file" / "data"))
    found = report(aiorch)["data"][0]
    assert found["level"] == "problem"
    assert "AIORCH_DATA_DIR" in found["do"]


def test_a_damaged_store_is_a_problem(aiorch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_DATA_DIR", str(tmp_path))
    (tmp_path / "aiorch.sqlite3").write_bytes(b"this is no database, and long enough to look at" * 100)
    found = report(aiorch)["store"][0]
    assert found["level"] == "problem"
    assert "move it away" in found["message"]


def test_a_store_that_fails_its_own_check_is_a_problem(aiorch, monkeypatch: pytest.MonkeyPatch):
    from aiorch.store import Store

    async def damaged(self: Store, sql: str) -> tuple[str]:
        return ("row 1 missing from index",)

    monkeypatch.setattr(Store, "fetch_one", damaged)
    found = report(aiorch)["store"][0]
    assert (found["level"], "row 1 missing" in found["message"]) == ("problem", True)


@pytest.mark.parametrize(
    ("free", "level", "size"),
    [(5_000_000_000, "ok", "5.0 GB"), (150_000_000, "warning", "150 MB"), (1_000_000, "problem", "1 MB")],
)
def test_little_room_is_seen_before_it_is_gone(free: int, level: str, size: str):
    found = findings.disk(free, "/data")
    assert (found.level, size in found.message, bool(found.do)) == (level, True, level != "ok")


# --- asking providers --------------------------------------------------------------------------------------------


class Somebody:
    key_names = ("SOME_KEY",)

    def __init__(self, name: str = "somebody", *, error: Exception | None = None, delay: float = 0) -> None:
        self.name = name
        self._error = error
        self._delay = delay

    async def models(self) -> list[ModelCard]:
        await anyio.sleep(self._delay)
        if self._error:
            raise self._error
        return [ModelCard(self.name, "m")]


def failed(kind: FailureKind) -> AttemptFailed:
    return AttemptFailed(Failure(kind, "account", "said no", status=401))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (None, "proven"),
        (failed(FailureKind.AUTH), "refused"),
        (failed(FailureKind.BILLING), "refused"),
        (failed(FailureKind.TRANSPORT), "unreachable"),
        (failed(FailureKind.TIMEOUT), "unreachable"),
        (failed(FailureKind.MALFORMED), "strange"),
        (LocalModelError("broken"), "strange"),
        (ValueError("a plugin's fault"), "strange"),
    ],
)
async def test_each_way_to_answer_is_told_apart(error: Exception | None, answer: str):
    found = await probe(Somebody(error=error), SystemClock(), 5)  # type: ignore[arg-type]
    assert found.answer == answer
    assert found.told()
    assert bool(found.cure()) is not found.good


@pytest.mark.anyio
async def test_a_provider_without_a_list_proves_nothing_and_is_not_called():
    codestral = HTTPProvider(
        SPECS["codestral"], respx_transport(respx.Router()), keys={"CODESTRAL_API_KEY": SecretStr("k" * 20)}
    )
    found = await probe(codestral, SystemClock(), 5)
    assert (found.answer, found.models, found.keys) == ("unasked", 1, ("CODESTRAL_API_KEY",))


@pytest.mark.anyio
async def test_a_slow_one_does_not_hold_up_the_others():
    slow, quick = Somebody("slow", delay=60), Somebody("quick")
    with anyio.fail_after(5):
        found = await probe_all([slow, quick], SystemClock(), {"slow": 0.05})  # type: ignore[list-item]
    assert [one.answer for one in found] == ["unreachable", "proven"]
    assert "no answer within 0.05 s" in found[0].told()
    assert PATIENCE > 0


def test_without_a_key_nothing_is_proven():
    assert Probe("ollama", "reachable", 0.1, 2).told() == "answers (0.10 s, 2 models)"
    unasked = Probe("ai21", "unasked", 0.0, 2, keys=("AI21_API_KEY",))
    assert unasked.good
    assert unasked.told() == "has no list to ask for, so AI21_API_KEY was not tried (2 models are known)"
    assert Probe("ollama", "refused", 0.1).told().startswith("refuses to answer without a key")
    assert "its key" in Probe("ollama", "refused", 0.1).cure()
