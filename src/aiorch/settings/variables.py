"""The environment and ``.env`` as they were when the settings were loaded, kept out of sight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

SECRET_NAME = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|APIKEY|PAT)(?:_|$)")
"""Variables whose values must not be shown, whoever reads them: ``GROQ_API_KEY``, ``HF_TOKEN`` ..."""


class Variables:
    """Values by name; empty ones count as absent, and white space around one is dropped.

    Never shown and never pickled: most of what it holds is nobody else's business.
    """

    __slots__ = ("_values",)

    def __init__(self, environment: Mapping[str, str], env_file: Mapping[str, str]) -> None:
        stated = (
            {k: v.strip() for k, v in values.items() if v.strip()} for values in (env_file, environment)
        )
        below, above = stated
        self._values = below | above

    def first(self, names: tuple[str, ...]) -> tuple[str, str] | None:
        """The first of ``names`` that is set, with its value."""
        return next(((name, self._values[name]) for name in names if name in self._values), None)

    def secrets(self) -> tuple[str, ...]:
        """The values of all variables that are named like a secret."""
        return tuple(v for k, v in self._values.items() if SECRET_NAME.search(k.upper()))

    def __repr__(self) -> str:
        return f"<{len(self._values)} variables>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("the variables hold keys and are not pickled")

    def __deepcopy__(self, memo: Any) -> Variables:
        return self
