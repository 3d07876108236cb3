"""``aiorch discover``."""

from __future__ import annotations

import csv
import io
import json
import re
import time

import pytest

from aiorch.cli.discover import advice, providers
from aiorch.discovering import DiscoveredModel, DiscoveredProvider, Discovery
from aiorch.types import ModelCard


def test_without_keys_and_offline_it_says_what_there_is_and_what_is_missing(aiorch):
    done = aiorch("discover", "--offline")
    assert done.exit_code == 0
    lines = [line.split() for line in done.stdout.splitlines() if line]
    assert lines[0] == ["LISTED", "USABLE", "NOW"]
    counts = {" ".join(line[:-2]): line[-2:] for line in lines[1:5]}
    assert set(counts) == {"models", "free of charge", "providers", "with benchmark scores"}
    assert int(counts["models"][0].replace(",", "")) > 20
    assert counts["models"][1] == "0"
    rows = {line[0]: " ".join(line) for line in lines[5:]}
    assert "no OPENROUTER_API_KEY" in rows["openrouter"]
    assert "ids ending in :free" in rows["openrouter"]
    assert "most free models for one more key: " in done.stderr
    assert "no OLLAMA_HOST" in rows["ollama"]
    assert re.search(r" 20\d\d-\d\d-\d\d no OPENROUTER", rows["openrouter"])
    assert "live" not in rows["openrouter"].split()
    assert "offline: only what runs on this machine" in done.stderr


def test_json_has_the_guides_numbers_the_providers_and_the_models(aiorch):
    document = json.loads(aiorch("discover", "--offline", "--json").stdout)
    for name in ("total_models", "free_models", "providers", "benchmarked"):
        assert set(document[name]) == {"listed", "usable_now"}
    assert document["total_models"]["listed"] == len(
        [m for m in document["models"] if m["lifecycle"]["state"] != "retired"]
    )
    by_id = {one["provider"]: one for one in document["providers_in_detail"]}
    assert by_id["nova"]["why_not"] == "no NOVA_API_KEY"
    assert by_id["nova"]["listed"] == 2
    assert sum(one["listed"] for one in by_id.values()) == document["total_models"]["listed"]


def test_filters_narrow_the_numbers(aiorch):
    document = json.loads(aiorch("discover", "--offline", "--json", "--provider", "nova", "--free").stdout)
    assert document["total_models"] == document["free_models"] == {"listed": 2, "usable_now": 0}
    assert [one["provider"] for one in document["providers_in_detail"]] == ["nova"]


def test_csv_has_a_line_for_each_model(aiorch):
    rows = list(
        csv.DictReader(io.StringIO(aiorch("discover", "--offline", "--csv", "--provider", "nova").stdout))
    )
    assert {row["id"] for row in rows} == {"nova/nova-2-lite-v1", "nova/nova-2-pro-v1"}
    assert rows[0]["why_not"] == "no NOVA_API_KEY"


def test_probing_finds_out_who_answers(aiorch, scripted):
    refused = "Failure(FailureKind.AUTH, 'key_model', 'not for you')"
    cards = "[ModelCard('parrot', m, free='local') for m in ('a', 'b')]"
    scripted(f"{refused}, 'Hello.'", cards=cards)
    document = json.loads(aiorch("discover", "--provider", "parrot", "--probe", "2", "--json").stdout)
    told = {m["model"]: (m["usable_now"], m["why_not"]) for m in document["models"]}
    assert sorted(told.values()) == [(False, "refused a call: not for you"), (True, None)]


def test_a_list_that_cannot_be_had_fails_nothing(aiorch, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    server.status = 500
    done = aiorch("discover", "--refresh", "--json", "--provider", "groq")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert [problem["provider"] for problem in document["problems"]] == ["groq"]
    assert document["total_models"]["usable_now"] > 0  # by the embedded list


@pytest.mark.parametrize(
    "options", [("--csv", "--json"), ("--offline", "--refresh"), ("--offline", "--probe", "3")]
)
def test_options_that_contradict_each_other_are_refused(aiorch, options: tuple[str, ...]):
    done = aiorch("discover", *options)
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_an_unknown_provider_is_told_with_the_nearest(aiorch):
    done = aiorch("discover", "--offline", "--provider", "gorq")
    assert done.exit_code == 2
    assert "'groq'" in done.stderr


def test_providers_are_told_with_what_each_lacks():
    card = ModelCard("groq", "m", free="free_quota")
    found = Discovery(
        (DiscoveredModel(card, (), True), DiscoveredModel(ModelCard("zeta", "z"), ("x",))),
        (
            DiscoveredProvider("acme", "Acme", "no ACME_KEY", "trial", "a credit"),
            DiscoveredProvider("groq", "Groq", as_of=1_800_000_000.0, live=True),
            DiscoveredProvider("zeta", "Zeta", "no ZETA_KEY", as_of=1_780_000_000.0),
        ),
    )
    assert [line.split() for line in providers(found)] == [
        ["PROVIDER", "MODELS", "FREE", "NOW", "AS", "OF", "WHY", "NOT", "WHAT", "IS", "FREE"],
        ["groq", "1", "1", "1", "2027-01-15", "live"],
        ["zeta", "1", "0", "0", "2026-05-28", "no", "ZETA_KEY"],
        ["acme", "0", "0", "0", "no", "ACME_KEY", "a", "credit"],
    ]


def test_the_key_that_would_give_the_most_is_named_first():
    def of(provider: str, models: int) -> list[DiscoveredModel]:
        return [
            DiscoveredModel(ModelCard(provider, f"m{i}", free="zero_price"), ("x",), True)
            for i in range(models)
        ]

    known = tuple(
        DiscoveredProvider(name, name, why)
        for name, why in {"a": "no A_KEY", "b": "no B_KEY", "c": "", "d": "no D_KEY", "e": "offline"}.items()
    )
    assert advice(Discovery((*of("a", 1), *of("b", 3), *of("c", 9), *of("e", 9)), known)) == (
        "most free models for one more key: B_KEY (3), A_KEY (1)"
    )
    assert advice(Discovery((), known)) == ""


def test_a_process_answers_offline_without_keys(start):
    began = time.monotonic()
    out, err = start("discover", "--offline").communicate(timeout=30)
    assert "LISTED" in out
    assert "Traceback" not in err
    assert time.monotonic() - began < 30
