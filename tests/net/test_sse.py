"""The event stream parser against a slow one written from the standard's own words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.net import EventTooLarge, NetError, ServerSentEvent, SSEParser


def read_slowly(body: bytes) -> list[ServerSentEvent]:
    """WHATWG HTML 9.2.6, word by word, over the whole body at once; a last event may lack its blank line."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines, line, position = [], "", 0
    while position < len(text):
        character = text[position]
        position += 1
        if character not in "\r\n":
            line += character
            continue
        if character == "\r" and text[position : position + 1] == "\n":
            position += 1
        lines.append(line)
        line = ""
    lines.append(line)  # the unfinished last line ...
    lines.append("")  # ... and the blank line that may be lacking
    events: list[ServerSentEvent] = []
    last_id, data, kind, retry = "", "", "", None
    for line in lines:
        if line == "":
            if data:
                events.append(ServerSentEvent(data.removesuffix("\n"), kind or "message", last_id, retry))
            data, kind, retry = "", "", None
            continue
        if line.startswith(":"):
            continue
        name, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        if name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value and all(c in "0123456789" for c in value):
            retry = int(value)
    return events


def read(*chunks: bytes) -> list[ServerSentEvent]:
    parser = SSEParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


FRAGMENTS = st.sampled_from(
    [
        "data: ",
        "data:",
        "data",
        ":",
        ": a comment",
        "event: x",
        "event:",
        "id: 7",
        "id",
        "id: \x00",
        "retry: 30",
        "retry: 3x",
        "retry: ٣",
        "other: y",
        "{}",
        '{"a": 1}',
        "é",
        "😀",
        " ",
        "x",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "\ufeff",
        "\x00",
    ]
)
BODIES = st.lists(FRAGMENTS, max_size=40).map(lambda parts: "".join(parts).encode()) | st.binary(max_size=60)


@given(BODIES, st.lists(st.integers(0, 400), max_size=12))
def test_any_chunking_gives_the_events_of_the_standard(body: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(c, len(body)) for c in cuts), len(body)]
    chunks = [body[a:b] for a, b in itertools.pairwise(edges)]
    assert read(*chunks) == read_slowly(body)


@given(BODIES)
def test_a_byte_at_a_time_is_as_good_as_all_at_once(body: bytes) -> None:
    assert read(*(bytes([b]) for b in body)) == read(body)


def test_events_come_as_soon_as_they_are_complete() -> None:
    parser = SSEParser()
    assert parser.feed(b'data: {"a"') == []
    assert [e.data for e in parser.feed(b": 1}\n\ndata: 2\n\ndata: 3")] == ['{"a": 1}', "2"]
    assert [e.data for e in parser.feed(b"\n\n")] == ["3"]


def test_comments_keep_a_connection_alive_and_say_nothing() -> None:
    assert [e.data for e in read(b": OPENROUTER PROCESSING\n\n: again\r\n\r\ndata: x\r\n\r\n")] == ["x"]


def test_a_line_end_split_over_chunks_is_one_line_end() -> None:
    assert [e.data for e in read(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n")] == ["a\nb"]


def test_data_lines_are_joined_and_fields_kept() -> None:
    (event,) = read(b"event: error\nid: 5\nretry: 1500\ndata: a\ndata: b\n\n")
    assert event == ServerSentEvent("a\nb", "error", "5", 1500)


def test_a_byte_order_mark_split_over_chunks_is_dropped() -> None:
    assert [e.data for e in read(b"\xef", b"\xbb", b"\xbfdata: a\n\n")] == ["a"]


def test_a_last_event_without_its_blank_line_is_not_lost() -> None:
    assert [e.data for e in read(b"data: a\n\ndata: b\n")] == ["a", "b"]


@pytest.mark.parametrize(
    "chunks", [[b"data: " + b"x" * 200], [b"data: "] + [b"x"] * 200, [b"data: " + b"x" * 200 + b"\n\n"]]
)
def test_an_event_without_end_is_an_error_not_a_full_memory(chunks: list[bytes]) -> None:
    parser = SSEParser(max_event=100)
    with pytest.raises(EventTooLarge, match="100 bytes"):
        for chunk in chunks:
            parser.feed(chunk)


def test_a_too_large_rest_after_good_events_is_an_error_too() -> None:
    parser = SSEParser(max_event=100)
    with pytest.raises(NetError) as caught:
        parser.feed(b"data: a\n\ndata: " + b"x" * 200)
    assert caught.value.kind == "too_large"
