"""What a tool declares of its arguments is held against what a model puts into them."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.arguments import ArgumentChecks, detector_of
from aiorch.safety.code import LONGEST, UnsafePython
from aiorch.safety.detection import OFF_THE_LOOP
from aiorch.safety.paths import UnsafePath
from aiorch.safety.policy import BALANCED, PERMISSIVE, read_policy
from aiorch.safety.urls import UnsafeUrl, address_of
from aiorch.tools import tool
from aiorch.types import Arg, Message, Task, ToolCall, ToolSpec

CALL = "call-1"


def task(**checks: Arg) -> Task:
    return Task((Message.user("hi"),), tools=(ToolSpec("act", "Acts.", {"type": "object"}, checks),))


def calling(**arguments: Any) -> tuple[Message]:
    return (Message("assistant", (ToolCall(CALL, "act", arguments),)),)


def test_an_annotation_declares_what_an_argument_is_for_and_the_model_is_not_told() -> None:
    @tool
    def find(name: Annotated[str, Arg("path", root="/srv")], limit: int = 3) -> str:
        return name

    assert find.spec.checks == {"name": Arg("path", root="/srv")}
    assert "path" not in str(find.spec.parameters)


@pytest.mark.anyio
async def test_only_declared_arguments_are_looked_at_and_the_policy_says_what_follows() -> None:
    checks = ArgumentChecks(lambda _: BALANCED)
    bad = "x' or 'a'='a"
    asked = task(name=Arg("sql"))
    verdict = await checks.validate("arguments", calling(name=bad, note=bad), asked)
    assert verdict.action == "block"
    assert {i.code.partition(".")[0] for i in verdict.issues} == {"sql"}
    assert {(i.severity, i.action) for i in verdict.issues} == {("error", "block")}
    assert all(i.message.startswith("act.name: ") and bad not in i.message for i in verdict.issues)
    assert (await checks.validate("arguments", calling(note=bad), asked)).action == "allow"
    assert (await checks.validate("arguments", calling(name="O'Brien"), asked)).action == "allow"
    assert (await checks.validate("arguments", calling(name=bad), task())).action == "allow"
    mild = ArgumentChecks(lambda _: PERMISSIVE)
    assert (await mild.validate("arguments", calling(name=bad), asked)).action == "flag"


@pytest.mark.anyio
async def test_texts_inside_of_lists_and_objects_are_looked_at_and_long_ones_in_a_thread() -> None:
    checks = ArgumentChecks(lambda _: BALANCED)
    asked = task(paths=Arg("path"))
    verdict = await checks.validate("arguments", calling(paths=[{"to": "../../x"}, 7, None, True]), asked)
    assert [i.message.partition(":")[0] for i in verdict.issues] == ["act.paths[0].to"]
    verdict = await checks.validate("arguments", calling(paths="a/" * OFF_THE_LOOP + "\0"), asked)
    assert verdict.action == "block"


@pytest.mark.anyio
async def test_an_argument_with_a_hole_is_another_argument_so_redacting_becomes_asking() -> None:
    policy = read_policy({"base": "permissive", "arguments": {"path": "redact"}})
    verdict = await ArgumentChecks(lambda _: policy).validate(
        "arguments", calling(p="../x"), task(p=Arg("path"))
    )
    assert (verdict.action, verdict.replacement) == ("ask", None)


def test_each_kind_has_its_detector_and_its_limits() -> None:
    bad = {
        Arg("sql"): "1 or 1=1",
        Arg("statement", allowed=("a",)): "DROP TABLE a",
        Arg("shell"): "; ls -l",
        Arg("command", allowed=("ls",)): "rm x",
        Arg("path", root="/srv/a"): "/srv/ab/x",
        Arg("url", allowed=("example.org",)): "https://example.com/",
        Arg("code"): "import subprocess",
    }
    for check, text in bad.items():
        assert detector_of(check).scan(text), check


# --- paths ---------------------------------------------------------------------------------------------------------


def path_rules(text: str, root: str | None = None) -> set[str]:
    return {found.rule.removeprefix("path.") for found in UnsafePath(root).scan(text)}


def test_a_path_that_stays_is_left_alone() -> None:
    for text in (
        "a.txt",
        "a/b/../c.txt",
        "./a",
        "b/.hidden",
        "reports/50% done.txt",
        "コピー.txt",
        "console.log",
        "v1..v2",
    ):
        assert path_rules(text) == set(), text
    assert (
        path_rules("/srv/a/b", "/srv/a")
        == path_rules("b/c", "/srv/a")
        == path_rules("/srv/a", "/srv/a/")
        == set()
    )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("../x", "traversal"),
        ("a/../../x", "traversal"),
        ("..\\x", "traversal"),
        ("%2e%2e%2fx", "traversal"),
        ("%252e%252e/x", "encoded"),
        ("..%c0%afx", "encoded"),
        ("．．／x", "traversal"),
        ("..;/x", "traversal"),
        ("/x", "absolute"),
        ("C:\\x", "absolute"),
        ("~/x", "absolute"),
        ("a\0.png", "nul"),
        ("a%00.png", "nul"),
        ("a\nb", "control"),
        ("\\\\host\\share", "network"),
        ("\\\\?\\C:\\x", "device"),
        ("logs/NUL.txt", "device"),
        ("file:///etc/passwd", "scheme"),
        ("x.txt:hidden", "stream"),
        ("../../etc/passwd", "system"),
    ],
)
def test_a_path_that_leaves_is_found(text: str, rule: str) -> None:
    assert rule in path_rules(text)


def test_a_root_holds_whatever_its_neighbour_is_called() -> None:
    for text in ("/srv/ab", "/srv/a/../b", "../a/x", "~", "/", "/srv//a/../../etc"):
        assert "outside" in path_rules(text, "/srv/a"), text


# --- addresses -----------------------------------------------------------------------------------------------------


def url_rules(text: str, **how: Any) -> set[str]:
    return {found.rule.removeprefix("url.") for found in UnsafeUrl(**how).scan(text)}


def test_public_addresses_are_left_alone() -> None:
    for text in (
        "https://example.org",
        "http://example.org:8080/a?b=c%20d#e",
        "https://8.8.8.8/",
        "https://[2606:4700::1]/",
    ):
        assert url_rules(text) == set(), text
    assert url_rules("https://a.example.org/", hosts=["example.org"]) == set()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.org", "scheme"),
        ("//example.org/x", "scheme"),
        ("https://example.org@203.0.113.9/", "userinfo"),
        ("http://127.0.0.1/", "private"),
        ("http://127.1/", "odd_address"),
        ("http://0x7f000001/", "odd_address"),
        ("http://017700000001/", "odd_address"),
        ("http://2130706433/", "private"),
        ("http://[::ffff:127.0.0.1]/", "private"),
        ("http://[64:ff9b::7f00:1]/", "private"),
        ("http://10.0.0.7/", "private"),
        ("http://localhost:9/", "private"),
        ("http://db.internal/", "private"),
        ("http://intranet/", "private"),
        ("http://127.0.0.1.nip.io/", "private"),
        ("http://169.254.169.254/latest", "metadata"),
        ("http://metadata.google.internal/", "metadata"),
        ("http://①②⑦.0.0.1/", "private"),
        ("http://127%2e0.0.1/", "encoded_host"),
        ("https://example.org\\@example.com/", "backslash"),
        ("https://exa\nmple.org/", "control"),
        ("https://", "malformed"),
        ("http://[::1", "malformed"),
        ("http://example.org:99999/", "malformed"),
        ("https://example.com/", "host"),
    ],
)
def test_an_address_that_leads_elsewhere_is_found(text: str, rule: str) -> None:
    how = {"hosts": ["example.org"]} if rule == "host" else {}
    assert rule in url_rules(text, **how)


def test_a_name_is_no_address() -> None:
    assert address_of("example.org") is None
    assert address_of("1.2.3.4.5") is None
    assert address_of("08.1.1.1") is None


# --- code ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("import subprocess as s", "process"),
        ("from os import path", "system"),
        ("import ctypes", "memory"),
        ("import socket", "network"),
        ("eval('1')", "dynamic"),
        ("__import__('os')", "import"),
        ("x.__class__.__mro__", "dunder"),
        ("getattr(x, '__globals__')", "dunder"),
        ("__builtins__", "dunder"),
        ("open('a', 'w')", "file_write"),
        ("open('a', mode=m)", "file_write"),
        ("open('a')", "files"),
        ("p.unlink()", "file_write"),
        ("x.system('id')", "process"),
        ("not python (", "unreadable"),
        ("x = 1\0", "unreadable"),
    ],
)
def test_what_code_reaches_for_is_named(text: str, rule: str) -> None:
    assert f"code.{rule}" in {found.rule for found in UnsafePython().scan(text)}


def test_code_that_only_computes_is_left_alone_and_places_are_exact() -> None:
    assert UnsafePython().scan("import math\nprint(math.sqrt(sum(x for x in range(9))))\nf()()") == []
    text = "é = 1\r\nß = eval('é')"
    (found,) = UnsafePython().scan(text)
    assert text[found.span[0] : found.span[1]] == "eval('é')"
    assert UnsafePython().scan("x" * (LONGEST + 1))[0].rule == "code.too_long"
    assert UnsafePython().scan("(" * 5_000)[0].rule == "code.unreadable"


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="./\\%2e0:@[]x1~\0", max_size=40)))
def test_any_text_is_looked_at_without_fault(text: str) -> None:
    for detector in (UnsafePath(), UnsafePath("/srv"), UnsafeUrl(), UnsafePython()):
        for found in detector.scan(text):
            assert 0 <= found.span[0] <= found.span[1] <= len(text)
