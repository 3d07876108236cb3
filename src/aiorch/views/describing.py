"""What a task does, in words: one place for drawings, tables, lines and diagrams."""

from __future__ import annotations

from datetime import UTC, datetime

from aiorch.views.drawing import Kind
from aiorch.views.markup import clean
from aiorch.workflow import Ask, Call, Node
from aiorch.workflow.nodes import PLAIN, REQUIRED, Approve, Condition, Loop, Mapped, Sleep, Sub, Use, WaitFor
from aiorch.workflow.signature import called

MOST_PROMPT = 300
"""Characters of a prompt or a question that are shown."""
USUAL_ITEMS = Mapped(()).most
"""The bound of a mapped task about which nothing was said."""


def kind_of(node: Node) -> Kind:
    """As what it is drawn."""
    match node.work:
        case Ask():
            return "model"
        case Call():
            return "function"
        case Use():
            return "tool"
        case Sub():
            return "workflow"
        case Loop():
            return "loop"
        case Approve():
            return "person"
        case WaitFor():
            return "event"
        case Sleep():
            return "time"


def does(node: Node) -> str:
    """What it does, in a few words: ``asks general for list[str], once for each``."""
    work = node.work
    match work:
        case Ask():
            done = f"asks {work.agent}{'' if work.output is str else f' for {type_name(work.output)}'}"
        case Call():
            done = f"calls {called(work.function).rpartition('.')[2]}"
        case Use():
            done = f"uses the tool {work.tool.spec.name}"
        case Sub():
            done = f"carries out {work.graph.name} ({many(len(work.graph.nodes), 'task')})"
        case Loop():
            done = f"repeats {work.graph.name} ({_rounds(work)})"
        case Approve():
            done = f"asks a person{_within(work.timeout)}"
        case WaitFor():
            done = f"waits for the event {work.event}{_within(work.timeout)}"
        case Sleep():
            done = f"waits {duration(work.seconds)}"
    return f"{done}, once for each{_bounds(node.mapped)}" if node.mapped else done


def note(node: Node) -> str:
    """What stands below its name in a drawing."""
    if node.mapped:
        return f"each of {', '.join(s for p in node.mapped.over for s in p.sources)}{_bounds(node.mapped)}"
    work = node.work
    match work:
        case Ask():
            return work.agent
        case Call():
            return ""
        case Use():
            return "" if work.tool.spec.name == node.name else work.tool.spec.name
        case Sub():
            return many(len(work.graph.nodes), "task")
        case Loop():
            return _rounds(work)
        case Approve():
            return f"a person decides{_within(work.timeout)}"
        case WaitFor():
            named = "" if work.event == node.name else work.event
            return f"{named or 'an event'}{_within(work.timeout)}"
        case Sleep():
            return duration(work.seconds)


def hint(node: Node) -> str:
    """All of it, for whoever rests the pointer on it."""
    work = node.work
    said = ""
    match work:
        case Ask():
            said = clean(work.prompt.text, MOST_PROMPT)
        case Approve():
            said = clean(work.question.text, MOST_PROMPT)
        case Call():
            said = called(work.function)
        case Use():
            said = clean(work.tool.spec.description, MOST_PROMPT)
        case Loop() if work.carry:
            said = "next round: " + ", ".join(f"{into} = {task}" for into, task in work.carry.items())
        case _:
            pass
    conditions = "; ".join(f"only {condition.source} {condition_text(condition)}" for condition in node.when)
    return "\n".join(line for line in (f"{node.name}: {does(node)}", conditions, how(node), said) if line)


def how(node: Node) -> str:
    """How it is carried out, where something was said about it: ``3 attempts, 30 s each; cached for 1 h``."""
    policy = node.policy
    if policy == PLAIN:
        return ""
    tries = f"{policy.retry.attempts} attempts" if policy.retry else ""
    told = (
        ", ".join(
            part for part in (tries, f"{duration(policy.timeout)} each" if policy.timeout else "") if part
        ),
        "" if policy.on_error == "fail" else f"a failure {_tolerated(policy.on_error, policy.fallback)}",
        f"cached for {duration(policy.cache)}" if policy.cache else "",
        f"alone with {', '.join(policy.resources)}" if policy.resources else "",
        f"tags {', '.join(policy.tags)}" if policy.tags else "",
        f"priority {policy.priority}" if policy.priority else "",
        "" if policy.idempotent else "never twice",
    )
    return "; ".join(part for part in told if part)


def condition_text(condition: Condition) -> str:
    """What a condition asks: ``if true``, ``= question``, ``if is_long``."""
    wanted = condition.test
    if isinstance(wanted, bool):
        return "if true" if wanted else "if not"
    if callable(wanted):
        named = called(wanted).rpartition(".")[2]
        return "if …" if named == "<lambda>" else f"if {named}"
    return f"= {clean(wanted, 40)}"


def values_of(node: Node) -> tuple[str, ...]:
    """The tasks and inputs whose values it takes, without those that only decide."""
    found = dict.fromkeys(source for port in node.ports for source in port.sources)
    if node.mapped:
        found.update(dict.fromkeys(source for port in node.mapped.over for source in port.sources))
    return tuple(found)


def type_name(kind: object) -> str:
    """A type as people write it."""
    return kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.25), duration(90), duration(7200), duration(259200)
    ('0.25 s', '90 s', '2 h', '3 d')
    """
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def moment(at: float) -> str:
    """A time, in epoch seconds, as the clock on the wall shows it here."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def many(count: int, name: str) -> str:
    """A number with its noun.

    >>> many(1, "task"), many(2000, "task")
    ('1 task', '2,000 tasks')
    """
    return f"{count:,} {name if count == 1 else f'{name}s'}"


def _rounds(work: Loop) -> str:
    until = f"until {work.until}, " if work.until else ""
    return f"{until}{'at most ' if work.until else ''}{many(work.most, 'round')}"


def _within(timeout: float | None) -> str:
    return "" if timeout is None else f", {duration(timeout)} at most"


def _bounds(mapped: Mapped) -> str:
    told = (
        f"{mapped.limit:,} at once" if mapped.limit else "",
        "any number"
        if mapped.most is None
        else f"at most {mapped.most:,}"
        if mapped.most != USUAL_ITEMS
        else "",
    )
    return "".join(f", {part}" for part in told if part)


def _tolerated(on_error: str, fallback: object) -> str:
    if on_error == "skip":
        return "skips who needs it"
    return "is passed over" if fallback is REQUIRED else f"gives {clean(repr(fallback), 40)}"
