"""Trains safety/data/harmful.model, and measures it on sources that it did not see.

    python tools/train_harmful_model.py --sources DIR [--measure FILE.jsonl.gz] [--leave-out] [--write]

DIR holds the sources below, each unpacked under its name; what is missing is an error. `--measure` reads rows with
text, label and source (JSON lines) and prints figures for each source. `--leave-out` trains again without each group of
sources in turn and measures on the group. Seeded: the same sources give the same bytes. Needs numpy, scipy and
scikit-learn.
docs/model-cards/harmful.md has the licences and the figures.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import harmful_corpus as own
import numpy as np
from harmful_lexicon import LEXICON
from hashed_training import Row, Texts, fit, quantised, write
from train_injection_model import SOURCES, held_back, measured_rows, report

from aiorch.safety.scoring import Shape

SEED = 20261122
SHAPE = Shape(bits=16, window=64, stride=32, class_value=0.35, lexicon=LEXICON)
VERSION = "2026.11.22"
TARGET = Path(__file__).resolve().parents[1] / "src/aiorch/safety/data/harmful.model"
HARMLESS = ("bfcl_eval", "tau-bench", "self-instruct", "fabric", "django", "python")
"""Sources of the injection model whose texts are everyday ones."""


def advbench(root: Path) -> Iterator[tuple[str, int]]:
    """What a model should refuse, as commands (AdvBench)."""
    with (root / "advbench.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            yield row["goal"], 1


def malicious_instruct(root: Path) -> Iterator[tuple[str, int]]:
    """The same as questions (MaliciousInstruct)."""
    for line in (root / "malicious_instruct.txt").read_text().splitlines():
        if line.strip():
            yield line.strip(), 1


WEIGHTS = {
    "advbench": 1.0,
    "malicious_instruct": 1.0,
    "own_harmful": 5.0,
    "own_sounds": 3.0,
    "own_defence": 2.0,
    "own_history": 1.5,
    "own_learn": 2.0,
    "own_fiction": 1.5,
    "own_nonsense": 1.0,
    "own_public": 2.0,
    "own_everyday": 5.0,
    "python": 0.7,
    "django": 0.5,
    "fabric": 0.7,
    "bfcl_eval": 1.0,
    "self-instruct": 2.0,
    "tau-bench": 0.5,
}


def training_rows(directory: Path) -> list[Row]:
    """All that is trained on, without what is held back, without doubles."""
    read = {"advbench": advbench, "malicious_instruct": malicious_instruct}
    rows: list[Row] = []
    for name, reader in read.items():
        rows += [Row(text, label, name) for text, label in reader(directory / name)]
    for name in HARMLESS:
        if name != "python" and not (directory / name).is_dir():
            sys.exit(f"the source {name} is not in {directory}")
        texts = [text for text, label in SOURCES[name].read(directory / name) if not label]
        random.Random(SEED).shuffle(texts)
        rows += [Row(text[:1500], 0, name) for text in texts[:2000]]
    rows += [Row(text, label, source) for text, label, source, _ in own.corpus(SEED, 12000, 16000)]
    seen: dict[str, Row] = {}
    for row in rows:
        if not held_back(row.text):
            seen.setdefault(" ".join(row.text.lower().split()), row)
    return list(seen.values())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--c", type=float, default=2.0)
    parser.add_argument("--breadth", type=float, default=0.6)
    parser.add_argument("--threshold", type=float, default=-0.25)
    given = parser.parse_args()

    texts = Texts(training_rows(given.sources), SHAPE, longest=2000)
    everything = np.ones(len(texts.rows), bool)
    print(f"{len(texts.rows)} texts, {len(texts.owner)} windows, {int(texts.labels.sum())} harmful")
    groups = {name: "everyday" if name in HARMLESS else name for name in WEIGHTS}
    if given.leave_out:
        group_of = np.asarray([groups[source] for source in texts.sources])
        for group in sorted(set(group_of)):
            weights, bias = fit(texts, group_of != group, weight_of=WEIGHTS, c=given.c, rounds=2)
            print(f"without {group}:")
            report(texts, texts.logits(weights, bias, given.breadth), given.threshold, group_of == group)
    weights, bias = fit(texts, everything, weight_of=WEIGHTS, c=given.c, rounds=2)
    model = quantised(weights, bias, SHAPE, breadth=given.breadth, threshold=given.threshold, version=VERSION)
    if given.measure:
        unseen = Texts(measured_rows(given.measure), SHAPE, longest=4000)
        table = np.clip(np.rint(weights / model.scale), -127, 127) * model.scale
        print(f"on {given.measure.name}, 8-bit weights:")
        report(unseen, unseen.logits(table, model.bias, given.breadth), 0.0)
    if given.write:
        print(f"{TARGET.name} sha256 {write(model, TARGET)}")


if __name__ == "__main__":
    main()
