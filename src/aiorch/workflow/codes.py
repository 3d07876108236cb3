"""Every kind of problem that validation finds: one table of codes, and which of them are whose rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
"""What cannot work is an error and refuses the run; what is doubtful is a warning and does not."""

WORKFLOW_VALIDATION_RULES: Mapping[str, list[str]] = {
    "dependency_checks": [
        "no_circular_dependencies",
        "all_dependencies_exist",
        "dependency_order_valid",
    ],
    "resource_checks": [
        "api_keys_available",
        "sufficient_quota",
        "models_accessible",
    ],
    "feasibility_checks": [
        "estimated_time_reasonable",
        "estimated_cost_acceptable",
        "complexity_manageable",
    ],
}
"""The integration guide's nine rules, in its three groups; :data:`CODES` says which codes are a breach of which."""


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem."""

    meaning: str
    cure: str
    """What helps, where nothing more particular is known."""
    severity: Severity = "error"
    """Of most of its kind: a problem may have its own."""
    rule: str | None = None
    """The guide's rule that it breaks, where it is one of those."""


CODES: Mapping[str, Code] = {
    # --- the tasks themselves
    "empty": Code("the workflow has no task", "Add one with ask(), task() or add()."),
    "name": Code(
        "a task has a name that prompts and keys cannot hold",
        "Begin with a letter, go on with letters, digits, _ and -.",
    ),
    "duplicate": Code("two tasks have one name", "Rename one."),
    "template": Code("a prompt, question or label is malformed", "Double the braces that are meant as text."),
    "map": Code(
        "a mapping names nothing, or something that the task does not take, or allows no item",
        "Name parameters that the task takes: .map(item='list').",
    ),
    "parameter": Code(
        "uses= or arguments= name something that the function, tool or workflow has not got",
        "Use the names that it has.",
    ),
    "function": Code("a function's parameters cannot be read", "Wrap it in a def."),
    "input": Code("an input is declared twice, or a value handed in is not of its type", "Mend the value."),
    "policy": Code("an option says something that cannot be", "See the option's description."),
    "document": Code("a workflow file says something that is not understood", "Mend the file."),
    # --- what waits for what
    "unknown-task": Code(
        "a task is to wait for one that does not exist, or the workflow is to give its value",
        "Add it, or take the name out of after=.",
        rule="all_dependencies_exist",
    ),
    "cycle": Code(
        "tasks wait for each other in a circle",
        "Take one of the edges out; to repeat something until it is good, use loop().",
        rule="no_circular_dependencies",
    ),
    "unreachable": Code(
        "a task can never run: its conditions contradict each other, or it waits for tasks in a circle",
        "Mend the conditions, or remove the task.",
        "warning",
        "dependency_order_valid",
    ),
    "unused": Code(
        "a question is asked whose answer nobody takes",
        "Remove it, or take its value somewhere.",
        "warning",
    ),
    # --- where values come from
    "missing-input": Code(
        "somebody needs a value that no task gives and that was not handed in",
        "Hand it in, or add a task of that name.",
        rule="all_dependencies_exist",
    ),
    "unknown-input": Code("a value was handed in that nobody takes", "Leave it out, or rename it."),
    "prompt-variable": Code(
        "a prompt uses a name that nothing gives, and that looks like a task's: most likely a misspelling",
        "Mend the name in the prompt.",
        rule="all_dependencies_exist",
    ),
    "prompt-field": Code(
        "a prompt looks for something inside a value that its type has not got",
        "Use a field that the type has.",
    ),
    "when-source": Code(
        "a condition asks about something that is neither a task nor an input",
        "Name a task or an input.",
        rule="all_dependencies_exist",
    ),
    "not-provided": Code(
        "a function asks for an object of the caller's, and the caller has none of the kind",
        "Hand it in with provide=, or give the parameter a default.",
    ),
    "type-mismatch": Code(
        "a task gives what whoever takes it cannot take, as both are annotated",
        "Change one of the two types, or put a task between them.",
    ),
    "fallback-type": Code(
        "the value in place of a failed task's is of another type than its own, or than its takers take",
        "Give a fallback of that type, or let the takers have None.",
    ),
    # --- workflows in workflows
    "loop": Code(
        "a loop ends on a task, or carries a value, that is not there; or makes no round",
        "Name tasks and inputs of the inner workflow, and at least 1 round.",
    ),
    # --- how tasks are carried out
    "retry": Code(
        "the waits between the tries do not fit into the task's time, or repeat what must not be repeated",
        "Allow more time or fewer tries.",
        "warning",
    ),
    "too-short": Code(
        "a workflow in a task waits longer than the task may take",
        "Allow more time, or wait less.",
    ),
    "tag-limit": Code(
        "a limit lets a task never run, or (a warning) limits a tag that no task has",
        "Limit a tag to at least 1.",
    ),
    "blocking": Code(
        "a function in the event loop's own thread waits or computes there, and holds up everybody",
        "Let a plain function run in a thread (thread=True); in an async one await instead.",
        "warning",
    ),
    "unbounded": Code(
        "there is no bound to how often a task may be carried out, or it is far beyond reason",
        "Say most= of the mapping, or limit= beside it.",
        "warning",
        "complexity_manageable",
    ),
    "not-storable": Code(
        "a task's value cannot be written as JSON and read back, which a durable engine has to do",
        "Give plain data, a dataclass or a pydantic model; a file as an artifact.",
    ),
    # --- what it takes, and what there is
    "no-key": Code(
        "nobody can be asked for an agent, because a key is missing",
        "Set one of the keys; `aiorch keys` says where they come from.",
        rule="api_keys_available",
    ),
    "no-model": Code(
        "there is no model, or no profile, for an agent",
        "Name an agent that exists; `aiorch route` says who would be asked and why others are not.",
        rule="models_accessible",
    ),
    "quota": Code(
        "the workflow needs more calls or tokens than the allowances have left",
        "Add a key of another provider, ask less, or wait until the allowance begins anew.",
        rule="sufficient_quota",
    ),
    "too-slow": Code(
        "it takes longer than there is time",
        "Allow more time, raise the limit, or shorten the critical path.",
        "warning",
        "estimated_time_reasonable",
    ),
    "too-expensive": Code(
        "it costs more than the budget has left",
        "Allow more, or use free models.",
        "warning",
        "estimated_cost_acceptable",
    ),
    "too-complex": Code(
        "it is larger, deeper or more entangled than anybody can look after",
        "Put parts of it into workflows of their own, with sub().",
        "warning",
        "complexity_manageable",
    ),
}
"""Every code: what it means, what helps, how bad it mostly is, and the guide's rule."""
