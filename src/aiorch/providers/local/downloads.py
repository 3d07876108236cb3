"""One big file over HTTP, in as many sittings as it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from aiorch.errors import LocalModelError

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_CONNECT, _SILENCE = 10.0, 60.0  # seconds


def download(
    url: str, part: Path, size: int, *, progress: Progress, transport: httpx.BaseTransport | None = None
) -> None:
    """Fetch ``url`` into ``part``, which has ``size`` bytes afterwards; what an earlier call left there is continued.

    Nothing is tried twice: a download that breaks leaves what it has in ``part`` and raises.

    :raises LocalModelError: when the server refuses, breaks off, or has another file.
    :raises OSError: when ``part`` cannot be written.
    """
    import httpx

    done = part.stat().st_size if part.exists() else 0
    if done == size:
        return progress(done, size)
    if done > size:
        part.unlink()
        done = 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
    timeout = httpx.Timeout(_SILENCE, connect=_CONNECT)
    try:
        with (
            httpx.Client(transport=transport, timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if not _continues(response, done):
                done = 0  # a server without ranges begins again
                _check_whole(response, url, part, size)
            with part.open("ab" if done else "wb") as file:
                done = _write(response, file, done, size, url, progress)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise LocalModelError(_broke_off(url, part, size, said)) from error
    if done < size:
        raise LocalModelError(_broke_off(url, part, size, "the server closed the connection early"))


def _continues(response: httpx.Response, done: int) -> bool:
    """Whether the server goes on where the last call stopped."""
    sent = response.headers.get("content-range", "")
    return response.status_code == 206 and done > 0 and sent.startswith(f"bytes {done}-")


def _check_whole(response: httpx.Response, url: str, part: Path, size: int) -> None:
    """Make sure that the body is the file from its beginning."""
    status, length = response.status_code, response.headers.get("content-length", str(size))
    if status == 200 and length == str(size):
        return
    if status in (200, 206, 416):  # the part that we have belongs to another file
        part.unlink(missing_ok=True)
        raise LocalModelError(
            f"{url} does not have the file of {size:,} bytes that is expected (HTTP {status}, {length} bytes). "
            "Either it was replaced, which a newer aiorch may know, or something in between answers in its place."
        )
    raise LocalModelError(
        f"{url} answered HTTP {status} {response.reason_phrase}. Try again later, or download the file with a "
        "browser and give its path: AIORCH_LOCAL_MODEL=/path/to/model.gguf"
    )


def _write(
    response: httpx.Response, file: BinaryIO, done: int, size: int, url: str, progress: Progress
) -> int:
    """Write the body after the first ``done`` bytes. :returns: how many there are now."""
    progress(done, size)
    for block in response.iter_raw():
        done += len(block)
        if done > size:
            file.truncate(0)
            raise LocalModelError(
                f"{url} sends more than the {size:,} bytes that the file should have; what came was deleted. "
                "The file there has changed: a newer aiorch may know it."
            )
        file.write(block)
        progress(done, size)
    return done


def _broke_off(url: str, part: Path, size: int, why: str) -> str:
    have = part.stat().st_size if part.exists() else 0
    kept = (
        f"{have:,} of {size:,} bytes are kept; the same command continues there"
        if have
        else "nothing was kept"
    )
    return f"the download of {url} broke off ({why}); {kept}."
