"""One call, measured: what is right, how quick it was, and what is no answer at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.benchmarking.conftest import CODE, MINI, ProcessSandbox, candidate, right

from aiorch.benchmarking import measuring
from aiorch.benchmarking.measuring import Measurement, measure
from aiorch.benchmarking.plan import Call
from aiorch.benchmarking.suite import SUITE
from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.protocols import Sandbox, SandboxResult
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Capabilities,
    Deployment,
    Failure,
    FailureKind,
    FinishReason,
    Message,
    Reasoning,
    ReasoningDelta,
    Request,
    Response,
    StreamPart,
    Text,
    TextDelta,
    Timeouts,
    Usage,
)

pytestmark = pytest.mark.anyio

ONE = Call(candidate(), MINI["one"], 50)


async def ask(script: Any, call: Call = ONE, sandbox: Sandbox | None = None) -> Measurement:
    provider = script if hasattr(script, "stream") else ScriptedProvider([script], name="acme")
    return await measure(provider, call, suite="mini", clock=FakeClock(), sandbox=sandbox)


def says(text: str, finish: FinishReason = "stop", usage: Usage = Usage(9, 3), **more: Any) -> Response:
    return Response(Message.assistant(text), finish, usage, model=more.pop("model", "small"), **more)


class Timed(ScriptedProvider):
    """Streams a piece every so many seconds of a clock that stands otherwise."""

    def __init__(self, clock: FakeClock, pieces: Sequence[tuple[float, StreamPart]]) -> None:
        super().__init__(name="acme")
        self.hands, self.pieces = clock, pieces

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        for seconds, piece in self.pieces:
            self.hands.advance(seconds)
            await anyio.lowlevel.checkpoint()
            yield piece


async def timed(*pieces: tuple[float, StreamPart]) -> Measurement:
    clock = FakeClock()
    return await measure(Timed(clock, pieces), ONE, suite="mini", clock=clock)


async def test_a_right_answer_is_right_and_a_wrong_one_is_wrong():
    found = await ask("ONE")
    assert (found.record.passed, found.failure) == (True, None)
    assert (found.record.suite, found.record.card, found.record.item) == ("mini", "acme/small", "one")
    assert (found.record.allowed, found.record.at) == (50, 1_800_000_000.0)
    assert (await ask("TWO")).record.passed is False


async def test_the_question_is_asked_as_the_suite_has_it():
    provider = ScriptedProvider(["{}"], name="acme")
    item = SUITE["order"]
    await ask(provider, Call(candidate(), item, 300))
    await ask(provider, Call(candidate(capabilities=Capabilities(json_schema=False)), item, 300))
    (_, with_schema), (_, without) = provider.asked
    assert with_schema == item.request(300)
    assert without == item.request(300, schema=False)


async def test_first_piece_and_speed_are_timed():
    found = await timed(
        (2.0, TextDelta("")),  # some begin with nothing
        (1.0, TextDelta("O")),
        *((0.5, TextDelta("x")) for _ in range(4)),
        (9.0, says("ONE", usage=Usage(9, 21))),
    )
    assert found.record.first_token == pytest.approx(3.0)
    assert found.record.seconds == pytest.approx(5.0), "until the last piece, not until the connection ends"
    assert found.record.tokens_per_second == pytest.approx(20 / 2.0)
    assert (found.record.input_tokens, found.record.output_tokens, found.record.estimated) == (9, 21, False)


@pytest.mark.parametrize(("pieces", "tokens"), [(2, 100), (4, 15)])
async def test_too_little_says_nothing_about_the_speed(pieces: int, tokens: int):
    found = await timed(
        *((1.0, TextDelta("x")) for _ in range(pieces)), (0.0, says("ONE", usage=Usage(9, tokens)))
    )
    assert found.record.tokens_per_second is None


async def test_what_comes_at_once_has_no_speed():
    found = await timed(*((0.0, TextDelta("x")) for _ in range(9)), (0.0, says("ONE", usage=Usage(9, 50))))
    assert found.record.tokens_per_second is None


async def test_an_answer_in_one_piece_does_not_tell_when_it_began():
    found = await timed((2.0, TextDelta("ONE")), (0.0, says("ONE")))
    assert (found.record.first_token, found.record.seconds) == (None, 2.0)


async def test_a_model_that_cannot_stream_is_asked_whole():
    call = replace(ONE, candidate=candidate(capabilities=Capabilities(streaming=False)))
    found = await ask("ONE", call)
    assert (found.record.passed, found.record.first_token) == (True, None)


@pytest.mark.parametrize(
    "response",
    [
        says("<think>hm</think>ONE"),
        says("ONE", usage=Usage(9, 30, reasoning_tokens=20)),
        Response(Message("assistant", (Reasoning("hm"), Text("ONE"))), "stop", model="small"),
    ],
)
async def test_thinking_is_noticed_and_does_not_spoil_the_answer(response: Response):
    found = await ask(response)
    assert (found.record.passed, found.record.thought) == (True, True)
    assert (await ask("ONE")).record.thought is False


async def test_streamed_thinking_counts_as_the_first_piece():
    found = await timed((1.0, ReasoningDelta("hm")), (1.0, TextDelta("ONE")), (0.0, says("ONE")))
    assert (found.record.thought, found.record.first_token) == (True, 1.0)


@pytest.mark.parametrize(
    ("response", "kind", "thought"),
    [
        (says("", "length"), FailureKind.TRUNCATED, True),
        (says("<think>so many boxes", "length"), FailureKind.TRUNCATED, True),
        (says(" \n"), FailureKind.EMPTY, False),
        (says("", "content_filter"), FailureKind.POLICY, False),
    ],
)
async def test_no_answer_is_a_failure_and_not_a_wrong_answer(
    response: Response, kind: FailureKind, thought: bool
):
    found = await ask(response)
    assert found.failure is not None
    assert (found.record.passed, found.failure.kind, found.record.thought) == (None, kind, thought)
    assert found.usage == response.usage, "it is paid for all the same"


async def test_an_answer_without_an_end_is_wrong_though_it_names_the_right_thing():
    found = await ask(says("ONE", "length"))
    assert (found.record.passed, found.record.note) == (False, "cut off after 50 tokens")


BUSY = Failure(FailureKind.OVERLOADED, "model", "busy")


async def test_a_providers_failure_is_data():
    found = await ask(BUSY)
    assert (found.record.passed, found.failure) == (None, BUSY)
    broken = ScriptedProvider([BUSY], name="acme", break_after=2)
    assert (await ask(broken)).failure == BUSY


class Raises(ScriptedProvider):
    def __init__(self, raised: Exception | None) -> None:
        super().__init__(name="acme")
        self.raised = raised

    async def stream(
        self, deployment: Deployment, request: Request, timeouts: Timeouts = Timeouts()
    ) -> AsyncGenerator[StreamPart, None]:
        yield TextDelta("O")
        if self.raised is not None:
            raise self.raised


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (LocalModelError("the weights are not there"), FailureKind.MODEL_GONE, "the weights are not there"),
        (KeyError("choices"), FailureKind.MALFORMED, "the provider raised KeyError: 'choices'"),
        (AttemptFailed(BUSY), FailureKind.OVERLOADED, "busy"),
        (None, FailureKind.TRUNCATED, "the stream ended without an answer"),
    ],
)
async def test_whatever_a_provider_does_the_run_goes_on(
    raised: Exception | None, kind: FailureKind, said: str
):
    found = await ask(Raises(raised))
    assert found.failure is not None
    assert (found.failure.kind, found.failure.message) == (kind, said)


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring, "PATIENCE", 0.01)
    found = await ask(ScriptedProvider(["ONE"], name="acme", delay=5.0))
    assert found.failure is not None
    assert found.failure.kind is FailureKind.TIMEOUT


async def test_another_id_that_answered_is_kept():
    assert (await ask(says("ONE", model="small-2026"))).record.served == "small-2026"
    assert (await ask(says("ONE", model=None))).record.served is None
    assert (await ask("ONE")).record.served is None


# --- code


PROGRAM = Call(candidate(), CODE, 60)


async def test_code_is_judged_by_its_tests(sandbox: ProcessSandbox):
    assert (await ask(right(CODE.request(60)), PROGRAM, sandbox)).record.passed is True
    assert (await ask("def one():\n    return 2", PROGRAM, sandbox)).record.passed is False
    assert sandbox.runs == 2


async def test_an_answer_without_code_is_wrong_and_not_run(sandbox: ProcessSandbox):
    assert (await ask("I would rather not.", PROGRAM, sandbox)).record.passed is False
    assert sandbox.runs == 0


async def test_no_code_ever_runs_without_a_sandbox():
    assert (await ask("def one():\n    return 1", PROGRAM)).record.passed is False


async def test_a_sandbox_that_fails_is_not_the_models_fault():
    class Broken:
        level = "kernel"

        async def run(self, command: Sequence[str], **more: Any) -> SandboxResult:
            raise LocalModelError("no namespaces here")

    with pytest.raises(LocalModelError):
        await ask("def one():\n    return 1", PROGRAM, Broken())
