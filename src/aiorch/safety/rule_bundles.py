"""Rule files that belong together: listed with their hashes by ``rules.json``, which is itself known by its hash.

    {"version": "2026.11.22", "files": {"codenames.toml": "4c1f..."}}

Whoever knows the SHA-256 of ``rules.json`` gets exactly the files that its author sealed, wherever they were fetched
from: neither the server nor anybody on the way can change, add or leave out a row. The hash says nothing of who the
author is, and nothing of whether the rules are good.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from aiorch.errors import ConfigurationError

MANIFEST: Final = "rules.json"
MOST_FILES = 20
MANIFEST_BYTES = 64 * 1024
FILE_BYTES = 256 * 1024

Get = Callable[[str, int], Awaitable[bytes]]
"""Gets an address, and not more than so many bytes; whatever goes wrong is raised as an
:class:`~aiorch.errors.AiorchError`."""

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\.toml")
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rule files whose hashes are right."""

    manifest: str
    version: str
    files: Mapping[str, str]
    """By name, their text."""

    @property
    def sha256(self) -> str:
        """Of the manifest, and by it of everything."""
        return hashlib.sha256(self.manifest.encode()).hexdigest()


def order(version: str) -> tuple[int, ...]:
    """What versions are compared by.

    >>> order("2026.11.22") < order("2026.12"), order("3") == order("3.0")
    (True, True)
    """
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def read_bundle(folder: Path, sha256: str | None = None) -> Bundle:
    """The bundle in a folder.

    :param sha256: of its manifest, where that is known.
    :raises ConfigurationError: when it cannot be read, or a hash is not what it should be.
    """
    manifest = _read(folder / MANIFEST, MANIFEST_BYTES)
    listed = _listed(manifest, sha256, str(folder / MANIFEST))
    return _whole(
        manifest, listed, {name: _read(folder / name, FILE_BYTES) for name in listed[1]}, str(folder)
    )


async def fetch_bundle(url: str, sha256: str, get: Get) -> Bundle:
    """The bundle at an address: of ``rules.json``, or of its folder.

    :raises AiorchError: when it cannot be fetched, or a hash is not what it should be.
    """
    base = url.removesuffix(MANIFEST).rstrip("/")
    manifest = await get(f"{base}/{MANIFEST}", MANIFEST_BYTES)
    listed = _listed(manifest, sha256, f"{base}/{MANIFEST}")
    return _whole(manifest, listed, {n: await get(f"{base}/{n}", FILE_BYTES) for n in listed[1]}, base)


def rule_files(folder: Path) -> dict[str, str]:
    """The rule files in a folder as they are now, whatever its manifest says.

    :raises ConfigurationError: for a folder without any, and for what no manifest can list.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as fault:
        raise ConfigurationError(f"the folder {folder} cannot be read: {fault.strerror}") from fault
    odd = [name for name in names if not _FILE.fullmatch(name)]
    if odd or not 0 < len(names) <= MOST_FILES:
        raise ConfigurationError(
            f"{folder} has {len(names)} rule files{f' and {odd[0]!r} among them' if odd else ''}: it must have 1 to "
            f"{MOST_FILES}, with names of letters, digits, '-', '_' and '.'"
        )
    return {name: _text(_read(folder / name, FILE_BYTES), folder / name) for name in names}


def manifest_of(files: Mapping[str, str], version: str) -> str:
    """The manifest of rule files. :raises ConfigurationError: for a version that is none."""
    if not _VERSION.fullmatch(version):
        raise ConfigurationError(f"{version!r} is no version: write numbers with dots, such as 2026.11.22")
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    return json.dumps({"version": version, "files": hashes}, indent=2) + "\n"


def kept_bundle(manifest: str, files: Mapping[str, str]) -> Bundle:
    """A bundle from texts that were kept. :raises ConfigurationError: when they are no longer what they were."""
    listed = _listed(manifest.encode(), None, "what was kept")
    return _whole(
        manifest.encode(), listed, {name: text.encode() for name, text in files.items()}, "what was kept"
    )


def _listed(manifest: bytes, sha256: str | None, where: str) -> tuple[str, Mapping[str, str]]:
    """The version and the files' hashes that a manifest says."""
    there = hashlib.sha256(manifest).hexdigest()
    if sha256 is not None and there != sha256:
        raise ConfigurationError(
            f"{where} is not what guard_rules_sha256 names: its SHA-256 is {there}; where it was replaced on purpose, "
            "set that"
        )
    try:
        said = json.loads(manifest)
        version, files = said["version"], cast("dict[Any, Any]", said["files"])
        fits = (
            isinstance(version, str | int)
            and _VERSION.fullmatch(str(version))
            and said.keys() == {"version", "files"}
        )
        fits = fits and 0 < len(files) <= MOST_FILES and all(map(_FILE.fullmatch, files))
        if not fits or isinstance(version, bool) or not all(map(_SHA256.fullmatch, files.values())):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ConfigurationError(
            f'{where} is no manifest of rules: {{"version": "1", "files": {{"name.toml": "SHA-256 in hex"}}}}, as '
            "`aiorch guard rules seal` writes it"
        ) from None
    return str(version), cast("dict[str, str]", files)


def _whole(
    manifest: bytes, listed: tuple[str, Mapping[str, str]], files: Mapping[str, bytes], where: str
) -> Bundle:
    version, hashes = listed
    texts: dict[str, str] = {}
    for name, known in hashes.items():
        content = files.get(name, b"")
        if hashlib.sha256(content).hexdigest() != known:
            raise ConfigurationError(
                f"{name} of {where} is not the file that {MANIFEST} lists: its SHA-256 is another"
            )
        texts[name] = _text(content, f"{name} of {where}")
    return Bundle(manifest.decode(), version, texts)


def _text(content: bytes, what: object) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what} is not UTF-8") from None


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as fault:
        raise ConfigurationError(f"{path} cannot be read: {fault.strerror or fault}") from fault
    if len(content) > most:
        raise ConfigurationError(f"{path} is larger than {most:,} bytes")
    return content
