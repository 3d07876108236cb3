"""What was measured, kept: one row for each question that a model was asked, written when its answer is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from aiorch.store import Migration, Store
from aiorch.types import Deployment

MIGRATIONS = (
    Migration(
        "benchmarks",
        1,
        "CREATE TABLE benchmarks ("
        "suite TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, item TEXT NOT NULL, at REAL NOT NULL,"
        "passed INTEGER, seconds REAL NOT NULL, first_token REAL, tokens_per_second REAL,"
        "input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, estimated INTEGER NOT NULL,"
        "thought INTEGER NOT NULL, allowed INTEGER NOT NULL, served TEXT, failure TEXT, note TEXT NOT NULL,"
        "PRIMARY KEY (suite, provider, model, item));",
    ),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One model's answer to one question, measured; or how it came to none. Neither question nor answer is kept."""

    suite: str
    provider: str
    model: str
    item: str
    at: float
    """When it was asked, epoch seconds."""
    passed: bool | None
    """``None`` where it did not answer: then ``failure`` says why, and it counts neither for nor against it."""
    seconds: float
    """From the request to the last piece."""
    first_token: float | None = None
    """Seconds to the first piece, of thinking or answer; ``None`` where it did not come in pieces."""
    tokens_per_second: float | None = None
    """From the first piece to the last; ``None`` where there were too few to tell."""
    input_tokens: int = 0
    output_tokens: int = 0
    """Thinking included."""
    estimated: bool = False
    """True where the provider did not count the tokens."""
    thought: bool = False
    """True where it thought before it answered."""
    allowed: int = 0
    """The tokens that it had for thinking and answer."""
    served: str | None = None
    """The id that answered, where it is another than was asked."""
    failure: str | None = None
    """The :class:`~aiorch.types.FailureKind` where it did not answer."""
    note: str = ""
    """What else there is to say: the failure's message."""

    @property
    def card(self) -> str:
        """``provider/model``, as in :attr:`ModelCard.id`."""
        return Deployment(self.provider, self.model).id


_COLUMNS = ", ".join(field.name for field in fields(Record))
_PLACES = ", ".join("?" for _ in fields(Record))
_NEW = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(Record))


class Records:
    """The table of measurements in the database.

        records = Records(Store(settings.data_dir / FILE_NAME, MIGRATIONS))
        await records.of("aiorch-1")

    :raises StorageError: from every method, when the file cannot be used.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, record: Record) -> None:
        """Write one down, in place of an earlier one; but a failure never takes the place of an answer."""
        await self._store.execute(
            f"INSERT INTO benchmarks ({_COLUMNS}) VALUES ({_PLACES}) "
            f"ON CONFLICT (suite, provider, model, item) DO UPDATE SET {_NEW} "
            "WHERE excluded.failure IS NULL OR benchmarks.failure IS NOT NULL",
            astuple(record),
        )

    async def of(self, suite: str) -> Sequence[Record]:
        """All of a suite, oldest first."""
        rows = await self._store.fetch(
            f"SELECT {_COLUMNS} FROM benchmarks WHERE suite = ? ORDER BY at, provider, model, item", (suite,)
        )
        return tuple(_record(row) for row in rows)


def _record(row: Sequence[object]) -> Record:
    values = dict(zip((field.name for field in fields(Record)), row, strict=True))
    for name in ("passed", "estimated", "thought"):  # SQLite has no truth values
        if values[name] is not None:
            values[name] = bool(values[name])
    return Record(**values)  # pyright: ignore[reportArgumentType]  # the table's columns are the record's fields
