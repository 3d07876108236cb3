from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.providers.local.gguf_files import chat_entries, gguf

from aiorch.errors import LocalModelError
from aiorch.providers.local.gguf import read_header


def test_header_tells_what_the_file_holds(tmp_path: Path) -> None:
    header = read_header(gguf(tmp_path / "m.gguf"))
    assert (header.architecture, header.name, header.context) == ("llama", "Tiny", 2048)
    assert header.chat_template
    assert header.parameters == 32
    assert header.size == (tmp_path / "m.gguf").stat().st_size


def test_header_of_the_real_model_counts_every_weight_and_byte(local_weights: Path) -> None:
    header = read_header(local_weights)
    assert (header.parameters, header.context, header.chat_template) == (134_515_008, 8192, True)
    assert header.size == local_weights.stat().st_size


def test_a_base_model_is_told_by_its_missing_template(tmp_path: Path) -> None:
    entries = chat_entries()
    del entries["tokenizer.chat_template"]
    assert not read_header(gguf(tmp_path / "m.gguf", entries=entries)).chat_template


def test_every_kind_of_value_is_passed_over(tmp_path: Path) -> None:
    entries = chat_entries(
        a=("u8", 1), b=("bool", True), c=("u64", 9), d=[["x"], ["y", "z"]], e=[], f=("f32", 0.5)
    )
    assert read_header(gguf(tmp_path / "m.gguf", entries=entries)).name == "Tiny"


def test_alignment_of_the_file_is_obeyed(tmp_path: Path) -> None:
    entries = chat_entries(**{"general.alignment": ("u32", 64)})
    path = gguf(tmp_path / "m.gguf", entries=entries, alignment=64)
    assert read_header(path).size == path.stat().st_size


def test_facts_of_the_wrong_kind_count_as_unknown(tmp_path: Path) -> None:
    entries = chat_entries(
        **{"general.alignment": ("u32", 0), "general.name": ("u32", 1), "llama.context_length": "long"}
    )
    header = read_header(gguf(tmp_path / "m.gguf", entries=entries))
    assert (header.name, header.context) == (None, None)


@pytest.mark.parametrize(
    ("kind", "numbers", "size"),
    [(0, 32, 128), (1, 32, 64), (3, 64, 40), (12, 512, 288), (14, 256, 210), (99, 64, 0)],
)
def test_size_of_a_tensor_follows_its_type(tmp_path: Path, kind: int, numbers: int, size: int) -> None:
    path = gguf(tmp_path / "m.gguf", tensors=[("w", (numbers,), kind, 0)], data=size)
    assert read_header(path).size == path.stat().st_size
    if size:
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(LocalModelError, match="cut off"):
            read_header(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "only 0 bytes"),
        (b"GGUF", "only 4 bytes"),
        (b"<!doctype html><title>Not found</title>", "begins with"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 10**15), "cut off or damaged"),
        (b"GGUF" + struct.pack("<IQQ", 3, 10**15, 0), "cut off or damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**62), "cut off or damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 77), "unknown kind 77"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**61),
            "cut off or damaged",
        ),
        (
            b"GGUF"
            + struct.pack("<IQQQ", 3, 0, 1, 1)
            + b"k"
            + struct.pack("<I", 9)
            + struct.pack("<IQ", 9, 1) * 9,
            "unknown kind 9",
        ),
    ],
)
def test_a_file_that_is_no_model_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    with pytest.raises(LocalModelError, match=said) as error:
        read_header(path)
    assert str(path) in str(error.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="aiorch local install"):
        read_header(tmp_path / "none.gguf")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 400), byte=st.integers(0, 255), keep=st.integers(0, 600))
def test_damage_anywhere_is_an_error_or_harmless(tmp_path: Path, at: int, byte: int, keep: int) -> None:
    path = gguf(tmp_path / "m.gguf")
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content[:keep])
    with suppress(LocalModelError):
        read_header(path)
