"""llama.cpp in this process: the model loaded once, questions answered by blocking calls from worker threads."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiorch.errors import LocalModelError, MissingExtra
from aiorch.providers.local.gguf import Header, read_header
from aiorch.providers.local.records import verify
from aiorch.types import JSON

OnChunk = Callable[[JSON], bool]
"""Called with each chunk of an answer, in the worker thread; True ends the answer."""

# Tokens of a prompt that are read at once. Between two batches a request can be cancelled: with 64 that takes about
# 0.4 s on one thread of the demo model; 2048, the engine's own default, took 12 s. Both read 180 tokens a second.
_BATCH = 64
_SILENT = -1  # the engine logs to the process's stderr, where it would tear a live display
_DIAGNOSIS = 60.0  # seconds


class Engine:
    """One model and what serves it. Its methods block, and may be called from any thread.

    :param context: tokens a slot: prompt and answer together.
    :param alias: the name under which it answers.
    :param sha256: what the file must be; ``None`` = as the note beside it says, where there is one.
    """

    def __init__(
        self, model: Path, *, threads: int, slots: int, context: int, alias: str, sha256: str | None
    ) -> None:
        self._model = model
        self._threads = threads
        self._slots = slots
        self._context = context
        self._alias = alias
        self._sha256 = sha256
        self._lock = threading.Lock()
        self._server: Any = None

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._server is not None

    def load(self) -> None:
        """Read the model into memory, unless it is there.

        :raises MissingExtra: when the engine is not installed.
        :raises LocalModelError: when the file is missing, not the one that was installed, damaged, or no chat model.
        """
        self._ready()

    def answer(self, body: JSON, on_chunk: OnChunk) -> None:
        """Answer one request, chunk by chunk.

        :raises LocalModelError: as :meth:`load`. Whatever else the engine raises passes through.
        """
        self._ready().handle_chat_completions(body, on_chunk)

    def close(self) -> None:
        """Let go of the model. A later call loads it again."""
        with self._lock:
            self._server = None

    def _ready(self) -> Any:
        with self._lock:
            if self._server is None:
                self._server = self._start()
            return self._server

    def _start(self) -> Any:
        native = _import_engine()
        header = read_header(self._model)
        verify(self._model, self._sha256)
        _check_chat(self._model, header)
        try:
            return native.Server(self._parameters(native, header))
        except RuntimeError as error:
            words = _engines_words(self._model) or str(error)
            raise LocalModelError(
                f"the engine cannot load {self._model} (architecture {header.architecture}): {words}. "
                "A newer engine may know it: pip install -U xllamacpp; or choose another model: aiorch local install"
            ) from error

    def _parameters(self, native: Any, header: Header) -> Any:
        import secrets

        made = native.CommonParams()
        made.model.path = str(self._model)
        made.model_alias = {self._alias}
        made.n_parallel = self._slots
        made.n_ctx = context_per_slot(header, self._context) * self._slots
        made.n_batch = _BATCH
        made.cpuparams.n_threads = made.cpuparams_batch.n_threads = self._threads
        made.warmup = False
        made.verbosity = _SILENT
        made.cache_ram_mib = 0  # its default keeps up to 8 GB of old prompts
        # fitting the model to a graphics card's memory loads it twice; without a card there is nothing to fit
        made.fit_params = any("CPU" not in str(d.get("type")) for d in native.get_device_info())
        # The engine cannot be had without its HTTP server: let it be one that nobody on this machine can use.
        made.port = 0
        made.api_keys = [secrets.token_urlsafe(32)]
        made.n_threads_http = 1
        for page in ("ui", "webui", "endpoint_slots", "endpoint_props", "endpoint_metrics"):
            if hasattr(made, page):  # the names differ between versions of the engine
                setattr(made, page, False)
        return made


def context_per_slot(header: Header, wanted: int) -> int:
    """Tokens a slot: what is wanted, but never more than the model was trained for."""
    return min(wanted, header.context) if header.context else wanted


def _import_engine() -> Any:
    try:
        return importlib.import_module("xllamacpp")
    except ModuleNotFoundError as error:
        raise MissingExtra("local", "the embedded model") from error
    except ImportError as error:
        raise MissingExtra(
            "local", "the embedded model", f"xllamacpp is there but does not load: {error}"
        ) from error


def _check_chat(model: Path, header: Header) -> None:
    if not header.chat_template:
        raise LocalModelError(
            f"{model} ({header.name or header.architecture}) has no chat template: it continues texts and does not "
            "answer. Use the variant of the model whose name says instruct, it or chat."
        )


_ASK = """
import sys, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.n_ctx, p.port, p.warmup, p.verbosity, p.fit_params = sys.argv[1], 512, 0, False, 1, False
p.api_keys = [sys.argv[2]]
xllamacpp.Server(p)
"""


def _engines_words(model: Path) -> str | None:
    """Why the engine does not load a model. It says so only on the process's stderr, so another process is asked."""
    import secrets
    import subprocess

    command = [sys.executable, "-c", _ASK, str(model), secrets.token_urlsafe(32)]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_DIAGNOSIS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    marks = [line.split("error loading model: ", 1) for line in asked.stderr.splitlines()]
    told = [mark[1] for mark in marks if len(mark) == 2]
    return told[0].strip() if told else None
