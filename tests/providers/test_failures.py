"""One failure for every error body, with the right kind, scope and moment to come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.net import NetError
from aiorch.providers import RULES, SPECS, ProviderSpec, Redactor, classify, from_net
from aiorch.providers.error_bodies import read_error
from aiorch.providers.failures import (
    empty,
    ended_in_error,
    filtered,
    malformed,
    no_such_key,
    truncated,
    without_model,
)
from aiorch.providers.rules import HOSTS_FAULT, rule_for
from aiorch.types import Failure, FailureKind

NOW = 1_800_000_000.0  # Friday 2027-01-15 08:00:00 UTC, midnight in California
ELSEWHERE = ProviderSpec(id="elsewhere", name="Elsewhere", base_url="https://api.example.com/v1")
CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "fixtures" / "errors.json").read_text())


def spec_of(case: dict[str, Any]) -> ProviderSpec:
    return SPECS.get(case["provider"], ELSEWHERE)


def body_of(case: dict[str, Any]) -> bytes:
    body = case["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def classified(case: dict[str, Any], **more: Any) -> Failure:
    return classify(case["status"], case["headers"], body_of(case), provider=spec_of(case), now=NOW, **more)


@pytest.mark.parametrize("case", CASES, ids=[f"{c['provider']}: {c['what']}" for c in CASES])
def test_each_error_is_what_it_is(case: dict[str, Any]) -> None:
    failure = classified(case)
    assert (failure.kind.value, failure.scope) == (case["kind"], case["scope"])
    assert failure.ambiguous is case.get("ambiguous", False)
    assert failure.status == case["status"]
    assert failure.successors == tuple(case.get("successors", ()))
    assert failure.upstream == case.get("upstream")
    if "code" in case:
        assert failure.code == case["code"]
    if "details" in case:
        assert dict(failure.details) == case["details"]
    if "retry_in" in case:
        assert failure.retry_at == pytest.approx(NOW + case["retry_in"], abs=0.001)
    else:
        assert failure.retry_at is None
    assert failure.message
    assert len(failure.message) <= 300


@pytest.mark.parametrize("case", CASES, ids=[f"{c['provider']}: {c['what']}" for c in CASES])
def test_each_error_is_judged_by_the_row_that_is_meant(case: dict[str, Any]) -> None:
    error = read_error(body_of(case))
    status = case["status"] if case["status"] >= 300 else error.status or 0
    assert (rule_for(status, error) or HOSTS_FAULT).name == case["rule"]


def test_every_row_has_a_fixture() -> None:
    assert {r.name for r in RULES} - {c["rule"] for c in CASES} == set()
    assert len({r.name for r in RULES}) == len(RULES)


def test_a_complaint_about_a_request_that_is_being_answered_is_the_hosts_fault() -> None:
    body = {"error": {"code": 400, "message": "Something about your request"}}
    before = classify(200, {}, body, provider=ELSEWHERE, now=NOW)
    during = classify(200, {}, body, provider=ELSEWHERE, now=NOW, in_stream=True)
    assert (before.kind, during.kind) == (FailureKind.BAD_REQUEST, FailureKind.OVERLOADED)
    gone = classify(
        200, {}, {"error": {"code": 404, "message": "x"}}, provider=ELSEWHERE, now=NOW, in_stream=True
    )
    assert gone.kind is FailureKind.MODEL_GONE


def test_a_wait_that_has_passed_is_no_wait() -> None:
    failure = classify(
        429, {"X-RateLimit-Reset": "1760000000000"}, b"", provider=SPECS["openrouter"], now=NOW
    )
    assert (failure.kind, failure.retry_at) == (FailureKind.RATE_MINUTE, None)
    assert failure.message == "status 429 without a word"


def test_a_limit_of_minutes_and_days_at_once_is_one_of_minutes() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}
    assert classify(429, headers, b"", provider=SPECS["groq"], now=NOW).kind is FailureKind.RATE_MINUTE


def test_the_longest_of_several_exhausted_windows_counts() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert classify(429, headers, b"", provider=SPECS["openai"], now=NOW).retry_at == NOW + 360


def test_a_window_that_is_not_used_up_says_nothing() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "900",  # groq's are a day's
        "x-ratelimit-reset-requests": "2h",
        "x-ratelimit-remaining-tokens": "17",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert classify(429, headers, b"", provider=SPECS["groq"], now=NOW).retry_at is None
    minute = classify(
        429, headers | {"x-ratelimit-remaining-tokens": "0"}, b"", provider=SPECS["groq"], now=NOW
    )
    assert (minute.kind, minute.retry_at) == (FailureKind.RATE_MINUTE, NOW + 360)
    day = classify(
        429, headers | {"x-ratelimit-remaining-requests": "0"}, b"", provider=SPECS["groq"], now=NOW
    )
    assert (day.kind, day.retry_at) == (FailureKind.RATE_DAY, NOW + 7200)


def test_the_status_of_the_response_counts_before_one_that_its_body_names() -> None:
    body = {"error": {"code": 404, "message": "Something."}}
    for status, kind in [
        (None, FailureKind.MODEL_GONE),
        (200, FailureKind.MODEL_GONE),
        (299, FailureKind.MODEL_GONE),
        (300, FailureKind.MALFORMED),
        (500, FailureKind.OVERLOADED),
    ]:
        assert classify(status, {}, body, provider=ELSEWHERE, now=NOW).kind is kind, status


def test_an_error_without_a_word_says_so() -> None:
    assert classify(None, {}, b"", provider=ELSEWHERE, now=NOW).message == "an error without a word"
    assert classify(503, {}, b" ", provider=ELSEWHERE, now=NOW).message == "status 503 without a word"


def test_other_models_are_offered_only_in_place_of_one_that_cannot_answer() -> None:
    body = {"error": {"message": "Slow down", "metadata": {"fallback_models": ["acme/other"]}}}
    assert classify(429, {}, body, provider=ELSEWHERE, now=NOW).successors == ()
    assert classify(404, {}, body, provider=ELSEWHERE, now=NOW).successors == ("acme/other",)
    assert classify(503, {}, body, provider=ELSEWHERE, now=NOW).successors == ("acme/other",)


def test_codes_and_hosts_are_names_and_no_essays() -> None:
    body = {"error": {"message": "Something.", "code": "c " * 400, "metadata": {"provider_name": "h " * 400}}}
    failure = classify(500, {}, body, provider=ELSEWHERE, now=NOW)
    assert failure.code is not None
    assert failure.upstream is not None
    assert (len(failure.code), len(failure.upstream)) == (80, 80)


def test_only_what_passes_has_a_moment_to_come_back() -> None:
    headers = {"retry-after": "30"}
    for status, told in [
        (400, False),
        (401, False),
        (402, False),
        (404, False),
        (408, True),
        (429, True),
        (503, True),
    ]:
        failure = classify(status, headers, b"", provider=ELSEWHERE, now=NOW)
        assert (failure.retry_at is not None) is told, status


def test_a_providers_echo_of_the_key_is_not_shown() -> None:
    key = "abcdEFGH0123-our-own-secret"
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {key}. " + "x" * 500}})
    failure = classify(401, {}, body.encode(), provider=ELSEWHERE, now=NOW, redactor=Redactor([key]))
    assert key not in repr(failure)
    assert "abcdEFGH" not in repr(failure)
    assert len(failure.message) <= 300


def test_what_the_user_wrote_is_not_repeated() -> None:
    moderated = next(c for c in CASES if c["what"] == "moderated input")
    moderated["body"]["error"]["metadata"]["flagged_input"] = "my diary"
    assert "diary" not in repr(classified(moderated))
    refused = {"detail": [{"msg": "Field required", "input": {"content": "my diary"}}]}
    assert "diary" not in repr(classify(422, {}, refused, provider=ELSEWHERE, now=NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "errors",
                    "message",
                    "code",
                    "type",
                    "status",
                    "detail",
                    "details",
                    "metadata",
                    "raw",
                    "availability",
                    "choices",
                    "violations",
                    "quotaId",
                    "retry_after",
                    "retryDelay",
                    "fallback_models",
                    "provider",
                    "reasons",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "Retry-After-Ms", "X-RateLimit-Reset", "x-ratelimit-remaining-tokens"]),
    st.text(max_size=12),
)


@given(JSON, st.none() | st.integers(100, 599), HEADERS, st.sampled_from(sorted(SPECS)), st.booleans())
def test_any_error_is_a_failure_and_never_an_exception(
    body: object, status: int | None, headers: dict[str, str], provider: str, in_stream: bool
) -> None:
    failure = classify(status, headers, body, provider=SPECS[provider], now=NOW, in_stream=in_stream)
    assert len(failure.message) <= 300
    assert failure.retry_at is None or failure.retry_at >= NOW
    assert failure == classify(
        status, headers, json.dumps(body).encode(), provider=SPECS[provider], now=NOW, in_stream=in_stream
    )


@given(st.binary(max_size=200), st.integers(300, 599))
def test_any_bytes_are_a_failure(body: bytes, status: int) -> None:
    assert classify(status, {}, body, provider=ELSEWHERE, now=NOW).status == status


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"error":' * 100_000])
def test_a_body_nested_without_end_is_text(deep: bytes) -> None:
    assert classify(500, {}, deep, provider=ELSEWHERE, now=NOW).kind is FailureKind.OVERLOADED


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refused", FailureKind.TRANSPORT),
        ("broken", FailureKind.TRANSPORT),
        ("dns", FailureKind.TRANSPORT),
        ("connect_timeout", FailureKind.TIMEOUT),
        ("pool_timeout", FailureKind.TIMEOUT),
        ("read_timeout", FailureKind.TIMEOUT),
        ("too_large", FailureKind.MALFORMED),
        ("protocol", FailureKind.MALFORMED),
    ],
)
def test_a_call_without_an_answer_is_a_failure_too(kind: Any, expected: FailureKind) -> None:
    failure = from_net(NetError("body", kind, "what happened"))
    assert (failure.kind, failure.scope, failure.code, failure.message) == (
        expected,
        "upstream",
        kind,
        "what happened",
    )


def test_an_answer_that_is_none_is_a_failure_too() -> None:
    def told(failure: Failure) -> tuple[object, ...]:
        return failure.kind, failure.scope, failure.message, failure.status, failure.code

    K = FailureKind
    assert told(malformed("It is HTML")) == (K.MALFORMED, "upstream", "It is HTML", 200, None)
    assert told(malformed("status 302", 302)) == (K.MALFORMED, "upstream", "status 302", 302, None)
    assert told(empty("small")) == (K.EMPTY, "request", "small answered with nothing", 200, None)
    assert told(filtered("No.")) == (K.POLICY, "request", "No.", 200, "content_filter")
    said = "the stream ended after 12 characters without saying why"
    assert told(truncated(12)) == (K.TRUNCATED, "upstream", said, 200, None)
    said = "the host ended the answer with 'engine_error'"
    assert told(ended_in_error("engine_error")) == (K.OVERLOADED, "upstream", said, 200, "engine_error")
    said = "no key named WORK_KEY is set for Groq; nothing was sent"
    assert told(no_such_key("WORK_KEY", SPECS["groq"])) == (K.AUTH, "account", said, None, None)


def test_an_answer_of_nothing_or_a_refusal_may_be_the_models_mood() -> None:
    assert [f.ambiguous for f in (empty("small"), filtered("No."))] == [True, True]
    assert [f.ambiguous for f in (malformed("x"), truncated(1), ended_in_error("x"))] == [False, False, False]


def test_the_host_that_gave_up_is_named() -> None:
    assert ended_in_error("error", "Venice").upstream == "Venice"
    assert ended_in_error("error").upstream is None


def test_a_key_that_is_missing_is_asked_for_by_its_usual_names() -> None:
    gemini = ProviderSpec(
        id="g", name="Gemini", base_url="https://g.example", env=("GEMINI_API_KEY", "GOOGLE_API_KEY")
    )
    assert (
        no_such_key(None, gemini).message
        == "no key named GEMINI_API_KEY or GOOGLE_API_KEY is set for Gemini; nothing was sent"
    )


def test_a_list_that_is_not_there_retires_no_model() -> None:
    gone = Failure(FailureKind.MODEL_GONE, "model", "404", successors=("a",))
    assert without_model(gone) == Failure(FailureKind.BAD_REQUEST, "account", "404")
    other = Failure(FailureKind.AUTH, "account", "401")
    assert without_model(other) is other
