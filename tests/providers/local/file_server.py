"""A file server on 127.0.0.1 with the faults that downloads meet."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Serves ``content`` at every path; what is set here changes how."""

    content: bytes
    url: str = ""
    ranges: bool = True
    """Whether it understands ``Range``."""
    status: int | None = None
    """Answer this instead."""
    stop_after: int | None = None
    """Close the connection after so many bytes of a body."""
    chunked: bool = False
    """Send no length."""
    lie_about_range: bool = False
    """Answer 206 from another place than asked for."""
    redirect_from: str | None = None
    """A path that redirects to another."""
    asked: list[str | None] = field(default_factory=list)
    """The ``Range`` of each request."""


@contextmanager
def file_server(content: bytes) -> Generator[FileServer]:
    state = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return

        def end_headers(self) -> None:
            self.send_header("Connection", "close")
            super().end_headers()

        def do_GET(self) -> None:
            self.close_connection = True
            if self.path == state.redirect_from:
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status:
                self.send_response(state.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            if start >= len(state.content) > 0:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            shown = start + 1 if state.lie_about_range else start
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {shown}-{len(state.content) - 1}/{len(state.content)}"
                )
            if not state.chunked:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.stop_after])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
