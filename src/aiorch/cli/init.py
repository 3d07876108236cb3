"""``aiorch init``: a first ``.env`` and ``aiorch.toml`` in the current folder, and a try of the keys."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from aiorch.cli import stopping
from aiorch.cli.voice import FAILED, Voice, flags, voice

if TYPE_CHECKING:
    from aiorch.cli.probing import Probe
    from aiorch.providers import ProviderSpec
    from aiorch.settings import Settings

ENV, TOML = ".env", "aiorch.toml"
Done = Literal["written", "completed", "kept", "replaced"]

HEAD = """\
# Keys for aiorch. Take the "# " away before those that you have, and fill them in. One is enough to begin with; with
# two, aiorch has somewhere to go when one provider fails. The environment wins over this file. Never commit it.
"""
GROUPS = (
    ("free models, or a free allowance", ("zero_price", "free_quota", "anonymous")),
    ("credit to begin with", ("trial",)),
    ("paid: used only where you allow it (AIORCH_ALLOW_PAID, AIORCH_BUDGET_USD)", ("none", "unknown")),
    ("servers on your own machines", ("local",)),
)


@click.command(short_help="Write .env and aiorch.toml, and try the keys.")
@click.option(
    "--force",
    is_flag=True,
    help="Write files anew that are there. Values that .env sets are kept; aiorch.toml is kept as aiorch.toml.old.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--offline", is_flag=True, help="Do not try the keys.")
@flags
@click.pass_context
def command(ctx: click.Context, force: bool, yes: bool, offline: bool) -> None:
    """Write .env and aiorch.toml into this folder, try the keys that are there, and say what to do next.

    An .env that is there keeps every line; names of keys that it lacks are added at its end, commented out.
    """
    speak = voice()
    here = Path.cwd()
    asked = not yes and not speak.json and sys.stdin.isatty()
    if asked and not click.confirm(f"Write {ENV} and {TOML} into {here}?", default=True, err=True):
        speak.tell("nothing was written")
        ctx.exit(FAILED)
    files = {ENV: write_env(here / ENV, force=force), TOML: write_toml(here / TOML, force=force)}
    for name, done in files.items():
        speak.tell(f"{name}: {_TOLD[done]}")
    open_to_git = git_would_take(here / ENV)
    if open_to_git:
        speak.tell(
            "warning: git does not ignore .env here; add a line `.env` to .gitignore before you commit"
        )
    settings = speak.settings(**({"offline": True} if offline else {}))
    looked = stopping.run(lambda: look(settings), lambda: speak.failed("interrupted", kind="Interrupted"))
    _say(speak, looked)
    if speak.json:
        speak.document(
            {
                "files": {name: {"path": str(here / name), "done": done} for name, done in files.items()},
                "git_ignores_env": not open_to_git,
                "keys": [
                    {
                        "provider": p.provider,
                        "keys": list(p.keys),
                        "answer": p.answer,
                        "message": speak.redacted(p.told()),
                    }
                    for p in looked.probes
                ],
                "weights": None if looked.weights is None else str(looked.weights),
                "next": list(looked.next()),
            }
        )


_TOLD = {
    "written": "written",
    "completed": "was there and keeps its lines; names that it lacked were added, commented out",
    "kept": "was there and is left as it is",
    "replaced": "written anew",
}


# --- the files ---------------------------------------------------------------------------------------------------


def write_env(path: Path, *, force: bool) -> Done:
    """The names of all keys, commented out, in a file that only its owner can read. No value that was set is lost.

    :raises StorageError: when it cannot be written.
    """
    from aiorch.roster import known_specs

    specs = tuple(known_specs().values())
    old = _read(path)
    if old is None:
        _put(path, env_file(specs), private=True)
        return "written"
    if force:
        _put(path, env_file(specs, assignments(old)), private=True)
        return "replaced"
    named = set(re.findall(r"^[#\s]*(?:export\s+)?([A-Za-z]\w*)\s*=", old, re.MULTILINE))
    added = env_lines([spec for spec in specs if not named.intersection(spec.names)])
    _put(path, f"{old.rstrip()}\n\n{added}\n" if added else old, private=True)
    return "completed" if added else "kept"


def write_toml(path: Path, *, force: bool) -> Done:
    """Every setting, commented out. :raises StorageError: when it cannot be written."""
    from aiorch.cli.explained import settings_file

    old = _read(path)
    if old is not None and not force:
        return "kept"
    if old is not None:
        _put(path.with_name(path.name + ".old"), old, private=True)
    _put(path, settings_file(), private=False)
    return "written" if old is None else "replaced"


def assignments(text: str) -> dict[str, str]:
    """The lines of an ``.env`` that set something, by what they set.

    >>> assignments("# GROQ_API_KEY=\\nexport HF_TOKEN='a b'\\n")
    {'HF_TOKEN': "export HF_TOKEN='a b'"}
    """
    import io

    from dotenv.parser import parse_stream

    return {b.key: b.original.string.strip() for b in parse_stream(io.StringIO(text)) if b.key is not None}


def env_file(specs: Iterable[ProviderSpec], values: Mapping[str, str] | None = None) -> str:
    """A whole ``.env``.

    :param values: lines that set something, by what they set: they take the place of the empty ones.
    """
    rows, left = tuple(specs), dict(values or {})
    lines = env_lines(rows, left)
    for row in rows:
        for name in (*row.env, *row.url_env):
            left.pop(name, None)
    kept = "\n".join(["", "# --- from the file before", *left.values(), ""]) if left else ""
    return f"{HEAD}\n{lines}\n{kept}"


def env_lines(specs: Iterable[ProviderSpec], values: Mapping[str, str] | None = None) -> str:
    """The names of the specs' keys and addresses, by group."""
    given = values or {}
    rows = tuple(specs)
    blocks: list[str] = []
    for title, kinds in GROUPS:
        lines: list[str] = []
        for spec in rows:
            if spec.free.kind not in kinds:
                continue
            about = f"# {spec.name}" + (f": {spec.free.basis}" if spec.free.basis and not spec.local else "")
            also = f" (also read: {', '.join(spec.env[1:])})" if len(spec.env) > 1 else ""
            usual = "/".join(spec.base_url.split("/")[:3])
            empty = {name: f"# {name}={usual if '{' not in usual else ''}" for name in spec.url_env}
            own = (variable.env[0] for variable in spec.variables)
            empty |= {name: f"# {name}=" for name in (*spec.env[:1], *spec.signer_env, *own)}
            names = dict.fromkeys((*empty, *(name for name in spec.names if name in given)))
            lines += [about + also, *(given.get(name) or empty[name] for name in names)]
        if lines:
            blocks.append("\n".join([f"# --- {title}", *lines]))
    return "\n\n".join(blocks)


def git_would_take(path: Path) -> bool:
    """True when the file lies in a git repository that does not ignore it."""
    import shutil
    import subprocess

    git = shutil.which("git")
    if git is None or not any((folder / ".git").exists() for folder in path.parents):
        return False
    asked = subprocess.run(
        [git, "check-ignore", "--quiet", path.name], cwd=path.parent, capture_output=True, timeout=10
    )
    return asked.returncode == 1


def _read(path: Path) -> str | None:
    from aiorch.errors import StorageError

    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise StorageError(
            f"{path} is not UTF-8 text; it is left as it is: save it as UTF-8, or move it away"
        ) from None
    except OSError as wrong:
        raise StorageError(f"{path} cannot be read ({wrong.strerror}); it is left as it is") from wrong


def _put(path: Path, text: str, *, private: bool) -> None:
    """Write a file whole or not at all: beside its place first, then moved there."""
    import tempfile

    from aiorch.errors import StorageError

    beside: Path | None = None
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}."
        )  # readable for its owner only
        beside = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if not private:
            beside.chmod(0o644)
        beside.replace(path.resolve())  # where .env is a link, the file that it leads to is written
    except OSError as wrong:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written ({wrong.strerror}): run it in a folder that you can write"
        ) from wrong


# --- the keys ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to answer with."""

    probes: tuple[Probe, ...]
    weights: Path | None
    offline: bool

    def next(self) -> tuple[str, ...]:
        """What to do next."""
        if any(p.good for p in self.probes):
            return ('aiorch ask "Explain back-pressure"', "aiorch models --free")
        if self.probes:
            first = "put right what is said above, then run `aiorch doctor`"
        elif self.offline:
            first = "aiorch doctor (it tries the keys)"
        else:
            first = "put a key into .env, then run `aiorch doctor`"
        if self.weights is not None:
            return (first, 'aiorch ask "Explain back-pressure" (the embedded demo model answers)')
        return (first, "or without a key: aiorch local install (a small demo model on this machine)")


async def look(settings: Settings) -> Looked:
    """Try every key with one small request, all at once."""
    from aiorch.cli.probing import networked, opened, probe_all
    from aiorch.clock import SystemClock
    from aiorch.providers.local import DEFAULT, locate
    from aiorch.roster import weights_folder

    async with opened(settings) as providers:
        probes = await probe_all(networked(providers), SystemClock())
    weights = locate(settings.local_model or DEFAULT, weights_folder(settings))
    return Looked(probes, weights, settings.offline)


def _say(speak: Voice, looked: Looked) -> None:
    for one in looked.probes:
        mark = "ok" if one.good else "problem"
        speak.tell(f"{mark}: {one.provider} {one.told()}" + (f"\n  -> {one.cure()}" if one.cure() else ""))
    if not looked.probes:
        speak.tell("keys: not tried, offline" if looked.offline else "keys: none found")
    speak.tell("next:" + "".join(f"\n  {step}" for step in looked.next()))
