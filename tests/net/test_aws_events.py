"""Amazon's event stream, from frames that are written byte by byte in the test."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.providers.dialects.bedrock_bodies import event, exception, frame

from aiorch.errors import MissingExtra
from aiorch.net import EventTooLarge, NetError, ServerSentEvent
from aiorch.net.aws_events import AWSEventParser


def read(*chunks: bytes) -> list[ServerSentEvent]:
    parser = AWSEventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


FRAMES = st.lists(
    st.tuples(st.sampled_from(["messageStart", "contentBlockDelta", "x"]), st.text(max_size=50)), max_size=4
)


@given(FRAMES, st.data())
def test_wherever_the_bytes_are_cut_the_events_are_the_same(
    frames: list[tuple[str, str]], data: st.DataObject
) -> None:
    stream = b"".join(
        frame({":event-type": kind, ":message-type": "event"}, text.encode()) for kind, text in frames
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert read(*pieces) == [ServerSentEvent(text, kind) for kind, text in frames]


def test_an_exception_is_told_by_its_type() -> None:
    (told,) = read(exception("throttlingException", "Too many requests"))
    assert told.event == "error:throttlingException"
    assert told.data == '{"message": "Too many requests"}'


def test_an_error_of_the_transport_is_told_by_its_code() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "it broke"}
    assert read(frame(headers, b"")) == [ServerSentEvent('{"message": "it broke"}', "error:InternalFailure")]


def test_a_frame_that_is_not_complete_is_none() -> None:
    whole = event("messageStart", role="assistant")
    assert read(whole[:-1]) == []
    assert len(read(whole, whole[:20])) == 1


@pytest.mark.parametrize("place", [0, 5, 9, 14, 40, -1])
def test_a_byte_that_was_changed_on_the_way_is_found(place: int) -> None:
    spoiled = bytearray(event("messageStart", role="assistant"))
    spoiled[place] ^= 1
    with pytest.raises(NetError) as caught:
        read(bytes(spoiled))
    assert (caught.value.phase, caught.value.kind) == ("body", "protocol")


@pytest.mark.parametrize("body", [b"<html>sorry</html> and more of it", b'data: {"a": 1}\n\n' * 3])
def test_what_is_no_such_stream_is_no_such_stream(body: bytes) -> None:
    with pytest.raises(NetError, match="event stream of Amazon's"):
        read(body)


def test_frames_with_right_checksums_and_nonsense_in_them() -> None:
    import struct
    import zlib

    header = b"\x01a\x63"  # a type that there is none of
    prelude = struct.pack("!II", 16 + len(header), len(header))
    start = prelude + struct.pack("!I", zlib.crc32(prelude)) + header
    with pytest.raises(NetError, match="KeyError"):
        read(start + struct.pack("!I", zlib.crc32(start)))


def test_a_frame_has_a_limit_whole_or_not() -> None:
    large = frame({":event-type": "x"}, b"x" * 200)
    with pytest.raises(EventTooLarge):
        AWSEventParser(max_event=100).feed(large)
    parser = AWSEventParser(max_event=100)
    parser.feed(large[:100])
    with pytest.raises(EventTooLarge):
        parser.feed(large[100:150])


def test_many_small_frames_are_not_one_large_one() -> None:
    small = frame({":event-type": "x"}, b"x")
    assert len(AWSEventParser(max_event=100).feed(small * 50)) == 50


def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.eventstream", None)
    with pytest.raises(MissingExtra, match=r"aiorch-sdk\[bedrock\]"):
        AWSEventParser()
