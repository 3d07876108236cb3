"""Our docstrings as Markdown, for the reference pages: examples in fences, roles as links. An extension of griffe,
which mkdocs.yml names.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|meth|data|mod|attr|exc):`~?([\w.]+)`")
EXAMPLE = re.compile(r"(?:^[ ]*>>> .*\n?(?:^(?![ ]*$).*\n?)*)+", re.MULTILINE)


class Markdown(griffe.Extension):
    """Rewrites what Markdown would misread: ``>>>`` is a quotation to it, and ``:class:`` is nothing."""

    def on_object(self, *, obj: griffe.Object, loader: griffe.GriffeLoader, **more: Any) -> None:
        """Called for each object with a docstring, when all are loaded."""
        if obj.docstring is not None:
            obj.docstring.value = written(obj.docstring.value)


def written(text: str) -> str:
    """A docstring as Markdown.

    >>> print(written("A :class:`~aiorch.types.Task`."))
    A `Task`.
    """
    fenced = EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)
    return ROLE.sub(lambda found: f"`{found[1].rpartition('.')[2]}`", fenced)
