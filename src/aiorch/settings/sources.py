"""Where settings come from: arguments, the environment, ``.env`` and ``aiorch.toml``, each read once into a layer."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiorch.errors import SettingsError, nearest

PREFIX = "AIORCH_"

OTHER_VARIABLES: Mapping[str, str] = {
    "AIORCH_TEST_FULL": "run the tests that need what only `scripts/test --full` installs",
    "AIORCH_WEIGHTS_DIR": "the folder that holds the embedded model's weights",
}
"""Variables with aiorch's prefix that are not settings: other parts read them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings that one place gives, unvalidated."""

    place: str
    """For people: ``the environment``, ``/srv/app/aiorch.toml``."""
    values: Mapping[str, Any]
    """By the setting's name."""
    variables: bool = False
    """True where the place spells them as variables: ``AIORCH_CACHE``."""

    def spelled(self, name: str) -> str:
        """The setting as it is written in this place."""
        return PREFIX + name.upper() if self.variables else name


def from_arguments(values: Mapping[str, Any]) -> Layer:
    """What the caller passed."""
    return Layer("an argument", values)


def from_variables(place: str, variables: Mapping[str, str]) -> Layer:
    """The settings among ``variables``. An empty one counts as absent: ``.env.example`` is full of those."""
    ours = {
        name.upper().removeprefix(PREFIX).lower(): text.strip()
        for name, text in variables.items()
        if name.upper().startswith(PREFIX) and name.upper() not in OTHER_VARIABLES and text.strip()
    }
    return Layer(place, ours, variables=True)


def from_toml(path: Path) -> Layer:
    """The settings of an ``aiorch.toml``; no file, no settings.

    :raises SettingsError: when it cannot be read or is not TOML.
    """
    text = _read(path)
    if text is None:
        return Layer(str(path), {})
    try:
        return Layer(str(path.absolute()), tomllib.loads(text))
    except tomllib.TOMLDecodeError as malformed:
        wrong = str(malformed)
    # Outside of the handler, here and below: the exception would be chained, and it carries the file's whole text.
    raise SettingsError(f"{path.absolute()} is not TOML: {wrong}")


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a ``.env``; no file, no variables. Nothing is put into ``os.environ``.

    :raises SettingsError: when it cannot be read, or a line is not ``NAME=value``.
    """
    text = None if path.is_dir() else _read(path)  # a virtual environment may be called .env
    if text is None:
        return {}
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    for binding in parse_stream(io.StringIO(text)):
        if binding.error:  # the line itself is not shown: it may hold a key
            raise SettingsError(f"{path.absolute()}, line {binding.original.line}: expected NAME=value")
    return {k: v for k, v in dotenv_values(stream=io.StringIO(text)).items() if v is not None}


def unknown_names(layers: Iterable[Layer], known: Iterable[str]) -> Iterator[str]:
    """One line for each setting that does not exist: where, what, and the nearest that does."""
    names = tuple(known)
    for layer in layers:
        for name in layer.values:
            if name not in names:
                near = nearest(name, names, most=1)
                offer = f"; did you mean {layer.spelled(near[0])!r}?" if near else ""
                yield f"unknown setting {layer.spelled(name)!r} ({layer.place}){offer}"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        wrong = "is not UTF-8 text; save it as UTF-8"
    except OSError as unreadable:
        wrong = f"cannot be read ({unreadable.strerror}); check its permissions"
    raise SettingsError(f"{path.absolute()} {wrong}")
