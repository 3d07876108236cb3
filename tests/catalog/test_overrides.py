"""The user's corrections: what may be said, and that every mistake is told with its line."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.catalog.overrides import Overrides, line_of, load, read
from aiorch.errors import SettingsError
from aiorch.types import Capabilities, FreeTerms, Lifecycle, ModelCard, Price

PROVIDERS = ("groq", "gemini", "openrouter", "mistral")


def said(text: str) -> Overrides:
    return read(text, "models.toml", PROVIDERS)


def wrong(text: str) -> list[str]:
    with pytest.raises(SettingsError) as told:
        said(text)
    return str(told.value).splitlines()


def test_a_user_may_correct_any_fact_of_a_model() -> None:
    found = said("""
[models."groq/llama-3.3-70b-versatile"]
name = "My Llama"
context = 131_072
max_output = 8192
price = { input = 0.59, output = 1, cached_input = 0.1, request = 0.001 }
free = "free_quota"
note = "our contract"
capabilities = { tools = true, vision = false }
inputs = ["text", "image"]
outputs = ["text"]
retired = false
successor = "llama-4"
family = "llama-3.3-70b"
variant = "fp8"
knowledge = "2023-12"
open_weights = true
parameters = 70_000_000_000
""")
    assert found.cards["groq/llama-3.3-70b-versatile"] == ModelCard(
        "groq",
        "llama-3.3-70b-versatile",
        name="My Llama",
        context=131_072,
        max_output=8192,
        price=Price(Decimal("0.59"), Decimal(1), Decimal("0.1"), Decimal("0.001")),
        free="free_quota",
        terms=FreeTerms("our contract"),
        capabilities=Capabilities(tools=True, vision=False),
        inputs=("text", "image"),
        outputs=("text",),
        lifecycle=Lifecycle("active", successor="llama-4"),
        family="llama-3.3-70b",
        variant="fp8",
        knowledge="2023-12",
        open_weights=True,
        parameters=70_000_000_000,
        source="user",
    )
    assert found.lines == {"groq/llama-3.3-70b-versatile": 2}


def test_what_is_left_out_says_nothing() -> None:
    assert said('[models."groq/a"]\nretired = true').cards["groq/a"] == ModelCard(
        "groq", "a", lifecycle=Lifecycle("retired"), source="user"
    )
    assert said("").cards == {}


def test_a_price_of_zero_is_why_a_route_is_free() -> None:
    assert said('[models."groq/a"]\nprice = {input = 0, output = 0.0}').cards["groq/a"].free == "zero_price"
    assert said('[models."groq/a"]\nprice = {input = 0, output = 1}').cards["groq/a"].free == "unknown"


def test_ids_with_slashes_and_colons_are_models_of_their_provider() -> None:
    card = said('[models."openrouter/google/gemma-4:free"]\ncontext = 5').cards[
        "openrouter/google/gemma-4:free"
    ]
    assert (card.provider, card.model) == ("openrouter", "google/gemma-4:free")


# --- mistakes ----------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_toml_names_the_line() -> None:
    (line,) = wrong('[models."groq/a"]\ncontext = = 5\n')
    assert line.startswith("models.toml is no TOML: ")
    assert "line 2" in line


BAD = [
    ('[models."groq/a"]\ncontxt = 5', 2, "contxt", "did you mean 'context'"),
    (
        '[models."groq/a"]\n\n# a note\ncontext = "big"',
        4,
        "context",
        "is 'big'; allowed: a whole number above 0",
    ),
    ('[models."groq/a"]\ncontext = 0', 2, "context", "a whole number above 0"),
    ('[models."groq/a"]\ncontext = true', 2, "context", "a whole number above 0"),
    ('[models."groq/a"]\ncontext = 1.5', 2, "context", "is 1.5; allowed"),
    ('[models."groq/a"]\nfree = "yes"', 2, "free", "one of local, zero_price"),
    ('[models."groq/a"]\nfree = "unknown"', 2, "free", "one of local, zero_price"),
    ('[models."groq/a"]\nfree = ["none"]', 2, "free", "one of local, zero_price"),
    ('[models."groq/a"]\nname = " "', 2, "name", "a text"),
    ('[models."groq/a"]\ninputs = "text"', 2, "inputs", "a list of texts"),
    ('[models."groq/a"]\ninputs = [1]', 2, "inputs", "a list of texts"),
    ('[models."groq/a"]\nretired = 1', 2, "retired", "true or false"),
    ('[models."groq/a"]\nprice = 0.5', 2, "price", "a table of input, output"),
    ('[models."groq/a"]\nprice = {input = 0.5}', 2, "price", "needs input and output"),
    ('[models."groq/a"]\nprice = {input = -1, output = 1}', 2, "price.input", "0 or more"),
    ('[models."groq/a"]\nprice = {input = nan, output = 1}', 2, "price.input", "0 or more"),
    ('[models."groq/a"]\nprice = {input = true, output = 1}', 2, "price.input", "0 or more"),
    (
        '[models."groq/a"]\nprice = {inptu = 1, input = 1, output = 1}',
        2,
        "price.inptu",
        "did you mean 'input'",
    ),
    ('[models."groq/a".capabilities]\ntool = true', 2, "capabilities.tool", "did you mean 'tools'"),
    ('[models."groq/a"]\ncapabilities.tools = "yes"', 2, "capabilities.tools", "true or false"),
    (
        '\n[models."gorq/a"]\ncontext = 1',
        2,
        "gorq/a",
        "names the provider 'gorq', which is not known; did you mean 'groq'",
    ),
    ("[models.llama]\ncontext = 1", 1, "models.llama", "must be provider/model, in quotes"),
    ('[models]\n"groq/" = {context = 1}', 2, "groq/", "must be provider/model, in quotes"),
    ('[models]\n"groq/a" = 5', 2, "groq/a", "must be a table of corrections"),
    ("context = 1\nmodels = 5", 2, "models", "must be a table of models"),
    ('[model."groq/a"]\ncontext = 1', 1, "model", "did you mean 'models'?"),
]


@pytest.mark.parametrize(("text", "line", "field", "what"), BAD, ids=[repr(b[0])[:40] for b in BAD])
def test_a_mistake_is_told_with_its_line_its_field_and_what_is_right(
    text: str, line: int, field: str, what: str
) -> None:
    told = wrong(text)
    mine = [t for t in told if t.startswith(f"models.toml, line {line}: ")]
    assert mine, told
    assert field in mine[0]
    assert what in mine[0]


def test_all_mistakes_are_told_at_once() -> None:
    told = wrong('[models."groq/a"]\ncontext = -1\nfoo = 1\n[models."gemini/b"]\nfree = "no"\n')
    assert [t.split(":")[0] for t in told] == [
        "models.toml, line 2",
        "models.toml, line 3",
        "models.toml, line 5",
    ]


def test_a_field_like_no_other_is_answered_with_some_that_exist() -> None:
    (line,) = wrong('[models."groq/a"]\nxyzzy = 1')
    assert "did you mean 'name' or 'context' or 'max_output'?" in line


def test_a_long_value_is_shown_shortened() -> None:
    (line,) = wrong(f'[models."groq/a"]\ncontext = "{"x" * 500}"')
    assert len(line) < 200


def test_the_file_is_read_from_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text('[models."groq/a"]\ncontext = 5\n', "utf-8")
    assert load(path, PROVIDERS).cards["groq/a"].context == 5
    path.write_text('[models."groq/a"]\ncontext = "5"\n', "utf-8")
    with pytest.raises(SettingsError, match=r"models\.toml, line 2: models\.\"groq/a\"\.context is '5'"):
        load(path, PROVIDERS)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", PROVIDERS)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9\n")
    with pytest.raises(SettingsError, match="cannot be read: it is not UTF-8"):
        load(tmp_path / "latin.toml", PROVIDERS)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_typed_error(text: str) -> None:
    with suppress(SettingsError):
        assert said(text).path == "models.toml"


def test_a_file_that_is_nested_without_end_is_refused() -> None:
    (line,) = wrong("a = " + "[" * 100_000)
    assert line.startswith("models.toml is no TOML")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.sampled_from(["context", "price", "capabilities", "free", "inputs", "name", "retired", "note"]), values
)
def test_no_value_gets_through_that_a_card_cannot_hold(field: str, value: Any) -> None:
    from aiorch.catalog.overrides import _card, _faults

    table = {field: value}
    if not list(_faults(table)):
        card = _card("groq", "a", table)
        assert card.context is None or card.context > 0
        assert card.price is None or card.price.input >= 0


# --- where -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ('[models."a/b"]\ncontext = 1\n[models."a/c"]\ncontext = 2', ("models", "a/c", "context"), 4),
        ("models.'a/b'.context = 1", ("models", "a/b", "context"), 1),
        ('[models]\n"a/b" = { context = 1 }', ("models", "a/b", "context"), 2),
        ('[models."a/b"]\n  price = {\n input = 1 }', ("models", "a/b", "price", "input"), 2),
        ("# nothing", ("models",), 1),
    ],
)
def test_the_line_of_a_value_is_found_however_it_is_written(
    text: str, place: tuple[str, ...], line: int
) -> None:
    assert line_of(text, place) == line


# --- models that nobody knows ------------------------------------------------------------------------------------


def test_a_correction_of_a_model_that_nobody_lists_is_told_with_the_nearest_names() -> None:
    found = said('\n[models."groq/lama-3"]\ncontext = 5\n[models."groq/b"]\ncontext = 5')
    (stranger,) = found.strangers(["groq/llama-3", "groq/llama-4", "groq/b", "mistral/x"])
    assert stranger.id == "groq/lama-3"
    assert stranger.reason.startswith(
        "models.toml, line 2: no such model is known; did you mean 'groq/llama-3'"
    )
    assert found.strangers(["groq/lama-3", "groq/b"]) == ()
