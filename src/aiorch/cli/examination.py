"""What the doctor looks at: this process, its environment, its disk, and whoever answers over the network."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aiorch import __version__
from aiorch.cli import findings
from aiorch.cli.findings import Finding
from aiorch.cli.probing import PATIENCE_WITH, Probe, networked, opened, probe_all
from aiorch.clock import SystemClock
from aiorch.errors import AiorchError, ConfigurationError
from aiorch.net import Transport
from aiorch.plugging import LOCAL, Shelf
from aiorch.providers import HTTPProvider
from aiorch.roster import known_specs, weights_folder

if TYPE_CHECKING:
    from aiorch.providers import ProviderSpec
    from aiorch.settings import Settings

EXTRAS = {
    "local": ("xllamacpp",),
    "embeddings": ("onnxruntime", "tokenizers"),
    "mcp": ("mcp",),
    "durable": ("dbos", "psycopg"),
    "bedrock": ("botocore",),
    "vertex": ("google.auth",),
    "otel": ("opentelemetry",),
    "notebook": ("ipykernel",),
    "sandbox": ("sqlglot", "tree_sitter", "tree_sitter_bash"),
}
"""The modules that each extra brings; extras without any are not worth a word."""

AT_HOME = 1.5
"""Seconds that a server on this machine gets to answer."""


async def examine(load: Callable[..., Settings], *, offline: bool) -> tuple[Finding, ...]:
    """Everything, in the order of the report.

    :param load: gives the settings; what it raises is a finding.
    """
    found = [_versions(), *findings.foreign(_distribution("aiorch"))]
    try:
        settings = load(**({"offline": True} if offline else {}))
    except AiorchError as wrong:
        found += [
            Finding("settings", "problem", str(wrong), "put it right; what depends on it was not looked at")
        ]
        specs = known_specs()
        found += findings.keys(
            tuple(os.environ), {s.id: (*s.env, *s.signer_env) for s in specs.values() if s.env}
        )
        return (*found, findings.extras(_extras()))
    found.append(_source(settings))
    probes, more = await _network(settings)
    engine, embedded = _embedded(settings)
    answering: list[str] = []
    if probes is not None:
        answering = [p.provider for p in probes if p.good] + ([LOCAL] if embedded else [])
    return (
        *found,
        *more,
        findings.extras(_extras()),
        *findings.plugins(Shelf(settings).everything()),
        *engine,
        Finding("sandbox", "ok", "none yet: code that a model writes is never run"),
        *await _data(settings),
        findings.anybody(answering, asked=probes != ()),
    )


# --- this process ------------------------------------------------------------------------------------------------


def _versions() -> Finding:
    return findings.versions(
        platform.python_version(),
        __version__,
        _distribution("aiorch-sdk"),
        f"{platform.system()} {platform.machine()}",
    )


def _distribution(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _extras() -> dict[str, bool]:
    return {extra: all(_is_there(module) for module in modules) for extra, modules in EXTRAS.items()}


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it would be part of
        return False


# --- settings, keys, providers -----------------------------------------------------------------------------------


def _source(settings: Settings) -> Finding:
    files = [str(p.absolute()) for p in (Path(".env"), Path("aiorch.toml")) if p.is_file()]
    usual = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in type(settings).model_fields.items()
    }
    changed = [name for name, default in usual.items() if getattr(settings, name) != default]
    told = f"not as they come: {', '.join(changed)}" if changed else "all as they come"
    return Finding("settings", "ok", f"{told} (files here: {', '.join(files) or 'none'})")


async def _network(settings: Settings) -> tuple[tuple[Probe, ...] | None, list[Finding]]:
    """Keys, providers, local servers: everybody is asked at once. No probes when no provider can be set up at all."""
    specs = known_specs(Shelf(settings))
    present = [*os.environ, *_in_env_file()]
    found = findings.keys(
        present, {s.id: (*s.env, *s.signer_env) for s in specs.values() if s.env}, tuple(settings.keys)
    )
    if settings.offline:
        found.append(Finding("providers", "ok", "only those on this machine are asked: offline"))
    home = Transport(trust_env=False)  # a proxy is no way to a server on this machine
    try:
        async with opened(settings) as providers:
            asked = networked(providers)
            idle = [s for s in specs.values() if s.local and s.id not in {p.name for p in asked}]
            servers = [HTTPProvider(spec, home, keys={}) for spec in idle]
            patience = {**PATIENCE_WITH, **{spec.id: AT_HOME for spec in idle}}
            probes = await probe_all((*asked, *servers), SystemClock(), patience)
    except ConfigurationError as wrong:
        return None, [
            *found,
            Finding("providers", "problem", str(wrong), f"known: {', '.join((*specs, LOCAL))}"),
        ]
    finally:
        await home.aclose()
    theirs, ours = probes[: len(asked)], probes[len(asked) :]
    return theirs, [*found, *findings.providers(theirs), _idle(ours, idle)]


def _idle(probes: Sequence[Probe], specs: Sequence[ProviderSpec]) -> Finding:
    addresses = {s.id: s.base_url.removesuffix("/v1") for s in specs}
    settings = {
        s.id: f"{s.url_env[0]}={addresses[s.id]}" if s.url_env else f"AIORCH_BASE_URLS={s.id}={s.base_url}"
        for s in specs
    }
    return findings.servers(probes, addresses, settings)


def _in_env_file() -> tuple[str, ...]:
    from aiorch.settings.sources import read_env_file

    return tuple(name for name, value in read_env_file(Path(".env")).items() if value.strip())


# --- the embedded model ------------------------------------------------------------------------------------------


def _embedded(settings: Settings) -> tuple[list[Finding], bool]:
    """Engine and weights, and whether they can be used together."""
    from aiorch.providers.local import DEFAULT, known, locate
    from aiorch.providers.local.records import verify

    engine = find_spec("xllamacpp") is not None
    version = _distribution("xllamacpp")
    found = [
        Finding("engine", "ok", f"xllamacpp {version}")
        if engine
        else Finding(
            "engine", "ok", "the embedded engine is not installed", "pip install 'aiorch-sdk[local]'"
        )
    ]
    wanted = settings.local_model or DEFAULT
    folder = weights_folder(settings)
    path = locate(wanted, folder)
    row = next((row for row in known() if row.name == str(wanted)), None)
    if path is None:
        level: findings.Level = "ok" if settings.local_model is None else "problem"
        cure = (
            f"aiorch local install {wanted}" if row else "check the setting local_model (AIORCH_LOCAL_MODEL)"
        )
        return [*found, Finding("weights", level, f"{wanted} is not installed in {folder}", cure)], False
    try:
        verify(path, row.sha256 if row else None)
    except AiorchError as wrong:
        return [*found, Finding("weights", "problem", str(wrong), "aiorch local install --force")], False
    note = "SHA-256 as it should be" if row else "a file of your own: nobody said what its SHA-256 should be"
    demo = "; a demo model, often wrong" if row and row.demo else ""
    return [*found, Finding("weights", "ok", f"{path} ({note}{demo})")], engine and _wanted(settings)


def _wanted(settings: Settings) -> bool:
    return settings.providers is None or LOCAL in settings.providers


# --- the disk ----------------------------------------------------------------------------------------------------


async def _data(settings: Settings) -> list[Finding]:
    folder = settings.data_dir
    there = next(p for p in (folder, *folder.parents) if p.exists())
    try:
        free = findings.disk(shutil.disk_usage(there).free, str(there))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"aiorch")
            file.flush()
    except OSError as wrong:
        cure = "make it writable, or use another: the setting data_dir (AIORCH_DATA_DIR)"
        return [Finding("data", "problem", f"{folder} cannot be written: {wrong.strerror}", cure)]
    return [Finding("data", "ok", f"{folder} can be written"), free, await _store(settings)]


async def _store(settings: Settings) -> Finding:
    from aiorch.catalog.lists import MIGRATIONS as LISTS
    from aiorch.routing.disk_cache import MIGRATIONS as ANSWERS
    from aiorch.store import FILE_NAME, Store

    store = Store(settings.data_dir / FILE_NAME, (*LISTS, *ANSWERS))
    try:
        row = await store.fetch_one("PRAGMA quick_check(1)")
    except AiorchError as wrong:
        return Finding("store", "problem", str(wrong))
    finally:
        await store.aclose()
    if row != ("ok",):
        cure = "move it away: a new one is made, what it remembered is lost"
        return Finding("store", "problem", f"{store.path} is damaged: {row[0] if row else 'no answer'}", cure)
    return Finding("store", "ok", store.path)
