"""What aiorch ships keeps the promises that it asks plugins to keep: the same suites, over our own implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, ClassVar

import anyio
import httpx
import pytest
import respx
from tests.providers.local.server import find_weights, needs_engine
from tests.providers.test_conformance import KEY, bodies_of, provider_of
from tests.safety.keys import of_providers

from aiorch.protocols import Check, Engine, Matcher, Provider, StreamValidator, Tool, Validator
from aiorch.providers import SPECS, ProviderSpec
from aiorch.providers.local import LocalProvider
from aiorch.quality import FitsSchema, NoRepetition, NotEmpty, NotTruncated
from aiorch.routing.matching import ProfileMatcher
from aiorch.safety import Finding, InputLimits, Inspection, detectors, policy_of
from aiorch.safety.arguments import ArgumentChecks
from aiorch.safety.policy import BALANCED
from aiorch.safety.pseudonyms import Pseudonyms
from aiorch.safety.secrets import Secrets
from aiorch.safety.streaming import SecretStream
from aiorch.safety.whole_answer import WholeAnswer
from aiorch.testing import (
    CheckConformance,
    DurableEngineConformance,
    EngineConformance,
    Example,
    Failing,
    KeptRuns,
    MatcherConformance,
    ProviderConformance,
    Says,
    ScriptedProvider,
    StreamValidatorConformance,
    ToolConformance,
    ValidatorConformance,
)
from aiorch.tools import tool as as_tool
from aiorch.types import (
    Arg,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    JsonSchema,
    Message,
    Response,
    Stage,
    StreamVerdict,
    Task,
    ToolCall,
    ToolSpec,
    Verdict,
)
from aiorch.workflow import Memory

GROQ = of_providers(Random(9))["groq_key"]
MAIL = "ann.larsen@fjordmail.no"
SECRETS = Secrets()
REFUSED = Failure(FailureKind.AUTH, "account", "the key is wrong")


# --- providers ---------------------------------------------------------------------------------------------------


class TestScripted(ProviderConformance):
    @pytest.fixture
    def provider(self) -> Provider:
        return ScriptedProvider(["Hello, here I am."], vectors=lambda text: (float(len(text)), 1.0))

    @pytest.fixture
    def failing(self) -> Failing:
        refusing = ScriptedProvider([REFUSED])
        return Failing(refusing, FailureKind.AUTH, attempts=lambda: len(refusing.asked))


class TestScriptedTools(ProviderConformance):
    backends = ("asyncio",)

    @pytest.fixture
    def provider(self) -> Provider:
        calls = (ToolCall("1", "weather", {"city": "Oslo"}), ToolCall("2", "now", {}))
        return ScriptedProvider([Says("Let me look.", tool_calls=calls)])

    @pytest.fixture
    def failing(self) -> Failing:
        return Failing(ScriptedProvider([Says(pieces=["He", "l"], then=REFUSED)]), FailureKind.AUTH)


class OverHTTP(ProviderConformance):
    """A row of facts and its dialect, over routes instead of a network."""

    @pytest.fixture
    def spec(self) -> ProviderSpec:
        raise NotImplementedError

    @pytest.fixture
    def provider(self, spec: ProviderSpec) -> Provider:
        bodies = bodies_of(spec)

        def answer(request: httpx.Request) -> httpx.Response:
            asked = request.content.decode()
            where = str(request.url).lower()
            if spec.embeddings_path and where.endswith("/embeddings"):
                vectors = [{"index": n, "embedding": [0.5, float(n)]} for n in range(3)]
                return httpx.Response(200, json={"object": "list", "data": vectors})
            if "embed" in where:
                return httpx.Response(400, json={"message": "this model makes no vectors"})
            if '"stream":true' in asked or "stream" in where:
                content = bodies.stream_events(("Hel", "lo ", "you."))
                return httpx.Response(200, content=content, headers={"content-type": bodies.STREAM_TYPE})
            return httpx.Response(200, json=bodies.whole("Hello you."))

        router = respx.Router(assert_all_called=False)
        router.get().respond(json=bodies.listing(("acme/small", "acme/large")))
        router.post().mock(side_effect=answer)
        return provider_of(spec, router)

    @pytest.fixture
    def deployment(self, spec: ProviderSpec) -> Deployment:
        return Deployment(spec.id, "acme/small", "MY_KEY")

    @pytest.fixture
    def failing(self, spec: ProviderSpec) -> Failing:
        router = respx.Router()
        headers, body = bodies_of(spec).error(401)
        router.post().respond(401, json={**body, "about": KEY}, headers=headers)
        return Failing(provider_of(spec, router), FailureKind.AUTH, attempts=lambda: len(router.calls))

    @pytest.fixture
    def secret(self) -> str:
        return KEY


class TestOpenAICompatible(OverHTTP):
    @pytest.fixture
    def spec(self) -> ProviderSpec:
        return SPECS["mistral"]


class TestOtherDialects(OverHTTP):
    backends = ("asyncio",)

    @pytest.fixture(params=["openrouter", "anthropic", "gemini", "cohere", "ollama", "bedrock", "watsonx"])
    def spec(self, request: pytest.FixtureRequest) -> ProviderSpec:
        return next(s for s in SPECS.values() if s.dialect == request.param)


@pytest.fixture(scope="module")
def loaded() -> Iterator[LocalProvider]:
    needs_engine()
    provider = LocalProvider(find_weights(), context=512)
    yield provider
    anyio.run(provider.aclose)


@pytest.mark.weights
class TestEmbedded(ProviderConformance):
    backends = ("asyncio",)

    @pytest.fixture
    def provider(self, loaded: LocalProvider) -> Provider:
        return loaded

    @pytest.fixture
    def failing(self, loaded: LocalProvider) -> Failing:
        return Failing(loaded, FailureKind.MODEL_GONE, deployment=Deployment("local", "gone"))


# --- what stands at the doors ------------------------------------------------------------------------------------


class TestInputLimits(ValidatorConformance):
    @pytest.fixture
    def validator(self) -> Validator:
        return InputLimits()

    @pytest.fixture
    def examples(self) -> Sequence[Example]:
        return [Example("Hello.", "allow"), Example(" ", "block"), Example("x" * 200_000, "block")]


PATHS = ToolSpec("weather", "", {"type": "object"}, checks={"city": Arg("path", root="/srv")})


class TestArgumentChecks(ValidatorConformance):
    """Over arguments that the suite's task does not declare: here they are declared as paths."""

    @pytest.fixture
    def validator(self) -> Validator:
        class OfPaths(ArgumentChecks):
            async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
                return await super().validate(stage, content, replace(task, tools=(PATHS,)))

        return OfPaths(lambda task: BALANCED)

    @pytest.fixture
    def examples(self) -> Sequence[Example]:
        return [
            Example("may.txt", "allow", "arguments"),
            Example("../../etc/passwd", "block", "arguments", secret="passwd"),
        ]


@cache
def inspecting(preset: str) -> Inspection:
    """One for all tests: it remembers what long texts hold."""
    return Inspection(detectors, lambda task: policy_of(preset))


class InspectionConformance(ValidatorConformance):
    backends = ("asyncio",)
    preset: ClassVar[str]

    @pytest.fixture
    def validator(self) -> Validator:
        return inspecting(self.preset)


class TestInspection(InspectionConformance):
    preset = "balanced"

    @pytest.fixture
    def examples(self) -> Sequence[Example]:
        return [
            Example(f"Why does {GROQ} fail?", "redact", secret=GROQ),
            Example(f"It is {GROQ}.", "redact", "output", secret=GROQ),
            Example(f"key={GROQ}", "ask", "arguments", secret=GROQ),
            Example(f"read: {GROQ}", "redact", "tool_result", secret=GROQ),
            Example(f"I am {MAIL}", "allow"),
            Example(f"Ask {MAIL}", "flag", "output", secret=""),
        ]


class TestStrictInspection(InspectionConformance):
    preset = "strict"

    @pytest.fixture
    def examples(self) -> Sequence[Example]:
        return [
            Example(f"Why does {GROQ} fail?", "block", secret=GROQ),
            Example(f"I am {MAIL}", "redact", secret=MAIL),
            Example(f"Ask {MAIL}", "redact", "output", secret=MAIL),
            Example(MAIL, "ask", "arguments", secret=MAIL),
            Example(f"from {MAIL}", "redact", "tool_result", secret=MAIL),
        ]


class TestSecretStream(StreamValidatorConformance):
    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        return lambda: SecretStream(SECRETS)

    @pytest.fixture
    def rewritten(self) -> Mapping[str, str]:
        return {f"It is {GROQ}, or `{GROQ}`.": "It is [redacted], or `[redacted]`.", GROQ: "[redacted]"}


class TestBlockingSecretStream(StreamValidatorConformance):
    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        return lambda: SecretStream(SECRETS, "block")

    @pytest.fixture
    def blocked(self) -> Sequence[str]:
        return [f"It is {GROQ}, or so.", GROQ]


class TestWholeAnswer(StreamValidatorConformance):
    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        def look(text: str) -> StreamVerdict:
            if "BLUEBIRD" in text:
                return StreamVerdict("", (Issue("codename", "a code name"),), blocked=True)
            return StreamVerdict(text.replace("darn", "d***"))

        return lambda: WholeAnswer(look)

    @pytest.fixture
    def rewritten(self) -> Mapping[str, str]:
        return {"a darn thing": "a d*** thing"}

    @pytest.fixture
    def blocked(self) -> Sequence[str]:
        return ["ask BLUEBIRD about it"]


class TestRestoring(StreamValidatorConformance):
    names = Pseudonyms(Random(1))
    hidden = names.hide(MAIL, [Finding("pii.email", (0, len(MAIL)), 1.0, "an address")])

    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        return self.names.restoring

    @pytest.fixture
    def rewritten(self) -> Mapping[str, str]:
        return {f"Ask {self.hidden} <b> <EMAIL_1_": f"Ask {MAIL} <b> <EMAIL_1_", self.hidden: MAIL}


class TestStreamValidator(StreamValidatorConformance):
    """One as an author would write it."""

    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        return HoldsBack

    @pytest.fixture
    def rewritten(self) -> Mapping[str, str]:
        return {"ask BLUEBIRD about it": "ask [name] about it", "BLUE and BLUEBI": "BLUE and BLUEBI"}


class HoldsBack:
    def __init__(self) -> None:
        self.held = ""

    def feed(self, piece: str) -> StreamVerdict:
        text = (self.held + piece).replace("BLUEBIRD", "[name]")
        keep = next((n for n in range(7, 0, -1) if text.endswith("BLUEBIRD"[:n])), 0)
        self.held = text[len(text) - keep :]
        return StreamVerdict(text[: len(text) - keep])

    def close(self) -> StreamVerdict:
        rest, self.held = self.held, ""
        return StreamVerdict(rest)


# --- who judges, who ranks, who does -----------------------------------------------------------------------------


class TestChecks(CheckConformance):
    @pytest.fixture(params=[NotEmpty, NotTruncated, NoRepetition, FitsSchema], ids=lambda kind: kind.name)
    def check(self, request: pytest.FixtureRequest) -> Check:
        return request.param()

    @pytest.fixture
    def answers(self, check: Check) -> Sequence[tuple[Task, str | Response, bool | None]]:
        ask = Task.of("Which city?")
        shaped = Task(ask.messages, schema=JsonSchema({"type": "object", "required": ["city"]}))
        given: dict[str, list[tuple[Task, str | Response, bool | None]]] = {
            "not_empty": [(ask, "Oslo", True), (ask, "\u200b ", False)],
            "not_truncated": [(ask, "Oslo", True), (ask, "```python\nprint(", False)],
            "no_repetition": [(ask, "Oslo", True), (ask, "It is Oslo. " * 60, False), (ask, "", None)],
            "schema": [(ask, "Oslo", None), (shaped, '{"city": "Oslo"}', True), (shaped, "{}", False)],
        }
        return given[check.name]


class TestProfileMatcher(MatcherConformance):
    @pytest.fixture(params=[False, True], ids=["ranking", "mixing"])
    def matcher(self, request: pytest.FixtureRequest) -> Matcher:
        return ProfileMatcher(mixing=request.param)


class TestFunctionTool(ToolConformance):
    @pytest.fixture(params=["async", "plain"])
    def tool(self, request: pytest.FixtureRequest) -> Tool:
        @as_tool(idempotent=True)
        async def weather(city: str, days: int = 1) -> dict[str, Any]:
            """The weather in a city."""
            return {"city": city, "days": days, "sky": "grey"}

        @as_tool(idempotent=True)
        def lower(city: str) -> str:
            """A city in small letters."""
            return city.lower()

        return weather if request.param == "async" else lower

    @pytest.fixture
    def arguments(self) -> Mapping[str, Any]:
        return {"city": "Oslo"}


class Reached(Memory):
    """With its runs' journals in reach, as :class:`aiorch.Run` has them."""

    def __init__(self) -> None:
        super().__init__()
        self.journals: dict[str, Any] = {}

    async def run(self, run_id: str, version: str, body: Any, *, returns: Any) -> Any:
        async def kept(journal: Any) -> Any:
            self.journals[run_id] = journal
            return await body(journal)

        return await super().run(run_id, version, kept, returns=returns)


class TestMemory(EngineConformance):
    @pytest.fixture
    def engine(self) -> Reached:
        return Reached()

    @pytest.fixture
    def send(self, engine: Reached) -> Any:
        async def send(run_id: str, name: str, value: object) -> None:
            await engine.journals[run_id].send(name, value)

        return send


class TestKept(DurableEngineConformance):
    @pytest.fixture
    def engine(self) -> KeptRuns:
        return KeptRuns()

    @pytest.fixture
    def reopened(self, engine: KeptRuns) -> Callable[[], Engine]:
        return lambda: engine

    @pytest.fixture
    def send(self, engine: KeptRuns) -> Any:
        async def send(run_id: str, name: str, value: object) -> None:
            engine.at(run_id).send(name, value)

        return send
