"""Trains the hashed linear models that `aiorch.safety.scoring` reads. Needs numpy, scipy and scikit-learn.

A long text is labelled as a whole, but what makes it an attack stands in one place. So training goes in rounds: at
first every window of a text has the text's label, later only the highest of an attack's windows are taken for attacks,
while all windows of harmless texts stay harmless. Everything is seeded: the same rows give the same bytes.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from aiorch.safety.scoring import HashedModel, Shape, features


@dataclass(frozen=True)
class Row:
    """A text to learn from or to measure with."""

    text: str
    label: int
    """1 for what is looked for."""
    source: str


class Texts:
    """Rows as a matrix of windows. Building it is what takes long, so it is built once and sliced."""

    def __init__(self, rows: Sequence[Row], shape: Shape, longest: int = 20_000) -> None:
        self.rows, self.shape = list(rows), shape
        indices: list[int] = []
        values: list[float] = []
        ends, owner = [0], []
        for number, row in enumerate(rows):
            for _, _, window in features(row.text[:longest], shape):
                indices.extend(window)
                values.extend(window.values())
                ends.append(len(indices))
                owner.append(number)
        self.matrix = csr_matrix(
            (np.asarray(values, np.float32), np.asarray(indices, np.int32), np.asarray(ends, np.int64)),
            shape=(len(owner), 1 << shape.bits),
        )
        self.owner = np.asarray(owner)
        self.counts = np.bincount(self.owner, minlength=len(self.rows))
        self.labels = np.asarray([row.label for row in self.rows])
        self.sources = np.asarray([row.source for row in self.rows])

    def logits(self, weights: np.ndarray, bias: float, breadth: float = 0.0) -> np.ndarray:
        """One number a text: its highest window, less `breadth` for each doubling of its windows."""
        windows = self.matrix @ weights + bias
        highest = np.full(len(self.rows), -np.inf)
        np.maximum.at(highest, self.owner, windows)
        return highest - breadth * np.log2(self.counts)


def fit(
    texts: Texts,
    use: np.ndarray,
    *,
    weight_of: Mapping[str, float],
    c: float = 3.0,
    rounds: int = 3,
    seed: int = 0,
) -> tuple[np.ndarray, float]:
    """Weights and bias from the texts marked in `use`.

    `weight_of` is how much each source counts beside the others of its label, 1 where it is not named; a source counts
    with the square root of its size, so that a large one does not drown the rest; both labels count the same.
    """
    share: dict[tuple[str, int], int] = defaultdict(int)
    for number in np.flatnonzero(use):
        share[texts.sources[number], texts.labels[number]] += 1
    mass = {key: weight_of.get(key[0], 1.0) * math.sqrt(size) for key, size in share.items()}
    total = {label: sum(v for (_, lab), v in mass.items() if lab == label) for label in (0, 1)}
    per_text = np.zeros(len(texts.rows))
    for number in np.flatnonzero(use):
        key = (texts.sources[number], int(texts.labels[number]))
        per_text[number] = mass[key] / total[key[1]] / share[key]
    per_text *= use.sum() / 2
    harmless = texts.labels[texts.owner] == 0
    per_window = per_text[texts.owner] / np.sqrt(texts.counts[texts.owner])
    kept = per_window > 0
    weights, bias = np.zeros(texts.matrix.shape[1]), 0.0
    for turn in range(rounds):
        if turn:
            windows = texts.matrix @ weights + bias
            highest = np.full(len(texts.rows), -np.inf)
            np.maximum.at(highest, texts.owner, windows)
            shown = harmless | (windows >= highest[texts.owner] - 1e-9)
            kept = (per_window > 0) & shown
            per_window = np.where(
                harmless, per_text[texts.owner] / np.sqrt(texts.counts[texts.owner]), per_text[texts.owner]
            )
        model = LogisticRegression(C=c, max_iter=60 if turn < rounds - 1 else 120, random_state=seed)
        model.fit(texts.matrix[kept], texts.labels[texts.owner][kept], sample_weight=per_window[kept])
        weights, bias = model.coef_[0], float(model.intercept_[0])
    return weights, bias


def auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The chance that an attack scores above a harmless text."""
    order = scores.argsort(kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores[np.isfinite(scores)]):
        same = scores == value
        if same.sum() > 1:
            ranks[same] = ranks[same].mean()
    hits = int(labels.sum())
    rest = len(labels) - hits
    return (
        float((ranks[labels == 1].sum() - hits * (hits + 1) / 2) / (hits * rest))
        if hits and rest
        else math.nan
    )


def recall_at(scores: np.ndarray, labels: np.ndarray, fpr: float = 0.01) -> float:
    """The share of attacks above the score that this share of harmless texts reaches."""
    harmless = np.sort(scores[labels == 0])[::-1]
    return float((scores[labels == 1] > harmless[int(fpr * len(harmless))]).mean())


def quantised(
    weights: np.ndarray,
    bias: float,
    shape: Shape,
    *,
    breadth: float,
    threshold: float,
    version: str,
    clipped: float = 0.0005,
) -> HashedModel:
    """The model with 8-bit weights, its bias moved so that `threshold`, in log odds, becomes a score of 0.5.

    The share `clipped` of the weights, the largest, is made smaller, so that the others are finer.
    """
    scale = float(np.quantile(np.abs(weights[weights != 0]), 1 - clipped)) / 127
    table = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
    return HashedModel(
        table.tobytes(), scale=scale, bias=bias - threshold, shape=shape, breadth=breadth, version=version
    )


def write(model: HashedModel, path: Path) -> str:
    """Writes the model's file and says its digest."""
    data = model.dumps()
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
