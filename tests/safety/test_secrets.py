"""Secrets are found in code and prose, and what only looks like one is not."""

from __future__ import annotations

import json
import random
import re
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.safety.keys import ALNUM, BASE64URL, HEX, LOWER, drawn, github, of_providers, private_key

from aiorch.safety.secret_rules import FORMATS, MARKED, written_out
from aiorch.safety.secret_values import entropy, expression, github_crc32, placeholder, shape
from aiorch.safety.secrets import Secrets

SECRETS = Secrets()


@pytest.fixture
def rng() -> random.Random:
    return random.Random(20261122)


def rules(text: str) -> list[str]:
    return [finding.rule.removeprefix("secrets.") for finding in SECRETS.scan(text)]


def test_each_providers_key_is_found_bare_and_exactly(rng: random.Random) -> None:
    for _ in range(3):
        for name, key in of_providers(rng).items():
            text = f"Value {key}, end"
            (finding,) = SECRETS.scan(text)
            assert finding.rule == f"secrets.{name}"
            assert text[slice(*finding.span)] == key
            assert key not in finding.what


def test_keys_without_a_shape_of_their_own_are_found_where_they_are_assigned(rng: random.Random) -> None:
    for written in (
        'MISTRAL_API_KEY="{}"',
        "export COHERE_API_KEY={}",
        'client = Client(api_key="{}")',
        '{{"accessToken": "{}"}}',
        "api_key: {}",
        "Authorization: Bearer {}",
        "curl -H 'X-Api-Key: {}' https://host.net",
        "https://host.net/v1?access_token={}&limit=3",
        '<add key="ClientSecret" value="{}"/>',
        "tool --api-key {} run",
        "the secret token is {}.",
        "api_key =\n  '{}'",
    ):
        for key in (drawn(rng, 32), drawn(rng, 40, HEX)):
            text = written.format(key)
            assert any(text[slice(*f.span)] == key for f in SECRETS.scan(text)), written


def test_passwords_are_found_in_code_addresses_and_commands(rng: random.Random) -> None:
    password = "Tr0ub4dor&" + drawn(rng, 4)
    plain = "q7Rw9" + drawn(rng, 8)
    for text in (
        f'password = "{password}"',
        f"DB_PASSWORD={plain}",
        f"'passwd' => '{password}',",
        f"postgresql://svc:{plain}@db.host.net:5432/app",
        f"curl -u admin:{plain} https://host.net",
        f"curl --user kevin:'{plain}' https://host.net",
        f'curl -u "{plain}{plain}:" https://host.net',
        f"machine host.net login bob password {plain}",
        f"Server=db;User Id=sa;Password={plain};",
        "Authorization: Basic " + b64encode(f"bob:{plain}".encode()).decode(),
    ):
        assert rules(text), text


def test_private_keys_are_found_whole(rng: random.Random) -> None:
    key = private_key(rng)
    for text in (
        f"see\n{key}\nend",
        json.dumps({"key": key}),
        f"putty\nPuTTY-User-Key-File-2: x\nPrivate-Lines: 8\n{drawn(rng, 64)}",
    ):
        assert "private_key" in rules(text)
    assert "private_key" in rules("data: " + b64encode(key.encode()).decode())
    (finding,) = SECRETS.scan(key)
    assert finding.span[0] == 0
    assert finding.span[1] >= key.index("-----END")
    assert not rules("-----BEGIN " + "PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----")
    assert not rules("-----BEGIN PUBLIC KEY-----\n" + drawn(rng, 64))


def test_a_web_token_needs_a_readable_header(rng: random.Random) -> None:
    def coded(value: object) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    tail = coded({"sub": "42", "name": "x"}) + "." + drawn(rng, 43)
    assert rules(f"it is {coded({'alg': 'HS256'})}.{tail} now") == ["jwt"]
    assert not rules(f"it is {coded({'a': 'HS256'})}.{tail} now")
    assert not rules(f"it is {'eyJ' + 'Z' * 20}.{tail} now")


def test_malformed_keys_are_none_even_where_they_are_assigned(rng: random.Random) -> None:
    for key in (
        github(rng)[:-2],
        github(rng) + "x",
        "sk-" + "or-v1-" + drawn(rng, 40, HEX),
        "gsk" + "_" + drawn(rng, 30),
        "AK" + "IA" + "9081" + drawn(rng, 12, "ABC1890"),
        "xai" + "-" + "x" * 80,
    ):
        assert not rules(f'API_KEY="{key}"'), key
        assert not rules(f"value {key} end"), key
    odd = drawn(rng, 20) + "?" + drawn(rng, 20)
    assert not rules(f'api_key = "{odd}"')
    assert not rules("wandb_api_key = " + drawn(rng, 39, HEX))
    assert rules("wandb_api_key = " + drawn(rng, 40, HEX))
    named_like_its_key = "CLOJARS_" + drawn(rng, 60, HEX)
    assert rules(f"CLOJARS_API_KEY={named_like_its_key}") == ["clojars_token"]


def test_a_right_checksum_makes_certain(rng: random.Random) -> None:
    key = github(rng)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert github_crc32(key)
    assert not github_crc32(wrong)
    assert SECRETS.scan(key)[0].confidence > SECRETS.scan(wrong)[0].confidence


def test_placeholders_variables_and_ordinary_values_are_no_secrets() -> None:
    for text in (
        "OPENAI_API_KEY=YOUR_API_KEY",
        'api_key = os.environ["OPENAI_API_KEY"]',
        "Authorization: Bearer $TOKEN",
        "Authorization: Bearer {token}",
        "password: ${DB_PASSWORD}",
        'password = "password"',
        'SECRET_KEY = "changeme"',
        "token = get_token_from_header(request.headers)",
        "https://user:password@localhost/db",
        "https://user:{password}@localhost/db",
        "replicas: https://a.net:123,b.net:99@x",
        "curl -u test:test https://x.net",
        "curl -u user:$PASS https://x.net",
        "max_tokens=4096, temperature=0.7",
        "password: SecretStr = Field(default=None)",
        'keyboard_layout_name = "us-international-2024a"',
        '"publicKey": "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit"',
        '"kms_key_id": "555ea4a3-d53a-4412-9c66-3a7cb667b0d6"',
        '{ key: "9df21e95-3848-409d-8f94-c675cdfee839", value: "Americas" }',
        "commit a809792d9ea734647e19f7d76f5c3ee37cd64230",
        '"integrity": "sha512-pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw0YL4xIB5p/tqg7ui5mX9cfCmZ=="',
        "Authorization: Basic " + b64encode(b"user:password").decode(),
        "Authorization: Basic abcdefghijk=",
        "aws_access_key_id = AK" + "IAIOSFODNN7EXAMPLE",
        "see https://tools.host.org/html/rfc6749#section-6 for the token: https://host.net/a1b2c3d4e5f6a7b8",
    ):
        assert not rules(text), text


def test_of_rules_that_see_the_same_the_surest_counts(rng: random.Random) -> None:
    key = github(rng)
    assert rules(f"https://x-access:{key}@github.com/a/b") == ["github_token"]
    assert rules(f"password = '{key}'") == ["github_token"]
    assert rules("see also ghs" + "_" + "a" * 36) == []


def test_weak_ties_ask_for_more(rng: random.Random) -> None:
    for value, expected in (
        (drawn(rng, 40, HEX), True),
        ("123e4567-e89b-12d3-a456-426614174000", True),
        ("zqwkvbnmtrplkjhg48392017", True),
        ("a1b2.c3d4/e5f6_g7", False),
        (drawn(rng, 39, HEX), False),
        ("aaaaaaaaaaaaaaaaaaaaa1", False),
        ("some-long-hyphenated-name", False),
    ):
        assert bool(rules(f"acme secret {value}")) is expected, value
    assert rules("os.environ.get('DJANGO_SECRET_KEY', 'wwf*2#86t64!fgh6yav$aoeuo@u2o@fy&*gg76q!&%6x_wbduad')")
    assert not rules('secret = "short1"')
    assert rules('pin_secret = "k9Zr8qW6vT4m"') == ["assigned"]


def test_the_cheap_scan_finds_formats_only(rng: random.Random) -> None:
    key = of_providers(rng)["openrouter_key"]
    assert [f.rule for f in SECRETS.formats(f'401 for {key}; password = "Tr0ub4dor&3"')] == [
        "secrets.openrouter_key"
    ]


CLASSES = {
    "A": ALNUM,
    "L": LOWER,
    "H": HEX,
    "X": HEX,
    "W": BASE64URL,
    "B": ALNUM + "+/",
    "I": "ABCDEFGHJKMNPQRSTVWXYZ234567",
}


def test_every_format_finds_what_it_describes(rng: random.Random) -> None:
    """Each plain row against a key made from its own notation: a row that can never match is a slip of the pen."""
    looked = 0
    for row in FORMATS:
        re.compile(written_out(row.body))
        if re.fullmatch(r"(?:%[ALHXWBI]\{\d+(?:,\d+)?\}|[\w-]|\\\.|/)+", row.body) is None:
            continue
        for start in row.starts.split():
            body = re.sub(
                r"%([ALHXWBI])\{(\d+)(?:,\d+)?\}", lambda m: drawn(rng, int(m[2]), CLASSES[m[1]]), row.body
            )
            key = start + body.replace("\\.", ".")
            assert [f.span for f in SECRETS.scan(f"x {key} y")] == [(2, 2 + len(key))], (row.name, key)
            looked += 1
    assert looked > 150
    for marked in MARKED:
        re.compile(written_out(marked.pattern))


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=300)
    | st.text(alphabet="sk-proghpAIza_eyJ.=:/'\"@ \n\\kKeytoknpasw0129{}$", max_size=400)
)
def test_any_text_is_scanned_without_an_exception(text: str) -> None:
    for finding in SECRETS.scan(text):
        low, high = finding.span
        assert 0 <= low < high <= len(text)
        assert 0 < finding.confidence <= 1


def test_time_grows_with_the_text_and_no_faster() -> None:
    """Not timed: hostile texts of 20 KB that would never end if a pattern were not linear."""
    for part in (
        "sk-",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "password = '\"",
        "a:",
        "eyJ.",
        "://a:",
        " -u a:",
        "key_",
        "aB3/",
    ):
        SECRETS.scan((part * 20_000)[:20_000])


def test_values_are_judged_by_entropy_and_shape(rng: random.Random) -> None:
    assert entropy("") == 0.0
    assert entropy("ab" * 8) == 1.0
    assert shape(drawn(rng, 40)) == "mixed"
    assert shape("12345678") == "digits"
    assert shape("123e4567-e89b-12d3-a456-426614174000") == "uuid"
    assert shape("abcdefghijklmnop1234567890") == "plain"
    assert shape("deadbeef") == "words"
    assert shape("--..") == "words"
    assert placeholder("abcdefghijklmnop")
    assert placeholder("aaaa")
    assert not placeholder("kd83HHdka92")
    assert expression("%s")
    assert not expression("p4ss!word")
