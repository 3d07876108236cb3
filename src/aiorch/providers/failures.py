"""From what a provider answered to one typed :class:`~aiorch.types.Failure`. Pure: no network, no clock.

Three steps: :func:`~aiorch.providers.error_bodies.read_error` finds the words in whatever shape they came; the first
row of :data:`~aiorch.providers.rules.RULES` that fits says kind and scope; the headers, the body and the provider's
habits say when to ask again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiorch.net import NetError
from aiorch.providers.error_bodies import ErrorBody, read_error
from aiorch.providers.redaction import Redactor
from aiorch.providers.resets import next_midnight, reset_at, retry_after, told_in_text
from aiorch.providers.rules import HOSTS_FAULT, rule_for
from aiorch.providers.spec import ProviderSpec
from aiorch.types import Failure, FailureKind, FailureScope

K = FailureKind


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
    told = {name.lower(): value for name, value in headers.items()}
    error = read_error(body, told.get("x-amzn-errortype", ""))
    effective = status if status is not None and status >= 300 else error.status or 0
    rule = rule_for(effective, error) or HOSTS_FAULT
    if in_stream and rule.kind is K.BAD_REQUEST:
        rule = HOSTS_FAULT
    kind = rule.kind
    scope: FailureScope = provider.limit_scope if rule.scope == "limits" else rule.scope
    if kind is K.RATE_MINUTE and error.upstream:
        scope = "upstream"  # a router that names a host passes on the host's limit, not its own
    elif kind is K.RATE_MINUTE and _used_up_for_the_day(told, error, provider):
        kind = K.RATE_DAY
    clean = (
        redactor or Redactor()
    ).clean  # every word of theirs may echo a key, the code as well as the message
    named = error.successors if kind in (K.MODEL_GONE, K.OVERLOADED) else ()
    return Failure(
        kind,
        scope,
        clean(error.message) or _said_nothing(status),
        status=status,
        code=None if error.code is None else clean(error.code, LONGEST_CODE),
        retry_at=_retry_at(kind, told, error, provider, now),
        ambiguous=rule.ambiguous,
        successors=tuple(clean(name) for name in named),
        upstream=None if error.upstream is None else clean(error.upstream, LONGEST_CODE),
        details={name: clean(value) for name, value in error.details.items()},
    )


LONGEST_CODE = 80
"""Characters of a code or a host's name."""


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


def _window_reset(
    kind: FailureKind, headers: Mapping[str, str], spec: ProviderSpec, now: float
) -> float | None:
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


def not_sent(what: str) -> Failure:
    """A question that a provider's dialect has no words for; another's may have them."""
    return Failure(K.BAD_REQUEST, "request", f"{what}; nothing was sent", ambiguous=True)


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
        K.TRUNCATED,
        "upstream",
        f"the stream ended after {characters} characters without saying why",
        status=200,
    )


def ended_in_error(reason: str, upstream: str | None = None) -> Failure:
    """An answer whose finish reason is an error, without an error object beside it."""
    return Failure(
        K.OVERLOADED,
        "upstream",
        f"the host ended the answer with {reason!r}",
        status=200,
        code=reason,
        upstream=upstream,
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
