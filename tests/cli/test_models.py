"""``aiorch models``."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest

from aiorch.catalog import Successor
from aiorch.cli import model_show
from aiorch.cli.columns import columns
from aiorch.cli.filters import ORDER_NAMES
from aiorch.cli.listing import table
from aiorch.cli.models import tell_problems
from aiorch.cli.voice import Voice
from aiorch.discovering import ORDERS, PAID, DiscoveredModel, DiscoveredProvider, Discovery
from aiorch.types import Capabilities, Lifecycle, ModelCard, PassedOver, Price, Score

CARDS = (
    ModelCard("a", "paid", context=200_000, free="none", price=Price(Decimal("0.30"), Decimal("2.50"))),
    ModelCard("b", "free", context=8_192, free="zero_price", price=Price(Decimal(0), Decimal(0))),
    ModelCard(
        "c", "unknown", capabilities=Capabilities(tools=True), demo=True, lifecycle=Lifecycle("deprecated")
    ),
    ModelCard("d", "trial", context=1_048_576, free="trial", scores=(Score("mmlu", 81.5),)),
    ModelCard("e", "quota", context=512, free="free_quota", capabilities=Capabilities(tools=False)),
    ModelCard(
        "f", "\x1b[31mred", free="local", lifecycle=Lifecycle("deprecated", retires_at=1_800_000_000.0)
    ),
)
MODELS = tuple(
    DiscoveredModel(card, () if card.costs_nothing else ("no KEY", PAID), card.costs_nothing)
    for card in CARDS
)


@pytest.fixture
def groq(server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    return server


def test_the_table_claims_no_more_than_is_known():
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table(MODELS)[1:]}
    assert rows == {
        "a/paid": "200k 0.3 2.5 no ? no no KEY",
        "b/free": "8k 0 0 zero price ? yes",
        "c/unknown": "? ? ? no yes no demo: often wrong, deprecated, no KEY",
        "d/trial": "1.05M ? ? trial ? no no KEY",
        "e/quota": "512 0 0 free quota no yes",
        "f/�[31mred": "? 0 0 local ? yes deprecated, ends 2027-01-15",
    }


def test_a_benchmark_has_a_column_of_its_own():
    head, *rows = table(MODELS, "mmlu")
    assert head.split()[:2] == ["MODEL", "MMLU"]
    assert {row.split()[0]: row.split()[1] for row in rows}["d/trial"] == "81.5"
    assert rows[0].split()[1] == "?"


def test_help_offers_every_order_there_is():
    assert set(ORDER_NAMES) == set(ORDERS)


def test_columns_are_as_wide_as_their_widest_cell():
    assert columns([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]


def test_the_models_of_a_provider_with_a_key_are_listed(aiorch, groq):
    done = aiorch("models")
    assert done.exit_code == 0
    assert "groq/llama-3.3-70b" in done.stdout
    assert "2 of 2 models" in done.stderr
    assert "gemini (no GEMINI_API_KEY)" in done.stderr


def test_json_has_models_problems_and_who_is_left_out(aiorch, groq):
    document = json.loads(aiorch("models", "--json").stdout)
    assert {m["id"] for m in document["models"]} == {"groq/gpt-oss-20b", "groq/llama-3.3-70b"}
    assert document["models"][0]["costs_nothing"] is True
    assert document["models"][0]["usable_now"] is True
    assert document["problems"] == []
    left_out = {one["provider"]: one["reason"] for one in document["left_out"]}
    assert left_out["openrouter"] == "no OPENROUTER_API_KEY"
    assert left_out["ollama"] == "no OLLAMA_HOST"
    assert left_out["vllm"] == "no base_urls.vllm"
    assert "groq" not in left_out


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--free",), 2),
        (("--provider", "groq"), 2),
        (("--provider", "gemini"), 0),
        (("--min-context", "1M"), 0),
    ],
)
def test_filters_leave_out_what_does_not_fit(aiorch, groq, options: tuple[str, ...], count: int):
    done = aiorch("models", "--json", *options)
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["models"]) == count
    assert count or "leave an option out" in done.stderr


def test_tools_shows_those_that_are_known_to_have_them(aiorch, scripted):
    scripted()
    assert "parrot/model" in aiorch("models", "--tools", "--min-context", "32k").stdout
    assert aiorch("models", "--min-context", "33k").stdout == ""


def test_an_unknown_provider_is_told_with_the_nearest(aiorch, groq):
    done = aiorch("models", "--provider", "gorq")
    assert done.exit_code == 2
    assert "'groq'" in done.stderr


def test_a_provider_that_no_longer_serves_is_told_with_what_became_of_it(aiorch, groq):
    done = aiorch("models", "--provider", "github-models")
    assert done.exit_code == 2
    assert "HTTP 410" in " ".join(done.stderr.split())


def test_a_provider_that_cannot_be_asked_is_told_with_why(aiorch, groq):
    groq.status = 401
    done = aiorch("models")
    assert done.exit_code == 0
    assert done.stderr.count("groq: its list of models could not be had") == 1


def test_nobody_is_an_error_that_says_what_to_do(aiorch):
    done = aiorch("models")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "aiorch local install" in done.stderr
    assert json.loads(aiorch("models", "--json").stdout)["models"] == []


def test_offline_asks_nobody(aiorch, groq):
    document = json.loads(aiorch("models", "--offline", "--json").stdout)
    assert groq.seen == []
    assert {"provider": "groq", "reason": "offline"} in document["left_out"]


def test_the_setting_providers_is_given_as_the_reason(aiorch, groq, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_PROVIDERS", "groq")
    left_out = {
        one["provider"]: one["reason"] for one in json.loads(aiorch("models", "--json").stdout)["left_out"]
    }
    assert left_out["local"] == left_out["openrouter"] == "not among the setting providers"


def test_csv_has_a_line_for_each_model_and_usd_per_million(aiorch, groq):
    done = aiorch("models", "--csv", "--sort", "name")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["id"] for row in rows] == ["groq/gpt-oss-20b", "groq/llama-3.3-70b"]
    assert {row["usable_now"] for row in rows} == {"True"}
    assert "input_price" in rows[0]


def test_csv_of_nothing_is_its_head(aiorch, groq):
    done = aiorch("models", "--csv", "--min-context", "100M")
    assert done.stdout.startswith("id,provider,model,")
    assert done.stdout.count("\n") == 1


def test_csv_and_json_exclude_each_other(aiorch, groq):
    done = aiorch("models", "--csv", "--json")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_all_shows_those_too_that_cannot_be_used_now_and_what_each_lacks(aiorch):
    done = aiorch("models", "--all", "--offline", "--provider", "openrouter")
    assert done.exit_code == 0
    assert "openrouter/google/gemma-4-26b-a4b-it:free" in done.stdout
    assert "no OPENROUTER_API_KEY" in done.stdout
    assert "left out" not in done.stderr


def test_usable_and_family_leave_out_what_does_not_fit(aiorch):
    assert aiorch("models", "--all", "--offline", "--usable").stdout == ""
    done = aiorch("models", "--all", "--offline", "--json", "--family", "nova-*")
    assert {m["provider"] for m in json.loads(done.stdout)["models"]} >= {"nova"}


def test_several_providers_can_be_asked_for(aiorch):
    done = aiorch("models", "--all", "--offline", "--json", "--provider", "nova", "--provider", "openrouter")
    assert {m["provider"] for m in json.loads(done.stdout)["models"]} == {"nova", "openrouter"}


def test_an_unknown_benchmark_is_refused(aiorch):
    done = aiorch("models", "--all", "--offline", "--benchmark", "zzzzzz")
    assert done.exit_code == 2
    assert "unknown benchmark" in done.stderr


def test_an_unknown_word_is_refused_with_the_subcommands(aiorch):
    done = aiorch("models", "shwo")
    assert done.exit_code == 2
    assert "show" in done.stderr


# --- one model ---------------------------------------------------------------------------------------------------


def test_show_tells_every_fact_with_who_says_it_and_when(aiorch, groq):
    lines = aiorch("models", "show", "nova/nova-2-lite-v1", "--offline").stdout.splitlines()
    assert lines[0] == "nova/nova-2-lite-v1 cannot be used now: no NOVA_API_KEY"
    facts = {line.split("  ")[0]: line for line in lines}
    assert "1,000,000" in facts["context, tokens"]
    assert "2026" in facts["context, tokens"]
    assert "%" in facts["context, tokens"]
    assert facts["deprecated since"].split()[2:] == ["?"]  # nobody says so, so nobody is named


def test_show_takes_a_bare_id_and_says_what_can_be_used_now(aiorch, groq):
    done = aiorch("models", "show", "llama-3.3-70b")
    assert done.stdout.startswith("groq/llama-3.3-70b can be used now\n")


def test_show_tells_where_else_the_model_is_served(aiorch, groq):
    groq.models = ("openai/gpt-oss-120b",)
    done = aiorch("models", "show", "groq/openai/gpt-oss-120b")
    assert "the same model elsewhere, and its variants" in done.stdout
    assert "openrouter/openai/gpt-oss-120b" in done.stdout
    assert "BENCHMARK" in done.stdout
    document = json.loads(aiorch("models", "show", "groq/openai/gpt-oss-120b", "--json").stdout)
    assert "openrouter/openai/gpt-oss-120b" in {one["id"] for one in document["deployments"]}
    if len(document["deployments"]) > 20:
        assert "aiorch models --all --family" in done.stderr


def test_show_names_who_takes_the_place_of_a_model_that_ends(aiorch, scripted):
    ending = "ModelCard('parrot', 'p', free='local', lifecycle=Lifecycle('deprecated', successor='parrot-2'))"
    scripted(cards=f"[{ending}]")
    assert "instead of it: parrot-2" in aiorch("models", "show", "parrot/p").stdout
    assert json.loads(aiorch("models", "show", "parrot/p", "--json").stdout)["successors"] == ["parrot-2"]


def test_show_of_an_id_without_free_successor_says_so(aiorch, monkeypatch: pytest.MonkeyPatch):
    row = Successor("dead:free", "2025", (), "dead")
    monkeypatch.setattr(model_show, "_successor", lambda name: row)
    done = aiorch("models", "show", "dead:free", "--offline")
    assert "it has no free successor" in done.stdout
    row = Successor("dead:free", "2025", ("nova/nobody-has-it",))
    assert "not listed" in aiorch("models", "show", "dead:free", "--offline").stdout


def test_show_as_json_has_facts_with_origins(aiorch):
    document = json.loads(aiorch("models", "show", "nova/nova-2-lite-v1", "--offline", "--json").stdout)
    assert document["id"] == "nova/nova-2-lite-v1"
    facts = {fact["fact"]: fact for fact in document["facts"]}
    assert facts["context, tokens"]["value"] == "1,000,000"
    assert facts["context, tokens"]["source"]
    assert 0 < facts["context, tokens"]["confidence"] <= 1
    assert facts["deprecated since"]["value"] is None
    assert document["usable_now"] is False


def test_show_of_a_dead_id_tells_what_became_of_it_and_who_takes_its_place(aiorch):
    done = aiorch("models", "show", "amazon/nova-2-lite-v1:free", "--offline")
    assert done.exit_code == 0
    assert "2025-12" in done.stdout
    assert "nova/nova-2-lite-v1" in done.stdout
    assert "never used without allow_paid" in done.stderr
    document = json.loads(
        aiorch("models", "show", "amazon/nova-2-lite-v1:free", "--offline", "--json").stdout
    )
    assert document["successors"][0]["id"] == "nova/nova-2-lite-v1"
    assert document["successors"][0]["usable_now"] is False


def test_show_of_an_unknown_model_names_the_three_nearest(aiorch):
    done = aiorch("models", "show", "nova-2-lte-v1", "--offline")
    assert done.exit_code == 2
    assert "'nova-2-lite-v1'" in done.stderr


# --- what could not be had ---------------------------------------------------------------------------------------


def test_public_lists_that_could_not_be_had_are_told_in_one_line(capsys: pytest.CaptureFixture[str]):
    found = Discovery(
        (),
        (DiscoveredProvider("a", "A"), *(DiscoveredProvider(n, n, "no KEY") for n in ("b", "c"))),
        tuple(PassedOver(name, "HTTP 500") for name in ("a", "b", "c")),
    )
    tell_problems(Voice(), found)
    assert capsys.readouterr().err.splitlines() == [
        "a: HTTP 500",
        "2 public lists could not be had (--json says why); what was known before is shown: b, c",
    ]


def test_a_number_of_tokens_that_is_none_is_refused_with_examples(aiorch, groq):
    done = aiorch("models", "--min-context", "lots")
    assert done.exit_code == 2
    assert "128k" in done.stderr


def test_models_that_no_longer_answer_are_shown_when_they_are_asked_for(aiorch):
    alive, all_of_them = (
        json.loads(aiorch("models", "--all", "--offline", "--json", *option).stdout)["models"]
        for option in ((), ("--retired",))
    )
    assert {m["id"] for m in alive} < {m["id"] for m in all_of_them}
    assert not any(m["lifecycle"]["state"] == "retired" for m in alive)
    assert any(m["lifecycle"]["state"] == "retired" for m in all_of_them)
