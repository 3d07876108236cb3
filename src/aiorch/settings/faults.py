"""What pydantic found wrong, in words for the person who set it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiorch.settings.allowances import FIELDS
from aiorch.settings.sources import Layer

if TYPE_CHECKING:
    from pydantic import ValidationError

ALLOWED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "path_type": "a path",
    "tuple_type": "a list of names, or names with commas between them",
    "dict_type": "a table of names and values, or name=value pairs with commas between them",
    "byte_size": "a size in bytes, or with a unit: 100KiB",
    "byte_size_unit": "a size in bytes, or with a unit: 100KiB",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "value_error": "{error}",
    "unexpected_keyword_argument": f"one of {', '.join(FIELDS)}",
    "dataclass_type": f"a table with {', '.join(FIELDS)}",
}
"""What would be right, by pydantic's name of what is wrong. Types that are not here keep pydantic's words."""

NESTED = frozenset({"tenants", "users"})
"""Settings whose tables hold tables: what is wrong is told by its whole path."""

ONE_OR_MORE = "a text, or a list of texts"
"""What a provider's keys may be."""

SECRET = frozenset({"keys"})
"""Settings whose values are never shown."""

NOBODY = Layer("the default", {})
"""Where a value comes from that no place gives: a folder in a home that a container's user does not have."""


def bad_values(invalid: ValidationError, layers: Sequence[Layer]) -> Iterator[str]:
    """One line for each setting with a value that cannot be used: what, where, the value, and what is allowed."""
    told: set[str] = set()
    for error in invalid.errors(include_url=False):
        path = [str(p) for p in error["loc"]]
        # A union reports once per member, with the member's name in the path; one line is enough.
        inside = path[1] if len(path) > 1 and _gives(layers, path[0], path[1]) else None
        name = path[0] if inside is None else f"{path[0]}.{inside}"
        if inside is not None and path[0] in NESTED:
            name = ".".join(path)
        if name in told:
            continue
        told.add(name)
        layer = next(
            (x for x in layers if path[0] in x.values and (inside is None or _gives([x], path[0], inside))),
            NOBODY,
        )
        allowed = ONE_OR_MORE if path[0] in SECRET and inside is not None else ALLOWED.get(error["type"])
        context: dict[str, Any] = error.get("ctx", {})
        wrong = error["msg"] if allowed is None else f"must be {allowed.format(**context)}"
        shown = "" if path[0] in SECRET else f" = {_short(error['input'])}"
        spelled = layer.spelled(path[0]) + name.removeprefix(path[0])
        yield f"{spelled}{shown} ({layer.place}): {wrong}"


def _gives(layers: Sequence[Layer], name: str, inside: str) -> bool:
    return any(isinstance(x.values.get(name), Mapping) and inside in x.values[name] for x in layers)


def _short(value: object) -> str:
    # A password in an address, however badly it is written: it may itself hold any of @ / : and quotes.
    text = re.sub(r"(:|//).*@", r"\1[redacted]@", repr(value))
    return text if len(text) <= 80 else text[:77] + "..."
