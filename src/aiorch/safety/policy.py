"""What follows from a finding: per stage and rule an action, as one object that can be read.

base = "balanced"

[input]
pii = "redact"
"injection.score" = { flag = 0.5, ask = 0.95 }      # by confidence
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast, get_args

from aiorch.errors import SettingsError, nearest
from aiorch.safety.detection import Finding
from aiorch.types import Action, Issue, Stage

T = TypeVar("T")

Style = Literal["remove", "mask", "hash", "pseudonym"]
"""What stands in place of what was found: a notice, the same with its ends left, a hash that is the same for the same
value, or a name that is turned back into the value in the answer."""

STRENGTH: Final[Mapping[Action, int]] = {"allow": 0, "flag": 1, "redact": 2, "ask": 3, "block": 4}
"""Which action holds where several follow: the strongest."""
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
STYLES: Final[tuple[Style, ...]] = get_args(Style)

Graded = Mapping[Action, float]
"""Actions, each with the least confidence from which it follows; of those that follow the strongest holds."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Per stage: rules, or beginnings of their names, with what follows from a finding of theirs. The longest name that
    fits counts; what none fits is allowed.

    >>> BALANCED.action("input", "secrets.groq_key", 0.99)
    'redact'
    >>> BALANCED.action("output", "unheard.of", 1.0)
    'allow'
    """

    name: str
    stages: Mapping[Stage, Mapping[str, Graded]]
    style: Mapping[str, Style] = field(default_factory=dict[str, Style])
    """By rule or beginning of its name, how it is redacted; otherwise a notice takes its place."""
    spotlight: Literal["off", "found", "always"] = "found"
    """Whether what tools and documents say is marked as data for the model: never, where something was found in it, or
    always."""

    def action(self, stage: Stage, rule: str, confidence: float) -> Action:
        """What follows from a finding of ``rule`` at ``stage``."""
        graded = _longest(self.stages.get(stage, {}), rule)
        if graded is None:
            return "allow"
        return strongest(action for action, least in graded.items() if confidence >= least)

    def styled(self, rule: str) -> Style:
        """How a finding of ``rule`` is redacted."""
        return _longest(self.style, rule) or "remove"

    def looks_for(self, stage: Stage, detector: str) -> bool:
        """False where nothing would follow from whatever ``detector`` finds, so that it need not look.

        >>> PERMISSIVE.looks_for("tool_result", "harmful")
        False
        """
        return any(
            name.partition(".")[0] == detector and any(action != "allow" for action in graded)
            for name, graded in self.stages.get(stage, {}).items()
        )


def strongest(actions: Iterable[Action]) -> Action:
    """The one that holds of several; ``allow`` of none.

    >>> strongest(["flag", "block", "ask"])
    'block'
    """
    most: Action = "allow"
    for action in actions:
        if STRENGTH[action] > STRENGTH[most]:
            most = action
    return most


def issue_of(finding: Finding, action: Action, where: str | None = None) -> Issue:
    """How a finding is told, with what follows from it.

    >>> issue_of(Finding("pii.card", (5, 24), 0.9, "a card"), "ask").severity
    'error'
    """
    return Issue(
        finding.rule,
        finding.what,
        "error" if action in ("ask", "block") else "warning",
        finding.span,
        finding.detector,
        finding.confidence,
        action,
        where,
    )


def _longest(table: Mapping[str, T], rule: str) -> T | None:
    name = rule
    while name:
        if (found := table.get(name)) is not None:
            return found
        name = name.rpartition(".")[0]
    return None


# --- presets -----------------------------------------------------------------------------------------------------


def _always(**actions: Action) -> dict[str, Graded]:
    return {name.replace("__", "."): {action: 0.0} for name, action in actions.items()}


BALANCED = Policy(
    "balanced",
    {
        "input": _always(secrets="redact", injection__rule="block", injection__score="flag", harmful="flag"),
        "output": _always(secrets="redact", pii="flag"),
        "arguments": _always(
            sql="block", shell="block", path="block", url="block", code="block", secrets="ask"
        ),
        "tool_result": _always(secrets="redact", injection="flag"),
    },
)
"""Precise rules act, scores tell. What people write about themselves goes to the model that they ask."""

STRICT = Policy(
    "strict",
    {
        "input": {
            **_always(secrets="block", pii="redact", injection__rule="block", harmful="flag"),
            "injection.score": {"ask": 0.0},
        },
        "output": _always(secrets="block", pii="redact"),
        "arguments": _always(
            sql="block", shell="block", path="block", url="block", code="block", secrets="block", pii="ask"
        ),
        "tool_result": _always(
            secrets="redact", pii="redact", injection__rule="redact", injection__score="flag"
        ),
    },
    style={"pii": "pseudonym"},
    spotlight="always",
)
"""What is found of persons and keys reaches no third party; what is doubtful is asked."""

PERMISSIVE = Policy(
    "permissive",
    {
        "input": _always(secrets="flag", injection="flag"),
        "output": _always(secrets="redact"),
        "arguments": _always(sql="flag", shell="flag", path="flag", url="flag", code="flag"),
        "tool_result": _always(secrets="flag", injection="flag"),
    },
    spotlight="off",
)
"""Everything is told and goes on; only keys are taken out of answers."""

OFF = Policy("off", {}, spotlight="off")
"""Nobody looks; an input's size and structure are still checked."""

PRESETS: Final[Mapping[str, Policy]] = {p.name: p for p in (BALANCED, STRICT, PERMISSIVE, OFF)}


# --- reading -----------------------------------------------------------------------------------------------------


def policy_of(value: str | Path) -> Policy:
    """A preset by its name, or the policy in a TOML file.

    >>> policy_of("strict").spotlight
    'always'

    :raises SettingsError: when there is no such preset or file, or the file cannot be used; all problems at once.
    """
    if isinstance(value, str) and (preset := PRESETS.get(value)) is not None:
        return preset
    if isinstance(value, str) and not value.endswith(".toml"):
        near = nearest(value, PRESETS, most=1)
        offer = f"did you mean {near[0]!r}? " if near else ""
        raise SettingsError(
            f"there is no guard policy {value!r}: {offer}take one of {', '.join(PRESETS)}, or the path of a .toml file"
        )
    import tomllib

    path = Path(value)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as fault:
        raise SettingsError(f"the guard policy {path} cannot be read: {fault.strerror}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise SettingsError(f"the guard policy {path} is no TOML: {fault}") from fault
    except ValueError as fault:  # a path with a NUL or half a character in it
        raise SettingsError(f"the guard policy {str(path)!r} cannot be read: {fault}") from fault
    return read_policy(table, name=path.stem)


def read_policy(table: Mapping[str, Any], name: str = "own") -> Policy:
    """A policy from plain data, on top of the preset that ``base`` names (otherwise ``balanced``).

    >>> read_policy({"input": {"pii": "redact"}}).action("input", "pii.email", 1.0)
    'redact'

    :raises SettingsError: for what is no stage, action, style or confidence; all problems at once.
    """
    wrong: list[str] = []
    known = ("base", "style", "spotlight", *STAGES)
    wrong += [f"{key!r} is unknown here; there is {', '.join(known)}" for key in table if key not in known]
    base = PRESETS.get(str(table.get("base", "balanced")))
    if base is None:
        wrong.append(f"base = {table['base']!r}: must be one of {', '.join(PRESETS)}")
        base = BALANCED
    stages = {
        stage: {**base.stages.get(stage, {}), **_rules(table.get(stage, {}), stage, wrong)}
        for stage in STAGES
    }
    style = {**base.style, **_styles(table.get("style", {}), wrong)}
    spotlight = table.get("spotlight", base.spotlight)
    if spotlight not in ("off", "found", "always"):
        wrong.append(f"spotlight = {spotlight!r}: must be 'off', 'found' or 'always'")
        spotlight = base.spotlight
    if wrong:
        raise SettingsError(f"the guard policy {name} cannot be used: " + "; ".join(wrong))
    return replace(base, name=name, stages=stages, style=style, spotlight=spotlight)


def _rules(table: object, stage: Stage, wrong: list[str]) -> dict[str, Graded]:
    if not isinstance(table, Mapping):
        wrong.append(f"[{stage}] must be a table of rules with actions")
        return {}
    rules: dict[str, Graded] = {}
    for rule, said in cast("Mapping[str, object]", table).items():
        one = said if isinstance(said, str) else repr(said)  # a list, for one, cannot be looked up
        graded = cast("Mapping[object, object]", said) if isinstance(said, Mapping) else {one: 0.0}
        for action, least in graded.items():
            if action not in ACTIONS:
                wrong.append(f"[{stage}] {rule} = {action!r}: must be one of {', '.join(ACTIONS)}")
            elif isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
                wrong.append(f"[{stage}] {rule}, {action} = {least!r}: must be a confidence from 0 to 1")
        rules[rule] = cast("Graded", graded)
    return rules


def _styles(table: object, wrong: list[str]) -> dict[str, Style]:
    if not isinstance(table, Mapping):
        wrong.append("[style] must be a table of rules with styles")
        return {}
    styles = cast("Mapping[str, Style]", table)
    wrong += [
        f"[style] {rule} = {style!r}: must be one of {', '.join(STYLES)}"
        for rule, style in styles.items()
        if style not in STYLES
    ]
    return dict(styles)
