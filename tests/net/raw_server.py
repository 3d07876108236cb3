"""A server of raw bytes on 127.0.0.1, in a thread of its own so that any event loop can call it.

Each path has a script: a coroutine that is given what came and the writer. It may break every rule of HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Script = Callable[["Came", asyncio.StreamWriter], Awaitable[bool | None]]
"""Returns True to keep the connection for the next request."""


@dataclass
class Came:
    """One request."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.head.split(b" ")[1].decode()


@dataclass
class RawServer:
    """Use it in a ``with`` block."""

    scripts: dict[str, Script] = field(default_factory=dict)
    requests: list[Came] = field(default_factory=list)
    connections: int = 0
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released each time a client closes its connection while a script is still running."""

    def __enter__(self) -> RawServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        others = [t for t in asyncio.all_tasks() if t is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        came = Came(head, await reader.readexactly(length))
        self.requests.append(came)
        script = asyncio.ensure_future(self.scripts[came.path](came, writer))
        gone = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([script, gone], return_when=asyncio.FIRST_COMPLETED)
        if script.done():
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            return bool(script.result())
        script.cancel()
        self.left.release()
        return False


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> bytes:
    """A whole response."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def says(*pieces: bytes, pause: float = 0.0, keep: bool = True) -> Script:
    """Writes these bytes, with a pause before each but the first; closes the connection after them unless ``keep``."""

    async def script(came: Came, writer: asyncio.StreamWriter) -> bool:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            writer.write(piece)
            await writer.drain()
        return keep

    return script


def hangs(*pieces: bytes) -> Script:
    """Writes these bytes and then nothing, for ever."""

    async def script(came: Came, writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        await asyncio.sleep(3600)
        return False

    return script
