"""The detectors at work: every text of a stage looked at, and what the policy says about what was found."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from secrets import token_bytes
from typing import Final

import anyio.to_thread

from aiorch.protocols import StreamValidator
from aiorch.safety.detection import OFF_THE_LOOP, Detector, Finding
from aiorch.safety.places import Place, places_of, rewritten
from aiorch.safety.policy import STAGES, STRENGTH, Graded, Policy, issue_of, strongest
from aiorch.safety.pseudonyms import Pseudonyms, hashed, mask, replaced
from aiorch.safety.redaction import REDACTED
from aiorch.safety.streaming import SecretStream
from aiorch.safety.whole_answer import WholeAnswer
from aiorch.types import (
    Action,
    Message,
    Provenance,
    Stage,
    StreamVerdict,
    Task,
    Verdict,
)

REMEMBERED = 4_096
"""Texts whose findings are kept: a conversation's earlier turns and system prompts come again with each call."""
SENT: Final = frozenset({"input", "tool_result"})
"""Stages whose texts go to a model, so that its answer may have their pseudonyms in it."""
POLICIES = 256
"""Stages of policies for which is kept who looks."""
ABOUT_ORDERS: Final = frozenset({"injection", "harmful"})
"""Detectors that look for what a text wants: what the developer wrote is meant, and what a model said has been looked
at when it said it.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, where it was, and what follows."""

    place: Place
    finding: Finding
    action: Action


class Inspection:
    """A validator for every stage: detectors find, the policy decides, this carries it out.

    :param detectors: makes the detectors, when the first text comes.
    :param policy: which policy holds for a task.
    :param renew: is asked before texts are looked at; True when the detectors have to be made anew.
    """

    name = "inspection"
    stages: frozenset[Stage] = frozenset(STAGES)

    def __init__(
        self,
        detectors: Callable[[], Sequence[Detector]],
        policy: Callable[[Task], Policy],
        renew: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._make = detectors
        self._renew = renew
        self._eyes: Eyes | None = None
        self.policy = policy
        """Which policy holds for a task."""
        self._names: dict[str, Pseudonyms] = {}
        self._tags: dict[str, str] = {}
        self._secret = b""

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Look at every text of ``content``."""
        if self._renew is not None and await self._renew():
            self._eyes = None
        policy = self.policy(task)
        places = list(places_of(stage, content))
        if (
            sum(len(place.text) for place in places) > OFF_THE_LOOP
            and self._looking().new(places) > OFF_THE_LOOP
        ):
            found = await anyio.to_thread.run_sync(self.look, places, policy)
        else:
            found = self.look(places, policy)
        return self.verdict(stage, content, found, policy, task)

    def inspect(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """The same without waiting, for who has no event loop or short texts."""
        policy = self.policy(task)
        return self.verdict(stage, content, self.look(list(places_of(stage, content)), policy), policy, task)

    def look(self, places: Sequence[Place], policy: Policy) -> tuple[Found, ...]:
        """Everything that the policy wants to know of these texts."""
        found: list[Found] = []
        eyes = self._looking()
        for place in places:
            concerned = eyes.concerned(policy, place.stage, place.provenance)
            if not concerned or not place.text or place.text.isspace():
                continue
            for finding in eyes.findings(concerned, place.text):
                action = policy.action(place.stage, finding.rule, finding.confidence)
                if action != "allow":
                    found.append(Found(place, finding, action))
        return tuple(found)

    def verdict(
        self, stage: Stage, content: Sequence[Message], found: Sequence[Found], policy: Policy, task: Task
    ) -> Verdict:
        """What follows from all of it, with the content as it may go on. Pure, but for pseudonyms."""
        if not found:
            return Verdict(stage, "allow")
        action = strongest(one.action for one in found)
        issues = tuple([issue_of(one.finding, one.action, one.place.where) for one in found])
        replacement: tuple[Message, ...] | None = None
        if action in ("redact", "ask"):
            out: dict[str, tuple[Place, list[Finding]]] = {}
            for one in found:
                if one.action == "redact":
                    out.setdefault(one.place.where, (one.place, []))[1].append(one.finding)
            stand_in = partial(self._stand_in, policy, stage, task)
            texts = {
                where: replaced(place.text, merged(here), stand_in) for where, (place, here) in out.items()
            }
            replacement = rewritten(content, texts) if texts else None
        return Verdict(stage, action, issues, replacement)

    # --- what stands in the place of a value

    def _stand_in(self, policy: Policy, stage: Stage, task: Task, finding: Finding, value: str) -> str:
        style = policy.styled(finding.rule)
        whole = [replace(finding, span=(0, len(value)))]
        if style == "mask":
            return mask(value, whole)
        if style == "hash":
            self._secret = self._secret or token_bytes(32)
            return hashed(value, whole, self._secret)
        if style == "pseudonym" and stage in SENT:  # elsewhere it would be turned back into the value at once
            if task.id not in self._names:
                self._names[task.id] = Pseudonyms(tag=self._tags.get(task.id))
            return self._names[task.id].hide(value, whole)
        return REDACTED

    def tag(self, task: Task, tag: str) -> None:
        """Give the pseudonyms that the task may get this tag."""
        self._tags[task.id] = tag

    def names(self, task: Task) -> Pseudonyms | None:
        """The pseudonyms that a task's texts were given; ``None`` where there are none."""
        return self._names.get(task.id) if self._names else None

    def hidden(self, task: Task, text: str) -> str:
        """``text`` with pseudonyms in place of the values that the task has some for."""
        names = self.names(task)
        return text if names is None else names.conceal(text)

    def forget(self, task: Task) -> None:
        """The task has ended, and what its pseudonyms stand for goes with it."""
        if self._names:
            self._names.pop(task.id, None)
        if self._tags:
            self._tags.pop(task.id, None)

    # --- streams

    def watchers(self, task: Task) -> list[StreamValidator]:
        """What looks at an answer while it is written, as the policy wants it.

        Keys are taken out word by word. Where anything else may change or stop an answer, nothing of it is shown before
        all of it has been looked at.
        """
        policy = self.policy(task)
        watchers: list[StreamValidator] = []
        rules = policy.stages.get("output", {})
        acting = {name for name, graded in rules.items() if any(STRENGTH[a] > 1 for a in graded)}
        said = {name for name in rules if name.partition(".")[0] == "secrets"}
        plain: Graded = rules["secrets"] if acting == said == {"secrets"} else {}
        secrets = next((d for d in self._looking().detectors if d.name == "secrets"), None) if plain else None
        if secrets is not None and len(plain) == 1 and "ask" not in plain:
            ((action, least),) = plain.items()
            watchers.append(SecretStream(secrets, "redact" if action == "redact" else "block", least=least))
        elif acting:
            watchers.append(WholeAnswer(partial(self._released, task)))
        if (names := self.names(task)) is not None:
            watchers.append(names.restoring())
        return watchers

    def _released(self, task: Task, text: str) -> StreamVerdict:
        said = self.inspect("output", (Message.assistant(text),), task)
        if not said.allowed:
            return StreamVerdict("", said.issues, blocked=True)
        return StreamVerdict(text if said.replacement is None else said.replacement[0].text, said.issues)

    def _looking(self) -> Eyes:
        if self._eyes is None:
            self._eyes = Eyes(tuple(self._make()))
        return self._eyes


class Eyes:
    """Detectors with what they know already; where other rules come into force, others take their place as a whole."""

    def __init__(self, detectors: tuple[Detector, ...]) -> None:
        self.detectors = detectors
        self.known: OrderedDict[bytes, dict[str, tuple[Finding, ...]]] = OrderedDict()
        self._concerned: dict[tuple[int, Stage, bool], tuple[Policy, tuple[Detector, ...]]] = {}

    def concerned(self, policy: Policy, stage: Stage, born: Provenance) -> tuple[Detector, ...]:
        """Who has to look at a text of this stage."""
        orders = born.source not in ("developer", "model")
        key = (id(policy), stage, orders)  # a policy is no key itself: its tables cannot be hashed
        known = self._concerned.get(key)
        if known is None or known[0] is not policy:
            if len(self._concerned) >= POLICIES:
                self._concerned.clear()
            who = [d for d in self.detectors if policy.looks_for(stage, d.name)]
            known = policy, tuple(d for d in who if orders or d.name not in ABOUT_ORDERS)
            self._concerned[key] = known
        return known[1]

    def findings(self, detectors: Sequence[Detector], text: str) -> list[Finding]:
        """What these find in a text."""
        key = _digest(text)
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = {}
            while len(self.known) > REMEMBERED:
                self.known.popitem(last=False)
        for detector in detectors:
            if detector.name not in known:
                known[detector.name] = _scanned(detector, text)
        return [finding for detector in detectors for finding in known[detector.name]]

    def new(self, places: Iterable[Place]) -> int:
        """Characters of the texts that nobody has looked at."""
        return sum(len(place.text) for place in places if _digest(place.text) not in self.known)


def _scanned(detector: Detector, text: str) -> tuple[Finding, ...]:
    try:
        return tuple(detector.scan(text))
    except Exception as broken:  # the guard refuses what it could not look at; who is to blame should be told
        raise RuntimeError(f"the detector {detector.name!r} failed: {type(broken).__name__}") from broken


def _digest(text: str) -> bytes:
    """What a text is known by: it is not kept itself."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that overlap as one that covers them all, named by the one that begins first.

    >>> [f.span for f in merged([Finding("a", (3, 9), 1, ""), Finding("b", (0, 5), 1, "")])]
    [(0, 9)]
    """
    whole: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.span[0], -f.span[1])):
        if whole and finding.span[0] < whole[-1].span[1]:
            end = max(whole[-1].span[1], finding.span[1])
            whole[-1] = replace(whole[-1], span=(whole[-1].span[0], end))
        else:
            whole.append(finding)
    return whole
