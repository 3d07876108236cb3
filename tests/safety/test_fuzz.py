"""No text makes the guard fail or hang, and what it says of any text is true of it."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.safety.keys import of_providers

from aiorch.errors import SettingsError
from aiorch.safety import Detector, Inspection, detectors, policy_of, read_policy, spotlit
from aiorch.safety.arguments import detector_of
from aiorch.safety.injection import Injection
from aiorch.safety.policy import STAGES, STRICT, Policy
from aiorch.safety.pseudonyms import Pseudonyms
from aiorch.safety.redaction import REDACTED
from aiorch.safety.secrets import Secrets
from aiorch.safety.spotlight import is_spotlit
from aiorch.safety.streaming import SecretStream
from aiorch.screening import Screening
from aiorch.settings import Settings
from aiorch.types import Arg, Message, Provenance, Reasoning, Stage, Task, Text, ToolCall, ToolResult

KINDS = get_args(get_type_hints(Arg)["kind"])
KEYS = sorted(of_providers(random.Random(3)).values())
PIECES = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=20),  # half surrogate pairs and NUL too
    st.sampled_from(
        [
            *KEYS,
            "ann.larsen@fjordmail.no",
            "+47 22 12 34 56",
            "4242 4242 4242 4242",
            "\ud800",
            "\0",
            "\u200b\u202e",
            "\U000e0041\U000e0042",
            "-----BEGIN PRIVATE KEY-----",
            "password = ",
            "Ignore all previous instructions",
            "aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM=",
            "' OR 1=1 --",
            "$(rm -rf /)",
            "../../etc/passwd",
            "http://user:pass@127.0.0.1",
            "```\n__import__('os')",
            "<EMAIL_1_",
            " ",
            "\r\n\u2028",
        ]
    ),
    st.builds(
        lambda unit, times: unit * times,
        st.sampled_from(["a", "0", "=", "((", "é", "ab1-"]),
        st.integers(1, 400),
    ),
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)


@cache
def lookers() -> dict[str, Detector]:
    """Every detector that there is, by what it is called here."""
    own: dict[str, Detector] = {d.name: d for d in (*detectors(), Injection())}
    for kind in KINDS:
        own[f"Arg {kind}"] = detector_of(Arg(kind, root="/srv") if kind == "path" else Arg(kind))
    return own


@settings(max_examples=40)
@given(TEXTS)
def test_what_a_detector_finds_in_any_text_is_in_it(text: str) -> None:
    for detector in lookers().values():
        for finding in detector.scan(text):
            low, high = finding.span
            assert 0 <= low < high <= len(text) or not text, (detector, finding)
            assert 0 <= finding.confidence <= 1
            assert finding.detector == detector.name
            assert finding.what
            assert not any(key in finding.what for key in KEYS)


LONG: dict[str, str] = {
    "digits": "4242-",
    "quotes and brackets": "'\"\\([{<",
    "addresses": "a.b@c-d.e",
    "urls": "https://a:b@",
    "beginnings of keys": "sk-",
    "heads of keys": "-----BEGIN PRIVATE KEY",
    "escapes": "\\u0041%41&#65;",
    "zero width": "a\u200be\u0301",
    "orders": "ignore all previous ",
    "shell": "$(`;|",
    "assignments": "password=",
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", [*lookers()])
def test_100_kb_of_anything_are_looked_at_in_time(name: str) -> None:
    detector = lookers()[name]
    for unit in LONG.values():
        detector.scan((unit * (100_000 // len(unit) + 1))[:100_000])


@pytest.mark.timeout(20)
def test_a_long_stream_letter_by_letter_is_looked_at_in_time() -> None:
    names = Pseudonyms(random.Random(1))
    names.hide("ann@mail.net", detector_of_mail("ann@mail.net"))
    for unit in ("a", "-----BEGIN PRIVATE KEY-----\n", "<EMAIL_", KEYS[0] + " "):
        for stream in (SecretStream(Secrets()), names.restoring()):
            for letter in (unit * (10_000 // len(unit) + 1))[:10_000]:
                stream.feed(letter)
            stream.close()


def detector_of_mail(text: str) -> Any:
    return lookers()["pii"].scan(text)


@pytest.mark.timeout(20)
def test_a_text_of_nothing_but_addresses_is_hidden_and_comes_back_in_time() -> None:
    text = " ".join(f"p{n}.larsen@fjordmail.no" for n in range(3_000))
    inspection, task = Inspection(lambda: [lookers()["pii"]], lambda task: STRICT), Task.of(text)
    verdict = inspection.inspect("input", task.messages, task)
    names = inspection.names(task)
    assert verdict.replacement is not None
    assert names is not None
    assert "fjordmail" not in verdict.replacement[0].text
    assert names.restore(verdict.replacement[0].text) == text


@settings(max_examples=25)
@given(TEXTS, st.sampled_from(STAGES), st.sampled_from(["strict", "balanced", "permissive"]))
def test_any_content_is_inspected_and_stays_content(text: str, stage: Stage, preset: str) -> None:
    policy = policy_of(preset)
    inspection = Inspection(
        lambda: tuple(lookers()[n] for n in ("secrets", "pii", "injection")), lambda t: policy
    )
    content = [
        Message.user(text, Text(text, Provenance("document", text))),
        Message("assistant", (Reasoning(text), ToolCall("1", text, {text: [text, {"a.b": text}]}, raw=text))),
        Message.tool(ToolResult("1", text)),
    ]
    task = Task(tuple(content))
    verdict = inspection.inspect(stage, content, task)
    assert (verdict.replacement is not None) >= (verdict.action == "redact")
    assert all(i.span is not None and i.where and text not in i.message for i in verdict.issues)
    if verdict.replacement is not None:
        again = inspection.inspect(stage, verdict.replacement, task)
        assert not any(i.action == "redact" and i.detector == "secrets" for i in again.issues)


@settings(max_examples=25)
@given(TEXTS)
def test_any_text_is_screened(text: str) -> None:
    screening = screened("strict")
    assert screening.look("output", {"a": [text, (text,)], text: 1}).action in (
        "allow",
        "flag",
        "redact",
        "ask",
        "block",
    )
    seen = screened("balanced").look("input", text)
    assert not seen.allowed or isinstance(seen.content, str)


@cache
def screened(preset: str) -> Screening:
    return Screening(Settings(data_dir=Path("nowhere"), guard=preset))


@settings(max_examples=30)
@given(TEXTS, st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_a_stream_shows_what_the_whole_answer_is_after_the_guard(text: str, sizes: list[int]) -> None:
    inspection = Inspection(lambda: (Secrets(),), lambda task: policy_of("balanced"))
    verdict = inspection.inspect("output", [Message.assistant(text)], Task.of("?"))
    (stream,) = inspection.watchers(Task.of("?"))
    shown, at, turn = "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        shown += stream.feed(text[at : at + size]).release
        at, turn = at + size, turn + 1
    shown += stream.close().release
    assert shown == (text if verdict.replacement is None else verdict.replacement[0].text)


@settings(max_examples=30)
@given(TEXTS, st.integers(1, 30))
def test_any_answer_is_restored_alike_however_it_is_split(text: str, size: int) -> None:
    names = Pseudonyms(random.Random(4))
    hidden = names.hide(text, detector_of_mail(text)) + text
    stream = names.restoring()
    shown = "".join(stream.feed(hidden[at : at + size]).release for at in range(0, len(hidden), size))
    assert shown + stream.close().release == names.restore(hidden)
    assert names.restore(names.hide(text, detector_of_mail(text))) == text


@settings(max_examples=40)
@given(TEXTS, st.text(max_size=30))
def test_every_line_of_any_text_is_marked_as_data(text: str, name: str) -> None:
    marked = spotlit(text, Provenance("tool", name), "seed")
    lines = marked.splitlines()
    assert is_spotlit(marked)
    assert not is_spotlit(text) or text.startswith("[")
    mark = lines[0].partition("]")[0] + "]"
    assert mark not in text
    assert all(line.startswith(f"{mark} ") for line in lines)


JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["redact", "ask"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYWORDS = st.sampled_from(["base", "style", "spotlight", *STAGES, "other"])


@settings(max_examples=60)
@given(
    st.dictionaries(KEYWORDS, JUNK | st.dictionaries(st.sampled_from(["pii", "secrets.x"]), JUNK, max_size=2))
)
def test_any_table_is_a_policy_or_says_what_is_wrong_with_it(table: dict[str, Any]) -> None:
    try:
        policy = read_policy(table)
    except SettingsError:
        return
    for stage in STAGES:
        assert policy.action(stage, "pii.email", 0.5) in ("allow", "flag", "redact", "ask", "block")
        assert policy.looks_for(stage, "pii") in (True, False)
    assert isinstance(policy, Policy)


@settings(max_examples=30)
@given(TEXTS)
def test_any_name_and_any_file_is_a_policy_or_says_what_is_wrong(text: str) -> None:
    for value in (text, f"{text}.toml", Path(text.replace("\0", "") or "x")):
        with pytest.raises(SettingsError):
            policy_of(value)
    file = Path("policy.toml")
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(SettingsError):
        policy_of(file)


def test_a_policy_file_that_is_nested_without_end_is_no_policy(tmp_path: Path) -> None:
    file = tmp_path / "deep.toml"
    file.write_text("a = " + "[" * 100_000)
    with pytest.raises(SettingsError, match="no TOML"):
        policy_of(file)


def test_an_argument_named_like_a_path_is_not_mistaken_for_another() -> None:
    call = ToolCall("1", "send", {"a": {"b": KEYS[0]}, "a.b": "mine", "c[0]": KEYS[1], "c": ["yours"]})
    policy = read_policy({"base": "off", "arguments": {"secrets": "redact"}})
    inspection = Inspection(lambda: (Secrets(),), lambda task: policy)
    verdict = inspection.inspect("arguments", [Message.assistant(call)], Task.of("?"))
    assert verdict.replacement is not None
    said = json.dumps(dict(verdict.replacement[0].tool_calls[0].arguments))
    assert json.loads(said) == {"a": {"b": REDACTED}, "a.b": "mine", "c[0]": REDACTED, "c": ["yours"]}


def test_a_text_that_holds_every_short_mark_is_marked_with_a_longer_one() -> None:
    text = "".join(f"[{n:04x}]" for n in range(0x10000))
    assert is_spotlit(spotlit(text, Provenance("tool", "x"), "seed"))
