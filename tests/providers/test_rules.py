"""Every row of the rules earns its place, word by word: each code, phrase and status is the only evidence somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aiorch.providers import RULES, Rule
from aiorch.providers.error_bodies import ErrorBody, read_error
from aiorch.providers.rules import HOSTS_FAULT, rule_for
from aiorch.types import FailureKind

WORDS: dict[str, list[tuple[int, str]]] = {
    "excluded by privacy settings": [
        (404, "No endpoints found matching your data policy (Free publication)")
    ],
    "host rate-limited": [
        (429, "acme/small is temporarily rate-limited upstream"),
        (429, "rate limited upstream"),
    ],
    "free day used up": [(429, "Rate limit exceeded: free-models-per-day")],
    "free minute used up": [(429, "Rate limit exceeded: free-models-per-min")],
    "bad key": [
        (400, "API key not valid. Please pass a valid one."),
        (400, "The api_key is invalid"),
        (403, "API key not found"),
        (400, "Provided API key could not be found."),
        (400, "API key expired. Please renew it."),
        (400, "Invalid API-key given"),
        (403, "Invalid token"),
        (400, "invalid x-api-key"),
        (400, "Incorrect API key provided: sk-***"),
    ],
    "region refused": [(400, "User location is not supported for the API use.")],
    "no credit": [
        (400, "Insufficient credit for this request"),
        (403, "Insufficient Balance"),
        (429, "insufficient funds"),
        (429, "Insufficient account balance: please recharge"),
        (400, "Your credit balance is too low to access the API."),
        (403, "This request requires more credits"),
        (429, "Your account balance is $0"),
        (403, "Payment required"),
        (403, "A payment method required for this model"),
        (429, "You have exceeded your monthly included credits for Inference Providers."),
        (400, "You have reached your specified API usage limits. You will regain access on 2027-02-01."),
        (400, "You have reached your specified workspace API usage limits."),
        (429, "Your prepayment credits are depleted."),
    ],
    "no free allowance": [
        (429, "Quota exceeded for metric: x/generate_content_free_tier_requests, limit: 0, model: y"),
        (429, "Gemini 9 Pro doesn't have a free quota tier."),
    ],
    "larger than the minute": [
        (413, "Request too large for model x: tokens per minute: Limit 6000, Requested 9000"),
        (413, "Larger than the tokens per day that you have"),
        (413, "Request too large, limit 6000 TPM"),
        (413, "Request too large, limit 100000 TPD"),
    ],
    "month used up": [
        (429, "a thousand requests each month"),
        (429, "Monthly quota of this account reached"),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month."),
    ],
    "not in the plan": [
        (403, "this model requires a subscription, upgrade for access: https://ollama.com/upgrade"),
        (402, "this model requires a subscription"),
    ],
    "day used up": [
        (429, "50 requests per day"),
        (429, "20 calls a week"),
        (429, "Rate limit reached on RPD"),
        (429, "Rate limit reached on TPD: Limit 100000"),
        (429, "You have reached your daily limit."),
        (429, "The weekly token allowance is gone"),
        (429, "you have used up your daily free allocation of 10,000 neurons"),
        (429, "10000 neurons/day"),
    ],
    "tokens of the minute": [
        (429, "Tokens per minute limit exceeded - too many tokens processed."),
    ],
    "host at capacity": [
        (429, "Capacity temporarily exceeded, please try again."),
        (498, "Flex tier capacity exceeded"),
        (429, "The model is at capacity"),
        (429, "The engine is currently overloaded"),
    ],
    "too many at once": [(429, "Too many concurrent requests"), (429, "Your concurrency is too high")],
    "prompt too long": [
        (400, "This model's maximum context length is 8192 tokens; the messages hold 9000."),
        (400, "the request exceeds the available context size"),
        (400, "It exceeded the model's context_window"),
        (400, "The context length of 4096 is too small"),
        (422, "context window exceeded"),
        (400, "context-size limit reached"),
        (400, "Prompt is too long"),
        (400, "input too large"),
        (400, "messages are too long"),
        (400, "Request too long"),
        (400, "The input token count (1048999) exceeds the maximum number of tokens allowed (1048576)."),
        (400, "Prompts of 9000 longer than the limit of 8192"),
        (400, "Please reduce the length of the messages or completion."),
        (400, "Reduce the size of your messages"),
        (400, "too many input tokens"),
        (400, "Too many tokens"),
        (400, "Prompt contains 40000 tokens and 0 draft tokens"),
        (400, "too large for model with 32768, while limit is 32768"),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096"),
    ],
    "answer too long": [
        (400, "max_tokens is too large: 100000. This model supports at most 16384."),
        (422, "max_completion_tokens must be less than or equal to 8192"),
        (400, "max_new_tokens must be < 512"),
        (400, "maximum output_tokens exceeds the limit"),
        (400, "`max_output_tokens` exceeds the maximum"),
    ],
    "filtered": [
        (0, "Stopped by the content filter"),
        (400, "The response was filtered: content management policy"),
        (422, "It goes against our content policy"),
        (403, "Your input was flagged"),
        (451, "This would violate our usage policy"),
        (400, "See our usage policies"),
        (400, "blocked by our safety system"),
        (400, "Request refused due to moderation"),
        (400, "rejected because of an internal filter"),
        (400, "The prompt may hold sensitive content"),
        (400, "Input data may contain inappropriate content."),
        (400, "unsafe content"),
        (403, "Request blocked: prompt injection patterns detected"),
    ],
    "not for new accounts": [
        (400, "This model is no longer available to new users."),
        (403, "no longer available to new users"),
        (404, "models/small is no longer available to new users. Please update your code."),
        (404, "Access denied. This Model is marked by provider as Legacy."),
        (400, "Invocation of model ID small with on-demand throughput isn\u2019t supported."),
    ],
    "retired": [
        (400, "The model `small` has been decommissioned."),
        (404, "The model small has been retired"),
        (400, "That model has been shut down"),
        (400, "Model small has been deprecated"),
        (400, "Model small has been removed"),
        (400, "The model small is no longer available"),
        (400, "The model small is no longer supported. Please choose another."),
        (400, "Model small no longer exists"),
        (404, "This model version has reached the end of its life."),
    ],
    "not there or not ours": [
        (400, "It does not exist or you do not have access to it."),
        (403, "They do not exist, or your team has no access"),
        (404, "The model `small` does not exist or you do not have access to it."),
        (422, "You do not have access; ask for access"),
    ],
    "model not allowed": [
        (403, "Your project does not have access to the model `small`"),
        (403, "no access to model"),
        (403, "You don't have access to the model with the specified model ID."),
        (
            403,
            "You are not authorized to perform: bedrock:InvokeModel on arn:aws:bedrock:x::foundation-model/y",
        ),
        (403, "The account is not allowed to access this model"),
        (403, "User has not agreed to Llama3.2 model terms"),
        (403, "This model is not allowed"),
        (403, "You called model small and are not authorized"),
        (403, "To model small: no access"),
        (403, "The model small: you do not have access"),
    ],
    "no such model": [
        (0, "model small not found"),
        (400, "The model `small` could not be found"),
        (404, "The model small does not exist"),
        (422, "model small doesn't exist"),
        (400, "model not exist"),
        (400, "model small is not supported"),
        (400, "small is not a valid model ID"),
        (404, "No endpoints found for small."),
        (400, "Unknown model"),
        (400, "Invalid model: small"),
        (400, "no such model"),
        (400, "The provided model identifier is invalid."),
        (404, "model: small"),
        (404, "404 page not found"),
    ],
    "degraded": [(400, "Function id 'x': DEGRADED function cannot be invoked")],
    "model loading": [
        (503, "Failed to load model"),
        (500, "loading model"),
        (0, "Model small is currently loading"),
        (503, "Model small is loading"),
        (429, "The model is not ready"),
        (400, "still warming up"),
    ],
    "403 about the key": [
        (403, "This API key cannot be used"),
        (403, "The token lacks a scope"),
        (403, "No such credentials"),
        (403, "Authentication failed"),
        (403, "You are not authorized"),
        (403, "Forbidden"),
        (403, "Permission denied"),
    ],
    "rate limit inside a 200": [(0, "Rate limit exceeded")],
}
"""Messages of the kind that providers write, each as the only evidence: by the row that it is meant for."""

CODES: dict[str, list[tuple[int, str]]] = {
    "free variant ended": [(404, "free_variant_ended model_deprecated")],
    "excluded by privacy settings": [
        (404, "privacy_restricted excluded_by:data_policy:zdr excluded_by:data_policy:training")
    ],
    "excluded by region": [(403, "region_restricted excluded_by:geo excluded_by:data_region")],
    "no host takes so long a prompt": [(404, "excluded_by:context_length")],
    "no host at that price": [(404, "excluded_by:max_price")],
    "no host fits the request": [(404, "constraint_filtered")],
    "hosts full": [(503, "capacity_exhausted temporarily_unavailable")],
    "comes back": [(404, "availability:retryable")],
    "gone from every host": [(404, "model_unavailable_upstream")],
    "no chat model": [(400, "wrong_endpoint")],
    "bad key": [
        (400, "api_key_invalid invalid_api_key authentication_error"),
        (403, "invalid_authentication no_api_key wrong_api_key"),
        (0, "minimax_1004 minimax_2049"),
        (403, "UnrecognizedClientException InvalidSignatureException ExpiredTokenException"),
        (400, "IncompleteSignatureException MissingAuthenticationTokenException"),
        (401, "authentication_token_expired"),
    ],
    "region refused": [(403, "unsupported_country_region_territory")],
    "no credit": [
        (429, "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_balance"),
        (429, "enforced_spend_limit_reached"),
        (403, "payment_method_required insufficient_credits payment_required"),
        (0, "minimax_1008"),
    ],
    "day used up": [(429, "daily_limit_exceeded quota_day_exceeded 3036 4006")],
    "plan used up": [(403, "token_quota_reached")],
    "host at capacity": [
        (429, "3040 engine_overloaded consumption_limit_reached"),
        (498, "capacity_exceeded"),
    ],
    "too many at once": [(429, "1302")],
    "throttled": [(429, "ThrottlingException"), (400, "ServiceQuotaExceededException")],
    "prompt too long": [
        (
            400,
            "context_length_exceeded exceed_context_size_error context_window_exceeded string_above_max_length",
        ),
        (413, "request_too_large model_max_prompt_tokens_exceeded"),
        (422, "input_too_long"),
        (400, "string_too_long"),
    ],
    "filtered": [
        (0, "content_filter minimax_1026 minimax_1027"),
        (
            400,
            "content_policy_violation content_filtered ResponsibleAIPolicyViolation data_inspection_failed 1301",
        ),
        (403, "moderation moderation_blocked"),
        (422, "input_moderation prohibited_content"),
        (451, "safety"),
        (400, "refusal"),
    ],
    "spoiled tool call": [
        (400, "tool_use_failed failed_generation json_validate_failed"),
        (422, "output_parse_failed"),
    ],
    "retired": [(400, "model_decommissioned"), (404, "model_retired model_shutdown")],
    "model not allowed": [(403, "model_permission_blocked_org model_permission_blocked_project")],
    "no such model": [
        (0, "model_not_found"),
        (400, "invalid_model model_not_supported model_not_exist 1500 1211"),
        (404, "unknown_model ResourceNotFoundException"),
        (422, "no_endpoints"),
    ],
    "model loading": [(503, "model_loading")],
    "model failed": [(424, "ModelErrorException ModelStreamErrorException")],
    "rate limit inside a 200": [
        (0, "rate_limit_exceeded rate_limit_error too_many_requests RESOURCE_EXHAUSTED rate_limited"),
        (0, "minimax_1002 minimax_1039 minimax_1041 minimax_2045"),
    ],
    "bad request inside a 200": [(0, "minimax_2013")],
}
"""Codes that providers give, beside words that say nothing."""

STATUSES: dict[str, tuple[int, ...]] = {
    **{str(status): (status,) for status in (401, 402, 403, 404, 408, 410, 413, 429)},
    "redirect": (300, 302, 399),
    "4xx": (400, 418, 422, 499),
    "5xx": (500, 503, 529, 599),
}
"""What a status means that comes without a word."""

Evidence = tuple[int, ErrorBody]


def examples() -> Iterator[tuple[str, Evidence]]:
    for name, told in WORDS.items():
        for status, message in told:
            yield name, (status, read_error({"error": {"message": message}}))
    for name, told in CODES.items():
        for status, codes in told:
            for code in codes.split():
                yield name, (status, read_error({"error": {"message": "Something.", "code": code}}))
    for name, statuses in STATUSES.items():
        for status in statuses:
            yield name, (status, read_error(b""))


EXAMPLES = list(examples())
each_example = pytest.mark.parametrize(
    ("name", "evidence"), EXAMPLES, ids=[f"{n}: {s} {e.code or e.message}" for n, (s, e) in EXAMPLES]
)
each_row = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def told_by(rule: Rule) -> list[Evidence]:
    return [evidence for name, evidence in EXAMPLES if name == rule.name]


def judge(status: int, error: ErrorBody, rules: Sequence[Rule] = RULES) -> str:
    return next((rule for rule in rules if rule.fits(status, error)), HOSTS_FAULT).name


@each_example
def test_one_word_is_enough(name: str, evidence: Evidence) -> None:
    found = rule_for(*evidence)
    assert found is not None
    assert found.name == name


@each_row
def test_capitals_do_not_matter(rule: Rule) -> None:
    for status, error in told_by(rule):
        assert judge(status, replace(error, message=error.message.upper())) == rule.name
        assert judge(status, replace(error, message=error.message.lower())) == rule.name


WHATEVER_THE_STATUS = {
    "free variant ended",
    "excluded by privacy settings",
    "excluded by region",
    "no host takes so long a prompt",
    "no host at that price",
    "no host fits the request",
    "hosts full",
    "comes back",
    "gone from every host",
    "no chat model",
    "host rate-limited",
    "bad key",
    "region refused",
    "no credit",
    "prompt too long",
    "retired",
    "degraded",
    "4xx",  # 418 is one
}


@each_row
def test_words_count_only_beside_a_status_that_they_belong_to(rule: Rule) -> None:
    for _, error in told_by(rule):
        assert (judge(418, error) == rule.name) is (rule.name in WHATEVER_THE_STATUS)


def alternatives(pattern: str) -> list[str]:
    """What stands between the outermost bars."""
    found, depth = [""], 0
    for piece in re.findall(r"\\.|\[[^]]*\]|.", pattern):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and not depth:
            found.append("")
        else:
            found[-1] += piece
    return found


def shorter(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """The row without one of its words, statuses or phrases; what would fit everything then fits nothing."""
    for code in rule.codes:
        yield code, replace(rule, codes=rule.codes - {code} or frozenset({"nothing"}))
    for status in rule.status if len(rule.status) < 10 else ():  # a whole class of statuses is one thing
        yield str(status), replace(rule, status=rule.status - {status} or frozenset({-1}))
    phrases = alternatives(rule.says.pattern) if rule.says else []
    for n, phrase in enumerate(phrases):
        rest = "|".join(phrases[:n] + phrases[n + 1 :]) or r"(?!)"
        yield phrase, replace(rule, says=re.compile(rest, re.IGNORECASE))


@each_row
def test_nothing_in_a_row_is_there_for_nothing(rule: Rule) -> None:
    place = RULES.index(rule)
    for what, poorer in shorter(rule):
        rules = (*RULES[:place], poorer, *RULES[place + 1 :])
        assert any(judge(*evidence, rules) != name for name, evidence in EXAMPLES), what


@pytest.mark.parametrize("case", json.loads((Path(__file__).parent / "fixtures" / "errors.json").read_text()))
def test_a_body_is_read_alike_as_bytes_text_and_object(case: dict[str, object]) -> None:
    body = case["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    assert read_error(text) == read_error(text.encode()) == read_error(body)


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        # Whoever reads the status first keeps asking with a key that is no key, or one that nobody pays for.
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "no credit"),
        (404, {"message": "API key not valid", "status": "NOT_FOUND"}, "bad key"),
        # A day is no minute.
        (429, {"message": "Rate limit: tokens per day (TPD), concurrency 2"}, "day used up"),
        (429, {"message": "free-models-per-day; rate limited upstream"}, "host rate-limited"),
        # Who has no access to a model may have another key that has.
        (
            404,
            {"message": "The model `a` does not exist or you do not have access to it."},
            "not there or not ours",
        ),
        (404, {"message": "The model `a` is no longer available to new users."}, "not for new accounts"),
        # No rest brings back a model, whatever the words are.
        (503, {"message": "The model a has been retired"}, "retired"),
        (410, {"message": "no such model"}, "410"),
        (400, {"message": "The model a has been decommissioned", "code": "model_not_found"}, "retired"),
        # What is too long is no crowd, and no size of the answer.
        (
            413,
            {"message": "Request too large: tokens per minute (TPM): Limit 6000"},
            "larger than the minute",
        ),
        (
            400,
            {"message": "max_tokens exceeds the limit: this model's maximum context length is 8192"},
            "prompt too long",
        ),
        # A host that is full is no limit of ours.
        (429, {"message": "At capacity: too many concurrent requests"}, "host at capacity"),
        (429, {"message": "Provider returned error", "code": "capacity_exhausted"}, "hosts full"),
        (503, {"message": "Model a is currently loading"}, "model loading"),
        (400, {"message": "DEGRADED function: the model is not ready"}, "degraded"),
    ],
)
def test_of_two_rows_that_fit_the_more_telling_one_wins(status: int, body: dict[str, str], name: str) -> None:
    assert judge(status, read_error({"error": body})) == name


def test_what_nobody_knows_is_no_row() -> None:
    assert rule_for(0, read_error({"error": {"message": "Something."}})) is None
    assert rule_for(600, ErrorBody()) is None
    assert (HOSTS_FAULT.kind, HOSTS_FAULT.scope) == (FailureKind.OVERLOADED, "upstream")


def test_only_what_other_evidence_may_overturn_is_in_doubt() -> None:
    assert {rule.name for rule in RULES if rule.ambiguous} == {
        "no host fits the request",
        "answer too long",
        "filtered",
        "spoiled tool call",
        "bad request inside a 200",
        "403",
        "404",
        "413",
        "4xx",
    }
