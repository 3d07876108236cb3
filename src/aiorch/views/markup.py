"""HTML for cells. What is shown comes from strangers (models, lists, files), so all their texts pass :func:`text`.

No script, nothing from elsewhere, no identifiers that could meet those of another cell. Colours are the page's own,
with greys and middle tones between, so that it can be read in light and in dark themes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

NOTHING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no text has to contain: it steers terminals (escape), ends documents early, or cannot be written as UTF-8."""

NUMBER = ' class="number"'
STYLE = (
    ".aiorch{line-height:1.45}"
    ".aiorch p{margin:.3em 0}"
    ".aiorch table{border-collapse:collapse;margin:.4em 0;display:block;overflow-x:auto}"
    ".aiorch tr{background:none}"
    ".aiorch :is(th,td){text-align:left;vertical-align:top;padding:.15em .8em .15em 0;unicode-bidi:isolate;"
    "border-bottom:1px solid rgba(128,128,128,.3);max-width:40em;overflow-wrap:anywhere}"
    ".aiorch th{white-space:nowrap;font-weight:600}"
    ".aiorch td:not(.number){min-width:6.2em}"
    ".aiorch .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".aiorch .said{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate;max-height:32em;overflow:auto;"
    "border-left:3px solid rgba(128,128,128,.5);padding:.1em .8em;margin:.3em 0}"
    ".aiorch .aside{opacity:.75}"
    ".aiorch .mark{border:1px solid currentColor;border-radius:3px;padding:0 .4em;margin-right:.4em}"
    ".aiorch summary{cursor:pointer}"
    ".aiorch svg{max-width:100%;height:auto;display:block;margin:.4em 0}"
)


def clean(value: object, most: int | None = None) -> str:
    """A text without what is none, ``most`` characters of it.

    >>> clean("a\\x1b[31mb", 4)
    'a�[3… (3 more characters)'
    """
    whole = str(value)
    cut = whole if most is None or len(whole) <= most else whole[:most]
    shown = NOTHING.sub("\N{REPLACEMENT CHARACTER}", cut)
    return shown if cut is whole else f"{shown}… ({len(whole) - len(cut):,} more characters)"


def text(value: object, most: int | None = None) -> str:
    """The same for HTML: shown as it is, never read as markup, also within a quoted attribute.

    >>> text('<b>"&')
    '&lt;b&gt;&quot;&amp;'
    """
    return escape(clean(value, most))


def framed(*parts: str) -> str:
    """Parts of HTML as one output."""
    return f'<div class="aiorch"><style>{STYLE}</style>{"".join(parts)}</div>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[str] = ()) -> str:
    """Plain texts as a table; columns named in ``numbers`` stand to the right. Without rows: nothing."""
    right = {i for i, head in enumerate(heads) if head in set(numbers)}

    def line(cells: Sequence[str], tag: str) -> str:
        drawn = (f"<{tag}{NUMBER if i in right else ''}>{text(cell)}</{tag}>" for i, cell in enumerate(cells))
        return f"<tr>{''.join(drawn)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(heads, 'th')}</thead><tbody>{body}</tbody></table>" if body else ""


def folded(title: str, *parts: str, shown: bool = False) -> str:
    """Parts of HTML that a click shows, or hides where they are ``shown``; nothing where there is none."""
    inside = "".join(parts)
    opened = " open" if shown else ""
    return f"<details{opened}><summary>{text(title)}</summary>{inside}</details>" if inside else ""
