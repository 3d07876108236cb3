"""Rule files that belong together are exactly those that were sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import ConfigurationError
from aiorch.safety.rule_bundles import (
    FILE_BYTES,
    MANIFEST,
    fetch_bundle,
    kept_bundle,
    manifest_of,
    order,
    read_bundle,
    rule_files,
)

FILES = {"a.toml": "# ä\n", "b-2.toml": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "README.md").write_text("not a rule file")
    (tmp_path / MANIFEST).write_text(manifest_of(rule_files(tmp_path), "2026.11.22"), "utf-8")
    return tmp_path


def test_what_was_sealed_is_read_back(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert (bundle.version, dict(bundle.files)) == ("2026.11.22", FILES)
    assert read_bundle(folder, bundle.sha256) == bundle
    assert kept_bundle(bundle.manifest, bundle.files) == bundle


def test_another_manifest_than_the_one_that_is_named_is_refused_with_its_hash(folder: Path) -> None:
    sha256 = read_bundle(folder).sha256
    (folder / MANIFEST).write_text(manifest_of(FILES, "2026.11.23"), "utf-8")
    with pytest.raises(
        ConfigurationError, match="is not what guard_rules_sha256 names: its SHA-256 is [0-9a-f]{64}"
    ):
        read_bundle(folder, sha256)


def test_a_file_that_was_changed_left_out_or_is_no_text_is_refused(folder: Path) -> None:
    (folder / "a.toml").write_text("# b\n")
    with pytest.raises(ConfigurationError, match=r"a.toml of .* is not the file that rules.json lists"):
        read_bundle(folder)
    (folder / "a.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"a.toml cannot be read"):
        read_bundle(folder)
    (folder / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        rule_files(folder)
    (folder / "a.toml").write_bytes(b"#" * (FILE_BYTES + 1))
    with pytest.raises(ConfigurationError, match="larger than"):
        rule_files(folder)


def test_a_folder_that_cannot_be_sealed_is_told_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        rule_files(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="has 0 rule files"):
        rule_files(tmp_path)
    (tmp_path / "two words.toml").touch()
    with pytest.raises(ConfigurationError, match="'two words.toml' among them"):
        rule_files(tmp_path)
    with pytest.raises(ConfigurationError, match="'new' is no version"):
        manifest_of(FILES, "new")


@pytest.mark.parametrize(
    "said",
    [
        "[]",
        "{}",
        "{",
        "null",
        '{"version": true, "files": {"a.toml": "%s"}}' % ("0" * 64),
        '{"version": "1", "files": {}}',
        '{"version": "1", "files": ["a.toml"]}',
        '{"version": "1", "files": {"../a.toml": "%s"}}' % ("0" * 64),
        '{"version": "1", "files": {"a.toml": "00"}}',
        '{"version": "1", "files": {"a.toml": 5}}',
        '{"version": "one", "files": {"a.toml": "%s"}}' % ("0" * 64),
        '{"version": "1", "files": {"a.toml": "%s"}, "more": 1}' % ("0" * 64),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, said: str) -> None:
    (tmp_path / MANIFEST).write_text(said)
    with pytest.raises(ConfigurationError, match="is no manifest of rules"):
        read_bundle(tmp_path)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["version", "files", "a.toml"]), x),
        max_leaves=6,
    )
)
@settings(max_examples=20)
def test_no_manifest_does_anything_but_be_read_or_refused(said: Any) -> None:
    with pytest.raises(ConfigurationError):
        kept_bundle(json.dumps(said), {})


@pytest.mark.anyio
@pytest.mark.parametrize("end", ["", "/", "/rules.json"])
async def test_an_address_is_that_of_the_manifest_or_of_its_folder(folder: Path, end: str) -> None:
    bundle = read_bundle(folder)
    there: Mapping[str, bytes] = {n: (folder / n).read_bytes() for n in (MANIFEST, *FILES)}
    limits: list[int] = []

    async def get(url: str, most: int) -> bytes:
        limits.append(most)
        return there[url.removeprefix("https://rules.example/v1/")]

    assert await fetch_bundle(f"https://rules.example/v1{end}", bundle.sha256, get) == bundle
    assert limits == [64 * 1024, FILE_BYTES, FILE_BYTES]
    with pytest.raises(ConfigurationError, match="guard_rules_sha256"):
        await fetch_bundle("https://rules.example/v1", "0" * 64, get)


def test_versions_are_compared_as_numbers() -> None:
    assert order("9") < order("10") < order("10.1") < order("2026.11.22")
    assert order("1.0") == order("1")
