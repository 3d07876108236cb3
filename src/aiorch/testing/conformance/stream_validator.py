"""What every stream validator promises: it holds back, changes or blocks, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

import pytest

from aiorch.protocols import StreamValidator
from aiorch.testing.conformance.examples import ODD_TEXTS
from aiorch.testing.conformance.suite import Suite, check_members, hold, missing, not_looked_at, raised, wrong
from aiorch.testing.conformance.validator import check_issues
from aiorch.types import StreamVerdict

ANY_SPLIT = "what is released depends on the text, not on the pieces that it came in"
HARMLESS: Sequence[str] = (
    "Hello.",
    "The ship left at dawn.\n\nIt was cold, and nobody spoke.\n",
    "Snowman: \u2603, family: 👩‍👩‍👧‍👦, Zürich, 東京.",
    "```python\nprint('hi')\n```\n- one\n- two\n",
)


class StreamValidatorConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.StreamValidator`. A test class inherits them and says how one is made:

        class TestCensor(StreamValidatorConformance):
            @pytest.fixture
            def new_validator(self):
                return Censor

            @pytest.fixture
            def rewritten(self):
                return {"a darn thing": "a d*** thing"}

    ``rewritten`` and ``blocked`` are optional, and so is ``harmless``: texts that pass as they are.
    """

    @pytest.fixture
    def new_validator(self) -> Callable[[], StreamValidator]:
        """Makes one for a stream."""
        missing("new_validator", "Censor")

    @pytest.fixture
    def harmless(self) -> Sequence[str]:
        """Texts that are released as they are."""
        return HARMLESS

    @pytest.fixture
    def rewritten(self) -> Mapping[str, str]:
        """Texts, and what is released of them."""
        return {}

    @pytest.fixture
    def blocked(self) -> Sequence[str]:
        """Texts that are blocked."""
        return ()

    def test_it_has_what_a_stream_validator_has(self, new_validator: Callable[[], StreamValidator]) -> None:
        check_members(new_validator(), StreamValidator, ("feed", "close"))

    def test_no_text_makes_it_fail(self, new_validator: Callable[[], StreamValidator]) -> None:
        for text in ODD_TEXTS:
            for pieces in (_halves(text), [text[:1_000], text[1_000:]]):
                _watch(new_validator, pieces)

    def test_harmless_text_is_released_as_it_is(
        self, new_validator: Callable[[], StreamValidator], harmless: Sequence[str]
    ) -> None:
        for text in harmless:
            for pieces in _splits(text):
                seen = _watch(new_validator, pieces)
                hold(
                    not seen.blocked and seen.text == text,
                    f"{_in(pieces)} was {'blocked' if seen.blocked else f'released as {seen.text!r:.80}'}",
                    "a text with nothing in it is released whole, unchanged and in order, at close() at the latest",
                    "release what was held back in close(); where yours objects to it, give the fixture 'harmless'",
                )

    def test_pieces_make_no_difference(
        self,
        new_validator: Callable[[], StreamValidator],
        harmless: Sequence[str],
        rewritten: Mapping[str, str],
        blocked: Sequence[str],
    ) -> None:
        for text in (*rewritten, *blocked, *harmless, *ODD_TEXTS[:8]):
            whole = _watch(new_validator, [text])
            for pieces in _splits(text):
                seen = _watch(new_validator, pieces)
                same = seen.blocked == whole.blocked and (seen.blocked or seen.text == whole.text)
                hold(
                    same,
                    f"{text!r:.80} in one piece was {whole.said}, {_in(pieces)} was {seen.said}",
                    ANY_SPLIT,
                    "hold back the end of what came, as long as something that is looked for could still begin there",
                )

    def test_streams_know_nothing_of_each_other(
        self,
        new_validator: Callable[[], StreamValidator],
        harmless: Sequence[str],
        rewritten: Mapping[str, str],
    ) -> None:
        promise = "one object serves one stream: many are written at the same time"
        cure = "keep state on self, made in __init__, not on the class; make a new object each time"
        one, other = new_validator(), new_validator()
        hold(one is not other, "two streams were given the same object", promise, cure)
        text = next(iter((*rewritten, *harmless)))
        alone = _watch(new_validator, list(text))
        released = ""
        for char in text:
            released += _step(one.feed, char).release
            _step(other.feed, char)
        released += _step(one.close).release
        hold(
            released == alone.text,
            f"{text!r:.80} was released as {alone.text!r:.80}, and beside another stream as {released!r:.80}",
            promise,
            cure,
        )

    def test_it_rewrites_what_it_should(
        self,
        new_validator: Callable[[], StreamValidator],
        rewritten: Mapping[str, str],
        blocked: Sequence[str],
    ) -> None:
        if not rewritten and not blocked:
            not_looked_at("rewritten", "whether it finds anything")
        for text, wanted in rewritten.items():
            for pieces in _splits(text):
                seen = _watch(new_validator, pieces)
                hold(
                    not seen.blocked and seen.text == wanted,
                    f"{_in(pieces)} was {seen.said}, not released as {wanted!r:.80}",
                    "the releases that its author gave as examples, however the text is split",
                    "hold back the end of what came, as long as something that is looked for could still begin there",
                )

    def test_it_blocks_what_it_should(
        self, new_validator: Callable[[], StreamValidator], blocked: Sequence[str]
    ) -> None:
        for text in blocked:
            for pieces in _splits(text):
                seen = _watch(new_validator, pieces)
                hold(
                    seen.blocked,
                    f"{_in(pieces)} was {seen.said}, not blocked",
                    "the texts that its author gave as blocked are, however they are split",
                    "hold back the end of what came, as long as something that is looked for could still begin there",
                )
                hold(
                    seen.reasons,
                    f"{text!r:.80} was blocked without an issue",
                    "whoever is refused is told why",
                    "return StreamVerdict('', (Issue('code', 'what was found'),), blocked=True)",
                )

    def test_what_is_blocked_stays_blocked(
        self, new_validator: Callable[[], StreamValidator], blocked: Sequence[str]
    ) -> None:
        for text in blocked:
            validator = new_validator()
            verdicts = [_step(validator.feed, text)]
            verdicts += [
                _step(validator.feed, " and more"),
                _step(validator.close),
            ]
            first = next((n for n, v in enumerate(verdicts) if v.blocked), len(verdicts))
            after = "".join(v.release for v in verdicts[first:])
            hold(
                not after,
                f"after {text!r:.80} was blocked, {after!r:.80} was released",
                "nothing is released with a block, and nothing after it",
                "remember the block on self, and release '' from then on",
            )

    def test_nothing_comes_after_the_end(
        self, new_validator: Callable[[], StreamValidator], harmless: Sequence[str]
    ) -> None:
        for text in harmless:
            validator = new_validator()
            _step(validator.feed, text)
            _step(validator.close)
            again = _step(validator.close)
            hold(
                not again.release,
                f"a second close() released {again.release!r:.80} once more",
                "close() releases the rest, once",
                "forget what was held back when it is released",
            )


@dataclass(frozen=True, slots=True)
class _Seen:
    text: str
    blocked: bool
    reasons: int

    @property
    def said(self) -> str:
        return "blocked" if self.blocked else f"released as {self.text!r:.80}"


def _watch(new_validator: Callable[[], StreamValidator], pieces: Sequence[str]) -> _Seen:
    """A stream of these pieces, watched as the line does it."""
    validator = new_validator()
    shown = ""
    fed = 0
    for piece in (p for p in pieces if p):
        fed += len(piece)
        verdict = _step(validator.feed, piece, fed=fed)
        if verdict.blocked:
            return _Seen(shown, True, len(verdict.issues))
        shown += verdict.release
    verdict = _step(validator.close, fed=fed)
    return _Seen(shown + verdict.release, verdict.blocked, len(verdict.issues))


def _step(call: Callable[..., StreamVerdict], *pieces: str, fed: int = 1 << 20) -> StreamVerdict:
    """One call, and whether it gave what it should. ``fed``: characters that came so far, where that is known."""
    promise = "feed() and close() return a StreamVerdict for any text"
    what = f"{getattr(call, '__name__', 'feed')}({', '.join(f'{p!r:.40}' for p in pieces)})"
    try:
        verdict = call(*pieces)
    except Exception as error:
        wrong(f"{what} raised {raised(error)}", promise, "expect empty, odd and very long pieces")
    if not isinstance(cast(object, verdict), StreamVerdict) or not isinstance(
        cast(object, verdict.release), str
    ):
        wrong(f"{what} returned {verdict!r:.80}", promise, "return StreamVerdict('what may be shown now')")
    check_issues(verdict.issues, fed, f"the verdict of {what}")
    return verdict


def _splits(text: str) -> Iterator[list[str]]:
    """A text in every character, in halves, and in pieces of any size; always the same ones."""
    yield list(text)
    yield _halves(text)
    chance = Random(0)
    for _ in range(6):
        pieces: list[str] = []
        left = text
        while left:
            size = chance.randint(1, 7)
            pieces.append(left[:size])
            left = left[size:]
        yield pieces


def _halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def _in(pieces: Sequence[str]) -> str:
    shown = " | ".join(pieces)
    return f"{shown!r:.80} in {len(pieces)} pieces"
