"""Which questions are asked next, of whom: what is stored, what may be spent, and fairness decide. Pure.

Everybody is asked the same questions in the same order, and nobody the second one before all had the first: so a small
budget still gives numbers that can be compared. A budget that cannot give every model a score gives it to fewer models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from aiorch.benchmarking.allowances import caps
from aiorch.benchmarking.choosing import FREE_ONLY
from aiorch.benchmarking.grading import Program
from aiorch.benchmarking.records import Record
from aiorch.benchmarking.scores import FEWEST
from aiorch.benchmarking.suite import Item, Suite
from aiorch.routing import Rules, is_free
from aiorch.routing.attempts import names
from aiorch.routing.budgets import cost_of
from aiorch.types import Candidate, FailureKind, ModelCard, Usage

THINKING = 4_096
"""Tokens beyond an answer's that a model gets which thinks first; most need far fewer for questions like these."""

SETTLED = frozenset({FailureKind.CONTEXT, FailureKind.BAD_REQUEST, FailureKind.POLICY})
"""Failures that a later run would only see again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one model."""

    candidate: Candidate
    item: Item
    allowed: int
    """Tokens for thinking and answer."""
    free: bool = True
    """False where it has to be paid."""
    thinks: bool = False
    """True where the model is known to think, and has room for it."""

    @property
    def card(self) -> ModelCard:
        """The model."""
        return self.candidate.card

    @property
    def tokens(self) -> int:
        """That it takes at most."""
        return self.item.size + self.allowed

    @property
    def dearest(self) -> Decimal:
        """USD that it costs at most."""
        return cost_of(self.card, Usage(self.item.size, self.allowed), free=self.free)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Questions that a model is not asked, and why."""

    model: str
    """``provider/model``."""
    items: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Means:
    """What may be used."""

    calls: int
    usd: Decimal = Decimal(0)
    """For models that cost something."""
    runs_code: bool = False
    """True where there is a sandbox."""
    rules: Rules = FREE_ONLY
    """Which models have to be paid."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is, for what is stored and for who is set aside."""

    now: float
    """Epoch seconds, as the other times."""
    kept_since: float
    """Answers older than this are asked for again."""
    aside: Mapping[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    """Accounts, models and deployments by name that are not asked: until when, and why."""
    tried: frozenset[tuple[str, str, int]] = frozenset()
    """Model, question and allowance of what failed in this run, and is not tried again in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now."""

    calls: tuple[Call, ...]
    """In order."""
    skipped: tuple[Skipped, ...]
    waiting: int = 0
    """Further questions that are still open and are not asked now, for want of calls, money or a model's readiness."""


NO_SANDBOX = "there is no sandbox here, and code that a model wrote runs nowhere else"
OUT_OF_CALLS = "the calls of this run are used up"


def plan(
    candidates: Sequence[Candidate], suite: Suite, records: Iterable[Record], means: Means, moment: Moment
) -> Plan:
    """What to ask now.

    :param candidates: whom, in the order of interest.
    :param records: everything that is stored of this suite.
    """
    stored: dict[str, dict[str, Record]] = {}
    for record in records:
        stored.setdefault(record.card, {})[record.item] = record
    skipped: list[Skipped] = []
    lines: list[_Line] = []
    for place, candidate in enumerate(candidates):
        mine = stored.get(candidate.card.id, {})
        open_, left_out = _open(candidate, suite, mine, means, moment)
        skipped += left_out
        if open_:
            answered = sum(r.passed is not None and r.at >= moment.kept_since for r in mine.values())
            lines.append(_Line(place, answered, tuple(open_)))
    purse = _Purse(means, moment, [r for of in stored.values() for r in of.values()])
    calls = tuple(_fair(lines, purse))
    left = sum(len(line.calls) for line in lines) - len(calls)
    return Plan(calls, (*skipped, *purse.skipped()), left)


def thinks(card: ModelCard, records: Iterable[Record]) -> bool:
    """Whether a model thinks before it answers: its card says so, or it was seen to."""
    return card.capabilities.reasoning is True or any(record.thought for record in records)


# --- what is open ------------------------------------------------------------------------------------------------


def _open(
    candidate: Candidate, suite: Suite, mine: Mapping[str, Record], means: Means, moment: Moment
) -> tuple[list[Call], list[Skipped]]:
    """The questions that a model still has to be asked, and those that it will not be."""
    card = candidate.card
    known = thinks(card, mine.values())
    free = is_free(card, means.rules)
    code: list[str] = []
    long: dict[str, int] = {}
    calls: list[Call] = []
    for item in suite.items:
        call = Call(candidate, item, _allowed(item, card, THINKING if known else 0), free, known)
        if _settled(call, mine.get(item.id), moment):
            continue
        if isinstance(item.grader, Program) and not means.runs_code:
            code.append(item.id)
        elif card.context is not None and item.size + item.max_tokens > card.context:
            long[item.id] = item.size + item.max_tokens
        else:
            calls.append(call)
    skipped: list[Skipped] = []
    if code:
        skipped.append(Skipped(card.id, tuple(code), NO_SANDBOX))
    if long:
        needed = max(long.values())
        why = f"about {needed:,} tokens do not fit its context of {card.context:,}"
        skipped.append(Skipped(card.id, tuple(long), why))
    return calls, skipped


def _allowed(item: Item, card: ModelCard, room: int) -> int:
    """Tokens for thinking and answer, as many of them as the model can give."""
    most = item.max_tokens + room
    if card.max_output is not None:
        most = min(most, card.max_output)
    if card.context is not None:  # many refuse a call whose prompt and limit together are longer
        most = min(most, card.context - item.size)
    return max(1, most)


def _settled(call: Call, record: Record | None, moment: Moment) -> bool:
    """Whether a question need not be asked, because of what is stored or was tried just now."""
    if (call.card.id, call.item.id, call.allowed) in moment.tried:
        return True
    if record is None or record.at < moment.kept_since:
        return False
    return record.passed is not None or record.failure in SETTLED


# --- in which order ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """What one model still has to be asked."""

    place: int
    answered: int
    calls: tuple[Call, ...]

    @property
    def wants(self) -> int:
        """Calls without which it is not worth beginning: those that its score still lacks."""
        return max(1, min(len(self.calls), FEWEST - self.answered))


def _fair(lines: Sequence[_Line], purse: _Purse) -> Iterator[Call]:
    """As many models as the calls can give a score; the same number of answers to each of them first."""
    rest = list(lines)
    while rest and purse.calls > 0:
        wave = list(_affordable(rest, purse.calls))
        del rest[: len(wave)]
        steps = [(line.answered + i, line.place, call) for line in wave for i, call in enumerate(line.calls)]
        for _, _, call in sorted(steps, key=lambda step: step[:2]):
            if purse.pays(call):
                yield call


def _affordable(lines: Iterable[_Line], calls: int) -> Iterator[_Line]:
    """The first of them that fit; always at least one."""
    taken = 0
    for line in lines:
        if taken and taken + line.wants > calls:
            return
        taken += line.wants
        yield line


class _Purse:
    """What is left while a plan is made. Says for what it did not pay, and why."""

    def __init__(self, means: Means, moment: Moment, records: Sequence[Record]) -> None:
        self.calls = means.calls
        self._usd = means.usd
        self._moment = moment
        self._records = records
        self._used: Counter[tuple[str, float]] = Counter()
        self._refused: dict[tuple[str, str], list[str]] = {}

    def pays(self, call: Call) -> bool:
        """Whether this one is made; if it is, it has been paid for."""
        why = self._against(call)
        if why is not None:
            self._refused.setdefault((call.card.id, why), []).append(call.item.id)
            return False
        self.calls -= 1
        self._usd -= call.dearest
        self._used.update((who, period) for who, period, _ in caps(call.candidate))
        return True

    def skipped(self) -> Iterator[Skipped]:
        """What it did not pay for, other than for want of calls."""
        for (model, why), items in self._refused.items():
            if why != OUT_OF_CALLS:
                yield Skipped(model, tuple(items), why)

    def _against(self, call: Call) -> str | None:
        for name in names(call.candidate.deployment):
            until, why = self._moment.aside.get(name, (0.0, ""))
            if until > self._moment.now:
                return why
        if self.calls <= 0:
            return OUT_OF_CALLS
        if call.dearest > self._usd:
            return "it could cost more than is left of the budget"
        for who, period, most in caps(call.candidate):
            if self._used[who, period] + self._lately(call.candidate, who, period) >= most:
                return f"measuring takes at most half of what {who} allows, {most:,} calls in {_span(period)}"
        return None

    def _lately(self, candidate: Candidate, who: str, period: float) -> int:
        """Calls that were made within the period, as far as they are stored."""
        account, _, deployment = names(candidate.deployment)
        since = self._moment.now - period
        return sum(
            record.at >= since
            and record.provider == candidate.deployment.provider
            and (who == account or (who == deployment and record.model == candidate.deployment.model))
            for record in self._records
        )


def _span(seconds: float) -> str:
    hours = round(seconds / 3600)
    return "an hour" if hours == 1 else f"{hours} hours" if hours < 48 else f"{hours // 24} days"
