"""``aiorch ask``: one question; the answer is shown while it is written."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from aiorch.cli import stopping
from aiorch.cli.voice import DEMO, Voice, flags, voice

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from aiorch.settings import Settings
    from aiorch.types import Outcome, Task


def _agents(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from aiorch.routing import AGENT_PROFILES

    return [CompletionItem(name) for name in AGENT_PROFILES if name.startswith(incomplete)]


@click.command(short_help="Ask one question; the answer comes while it is written.")
@click.argument("words", nargs=-1)
@click.option("--agent", help="The profile that says which models are asked.", shell_complete=_agents)
@click.option("--system", help="The instruction that the model is given before the question.")
@click.option(
    "--model", help="Ask exactly this model: provider/model, or a model's id (see `aiorch models`)."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For everything, waits included.",
)
@click.option(
    "--max-usd",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="The most that the answer may cost. More than 0 allows paid models.",
)
@click.option("--no-stream", is_flag=True, help="Show the answer when it is whole.")
@click.option("--offline", is_flag=True, help="Only models that run on this machine.")
@flags
def command(
    words: tuple[str, ...],
    agent: str | None,
    system: str | None,
    model: str | None,
    timeout: float | None,
    max_usd: float | None,
    no_stream: bool,
    offline: bool,
) -> None:
    """Ask a question. The answer goes to standard output, who gave it and what it took to standard error.

    The word `-` stands for what is piped in; so does saying nothing.

    \b
    aiorch ask "Explain back-pressure in two sentences"
    git diff | aiorch ask "Write a commit message for:" -

    With --json there is a line for each piece ({"type": "text", ...}) and a last one with the outcome.
    """
    speak = voice()
    prompt = question(words)
    from aiorch.types import Budget, Message, Task

    budget = None if max_usd is None else Budget(usd=Decimal(str(max_usd)))
    told: dict[str, Any] = {"allow_paid": True} if max_usd else {}
    settings = speak.settings(**told, **({"offline": True} if offline else {}))
    head = (Message.system(system),) if system else ()
    task = Task(
        (*head, Message.user(prompt)), agent=agent or "general", model=model, timeout=timeout, budget=budget
    )
    answer = _Answer(speak)
    outcome = stopping.run(lambda: answer.whole(settings, task, stream=not no_stream), answer.interrupted)
    answer.done(outcome)


def question(words: tuple[str, ...]) -> str:
    """The prompt: the words, with what is piped in at the place of ``-``.

    :raises click.UsageError: when there is nothing to ask.
    """
    if words and "-" not in words:
        return " ".join(words)
    if not words and sys.stdin.isatty():
        raise click.UsageError(
            'nothing to ask: aiorch ask "Explain back-pressure"', click.get_current_context()
        )
    try:
        piped = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError("what is piped in is not UTF-8 text", click.get_current_context()) from None
    prompt = "\n\n".join(piped if word == "-" else word for word in words) if words else piped
    if not prompt.strip():
        raise click.UsageError("nothing to ask: what is piped in is empty", click.get_current_context())
    return prompt


class _Answer:
    """An answer on its way to whoever asked."""

    def __init__(self, speak: Voice) -> None:
        self._speak = speak
        self._shown = 0
        self._at_margin = True

    async def whole(self, settings: Settings, task: Task, *, stream: bool) -> Outcome[str]:
        """Ask, and show what comes."""
        from aiorch.orchestrator import Orchestrator

        async with Orchestrator(settings) as ai:
            if not stream:
                outcome = await ai.run(task)
                if not self._speak.json:
                    self._show(outcome.text)
                return outcome
            async with ai.stream(task) as pieces:
                async for piece in pieces:
                    self._piece(piece)
                return await pieces.outcome()

    def interrupted(self) -> None:
        """What to say when Ctrl-C ended it."""
        self._break()
        self._speak.failed(f"interrupted after {self._shown} characters", kind="Interrupted")

    def done(self, outcome: Outcome[str]) -> None:
        """Who answered, and what it took."""
        self._break()
        if self._speak.json:
            self._speak.document({"type": "outcome", **_record(outcome)})
        from aiorch.views import outcome_line

        self._speak.tell(outcome_line(outcome) + (f"\nnote: {DEMO}" if outcome.demo else ""))

    def _piece(self, piece: Any) -> None:
        from aiorch.events import Blocked, Restarted
        from aiorch.types import ReasoningDelta, TextDelta

        match piece:
            case TextDelta(text=text):
                self._show(text)
            case ReasoningDelta(text=text) if self._speak.json:
                self._speak.document({"type": "reasoning", "text": text})
            case Restarted(reason=reason):
                self._break()
                if self._speak.json:
                    self._speak.document({"type": "restarted", "reason": self._speak.redacted(reason)})
                self._speak.tell(f"the text above is void, the answer begins again: {reason}")
                self._shown = 0
            case Blocked(issues=issues):
                self._break()
                if self._speak.json:
                    self._speak.document({"type": "blocked", "issues": [i.code for i in issues]})
                self._speak.tell("stopped by the guard: " + "; ".join(i.message for i in issues))
            case _:
                pass

    def _show(self, text: str) -> None:
        self._shown += len(text)
        if self._speak.json:
            self._speak.document({"type": "text", "text": text})
            return
        self._speak.piece(text)
        if text:
            self._at_margin = text.endswith("\n")

    def _break(self) -> None:
        if not self._at_margin:
            self._speak.piece("\n")
            self._at_margin = True


def _record(outcome: Outcome[str]) -> dict[str, Any]:
    """An outcome for programs, without the conversation: they know what they asked."""
    from aiorch.types import to_plain

    usage, found = outcome.usage, outcome.assessment
    return {
        "text": outcome.text,
        "model": outcome.model,
        "finish": outcome.finish,
        "seconds": outcome.seconds,
        "usage": to_plain(usage),
        "usd": str(outcome.cost),
        "attempts": [
            {
                "model": a.deployment.id,
                "seconds": a.seconds,
                "failure": None if a.failure is None else a.failure.kind.value,
            }
            for a in outcome.attempts
        ],
        "accepted": outcome.accepted,
        "checks": {
            "passed": [c.name for c in found.passed],
            "failed": [c.name for c in found.failed],
            "not_assessed": [c.name for c in found.not_assessed],
        },
        "cached": outcome.cached,
        "demo": outcome.demo,
        "degraded": outcome.degraded,
    }
