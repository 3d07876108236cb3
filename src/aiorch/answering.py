"""The line's middle: an answer from the journal, from the cache, or from the first deployment that gives a good one."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

import anyio

from aiorch.committing import question_key, round_key
from aiorch.errors import DeadlineExceeded, ExecutionError, StorageError, StreamInterrupted
from aiorch.events import Blocked, CacheHit, Restarted
from aiorch.journal import committed, keeps
from aiorch.protocols import Journal, StreamValidator
from aiorch.routing import (
    Answer,
    Known,
    Resume,
    Terms,
    deterministic,
    estimate_tokens,
    key_of,
    least,
    together,
)
from aiorch.spawning import spawn
from aiorch.types import (
    Attempt,
    Budget,
    Delta,
    FailureKind,
    Issue,
    ModelCard,
    Ranking,
    ReasoningDelta,
    Request,
    Response,
    Task,
    TextDelta,
    ToolChoice,
    Usage,
)
from aiorch.work import Line, Said, Taken, Work

if TYPE_CHECKING:
    from aiorch.routing.semantic_cache import Asked

log = logging.getLogger("aiorch")

StreamEvent = Delta | Restarted | Blocked
"""What a stream shows: pieces of text, reasoning and tool calls; and what happened to what was shown."""


async def replayed(line: Line, work: Work, journal: Journal) -> Said | None:
    """The answer of this round that an earlier process committed, whoever may be asked by now."""
    taken = await committed(journal, round_key(work.task, work.rounds + 1), Taken)
    if taken is None:
        return None
    if not work.rounds:  # nobody is chosen any more, which is when it would be told
        route = work.route.why if work.route else ""
        line.report.started(work.task, Ranking((), complexity=taken.complexity), work.profile.name, route)
    return Said(taken, taken.answer, replayed=True)


async def answered(line: Line, work: Work, journal: Journal) -> Said:
    """The answer: from the cache, or from the first deployment that gives a good one."""
    place = round_key(work.task, work.rounds + 1)
    request = asked_now(work, question_key(journal, place))
    key = cache_key(line, work, request)
    like = comparable_now(line, work, request) if key else None
    known = await recalled(line, work, key, like)
    if known is not None:
        return await remembers(known, place, journal)
    await look_up(line, work)
    effect = partial(ask, line, work, request) if key is None else partial(ask_once, line, work, request, key)

    async def take() -> Taken:
        return taken_now(work, await effect())

    try:
        taken = await journal.once(place, take, returns=Taken, ledger=True)
    except ExecutionError as failed:
        learn(line, getattr(failed, "attempts", ()))
        raise told_all(failed, work) from failed.__cause__
    learn(line, taken.answer.attempts)
    await write_down(line)
    return Said(taken, taken.answer, key, like)


async def streamed(
    line: Line, work: Work, journal: Journal, resume: Resume | None = None
) -> AsyncGenerator[StreamEvent | Said, None]:
    """The same in pieces; the whole answer comes last, unless a stream validator blocks it.

    Equal streams that run at the same time are asked each for itself: whoever reads slowly would hold up the others.
    """
    place = round_key(work.task, work.rounds + 1)
    request = asked_now(work, question_key(journal, place))
    key = cache_key(line, work, request)
    like = comparable_now(line, work, request) if key else None
    known = await recalled(line, work, key, like)
    if known is not None:
        for event in shown_whole(line, work, await remembers(known, place, journal)):
            yield event
        return
    await look_up(line, work)
    view = View(line, work)
    source = taking(
        work, line.executor.stream(request, work.candidates, terms(line, work), resume or line.resume)
    )
    if keeps(journal):
        source = committing(journal, place, source)
    try:
        async with aclosing(source) as pieces:
            async for piece in pieces:
                shown: Sequence[StreamEvent | Said]
                if isinstance(piece, Taken):
                    learn(line, piece.answer.attempts)
                    await write_down(line)
                    shown = (*view.rest(), Said(piece, piece.answer, key, like))
                elif isinstance(piece, Restarted):  # what validators held back or counted is void
                    view = View(line, work)
                    shown = (piece,)
                else:
                    shown = view.of(piece)
                for event in shown:
                    yield event
                    if isinstance(event, Blocked):
                        return
    except StreamInterrupted as broken:
        learn(line, broken.attempts)
        for event in view.rest():  # what was held back is all that will come
            yield event
        told = StreamInterrupted(view.shown, broken.failure, broken.usage, broken.attempts)
        raise told_all(told, work) from broken.__cause__
    except ExecutionError as failed:
        learn(line, getattr(failed, "attempts", ()))
        raise told_all(failed, work) from failed.__cause__


def shown_whole(line: Line, work: Work, said: Said) -> Sequence[StreamEvent | Said]:
    """An answer that is there already as a stream of one piece; nothing comes after a block."""
    view = View(line, work)
    events = view.of(TextDelta(said.answer.response.message.text))
    if not _blocks(events):
        events = (*events, *view.rest())
    return events if _blocks(events) else (*events, said)


async def taking(
    work: Work, pieces: AsyncGenerator[Delta | Restarted | Answer, None]
) -> AsyncGenerator[Delta | Restarted | Taken, None]:
    """A stream whose answer is what a run commits of it."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield taken_now(work, piece) if isinstance(piece, Answer) else piece


async def committing(
    journal: Journal, place: str, source: AsyncGenerator[Delta | Restarted | Taken, None]
) -> AsyncGenerator[Delta | Restarted | Taken, None]:
    """A stream as one effect of a durable run: its answer is committed when it is complete, and comes after that.

    The effect runs beside whoever listens, one piece ahead at the most; who stops listening ends it.
    """
    send, receive = anyio.create_memory_object_stream[Delta | Restarted](0)

    async def take() -> Taken:
        async with aclosing(source):
            async for piece in source:
                if isinstance(piece, Taken):
                    return piece
                await send.send(piece)
        raise RuntimeError("a stream ended without an answer")  # the executor raises or answers

    async def effect() -> Taken:
        async with send:
            return await journal.once(place, take, returns=Taken, ledger=True)

    under_way = spawn(effect)
    try:
        async with receive:
            async for piece in receive:
                yield piece
        yield await under_way.result()
    finally:
        under_way.cancel()


class View:
    """What is shown of an answer while it is written: what the guard and the caller's validators let through.

    Thinking is looked at by the guard alone, and is complete where text follows it. After a block nothing is shown.
    """

    def __init__(self, line: Line, work: Work) -> None:
        self._watch = partial(line.guard.watchers, work.task)
        self._text = [*self._watch(), *(validator() for validator in line.stream_validators)]
        self._thought: list[StreamValidator] | None = None
        self._seen: list[str] = []

    @property
    def shown(self) -> str:
        """All the text that was shown."""
        return "".join(self._seen)

    def of(self, piece: Delta) -> Sequence[StreamEvent]:
        """What may be shown now that this piece came."""
        if isinstance(piece, ReasoningDelta):
            if self._thought is None:
                self._thought = list(self._watch())
            return _deltas(released(piece.text, self._thought), ReasoningDelta) if self._thought else (piece,)
        if isinstance(piece, TextDelta):
            if not self._text and self._thought is None:
                self._seen.append(piece.text)
                return (piece,)
            thought = self._end_of_thought()
            return thought if _blocks(thought) else (*thought, *self._noted(released(piece.text, self._text)))
        return (piece,)

    def rest(self) -> Sequence[StreamEvent]:
        """What was held back, now that all of it came."""
        thought = self._end_of_thought()
        return (
            thought if _blocks(thought) else (*thought, *self._noted(released("", self._text, closing=True)))
        )

    def _end_of_thought(self) -> Sequence[StreamEvent]:
        thought, self._thought = self._thought, None
        return _deltas(released("", thought, closing=True), ReasoningDelta) if thought else ()

    def _noted(self, said: str | Blocked) -> Sequence[StreamEvent]:
        if isinstance(said, str):
            self._seen.append(said)
        return _deltas(said, TextDelta)


def _deltas(said: str | Blocked, kind: type[TextDelta] | type[ReasoningDelta]) -> Sequence[StreamEvent]:
    if isinstance(said, Blocked):
        return (said,)
    return (kind(said),) if said else ()


def _blocks(events: Sequence[StreamEvent]) -> bool:
    return any(isinstance(event, Blocked) for event in events)


def released(text: str, watchers: Sequence[StreamValidator], *, closing: bool = False) -> str | Blocked:
    """What may be shown of one more piece after every stream validator saw it. One that raises blocks: who cannot look
    must not wave anything through.
    """
    for watcher in watchers:
        try:
            verdicts = [watcher.feed(text)] if text else []
            if closing:
                verdicts.append(watcher.close())
            for verdict in verdicts:
                if verdict.blocked:
                    return Blocked(verdict.issues)
            text = "".join(verdict.release for verdict in verdicts)
        except Exception as broken:
            name = type(watcher).__name__
            log.exception("the stream validator %s failed; the answer is stopped", name)
            why = f"the stream validator {name} failed ({type(broken).__name__}), so nothing passes it; see the log"
            return Blocked((Issue("validator_failed", why, detector=name),))
    return text


def asked_now(work: Work, once: str | None = None) -> Request:
    """The request of this round. :param once: what tells a provider that it was asked this before."""
    task = work.task
    choice = task.tool_choice
    if work.rounds and choice.mode in ("required", "tool"):
        choice = ToolChoice()  # it was obeyed in the first round; insisting again would never end
    return Request(work.conversation, task.parameters, task.schema, task.tools, choice, task.tags, once)


def terms(line: Line, work: Work) -> Terms:
    """Deadline, attempts and budget of this round."""
    task = work.task
    names = on_behalf_of(task)
    day = line.days.purse(names) if line.days is not None else None
    prompt = estimate_tokens(
        task if work.conversation is task.messages else replace(task, messages=work.conversation)
    )
    budget = task.budget
    left = day.tokens_left if day is not None else None
    if left is not None and left > prompt:  # otherwise the purse says what is used up, and whose it was
        budget = least(budget, Budget(tokens=work.spent.usage.total + left))
    return Terms(
        task.id,
        deadline=work.deadline,
        timeout=line.timeout if task.timeout is None else task.timeout,
        attempts=max(0, line.attempts - work.spent.attempts),
        prompt_tokens=prompt,
        free=work.free,
        budget=budget,
        spent=work.spent,
        purse=together(line.purse, day),
        tiers=work.tiers,
        names=names,
        hedge=work.profile.hedge,
    )


async def look_up(line: Line, work: Work) -> None:
    """Know what is left of the day's budgets, where there are any. :raises StorageError: when nobody can tell."""
    if line.days is not None:
        await line.days.look(on_behalf_of(work.task))


async def write_down(line: Line) -> None:
    """Let other processes know what calls have taken. Until they know, the worst case counts, so it may fail."""
    if line.days is not None:
        try:
            await line.days.book.write()
        except StorageError as broken:
            log.warning("what calls have taken of the day's budget could not be written yet: %s", broken)


def on_behalf_of(task: Task) -> tuple[str, ...]:
    """Whose limits count for a task, by the names that quotas and purses have for them."""
    if task.tenant is None and task.user is None:
        return ()
    from aiorch.quotas import tenant_name, user_name  # not at the start: few tasks are on anybody's behalf

    return (
        *(() if task.tenant is None else (tenant_name(task.tenant),)),
        *(() if task.user is None else (user_name(task.user),)),
    )


def cache_key(line: Line, work: Work, request: Request) -> str | None:
    """Where the cache keeps this round's answer; ``None`` where it may not keep it."""
    if line.cache is None or not deterministic(request) or line.guard.renames(work.task):
        return None  # an answer with pseudonyms in it means something to this task alone
    return key_of(request, model=work.candidates[0].card.id, tenant=work.task.tenant)


def comparable_now(line: Line, work: Work, request: Request) -> Asked | None:
    """This round's prompt where similar ones may share its answer, which is opt-in."""
    if line.similar is None or work.rounds:
        return None
    from aiorch.routing.semantic_cache import comparable

    model = work.candidates[0].card.id
    return comparable(request, model=model, tenant=work.task.tenant, agent=work.profile.name)


async def recalled(line: Line, work: Work, key: str | None, like: Asked | None) -> Taken | None:
    """The answer that is kept for this prompt, or for one that asks the same."""
    if line.cache is None or key is None:
        return None
    known = await line.cache.get(key)
    taken = None if known is None else remembered(work, known)
    if taken is None and like is not None and line.similar is not None:
        for found in await line.similar.find(like):
            known = await line.cache.get(found.key)
            taken = None if known is None else remembered(work, known, found.similarity)
            if taken is not None:
                break
    if taken is not None:
        model = taken.answer.candidate.card.id
        hit = CacheHit(at=line.clock.now(), task_id=work.task.id, model=model, similarity=taken.similarity)
        line.bus.emit(hit)
    return taken


def remembered(work: Work, known: Known, similarity: float | None = None) -> Taken | None:
    """A kept answer as an answer of now: it cost nothing. ``None`` when who gave it may no longer be asked."""
    answer = for_nothing(work, known.response, known.model)
    return None if answer is None else taken_now(work, answer, cached=True, similarity=similarity)


async def remembers(known: Taken, place: str, journal: Journal) -> Said:
    """A remembered answer, which a durable run commits: what comes after it must not hang on a cache."""

    async def take() -> Taken:
        return known

    taken = await journal.once(place, take, returns=Taken)
    return Said(taken, taken.answer)


def taken_now(work: Work, answer: Answer, *, cached: bool = False, similarity: float | None = None) -> Taken:
    """An answer with what is known now of those who could have given it. Pure."""
    card = answer.candidate.card
    return Taken(
        answer,
        cached,
        not cached and not answer.attempts,
        similarity,
        all(c.card.id == card.id for c in work.candidates),
        stands_in(work, card),
        work.complexity,
    )


def stands_in(work: Work, card: ModelCard) -> bool:
    """True when a model on this machine answers and one elsewhere was preferred to it, or a demo model does while a
    configured provider could not even list its models. Pure.
    """
    if card.free != "local":
        return False
    preferred = takewhile(lambda c: c.card.id != card.id, work.candidates)
    return (card.demo and work.silent) or any(c.card.free != "local" for c in preferred)


def for_nothing(work: Work, response: Response, model: str) -> Answer | None:
    """An answer that another task paid for. ``None`` when this one may not ask who gave it."""
    giver = next((c for c in work.candidates if c.card.id == model), None)
    return None if giver is None else Answer(response, giver, (), Usage(), Decimal(0))


def ask(line: Line, work: Work, request: Request) -> Awaitable[Answer]:
    """The answer of who gives a good one first. :raises ExecutionError: when nobody answered."""
    return line.executor.complete(request, work.candidates, terms(line, work))


async def ask_once(line: Line, work: Work, request: Request, key: str) -> Answer:
    """The same, where it may be cached: equal requests that run at the same time are asked once, and the others get
    that answer for nothing.

    :raises DeadlineExceeded: also while another task was asking.
    """
    try:
        answer, own = await line.flights.run(
            key, lambda: ask(line, work, request), patience=lambda: work.deadline - line.clock.monotonic()
        )
    except TimeoutError:
        raise DeadlineExceeded(terms(line, work).timeout, work.attempts) from None
    if own:
        return answer
    return for_nothing(work, answer.response, answer.candidate.card.id) or await ask(line, work, request)


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
    work.attempts = (*work.attempts, *answer.attempts)
    work.spent = work.spent.plus(answer.usage, answer.cost, len(answer.attempts))
    work.rounds += 1
    return work


def told_all(failed: ExecutionError, work: Work) -> ExecutionError:
    """The error with the attempts of earlier rounds in front."""
    if work.attempts and hasattr(failed, "attempts"):
        failed.attempts = (*work.attempts, *failed.attempts)  # type: ignore[attr-defined]
    return failed
