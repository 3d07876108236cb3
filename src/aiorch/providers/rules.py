"""The rules by which an error response is judged: a row each, first match wins.

The order carries meaning. A status alone is the weakest evidence (Google's wrong key is a 400, NVIDIA's sick host is a
400, a day's allowance and a crowded minute are both 429), so rows that read the words come first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aiorch.providers.error_bodies import ErrorBody
from aiorch.types import FailureKind, FailureScope

K = FailureKind
Scope = FailureScope | Literal["limits"]
"""``limits`` = whatever a 429 of this provider condemns (``ProviderSpec.limit_scope``)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. It fits when the status is one of ``status`` (none given: any), and a code is one of ``codes`` or the
    message matches ``says`` (neither given: always).
    """

    name: str
    kind: FailureKind
    scope: Scope
    status: frozenset[int] = frozenset()
    """0 stands for an error inside a good response that names no status of its own."""
    codes: frozenset[str] = frozenset()
    says: re.Pattern[str] | None = None
    ambiguous: bool = False

    def fits(self, status: int, error: ErrorBody) -> bool:
        """True when this row describes the failure."""
        if self.status and status not in self.status:
            return False
        if not self.codes and self.says is None:
            return True
        return bool(self.codes & error.codes) or bool(self.says and self.says.search(error.message))


def rule_for(status: int, error: ErrorBody) -> Rule | None:
    """The row that describes this failure; ``None`` when none does."""
    return next((rule for rule in RULES if rule.fits(status, error)), None)


def _row(
    name: str,
    kind: FailureKind,
    scope: Scope,
    status: Sequence[int] = (),
    codes: str = "",
    says: Sequence[str] = (),
    ambiguous: bool = False,
) -> Rule:
    pattern = re.compile("|".join(says), re.IGNORECASE) if says else None
    return Rule(name, kind, scope, frozenset(status), frozenset(codes.split()), pattern, ambiguous)


_OPENROUTER = (
    # error.availability.code says what is the matter with a model.
    _row("free variant ended", K.MODEL_GONE, "model", codes="free_variant_ended model_deprecated"),
    _row(
        "excluded by privacy settings",
        K.AUTH,
        "key_model",
        codes="privacy_restricted excluded_by:data_policy:zdr excluded_by:data_policy:training",
        says=["matching your data policy"],
    ),
    # The account's region, which another key may not have.
    _row(
        "excluded by region",
        K.AUTH,
        "key_model",
        codes="region_restricted excluded_by:geo excluded_by:data_region",
    ),
    _row("no host takes so long a prompt", K.CONTEXT, "request", codes="excluded_by:context_length"),
    # Said of this one request: neither is the model gone for others, nor do two such answers say that it is bad.
    _row("no host at that price", K.MODEL_GONE, "request", codes="excluded_by:max_price"),
    _row("no host fits the request", K.BAD_REQUEST, "request", codes="constraint_filtered", ambiguous=True),
    _row("hosts full", K.OVERLOADED, "model", codes="capacity_exhausted temporarily_unavailable"),
    # Whatever the code is, also one that is not known yet.
    _row("comes back", K.OVERLOADED, "model", codes="availability:retryable"),
    _row("gone from every host", K.MODEL_GONE, "model", codes="model_unavailable_upstream"),
    _row("no chat model", K.MODEL_GONE, "key_model", codes="wrong_endpoint"),
    _row("host rate-limited", K.RATE_MINUTE, "upstream", says=["rate[- ]limited upstream"]),
    _row("free day used up", K.RATE_DAY, "account", [429], says=["free-models-per-day"]),
    _row("free minute used up", K.RATE_MINUTE, "account", [429], says=["free-models-per-min"]),
)

_ACCOUNT = (
    _row(
        "bad key",  # whatever the status: Google's is a 400
        K.AUTH,
        "account",
        codes="api_key_invalid invalid_api_key authentication_error invalid_authentication no_api_key wrong_api_key "
        "minimax_1004 minimax_2049 unrecognizedclientexception invalidsignatureexception expiredtokenexception "
        "incompletesignatureexception missingauthenticationtokenexception authentication_token_expired",
        says=[
            r"api[ _]key (?:not valid|is invalid|not found|could not be found|expired)",
            r"invalid (?:api[ _-]?key|token|x-api-key)",
            r"incorrect api key",
        ],
    ),
    _row(
        "region refused",
        K.AUTH,
        "account",
        codes="unsupported_country_region_territory",
        says=["location is not supported for the api"],
    ),
    _row(
        "no credit",
        K.BILLING,
        "account",
        codes="insufficient_quota billing_hard_limit_reached billing_not_active payment_method_required "
        "insufficient_credits insufficient_balance payment_required enforced_spend_limit_reached minimax_1008",
        says=[
            r"insufficient (?:credit|balance|fund|account balance)",
            r"credit balance is too low|requires more credits|account balance is \$?0",
            r"payment (?:method )?required|exceeded your monthly included credits",
            # Anthropic's limits that an account has set itself, a 400; Google's prepaid accounts, a 429
            r"reached your specified (?:\w+ )?api usage limits|prepayment credits are depleted",
        ],
    ),
    # Ollama's cloud: other models of the same account cost nothing.
    _row("not in the plan", K.BILLING, "key_model", [402, 403], says=["requires a subscription"]),
    _row("402", K.BILLING, "account", [402]),
)

_ALLOWANCES = (
    # Google's models that are only paid for: waiting, as the answer says, brings nothing.
    _row(
        "no free allowance",
        K.BILLING,
        "key_model",
        [429],
        says=[r"free_tier_\w+, limit: 0\b|doesn't have a free quota tier"],
    ),
    # Groq: one request that is larger than a whole minute's allowance will never be served at this size.
    _row(
        "larger than the minute", K.CONTEXT, "request", [413], says=[r"tokens per (?:minute|day)|\bTP[MD]\b"]
    ),
    _row(
        "month used up",  # of the whole account, also where minutes and days are a model's own (Cohere)
        K.RATE_DAY,
        "account",
        [429],
        says=[
            r"\b(?:per|each|a)[ -]month\b|\bmonthly\b.{0,40}\b(?:limit|quota|allowance|allocation)",
            r"\bcalls */ *month\b",
        ],
    ),
    _row(
        "plan used up", K.RATE_DAY, "account", [403], codes="token_quota_reached"
    ),  # watsonx's free plan, a 403
    _row(
        "day used up",
        K.RATE_DAY,
        "limits",
        [429],
        codes="daily_limit_exceeded quota_day_exceeded 3036 4006",  # the numbers are Cloudflare's
        says=[
            r"\b(?:per|each|a)[ -](?:day|week)\b|\b[RT]PD\b",
            r"\b(?:daily|weekly)\b.{0,40}\b(?:limit|quota|allowance|allocation)",
            r"\b(?:neurons|calls) */ *day\b",
        ],
    ),
    _row(
        "host at capacity",
        K.OVERLOADED,
        "model",
        [429, 498],
        # 3040 is Cloudflare's; consumption_limit_reached watsonx's, whose free accounts share what there is of a model
        codes="3040 capacity_exceeded engine_overloaded consumption_limit_reached",
        says=[r"capacity (?:temporarily )?exceeded|at capacity|overloaded"],
    ),
    _row(
        "too many at once", K.RATE_MINUTE, "account", [429], codes="1302", says=["concurren"]
    ),  # 1302 is Z.ai's
    # Amazon, also where it says "too many tokens": that is of a minute's, and its quotas are a 400.
    _row(
        "throttled",
        K.RATE_MINUTE,
        "limits",
        [400, 429],
        codes="throttlingexception servicequotaexceededexception",
    ),
    # Cerebras: of the minute, where others say it of a prompt.
    _row("tokens of the minute", K.RATE_MINUTE, "limits", [429], says=["too many tokens"]),
)

_REQUEST = (
    _row(
        "prompt too long",
        K.CONTEXT,
        "request",
        codes="context_length_exceeded exceed_context_size_error context_window_exceeded request_too_large "
        "model_max_prompt_tokens_exceeded string_above_max_length string_too_long input_too_long",
        says=[
            r"(?:maximum|model'?s?|exceeds?|exceeded|available)\W+(?:the )?(?:available |maximum |model'?s? )?"
            r"context[ _-]?(?:length|size|window)",
            r"context[ _-]?(?:length|size|window) (?:of|is|exceeded|limit)",
            r"(?:prompt|input|messages?|request)(?: is| are)? too (?:long|large)",
            r"\b(?:prompt|input)s?(?: \(?token)?s?(?: count| length)?\b.{0,60}\b(?:exceed(?:s|ed)?|longer than)\b"
            r".{0,60}\b(?:maximum|max|limit|context|tokens?)\b",
            r"reduce the (?:length|size) of (?:the|your)|too many (?:input |prompt )?tokens",
            r"prompt contains \d+ tokens|while limit is \d+|tokens \+ .{0,3}max_new_tokens",
        ],
    ),
    _row(
        "answer too long",
        K.BAD_REQUEST,
        "request",
        [400, 422],
        says=[
            r"max(?:imum)?[_ ](?:completion[_ ]|output[_ ]|new[_ ])?tokens.{0,40}"
            r"(?:too large|must be (?:less|<)|exceeds the (?:maximum|limit))"
        ],
        ambiguous=True,
    ),
    _row(
        "filtered",
        K.POLICY,
        "request",
        [0, 400, 403, 422, 451],
        codes="content_filter content_policy_violation content_filtered moderation moderation_blocked input_moderation "
        "responsibleaipolicyviolation prohibited_content safety refusal data_inspection_failed 1301 "
        "minimax_1026 minimax_1027",
        says=[
            r"content (?:management )?(?:policy|filter)|flagged|usage polic(?:y|ies)|prompt injection",
            r"(?:blocked|refused|rejected) (?:by|due to|because of) .{0,30}(?:safety|policy|filter|moderation)",
            r"(?:sensitive|inappropriate|unsafe) content",
        ],
        ambiguous=True,
    ),
    _row(
        "spoiled tool call",  # the model's fault: Groq answers 400 when what it wrote does not fit the tool
        K.MALFORMED,
        "request",
        [400, 422],
        codes="tool_use_failed failed_generation json_validate_failed output_parse_failed",
        ambiguous=True,
    ),
)

_MODEL = (
    _row("410", K.MODEL_GONE, "model", [410]),
    _row(
        "not for new accounts",
        K.MODEL_GONE,
        "key_model",
        [400, 403, 404],
        says=[
            "no longer available to new users",
            # Amazon: Legacy models for those who have not used them of late; models that are called by a profile
            r"marked by provider as legacy|on-demand throughput isn.t supported",
        ],
    ),
    _row(
        "retired",
        K.MODEL_GONE,
        "model",
        codes="model_decommissioned model_retired model_shutdown",
        says=[
            r"model.{0,80}(?:decommissioned|been retired|has been (?:shut down|deprecated|removed))",
            r"model.{0,80}no longer (?:available|supported|exists)",
            r"model.{0,40}reached the end of its life",  # Amazon
        ],
    ),
    _row(
        "not there or not ours",
        K.MODEL_GONE,
        "key_model",
        [400, 403, 404, 422],
        says=["do(?:es)? not (?:exist|have access).{0,60}access"],
    ),
    _row(
        "model not allowed",
        K.AUTH,
        "key_model",
        [403],
        codes="model_permission_blocked_org model_permission_blocked_project",
        says=[
            r"(?:(?:not|n.t) have|no) access to .{0,40}model|not (?:allowed to access|agreed to) .{0,40}model",
            r"model.{0,60}(?:not allowed|not authorized|no access|not have access)",
            r"not authorized to perform: bedrock:.{0,200}(?:model|profile)/",  # each is a resource of its own
        ],
    ),
    _row(
        "no such model",
        K.MODEL_GONE,
        "model",
        [0, 400, 404, 422],
        codes="model_not_found invalid_model model_not_supported model_not_exist unknown_model no_endpoints 1500 1211 "
        "resourcenotfoundexception",
        says=[
            r"model.{0,120}(?:not (?:be )?found|does not exist|doesn'?t exist|not exist|is not supported)",
            r"not a valid model|no endpoints found|(?:unknown|invalid|no such) model",
            r"model identifier is invalid|^model: |^404 page not found$",  # Bedrock, Anthropic, NVIDIA
        ],
    ),
)

_HOST = (
    _row("degraded", K.OVERLOADED, "model", says=["DEGRADED function"]),  # NVIDIA, a 400
    _row(
        "model failed", K.OVERLOADED, "model", [424], codes="modelerrorexception modelstreamerrorexception"
    ),  # Amazon, a 424
    _row(
        "model loading",
        K.OVERLOADED,
        "model",
        [0, 400, 429, 500, 503],
        codes="model_loading",
        says=[r"load(?:ing)? model|model .{0,80}(?:is (?:currently )?loading|not ready)|warming up"],
    ),
)

_STATUS = (
    _row("401", K.AUTH, "account", [401]),
    _row(
        "403 about the key",
        K.AUTH,
        "account",
        [403],
        says=[r"api key|token|credential|authenticat|authoriz|forbidden|permission"],
    ),
    _row("403", K.AUTH, "account", [403], ambiguous=True),
    _row("404", K.MODEL_GONE, "model", [404], ambiguous=True),
    _row("408", K.TIMEOUT, "upstream", [408]),
    _row("413", K.CONTEXT, "request", [413], ambiguous=True),
    _row("429", K.RATE_MINUTE, "limits", [429]),
    _row(
        "rate limit inside a 200",
        K.RATE_MINUTE,
        "limits",
        [0],
        codes="rate_limit_exceeded rate_limit_error too_many_requests resource_exhausted rate_limited "
        "minimax_1002 minimax_1039 minimax_1041 minimax_2045",
        says=["rate limit"],
    ),
    _row("bad request inside a 200", K.BAD_REQUEST, "request", [0], codes="minimax_2013", ambiguous=True),
    _row("5xx", K.OVERLOADED, "upstream", range(500, 600)),
    _row("redirect", K.MALFORMED, "upstream", range(300, 400)),
    _row("4xx", K.BAD_REQUEST, "request", range(400, 500), ambiguous=True),
)

RULES: tuple[Rule, ...] = (*_OPENROUTER, *_ACCOUNT, *_ALLOWANCES, *_REQUEST, *_MODEL, *_HOST, *_STATUS)
"""All of them, in order."""

HOSTS_FAULT = Rule("the host's fault", K.OVERLOADED, "upstream")
"""What is left: an error inside a good response that says nothing known, or a complaint about a request that was
already being answered."""
