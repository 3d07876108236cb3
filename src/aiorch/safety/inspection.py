"""The detectors at work: every text of a stage looked at, and what the policy says about what was found."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, Final, cast

import anyio.to_thread

from aiorch.protocols import StreamValidator
from aiorch.safety.detection import Detector, Finding
from aiorch.safety.policy import STAGES, STRENGTH, Policy, strongest
from aiorch.safety.pseudonyms import Pseudonyms, hashed, mask, replaced
from aiorch.safety.redaction import REDACTED
from aiorch.safety.streaming import SecretStream
from aiorch.safety.whole_answer import WholeAnswer
from aiorch.types import (
    Action,
    Issue,
    Message,
    Part,
    Provenance,
    Reasoning,
    Severity,
    Stage,
    StreamVerdict,
    Task,
    Text,
    ToolCall,
    ToolResult,
    Verdict,
)

OFF_THE_LOOP = 16_384
"""Characters. Longer texts are looked at in a thread, so that other tasks go on: at the measured 1-2 ms a kilobyte this
is a pause of 20-30 ms.
"""
REMEMBERED = 4_096
"""Texts whose findings are kept: a conversation's earlier turns and system prompts come again with each call."""
ABOUT_ORDERS: Final = frozenset({"injection", "harmful"})
"""Detectors that look for what a text wants: what the developer wrote is meant, and what a model said has been looked
at when it said it.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One text of a stage's content."""

    where: str
    text: str
    stage: Stage
    """Whose rules hold: what a tool or a document says is a tool's result wherever it stands."""
    provenance: Provenance


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
    """

    name = "inspection"
    stages: frozenset[Stage] = frozenset(STAGES)

    def __init__(
        self,
        detectors: Callable[[], Sequence[Detector]],
        policy: Callable[[Task], Policy],
    ) -> None:
        self._make = detectors
        self._made: tuple[Detector, ...] | None = None
        self.policy = policy
        """Which policy holds for a task."""
        self._names: dict[str, Pseudonyms] = {}
        self._secret = b""
        self._known: OrderedDict[tuple[str, bytes], tuple[Finding, ...]] = OrderedDict()

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """Look at every text of ``content``."""
        policy = self.policy(task)
        places = list(places_of(stage, content))
        if sum(len(place.text) for place in places) > OFF_THE_LOOP:
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
        return tuple(
            Found(place, finding, action)
            for place in places
            for detector in self._detectors()
            if policy.looks_for(place.stage, detector.name) and _concerns(detector.name, place.provenance)
            for finding in self._findings(detector, place.text)
            if (action := policy.action(place.stage, finding.rule, finding.confidence)) != "allow"
        )

    def verdict(
        self, stage: Stage, content: Sequence[Message], found: Sequence[Found], policy: Policy, task: Task
    ) -> Verdict:
        """What follows from all of it, with the content as it may go on. Pure, but for pseudonyms."""
        if not found:
            return Verdict(stage, "allow")
        action = strongest(one.action for one in found)
        replacement: tuple[Message, ...] | None = None
        if action in ("redact", "ask") and any(one.action == "redact" for one in found):
            texts: dict[str, str] = {}
            for place in {one.place.where: one.place for one in found}.values():
                here = [one.finding for one in found if one.place is place and one.action == "redact"]
                texts[place.where] = replaced(place.text, merged(here), partial(self._stand_in, policy, task))
            replacement = rewritten(content, texts)
        return Verdict(stage, action, tuple(map(_issue, found)), replacement)

    # --- what stands in the place of a value

    def _stand_in(self, policy: Policy, task: Task, finding: Finding, value: str) -> str:
        style = policy.styled(finding.rule)
        whole = [replace(finding, span=(0, len(value)))]
        if style == "mask":
            return mask(value, whole)
        if style == "hash":
            self._secret = self._secret or token_bytes(32)
            return hashed(value, whole, self._secret)
        if style == "pseudonym":
            return self._names.setdefault(task.id, Pseudonyms()).hide(value, whole)
        return REDACTED

    def names(self, task: Task) -> Pseudonyms | None:
        """The pseudonyms that a task's texts were given; ``None`` where there are none."""
        return self._names.get(task.id) if self._names else None

    def forget(self, task: Task) -> None:
        """The task has ended, and what its pseudonyms stand for goes with it."""
        if self._names:
            self._names.pop(task.id, None)

    # --- streams

    def watchers(self, task: Task) -> list[StreamValidator]:
        """What looks at an answer while it is written, as the policy wants it.

        Keys are taken out word by word. Where anything else may change or stop an answer, nothing of it is shown before
        all of it has been looked at.
        """
        policy = self.policy(task)
        watchers: list[StreamValidator] = []
        rules = policy.stages.get("output", {})
        acting = {
            name.partition(".")[0] for name, graded in rules.items() if any(STRENGTH[a] > 1 for a in graded)
        }
        if acting - {"secrets"}:
            watchers.append(WholeAnswer(partial(self._released, policy, task)))
        elif acting:
            secrets = next((d for d in self._detectors() if d.name == "secrets"), None)
            action = policy.action("output", "secrets", 1.0)
            if secrets is not None:
                watchers.append(SecretStream(secrets, "redact" if action == "redact" else "block"))
        if (names := self.names(task)) is not None:
            watchers.append(names.restoring())
        return watchers

    def _released(self, policy: Policy, task: Task, text: str) -> StreamVerdict:
        content = (Message.assistant(text),)
        said = self.verdict(
            "output", content, self.look(list(places_of("output", content)), policy), policy, task
        )
        if not said.allowed:
            return StreamVerdict("", said.issues, blocked=True)
        return StreamVerdict(text if said.replacement is None else said.replacement[0].text, said.issues)

    # --- looking

    def _detectors(self) -> tuple[Detector, ...]:
        if self._made is None:
            self._made = tuple(self._make())
        return self._made

    def _findings(self, detector: Detector, text: str) -> tuple[Finding, ...]:
        if not text or text.isspace():
            return ()
        key = (detector.name, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(detector.scan(text))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found


# --- the texts of a content --------------------------------------------------------------------------------------


def places_of(stage: Stage, content: Sequence[Message]) -> Iterator[Place]:
    """Every text in ``content``, in order.

    >>> [p.where for p in places_of("input", [Message.system("Be brief."), Message.user("Hello")])]
    ['message 1', 'message 2']
    """
    for number, message in enumerate(content, 1):
        several = len(message.parts) > 1
        for at, part in enumerate(message.parts, 1):
            where = f"message {number}, part {at}" if several else f"message {number}"
            if isinstance(part, ToolCall):
                if stage != "arguments":
                    continue  # looked at when it is to be made
                for name, value in _strings(part.arguments, "argument"):
                    yield Place(f"{where}, {name}", value, "arguments", part.provenance)
            elif isinstance(part, ToolResult):
                yield Place(where, part.content, "tool_result", part.provenance)
            elif isinstance(part, Text | Reasoning):
                outside = part.provenance.source in ("tool", "document")
                yield Place(where, part.text, "tool_result" if outside else stage, part.provenance)


def _strings(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            yield from _strings(inner, f"{name} {key}" if name == "argument" else f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(cast("Sequence[object]", value)):
            yield from _strings(inner, f"{name}[{at}]")


def rewritten(content: Sequence[Message], texts: Mapping[str, str]) -> tuple[Message, ...]:
    """``content`` with these texts by place; everything else as it was."""
    messages: list[Message] = []
    for number, message in enumerate(content, 1):
        several = len(message.parts) > 1
        parts = tuple(
            _part(part, f"message {number}, part {at}" if several else f"message {number}", texts)
            for at, part in enumerate(message.parts, 1)
        )
        messages.append(message if parts == message.parts else replace(message, parts=parts))
    return tuple(messages)


def _part(part: Part, where: str, texts: Mapping[str, str]) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, arguments=_value(part.arguments, f"{where}, argument", texts))
    if where not in texts:
        return part
    if isinstance(part, ToolResult):
        return replace(part, content=texts[where])
    if isinstance(part, Reasoning):
        return replace(part, text=texts[where], signature=None)  # the signature is of the old text
    return replace(part, text=texts[where]) if isinstance(part, Text) else part


def restored(message: Message, restore: Callable[[str], str]) -> Message:
    """``message`` with ``restore`` done to all of its texts."""
    texts = {
        place.where: restore(place.text)
        for stage in cast("tuple[Stage, ...]", ("output", "arguments"))
        for place in places_of(stage, [message])
    }
    return rewritten([message], texts)[0]


def _value(value: Any, name: str, texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return texts.get(name, value)
    if isinstance(value, Mapping):
        joint = " " if name.endswith(", argument") else "."
        inner = cast("Mapping[Any, Any]", value)
        return {key: _value(one, f"{name}{joint}{key}", texts) for key, one in inner.items()}
    if isinstance(value, list | tuple):
        return [_value(one, f"{name}[{at}]", texts) for at, one in enumerate(cast("Sequence[Any]", value))]
    return value


# --- what follows ------------------------------------------------------------------------------------------------


def _concerns(detector: str, born: Provenance) -> bool:
    return detector not in ABOUT_ORDERS or born.source not in ("developer", "model")


def _issue(found: Found) -> Issue:
    severity: Severity = "error" if found.action in ("ask", "block") else "warning"
    finding = found.finding
    return Issue(
        finding.rule,
        finding.what,
        severity,
        finding.span,
        finding.detector,
        finding.confidence,
        found.action,
        found.place.where,
    )


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that overlap as one that covers them all, named by the one that begins first.

    >>> [f.span for f in merged([Finding("a", (3, 9), 1, ""), Finding("b", (0, 5), 1, ""), Finding("c", (9, 10), 1, "")])]
    [(0, 9), (9, 10)]
    """
    whole: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.span[0], -f.span[1])):
        if whole and finding.span[0] < whole[-1].span[1]:
            end = max(whole[-1].span[1], finding.span[1])
            whole[-1] = replace(whole[-1], span=(whole[-1].span[0], end))
        else:
            whole.append(finding)
    return whole
