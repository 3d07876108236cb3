"""Implementations that keep every promise of their protocol, as short as they can be. The faulty ones differ from them
by one thing each.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import anyio.lowlevel

from aiorch.errors import AttemptFailed, InputError, WorkflowError
from aiorch.protocols import Journal
from aiorch.types import (
    Candidate,
    CheckResult,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    Message,
    ModelCard,
    PassedOver,
    Profile,
    Ranking,
    Request,
    Response,
    Stage,
    StreamPart,
    StreamVerdict,
    Task,
    Text,
    TextDelta,
    Timeouts,
    ToolSpec,
    Usage,
    Verdict,
    from_json,
    to_json,
)

T = TypeVar("T")
KEY = "parrot-key-1234567890"


class Parrot:
    """Repeats what it hears, in two pieces."""

    name = "parrot"
    key_names = ("PARROT_KEY",)

    def __init__(self, *, key: str = KEY) -> None:
        self.refuses = key != KEY
        self.asked = 0

    async def models(self) -> Sequence[ModelCard]:
        return [ModelCard(self.name, "echo", free="local"), ModelCard(self.name, "loud", free="local")]

    async def say(self, request: Request) -> str:
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.refuses:
            raise AttemptFailed(Failure(FailureKind.AUTH, "account", "the key is wrong", status=401))
        return f"You said: {request.messages[-1].text}"

    async def complete(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> Response:
        return self.whole(await self.say(request))

    def whole(self, text: str) -> Response:
        return Response(Message.assistant(text), "stop", Usage(3, 4))

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        text = await self.say(request)
        yield TextDelta(text[:4])
        yield TextDelta(text[4:])
        yield self.whole(text)

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = Timeouts()
    ) -> Sequence[Sequence[float]]:
        raise AttemptFailed(Failure(FailureKind.BAD_REQUEST, "request", "a parrot has no embeddings"))

    async def aclose(self) -> None:
        pass


SECRET = "BLUEBIRD"


class Codenames:
    """Takes a code name out of texts."""

    name = "codenames"
    stages: frozenset[Stage] = frozenset({"input", "output"})

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        at = next((m.text.find(SECRET) for m in content if SECRET in m.text), None)
        if at is None:
            return Verdict(stage, "allow")
        issue = Issue("codename", "a code name was found and taken out", "warning", (at, at + len(SECRET)))
        return Verdict(stage, "redact", (issue,), tuple(map(self.without, content)))

    def without(self, message: Message) -> Message:
        parts = tuple(
            Text(p.text.replace(SECRET, "[name]"), p.provenance) if isinstance(p, Text) else p
            for p in message.parts
        )
        return Message(message.role, parts)


class Watch:
    """Takes a code name out of a stream, and ends one that tells the other."""

    def __init__(self) -> None:
        self.held = ""
        self.over = False

    def feed(self, piece: str) -> StreamVerdict:
        if self.over:
            return StreamVerdict("", blocked=True)
        text = (self.held + piece).replace(SECRET, "[name]")
        if "NIGHTJAR" in text:
            self.over, self.held = True, ""
            return StreamVerdict("", (Issue("codename", "a code name was told"),), blocked=True)
        keep = max(self.begun(text, SECRET), self.begun(text, "NIGHTJAR"))
        self.held = text[len(text) - keep :]
        return StreamVerdict(text[: len(text) - keep])

    def begun(self, text: str, name: str) -> int:
        return next((n for n in range(len(name) - 1, 0, -1) if text.endswith(name[:n])), 0)

    def close(self) -> StreamVerdict:
        rest, self.held = self.held, ""
        return StreamVerdict(rest, blocked=self.over)


class Notes:
    """A tool that puts a note on a pile, once."""

    idempotent = True
    spec = ToolSpec(
        "take_note",
        "Keep a note for later.",
        {
            "type": "object",
            "properties": {"text": {"type": "string"}, "tags": {"type": "array"}},
            "required": ["text"],
        },
    )

    def __init__(self) -> None:
        self.pile: list[str] = []

    async def call(self, arguments: Mapping[str, Any]) -> str:
        text = arguments.get("text")
        if not isinstance(text, str):
            raise InputError(f"text must be a string, not {text!r}")
        await anyio.lowlevel.checkpoint()
        if text not in self.pile:
            self.pile.append(text)
        return f"{len(self.pile)} notes"


class FirstFree:
    """Free ones first, in the order in which they come."""

    name = "first_free"

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        wanted = [c for c in candidates if c.card.costs_nothing]
        rest = [PassedOver(c.card.id, "it is not known to be free") for c in candidates if c not in wanted]
        return Ranking(tuple(wanted), tuple(rest), "whoever is free", tiers=tuple(range(len(wanted))))


class HasCitation:
    """Somebody is cited."""

    name = "citation"

    async def check(self, task: Task, response: Response) -> CheckResult:
        if task.type == "poem":
            return CheckResult(self.name, None, "poems cite nobody")
        found = "[1]" in response.message.text
        return CheckResult(self.name, found, "" if found else "nobody is cited: write [1] behind a claim")


class Direct:
    """An engine that runs the body, and a journal that runs the effect."""

    name = "direct"

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        return await body(self)

    async def once(
        self, key: str, effect: Callable[[], Awaitable[T]], *, returns: type[T], idempotent: bool = True
    ) -> T:
        return await effect()


class Files:
    """A durable engine in its simplest form: a file a run and a file an effect, none of it fit for a crowd."""

    name = "files"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        began = self.folder / f"{run_id}.version"
        if began.exists() and began.read_text() != version:
            raise WorkflowError(f"run {run_id} was begun under another version")
        began.write_text(version)
        done = self.result(run_id)
        if not done.exists():
            value = await body(self.journal(run_id))
            done.write_text(to_json(value, returns))
        return from_json(returns, done.read_text())

    def result(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.result"

    def journal(self, run_id: str) -> Journal:
        return FileJournal(self.folder / run_id)


class FileJournal:
    def __init__(self, stem: Path) -> None:
        self.stem = stem

    async def once(
        self, key: str, effect: Callable[[], Awaitable[T]], *, returns: type[T], idempotent: bool = True
    ) -> T:
        stem = f"{self.stem}.{key.replace('/', '.')}"
        done, begun = Path(f"{stem}.done"), Path(f"{stem}.begun")
        if not done.exists():
            if begun.exists() and not idempotent:
                raise WorkflowError(f"{key} was begun and not finished: look whether it happened")
            begun.write_text(json.dumps({"key": key}))
            done.write_text(to_json(await effect(), returns))
        return from_json(returns, done.read_text())
