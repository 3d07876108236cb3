"""Wrong implementations, each by one fault, with the test that catches it and what that test says.

Run by pytest as a file of its own; see test_faults.py.
"""

# They are wrong on purpose.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import anyio
import pytest
from tests.testing.plain import (
    KEY,
    SECRET,
    Codenames,
    Direct,
    DirectJournal,
    FileJournal,
    Files,
    FirstFree,
    HasCitation,
    Notes,
    Parrot,
    Watch,
)

from aiorch.errors import AttemptFailed, ToolError
from aiorch.protocols import Journal
from aiorch.testing import (
    CheckConformance,
    DurableEngineConformance,
    EngineConformance,
    Example,
    Failing,
    MatcherConformance,
    ProviderConformance,
    StreamValidatorConformance,
    ToolConformance,
    ValidatorConformance,
)
from aiorch.types import (
    Candidate,
    Capabilities,
    CheckResult,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    Message,
    ModelCard,
    Ranking,
    Request,
    Response,
    StreamVerdict,
    Task,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolSpec,
    Usage,
    Verdict,
    to_json,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    suite: type
    test: str
    says: str
    """A part of the message."""


FAULTS: list[Fault] = []
SOUND: list[type] = []


def caught(test: str, says: str) -> Callable[[type], type]:
    """An implementation that ``test`` catches, saying ``says``."""

    def keep(kind: type) -> type:
        FAULTS.append(Fault(suite_of(kind), test, says))
        return kind

    return keep


def suite_of(kind: Any) -> type:
    """The test class of an implementation, as its author would write it."""
    body: dict[str, Any] = {"backends": ("asyncio",), "patience": getattr(kind, "patience", 30.0)}

    def given(name: str, make: Callable[..., object]) -> None:
        body[name] = pytest.fixture(make)

    if issubclass(kind, Parrot):
        base = ProviderConformance
        given("provider", lambda self: kind())
        given("secret", lambda self: KEY)

        def failing(self: object) -> Failing:
            refusing = kind(key="wrong")
            return Failing(refusing, FailureKind.AUTH, attempts=lambda: refusing.asked)

        given("failing", failing)
    elif issubclass(kind, Codenames):
        base = ValidatorConformance
        given("validator", lambda self: kind())
        texts = [Example(f"ask {SECRET}", "redact", secret=SECRET), Example("ask a bird", "allow", "output")]
        given("examples", lambda self: texts)
    elif issubclass(kind, Watch):
        base = StreamValidatorConformance
        given("new_validator", lambda self: kind)
        given("rewritten", lambda self: {f"ask {SECRET} now": "ask [name] now"})
        given("blocked", lambda self: ["it was NIGHTJAR who did it"])
    elif issubclass(kind, Notes):
        base = ToolConformance
        made = kind()
        given("tool", lambda self: made)
        given("arguments", lambda self: {"text": "buy milk", "tags": ["home"]})
        given("state", lambda self: lambda: made.pile)
    elif issubclass(kind, Files):
        base = DurableEngineConformance
        given("engine", lambda self, tmp_path: kind(tmp_path))
        given("reopened", lambda self, tmp_path: lambda: kind(tmp_path))
        given("send", lambda self, engine: engine.send)
    elif issubclass(kind, Direct):
        base = EngineConformance
        given("engine", lambda self: kind())
        given("send", lambda self, engine: engine.send)
    elif issubclass(kind, FirstFree):
        base = MatcherConformance
        given("matcher", lambda self: kind())
    else:
        assert issubclass(kind, HasCitation)
        base = CheckConformance
        given("check", lambda self: kind())
        given("answers", lambda self: ANSWERS)
    suite = type(f"Test{kind.__name__}", (base,), body)
    globals()[suite.__name__] = suite
    return suite


ANSWERS = [
    (Task.of("Who?"), "Smith [1]", True),
    (Task.of("Who?"), "Smith", False),
    (Task((), type="poem"), "O", None),
]

SOUND += map(suite_of, (Parrot, Codenames, Watch, Notes, FirstFree, HasCitation, Direct, Files))


BARE = [
    type(f"TestBare{base.__name__}", (base,), {"backends": ("asyncio",)})
    for base in (
        ProviderConformance,
        MatcherConformance,
        ValidatorConformance,
        StreamValidatorConformance,
        CheckConformance,
        ToolConformance,
        DurableEngineConformance,
    )
]
"""Test classes that do not say what is to be tested."""
globals().update({suite.__name__: suite for suite in BARE})


class TestLittleGiven(ProviderConformance):
    """One that gives no more than it must."""

    backends = ("asyncio",)

    @pytest.fixture
    def provider(self) -> Parrot:
        return Parrot()


class TestLittleGivenTool(ToolConformance):
    backends = ("asyncio",)

    @pytest.fixture
    def tool(self) -> Notes:
        return Notes()


class TestLittleGivenValidator(ValidatorConformance):
    backends = ("asyncio",)
    deterministic = False

    @pytest.fixture
    def validator(self) -> Codenames:
        return Codenames()


class TestLittleGivenStreamValidator(StreamValidatorConformance):
    @pytest.fixture
    def new_validator(self) -> type[Watch]:
        return Watch


class TestLittleGivenCheck(CheckConformance):
    backends = ("asyncio",)
    deterministic = False

    @pytest.fixture
    def check(self) -> HasCitation:
        return HasCitation()


LITTLE = {
    TestLittleGiven: "not looked at: how its failures are classified",
    TestLittleGivenTool: "this suite needs the fixture 'arguments'",
    TestLittleGivenValidator: "give the fixture 'examples' to have it tested",
    TestLittleGivenStreamValidator: "give the fixture 'rewritten' to have it tested",
    TestLittleGivenCheck: "give the fixture 'answers' to have it tested",
}

# --- providers ---------------------------------------------------------------------------------------------------


@caught("test_it_has_what_a_provider_has", "Unclosable has no aclose")
class Unclosable(Parrot):
    @property
    def aclose(self) -> Any:
        raise AttributeError


@caught("test_its_name_can_be_used_as_one", "name is 'Polly the Parrot'")
class OddName(Parrot):
    name = "Polly the Parrot"


@caught("test_its_secrets_are_not_shown", "repr() of the provider holds its key")
class ShowsKey(Parrot):
    def __repr__(self) -> str:
        return f"Parrot({KEY!r})"


@caught("test_it_lists_models_of_its_own", "lists models of 'macaw'")
class ListsOthers(Parrot):
    async def models(self) -> Sequence[ModelCard]:
        return [ModelCard("macaw", "echo")]


@caught("test_it_lists_models_of_its_own", "'echo' more than once")
class ListsTwice(Parrot):
    async def models(self) -> Sequence[ModelCard]:
        return [ModelCard("parrot", "echo")] * 2


@caught("test_it_lists_models_of_its_own", "models() returned a list of str")
class ListsIds(Parrot):
    async def models(self) -> Any:
        return ["echo"]


@caught("test_a_whole_answer_is_a_response", "complete() gave str 'You said")
class SaysText(Parrot):
    async def complete(self, *args: Any) -> Any:
        return await self.say(args[1])


@caught("test_a_whole_answer_is_a_response", "complete() raised KeyError: 'choices'")
class RaisesRaw(Parrot):
    async def complete(self, *args: Any) -> Response:
        return {}["choices"]


@caught("test_a_whole_answer_is_a_response", "an answer with nothing in it")
class AnswersNothing(Parrot):
    def whole(self, text: str) -> Response:
        return Response(Message.assistant(""), "stop", Usage(3, 1))


@caught("test_a_whole_answer_is_a_response", "usage counts the tokens")
class CountsNothing(Parrot):
    def whole(self, text: str) -> Response:
        return Response(Message.assistant(text), "stop")


@caught("test_a_whole_answer_is_a_response", "finished with 'end_turn'")
class UpstreamsWord(Parrot):
    def whole(self, text: str) -> Response:
        return Response(Message.assistant(text), cast(Any, "end_turn"), Usage(3, 4))


@caught("test_any_request_is_answered_or_refused", "complete() of a conversation with a tool's result raised")
class ExpectsText(Parrot):
    async def say(self, request: Request) -> str:
        return cast(Any, request.messages[-1].parts[0]).text or "?"


@caught(
    "test_several_are_answered_at_the_same_time",
    "of four calls at the same time, 3 failed: RuntimeError: busy",
)
class OneAtATime(Parrot):
    busy = False

    async def say(self, request: Request) -> str:
        if self.busy:
            raise RuntimeError("busy")
        self.busy = True
        try:
            return await super().say(request)
        finally:
            self.busy = False


@caught("test_a_stream_ends_with_its_response", "ended after 1 deltas without a Response")
class NeverWhole(Parrot):
    async def stream(self, *args: Any) -> Any:
        yield TextDelta(await self.say(args[1]))


@caught("test_a_stream_ends_with_its_response", "went on after its Response: TextDelta")
class WholeFirst(Parrot):
    async def stream(self, *args: Any) -> Any:
        yield self.whole("Hi")
        yield TextDelta("Hi")


@caught("test_a_stream_ends_with_its_response", "the stream yielded str 'Hi'")
class YieldsText(Parrot):
    async def stream(self, *args: Any) -> Any:
        yield "Hi"


@caught(
    "test_the_pieces_join_to_the_answer", "the text deltas join to 'You said: Say hello.You said: Say hello.'"
)
class SaysTwice(Parrot):
    async def stream(self, *args: Any) -> Any:
        text = await self.say(args[1])
        yield TextDelta(text)
        yield TextDelta(text)
        yield self.whole(text)


@caught(
    "test_a_stream_may_be_read_as_the_line_reads_it",
    "no cancel scope may stay open across a yield",
)
class OpenGroup(Parrot):
    async def stream(self, *args: Any) -> Any:
        async with anyio.create_task_group():
            async for part in super().stream(*args):
                yield part


@caught(
    "test_closing_a_stream_early_ends_it", "closing the stream raised RuntimeError: async generator ignored"
)
class ClingsOn(Parrot):
    async def stream(self, *args: Any) -> Any:
        try:
            yield TextDelta("Hi")
        finally:
            yield self.whole("Hi")


@caught("test_closing_a_stream_early_ends_it", "the closed stream left running: parrot-reader")
class LeavesATask(Parrot):
    async def stream(self, *args: Any) -> Any:
        import asyncio

        self.reader = asyncio.create_task(anyio.sleep(20), name="parrot-reader")
        async for part in super().stream(*args):
            yield part


@caught("test_closing_a_stream_early_ends_it", "stream() returned coroutine")
class NoGenerator(Parrot):
    async def stream(self, *args: Any) -> Any:
        return [TextDelta("Hi"), self.whole("Hi")]


@caught("test_cancellation_passes_through", "complete(), when cancelled, raised AttemptFailed: transport")
class EatsCancellation(Parrot):
    async def complete(self, *args: Any) -> Response:
        try:
            return self.whole(await self.say(args[1]))
        except BaseException as error:
            raise AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", repr(error))) from None


@caught("test_a_failure_is_classified_and_tried_once", "complete() asked its upstream 3 times")
class TriesAgain(Parrot):
    async def complete(self, *args: Any) -> Response:
        for _ in range(2):
            try:
                return self.whole(await self.say(args[1]))
            except AttemptFailed:
                continue
        return self.whole(await self.say(args[1]))


@caught("test_a_failure_is_classified_and_tried_once", "stream() failed as 'overloaded', and it is 'auth'")
class AllTheSame(Parrot):
    async def stream(self, *args: Any) -> Any:
        try:
            yield self.whole(await self.say(args[1]))
        except AttemptFailed:
            raise AttemptFailed(Failure(FailureKind.OVERLOADED, "model", "something is wrong")) from None


@caught("test_a_failure_is_classified_and_tried_once", "complete() of a failing provider returned Response")
class ErrorAsAnswer(Parrot):
    async def complete(self, *args: Any) -> Response:
        try:
            return self.whole(await self.say(args[1]))
        except AttemptFailed as failed:
            return self.whole(f"Error: {failed}")


@caught("test_a_failure_is_classified_and_tried_once", "the failure of complete() holds the provider's key")
class TellsKey(Parrot):
    async def complete(self, *args: Any) -> Response:
        raise AttemptFailed(Failure(FailureKind.AUTH, "account", f"the key {KEY} is wrong"))


@caught("test_texts_become_as_many_vectors_or_are_refused", "embed() gave 1 vectors for 3 texts")
class OneVector(Parrot):
    async def embed(self, *args: Any) -> Any:
        return [[0.1, 0.2]]


@caught("test_texts_become_as_many_vectors_or_are_refused", "embed() raised NotImplementedError")
class NoEmbeddings(Parrot):
    async def embed(self, *args: Any) -> Any:
        raise NotImplementedError


@caught("test_it_may_be_closed_twice", "the second aclose() raised AttributeError")
class ClosesOnce(Parrot):
    client: Any = open

    async def aclose(self) -> None:
        self.client.__name__  # noqa: B018
        self.client = None


@caught(
    "test_a_failure_is_classified_and_tried_once",
    "complete() of a failing provider raised KeyError: 'choices'",
)
class ReadsErrors(Parrot):
    async def complete(self, *args: Any) -> Response:
        return self.whole(await self.say(args[1])) if not self.refuses else {}["choices"]


@caught("test_a_failure_is_classified_and_tried_once", "has the scope 'everything'")
class OddScope(Parrot):
    async def complete(self, *args: Any) -> Response:
        raise AttemptFailed(Failure(FailureKind.AUTH, cast(Any, "everything"), "wrong key"))


@caught("test_the_pieces_join_to_the_answer", "the Response calls 'now', and no delta showed it")
class HidesCalls(Parrot):
    def whole(self, text: str) -> Response:
        return Response(Message.assistant(text, ToolCall("1", "now", {})), "tool_calls", Usage(3, 4))


@caught("test_the_pieces_join_to_the_answer", "the deltas call [('1', 'now', None)]")
class HalfACall(HidesCalls):
    async def stream(self, *args: Any) -> Any:
        text = await self.say(args[1])
        yield TextDelta(text)
        yield ToolCallDelta(0, '{"zone": ', "1", "now")
        yield self.whole(text)


@caught("test_a_whole_answer_is_a_response", "this suite needs the fixture 'deployment'")
class OnlyListsEmbedders(Parrot):
    async def models(self) -> Sequence[ModelCard]:
        return [ModelCard("parrot", "vectors", capabilities=Capabilities(chat=False))]


@caught("test_a_whole_answer_is_a_response", "this suite needs the fixture 'deployment'")
class CannotList(Parrot):
    async def models(self) -> Sequence[ModelCard]:
        raise AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", "no list"))


@caught("test_a_whole_answer_is_a_response", "give the fixture 'deployment' of one that does")
class AlwaysFails(Parrot):
    async def complete(self, *args: Any) -> Response:
        raise AttemptFailed(Failure(FailureKind.MODEL_GONE, "model", "gone"))


# --- validators --------------------------------------------------------------------------------------------------


@caught("test_its_stages_are_stages", "stages names 'answer', where nobody looks")
class OddStage(Codenames):
    stages = cast(Any, frozenset({"answer"}))


@caught(
    "test_no_content_makes_it_fail", "validate() of no message at all at the stage 'input' raised IndexError"
)
class FirstMessage(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        return Verdict(args[0], "flag" if content_is_loud(args[1][0]) else "allow")


def content_is_loud(message: Message) -> bool:
    return message.text.isupper()


@caught("test_its_verdicts_are_whole", "at the stage 'output' says 'input'")
class OneStage(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        return replace(await super().validate(*args), stage="input")


@caught("test_its_verdicts_are_whole", "is 'block' and has a replacement")
class BlocksAndReplaces(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        verdict = await super().validate(*args)
        return replace(verdict, action="block") if verdict.replacement else verdict


@caught("test_its_verdicts_are_whole", "is 'redact' without a replacement, so the content passes as it was")
class OnlySaysRedact(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        return replace(await super().validate(*args), replacement=None)


@caught("test_its_verdicts_are_whole", "is 'redact' and names no issue")
class NoReason(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        return replace(await super().validate(*args), issues=())


@caught("test_its_verdicts_are_whole", "replaces 6 messages by")
class Shortens(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        why = (Issue("long", "it was long"),)
        few = tuple(args[1][-1:])
        return Verdict(args[0], "redact", why, few) if len(args[1]) > 3 else await super().validate(*args)


@caught("test_its_verdicts_are_whole", "has an issue at 90000 to 90010")
class WrongSpan(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        verdict = await super().validate(*args)
        return replace(verdict, issues=tuple(replace(i, span=(90_000, 90_010)) for i in verdict.issues))


@caught("test_it_changes_nothing_in_place", "changed 'ask BLUEBIRD' in place")
class InPlace(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        verdict = await super().validate(*args)
        args[1][:] = map(self.without, args[1])
        return verdict


@caught("test_the_same_content_gets_the_same_verdict", "was judged 'redact' (codename) and then 'allow'")
class OnlyOnce(Codenames):
    told = False

    async def validate(self, *args: Any) -> Verdict:
        verdict = await super().validate(*args)
        if verdict.action == "redact" and self.told:
            return Verdict(args[0], "allow")
        self.told = verdict.action == "redact"
        return verdict


@caught("test_it_finds_what_it_should", "(input) was judged 'allow', not 'redact'")
class Blind(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        return Verdict(args[0], "allow")


@caught("test_it_finds_what_it_should", "an issue tells what was found")
class TellsFound(Codenames):
    async def validate(self, *args: Any) -> Verdict:
        verdict = await super().validate(*args)
        return replace(
            verdict, issues=tuple(replace(i, message=f"{SECRET} was found") for i in verdict.issues)
        )


@caught("test_it_finds_what_it_should", "the replacement still holds what was found")
class HalfRedacted(Codenames):
    def without(self, message: Message) -> Message:
        return Message.user(f"[was: {message.text}]")


@caught("test_its_stages_are_stages", "stages is 'input'")
class StageAsText(Codenames):
    stages = cast(Any, "input")


@caught("test_no_content_makes_it_fail", "at the stage 'arguments' raised AttributeError")
class TextEverywhere(Codenames):
    stages = frozenset({"arguments", "tool_result"})

    async def validate(self, *args: Any) -> Verdict:
        return Verdict(args[0], "allow" if args[1][0].parts[0].text else "flag")


@caught("test_no_content_makes_it_fail", "returned None")
class NoVerdict(Codenames):
    async def validate(self, *args: Any) -> Any:
        return None


# --- stream validators -------------------------------------------------------------------------------------------


@caught("test_no_text_makes_it_fail", "raised UnicodeEncodeError")
class OnlyUtf8(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        piece.encode()
        return super().feed(piece)


@caught("test_harmless_text_is_released_as_it_is", "release what was held back in close()")
class LosesTheEnd(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        self.held += piece
        released, self.held = self.held[:-3], self.held[-3:]
        return StreamVerdict(released)

    def close(self) -> StreamVerdict:
        return StreamVerdict("")


@caught("test_pieces_make_no_difference", "in one piece was released as 'ask [name] now'")
class PieceByPiece(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        return StreamVerdict(piece.replace(SECRET, "[name]"))


@caught("test_streams_know_nothing_of_each_other", "and beside another stream as")
class SharedState(Watch):
    pile: list[str] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.pile.clear()
        self.over = False

    def feed(self, piece: str) -> StreamVerdict:
        self.pile.append(piece)
        return StreamVerdict("")

    def close(self) -> StreamVerdict:
        text = "".join(self.pile)
        self.pile.clear()
        return StreamVerdict(text.replace(SECRET, "[name]"))


@caught("test_it_blocks_what_it_should", "not blocked")
class NeverBlocks(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        return replace(super().feed(piece), blocked=False)

    def close(self) -> StreamVerdict:
        return replace(super().close(), blocked=False)


@caught("test_what_is_blocked_stays_blocked", "' and more' was released")
class ForgetsBlock(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        self.over = False
        return super().feed(piece)


@caught("test_nothing_comes_after_the_end", "a second close() released")
class EndsTwice(Watch):
    text = ""

    def feed(self, piece: str) -> StreamVerdict:
        self.text += piece
        return StreamVerdict("")

    def close(self) -> StreamVerdict:
        return StreamVerdict(self.text)


@caught("test_no_text_makes_it_fail", "returned 'Hello")
class ReleasesText(Watch):
    def feed(self, piece: str) -> Any:
        return "Hello" + piece


@caught("test_it_rewrites_what_it_should", "not released as 'ask [name] now'")
class Passes(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        return StreamVerdict(piece)


@caught("test_it_blocks_what_it_should", "was blocked without an issue")
class BlocksWithoutAWord(Watch):
    def feed(self, piece: str) -> StreamVerdict:
        return replace(super().feed(piece), issues=())


# --- tools -------------------------------------------------------------------------------------------------------


@caught("test_it_has_what_a_tool_has", "idempotent is 'yes'")
class SaysYes(Notes):
    idempotent = cast(Any, "yes")


@caught("test_its_spec_can_be_sent_to_any_provider", "the tool is called 'take a note'")
class BlanksInName(Notes):
    spec = replace(Notes.spec, name="take a note")


@caught("test_its_spec_can_be_sent_to_any_provider", "parameters is no JSON schema: $.properties.text")
class NoSchema(Notes):
    spec = replace(Notes.spec, parameters={"type": "object", "properties": {"text": {"type": "strin"}}})


@caught("test_its_spec_can_be_sent_to_any_provider", "parameters is of type None")
class BareProperties(Notes):
    spec = ToolSpec("take_note", "Keep a note.", {"text": {"type": "string"}})


@caught("test_its_spec_can_be_sent_to_any_provider", "parameters cannot be written as JSON")
class TypesAsSchema(Notes):
    spec = replace(Notes.spec, parameters={"type": "object", "properties": {"text": str}})


@caught("test_the_example_fits_the_schema", "do not fit")
class OtherArguments(Notes):
    spec = replace(Notes.spec, parameters={"type": "object", "properties": {"text": {"type": "integer"}}})


@caught("test_it_returns_text", "call() returned int 1")
class ReturnsNumber(Notes):
    async def call(self, arguments: Any) -> Any:
        return 1


@caught("test_its_arguments_stay_as_they_are", "call() changed its arguments")
class PopsArguments(Notes):
    async def call(self, arguments: Any) -> str:
        return str(arguments.pop("text"))


@caught(
    "test_twice_is_as_good_as_once_where_it_says_so",
    "one call is ['note'], after two ['note', 'note']",
)
class AddsEachTime(Notes):
    async def call(self, arguments: Any) -> str:
        self.pile.append("note")
        return "done"


@caught("test_wrong_arguments_are_answered_or_told", "raised ToolError: bad arguments")
class EndsTheTask(Notes):
    async def call(self, arguments: Any) -> str:
        if not isinstance(arguments.get("text"), str):
            raise ToolError("bad arguments")
        return "done"


@caught("test_wrong_arguments_are_answered_or_told", "raised SystemExit")
class Exits(Notes):
    async def call(self, arguments: Any) -> str:
        if "text" not in arguments:
            raise SystemExit(2)
        return "done"


@caught("test_wrong_arguments_are_answered_or_told", "raised ValueError without a word")
class SaysNothing(Notes):
    async def call(self, arguments: Any) -> str:
        if not isinstance(arguments.get("text"), str):
            raise ValueError
        return "done"


@caught("test_cancellation_passes_through", "call(), when cancelled, raised RuntimeError")
class TurnsCancellation(Notes):
    async def call(self, arguments: Any) -> str:
        try:
            return await super().call(arguments)
        except BaseException as error:
            raise RuntimeError("it did not work") from error


@caught(
    "test_twice_is_as_good_as_once_where_it_says_so",
    "the second of two equal calls raised ValueError",
)
class RefusesAgain(Notes):
    async def call(self, arguments: Any) -> str:
        if self.pile:
            raise ValueError("already there")
        return await super().call(arguments)


@caught("test_it_returns_text", "raised KeyError: 'body'")
class OtherNames(Notes):
    async def call(self, arguments: Any) -> str:
        return str(arguments["body"])


@caught("test_its_spec_can_be_sent_to_any_provider", "spec is {'name': 'take_note'}")
class DictAsSpec(Notes):
    spec = cast(Any, {"name": "take_note"})


# --- matchers ----------------------------------------------------------------------------------------------------

STRANGER = Candidate(Deployment("macaw", "echo"), ModelCard("macaw", "echo", free="local"))


@caught("test_it_ranks_only_those_it_was_given", "macaw/echo is ranked, and was no candidate")
class BringsItsOwn(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        return Ranking((STRANGER, *args[2]))


@caught("test_it_ranks_nobody_twice", "is ranked more than once")
class FavouriteTwice(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        return Ranking((*args[2][-1:], *args[2]))


@caught("test_tiers_never_fall", "the tiers are (4, 3, 2, 1, 0)")
class FallingTiers(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        return Ranking(tuple(args[2]), tiers=tuple(reversed(range(len(args[2])))))


@caught(
    "test_it_ranks_only_those_it_was_given",
    "raised AttributeError: 'NoneType' object has no attribute 'output'",
)
class PriceIsKnown(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        return Ranking(tuple(sorted(args[2], key=lambda c: cast(Any, c.card.price).output)))


@caught("test_nobody_given_is_nobody_ranked", "raised IndexError")
class TakesTheFirst(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        return Ranking((args[2][0],))


@caught("test_the_same_question_gets_the_same_ranking", "ranked one/large#ONE_KEY")
class InTurn(FirstFree):
    def __init__(self) -> None:
        self.turn = count()

    async def match(self, *args: Any) -> Ranking:
        given = tuple(args[2])
        at = next(self.turn) % max(1, len(given))
        return Ranking((*given[at:], *given[:at]))


@caught("test_it_changes_nothing_in_place", "changed the list of candidates")
class SortsInPlace(FirstFree):
    async def match(self, *args: Any) -> Ranking:
        given = args[2]
        if isinstance(given, list):
            given.sort(key=lambda c: c.card.id)
        return Ranking(tuple(given))


@caught("test_it_ranks_only_those_it_was_given", "match() returned [Candidate(")
class ListAsRanking(FirstFree):
    async def match(self, *args: Any) -> Any:
        return list(args[2])


# --- checks ------------------------------------------------------------------------------------------------------


@caught("test_no_answer_makes_it_fail", "raised IndexError")
class FirstPart(HasCitation):
    async def check(self, task: Task, response: Response) -> CheckResult:
        return CheckResult(self.name, "[1]" in cast(Any, response.message.parts[0]).text, "none")


@caught("test_it_says_true_false_or_nothing", "it says 0.7")
class SaysAScore(HasCitation):
    async def check(self, *args: Any) -> CheckResult:
        return CheckResult(self.name, cast(Any, 0.7))


@caught("test_it_says_true_false_or_nothing", "the result is called 'other', the check 'citation'")
class OtherName(HasCitation):
    async def check(self, *args: Any) -> CheckResult:
        return CheckResult("other", True)


@caught("test_it_says_true_false_or_nothing", "failed without a word")
class FailsSilently(HasCitation):
    async def check(self, *args: Any) -> CheckResult:
        return CheckResult(self.name, False)


@caught("test_the_same_answer_gets_the_same_result", "it said True, then False")
class OnlyTheFirst(HasCitation):
    seen = False

    async def check(self, *args: Any) -> CheckResult:
        was, self.seen = self.seen, True
        return CheckResult(self.name, not was, "another one")


@caught("test_it_finds_what_it_should", "it says True ('')")
class AlwaysGood(HasCitation):
    async def check(self, *args: Any) -> CheckResult:
        return CheckResult(self.name, True)


@caught("test_no_answer_makes_it_fail", "returned True")
class BareTruth(HasCitation):
    async def check(self, *args: Any) -> Any:
        return True


@caught("test_it_changes_nothing_in_place", "in place")
class Labels(HasCitation):
    async def check(self, task: Task, response: Response) -> CheckResult:
        cast(Any, task.tags)["seen"] = str(len(task.tags)) + task.tags.get("seen", "")
        return CheckResult(self.name, None)


# --- engines -----------------------------------------------------------------------------------------------------


@caught("test_it_runs_the_body_once_and_returns_its_value", "the body was carried out 2 times")
class RunsTwice(Direct):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        await super().run(run_id, version, body, returns=returns)
        return await super().run(run_id, version, body, returns=returns)


@caught("test_results_keep_their_type", "a run of Usage returned {'input_tokens': 1")
class PlainJson(Direct):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        from aiorch.types import to_plain

        return to_plain(await super().run(run_id, version, body, returns=returns), returns)


@caught("test_what_the_body_raises_arrives", "the body raised OurFault('no data'), and RuntimeError")
class WrapsErrors(Direct):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        try:
            return await super().run(run_id, version, body, returns=returns)
        except Exception as error:
            raise RuntimeError(f"run {run_id} failed: {error}") from error


@caught("test_cancellation_passes_through", "the cancelled run returned as if it were done")
class SwallowsCancellation(Direct):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        try:
            return await super().run(run_id, version, body, returns=returns)
        except BaseException:
            return None


@caught("test_effects_run_and_fail_as_they_are", "an effect that raised gave []")
class EatsEffects(Direct):
    async def once(self, key: str, effect: Callable[[], Awaitable[T]], **more: Any) -> Any:
        try:
            return await effect()
        except Exception:
            return None


@caught("test_effects_run_and_fail_as_they_are", "effects that returned 'A' and 'B' gave ['A', 'A']")
class OneKey(Direct):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    async def once(self, key: str, effect: Callable[[], Awaitable[T]], **more: Any) -> T:
        self.kept.append(await effect())
        return self.kept[0]


@caught("test_runs_and_effects_go_side_by_side", "two runs at the same time gave {}")
class OneEffectAtATime(Direct):
    patience = 0.2  # it never ends, however fast the machine is

    def __init__(self) -> None:
        super().__init__()
        self.lock = anyio.Lock()

    async def once(self, key: str, effect: Callable[[], Awaitable[T]], **more: Any) -> T:
        async with self.lock:
            return await effect()


@caught("test_a_finished_run_returns_its_stored_result", "the body of a finished run was carried out 2 times")
class ForgetsResults(Files):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        value = await super().run(run_id, version, body, returns=returns)
        self.result(run_id).unlink()
        return value


@caught("test_a_resumed_run_repeats_no_committed_effect", "the effects made were paid, paid, later")
class KeepsNoEffects(Files):
    def journal(self, run_id: str) -> Journal:
        return DirectJournal(Direct(), run_id)


@caught("test_runs_share_nothing", "the same key in two runs was made 1 times")
class SharesKeys(Files):
    def journal(self, run_id: str) -> Journal:
        return FileJournal(self.folder / "all")


@caught("test_another_version_does_not_resume", "the run was carried on under another version")
class AnyVersion(Files):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        return await super().run(run_id, "any", body, returns=returns)


@caught(
    "test_an_unfinished_effect_is_not_repeated_unasked", "the effect was made 2 times, and nobody was asked"
)
class RepeatsUnasked(Files):
    def journal(self, run_id: str) -> Journal:
        return Unasked(self.folder / run_id)


class Unasked(FileJournal):
    async def once(self, key: str, effect: Any, *, returns: Any, **more: Any) -> Any:
        return await super().once(key, effect, returns=returns)


@caught("test_a_failed_effect_is_made_again", "after 1 tries")
class KeepsFailures(Files):
    def journal(self, run_id: str) -> Journal:
        return NeverAgain(self.folder / run_id)


class NeverAgain(FileJournal):
    async def once(self, key: str, effect: Any, *, returns: Any, **more: Any) -> Any:
        failed = Path(f"{self.stem}.failed")
        if failed.exists():
            return "failed before"
        try:
            return await super().once(key, effect, returns=returns)
        except Exception:
            failed.touch()
            raise


@caught("test_it_runs_the_body_once_and_returns_its_value", "the run raised KeyError: 'runs'")
class NeedsATable(Direct):
    async def run(self, *args: Any, **more: Any) -> Any:
        return {}["runs"]


@caught("test_a_resumed_run_repeats_no_committed_effect", "the body raised OurFault, and RuntimeError")
class WrapsWhatItKeeps(Files):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        try:
            return await super().run(run_id, version, body, returns=returns)
        except Exception as error:
            raise RuntimeError(str(error)) from error


@caught("test_a_failed_effect_is_made_again", "the body failed and the run did not")
class FinishesAnyway(Files):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        try:
            return await super().run(run_id, version, body, returns=returns)
        except Exception:
            return None


@caught("test_it_has_what_an_engine_has", "Undecided.durable is None")
class Undecided(Direct):
    durable: Any = None


@caught("test_effects_run_and_fail_as_they_are", "unexpected keyword argument 'ledger'")
class KnowsNoLedger(Direct):
    async def once(  # type: ignore[override]
        self, key: str, effect: Callable[[], Awaitable[T]], *, returns: Any, idempotent: bool
    ) -> T:
        return await effect()


@caught("test_effects_go_inside_of_effects", "the run raised RuntimeError: ask:tool inside of ask")
class OneInsideOfNone(Direct):
    current: str | None = None

    async def once(self, key: str, effect: Callable[[], Awaitable[T]], **more: Any) -> T:
        if self.current:
            raise RuntimeError(f"{key} inside of {self.current}")
        self.current = key
        try:
            return await effect()
        finally:
            self.current = None


@caught("test_what_is_sent_is_received", "the journal received [{'amount': 3}, {'amount': 3}]")
class LastWordCounts(Direct):
    async def send(self, run_id: str, name: str, value: Any) -> None:
        self.mail.kept.pop(f"{run_id}/{name}", None)
        await super().send(run_id, name, value)


@caught(
    "test_effects_are_known_by_their_keys",
    "a resumed run that asked in another order was given {'right': 'LEFT'",
)
class ByPosition(Files):
    def journal(self, run_id: str) -> Journal:
        return Positions(self.folder / run_id)


class Positions(FileJournal):
    count = 0

    async def once(self, key: str, effect: Any, *, returns: Any, **more: Any) -> Any:
        self.count += 1
        return await super().once(f"step{self.count}", effect, returns=returns, **more)


@caught(
    "test_an_inner_effect_is_committed_before_the_outer_one", "those made were outer, inner, outer, inner"
)
class AllOrNothing(Files):
    def journal(self, run_id: str) -> Journal:
        return Transaction(self.folder / run_id)


class Transaction(FileJournal):
    async def once(self, key: str, effect: Any, *, returns: Any, **more: Any) -> Any:
        try:
            return await super().once(key, effect, returns=returns, **more)
        except Exception:
            for path in self.stem.parent.glob("*.done"):
                path.unlink()
            raise


@caught("test_what_was_sent_is_received_again", "the run did not end within 2 s")
class TakesMailAway(Files):
    patience = 2.0  # it waits for ever, however fast the machine is

    def journal(self, run_id: str) -> Journal:
        return Takes(self.folder / run_id)


class Takes(FileJournal):
    async def receive(self, name: str) -> Any:
        value = await super().receive(name)
        self.file(name, "mail").unlink()
        return value


@caught("test_every_call_is_told_of", "journal.calls tells of [('paid', 'committed')]")
class TellsOfSuccesses(Files):
    def journal(self, run_id: str) -> Journal:
        return Successes(self.folder / run_id)


class Successes(FileJournal):
    def ledger(self) -> list[str]:
        return [told for told in super().ledger() if "paid" in told]


@caught("test_a_late_result_changes_nothing", "two processes were at one run, and came to early and late")
class LateResultCounts(Files):
    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        value = await body(LastCommit(self.folder / run_id))
        self.result(run_id).write_text(to_json(value, returns))
        return value


class LastCommit(FileJournal):
    async def once(self, key: str, effect: Any, *, returns: Any, **more: Any) -> Any:
        value = await effect()
        self.file(key, "done").write_text(to_json(value, returns))
        return value
