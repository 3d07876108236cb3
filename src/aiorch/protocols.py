"""What the rooms of the house ask of each other, and what a plugin may be.

Each protocol is a page: what it promises, what it raises, and an example. ``aiorch.testing`` has what a plugin author
needs to try an implementation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from aiorch.types import (
    Budget,
    Candidate,
    CheckResult,
    Deployment,
    Listing,
    Message,
    ModelCard,
    Profile,
    Ranking,
    Request,
    Response,
    Stage,
    StreamPart,
    StreamVerdict,
    Task,
    Timeouts,
    ToolSpec,
    Verdict,
)

T = TypeVar("T")


@runtime_checkable
class Provider(Protocol):
    """One provider: exactly one attempt a call, honestly classified. Retries and fallbacks are not its business.

    Every failure is raised as :class:`~aiorch.errors.AttemptFailed` with a classified
    :class:`~aiorch.types.Failure`; cancellation passes through untouched.

        class Parrot:
            name = "parrot"

            async def models(self):
                return [ModelCard("parrot", "echo", free="local")]

            async def complete(self, deployment, request, timeouts=Timeouts()):
                said = Message.assistant(request.messages[-1].text)
                return Response(said, "stop", Usage(1, 1))

            async def stream(self, deployment, request, timeouts=Timeouts()):
                response = await self.complete(deployment, request)
                yield TextDelta(response.message.text)
                yield response

            async def embed(self, deployment, texts, timeouts=Timeouts()):
                raise AttemptFailed(Failure(FailureKind.BAD_REQUEST, "request", "a parrot has no embeddings"))

            async def aclose(self): ...
    """

    @property
    def name(self) -> str:
        """Short, lower case, unique: ``groq``."""
        ...

    async def models(self) -> Sequence[ModelCard]:
        """The models that this provider lists now. :raises AttemptFailed: when it does not say."""
        ...

    async def complete(self, deployment: Deployment, request: Request, timeouts: Timeouts = ...) -> Response:
        """Ask once and return the whole answer. :raises AttemptFailed: whatever goes wrong."""
        ...

    def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = ...
    ) -> AsyncGenerator[StreamPart, None]:
        """Ask once; yield deltas as they come and the whole :class:`~aiorch.types.Response` last.

        Closing the generator ends the request. :raises AttemptFailed: whatever goes wrong, also in the middle.
        """
        ...

    async def embed(
        self, deployment: Deployment, texts: Sequence[str], timeouts: Timeouts = ...
    ) -> Sequence[Sequence[float]]:
        """One vector a text. :raises AttemptFailed: also where the provider has no embeddings (``bad_request``)."""
        ...

    async def aclose(self) -> None:
        """Let go of connections, threads and models."""
        ...


@runtime_checkable
class Lister(Protocol):
    """A provider that can say that its list has not changed, and for how long it holds. Optional.

    For example:

        class Shelf:
            account = ""

            async def listing(self, known=None):
                if known is not None and known.etag == "1":
                    return Listing(unchanged=True)
                return Listing((ModelCard("shelf", "echo", free="local"),), etag="1", max_age=3600)
    """

    @property
    def account(self) -> str:
        """A fingerprint of the key that its list depends on; empty where everybody gets the same list."""
        ...

    async def listing(self, known: Listing | None = None) -> Listing:
        """Its list now, or ``Listing(unchanged=True)`` where ``known`` still holds.

        :raises AttemptFailed: when it does not say.
        """
        ...


@runtime_checkable
class Warmable(Protocol):
    """A provider that can make ready for its first call: open a connection, load a model. Optional.

    For example:

        class Slow:
            loaded = False

            async def warm(self, timeouts=Timeouts()):
                self.loaded = True
    """

    async def warm(self, timeouts: Timeouts = ...) -> None:
        """Make ready. Sends no prompt and spends nothing. :raises AiorchError: when that fails."""
        ...


@runtime_checkable
class Matcher(Protocol):
    """Which model gets a task: ranks the candidates, and says why others were passed over.

    For example:

        class CheapestFirst:
            name = "cheapest"

            async def match(self, task, profile, candidates):
                priced = [c for c in candidates if c.card.price]
                return Ranking(tuple(sorted(priced, key=lambda c: c.card.price.output)), reason="cheapest first")
    """

    @property
    def name(self) -> str:
        """Short and unique."""
        ...

    async def match(self, task: Task, profile: Profile, candidates: Sequence[Candidate]) -> Ranking:
        """Rank ``candidates`` for ``task``, best first."""
        ...


@runtime_checkable
class Validator(Protocol):
    """Decides whether content may pass at a stage, and may hand on a replacement.

    For example:

        class NoShouting:
            name = "no_shouting"
            stages = frozenset({"input"})

            async def validate(self, stage, content, task):
                if any(m.text.isupper() for m in content):
                    return Verdict(stage, "flag", (Issue("shouting", "all capitals", "warning"),))
                return Verdict(stage, "allow")
    """

    @property
    def name(self) -> str:
        """Short and unique."""
        ...

    @property
    def stages(self) -> frozenset[Stage]:
        """Where on the line it looks."""
        ...

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Look at ``content``: all messages at the input, the answer at the output, one call or result at the
        others.
        """
        ...


@runtime_checkable
class StreamValidator(Protocol):
    """Looks at an answer while it is written: fed pieces, then closed. One object serves one stream.

    What it does not ``release`` is held back until it knows more (a secret may be split over pieces).

        class Censor:
            held = ""

            def feed(self, piece):
                text = (self.held + piece).replace("darn", "d***")
                self.held = text[-3:]  # as much as may be the beginning of one
                return StreamVerdict(text[:-3])

            def close(self):
                rest, self.held = self.held, ""
                return StreamVerdict(rest)
    """

    def feed(self, piece: str) -> StreamVerdict:
        """Take one more piece; say what may be shown now."""
        ...

    def close(self) -> StreamVerdict:
        """The answer is complete; release the rest or block it."""
        ...


@runtime_checkable
class Check(Protocol):
    """One piece of evidence on how good an answer is. Gives no permission and makes no claim beyond what it looked at.

    For example:

        class HasCitation:
            name = "proper_citations"

            async def check(self, task, response):
                if task.type != "data_analysis":
                    return CheckResult(self.name, None, "only analyses cite")
                found = "[1]" in response.message.text
                return CheckResult(self.name, found, "" if found else "nobody is cited")
    """

    @property
    def name(self) -> str:
        """Short and unique; shown in assessments."""
        ...

    async def check(self, task: Task, response: Response) -> CheckResult:
        """Passed, failed, or (``None``) nothing to go by."""
        ...


@runtime_checkable
class Tool(Protocol):
    """A function that a model may call.

    For example:

        class Now:
            spec = ToolSpec("now", "The time in UTC.", {"type": "object", "properties": {}})
            idempotent = True

            async def call(self, arguments):
                return datetime.now(UTC).isoformat()
    """

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        ...

    @property
    def idempotent(self) -> bool:
        """True when calling it twice is as good as once; a durable run repeats only such calls without asking."""
        ...

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Do it. What is returned goes to the model; an ``Exception`` does too, as an error the model can react to.

        :raises ToolError: to end the task instead.
        """
        ...


@runtime_checkable
class Journal(Protocol):
    """Every effect that must not happen twice goes through it: a paid call, a tool with side effects.

        answer = await journal.once(f"{task.id}/round/1", effect, returns=Answer, ledger=True)

    The default journal only runs the effect. A durable one commits the result before anybody parses it, and on resume
    returns the stored one. Keys name effects; their order is free, and an effect may go through the journal inside of
    another one's.
    """

    def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[T]],
        *,
        returns: type[T],
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Awaitable[T]:
        """Run ``effect``, or return what it returned when it ran under this key.

        :param key: names the effect within the run.
        :param returns: the result's type, so that it can be read back from JSON.
        :param idempotent: False asks a person when the effect was started once and never committed.
        :param ledger: True writes down that it begins before it does, so that the run's list of calls is complete
            even where the process dies in between: for what costs money.
        """
        ...


@runtime_checkable
class Mailbox(Protocol):
    """A journal that can also wait for what somebody sends to its run: a person's decision, an event. Optional.

    For example:

        paid = await journal.receive("payment")
    """

    def receive(self, name: str) -> Awaitable[Any]:
        """The JSON value that was sent to the run under ``name``: the first one counts, and it stays there, so a
        resumed run receives it again.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """Where a workflow runs and how it survives. The scheduler is aiorch's; an engine runs its body under a journal.

    For example:

        class InProcess:
            name = "memory"
            durable = False

            async def run(self, run_id, version, body, *, returns):
                return await body(NullJournal())
    """

    @property
    def name(self) -> str:
        """Short and unique: ``memory``, ``sqlite``."""
        ...

    @property
    def durable(self) -> bool:
        """True where results are stored, and so have to be what JSON can hold."""
        ...

    async def run(
        self, run_id: str, version: str, body: Callable[[Journal], Awaitable[T]], *, returns: type[T]
    ) -> T:
        """Carry out ``body`` as run ``run_id``; a finished run's id returns its stored result.

        :param version: hash of the specification; a run is resumed only under the version that began it.
        """
        ...


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What foreign code did."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    killed: str | None = None
    """Why it was stopped (``time``, ``memory``, ``output``), where it was."""


@runtime_checkable
class Sandbox(Protocol):
    """Where foreign code runs: no network, no files but its own, limited time, memory and output.

    For example:

        result = await sandbox.run(["python3", "-c", "print(1)"], timeout=5.0)
    """

    @property
    def level(self) -> str:
        """How strong it is here: ``none``, ``process``, ``kernel``."""
        ...

    async def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        files: Mapping[str, bytes] = ...,
        timeout: float = ...,
        memory: int = ...,
    ) -> SandboxResult:
        """Run ``command`` in an empty folder holding ``files``. ``timeout`` in seconds, ``memory`` in bytes."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Texts to vectors.

    For example:

        vectors = await embedder.embed(["a text", "another"])
    """

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text, of length 1 in the Euclidean norm."""
        ...


@runtime_checkable
class ModelCaller(Protocol):
    """How aiorch itself reaches a model (a judge, a moderation check, MCP sampling) without knowing routing.

    Only calls with ``purpose="task"`` are assessed, so nothing recurses.

        response = await caller(Request((Message.user("Is this rude? ..."),)), purpose="judge", budget=Budget(usd=0))
    """

    async def __call__(self, request: Request, *, purpose: str, budget: Budget | None = None) -> Response:
        """Answer ``request`` by whichever model suits ``purpose``."""
        ...


@runtime_checkable
class RouteControl(Protocol):
    """The one door through which alerts and people act on routing. Every diversion expires, within a day at the most,
    and is recorded before it holds.

    For example:

        await control.divert("coding_agent", to="analysis_agent", until=clock.now() + 600, reason="error rate 0.3")
    """

    async def divert(self, profile: str, to: str, until: datetime | float, reason: str) -> None:
        """Send work of ``profile`` to profile or model ``to``, until then (epoch seconds or an aware datetime).

        :raises UnknownAgent: for a profile that nobody described. :raises UnknownModel: for a target that is neither.
        :raises InputError: when it would end in the past, after more than a day or never, or leads back to ``profile``.
        :raises AuditError: when it could not be recorded; nothing is diverted.
        """
        ...


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What a person is asked to allow."""

    action: str
    """What would be done: a tool's name, ``send`` ..."""
    summary: str
    """In a sentence, with what matters."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    task_id: str | None = None


@runtime_checkable
class Approver(Protocol):
    """Asks a person.

    For example:

        class Never:
            async def approve(self, request):
                return False
    """

    async def approve(self, request: ApprovalRequest) -> bool:
        """True when the person allows it."""
        ...
