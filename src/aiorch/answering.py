"""The line's middle: an answer from the cache, or from the first deployment that gives a good one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from decimal import Decimal

import anyio

from aiorch.errors import DeadlineExceeded, ExecutionError
from aiorch.events import Blocked, CacheHit, Restarted
from aiorch.protocols import Journal, StreamValidator
from aiorch.routing import Answer, Known, Terms, deterministic, estimate_tokens, key_of
from aiorch.types import Attempt, Delta, FailureKind, Request, TextDelta, ToolChoice, Usage
from aiorch.work import Line, Said, Work

StreamEvent = Delta | Restarted | Blocked
"""What a stream shows: pieces of text, reasoning and tool calls; and what happened to what was shown."""


async def execute(line: Line, work: Work, journal: Journal) -> tuple[Said, Work]:
    """The answer: from the cache, or from the first deployment that gives a good one."""
    request = asked_now(work)
    key = cache_key(line, work, request)
    known = await line.cache.get(key) if line.cache and key else None
    if known is not None:
        said = remembered(work, known)
        if said is not None:
            line.bus.emit(CacheHit(at=line.clock.now(), task_id=work.task.id, model=known.model))
            return said, settle(work, said)
    try:
        answer = await journal.once(
            f"{work.task.id}/round/{work.rounds + 1}",
            lambda: line.executor.complete(request, work.candidates, terms(line, work)),
            returns=Answer,
        )
    except ExecutionError as failed:
        learn(line, getattr(failed, "attempts", ()))
        raise told_all(failed, work) from failed.__cause__
    learn(line, answer.attempts)
    said = Said(answer, key=key)
    return said, settle(work, said)


async def execute_stream(line: Line, work: Work) -> AsyncGenerator[StreamEvent | Said, None]:
    """The same in pieces; the whole answer comes last, unless a stream validator blocks it."""
    request = asked_now(work)
    key = cache_key(line, work, request)
    known = await line.cache.get(key) if line.cache and key else None
    said = remembered(work, known) if known else None
    if known is not None and said is not None:
        line.bus.emit(CacheHit(at=line.clock.now(), task_id=work.task.id, model=known.model))
        yield TextDelta(known.response.message.text)
        yield said
        return
    watchers = [validator() for validator in line.stream_validators]
    try:
        async with aclosing(line.executor.stream(request, work.candidates, terms(line, work))) as pieces:
            async for piece in pieces:
                shown: Sequence[StreamEvent | Said]
                if isinstance(piece, Answer):
                    learn(line, piece.attempts)
                    shown = (*released("", watchers, closing=True), Said(piece, key=key))
                elif isinstance(piece, TextDelta) and watchers:
                    shown = released(piece.text, watchers)
                else:
                    shown = (piece,)
                for event in shown:
                    yield event
                    if isinstance(event, Blocked):
                        return
    except ExecutionError as failed:
        learn(line, getattr(failed, "attempts", ()))
        raise told_all(failed, work) from failed.__cause__


def released(
    text: str, watchers: Sequence[StreamValidator], *, closing: bool = False
) -> list[TextDelta | Blocked]:
    """What may be shown of one more piece after every stream validator saw it."""
    for watcher in watchers:
        verdicts = [watcher.feed(text)] if text else []
        if closing:
            verdicts.append(watcher.close())
        for verdict in verdicts:
            if verdict.blocked:
                return [Blocked(verdict.issues)]
        text = "".join(verdict.release for verdict in verdicts)
    return [TextDelta(text)] if text else []


def asked_now(work: Work) -> Request:
    """The request of this round."""
    task = work.task
    choice = task.tool_choice
    if work.rounds and choice.mode in ("required", "tool"):
        choice = ToolChoice()  # it was obeyed in the first round; insisting again would never end
    return Request(work.conversation, task.parameters, task.schema, task.tools, choice, metadata=task.tags)


def terms(line: Line, work: Work) -> Terms:
    """Deadline, attempts and budget of this round."""
    task = work.task
    return Terms(
        task.id,
        deadline=work.deadline,
        timeout=line.timeout if task.timeout is None else task.timeout,
        attempts=max(0, line.attempts - work.spent.attempts),
        prompt_tokens=estimate_tokens(replace(task, messages=work.conversation)),
        free=work.free,
        budget=task.budget,
        spent=work.spent,
    )


def cache_key(line: Line, work: Work, request: Request) -> str | None:
    """Where the cache keeps this round's answer; ``None`` where it may not keep it."""
    if line.cache is None or not deterministic(request):
        return None
    return key_of(request, model=work.candidates[0].card.id, tenant=work.task.tenant)


def remembered(work: Work, known: Known) -> Said | None:
    """A kept answer as an answer of now: it cost nothing. ``None`` when who gave it may no longer be asked."""
    giver = next((c for c in work.candidates if c.card.id == known.model), None)
    if giver is None:
        return None
    return Said(Answer(known.response, giver, (), Usage(), Decimal(0)), cached=True)


@contextmanager
def in_time(line: Line, work: Work) -> Generator[None]:
    """Keep a step within the task's time. :raises DeadlineExceeded: when that is up."""
    with anyio.move_on_after(max(0.0, work.deadline - line.clock.monotonic())) as scope:
        yield
    if scope.cancelled_caught:
        raise DeadlineExceeded(terms(line, work).timeout, work.attempts)


def learn(line: Line, attempts: Sequence[Attempt]) -> None:
    """Tell the catalogue which models turned out to be gone."""
    for attempt in attempts:
        if attempt.failure is not None and attempt.failure.kind is FailureKind.MODEL_GONE:
            line.catalogue.retire(attempt.deployment, attempt.failure)


def settle(work: Work, said: Said) -> Work:
    """The work after one more answer: what it took is added up."""
    answer = said.answer
    return replace(
        work,
        attempts=(*work.attempts, *answer.attempts),
        spent=work.spent.plus(answer.usage, answer.cost, len(answer.attempts)),
        rounds=work.rounds + 1,
    )


def told_all(failed: ExecutionError, work: Work) -> ExecutionError:
    """The error with the attempts of earlier rounds in front."""
    if work.attempts and hasattr(failed, "attempts"):
        failed.attempts = (*work.attempts, *failed.attempts)  # type: ignore[attr-defined]
    return failed
