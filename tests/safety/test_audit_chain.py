"""A line of the log is bound to all before it, and says so in bytes that anybody with the key can check."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.audit_canonical import canonical
from aiorch.safety.audit_chain import START, Head, Seal, Signing, key_id, seal_of, sealed
from aiorch.safety.audit_keys import kept_key, key_bytes, read_key

KEY = b"0123456789abcdef"
SIGNING = Signing(KEY, "records")


def test_the_mac_is_the_one_that_the_documentation_describes():
    line, head = sealed(SIGNING, Head(), '{"event":"x"}', "c0ffee")
    signed = b'{"event":"x","chain":"c0ffee","seq":1}'
    own = hmac.new(KEY, b"aiorch audit 1 records", hashlib.sha256).digest()
    mac = hmac.new(own, START.encode() + signed, hashlib.sha256).hexdigest()
    assert line == signed[:-1] + f',"mac":"{mac}"}}\n'.encode()
    assert head == Head(1, mac)


@settings(max_examples=30)
@given(st.dictionaries(st.text(), st.text() | st.integers(), min_size=1), st.integers(0, 10**9))
def test_what_was_sealed_holds_and_is_one_line_of_json(record: dict[str, str | int], before: int):
    start = Head(before, "ab" * 32)
    line, head = sealed(SIGNING, start, canonical(record), "c0ffee")
    seal = seal_of(line)
    assert seal is not None
    assert (seal.chain, seal.head, seal.text.decode()) == ("c0ffee", head, canonical(record))
    assert seal.holds(SIGNING, start)
    assert line.count(b"\n") == 1
    assert {**record, "chain": "c0ffee", "seq": before + 1, "mac": head.mac} == json.loads(line)


@settings(max_examples=60)
@given(st.data())
def test_a_line_with_any_other_bytes_holds_no_more(data: st.DataObject):
    line, _ = sealed(SIGNING, Head(), '{"event":"task.admitted","n":12}', "c0ffee")
    at = data.draw(st.integers(0, len(line) - 1))
    other = bytearray(line)
    other[at] ^= data.draw(st.integers(1, 255))
    seal = seal_of(bytes(other))
    assert seal is None or seal.chain != "c0ffee" or not seal.holds(SIGNING, Head())


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_line_or_not(line: bytes):
    assert seal_of(line) is None or line.endswith(b'"}\n')


def test_a_record_is_no_entry_of_the_manifest_and_another_key_makes_another_mac():
    _, head = sealed(SIGNING, Head(), '{"a":1}', "c")
    for other in (Signing(KEY, "manifest"), Signing(b"another key of 16", "records")):
        assert not Seal("c", head, b'{"a":1}').holds(other, Head())
    assert key_id(KEY) != key_id(b"another key of 16")
    assert "0123" not in repr(SIGNING)


# --- the key -----------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "data" / "audit.key"
    made = kept_key(path)
    assert kept_key(path) == read_key(path) == made
    assert len(made) == 64
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_died_before_the_key_was_written_leaves_room_for_the_next(tmp_path):
    (tmp_path / "audit.key").touch()
    assert kept_key(tmp_path / "audit.key") == read_key(tmp_path / "audit.key")


def test_what_is_no_key_is_refused(tmp_path):
    path = tmp_path / "audit.key"
    for held in (b"short", b"\xff" * 40, bytes(65), b"x" * 9000):
        path.write_bytes(held)
        with pytest.raises(OSError, match="it holds no key"):
            kept_key(path)
    with pytest.raises(ValueError, match="at least 16"):
        key_bytes("   too short     ")
