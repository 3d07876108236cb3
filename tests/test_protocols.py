"""The example in each protocol's docstring is run: what is shown there satisfies the protocol and does what it says."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import aiorch.types
from aiorch import protocols
from aiorch.protocols import ApprovalRequest, Journal, SandboxResult
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Candidate,
    Deployment,
    Message,
    ModelCard,
    Price,
    Profile,
    Request,
    Response,
    Task,
)

PROTOCOLS: dict[str, type] = {
    name: kind
    for name, kind in inspect.getmembers(protocols, inspect.isclass)
    if kind.__module__ == protocols.__name__ and getattr(kind, "_is_protocol", False)
}
RESPONSE = Response(Message.assistant("See [1]."), "stop")


def example(kind: type) -> str:
    """The part of a docstring that is indented below its text."""
    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if not line or line.startswith(" " * 4))).strip()


def made(kind: type) -> Any:
    """An object of the class that the example defines."""
    words = {**vars(aiorch.types), "datetime": datetime, "UTC": UTC, "NullJournal": RunsOnly}
    code = example(kind)
    exec(compile(code, kind.__name__, "exec"), words)  # the text is the docstring's
    (name,) = [node.name for node in ast.parse(code).body if isinstance(node, ast.ClassDef)]
    return words[name]()


async def run(kind: type, **given: Any) -> dict[str, Any]:
    """Carry out an example that uses an object instead of defining a class; what it assigned."""
    body = textwrap.indent(example(kind) + "\nreturn dict(locals())", "    ")
    words = {**vars(aiorch.types), **given}
    exec(compile(f"async def use():\n{body}", kind.__name__, "exec"), words)
    return await words["use"]()


class RunsOnly:
    async def once(
        self,
        key: str,
        effect: Callable[[], Awaitable[Any]],
        *,
        returns: type,
        idempotent: bool = True,
        ledger: bool = False,
    ) -> Any:
        return await effect()

    async def receive(self, name: str) -> Any:
        return {"of": name}


# --- examples that define a class --------------------------------------------------------------------------------

CLASSES = (
    "Provider",
    "Lister",
    "Warmable",
    "Matcher",
    "Validator",
    "StreamValidator",
    "Check",
    "Tool",
    "Engine",
    "Approver",
)
USES = ("Journal", "Mailbox", "Sandbox", "Embedder", "ModelCaller", "RouteControl")


def test_every_protocol_has_an_example_that_is_run_here() -> None:
    assert sorted(PROTOCOLS) == sorted((*CLASSES, *USES))
    assert all(example(kind) for kind in PROTOCOLS.values())


@pytest.mark.parametrize("name", CLASSES)
def test_the_class_of_an_example_satisfies_its_protocol(name: str) -> None:
    assert isinstance(made(PROTOCOLS[name]), PROTOCOLS[name])


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_something_else_does_not_satisfy_a_protocol(name: str) -> None:
    assert not isinstance(object(), PROTOCOLS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_an_example_takes_what_its_protocol_hands_it(name: str) -> None:
    kind, shown = PROTOCOLS[name], made(PROTOCOLS[name])
    for method, declared in inspect.getmembers(kind, inspect.isfunction):
        if not method.startswith("_"):
            wanted = list(inspect.signature(declared).parameters)[1:]
            assert list(inspect.signature(getattr(shown, method)).parameters) == wanted, method


@pytest.mark.anyio
async def test_the_example_of_a_provider_answers_and_streams() -> None:
    parrot = made(protocols.Provider)
    (card,) = await parrot.models()
    deployment, request = Deployment("parrot", card.model), Request((Message.user("Polly"),))
    assert (await parrot.complete(deployment, request)).message.text == "Polly"
    pieces = [piece async for piece in parrot.stream(deployment, request)]
    assert [getattr(p, "text", None) for p in pieces[:-1]] == ["Polly"]
    assert isinstance(pieces[-1], Response)
    await parrot.aclose()


@pytest.mark.anyio
async def test_the_example_of_a_lister_says_when_nothing_has_changed() -> None:
    shelf = made(protocols.Lister)
    first = await shelf.listing()
    assert first.cards
    assert not first.unchanged
    assert (await shelf.listing(first)).unchanged


@pytest.mark.anyio
async def test_the_example_of_something_warmable_is_ready_afterwards() -> None:
    slow = made(protocols.Warmable)
    await slow.warm()
    assert slow.loaded


@pytest.mark.anyio
async def test_the_example_of_a_matcher_ranks_the_cheapest_first() -> None:
    def priced(model: str, usd: int) -> Candidate:
        return Candidate(Deployment("p", model), ModelCard("p", model, price=Price(Decimal(0), Decimal(usd))))

    dear, cheap = priced("dear", 9), priced("cheap", 1)
    unpriced = Candidate(Deployment("p", "x"), ModelCard("p", "x"))
    ranking = await made(protocols.Matcher).match(Task.of("Hi"), Profile("general"), [dear, unpriced, cheap])
    assert ranking.candidates == (cheap, dear)
    assert ranking.reason


@pytest.mark.anyio
async def test_the_example_of_a_validator_flags_shouting() -> None:
    validator = made(protocols.Validator)
    assert (await validator.validate("input", [Message.user("HELP")], Task.of("HELP"))).action == "flag"
    assert (await validator.validate("input", [Message.user("Help")], Task.of("Help"))).action == "allow"
    assert validator.stages == {"input"}


def test_the_example_of_a_stream_validator_censors() -> None:
    censor = made(protocols.StreamValidator)
    pieces = [censor.feed(piece).release for piece in ("a da", "rn thing")]
    assert "".join([*pieces, censor.close().release]) == "a d*** thing"


@pytest.mark.anyio
async def test_the_example_of_a_check_has_no_opinion_on_other_work() -> None:
    check = made(protocols.Check)
    analysis = Task((Message.user("Why?"),), type="data_analysis")
    assert (await check.check(analysis, RESPONSE)).passed is True
    assert (await check.check(analysis, Response(Message.assistant("So."), "stop"))).passed is False
    assert (await check.check(Task.of("Why?"), RESPONSE)).passed is None


@pytest.mark.anyio
async def test_the_example_of_a_tool_tells_the_time() -> None:
    tool = made(protocols.Tool)
    assert tool.spec.name == "now"
    assert tool.idempotent
    assert datetime.fromisoformat(await tool.call({})).tzinfo is not None


@pytest.mark.anyio
async def test_the_example_of_an_engine_runs_its_body_under_a_journal() -> None:
    async def body(journal: Journal) -> int:
        async def effect() -> int:
            return 42

        return await journal.once("k", effect, returns=int)

    assert await made(protocols.Engine).run("r1", "v1", body, returns=int) == 42


@pytest.mark.anyio
async def test_the_example_of_an_approver_never_allows() -> None:
    assert await made(protocols.Approver).approve(ApprovalRequest("send", "Send it?")) is False


# --- examples that use one ---------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_example_of_a_journal_returns_what_the_effect_returns() -> None:
    async def effect() -> Response:
        return RESPONSE

    assert isinstance(RunsOnly(), protocols.Journal)
    given = {"journal": RunsOnly(), "task": Task.of("Hi"), "effect": effect, "Answer": Response}
    assert (await run(protocols.Journal, **given))["answer"] is RESPONSE


@pytest.mark.anyio
async def test_the_example_of_a_mailbox_receives_what_was_sent() -> None:
    assert isinstance(RunsOnly(), protocols.Mailbox)
    assert (await run(protocols.Mailbox, journal=RunsOnly()))["paid"] == {"of": "payment"}


@pytest.mark.anyio
async def test_the_example_of_a_sandbox_runs_a_command() -> None:
    class Recorder:
        level = "none"

        async def run(
            self,
            command: Sequence[str],
            *,
            stdin: str = "",
            files: Mapping[str, bytes] = {},
            timeout: float = 1.0,
            memory: int = 1,
        ) -> SandboxResult:
            return SandboxResult(0, f"{command[0]} for {timeout} s", "", 0.1)

    assert isinstance(Recorder(), protocols.Sandbox)
    assert (await run(protocols.Sandbox, sandbox=Recorder()))["result"].stdout == "python3 for 5.0 s"


@pytest.mark.anyio
async def test_the_example_of_an_embedder_gives_a_vector_a_text() -> None:
    class Lengths:
        dimensions = 1

        async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
            return [[1.0] for _ in texts]

    assert isinstance(Lengths(), protocols.Embedder)
    assert len((await run(protocols.Embedder, embedder=Lengths()))["vectors"]) == 2


@pytest.mark.anyio
async def test_the_example_of_a_model_caller_names_purpose_and_budget() -> None:
    async def caller(request: Request, *, purpose: str, budget: Any = None) -> Response:
        assert (purpose, budget.usd) == ("judge", 0)
        return RESPONSE

    assert isinstance(caller, protocols.ModelCaller)
    assert (await run(protocols.ModelCaller, caller=caller))["response"] is RESPONSE


@pytest.mark.anyio
async def test_the_example_of_route_control_ends_by_itself() -> None:
    class Recorder:
        async def divert(self, profile: str, to: str, until: datetime | float, reason: str) -> None:
            self.got = (profile, to, until)

    control, clock = Recorder(), FakeClock(now=1_000.0)
    assert isinstance(control, protocols.RouteControl)
    await run(protocols.RouteControl, control=control, clock=clock)
    assert control.got == ("coding_agent", "analysis_agent", 1_600.0)


def test_the_provider_that_tests_use_is_one() -> None:
    assert isinstance(ScriptedProvider(), protocols.Provider)
