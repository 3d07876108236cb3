"""``aiorch local``: weights of the model that runs in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli.columns import columns
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from aiorch.providers.local import Installed, KnownModel


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from aiorch.providers.local import known

    return [CompletionItem(row.name, help=row.note) for row in known() if row.name.startswith(incomplete)]


@click.group(short_help="Weights of the model that runs on this machine.")
@flags
def command() -> None:
    """Weights of the embedded model: it runs in this process, needs no key and no network.

    Any other GGUF file is used by its path: AIORCH_LOCAL_MODEL=/path/to/model.gguf
    """


@command.command("list", short_help="What can be installed, and what is there.")
@flags
def list_() -> None:
    """Show what can be installed by name, and what is there."""
    from aiorch.providers.local import DEFAULT, installed, known

    speak = voice()
    folder = _folder(speak)
    there = {item.name: item for item in installed(folder)}
    rows = known()
    others = [item for name, item in there.items() if name not in {row.name for row in rows}]
    if speak.json:
        speak.document(
            {
                "folder": str(folder),
                "models": [
                    {**_row(row), "installed": _path(there.get(row.name)), "default": row.name == DEFAULT}
                    for row in rows
                ],
                "others": [{"name": item.name, "path": str(item.path), "size": item.size} for item in others],
            }
        )
        return
    table = [("NAME", "SIZE", "LICENCE", "INSTALLED", "NOTE")]
    table += [
        (row.name, _size(row.size), row.licence, "yes" if row.name in there else "no", row.note)
        for row in rows
    ]
    table += [
        (
            item.name,
            _size(item.size),
            item.licence,
            "yes",
            f"a file of your own; use it by its path {item.path}",
        )
        for item in others
    ]
    for line in columns(table, right=(1,)):
        speak.result(line)
    speak.tell(f"folder: {folder}")


@command.command(short_help="Fetch weights.")
@click.argument("name", required=False, shell_complete=_names)
@click.option("--force", is_flag=True, help="Fetch them again, also when they are there.")
@flags
def install(name: str | None, force: bool) -> None:
    """Fetch the weights of NAME (smollm2-135m by default) and check their SHA-256. Quick when they are there."""
    from aiorch.providers.local import DEFAULT, locate
    from aiorch.providers.local import install as fetch
    from aiorch.providers.local import remove as drop
    from aiorch.providers.local.records import verify

    speak = voice()
    folder = _folder(speak)
    row = _known(name or DEFAULT)
    path = None if force else locate(row.name, folder)
    if path is not None and _right(path, row, verify):
        if speak.json:
            speak.document({**_row(row), "path": str(path), "fetched": False})
        speak.tell(f"{row.name} is there: {path}")
        return
    speak.tell(
        f"{row.name}: {_size(row.size)}, {row.licence}, from {row.source}\nSHA-256 {row.sha256}\n{row.note}"
    )
    if force:
        drop(row.name, folder)
    try:
        with _bar(speak, row) as progress:
            got = fetch(row.name, folder, progress=progress)
    except KeyboardInterrupt:
        speak.tell("what has arrived of a single file is kept; the same command goes on there")
        raise
    if speak.json:
        speak.document({**_row(row), "path": str(got.path), "fetched": True})
    speak.tell(f"installed: {got.path} ({_size(got.size)}, SHA-256 checked)")


@command.command(short_help="Where weights lie.")
@click.argument("name", required=False, shell_complete=_names)
@flags
@click.pass_context
def path(ctx: click.Context, name: str | None) -> None:
    """Print the path of NAME's weights (smollm2-135m when none is named). Exit code 1 when they are not there."""
    from aiorch.providers.local import DEFAULT, locate

    speak, row = voice(), _known(name or DEFAULT)
    found = locate(row.name, _folder(speak))
    if speak.json:
        speak.document({"name": row.name, "path": None if found is None else str(found)})
    elif found is not None:
        speak.result(str(found))
    if found is None:
        speak.complain(f"{row.name} is not installed", f"aiorch local install {row.name}")
        ctx.exit(FAILED)


@command.command(short_help="Delete weights.")
@click.argument("name", shell_complete=_names)
@flags
@click.pass_context
def remove(ctx: click.Context, name: str) -> None:
    """Delete the weights of NAME. Exit code 1 when there were none."""
    from aiorch.providers.local import locate
    from aiorch.providers.local import remove as drop

    speak, row = voice(), _known(name)
    folder = _folder(speak)
    removed = drop(row.name, folder)
    left = locate(row.name, folder)
    if speak.json:
        speak.document(
            {"name": row.name, "removed": removed, "still_at": None if left is None else str(left)}
        )
    if removed:
        speak.tell(f"removed {row.name} from {folder}")
    if left is not None:
        speak.tell(
            f"the package that holds {left} still has it: pip uninstall {getattr(row.source, 'distribution', '')}"
        )
    if not removed:
        speak.complain(f"{row.name} is not installed in {folder}", "`aiorch local list` shows what is there")
        ctx.exit(FAILED)


def _folder(speak: Voice) -> Path:
    from aiorch.roster import weights_folder

    return weights_folder(speak.settings())


def _known(name: str) -> KnownModel:
    """The row of a name. :raises InputError: when there is none."""
    from aiorch.errors import InputError, nearest
    from aiorch.providers.local import known

    names = [row.name for row in known()]
    if name in names:
        return known()[names.index(name)]
    near = nearest(name, names, most=1)
    offer = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"unknown local model {name!r}.{offer} Known: {', '.join(names)}. "
        "Any other GGUF file is used by its path: AIORCH_LOCAL_MODEL=/path/to/model.gguf"
    )


def _right(path: Path, row: KnownModel, verify: Callable[[Path, str], None]) -> bool:
    from aiorch.errors import LocalModelError

    try:
        verify(path, row.sha256)
    except LocalModelError:
        return False
    return True


@contextmanager
def _bar(speak: Voice, row: KnownModel) -> Generator[Callable[[int, int], None], None, None]:
    """Progress on a terminal; elsewhere nothing, so that logs stay short."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar: Any = click.progressbar(length=row.size, label=row.name, file=sys.stderr, show_pos=False)
    with bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress


def _row(row: KnownModel) -> dict[str, Any]:
    return {
        "name": row.name,
        "size": row.size,
        "licence": row.licence,
        "source": str(row.source),
        "sha256": row.sha256,
        "parameters": row.parameters,
        "context": row.context,
        "demo": row.demo,
    }


def _path(item: Installed | None) -> str | None:
    return None if item is None else str(item.path)


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
