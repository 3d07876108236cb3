"""The engine's interface with a script behind it, for what a real model cannot be made to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

Script = Callable[[Mapping[str, Any], Callable[[Mapping[str, Any]], bool]], None]


def says(text: str, finish: str = "stop", **more: Any) -> list[dict[str, Any]]:
    """The chunks of an answer, as the engine words them."""
    head = {"id": "chatcmpl-1", "model": "double", "object": "chat.completion.chunk"}
    pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
    return [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
        *({**head, "choices": [{"index": 0, "delta": {"content": p}}]} for p in pieces),
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        {**head, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(pieces)}, **more},
    ]


class Double:
    """Stands for the module ``xllamacpp``. ``script`` answers a request; ``loads`` counts the models loaded."""

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or self.says_hello
        self.loads = 0
        self.parameters: list[Any] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.refuses: Exception | None = None
        self.loading = threading.Event()
        self.loading.set()
        self.devices: list[dict[str, str]] = [{"type": "GGML_BACKEND_DEVICE_TYPE_CPU"}]

    @staticmethod
    def says_hello(body: Mapping[str, Any], on_chunk: Callable[[Mapping[str, Any]], bool]) -> None:
        for chunk in says("Hello there"):
            if on_chunk(chunk):
                return

    def CommonParams(self) -> Any:
        part = SimpleNamespace
        return part(
            model=part(path=""), cpuparams=part(), cpuparams_batch=part(), webui=True, endpoint_slots=True
        )

    def Server(self, parameters: Any) -> Any:
        self.loading.wait(10)
        self.loads += 1
        self.parameters.append(parameters)
        if self.refuses:
            raise self.refuses
        return self

    def get_device_info(self) -> list[dict[str, str]]:
        return self.devices

    def handle_chat_completions(
        self, body: Mapping[str, Any], on_chunk: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        self.bodies.append(body)
        self.script(body, on_chunk)
