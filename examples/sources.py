"""A question answered from texts, with the places that say so.

    python examples/sources.py "When does the library's corner for children open again?"

The passages that have most to do with the question are found without a model, by their words. A model answers from
them and has to name them; an answer that names none, or one that is not there, is sent back once. What comes out says
whether its citations hold, and shows what was found in any case.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiorch

TEXTS = Path(__file__).parent / "texts"
"""What is searched when nothing else is named."""

PASSAGES = 3
"""That a model gets to read: a small one loses itself in more."""

CALM = aiorch.Parameters(temperature=0, max_tokens=160)


@dataclass(frozen=True)
class Passage:
    """A paragraph of a text."""

    file: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What a model said, held against what it was given to read."""

    text: str
    cited: list[Passage]
    """The passages that it names, and that there are."""
    wrong: list[int] = field(default_factory=list[int])
    """Numbers that it names, and that nobody has."""

    @property
    def holds(self) -> bool:
        """True where it names something, and nothing that is not there."""
        return bool(self.cited) and not self.wrong


def words(text: str) -> list[str]:
    """What a text is compared by: its words, without their endings."""
    return [word[:6] for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2]


# One try: a model answers, and what it names is looked up. It is carried out again while nothing holds.
attempt = aiorch.Workflow("attempt")
attempt.ask(
    "said",
    "{listed}\n\n---\nAnswer the question from the passages above, in one or two sentences. Behind what you say write "
    "the number of the passage that says it, like [1]. {hint}\nQuestion: {question}\nAnswer:",
    agent="analysis_agent",
    parameters=CALM,
)


@attempt.task
def answer(said: str, found: list[Passage]) -> Answer:
    """With its citations looked up."""
    numbers = list(dict.fromkeys(int(n) for n in re.findall(r"\[(\d+)\]", said)))
    there = [n for n in numbers if 1 <= n <= len(found)]
    return Answer(
        " ".join(said.split()), [found[n - 1] for n in there], [n for n in numbers if n not in there]
    )


@attempt.task
def holds(answer: Answer) -> bool:
    """Whether that will do."""
    return answer.holds


@attempt.task
def again(answer: Answer) -> str:
    """What to say in the next round."""
    return "Name only passages that are listed." if answer.wrong else "An answer without a number is no use."


attempt.gives("answer")


flow = aiorch.Workflow("sources")


@flow.task
def passages(texts: Path = TEXTS) -> list[Passage]:
    """Every paragraph of every text."""
    found = [
        Passage(path.name, " ".join(block.split()))
        for path in sorted(Path(texts).glob("*.txt"))
        for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
        if len(block.split()) > 3
    ]
    if not found:
        raise aiorch.InputError(f"{texts} holds no .txt files with paragraphs in them")
    return found


@flow.task
def found(question: str, passages: list[Passage]) -> list[Passage]:
    """Those that share most with the question, words that few have counting more (Okapi BM25)."""
    bags = [Counter(words(f"{passage.file} {passage.text}")) for passage in passages]
    mean = sum(map(Counter.total, bags)) / len(bags)
    having = Counter(word for bag in bags for word in bag)

    def score(bag: Counter[str]) -> float:
        length = 0.25 + 0.75 * bag.total() / mean
        return sum(
            math.log(1 + (len(bags) - having[word] + 0.5) / (having[word] + 0.5))
            * bag[word]
            * 2.2
            / (bag[word] + 1.2 * length)
            for word in set(words(question))
        )

    scores = [score(bag) for bag in bags]
    best = sorted(range(len(bags)), key=lambda i: -scores[i])[:PASSAGES]
    return [passages[i] for i in best if scores[i] > 0]


@flow.task
def listed(found: list[Passage]) -> str:
    """With the numbers by which an answer names them."""
    if not found:
        raise aiorch.InputError("no text shares a word with this question: ask in the words of the texts")
    return "\n".join(f"[{n}] ({passage.file}) {passage.text}" for n, passage in enumerate(found, 1))


@flow.task
def hint() -> str:
    """Nothing, in the first round."""
    return ""


flow.loop("answered", attempt, most=2, until="holds", carry={"hint": "again"})


@flow.task
def page(question: str, answered: Answer, found: list[Passage]) -> str:
    """What is shown."""
    marks = [
        f"  {'>' if passage in answered.cited else ' '} {passage.file}: {passage.text}" for passage in found
    ]
    held = "" if answered.holds else "\n(not held up by any passage: do not believe it)"
    return "\n".join([question, "", answered.text + held, "", *marks])


async def main(question: str) -> None:
    async with aiorch.Orchestrator() as ai:
        run = await ai.execute(flow, question=question)
        print(run.results["page"])
        if any(isinstance(outcome, aiorch.Outcome) and outcome.demo for outcome in run.outcomes.values()):
            print("\n(demo model: often wrong)")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "How long is the children's corner closed?"))
