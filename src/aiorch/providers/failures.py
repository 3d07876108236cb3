"""From what a provider answered to one typed :class:`~aiorch.types.Failure`. Pure: no network, no clock.

Three steps: :func:`read_error` finds the words in whatever shape they came; the first row of :data:`RULES` that fits
says kind and scope; the headers, the body and the provider's habits say when to ask again.

The order of the rows carries meaning. A status alone is the weakest evidence (Google's wrong key is a 400, NVIDIA's
sick host is a 400, a day's allowance and a crowded minute are both 429), so rows that read the words come first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from aiorch.net import NetError
from aiorch.providers.redaction import Redactor
from aiorch.providers.resets import next_midnight, reset_at, retry_after, told_in_text
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Failure, FailureKind, FailureScope

K = FailureKind


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says, whichever shape it had."""

    message: str = ""
    """The provider's words."""
    code: str | None = None
    """Its most telling code or type, as written."""
    codes: frozenset[str] = frozenset()
    """All its codes, types and reasons, in lower case."""
    status: int | None = None
    """The HTTP status that the body itself names."""
    upstream: str | None = None
    successors: tuple[str, ...] = ()
    wait: object = None
    """A wait or moment that the body names."""


# --- reading -----------------------------------------------------------------------------------------------------

_CODE_FIELDS = ("code", "type", "status", "error_type", "reason", "error_code", "http_status")
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_MESSAGE_FIELDS = ("message", "detail", "error", "title", "msg", "description")


def read_error(body: bytes | str | object) -> ErrorBody:
    """The error in ``body``: bytes, text or parsed JSON.

    >>> read_error(b'{"error": {"message": "no such model", "code": "model_not_found"}}').codes
    frozenset({'model_not_found'})
    """
    if isinstance(body, bytes):
        body = body[:1_000_000].decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            parsed: object = json.loads(body)
        except (ValueError, RecursionError):
            return ErrorBody(_plain_text(body))
        body = parsed
    layers = list(_layers(body))
    messages: list[str] = []
    codes: list[str] = []
    found: dict[str, Any] = {}
    for layer in layers:
        messages += [m for f in _MESSAGE_FIELDS if isinstance(m := layer.get(f), str)]
        codes += [c for f in _CODE_FIELDS if (c := _code(layer.get(f)))]
        for name, value in layer.items():
            found.setdefault(name, value)
    if isinstance(body, str):
        messages.append(body)
    codes += _quota_ids(found.get("violations"))
    named = [c for c in codes if not _STATUS.fullmatch(c)] or codes
    status = next((int(c) for c in codes if _STATUS.fullmatch(c)), None)
    host = found.get("provider_name") or found.get("provider")
    if found.get("reasons") and found.get("flagged_input") is not None:
        codes.append("moderation")
    if "failed_generation" in found:
        codes.append("failed_generation")
    return ErrorBody(
        ": ".join(dict.fromkeys(m.strip() for m in messages if m.strip())),
        named[0] if named else None,
        frozenset(c.casefold() for c in codes),
        status,
        host if isinstance(host, str) else None,
        tuple(m for m in _list(found.get("fallback_models")) if isinstance(m, str)),
        found.get("retryDelay") if found.get("retry_after") is None else found.get("retry_after"),
    )


def _code(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1_000_000:
        return str(value)
    return value if isinstance(value, str) and value else None


def _layers(value: object, depth: int = 5) -> Sequence[Mapping[str, Any]]:
    """The objects of an error, the most telling first: what is inside before what wraps it.

    ``metadata.raw`` is another provider's error in a string (OpenRouter), ``details`` and ``errors`` are lists (Google,
    Cloudflare), and the whole may be a list (Google's compatible endpoint).
    """
    if depth == 0:
        return ()
    if isinstance(value, list):
        return [layer for item in cast("list[object]", value)[:5] for layer in _layers(item, depth - 1)]
    if not isinstance(value, dict):
        return ()
    own = cast("dict[str, Any]", value)
    inner: list[Mapping[str, Any]] = []
    for name in ("error", "errors", "detail", "choices"):
        inner += _layers(own.get(name), depth - 1)
    inner += _layers(own.get("availability"), depth - 1)
    outer: list[Mapping[str, Any]] = []
    for name in ("metadata", "details"):
        outer += _layers(own.get(name), depth - 1)
    raw = own.get("raw")
    if isinstance(raw, str):
        try:
            outer += _layers(json.loads(raw), depth - 1)
        except (ValueError, RecursionError):
            outer.append({"message": raw})
    return [*inner, own, *outer]


def _quota_ids(violations: object) -> list[str]:
    return [
        quota
        for v in _list(violations)
        if isinstance(v, dict) and isinstance(quota := cast("dict[str, Any]", v).get("quotaId"), str)
    ]


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _plain_text(text: str) -> str:
    """A text or HTML body in a few words."""
    if re.search(r"<\s*(?:!doctype|html|head|body)", text[:2000], re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:20_000], re.IGNORECASE | re.DOTALL)
        return f"a web page{': ' + title.group(1).strip() if title else ''} instead of an answer"
    return text.strip()


# --- the rules ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: every condition that is given must hold."""

    name: str
    kind: FailureKind
    scope: FailureScope | Literal["limits"]
    """``limits`` = what a 429 of this provider condemns (:attr:`ProviderSpec.limit_scope`)."""
    status: frozenset[int] = frozenset()
    """Any of these statuses."""
    codes: frozenset[str] = frozenset()
    """Any of these codes (or, with ``says``, either is enough)."""
    says: re.Pattern[str] | None = None
    """The message matches."""
    only: frozenset[str] = frozenset()
    """Only these providers."""
    ambiguous: bool = False

    def fits(self, status: int | None, error: ErrorBody, spec: ProviderSpec) -> bool:
        """True when this row describes the failure."""
        if self.only and spec.id not in self.only:
            return False
        if self.status and status not in self.status:
            return False
        if not self.codes and self.says is None:
            return True
        return bool(self.codes & error.codes) or bool(self.says and self.says.search(error.message))


def _rule(
    name: str,
    kind: FailureKind,
    scope: FailureScope | Literal["limits"],
    *,
    status: Sequence[int] = (),
    codes: str = "",
    says: str = "",
    only: str = "",
    ambiguous: bool = False,
) -> Rule:
    pattern = re.compile(says, re.IGNORECASE) if says else None
    return Rule(
        name, kind, scope, frozenset(status), frozenset(codes.split()), pattern, frozenset(only.split()), ambiguous
    )


RULES: tuple[Rule, ...] = (
    # -- OpenRouter says what is the matter with a model in error.availability
    _rule("free variant ended", K.MODEL_GONE, "model", codes="free_variant_ended model_deprecated"),
    _rule("privacy settings", K.AUTH, "key_model", codes="privacy_restricted", says=r"matching your data policy"),
    _rule("no host fits the request", K.BAD_REQUEST, "request", codes="constraint_filtered", ambiguous=True),
    _rule("hosts full", K.OVERLOADED, "model", codes="capacity_exhausted model_unavailable_upstream temporarily_unavailable"),
    _rule("host rate-limited", K.RATE_MINUTE, "upstream", says=r"rate[- ]limited upstream"),
    # -- keys, whatever the status (Google's wrong key is a 400)
    _rule(
        "bad key",
        K.AUTH,
        "account",
        codes="api_key_invalid invalid_api_key authentication_error invalid_authentication no_api_key wrong_api_key",
        says=r"api[ _]key (?:not valid|is invalid|not found|expired)|invalid (?:api[ _-]?key|token|x-api-key)|incorrect api key",
    ),
    _rule("region refused", K.AUTH, "account", codes="unsupported_country_region_territory", says=r"location is not supported for the api"),
    # -- money
    _rule(
        "no credit",
        K.BILLING,
        "account",
        codes="insufficient_quota billing_hard_limit_reached billing_not_active payment_method_required "
        "insufficient_credits insufficient_balance payment_required",
        says=r"insufficient (?:credit|balance|fund|account balance)|credit balance is too low|requires more credits|account balance is \$?0"
        r"|payment (?:method )?required|exceeded your monthly included credits",
    ),
    _rule("402", K.BILLING, "account", status=[402]),
    # -- allowances: a day's before a minute's
    _rule("OpenRouter's free day", K.RATE_DAY, "account", status=[429], says=r"free-models-per-day"),
    _rule("OpenRouter's free minute", K.RATE_MINUTE, "account", status=[429], says=r"free-models-per-min"),
    _rule("one request over the minute", K.CONTEXT, "request", status=[413], says=r"tokens per (?:minute|day)|\bTP[MD]\b"),
    _rule(
        "a day's allowance",
        K.RATE_DAY,
        "limits",
        status=[429],
        codes="daily_limit_exceeded quota_day_exceeded",
        says=r"\b(?:per|each|a)[ -](?:day|month|week)\b|\b(?:RPD|TPD)\b|\b(?:daily|monthly|weekly)\b.{0,40}\b(?:limit|quota|allowance|allocation)"
        r"|\b(?:neurons|calls) */ *(?:day|month)\b",
    ),
    _rule("host at capacity", K.OVERLOADED, "model", status=[429, 498], codes="3040 capacity_exceeded engine_overloaded", says=r"capacity (?:temporarily )?exceeded|at capacity|overloaded"),
    _rule("too many at once", K.RATE_MINUTE, "account", status=[429], codes="1302", says=r"concurren"),
    # -- the prompt does not fit; before other 400s, and not when it is the answer's length that is refused
    _rule(
        "answer too long",
        K.BAD_REQUEST,
        "request",
        status=[400, 422],
        says=r"max(?:imum)?[_ ](?:completion[_ ]|output[_ ]|new[_ ])?tokens.{0,40}(?:too large|must be (?:less|<)|exceeds the (?:maximum|limit))",
        ambiguous=True,
    ),
    _rule(
        "prompt too long",
        K.CONTEXT,
        "request",
        codes="context_length_exceeded exceed_context_size_error context_window_exceeded model_max_prompt_tokens_exceeded "
        "request_too_large string_above_max_length input_too_long",
        says=r"(?:maximum|model'?s?|exceeds?|available|exceeded)\W+(?:the )?(?:available |maximum )?context[ _-]?(?:length|size|window)"
        r"|context[ _-]?(?:length|size|window) (?:of|is|exceeded|limit)|(?:prompt|input|messages?|request)(?: is| are)? too (?:long|large)"
        r"|(?:prompt|input)(?: \(?token)?s?(?: count| length)?\b.{0,60}\b(?:exceeds?|exceeded|longer than|greater than)\b.{0,60}\b(?:maximum|max|limit|context|tokens?)\b"
        r"|reduce the (?:length|size) of (?:the|your)|too many (?:input |prompt )?tokens|prompt contains \d+ tokens|while limit is \d+"
        r"|tokens \+ .{0,3}max_new_tokens",
    ),
    # -- filters
    _rule(
        "filtered",
        K.POLICY,
        "request",
        status=[0, 400, 403, 422, 451],
        codes="content_filter content_policy_violation moderation moderation_blocked content_filtered responsibleaipolicyviolation "
        "prohibited_content 1301 data_inspection_failed input_moderation safety",
        says=r"content (?:management )?(?:policy|filter)|flagged|(?:blocked|refused|rejected) (?:by|due to|because of) .{0,30}(?:safety|policy|filter|moderation)"
        r"|(?:sensitive|inappropriate|unsafe) content|usage polic(?:y|ies)",
        ambiguous=True,
    ),
    # -- a model that spoiled its own answer
    _rule(
        "tool call failed",
        K.MALFORMED,
        "request",
        status=[400, 422],
        codes="tool_use_failed failed_generation json_validate_failed output_parse_failed",
        ambiguous=True,
    ),
    # -- models that are not there
    _rule("410", K.MODEL_GONE, "model", status=[410]),
    _rule("not for this account", K.MODEL_GONE, "key_model", status=[400, 403, 404], says=r"no longer available to new users"),
    _rule("retired", K.MODEL_GONE, "model", codes="model_decommissioned model_retired model_shutdown", says=r"model.{0,80}(?:decommissioned|been retired|has been (?:shut down|deprecated|removed)|no longer (?:available|supported|exists))"),
    _rule("not there or not ours", K.MODEL_GONE, "key_model", status=[400, 403, 404, 422], says=r"do(?:es)? not (?:exist|have access).{0,60}access"),
    _rule("model not allowed", K.AUTH, "key_model", status=[403], codes="model_permission_blocked_org model_permission_blocked_project", says=r"(?:not have|no) access to .{0,40}model|model.{0,60}(?:not allowed|not authorized|no access|not have access)"),
    _rule(
        "no such model",
        K.MODEL_GONE,
        "model",
        status=[0, 400, 404, 422],
        codes="model_not_found invalid_model model_not_supported no_endpoints 1500 1211 unknown_model model_not_exist",
        says=r"not a valid model|model.{0,120}(?:not (?:be )?found|does not exist|doesn'?t exist|is not supported|not exist)|no endpoints found|unknown model|invalid model"
        r"|model identifier is invalid|no such model|^model: ",
    ),
    # -- hosts that are unwell, whatever the status (NVIDIA's is a 400)
    _rule("degraded", K.OVERLOADED, "model", says=r"DEGRADED function"),
    _rule("model loading", K.OVERLOADED, "model", status=[0, 400, 429, 500, 503], codes="model_loading", says=r"(?:loading|load) model|model .{0,80}(?:is (?:currently )?loading|not ready)|warming up"),
    _rule("overloaded", K.OVERLOADED, "upstream", codes="overloaded_error overloaded provider_overloaded provider_unavailable unavailable unavailable_error service_unavailable internal_server_error insufficient_system_resource", status=[0]),
    # -- and now by status
    _rule("401", K.AUTH, "account", status=[401]),
    _rule("403 that means the key", K.AUTH, "account", status=[403], says=r"api key|token|credential|authenticat|authoriz|forbidden|permission|unauthori"),
    _rule("403", K.AUTH, "account", status=[403], ambiguous=True),
    _rule("NVIDIA's 404", K.MODEL_GONE, "model", status=[404], says=r"^404 page not found$"),
    _rule("404", K.MODEL_GONE, "model", status=[404], ambiguous=True),
    _rule("408", K.TIMEOUT, "upstream", status=[408]),
    _rule("413", K.CONTEXT, "request", status=[413], ambiguous=True),
    _rule("429", K.RATE_MINUTE, "limits", status=[429]),
    _rule("rate limited in a 200", K.RATE_MINUTE, "limits", codes="rate_limit_exceeded rate_limit_error too_many_requests resource_exhausted rate_limited"),
    _rule("5xx", K.OVERLOADED, "upstream", status=range(500, 600)),
    _rule("redirected", K.MALFORMED, "upstream", status=range(300, 400)),
    _rule("4xx", K.BAD_REQUEST, "request", status=range(400, 500), ambiguous=True),
)
"""First match wins."""

HOSTS_FAULT = Rule("the host's fault", K.OVERLOADED, "upstream")
"""What is left: an error inside a 200 that says nothing known, or any complaint about a request that was already being answered."""


def rule_for(status: int | None, error: ErrorBody, spec: ProviderSpec) -> Rule | None:
    """The row that describes this failure; ``None`` when none does."""
    for rule in RULES:
        if rule.fits(status, error, spec):
            return rule
    return None


# --- classifying -------------------------------------------------------------------------------------------------


def classify(
    status: int | None,
    headers: Mapping[str, str],
    body: bytes | str | object,
    *,
    provider: ProviderSpec,
    now: float,
    in_stream: bool = False,
    redactor: Redactor | None = None,
) -> Failure:
    """What kind of failure an error response is.

    :param status: the HTTP status; 200 for an error inside a response or a stream.
    :param body: its bytes, text or parsed JSON.
    :param now: epoch seconds.
    :param in_stream: the error came after the response had begun, so it is the host's unless it says otherwise.

    >>> from aiorch.providers.specs import SPECS
    >>> failure = classify(400, {}, b'{"error": {"message": "API key not valid."}}', provider=SPECS["gemini"], now=0.0)
    >>> failure.kind, failure.scope
    (<FailureKind.AUTH: 'auth'>, 'account')
    """
    error = read_error(body)
    told = {name.lower(): value for name, value in headers.items()}
    effective = status if status is not None and status >= 300 else error.status or 0
    rule = rule_for(effective, error, provider) or HOSTS_FAULT
    if in_stream and rule.kind is K.BAD_REQUEST:
        rule = HOSTS_FAULT
    kind = rule.kind
    scope: FailureScope = provider.limit_scope if rule.scope == "limits" else rule.scope
    if kind is K.RATE_MINUTE and error.upstream:
        scope = "upstream"  # a router that names a host passes on the host's limit, not its own
    elif kind is K.RATE_MINUTE and _used_up_for_the_day(told, error, provider):
        kind = K.RATE_DAY
    return Failure(
        kind,
        scope,
        (redactor or Redactor()).clean(error.message) or _said_nothing(status),
        status=status,
        code=error.code,
        retry_at=_retry_at(kind, told, error, provider, now),
        ambiguous=rule.ambiguous,
        successors=error.successors if kind in (K.MODEL_GONE, K.OVERLOADED) else (),
        upstream=error.upstream,
    )


def _said_nothing(status: int | None) -> str:
    return f"status {status} without a word" if status else "an error without a word"


def _used_up_for_the_day(headers: Mapping[str, str], error: ErrorBody, spec: ProviderSpec) -> bool:
    """True when the quota's name or the headers' counts say so though the sentence does not."""
    if any("perday" in code for code in error.codes):
        return True
    used_up = {w.per for w in spec.windows if headers.get(w.remaining, "").strip() == "0"}
    return used_up == {"day"}


def _retry_at(
    kind: FailureKind, headers: dict[str, str], error: ErrorBody, spec: ProviderSpec, now: float
) -> float | None:
    """The moment before which asking again is pointless."""
    if kind not in (K.RATE_MINUTE, K.RATE_DAY, K.OVERLOADED, K.TIMEOUT):
        return None
    if kind is K.RATE_DAY and spec.day_reset not in ("told", "UTC"):
        # Gemini names a wait of seconds beside a daily quota.
        return next_midnight(now, spec.day_reset)
    told = (
        retry_after(headers, now)
        or reset_at(error.wait, now)
        or told_in_text(error.message, now)
        or _window_reset(kind, headers, spec, now)
        or reset_at(headers.get("x-ratelimit-reset", ""), now)
    )
    if told is None and kind is K.RATE_DAY:
        return next_midnight(now)
    return told


def _window_reset(kind: FailureKind, headers: Mapping[str, str], spec: ProviderSpec, now: float) -> float | None:
    per = "day" if kind is K.RATE_DAY else "minute"
    resets = [
        reset_at(headers.get(w.reset, ""), now)
        for w in spec.windows
        if w.per == per and headers.get(w.remaining, "").strip() == "0"
    ]
    return max((r for r in resets if r is not None), default=None)


# --- failures that are no error response -------------------------------------------------------------------------

_NET_KINDS: Mapping[str, FailureKind] = {
    "connect_timeout": K.TIMEOUT,
    "pool_timeout": K.TIMEOUT,
    "read_timeout": K.TIMEOUT,
    "too_large": K.MALFORMED,
    "protocol": K.MALFORMED,
}


def from_net(error: NetError) -> Failure:
    """A call that brought no whole response.

    >>> from_net(NetError("connect", "refused", "localhost:1 refused the connection")).kind
    <FailureKind.TRANSPORT: 'transport'>
    """
    return Failure(_NET_KINDS.get(error.kind, K.TRANSPORT), "upstream", error.message, code=error.kind)


def malformed(what: str, status: int | None = 200) -> Failure:
    """An answer that is not one: HTML, broken JSON, no choices."""
    return Failure(K.MALFORMED, "upstream", what, status=status)


def empty(model: str) -> Failure:
    """An answer with nothing in it."""
    return Failure(K.EMPTY, "request", f"{model} answered with nothing", status=200, ambiguous=True)


def filtered(what: str) -> Failure:
    """A filter or the model itself refused, and there is no text."""
    return Failure(K.POLICY, "request", what, status=200, code="content_filter", ambiguous=True)


def truncated(characters: int) -> Failure:
    """A stream that ended without saying why."""
    return Failure(
        K.TRUNCATED, "upstream", f"the stream ended after {characters} characters without saying why", status=200
    )


def ended_in_error(reason: str, upstream: str | None = None) -> Failure:
    """An answer whose finish reason is an error, without an error object beside it."""
    return Failure(
        K.OVERLOADED, "upstream", f"the host ended the answer with {reason!r}", status=200, code=reason, upstream=upstream
    )


def no_such_key(name: str | None, spec: ProviderSpec) -> Failure:
    """A deployment names a key that nobody has given."""
    wanted = name or " or ".join(spec.env)
    return Failure(K.AUTH, "account", f"no key named {wanted} is set for {spec.name}; nothing was sent")


def without_model(failure: Failure) -> Failure:
    """For calls that name no model: what reads as a missing model is a missing address."""
    if failure.kind is not K.MODEL_GONE:
        return failure
    return replace(failure, kind=K.BAD_REQUEST, scope="account", successors=())
