"""A change is reviewed, and a person decides whether the review goes out.

    python examples/review.py my.diff            # asks you on the terminal
    python examples/review.py my.diff --yes

Rules and a model look at every file at the same time. The run is kept in `review.db`: stopped while it waits for you,
or by a power cut, it goes on where it was when it is started again, and no model is asked twice. The review is
posted once at the most.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import aiorch
from aiorch.protocols import ApprovalRequest, Approver

SAMPLE = Path(__file__).parent / "change.diff"
"""What is reviewed when nothing else is named."""

ENGINE = "sqlite:///review.db"
CALM = aiorch.Parameters(temperature=0, max_tokens=120)

RULES = {
    r"^\s*except\s*:": "catches everything, Ctrl-C too: name the exceptions",
    r"^\s*print\(": "prints: a log can be switched off",
    r"\bTODO\b": "leaves something to do: say who does it, and when",
    r"\beval\(": "runs text as code",
    r"(?i)(password|api_key|secret)\s*=\s*[\"']": "holds a secret: read it from the environment",
}
"""What a line that was added must not look like, and what to say of it."""


@dataclass(frozen=True)
class Change:
    """What happens to one file."""

    path: str
    text: str
    """Its part of the diff."""
    added: list[tuple[int, str]]
    """The lines that are new, with their numbers."""


flow = aiorch.Workflow("review")


@flow.task
def changes(diff: Path = SAMPLE) -> list[Change]:
    """A diff by files."""
    parts = re.split(r"(?m)^(?=diff --git )", Path(diff).read_text(encoding="utf-8"))
    found = [change(part) for part in parts if part.startswith("diff --git ")]
    if not found:
        raise aiorch.InputError(f"{diff} holds no change: write one with `git diff > my.diff`")
    return found


def change(part: str) -> Change:
    """One file's part of a diff."""
    added, number = list[tuple[int, str]](), 0
    for line in part.splitlines():
        if hunk := re.match(r"@@ -\S+ \+(\d+)", line):
            number = int(hunk[1])
        elif number and line.startswith("+"):
            added.append((number, line[1:]))
            number += 1
        elif number and not line.startswith("-"):
            number += 1
    path = re.search(r"(?m)^\+\+\+ b/(.+)$", part)
    return Change(path[1] if path else "?", part, added)


def noticed(change: Change) -> list[str]:
    """What rules say of one file."""
    return [
        f"line {number} {said}"
        for number, line in change.added
        for rule, said in RULES.items()
        if re.search(rule, line)
    ]


flow.add("rules", noticed).map(change="changes", label="{change.path}")

flow.ask(
    "opinion",
    "{change.text}\n\n---\nIn one sentence, what could go wrong with the change above?",
    agent="coding_agent",
    parameters=CALM,
).map(change="changes", label="{change.path}", on_error="collect")


@flow.task
def report(
    changes: list[Change], rules: list[list[str]], opinion: list[str | Exception], run: aiorch.Run
) -> str:
    """The review as Markdown."""
    outcomes, blocks = run.outcomes["opinion"], ["# Review"]
    for number, (one, broken) in enumerate(zip(changes, rules, strict=True)):
        outcome = outcomes[number] if isinstance(outcomes, list) else None
        blocks += [f"## {one.path}", "\n".join(f"- {line}" for line in broken) or "No rule is broken."]
        blocks += [_said(opinion[number], outcome)]
    return "\n\n".join(blocks) + "\n"


def _said(opinion: str | Exception, outcome: aiorch.Outcome[str] | None) -> str:
    """What a model said, and whether it should be believed."""
    if outcome is None or isinstance(opinion, Exception):
        return f"(no model answered: {str(opinion).partition(chr(10))[0]})"
    return f"{' '.join(opinion.split())} ({outcome.model}{', a demo model: often wrong' * outcome.demo})"


flow.approve("ok", "{report}\nPost this review?")


@flow.task(after=["ok"], idempotent=False)
def post(report: str, out: Path = Path("review.md")) -> Path:
    """Where it goes. Never twice: after a crash in the middle of it a person is asked whether it happened."""
    with Path(out).open("a", encoding="utf-8") as file:
        file.write(report)
    return Path(out)


class Terminal:
    """Asks whoever sits there."""

    async def approve(self, request: ApprovalRequest) -> bool:
        return (await asyncio.to_thread(input, f"{request.summary} [y/N] ")).strip().lower() == "y"


class Yes:
    """Nobody sits there."""

    async def approve(self, request: ApprovalRequest) -> bool:
        return True


async def main(diff: Path, run_id: str, approver: Approver) -> None:
    async with aiorch.Orchestrator(approver=approver) as ai:
        run = await ai.execute(flow, diff=diff, engine=ENGINE, run_id=run_id)
        print(f"posted to {run.results['post']}" if "post" in run.results else "not posted")


if __name__ == "__main__":
    diff = next((Path(word).absolute() for word in sys.argv[1:] if word != "--yes"), SAMPLE)
    run_id = "review-" + hashlib.sha256(diff.read_bytes()).hexdigest()[:12]
    asyncio.run(main(diff, run_id, Yes() if "--yes" in sys.argv else Terminal()))
