"""A secret in a stream is never shown, however it is cut; everything else is shown as early as may be."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.safety.keys import ALNUM, drawn, of_providers, private_key

from aiorch.protocols import StreamValidator
from aiorch.safety.secrets import Secrets
from aiorch.safety.streaming import BLOCK_HELD, HELD, SecretStream

SECRETS = Secrets()
RNG = random.Random(11)
KEYS = of_providers(RNG)
PRIVATE = private_key(RNG)
ANSWERS = (
    f"Use {KEYS['groq_key']}, and\n`{KEYS['openrouter_key']}`; then go.",
    f'config = {{"password": "Tr0ub4dor&3x", "host": "db"}}\nAPI_TOKEN={drawn(RNG, 40)}',
    f"Here it is:\n{PRIVATE}\nKeep it.",
    "-----BEGIN CERTIFICATE-----\nabc\n-----BEGIN -----BEGIN RSA",
    "-----BEGIN " + "PRIVATE KEY-----\n" + drawn(RNG, 200) + "\nnever ended",
    "Plain prose, with 'quotes' and <tags>; numbers 123,456.78 and a long_identifier_name(x).",
)


def streamed(text: str, sizes: list[int]) -> str:
    stream = SecretStream(SECRETS)
    shown, at = "", 0
    for size in [*sizes, len(text)]:
        shown += stream.feed(text[at : at + size]).release
        at += size
    return shown + stream.close().release


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ANSWERS), st.lists(st.integers(1, 30), max_size=60))
def test_any_split_is_released_alike_and_shows_no_secret(text: str, sizes: list[int]) -> None:
    shown = streamed(text, sizes)
    assert shown == streamed(text, [])
    for secret in (*KEYS.values(), "Tr0ub4dor&3x", PRIVATE.splitlines()[3]):
        assert secret not in shown


@settings(max_examples=30, deadline=None)
@given(
    st.text(alphabet="-BEGINPRVATKYsk_=:'\" \nabc1", max_size=120), st.lists(st.integers(0, 9), max_size=30)
)
def test_any_text_is_released_alike_however_it_is_cut(text: str, sizes: list[int]) -> None:
    assert streamed(text, sizes) == streamed(text, [])


def test_a_stream_says_what_it_took_out_and_where() -> None:
    key = KEYS["openrouter_key"]
    stream = SecretStream(SECRETS)
    assert isinstance(stream, StreamValidator)
    assert stream.feed("The key is " + key[:30]).release == "The key is "
    verdict = stream.feed(key[30:] + " now")
    assert verdict.release == "[redacted] "
    (issue,) = verdict.issues
    assert (issue.code, issue.span, issue.detector) == (
        "secrets.openrouter_key",
        (11, 11 + len(key)),
        "secrets",
    )
    assert key not in issue.message
    assert stream.close().release == "now"


def test_a_blocking_stream_ends_at_the_first_secret() -> None:
    stream = SecretStream(SECRETS, "block")
    assert stream.feed("a key: ").release == "a key: "
    verdict = stream.feed(KEYS["groq_key"] + " ")
    assert verdict.blocked
    assert not verdict.release
    assert stream.close().release == ""


def test_what_is_less_sure_than_asked_for_passes() -> None:
    text = 'password = "Tr0ub4dor&3x"'
    stream = SecretStream(SECRETS, least=0.95)
    assert stream.feed(text).release + stream.close().release == text


def test_prose_is_held_back_by_a_word_at_most() -> None:
    stream = SecretStream(SECRETS)
    assert stream.feed("Certainly! Here is wh").release == "Certainly! Here is "
    assert stream.feed("at").release == ""
    assert stream.feed(" you").release == "what "


def test_what_is_held_back_is_bounded() -> None:
    stream = SecretStream(SECRETS)
    shown = stream.feed("x" * (HELD + 10)).release
    assert len(shown) >= HELD // 2
    block = SecretStream(SECRETS)
    shown = block.feed(
        "-----BEGIN "
        + "PRIVATE KEY-----\n"
        + "".join(drawn(RNG, 63) + "\n" for _ in range(BLOCK_HELD // 64 + 2))
    )
    assert shown.release.startswith("[redacted]")


def test_a_key_within_a_long_run_is_found() -> None:
    key = KEYS["github_token"]
    text = drawn(RNG, HELD // 2 - 20, ALNUM) + "." + key + "." + drawn(RNG, HELD, ALNUM)
    assert key not in streamed(text, [100] * 90)
