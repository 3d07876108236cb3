"""What a workflow file may say: every key, the form of its value, and what it means.

The reader, the JSON schema and the tables of the documentation are all made from these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aiorch.errors import nearest
from aiorch.workflow.shapes import WORDS

_SHOWN = 60
"""Characters of a wrong value that a message quotes."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a value looks like."""

    words: str
    schema: Mapping[str, Any]
    """The same as JSON schema, of everything but ``keys``."""
    fits: Callable[[Any], bool]
    keys: Mapping[str, Key] = field(default_factory=dict[str, "Key"])
    """Where the value is a mapping of fixed keys."""
    keyed: Callable[[Any], bool] = lambda _: False
    """Whether it is: some values may be written short, too."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, and what it means."""

    form: Form
    about: str


# --- forms -------------------------------------------------------------------------------------------------------


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: Any, of: Callable[[Any], bool]) -> bool:
    if not isinstance(value, Mapping):
        return False
    pairs = cast("Mapping[Any, Any]", value)
    return all(isinstance(key, str) and of(one) for key, one in pairs.items())


def _list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(of(one) for one in cast("list[Any]", value))


def _names(value: Any) -> bool:
    return _text(value) or _list(value, _text)


def is_plain(value: Any) -> bool:
    """Whether JSON has such a value: text, finite numbers, true and false, null, lists and mappings of them."""
    if value is None or isinstance(value, str | bool | int):
        return True
    if isinstance(value, float):
        return value - value == 0
    return _list(value, is_plain) or (type(value) is dict and _mapping(value, is_plain))


def _condition(value: Any) -> bool:
    return _text(value) or (_mapping(value, is_plain) and bool(value))


def _type(value: Any) -> bool:
    if _list(value, _text):
        return bool(value)
    if isinstance(value, list):
        inside = cast("list[Any]", value)
        return len(inside) == 1 and not isinstance(inside[0], str) and _type(inside[0])
    return _text(value) or _mapping(value, _type)


def _one_of(*words: str, hint: str = "") -> Form:
    *most, last = words
    return Form(f"{', '.join(most)} or {last}{hint}", {"enum": list(words)}, lambda value: value in words)


def _keyed(words: str, **keys: Key) -> Form:
    return Form(
        words, {"type": "object"}, lambda v: isinstance(v, Mapping), keys, lambda v: isinstance(v, Mapping)
    )


_TEXTS = {"type": "array", "items": {"type": "string"}}
_NAMES = {"anyOf": [{"type": "string"}, _TEXTS]}
_PLAIN_WORD = "|".join(WORDS)
_TYPE_PATTERN = (
    rf"^\s*(list\[\s*|dict\[\s*str\s*,\s*)*({_PLAIN_WORD}|[A-Za-z_][\w.]*:[A-Za-z_][\w.]*)(\s*[\]?])*\s*$"
)

TYPE_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": _TYPE_PATTERN},
        {**_TEXTS, "minItems": 1},
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "object", "$ref": "#/$defs/type"},
                    {"type": "array", "$ref": "#/$defs/type"},
                ]
            },
            "minItems": 1,
            "maxItems": 1,
        },
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/type"}},
    ]
}
"""Of a type: a word, a choice of texts, a list of one mapping or choice, or a mapping of fields."""

TEXT = Form("a text", {"type": "string"}, _text)
NUMBER = Form("a number", {"type": "number"}, _number)
SECONDS = Form("a number of seconds", {"type": "number"}, _number)
WHOLE = Form("a whole number", {"type": "integer"}, _whole)
SWITCH = Form("true or false", {"type": "boolean"}, lambda value: isinstance(value, bool))
NAMES = Form("a name or a list of names", _NAMES, _names)
TEXTS = Form("a list of texts", _TEXTS, lambda value: _list(value, _text))
FUNCTION = Form("module:function", {"type": "string", "pattern": "^[^:]+:[^:]+$"}, _text)
TOOL = Form("module:tool, or the name of a plugin's tool", {"type": "string"}, _text)
TOOLS = Form("a list of tools, each module:tool or the name of a plugin's", _TEXTS, lambda v: _list(v, _text))
JSON = Form("a value that JSON has: quote dates, and write tuples as lists", {}, is_plain)
JSONS = Form("a mapping of values that JSON has", {"type": "object"}, lambda value: _mapping(value, is_plain))
HEADERS = Form(
    "a mapping of texts",
    {"type": "object", "additionalProperties": {"type": "string"}},
    lambda value: _mapping(value, _text),
)
CARRY = Form(
    "a mapping: {input: task}",
    {"type": "object", "additionalProperties": {"type": "string"}},
    lambda value: _mapping(value, _text),
)
USES = Form(
    "a mapping: {parameter: task}, or {parameter: [task, task]}",
    {"type": "object", "additionalProperties": _NAMES},
    lambda value: _mapping(value, _names),
)
SCHEMA = Form(
    "a JSON schema with 'type: object'",
    {"type": "object", "properties": {"type": {"const": "object"}}, "required": ["type"]},
    lambda value: isinstance(value, Mapping),
)
TYPE = Form(
    "a type (str, int, float, bool, any, dict, list[...], dict[str, ...], module:Class, with ? behind it for null), "
    "a list of texts to choose from, or a mapping: {field: type}",
    {"$ref": "#/$defs/type"},
    _type,
)
_WHEN = {"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1}]}
WHEN = Form(
    "the name of a task or an input, a mapping: {name: value}, or a list of such",
    {"anyOf": [*_WHEN["anyOf"], {"type": "array", "items": _WHEN}]},
    lambda value: _condition(value) or _list(value, _condition),
)

BUDGET = _keyed(
    "a mapping: {usd: 0, tokens: 50000, attempts: 5}",
    usd=Key(NUMBER, "US dollars at the most"),
    tokens=Key(WHOLE, "input and output tokens at the most, over all attempts"),
    attempts=Key(WHOLE, "calls to providers at the most"),
)
RETRY = Form(
    "a number of attempts, or a mapping: {attempts: 3, delay: 1, on: [OSError]}",
    {"type": "integer"},
    _whole,
    {
        "attempts": Key(WHOLE, "in all, the first one included; 3 where it is not said"),
        "delay": Key(SECONDS, "the first wait; 1"),
        "factor": Key(NUMBER, "how much longer each further wait is; 2"),
        "longest": Key(SECONDS, "no wait is longer; 60"),
        "jitter": Key(SWITCH, "draw each wait between 0 and its full time; true"),
        "on": Key(NAMES, "exceptions that are worth another try: Python's by name, others as module:Class"),
    },
    lambda value: isinstance(value, Mapping),
)
MAP = Form(
    "a mapping: {item: list}, or {over: {item: list}, most: 100, limit: 4}",
    {"type": "object", "additionalProperties": {"type": "string"}},
    lambda value: _mapping(value, _text),
    {
        "over": Key(CARRY, "what an item is called inside, and the task or input that gives its list"),
        "on_error": Key(
            _one_of("fail", "collect"), "`collect` puts an item's exception in the place of its result"
        ),
        "label": Key(TEXT, "what displays call an item, as a template over its names"),
        "most": Key(
            Form(
                "a whole number, or unbounded",
                {"anyOf": [{"type": "integer"}, {"const": "unbounded"}]},
                lambda value: value == "unbounded" or _whole(value),
            ),
            "items at the most: a longer list fails the task before any begins; 10000",
        ),
        "limit": Key(WHOLE, "items at work at once, where that should be fewer than the run allows"),
    },
    lambda value: isinstance(value, Mapping) and isinstance(cast("Any", value).get("over"), Mapping),
)
BY_PROVIDER = Form(
    "a mapping: {provider: {body: {...}, headers: {...}}}",
    {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {"body": JSONS.schema, "headers": HEADERS.schema},
            "additionalProperties": False,
        },
    },
    lambda value: _mapping(
        value,
        lambda own: (
            _mapping(own, lambda _: True)
            and set(own) <= {"body", "headers"}
            and JSONS.fits(own.get("body", {}))
            and HEADERS.fits(own.get("headers", {}))
        ),
    ),
)
INPUT = Form(
    "a type, or a mapping: {type: int, default: 7, about: ...}",
    {"anyOf": [{"type": "string", "$ref": "#/$defs/type"}, {"type": "array", "$ref": "#/$defs/type"}]},
    lambda value: isinstance(value, str | list) and _type(value),
    {
        "type": Key(TYPE, "what it has to be; any where it is not said"),
        "schema": Key(SCHEMA, "the same as a JSON schema"),
        "default": Key(JSON, "its value where none is handed in"),
        "about": Key(TEXT, "what it is, for people"),
    },
    lambda value: isinstance(value, Mapping),
)
INPUTS = Form("a mapping: {input: type}", {"type": "object"}, lambda value: _mapping(value, lambda _: True))
TASKS = Form(
    "a mapping of at least one task's name to what it does",
    {"type": "object", "minProperties": 1},
    lambda value: isinstance(value, Mapping) and len(cast("Any", value)) > 0,
)
FILE = Form("the path of a workflow file, seen from this one", {"type": "string"}, _text)

# --- keys --------------------------------------------------------------------------------------------------------

TOP: Mapping[str, Key] = {
    "name": Key(TEXT, "what it is called, for people; the file's name where it is not said"),
    "inputs": Key(
        INPUTS, "what it takes, with types and defaults; names that are not declared are taken too"
    ),
    "tasks": Key(TASKS, "its tasks, in any order"),
    "gives": Key(TEXT, "the task whose value is the workflow's own; the last one where it is not said"),
}
"""Of a workflow."""

INSIDE = Form(
    "a workflow: {tasks: {...}} like this one, or {file: other.yaml}",
    {"type": "object"},
    lambda value: isinstance(value, Mapping),
    {**TOP, "file": Key(FILE, "the workflow is in this file (`flows.py:name` for one of several)")},
    lambda value: isinstance(value, Mapping),
)

_AFTER = {"after": Key(NAMES, "tasks that must be done before, without giving a value")}
_WHEN_KEY = {
    "when": Key(
        WHEN,
        "carry it out only where a value passes: a name alone wants a true value; {name: value} wants that value, with "
        "true and false for any true or false one; several must all pass",
    )
}
_MAP_KEY = {"map": Key(MAP, "carry it out once per item of a list; its value is the list of results")}
_USES_KEY = {"uses": Key(USES, "where a parameter takes its value from, when not from its namesake")}
_POLICY: Mapping[str, Key] = {
    "retry": Key(RETRY, "how often it is tried, and how long apart"),
    "timeout": Key(SECONDS, "for one try; of a question for everything, retries included"),
    "on_error": Key(
        _one_of("fail", "skip", "continue", hint=" (collect is said inside of map)"),
        "what its failure does: end the run, skip those who wait for it, or go on with `fallback`",
    ),
    "fallback": Key(JSON, "the value in place of a failed task's; giving one means `on_error: continue`"),
    "cache": Key(SECONDS, "for so long the same task with the same values is not carried out again"),
    "priority": Key(WHOLE, "higher goes first; 0"),
    "resources": Key(
        NAMES, "what it needs for itself alone: tasks that share one never run at the same time"
    ),
    "tags": Key(NAMES, "what `execute(limits={tag: n})` limits"),
    "idempotent": Key(
        SWITCH, "false: what was started and never committed is not repeated before a person says so"
    ),
}
_OUTPUT: Mapping[str, Key] = {
    "output": Key(TYPE, "the type of the value"),
    "schema": Key(SCHEMA, "the same as a JSON schema"),
}

KINDS: Mapping[str, Mapping[str, Key]] = {
    "ask": {
        "ask": Key(TEXT, "the prompt: `{name}` is an edge or an input, `{{` is a brace"),
        "agent": Key(TEXT, "whose profile answers; general"),
        "system": Key(TEXT, "the system prompt, instead of the agent's"),
        **_OUTPUT,
        "tools": Key(TOOLS, "what the model may call"),
        "temperature": Key(NUMBER, "0 is nearly deterministic"),
        "max_tokens": Key(WHOLE, "the longest answer"),
        "stop": Key(TEXTS, "texts at which the answer ends"),
        "seed": Key(WHOLE, "for answers that can be repeated, where a provider can"),
        "top_p": Key(NUMBER, "nucleus sampling, 0 to 1"),
        "extra": Key(JSONS, "fields of a provider's own, sent as they are"),
        "headers": Key(HEADERS, "headers, sent as they are"),
        "by_provider": Key(BY_PROVIDER, "what is said to one provider only"),
        "budget": Key(BUDGET, "the most that it may cost"),
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
        **_POLICY,
    },
    "call": {
        "call": Key(
            FUNCTION, "a function, plain or async, of a module that is installed or lies beside the file"
        ),
        **_USES_KEY,
        "thread": Key(SWITCH, "false: a plain function runs in the event loop's own thread"),
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
        **_POLICY,
    },
    "use": {
        "use": Key(TOOL, "a tool, called under the same guard as when a model calls it"),
        "arguments": Key(
            JSONS, "constant arguments; every other one that it requires is an edge or an input"
        ),
        **_USES_KEY,
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
        **_POLICY,
    },
    "sub": {
        "sub": Key(INSIDE, "another workflow as one task"),
        **_USES_KEY,
        "spread": Key(SWITCH, "true: under an engine with workers a run of its own"),
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
        **_POLICY,
    },
    "loop": {
        "loop": Key(INSIDE, "another workflow, carried out until it is good"),
        "most": Key(WHOLE, "rounds at the most; has to be said"),
        "until": Key(TEXT, "the task of that workflow whose true value ends it"),
        "carry": Key(CARRY, "for an input the task whose value it takes from the second round on"),
        **_USES_KEY,
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
        **_POLICY,
    },
    "approve": {
        "approve": Key(TEXT, "what a person reads and decides; a template like a prompt"),
        "refused": Key(_one_of("skip", "continue"), "skip those who wait for it, or give them False"),
        "timeout": Key(SECONDS, "after that silence is a refusal"),
        **_AFTER,
        **_WHEN_KEY,
        **_MAP_KEY,
    },
    "wait_for": {
        "wait_for": Key(TEXT, "the event that has to be sent to the run"),
        **_OUTPUT,
        "timeout": Key(SECONDS, "after that it fails"),
        **_AFTER,
        **_WHEN_KEY,
    },
    "sleep": {"sleep": Key(SECONDS, "waits so long"), **_AFTER, **_WHEN_KEY},
}
"""For each kind of task its keys; the first one, called like the kind, says what it does."""

NEEDED: Mapping[str, tuple[str, ...]] = {"loop": ("most",)}
"""Keys without which a kind makes no sense."""


# --- held to them ------------------------------------------------------------------------------------------------


def strangers(document: Mapping[Any, Any], known: Mapping[str, Key], where: str) -> Iterator[str]:
    """Keys that are not known, each with the nearest that is, and values that have not the form of their key."""
    for key, value in document.items():
        if key in known:
            yield from misfits(known[key].form, value, f"{where}: {key!r}")
            continue
        near = nearest(str(key), known)
        offer = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known are {', '.join(known)}."
        yield f"[document] {where}: unknown key {str(key)!r}. {offer}"


def misfits(form: Form, value: Any, where: str) -> Iterator[str]:
    """What keeps a value from having this form."""
    if form is INSIDE and isinstance(value, Mapping):
        return  # read as a document of its own
    if form.keyed(value):
        yield from strangers(cast("Mapping[Any, Any]", value), form.keys, where)
    elif not form.fits(value):
        shown = repr(value)
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
        yield f"[document] {where} should be {form.words}, not {shown}"


def kind_of(task: Mapping[str, Any]) -> str | None:
    """Which kind of task it is; ``None`` where none or several are said."""
    said = [kind for kind in KINDS if kind in task]
    return said[0] if len(said) == 1 else None


# --- as JSON schema ----------------------------------------------------------------------------------------------


def document_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of workflow files."""
    inside = _object(INSIDE.keys)
    inside["oneOf"] = [
        {"required": ["tasks"], "properties": {"file": False}},
        {"required": ["file"], "properties": dict.fromkeys(TOP, False)},
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workflow of aiorch",
        **_object(TOP),
        "required": ["tasks"],
        "$defs": {
            "type": TYPE_SCHEMA,
            "input": _both(INPUT),
            "inside": inside,
            "task": {"type": "object", "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in KINDS]},
            **{kind: _task(kind) for kind in KINDS},
        },
    }


def _task(kind: str) -> dict[str, Any]:
    keys = KINDS[kind]
    made = _object(keys) | {"required": [kind, *NEEDED.get(kind, ())]}
    return made | ({"not": {"required": ["output", "schema"]}} if "schema" in keys else {})


def _object(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {**_schema(key.form), "description": key.about} for name, key in keys.items()},
        "additionalProperties": False,
    }


def _schema(form: Form) -> Mapping[str, Any]:
    if form is INSIDE:
        return {"$ref": "#/$defs/inside"}
    if form is INPUTS:
        return {"type": "object", "additionalProperties": {"$ref": "#/$defs/input"}}
    if form is TASKS:
        return {**form.schema, "additionalProperties": {"$ref": "#/$defs/task"}}
    return _both(form) if form.keys else form.schema


def _both(form: Form) -> Mapping[str, Any]:
    """Of a value that may be written short or as a mapping."""
    fields = _object(form.keys)
    if form is INPUT:
        fields["not"] = {"required": ["type", "schema"]}
    if form is MAP:
        fields["required"] = ["over"]
    return fields if form.schema == {"type": "object"} else {"anyOf": [form.schema, fields]}
