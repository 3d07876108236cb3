"""What can be wrong with a deployment: one row a fault, with what must come of it while others are well.

Bodies are of the shapes that providers send (their documentation and error pages), shortened; nobody's words are
quoted beyond what sets the shape apart.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from tests.faults.upstream import (
    DONE,
    FIRST,
    LAST,
    ROLE,
    Act,
    Came,
    Steps,
    answers,
    chunk,
    completion,
    cut,
    delta,
    event,
    halved,
    head,
    healthy,
    informed,
    late,
    modes,
    paced,
    reply,
    says,
    spoken,
    streamed,
    to_json,
    torn,
)

FIRST_BYTE = 0.5
"""Seconds that the tests wait for a first byte, and for each next one."""

Fate = Literal["other", "own", "either", "broken"]
"""Somebody else's whole answer; the deployment's own (it is odd, not ill); any whole answer; a typed interruption after
what was shown, or somebody else's answer once the deployment is known to be ill.
"""


@dataclass(frozen=True)
class Sickness:
    """One fault."""

    name: str
    act: Act
    call: Fate | None = "other"
    """What must come of it where a whole answer is asked for; ``None`` = it is a fault of streams only."""
    stream: Fate | None = "other"

    def __str__(self) -> str:
        return self.name


def both(name: str, act: Act) -> Sickness:
    """The same however it is asked, and somebody else must answer."""
    return Sickness(name, act)


def odd(name: str, act: Act) -> Sickness:
    """Unusual and no fault: the answer is its own."""
    return Sickness(name, act, "own", "own")


def of_call(name: str, act: Act, fate: Fate = "other") -> Sickness:
    """Of whole answers only."""
    return Sickness(name, act, fate, None)


def of_stream(name: str, act: Act, fate: Fate = "other") -> Sickness:
    """Of streams only."""
    return Sickness(name, act, None, fate)


def openai_error(message: str, kind: str, code: str | int | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


NGINX = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body><center><h1>502 Bad Gateway</h1></center></body></html>"
)
CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable JavaScript</body></html>"
)

REFUSALS: tuple[Sickness, ...] = (
    both(
        "openai-429",
        reply(
            429,
            openai_error(
                "Rate limit reached for gpt-4o-mini on requests per min (RPM): Limit 3, Used 3. "
                "Please try again in 20s.",
                "requests",
                "rate_limit_exceeded",
            ),
            {"retry-after": "20", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"},
        ),
    ),
    both(
        "groq-429-tokens",
        reply(
            429,
            openai_error(
                "Rate limit reached on tokens per minute (TPM). Please try again in 7.66s.",
                "tokens",
                "rate_limit_exceeded",
            ),
            {"retry-after": "8", "x-ratelimit-reset-tokens": "7.66s"},
        ),
    ),
    both(
        "gemini-429-in-a-list",
        reply(
            429,
            [
                {
                    "error": {
                        "code": 429,
                        "message": "Resource has been exhausted (e.g. check quota).",
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [
                            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33s"}
                        ],
                    }
                }
            ],
        ),
    ),
    both(
        "openrouter-429-free-day",
        reply(
            429,
            {
                "error": {
                    "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 requests",
                    "code": 429,
                    "metadata": {
                        "headers": {
                            "X-RateLimit-Limit": "50",
                            "X-RateLimit-Remaining": "0",
                            "X-RateLimit-Reset": "1900000000000",
                        }
                    },
                },
                "user_id": "user_1",
            },
        ),
    ),
    both(
        "openrouter-502",
        reply(
            502,
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 502,
                    "metadata": {"raw": "upstream connect error", "provider_name": "Acme"},
                },
                "user_id": "user_1",
            },
        ),
    ),
    both(
        "openrouter-402",
        reply(402, {"error": {"message": "This request requires more credits", "code": 402}}),
    ),
    both(
        "anthropic-529",
        reply(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ),
    both(
        "cloudflare-429-neurons",
        reply(
            429,
            {
                "result": None,
                "success": False,
                "errors": [
                    {"code": 4006, "message": "you have used up your daily free allocation of 10,000 neurons"}
                ],
                "messages": [],
            },
        ),
    ),
    both(
        "huggingface-503-loading",
        reply(503, {"error": "Model acme/m is currently loading", "estimated_time": 20.0}),
    ),
    both(
        "mistral-429",
        reply(
            429,
            {
                "object": "error",
                "message": "Requests rate limit exceeded",
                "type": "rate_limited",
                "param": None,
                "code": "1300",
            },
        ),
    ),
    both("cohere-429", reply(429, {"id": "1", "message": "You are using a Trial key, limited to 10 calls"})),
    both(
        "openai-401",
        reply(
            401,
            openai_error("Incorrect API key provided: k.", "invalid_request_error", "invalid_api_key"),
        ),
    ),
    both(
        "gemini-400-bad-key",
        reply(
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "API key not valid. Please pass a valid API key.",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
        ),
    ),
    both(
        "openai-404-model",
        reply(
            404,
            openai_error("The model `m` does not exist", "invalid_request_error", "model_not_found"),
        ),
    ),
    both("fastapi-404", reply(404, {"detail": "Not Found"})),
    both(
        "openai-400-context",
        reply(
            400,
            openai_error(
                "This model's maximum context length is 8 tokens. However, your messages resulted in 9 tokens.",
                "invalid_request_error",
                "context_length_exceeded",
            ),
        ),
    ),
    both(
        "azure-400-filter",
        reply(
            400,
            openai_error(
                "The response was filtered due to the prompt triggering the content management policy",
                "invalid_request_error",
                "content_filter",
            ),
        ),
    ),
    both(
        "nim-400-degraded", reply(400, {"status": 400, "title": "Bad Request", "detail": "DEGRADED function"})
    ),
    both("bare-400", reply(400, {"error": {"message": "Bad request"}})),
    both("empty-400", reply(400, b"")),
    both("challenge-403", reply(403, CHALLENGE, {"server": "cloudflare"}, "text/html")),
    both("timeout-408", reply(408, {"error": {"message": "Timed out", "code": 408}})),
    both("too-large-413", reply(413, NGINX.replace("502 Bad Gateway", "413 Too Large"), {}, "text/html")),
    both("teapot-418", reply(418, "")),
    both("fastapi-500", reply(500, {"detail": "Internal Server Error"})),
    both("empty-500", reply(500, b"")),
    both("nginx-502", reply(502, NGINX, {}, "text/html")),
    both(
        "envoy-503",
        reply(503, "upstream connect error or disconnect/reset before headers", {}, "text/plain"),
    ),
    both(
        "gateway-504", reply(504, NGINX.replace("502 Bad Gateway", "504 Gateway Time-out"), {}, "text/html")
    ),
    both("cloudflare-520", reply(520, "<html>error code: 520</html>", {}, "text/html")),
    both("no-content-204", lambda came: [b"HTTP/1.1 204 No Content\r\n\r\n"]),
    both("reset-content-205", reply(205, b"")),
    both("not-modified-304", lambda came: [b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n"]),
    both("moved-301", reply(301, b"", {"location": "http://127.0.0.1:9/elsewhere"})),
    both("moved-307-to-itself", lambda came: reply(307, b"", {"location": came.path})(came)),
    both("switching-101", lambda came: [b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\n\r\n", "close"]),
    both("error-after-103", informed(reply(503, {"error": {"message": "no"}}), 103)),
)

_SAID = {"error": {"message": "Too many requests", "code": 429}}


def _tomorrow(sign: int) -> str:
    return format_datetime(datetime.now(UTC) + sign * timedelta(hours=20), usegmt=True)


RETRY_AFTER: tuple[Sickness, ...] = tuple(
    both(f"retry-after-{name}", reply(429, _SAID, headers))
    for name, headers in {
        "seconds": {"retry-after": "30"},
        "a-fraction": {"retry-after": "0.25"},
        "zero": {"retry-after": "0"},
        "a-date": {"retry-after": _tomorrow(1)},
        "a-date-that-is-past": {"retry-after": _tomorrow(-1)},
        "milliseconds": {"retry-after-ms": "30000"},
        "words": {"retry-after": "soon"},
        "nothing": {"retry-after": ""},
        "less-than-nothing": {"retry-after": "-5"},
        "for-ever": {"retry-after": "99999999999999999999"},
        "infinity": {"retry-after": "inf"},
        "not-a-number": {"retry-after": "nan"},
        "a-duration": {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"},
        "epoch-milliseconds": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900000000000"},
        "an-iso-date": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2099-01-01T00:00:00Z"},
    }.items()
)


def _comments(came: Came) -> Steps:
    """What says that it is alive, and never more."""
    if came.stream:
        return [head(200, "text/event-stream"), *([chunk(b": PROCESSING\n\n"), 0.1] * 60)]
    return [head(200, "application/json"), *([chunk(b" \n"), 0.1] * 60)]


SILENCES: tuple[Sickness, ...] = (
    both("silent", lambda came: ["hang"]),
    both("silent-in-its-head", lambda came: [b"HTTP/1.1 200 OK\r\ncontent-ty", "hang"]),
    both("silent-after-its-head", cut(healthy, "hang", after=1)),
    both("late-beyond-the-limit", late(FIRST_BYTE * 3, healthy)),
    both("informs-and-falls-silent", informed(lambda came: ["hang"], 102, 103)),
    odd("late-within-the-limit", late(FIRST_BYTE / 4, healthy)),
    of_call("silent-in-its-body", halved(healthy, "hang")),
    of_stream("silent-after-the-role", cut(healthy, "hang", after=2)),
    of_stream("silent-after-the-first-word", cut(healthy, "hang", after=3), "broken"),
    of_stream("silent-before-the-finish", cut(healthy, "hang", after=FIRST + 9), "broken"),
    Sickness("comments-for-ever", _comments, "other", "other"),
    odd("slow-and-steady", modes(paced(healthy, 0.01, size=200), paced(healthy, 0.03))),
)

CONNECTIONS: tuple[Sickness, ...] = (
    both("reset-at-once", lambda came: ["reset"]),
    both("closed-at-once", lambda came: ["close"]),
    both("reset-in-its-head", lambda came: [b"HTTP/1.1 200 OK\r\ncontent-ty", "reset"]),
    both("closed-in-its-head", lambda came: [b"HTTP/1.1 200 OK\r\ncontent-ty", "close"]),
    both("reset-after-its-head", cut(healthy, "reset", after=1)),
    both("closed-after-its-head", cut(healthy, "close", after=1)),
    both("closed-after-a-while", late(0.1, lambda came: ["close"])),
    of_call("reset-in-its-body", halved(healthy, "reset")),
    of_call("closed-in-its-body", halved(healthy, "close")),
    of_stream("reset-after-the-role", cut(healthy, "reset", after=2)),
    of_stream("closed-after-the-role", cut(healthy, "close", after=2)),
    of_stream("reset-after-a-word", cut(healthy, "reset", after=3), "broken"),
    of_stream("closed-after-a-word", cut(healthy, "close", after=3), "broken"),
    of_stream("closed-within-a-word", halved(lambda came: healthy(came)[:5], "close"), "broken"),
    of_stream("closed-before-the-finish", cut(healthy, "close", after=FIRST + 9), "broken"),
    of_stream("reset-after-the-finish", cut(healthy, "reset", after=FIRST + 10), "own"),
    of_stream("closed-after-the-finish", cut(healthy, "close", after=FIRST + 10), "own"),
    Sickness("closed-behind-each-answer", lambda came: [*healthy(came), "close"], "either", "either"),
    Sickness("reset-behind-each-answer", lambda came: [*healthy(came), 0.02, "reset"], "either", "either"),
    both("not-http", lambda came: [b"SSH-2.0-OpenSSH_9.6\r\n", "close"]),
    both("http-0.9", lambda came: [b'{"choices": []}', "close"]),
    both("bad-chunk-sizes", lambda came: [head(200, "application/json"), b"zz\r\nhello\r\n", "close"]),
    both("two-lengths", lambda came: [_two_lengths(), "close"]),
    both("a-head-without-end", lambda came: [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, "hang"]),
)


def _two_lengths() -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\ncontent-length: 9\r\n\r\n{}"


def _encoded(encoding: str, change: Callable[[bytes], bytes]) -> Act:
    """The good answer's bytes under a content-encoding."""

    def act(came: Came) -> Steps:
        whole = b"".join(spoken(came.name)) if came.stream else to_json(completion(came.name))
        data = change(whole)
        kind = "text/event-stream" if came.stream else "application/json"
        return [head(200, kind, {"content-encoding": encoding}, len(data)), data]

    return act


BODIES: tuple[Sickness, ...] = (
    both("html", reply(200, "<html><body>Please sign in</body></html>", {}, "text/html")),
    both("html-called-json", reply(200, "<html><body>Please sign in</body></html>")),
    both("plain-words", reply(200, "OK", {}, "text/plain")),
    both("nothing", reply(200, b"")),
    both("json-null", reply(200, "null")),
    both("json-list", reply(200, "[]")),
    both("json-text", reply(200, '"Hello."')),
    both("json-too-deep", reply(200, "[" * 100_000)),
    both("json-nan", reply(200, '{"choices": NaN}')),
    of_call("half-its-json", lambda came: reply(200, to_json(completion(came.name))[:80])(came)),
    of_call(
        "a-byte-order-mark",
        lambda came: reply(200, b"\xef\xbb\xbf" + to_json(completion(came.name)))(came),
        "either",
    ),
    of_call(
        "json-called-text", lambda came: reply(200, completion(came.name), {}, "text/plain")(came), "own"
    ),
    of_call(
        "json-called-bytes",
        lambda came: reply(200, completion(came.name), {}, "application/octet-stream")(came),
        "own",
    ),
    of_call("json-without-type", lambda came: [_untyped(to_json(completion(came.name)))], "own"),
    both("gzip-that-is-none", _encoded("gzip", lambda data: data)),
    of_call("gzip-cut-short", _encoded("gzip", lambda data: gzip.compress(data)[:-20])),
    both("gzip-broken", _encoded("gzip", lambda data: gzip.compress(data)[:12] + b"\xff" * 50)),
    odd("gzip", _encoded("gzip", gzip.compress)),
    both("unknown-encoding", _encoded("zzz", lambda data: b"\x00" * len(data))),
    both(
        "announces-ten-gigabytes", lambda came: [head(200, "application/json", length=10**10), b"{", "hang"]
    ),
    of_call("padded-by-a-megabyte", answers(top_padding="x" * 1_000_000), "own"),
    both("error-in-200", reply(200, {"error": {"message": "Provider disconnected", "code": 502}})),
    both("error-text-in-200", reply(200, {"error": "overloaded"})),
    both("rate-limit-in-200", reply(200, {"error": {"message": "Rate limit exceeded", "code": 429}})),
    of_call("error-in-a-choice", answers(finish_reason="error", error={"message": "failed", "code": 502})),
    both("null-choices", reply(200, {"id": "x", "object": "chat.completion", "choices": None})),
    both("no-choices", reply(200, {"id": "x", "object": "chat.completion", "choices": []})),
    both("choices-left-out", reply(200, {"id": "x", "object": "chat.completion"})),
    both("choices-of-nonsense", reply(200, {"choices": ["hello"]})),
    both("choices-are-a-text", reply(200, {"choices": "hello"})),
    of_call("null-message", answers(message=None)),
    of_call("null-content", answers(content=None)),
    of_call("empty-content", answers(content="")),
    of_call("finish-error", answers(finish_reason="error")),
    of_call("filtered-with-nothing", answers(content="", finish_reason="content_filter")),
    of_call("another-model", answers(top_model="somebody-else"), "own"),
    of_call("no-usage", answers(top_usage=None), "own"),
    of_call(
        "usage-of-nonsense", answers(top_usage={"prompt_tokens": "many", "completion_tokens": -3}), "own"
    ),
)


def _untyped(data: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)


def _in_stream(*events: bytes) -> Act:
    return lambda came: streamed(events)


def _instead(place: int, *events: bytes) -> Act:
    """These events at a place, and none after them."""
    return says(lambda all, name: [*all[:place], *events])


def _beside(place: int, *events: bytes) -> Act:
    """These events at a place, and the others after them."""
    return says(lambda all, name: [*all[:place], *events, *all[place:]])


ERROR = event({"error": {"message": "Provider disconnected", "code": 502}})
OPENROUTER_ERROR = event(
    {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "error": {"code": "server_error", "message": "Provider disconnected unexpectedly"},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }
)
MIDDLE = 5

STREAMS: tuple[Sickness, ...] = (
    of_stream("error-first", _in_stream(ERROR, DONE)),
    of_stream("error-after-the-role", _instead(FIRST, ERROR, DONE)),
    of_stream("openrouters-error-first", _in_stream(OPENROUTER_ERROR, DONE)),
    of_stream("named-error-first", _in_stream(b"event: error\n" + ERROR, DONE)),
    of_stream("error-in-the-middle", _instead(MIDDLE, ERROR, DONE), "broken"),
    of_stream("openrouters-error-in-the-middle", _instead(MIDDLE, OPENROUTER_ERROR, DONE), "broken"),
    of_stream("nonsense-first", _in_stream(b"data: {nonsense\n\n", DONE)),
    of_stream("nonsense-in-the-middle", _beside(MIDDLE, b"data: {nonsense\n\n"), "broken"),
    of_stream("half-an-event-in-the-middle", _beside(MIDDLE, b'data: {"id":"chatcmpl-mo\n\n'), "broken"),
    of_stream("finish-error-first", _in_stream(delta("x", finish="error"), DONE)),
    of_stream("finish-error-in-the-middle", _instead(MIDDLE, delta("x", finish="error"), DONE), "broken"),
    of_stream("no-finish", says(lambda all, name: [*all[:-2], DONE]), "broken"),
    of_stream("no-finish-and-no-done", says(lambda all, name: all[:-2]), "broken"),
    of_stream("no-done", says(lambda all, name: all[:-1]), "own"),
    of_stream("filtered-with-nothing-streamed", _in_stream(delta("x", "", finish="content_filter"), DONE)),
    of_stream("role-only", says(lambda all, name: [all[ROLE]])),
    of_stream("done-only", _in_stream(DONE)),
    of_stream("finish-only", says(lambda all, name: [all[ROLE], *all[-2:]])),
    of_stream("comments-only", _in_stream(*[b": PROCESSING\n\n"] * 3)),
    of_stream("no-events", lambda came: [head(200, "text/event-stream"), LAST]),
    of_stream(
        "no-length-and-no-bytes",
        lambda came: [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", "close"],
    ),
    of_stream("null-choices-streamed", _in_stream(event({"choices": None}), DONE)),
    of_stream("an-html-page-as-events", _in_stream(b"<html><body>Sign in</body></html>")),
    of_stream("comments-between", _beside(MIDDLE, b": PROCESSING\n\n", b":\n\n"), "own"),
    of_stream("finish-twice", says(lambda all, name: [*all[:-1], all[-2], all[-1]]), "own"),
    of_stream("role-twice", _beside(FIRST, spoken("x")[ROLE]), "own"),
    of_stream("done-twice", says(lambda all, name: [*all, DONE]), "own"),
    of_stream("chatter-after-done", says(lambda all, name: [*all, b": bye\n\n", b"data: {}\n\n"]), "own"),
    of_stream("empty-deltas", _beside(MIDDLE, delta("x", ""), delta("x", "")), "own"),
    of_stream("null-delta", _beside(MIDDLE, event({"choices": [{"index": 0, "delta": None}]})), "own"),
    of_stream("no-choices-in-the-middle", _beside(MIDDLE, event({"choices": [], "usage": None})), "own"),
    of_stream(
        "usage-apart",
        says(
            lambda all, name: [
                *all[:-2],
                delta(name, finish="stop"),
                event({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 8}}),
                DONE,
            ]
        ),
        "own",
    ),
    of_stream("crlf", says(lambda all, name: [e.replace(b"\n", b"\r\n") for e in all]), "own"),
    of_stream("cr-alone", says(lambda all, name: [e.replace(b"\n", b"\r") for e in all]), "own"),
    of_stream(
        "crlf-split", torn(says(lambda all, name: [e.replace(b"\n", b"\r\n") for e in all]), 13), "own"
    ),
    of_stream("seven-bytes-at-a-time", torn(healthy, 7), "own"),
    of_stream(
        "no-space-after-data", says(lambda all, name: [e.replace(b"data: ", b"data:") for e in all]), "own"
    ),
    of_stream(
        "ids-and-retries",
        says(lambda all, name: [b"id: 7\nretry: 10\nevent: message\n" + e for e in all]),
        "own",
    ),
    of_stream("no-last-blank-line", says(lambda all, name: [*all[:-1], DONE.rstrip()]), "own"),
    of_stream("all-in-one-chunk", lambda came: streamed([b"".join(spoken(came.name))]), "own"),
    of_stream(
        "many-in-a-chunk",
        says(lambda all, name: [b"".join(all[i : i + 3]) for i in range(0, len(all), 3)]),
        "own",
    ),
    of_stream("a-huge-chunk", _beside(MIDDLE, b": " + b"x" * 1_000_000 + b"\n\n"), "own"),
    of_stream(
        "a-line-without-end",
        lambda came: [head(200, "text/event-stream"), chunk(b"data: " + b"x" * 300_000), "hang"],
    ),
    of_stream("events-called-text", lambda came: streamed(spoken(came.name), kind="text/plain"), "other"),
    of_stream(
        "charset-beside-the-type",
        lambda came: streamed(spoken(came.name), kind="text/event-stream; charset=utf-8"),
        "own",
    ),
    of_stream("whole-though-streaming", answers(), "own"),
    of_stream(
        "another-model-streamed",
        says(lambda all, name: [e.replace(b'"model":"m"', b'"model":"else"') for e in all]),
        "own",
    ),
)

AMBIGUOUS = frozenset(
    {
        "openai-400-context",
        "too-large-413",
        "azure-400-filter",
        "filtered-with-nothing",
        "filtered-with-nothing-streamed",
    }
)
"""What may be the request's fault as well: it speaks against nobody for longer than one call."""

SICKNESSES: tuple[Sickness, ...] = (
    *REFUSALS,
    *RETRY_AFTER,
    *SILENCES,
    *CONNECTIONS,
    *BODIES,
    *STREAMS,
    odd("informed-103", informed(healthy, 103)),
    odd("informed-100", informed(healthy, 100)),
)
