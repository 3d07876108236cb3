"""The settings explained, as an ``aiorch.toml`` that changes nothing: all commented out, each with what it does."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr

from aiorch.settings import Settings

HEAD = """\
# The settings of aiorch in this folder. Take the "# " away before what you change; what stands here is the default.
# Arguments, the environment (AIORCH_TIMEOUT=30) and .env come before this file. Keys are better kept in .env.
"""

EXAMPLES = {
    "keys": 'groq = "gsk_..."',
    "base_urls": 'vllm = "http://localhost:8000/v1"',
    "weights": "groq = 3",
    "tenants": "acme = { usd_day = 2, tokens_day = 1_000_000, requests_minute = 60 }",
    "users": '"*" = { requests_minute = 20, requests_at_once = 4 }',
}
"""A line for each table, since their default is empty."""


def settings_file() -> str:
    """The whole file. Tables come last: whatever follows a table's name in TOML belongs to it."""
    texts = dict(_docstrings())
    plain: list[str] = []
    tables: list[str] = []
    for name, field in Settings.model_fields.items():
        default: Any = field.get_default(call_default_factory=True, validated_data={})
        text = _without_markup(texts[name])
        if get_origin(field.annotation) is Literal:
            text += f" One of: {', '.join(get_args(field.annotation))}."
        said = textwrap.wrap(text, 110, initial_indent="# ", subsequent_indent="# ")
        if isinstance(default, dict):
            tables.append("\n".join([*said, f"# [{name}]", f"# {EXAMPLES[name]}"]))
        else:
            plain.append("\n".join([*said, f"# {name} = {_toml(default)}"]))
    return "\n\n".join([HEAD.rstrip(), *plain, *tables]) + "\n"


def _docstrings() -> Iterator[tuple[str, str]]:
    """Each setting's name with the text below it, from the source: Python keeps no docstrings of attributes."""
    (declared,) = ast.parse(inspect.getsource(Settings)).body
    body = declared.body if isinstance(declared, ast.ClassDef) else []
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, said
            case _:
                pass


def _without_markup(text: str) -> str:
    """The text as people write it: names of classes without their path, one backtick, TOML's word for nothing."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", " ".join(text.split()))
    return text.replace("``", "`").replace("`None`", '"none"')


def _toml(value: Any) -> str:
    match value:
        case None:
            return '"none"'  # TOML has no null; the settings read this word as one
        case bool() | int() | float() | Decimal():
            return str(value).lower()
        case tuple():
            return "[]"
        case SecretStr():  # a default is no secret
            return _toml(value.get_secret_value())
        case _:
            return json.dumps(str(value), ensure_ascii=False)
