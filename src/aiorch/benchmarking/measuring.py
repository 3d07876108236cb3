"""One question to one model: asked as a stream, timed, and judged."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field, replace

import anyio

from aiorch.benchmarking.grading import Program, thought_only
from aiorch.benchmarking.plan import Call
from aiorch.benchmarking.records import Record
from aiorch.clock import Clock
from aiorch.errors import AiorchError, AttemptFailed
from aiorch.protocols import Provider, Sandbox
from aiorch.types import Failure, FailureKind, ReasoningDelta, Response, TextDelta, Usage

PATIENCE = 180.0
"""Seconds that one call gets in all: 4,000 tokens of thinking at 25 tokens a second."""

CODE_SECONDS = 10.0
"""What the tests of one function may take; right ones need a fraction of a second."""

FEWEST_TOKENS, FEWEST_PIECES = 16, 4
"""An answer shorter than this, or in fewer pieces, says nothing about the speed."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of one call."""

    record: Record
    usage: Usage = Usage()
    failure: Failure | None = None
    """Why there was no answer, where there was none."""


async def measure(
    provider: Provider, call: Call, *, suite: str, clock: Clock, sandbox: Sandbox | None = None
) -> Measurement:
    """Ask, and judge what comes. A provider's failure is data; only a sandbox's passes through.

    :raises AiorchError: when the sandbox cannot be used.
    """
    deployment, watch = call.candidate.deployment, Watch(clock)
    blank = Record(
        suite,
        deployment.provider,
        deployment.model,
        call.item.id,
        clock.now(),
        None,
        0.0,
        allowed=call.allowed,
    )
    try:
        with anyio.fail_after(PATIENCE):
            response = await _asked(provider, call, watch)
    except Exception as raised:
        record = replace(blank, seconds=watch.whole, thought=watch.thought)
        return Measurement(record, failure=_failure(raised))
    record = _counted(blank, response, watch)
    if failure := no_answer(response, call.allowed):
        return Measurement(record, response.usage, failure)
    if response.finish == "length":  # one that goes on and on names the right thing some time
        note = f"cut off after {call.allowed:,} tokens"
        return Measurement(replace(record, passed=False, note=note), response.usage)
    passed = await _passed(call, response.message.text, sandbox)
    return Measurement(replace(record, passed=passed), response.usage)


@dataclass(slots=True)
class Watch:
    """When the pieces of one answer came."""

    clock: Clock
    began: float = field(init=False)
    first: float | None = None
    last: float | None = None
    pieces: int = 0
    thought: bool = False

    def __post_init__(self) -> None:
        self.began = self.clock.monotonic()

    def piece(self) -> None:
        """One came."""
        self.pieces += 1
        self.last = self.clock.monotonic()
        if self.first is None:
            self.first = self.last

    @property
    def whole(self) -> float:
        """Seconds to the last piece; until now, where there was none."""
        return (self.clock.monotonic() if self.last is None else self.last) - self.began

    @property
    def to_first(self) -> float | None:
        """Seconds to the first piece; ``None`` where everything came at once."""
        return None if self.first is None or self.pieces < 2 else self.first - self.began

    def speed(self, tokens: int) -> float | None:
        """Tokens a second between the first piece and the last."""
        if self.first is None or self.last is None or tokens < FEWEST_TOKENS or self.pieces < FEWEST_PIECES:
            return None
        took = self.last - self.first
        return (tokens - 1) / took if took > 0 else None


def no_answer(response: Response, allowed: int) -> Failure | None:
    """How a response is none: nothing in it but thinking, or a filter's refusal."""
    text = response.message.text
    if text.strip() and not thought_only(text):
        return None
    if response.finish == "content_filter":
        return Failure(FailureKind.POLICY, "request", "a content filter refused the question")
    if response.finish == "length":
        return Failure(FailureKind.TRUNCATED, "request", f"it was still thinking after {allowed:,} tokens")
    return Failure(FailureKind.EMPTY, "request", "the answer was empty")


async def _asked(provider: Provider, call: Call, watch: Watch) -> Response:
    can, deployment = call.card.capabilities, call.candidate.deployment
    request = call.item.request(call.allowed, schema=can.json_schema is not False)
    if can.streaming is False:
        return await provider.complete(deployment, request)
    async with aclosing(provider.stream(deployment, request)) as parts:
        async for part in parts:
            if isinstance(part, Response):
                return part
            if isinstance(part, TextDelta | ReasoningDelta) and not part.text:
                continue  # some begin with a piece that has nothing in it
            watch.piece()
            watch.thought = watch.thought or isinstance(part, ReasoningDelta)
    raise AttemptFailed(Failure(FailureKind.TRUNCATED, "request", "the stream ended without an answer"))


def _failure(raised: Exception) -> Failure:
    """What a provider raised. Whatever is no :class:`AttemptFailed` is its own or its setting-up's fault."""
    match raised:
        case AttemptFailed(failure=failure):
            return failure
        case AiorchError():  # weights that cannot be loaded, an extra that is missing: no further call mends that
            return Failure(FailureKind.MODEL_GONE, "model", str(raised))
        case TimeoutError():
            return Failure(FailureKind.TIMEOUT, "upstream", f"no whole answer within {PATIENCE:g} s")
        case _:
            return Failure(
                FailureKind.MALFORMED, "model", f"the provider raised {type(raised).__name__}: {raised}"
            )


def _counted(record: Record, response: Response, watch: Watch) -> Record:
    usage, text = response.usage, response.message.text
    thought = (
        watch.thought
        or bool(response.message.reasoning)
        or usage.reasoning_tokens > 0
        or "</think>" in text
        or thought_only(text)
        # Some do not show their thinking: tokens were made, and nothing was said.
        or (response.finish == "length" and not text.strip())
    )
    return replace(
        record,
        seconds=watch.whole,
        first_token=watch.to_first,
        tokens_per_second=watch.speed(usage.output_tokens),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        estimated=usage.estimated,
        thought=thought,
        served=response.model if response.model != record.model else None,
    )


async def _passed(call: Call, answer: str, sandbox: Sandbox | None) -> bool:
    grader = call.item.grader
    if not isinstance(grader, Program):
        return grader.accepts(answer)
    files = grader.files(answer)
    if files is None or sandbox is None:  # without a sandbox no such question is planned
        return False
    return grader.judged(await sandbox.run(grader.command, files=files, timeout=CODE_SECONDS))
