"""Discovered models as a table in a notebook."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.discovering import ORDERS, DiscoveredModel, DiscoveredProvider, Discovery
from aiorch.types import Capabilities, ModelCard, PassedOver, Price
from aiorch.views import models_html

VOID = {"input"}


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.style = ""
        self.ends = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "form":
            self.ends = len(self.tags)

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        elif self.open[-1:] == ["td"] or "th" in self.open:
            self.cells[-1] += data

    def rows(self, heads: int = 8) -> list[list[str]]:
        """The texts of each row of the first table's body."""
        lines = [tag for tag, _ in self.tags[: self.ends]].count("tr") - 1
        body = self.cells[heads:]
        return [body[i * heads : (i + 1) * heads] for i in range(lines)]


def discovery(*cards: ModelCard) -> Discovery:
    models = tuple(
        DiscoveredModel(card, () if card.costs_nothing else ("paid",), card.costs_nothing) for card in cards
    )
    return Discovery(models, (DiscoveredProvider("a", "A"),), (PassedOver("<b>", "HTTP 500 & more"),))


FREE = ModelCard(
    "a",
    "free",
    context=131_072,
    free="zero_price",
    parameters=70_000_000_000,
    created=1_790_000_000.0,
    capabilities=Capabilities(tools=True, vision=True),
)
PAID = ModelCard(
    "b", "paid", free="none", price=Price(Decimal("0.30"), Decimal("2.50")), parameters=500_000_000
)
BARE = ModelCard("c", "bare", demo=True)


def test_every_model_is_a_row_with_what_is_known_of_it() -> None:
    rows = Page(models_html(discovery(FREE, PAID, BARE))).rows()
    assert rows == [
        ["yes", "a/free", "131,072", "0 (zero price)", "70B", "2026-09", "tools, vision", ""],
        ["no", "b/paid", "", "0.3 / 2.5", "500M", "", "", "paid"],
        ["no", "c/bare", "", "", "", "", "", "demo: often wrong; paid"],
    ]


def test_the_numbers_and_the_problems_are_told() -> None:
    text = models_html(discovery(FREE, PAID))
    assert "2 models (1 usable now)" in text
    assert "&lt;b&gt;: HTTP 500 &amp; more" in text
    assert "<ul>" not in models_html(Discovery((), ()))


@given(st.text(), st.text())
def test_nothing_that_a_list_says_becomes_markup(model: str, reason: str) -> None:
    hostile = DiscoveredModel(ModelCard(f"</td><script>{reason}", model), (reason,))
    page = Page(models_html(Discovery((hostile,), (), (PassedOver(model, reason),))))
    assert page.open == []
    assert {tag for tag, _ in page.tags} == {
        *("form", "style", "p", "table", "thead", "tbody", "tr", "th", "td", "label", "input", "ul", "li")
    }
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_no_script_and_nothing_from_elsewhere() -> None:
    text = models_html(discovery(FREE)).lower()
    assert not any(word in text for word in ("<script", "http:", "https:", "url(", "@import", "javascript"))


@pytest.mark.parametrize("order", ["name", "context", "price", "size", "new"])
def test_each_order_is_a_button_and_a_place_in_every_row(order: str) -> None:
    cards = [BARE, PAID, FREE]
    page = Page(models_html(discovery(*cards)))
    buttons = {attrs["value"]: "checked" in attrs for tag, attrs in page.tags if tag == "input"}
    assert set(buttons) == set(ORDERS)
    assert [name for name, checked in buttons.items() if checked] == ["route"]
    places = [
        dict(pair.split(":") for pair in (attrs["style"] or "").split(";"))
        for tag, attrs in page.tags
        if tag == "tr" and attrs
    ]
    drawn = sorted(zip(places, cards, strict=True), key=lambda pair: int(pair[0][f"--{order}"]))
    assert [card for _, card in drawn] == sorted(cards, key=ORDERS[order])
    assert f'input[value="{order}"]:checked) td{{order:var(--{order})}}' in page.style


def test_the_order_that_they_came_in_is_drawn_first() -> None:
    page = Page(models_html(discovery(BARE, FREE, PAID).sorted("name")))
    assert [row[1] for row in page.rows()] == ["a/free", "b/paid", "c/bare"]
    first = next(attrs["style"] for tag, attrs in page.tags if tag == "tr" and attrs)
    assert first is not None
    assert first.startswith("--route:0;")


def test_long_lists_are_cut_and_say_so() -> None:
    many = discovery(*(ModelCard("a", f"m{i}", free="local") for i in range(30)))
    text = models_html(many, most=10)
    assert len(Page(text).rows()) == 10
    assert "the first 10" in text
    assert "Shown" not in models_html(many)


def test_providers_are_a_folded_table_below() -> None:
    page = Page(models_html(discovery(FREE)))
    assert page.cells[-6:] == ["a", "configured", "1", "1", "1", ""]
    assert "details" in [tag for tag, _ in page.tags]
    assert "<details>" not in models_html(Discovery((ORDERLESS,)))


ORDERLESS = DiscoveredModel(BARE)
