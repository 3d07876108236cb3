"""The one way to write a record as JSON, so that a signature over it has one meaning."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, cast


def canonical(record: Mapping[str, Any]) -> str:
    """``record`` in the one way to write it as JSON: sorted, compact, without ``NaN``.

    >>> canonical({"b": 0.5, "a": (1, None)})
    '{"a":[1,null],"b":0.5}'
    """
    names = _headed(tuple(record))
    if names is None:
        return _whole(record)
    parts: list[str] = []
    for name, head in names:
        value: object = record[name]
        # Nearly all are texts and numbers, and setting up a JSON encoder costs more than writing them.
        if type(value) is str:
            written = encode_basestring(value)
        elif type(value) is int or (type(value) is float and math.isfinite(value)):
            written = repr(value)
        elif type(value) is bool:
            written = "true" if value else "false"
        else:
            written = _whole(value)
        parts.append(head + written)
    return _utf8("{" + ",".join(parts) + "}")


@lru_cache(maxsize=256)
def _headed(names: tuple[object, ...]) -> tuple[tuple[str, str], ...] | None:
    """Sorted, each with how it is written before its value: records of one event have the same names. ``None`` where
    one is no text.
    """
    if not all(type(name) is str for name in names):
        return None
    return tuple((name, f"{encode_basestring(name)}:") for name in sorted(cast("tuple[str, ...]", names)))


def _whole(value: object) -> str:
    try:
        return _dumped(value)
    except ValueError:  # NaN or infinity: no JSON has them
        return _dumped(_finite(value))


def _dumped(record: object) -> str:
    return _utf8(_encode(record))


def _utf8(text: str) -> str:
    # Half a surrogate pair becomes the escape that JSON has for it.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> object:
    if isinstance(value, set | frozenset):
        return sorted(map(str, cast("set[Any]", value)))
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else str(value)


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in cast("Mapping[str, Any]", value).items()}
    return [_finite(v) for v in cast("list[Any]", value)] if isinstance(value, list | tuple) else value
