"""The settings explained, as an ``aiorch.toml`` that changes nothing: every setting commented out, with what it does."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aiorch.settings import Settings

HEAD = """\
# The settings of aiorch in this folder. Take the "# " away before what you change; what is commented out is the default.
# Arguments, the environment (AIORCH_TIMEOUT=30) and .env come before this file. Keys are better kept in .env.
"""


def settings_file() -> str:
    """The whole file. Tables come last: whatever follows a table's name in TOML belongs to it."""
    texts = dict(_docstrings())
    plain: list[str] = []
    tables: list[str] = []
    for name, field in Settings.model_fields.items():
        default: Any = field.get_default(call_default_factory=True, validated_data={})
        said = textwrap.wrap(_without_markup(texts[name]), 110, initial_indent="# ", subsequent_indent="# ")
        if isinstance(default, dict):
            tables.append("\n".join([*said, f"# [{name}]"]))
        else:
            plain.append("\n".join([*said, f"# {name} = {_toml(default)}"]))
    return "\n\n".join([HEAD.rstrip(), *plain, *tables]) + "\n"


def _docstrings() -> Iterator[tuple[str, str]]:
    """Each setting's name with the text below it, from the source: Python keeps no docstrings of attributes."""
    (declared,) = ast.parse(inspect.cleandoc(inspect.getsource(Settings))).body
    body = declared.body if isinstance(declared, ast.ClassDef) else []
    for field, text in zip(body, body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, said
            case _:
                pass


def _without_markup(text: str) -> str:
    """ReStructuredText as people write it: names of classes without their path, one backtick."""
    return (
        re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", " ".join(text.split()))
        .replace("``", "`")
        .replace("`None`", '"none"')
    )


def _toml(value: Any) -> str:
    match value:
        case None:
            return '"none"'  # TOML has no null; the settings read this word as one
        case bool() | int() | float() | Decimal():
            return str(value).lower()
        case tuple():
            return "[]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)
