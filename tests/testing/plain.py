"""Implementations that keep every promise of their protocol, as short as they can be. The faulty ones differ from them
by one thing each.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import anyio
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
from aiorch.workflow.ledger import CallRecord

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
    durable = False

    def __init__(self) -> None:
        self.mail = Mail()

    async def send(self, run_id: str, name: str, value: Any) -> None:
        self.mail.put(f"{run_id}/{name}", value)

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        return await body(DirectJournal(self, run_id))

    async def once(self, key: str, effect: Callable[[], Awaitable[T]], **said: Any) -> T:
        return await effect()

    async def receive(self, name: str) -> Any:
        return await self.mail.take(name)


class DirectJournal:
    """Of one run."""

    def __init__(self, engine: Direct, run_id: str) -> None:
        self.engine = engine
        self.run_id = run_id

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        said = {"ledger": ledger} if ledger else {}
        return await self.engine.once(key, effect, returns=returns, idempotent=idempotent, **said)

    async def receive(self, name: str) -> Any:
        return await self.engine.receive(f"{self.run_id}/{name}")


class Mail:
    """The first value under a name."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.come: dict[str, anyio.Event] = {}

    def put(self, name: str, value: Any) -> None:
        self.kept.setdefault(name, value)
        self.come.setdefault(name, anyio.Event()).set()

    async def take(self, name: str) -> Any:
        await self.come.setdefault(name, anyio.Event()).wait()
        return self.kept[name]


class Files:
    """A durable engine in its simplest form: a file a run and a file an effect, none of it fit for a crowd."""

    name = "files"
    durable = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, run_id: str, name: str, value: Any) -> None:
        keep(self.folder / f"{run_id}.{name}.mail", to_json(value))

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
            keep(done, to_json(value, returns))
        return from_json(returns, done.read_text())

    def result(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.result"

    def journal(self, run_id: str) -> Journal:
        return FileJournal(self.folder / run_id)


def keep(path: Path, text: str) -> None:
    """Whoever comes second finds the first one's."""
    with contextlib.suppress(FileExistsError), path.open("x") as file:
        file.write(text)


class FileJournal:
    def __init__(self, stem: Path) -> None:
        self.stem = stem

    def file(self, key: str, end: str) -> Path:
        return Path(f"{self.stem}.{key.replace('/', '.')}.{end}")

    @property
    def calls(self) -> tuple[CallRecord, ...]:
        return tuple(
            CallRecord(
                told["key"],
                told["key"],
                0.0,
                state="committed" if self.file(told["key"], "done").exists() else "begun",
            )
            for told in map(json.loads, self.ledger())
        )

    def ledger(self) -> list[str]:
        return [path.read_text() for path in self.stem.parent.glob(f"{self.stem.name}.*.call")]

    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> T:
        done, begun = self.file(key, "done"), self.file(key, "begun")
        if not done.exists():
            if begun.exists() and not idempotent:
                raise WorkflowError(f"{key} was begun and not finished: look whether it happened")
            begun.write_text(key)
            if ledger:
                self.file(key, "call").write_text(json.dumps({"key": key}))
            keep(done, to_json(await effect(), returns))
        return from_json(returns, done.read_text())

    async def receive(self, name: str) -> Any:
        while not self.file(name, "mail").exists():
            await anyio.sleep(0.01)
        return json.loads(self.file(name, "mail").read_text())
