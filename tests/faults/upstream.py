"""An upstream that falls ill on demand: a real HTTP server on 127.0.0.1 whose deployments answer by script.

A deployment is a name in the path, ``/d/<name>/v1/chat/completions``. Its *act* says what goes over the wire for one
request, as a list of steps: bytes, a pause in seconds, or an end. Acts are data, so faults are composed of each other:

    upstream.acts["A"] = late(0.2, cut(healthy, "reset", after=3))

The server runs in a thread, with an event loop of its own: the tests' own loop may be asyncio's or trio's.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

End = Literal["reset", "close", "hang"]
"""The connection is torn down, closed politely, or stays open and silent."""
Step = bytes | float | End
Steps = list[Step]
Act = Callable[["Came"], Steps]

PIECES = 8
"""Words of an answer, each an event of its own where it is streamed."""


@dataclass(frozen=True)
class Came:
    """One request."""

    name: str
    """The deployment."""
    number: int
    """How many came to this deployment before it."""
    stream: bool
    asked: Mapping[str, Any]
    """The body."""
    path: str


def text_of(name: str) -> str:
    """What a deployment answers: told apart from every other's at each word."""
    return " ".join(f"{name}.{i}" for i in range(PIECES))


# --- replies -----------------------------------------------------------------------------------------------------


def head(
    status: int, kind: str, headers: Mapping[str, str] = {}, length: int | None = None, reason: str = "Reply"
) -> bytes:
    """A response's head; without a length its body comes in chunks."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\n{size}\r\n{more}\r\n".encode()


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST = b"0\r\n\r\n"


def reply(status: int, body: object, headers: Mapping[str, str] = {}, kind: str = "application/json") -> Act:
    """The same whole response to whatever is asked."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else to_json(body)
    return lambda came: [head(status, kind, headers, len(data)), data]


def to_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def completion(name: str, **changes: Any) -> dict[str, Any]:
    """A whole answer. ``changes`` replace fields of the choice, or of the answer where they begin with ``top_``."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text_of(name)},
        "finish_reason": "stop",
    }
    answer: dict[str, Any] = {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 9, "completion_tokens": PIECES, "total_tokens": 9 + PIECES},
    }
    for field_name, value in changes.items():
        if field_name.startswith("top_"):
            answer[field_name[4:]] = value
        elif field_name == "content":
            choice["message"]["content"] = value
        else:
            choice[field_name] = value
    return answer


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + (value if isinstance(value, bytes) else to_json(value)) + b"\n\n"


def delta(name: str, content: str | None = None, finish: str | None = None, **top: Any) -> bytes:
    """One chunk of a stream."""
    said = {} if content is None else {"content": content}
    return event(
        {
            "id": f"chatcmpl-{name}",
            "object": "chat.completion.chunk",
            "model": "m",
            "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
            **top,
        }
    )


ROLE, FIRST = 0, 1
"""Places in :func:`spoken`: the event without content, and the first that shows something."""
DONE = event(b"[DONE]")


def spoken(name: str) -> list[bytes]:
    """The events of a streamed answer: the role, the words, the finish, ``[DONE]``."""
    words = text_of(name).split(" ")
    usage = {"prompt_tokens": 9, "completion_tokens": PIECES, "total_tokens": 9 + PIECES}
    return [
        event(
            {
                "id": f"chatcmpl-{name}",
                "object": "chat.completion.chunk",
                "model": "m",
                "choices": [
                    {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
                ],
            }
        ),
        *(delta(name, word if i == 0 else f" {word}") for i, word in enumerate(words)),
        delta(name, finish="stop", usage=usage),
        DONE,
    ]


def streamed(events: Sequence[bytes], *, kind: str = "text/event-stream", end: bytes = LAST) -> Steps:
    """Events as a chunked response, one step each."""
    return [head(200, kind), *(chunk(e) for e in events), end]


def healthy(came: Came) -> Steps:
    """What a deployment that is well does."""
    if came.stream:
        return streamed(spoken(came.name))
    data = to_json(completion(came.name))
    return [head(200, "application/json", length=len(data)), data]


# --- how acts are composed ---------------------------------------------------------------------------------------


def modes(call: Act, stream: Act) -> Act:
    """One act for whole answers, another for streams."""
    return lambda came: stream(came) if came.stream else call(came)


def answers(**changes: Any) -> Act:
    """A whole answer of another shape."""
    return lambda came: reply(200, completion(came.name, **changes))(came)


def says(change: Callable[[list[bytes], str], list[bytes]]) -> Act:
    """A stream of other events: ``change(events, name)``."""
    return lambda came: streamed(change(spoken(came.name), came.name))


def late(seconds: float, act: Act) -> Act:
    """The same after a silence."""
    return lambda came: [seconds, *act(came)]


def informed(act: Act, *statuses: int) -> Act:
    """The same after informational responses."""
    before = b"".join(b"HTTP/1.1 %d Wait\r\n\r\n" % status for status in statuses)
    return lambda came: [before, *act(came)]


def cut(act: Act, end: End, *, after: int) -> Act:
    """Only the first steps, and then that end."""
    return lambda came: [*act(came)[:after], end]


def halved(act: Act, end: End) -> Act:
    """The last step only by half."""

    def steps(came: Came) -> Steps:
        *before, last = act(came)
        assert isinstance(last, bytes)
        return [*before, last[: len(last) // 2], end]

    return steps


def paced(act: Act, seconds: float, *, size: int = 0) -> Act:
    """A pause before each step but the head; with ``size`` the body is first cut into pieces of so many bytes."""

    def steps(came: Came) -> Steps:
        first, *rest = act(came)
        if size:
            body = b"".join(s for s in rest if isinstance(s, bytes))
            rest = [body[i : i + size] for i in range(0, len(body), size)]
        return [first, *(s for step in rest for s in (seconds, step))]

    return steps


def torn(act: Act, size: int) -> Act:
    """The same bytes, as many at a time, without a pause: every event is split somewhere."""
    return paced(act, 0.0, size=size)


def turns(*acts: Act) -> Act:
    """One after the other, and round again: a flapping host."""
    return lambda came: acts[came.number % len(acts)](came)


def first(count: int, act: Act, then: Act = healthy) -> Act:
    """Ill for so many requests, then well."""
    return lambda came: (act if came.number < count else then)(came)


# --- the machine ------------------------------------------------------------------------------------------------------


@dataclass
class Heart:
    """Beats on an event loop and notes when the machine kept it waiting: who measures in real time must not take a
    busy machine for a fault.
    """

    rhythm: float = 0.02
    """Seconds between beats."""
    late: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Beats that were late: the monotonic second, and by how many seconds."""
    _last: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        now = time.monotonic()
        if now - self._last > 2 * self.rhythm:
            self.late.append((now, now - self._last - self.rhythm))
        self._last = now

    def stalled(self, since: float) -> float:
        """The longest wait from that monotonic second on, in seconds."""
        return max((seconds for when, seconds in self.late if when >= since), default=0.0)


# --- the server --------------------------------------------------------------------------------------------------


@dataclass
class Upstream:
    """Use it in a ``with`` block."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any that is free."""
    acts: dict[str, Act] = field(default_factory=dict[str, Act])
    """By deployment; one without an act is :func:`healthy`."""
    attempts: Counter[str] = field(default_factory=Counter[str])
    """Requests for answers that came, by deployment."""
    came: list[tuple[float, Came]] = field(default_factory=list[tuple[float, Came]])
    """Each of them, with the monotonic second."""
    open: int = 0
    """Connections that are open now."""
    heart: Heart = field(default_factory=lambda: Heart())
    """Of its own event loop."""

    def __enter__(self) -> Upstream:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._serve, self.host, self.port, backlog=1024)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        asyncio.run_coroutine_threadsafe(self._beat(), self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def url(self, name: str, *, scheme: str = "http", host: str | None = None) -> str:
        """The base URL of a deployment."""
        return f"{scheme}://{host or self.host}:{self.port}/d/{name}/v1"

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.heart.rhythm)
            self.heart.beat()

    async def _end(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        others = [t for t in asyncio.all_tasks() if t is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client has left, or speaks TLS to us
        finally:
            self.open -= 1
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request. Returns whether the connection goes on."""
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        path = lines[0].split(b" ")[1].decode()
        sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        body = await reader.readexactly(sizes[0] if sizes else 0)
        name = path.split("/")[2] if path.startswith("/d/") else path
        if path.endswith("/models"):
            steps: Steps = reply(200, {"object": "list", "data": [{"id": "m", "object": "model"}]})(
                Came(name, 0, False, {}, path)
            )
        else:
            asked = json.loads(body or b"{}")
            came = Came(name, self.attempts[name], bool(asked.get("stream")), asked, path)
            self.attempts[name] += 1
            self.came.append((time.monotonic(), came))
            steps = self.acts.get(name, healthy)(came)
        playing = asyncio.ensure_future(_play(steps, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
            return playing.result() if playing.done() else False
        finally:
            for task in (playing, leaving):
                task.cancel()
            await asyncio.gather(playing, leaving, return_exceptions=True)


async def _play(steps: Steps, writer: asyncio.StreamWriter) -> bool:
    for step in steps:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
            await asyncio.sleep(0)
        elif isinstance(step, float | int):
            await asyncio.sleep(step)
        elif step == "hang":
            await asyncio.sleep(3600)
        elif step == "close":
            return False
        else:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, not FIN
            writer.transport.abort()
            return False
    return True
