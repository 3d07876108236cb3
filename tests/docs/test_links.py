"""Every link of every page leads somewhere: files and anchors here, others by their form (there is no network)."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.docs.pages import PAGES, ROOT, prose

LINK = re.compile(r"(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +\{#(?P<id>[\w-]+)\})?$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The ids of a page's headings, as Markdown's ``toc`` makes them."""
    found: dict[str, int] = {}
    for heading in HEADING.finditer(prose_with_code(text)):
        bare = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        slug = heading["id"] or re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", bare).strip().lower())
        number = found.get(slug, 0)
        found[slug] = number + 1
        if number:
            found[f"{slug}_{number}"] = 1
    return set(found)


def prose_with_code(text: str) -> str:
    """Without fences only: a heading may hold inline code."""
    return re.sub(r"^( *)(`{3,})[^\n]*\n.*?^\1\2\s*$", "", text, flags=re.MULTILINE | re.DOTALL)


def wrong(page: Path, target: str) -> str | None:
    """Why a link leads nowhere."""
    parts = urlsplit(target)
    if parts.scheme:
        fine = parts.scheme in ("http", "https") and re.fullmatch(r"[\w.-]+\.\w{2,}", parts.netloc)
        return None if fine else "is no address of a page"
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not file.exists():
        return "does not exist"
    if "docs" in page.parts and parts.path and not file.is_relative_to(ROOT / "docs"):
        return "lies outside of the site"
    if not parts.fragment or parts.fragment.startswith("aiorch."):  # the site's build checks the reference
        return None
    return None if parts.fragment in anchors(file.read_text(encoding="utf-8")) else "has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    found = [
        f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, link.start()) + 1}: {link[1]} {why}"
        for link in LINK.finditer(text)
        if (why := wrong(page, link[1]))
    ]
    assert not found, "\n".join(["", *found])


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `two`, three\n\n## Same\n\n## Same\n")
    assert anchors(page.read_text()) == {"one-two-three", "same", "same_1"}
    for target, said in {
        "other.md": "does not exist",
        "#four": "has no such heading",
        "ftp://example.org/": "is no address of a page",
        "https://nowhere": "is no address of a page",
        "#one-two-three": None,
        "page.md#same_1": None,
        "https://example.org/a": None,
    }.items():
        assert wrong(page, target) == said, target


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    inside = [
        page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")
    ]
    assert [name for name in inside if f" {name}\n" not in navigation] == []
