"""Random healthy workflows of every kind of task, and the ways in which one of them can be defective.

for defect in DEFECTS:
    flow, expected = spoilt(defect, random.Random(1))
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import pydantic

from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Retry

WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "inlet",
    "jetty",
    "knoll",
    "lagoon",
)
Kind = Literal["bug", "letter", "praise"]


class Person(pydantic.BaseModel):
    name: str
    age: int


# --- what healthy workflows are made of --------------------------------------------------------------------------


def shorten(text: str) -> str:
    return text[:10]


def count(items: list[str]) -> int:
    return len(items)


def join(items: list[str]) -> str:
    return " ".join(items)


def split(text: str) -> list[str]:
    return text.split()


def grade(number: float, text: str | None = None) -> str:
    return f"{number} {text}"


def birthday(person: Person) -> int:
    return person.age + 1


def anything(value, more=None):  # type: ignore[no-untyped-def]
    return value


async def later(text: str, *, times: int = 1) -> list[str]:
    return [text] * times


def measured(text: str) -> int:
    time.sleep(0)  # in a thread of its own, where waiting holds up nobody
    return len(text)


FUNCTIONS: tuple[tuple[Callable[..., Any], Mapping[str, str], str], ...] = (
    (shorten, {"text": "str"}, "str"),
    (count, {"items": "list"}, "int"),
    (join, {"items": "list"}, "str"),
    (split, {"text": "str"}, "list"),
    (grade, {"number": "int", "text": "str"}, "str"),
    (birthday, {"person": "person"}, "int"),
    (anything, {"value": "str"}, "any"),
    (later, {"text": "str"}, "list"),
    (measured, {"text": "str"}, "int"),
)
"""Functions, the kinds of values that they take, and the kind that they give."""

OUTPUTS: tuple[tuple[str, Any], ...] = (
    ("str", str),
    ("list", list[str]),
    ("int", int),
    ("bool", bool),
    ("kind", Kind),
    ("person", Person),
)
"""Kinds of answers, and their types."""


@dataclass
class Growing:
    """A workflow while it grows, and what can be taken in it."""

    rng: Random
    flow: Workflow
    values: dict[str, str] = field(default_factory=dict[str, str])
    """By name of a task or an input: which kind its value is of."""
    given: set[str] = field(default_factory=set[str])
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of ``validate``, beside ``given``."""
    number: int = 0

    def name(self) -> str:
        """A new one."""
        self.number += 1
        return f"{self.rng.choice(WORDS)}{self.number}"

    def one(self, *kinds: str) -> str:
        """The name of something that gives a value of one of these kinds."""
        found = [n for n, k in self.values.items() if k in kinds]
        return self.rng.choice(found) if found and self.rng.random() < 0.9 else self.input(kinds[0])

    def input(self, kind: str) -> str:
        """A new input."""
        name = self.name()
        self.given.add(name)
        self.values[name] = kind
        return name

    def some(self, least: int = 0) -> list[str]:
        """Names of anything there is."""
        there = list(self.values)
        wanted = min(len(there), self.rng.randint(least, 3))
        return self.rng.sample(there, wanted)

    # --- one more healthy task -------------------------------------------------------------------------------------

    def grow(self) -> None:
        """Add something healthy."""
        add = self.rng.choice(
            (
                self.ask,
                self.ask,
                self.call,
                self.call,
                self.mapped,
                self.sub,
                self.loop,
                self.waiting,
                self.chosen,
            )
        )
        add()

    def prompt(self, least: int = 0) -> str:
        return "Look at " + " and ".join(f"{{{n}}}" for n in self.some(least))

    def ask(self) -> str:
        kind, output = self.rng.choice(OUTPUTS)
        name = self.name()
        prompt = self.prompt()
        if "person" in self.values.values() and self.rng.random() < 0.5:
            prompt += f" {{{self.one('person')}.name}}" if "person" in self.values.values() else ""
        retry = self.rng.choice((None, 2, Retry(3, delay=0.5)))
        self.flow.ask(name, prompt, output=output, retry=retry, timeout=self.rng.choice((None, 60.0)))
        self.values[name] = kind
        return name

    def call(self) -> str:
        function, takes, gives = self.rng.choice(FUNCTIONS)
        uses = {p: self.one(*(("int",) if k == "int" else (k,))) for p, k in takes.items()}
        name = self.name()
        options: dict[str, Any] = {}
        if self.rng.random() < 0.2 and gives in ("str", "int"):
            options = {"fallback": "none" if gives == "str" else 0}
        elif self.rng.random() < 0.3:
            options = {"resources": self.rng.choice(("gpu", "file")), "tags": "slow"}
        thread = function is not shorten or self.rng.random() < 0.5
        self.flow.add(name, function, uses=uses, thread=thread, **options)
        self.values[name] = gives
        return name

    def mapped(self) -> str:
        source, name = self.one("list"), self.name()
        if self.rng.random() < 0.5:
            self.flow.ask(name, "On {piece}").map(piece=source, on_error=self.rng.choice(("fail", "collect")))
        else:
            self.flow.add(name, shorten).map(text=source, limit=self.rng.choice((None, 3)))
        self.values[name] = "list"
        return name

    def sub(self) -> str:
        inner = Workflow("inner")
        inner.ask("first", "About {topic}")
        inner.add("second", shorten, uses={"text": "first"})
        name = self.name()
        self.flow.sub(name, inner, uses={"topic": self.one("str", "list", "int")})
        self.values[name] = "str"
        return name

    def loop(self) -> str:
        inner = Workflow("polish")
        inner.ask("better", "Improve {draft}")
        inner.ask("good", "Is it good?\n{better}", output=bool)
        inner.gives("better")
        name = self.name()
        self.flow.loop(
            name, inner, most=3, until="good", carry={"draft": "better"}, uses={"draft": self.one("str")}
        )
        self.values[name] = "str"
        return name

    def waiting(self) -> str:
        name, after = self.name(), self.some()
        tasks = [n for n in after if n not in self.given]
        if self.rng.random() < 0.4:
            self.flow.approve(name, self.prompt(), after=tasks)
            self.values[name] = "bool"
        elif self.rng.random() < 0.5:
            self.flow.wait_for(name, output=int, after=tasks)
            self.values[name] = "int"
        else:
            self.flow.sleep(name, self.rng.uniform(0, 100), after=tasks)
        return name

    def chosen(self) -> str:
        """A task under a condition: always the same one of a source, so that no two contradict each other."""
        name = self.name()
        if self.rng.random() < 0.5:
            self.flow.ask(name, self.prompt()).when(self.one("bool"))
        else:
            self.flow.ask(name, self.prompt()).when(self.one("kind"), "bug")
        self.values[name] = "str"
        return name

    def finish(self) -> None:
        """Perhaps say what it gives: something that takes every answer that nobody else takes."""
        if self.rng.random() < 0.5:
            return
        graph = self.flow.graph()
        loose = [n.name for n, f in zip(graph.nodes, graph.followers, strict=True) if not f]
        self.flow.add("everything", anything, uses={"value": loose})
        self.flow.gives("everything")


def healthy(rng: Random, spoil: Callable[[Growing], None] | None = None) -> Growing:
    """A workflow of 3 to 25 tasks; ``spoil`` is called at a random moment while it grows."""
    grown = Growing(rng, Workflow("random"))
    size = rng.randint(3, 25)
    moment = rng.randrange(size)
    for step in range(size):
        if step == moment and spoil is not None:
            spoil(grown)
        grown.grow()
    grown.finish()
    return grown


# --- how they can be spoilt --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """One way to be defective."""

    name: str
    codes: frozenset[str]
    """Exactly what has to be found."""
    spoil: Callable[[Growing], None]


DEFECTS: list[Defect] = []


def defect(*codes: str) -> Callable[[Callable[[Growing], None]], Callable[[Growing], None]]:
    """One more row of :data:`DEFECTS`."""

    def added(spoil: Callable[[Growing], None]) -> Callable[[Growing], None]:
        DEFECTS.append(Defect(spoil.__name__, frozenset(codes), spoil))
        return spoil

    return added


@defect("cycle")
def circle(grown: Growing) -> None:
    names = [grown.name() for _ in range(grown.rng.randint(1, 5))]
    before = grown.some()
    for at, name in enumerate(names):
        other = names[at - 1]
        if grown.rng.random() < 0.5:
            grown.flow.ask(name, f"{{{other}}} " + " ".join(f"{{{n}}}" for n in before))
        else:
            grown.flow.add(name, anything, uses={"value": other})


@defect("cycle")
def circle_of_order(grown: Growing) -> None:
    first, second = grown.name(), grown.name()
    grown.flow.ask(first, grown.prompt(), after=[second])
    grown.flow.ask(second, "{" + first + "}")


@defect("cycle", "unreachable")
def behind_a_circle(grown: Growing) -> None:
    circle(grown)
    inside = grown.flow.graph().nodes[-1].name
    name = grown.name()
    grown.flow.ask(name, f"After {{{inside}}}")


@defect("unknown-task")
def waits_for_nobody(grown: Growing) -> None:
    grown.flow.ask(grown.name(), grown.prompt(), after=["nobody_" + str(grown.rng.random())[2:8]])


@defect("duplicate")
def same_name(grown: Growing) -> None:
    name = grown.ask()
    grown.flow.ask(name, "Again")


@defect("name")
def bad_name(grown: Growing) -> None:
    grown.flow.ask(grown.rng.choice(("1st", "a b", "a/b", "", "x.y")), grown.prompt())


@defect("template")
def broken_prompt(grown: Growing) -> None:
    grown.flow.ask(grown.name(), grown.rng.choice(("{a", "a}", "{}", "{a.b!x}", "{a._b}")))


@defect("missing-input")
def needs_what_nobody_gives(grown: Growing) -> None:
    grown.flow.add(grown.name(), anything, uses={"value": "zzz" + grown.name()})


@defect("prompt-variable")
def misspelt_in_a_prompt(grown: Growing) -> None:
    name = "customer_letter"
    grown.flow.ask(name, grown.prompt())
    at = grown.rng.randrange(1, len(name) - 2)
    wrong = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    if wrong == name:  # two of the same letter
        wrong = name.replace("letter", "lettre")
    grown.flow.ask(grown.name(), f"About {{{wrong}}}")


@defect("prompt-field")
def field_that_is_not_there(grown: Growing) -> None:
    name = grown.name()
    grown.flow.ask(name, "Who?", output=grown.rng.choice((Person, str)))
    grown.flow.ask(grown.name(), f"{{{name}.address}}")


@defect("unknown-input")
def surplus_input(grown: Growing) -> None:
    grown.given.add("surplus_" + grown.name())


@defect("when-source")
def condition_on_nothing(grown: Growing) -> None:
    grown.flow.ask(grown.name(), grown.prompt()).when("nothing" + grown.name(), grown.rng.choice((True, "x")))


@defect("parameter")
def no_such_parameter(grown: Growing) -> None:
    value = grown.one("str")
    grown.flow.add(grown.name(), shorten, uses={"text": value, "length": value})


@defect("parameter")
def no_such_input_inside(grown: Growing) -> None:
    inner = Workflow("inner")
    inner.ask("first", "About {topic}")
    value = grown.one("str")
    grown.flow.sub(grown.name(), inner, uses={"topic": value, "tone": value})


@defect("map")
def mapped_over_what_it_does_not_take(grown: Growing) -> None:
    grown.flow.ask(grown.name(), "On {piece}").map(piece=grown.one("list"), other=grown.one("list"))


@defect("policy")
def impossible_options(grown: Growing) -> None:
    options: Any = grown.rng.choice(({"retry": 0}, {"cache": -1}, {"on_error": "never"}))
    grown.flow.ask(grown.name(), grown.prompt(), **options)


@defect("not-provided")
def asks_for_what_nobody_hands_in(grown: Growing) -> None:
    grown.flow.add(grown.name(), needs_an_orchestrator)


def needs_an_orchestrator(ai: aiorch.Orchestrator) -> None: ...  # type: ignore[name-defined] # noqa: F821


@defect("type-mismatch")
def wrong_type(grown: Growing) -> None:
    asked, output = grown.name(), grown.rng.choice((str, list[int], Person, Literal["a"], dict[str, int]))
    grown.flow.ask(asked, grown.prompt(), output=output)
    function, parameter = grown.rng.choice(((count, "items"), (join, "items")))
    grown.flow.add(grown.name(), function, uses={parameter: asked})


@defect("type-mismatch")
def wrong_type_of_items(grown: Growing) -> None:
    asked = grown.name()
    grown.flow.ask(asked, "Numbers", output=list[int])
    grown.flow.add(grown.name(), shorten).map(text=asked)


@defect("type-mismatch")
def mapped_over_no_list(grown: Growing) -> None:
    asked = grown.name()
    grown.flow.ask(asked, "Say", output=grown.rng.choice((str, int, dict[str, str], bool)))
    grown.flow.ask(grown.name(), "On {piece}").map(piece=asked)


@defect("type-mismatch")
def wrong_type_in_a_list_of_several(grown: Growing) -> None:
    number, text = grown.name(), grown.name()
    grown.flow.ask(number, "A number", output=int)
    grown.flow.ask(text, "A text")
    grown.flow.add(grown.name(), join, uses={"items": [text, number]})


@defect("type-mismatch")
def wrong_type_into_a_workflow(grown: Growing) -> None:
    inner = Workflow("inner")
    inner.add("counted", count, uses={"items": "things"})
    asked = grown.name()
    grown.flow.ask(asked, "Say", output=int)
    grown.flow.sub(grown.name(), inner, uses={"things": asked})


@defect("type-mismatch")
def wrong_type_of_a_mapped_result(grown: Growing) -> None:
    mapped = grown.mapped()
    grown.flow.add(grown.name(), shorten, uses={"text": mapped})


@defect("fallback-type")
def wrong_fallback(grown: Growing) -> None:
    if grown.rng.random() < 0.5:
        grown.flow.ask(grown.name(), grown.prompt(), output=int, fallback="none")
    else:
        name = grown.name()
        grown.flow.add(name, anything, uses={"value": grown.one("str")}, fallback=None)
        grown.flow.add(grown.name(), shorten, uses={"text": name})


@defect("unreachable")
def contradicts_itself(grown: Growing) -> None:
    name = grown.name()
    step = grown.flow.ask(name, "Say so")
    asked = grown.name()
    grown.flow.ask(asked, "Is it?", output=bool)
    kind = grown.name()
    grown.flow.ask(kind, "Which?", output=Kind)
    variant = grown.rng.randrange(4)
    if variant == 0:
        step.when(asked, True).when(asked, False)
    elif variant == 1:
        step.when(kind, "bug").when(kind, "letter")
    elif variant == 2:
        step.when(kind, "none of them")
    else:
        step.when(asked, "yes")


@defect("unreachable")
def inherits_a_contradiction(grown: Growing) -> None:
    kind, left, right, below = (grown.name() for _ in range(4))
    grown.flow.ask(kind, "Which?", output=Kind)
    grown.flow.ask(left, "Bug").when(kind, "bug")
    grown.flow.ask(right, "Letter").when(kind, "letter")
    grown.flow.ask(below, f"More on {{{left}}}")
    grown.flow.ask(grown.name(), f"{{{below}}} {{{right}}}")


@defect("unused")
def answer_for_nothing(grown: Growing) -> None:
    inner = Workflow("inner")
    inner.ask("first", "About {topic}")
    inner.ask("second", "About {topic}")
    grown.flow.sub(grown.name(), inner.gives("first"), uses={"topic": grown.one("str")})


@defect("loop")
def loop_that_ends_on_nothing(grown: Growing) -> None:
    inner = Workflow("polish")
    inner.ask("better", "Improve {draft}")
    options: Any = grown.rng.choice(
        (
            {"most": 3, "until": "perfect", "carry": {"draft": "better"}},
            {"most": 3, "carry": {"daft": "better"}},
            {"most": 3, "carry": {"draft": "best"}},
            {"most": 0, "carry": {"draft": "better"}},
        )
    )
    grown.flow.loop(grown.name(), inner, uses={"draft": grown.one("str")}, **options)


@defect("cycle")
def circle_inside(grown: Growing) -> None:
    inner = Workflow("inner")
    inner.ask("first", "{second}")
    inner.ask("second", "{first}")
    grown.flow.sub(grown.name(), inner)


@defect("type-mismatch")
def wrong_type_deep_inside(grown: Growing) -> None:
    deepest = Workflow("deepest")
    deepest.ask("number", "A number", output=int)
    deepest.add("short", shorten, uses={"text": "number"})
    middle = Workflow("middle")
    middle.sub("down", deepest)
    grown.flow.sub(grown.name(), middle)


@defect("blocking")
def blocks_the_loop(grown: Growing) -> None:
    if grown.rng.random() < 0.5:
        grown.flow.add(grown.name(), asleep, uses={"text": grown.one("str")})
    else:
        function = grown.rng.choice((calling, reading))
        grown.flow.add(grown.name(), function, uses={"text": grown.one("str")}, thread=False)


async def asleep(text: str) -> str:
    time.sleep(1)
    return text


def calling(text: str) -> str:
    return subprocess.run(["ls", text], capture_output=True, text=True, check=True).stdout


def reading(text: str) -> str:
    with open(text) as file:  # noqa: PTH123
        return file.read()


@defect("unbounded")
def no_bound(grown: Growing) -> None:
    if grown.rng.random() < 0.5:
        grown.flow.ask(grown.name(), "On {piece}").map(piece=grown.one("list"), most=None)
    else:
        inner = Workflow("inner")
        inner.ask("each", "On {piece}").map(piece="pieces")
        source = grown.name()
        grown.flow.ask(source, "Lists", output=list[list[str]])
        grown.flow.sub(grown.name(), inner, uses={"pieces": "pieces"}).map(pieces=source)


@defect("retry")
def waits_longer_than_it_may(grown: Growing) -> None:
    if grown.rng.random() < 0.5:
        retry = Retry(attempts=6, delay=grown.rng.uniform(20, 60))
        grown.flow.ask(grown.name(), grown.prompt(), timeout=30.0, retry=retry)
    else:
        grown.flow.add(grown.name(), shorten, uses={"text": grown.one("str")}, retry=3, idempotent=False)


@defect("too-short")
def sleeps_longer_than_it_may(grown: Growing) -> None:
    inner = Workflow("inner")
    inner.sleep("nap", 60)
    inner.ask("after", "Say", after=["nap"])
    grown.flow.sub(grown.name(), inner, timeout=grown.rng.uniform(1, 59))


@defect("tag-limit")
def never_let_in(grown: Growing) -> None:
    tag = grown.name()
    grown.flow.ask(grown.name(), grown.prompt(), tags=["other", tag])
    grown.arguments["limits"] = {tag: 0, "other": 1}


@defect("not-storable")
def cannot_be_kept(grown: Growing) -> None:
    function = grown.rng.choice((locked, generated, made))
    grown.flow.add(grown.name(), function, uses={"text": grown.one("str")})
    grown.arguments["durable"] = True


def locked(text: str) -> threading.Event:
    return threading.Event()


def generated(text: str) -> Iterator[str]:
    return iter(text)


def made(text: str) -> Callable[[], str]:
    return lambda: text
