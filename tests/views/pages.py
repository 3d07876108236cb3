"""What a browser would make of HTML that a view gives."""

from __future__ import annotations

from html.parser import HTMLParser

OURS = {
    *("div", "style", "p", "b", "span", "details", "summary", "ul", "li", "progress", "h1", "footer"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "rect", "text", "title"),
}
"""Every tag that views write."""


class Page(HTMLParser):
    """Tags and texts; :raises AssertionError: for what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)


def harmless(text: str) -> Page:
    """The page, which has no tag but ours, nothing that runs, and nothing from elsewhere."""
    page = Page(text)
    assert page.tags <= OURS
    assert not [a for a in page.attributes if a.startswith("on") or a in ("href", "src", "xlink:href", "id")]
    assert "url(" not in text.partition("</style>")[0]
    text.encode()  # no half of a surrogate pair
    return page
