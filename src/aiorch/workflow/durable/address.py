"""Where durable runs are kept: ``sqlite:///file`` or ``postgresql://user:password@host:5432/database``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aiorch.errors import ConfigurationError

SQLITE = "sqlite:///"
POSTGRES = ("postgresql+psycopg://", "postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class Address:
    """A database. As text it shows no password.

    >>> str(Address.parse("postgresql://me:secret@db.example:5433/runs"))
    'PostgreSQL at db.example:5433/runs'
    """

    kind: Literal["sqlite", "postgresql"]
    url: str = field(repr=False)
    """As SQLAlchemy takes it; a file's with its whole path, so that two ways to write it are one address."""
    shown: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read one. :raises ConfigurationError: for anything else."""
        if url.startswith(SQLITE):
            name = url.removeprefix(SQLITE)
            if not name or name == ":memory:":
                raise ConfigurationError(f"engine {url!r} names no file: write it as sqlite:///runs.db")
            path = Path(name).expanduser().resolve()
            return cls("sqlite", f"{SQLITE}{path}", str(path))
        if url.lower().startswith("sqlite:"):
            name = url.partition(":")[2].lstrip("/") or "runs.db"
            raise ConfigurationError(f"engine {url!r} is not understood: write it as {SQLITE}{name}")
        for prefix in POSTGRES:
            if url.startswith(prefix):
                rest = url.removeprefix(prefix)
                shown = rest.rpartition("@")[2].partition("?")[0]
                return cls("postgresql", POSTGRES[0] + rest, f"PostgreSQL at {shown}")
        raise ConfigurationError(
            "engine= takes memory, sqlite:///runs.db, postgresql://user@host:5432/database or the name of "
            f"an installed engine, not one that begins with {url.partition(':')[0]!r}"
        )

    def __str__(self) -> str:
        return self.shown
