"""A whole SQL statement in an argument: does it only read, is it one, and which tables does it name?

Two ways. :class:`SqlStatement` reads the text, with sqlglot where that is installed and by its tokens where
it is not. For SQLite there is an exact one: :func:`authorizer` is asked by the database itself while it
compiles a statement.

    connection.set_authorizer(authorizer(tables={"orders"}))
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, cast

from aiorch.safety.detection import Finding
from aiorch.safety.sql_tokens import cut

READING = re.compile(r"[\s(]*(?:select|with|values|explain|show|describe|desc|table)\b", re.I)
WRITING = re.compile(
    r"\b(?:insert|update|delete|drop|alter|create|truncate|merge|replace\s+into|grant|revoke|attach|detach|pragma|vacuum|"
    r"reindex|copy|call|exec(?:ute)?|set|lock|rename|load|into\s+(?:outfile|dumpfile|@|temp|\w+\s+from)|for\s+update)\b",
    re.I,
)
CHANGING = (
    *("Insert", "Update", "Delete", "Drop", "Create", "Alter", "Merge", "TruncateTable", "Command", "Set"),
    *("Use", "Pragma", "Attach", "Detach", "Into", "Grant", "Lock", "Copy", "LoadData"),
)
"""sqlglot's names of what does more than read."""
MOST = 50_000
"""Characters; a longer statement is not parsed but reported."""


class SqlStatement:
    """Looks at a text that is a whole statement.

    :param writes: whether it may change anything.
    :param tables: the only tables that it may name, in lower case; ``None`` allows all.

    >>> SqlStatement().scan("SELECT name FROM users WHERE id = 1")
    []
    >>> [f.rule for f in SqlStatement().scan("DROP TABLE users")]
    ['sql.writes']
    """

    name = "sql"

    def __init__(self, *, writes: bool = False, tables: Iterable[str] | None = None) -> None:
        self.writes = writes
        self.tables = None if tables is None else frozenset(t.lower() for t in tables)

    def scan(self, text: str) -> list[Finding]:
        """What is wrong with it; spans are the whole text."""
        if len(text) > MOST:
            return [_finding(text, "too_long", 0.6, "a longer statement than is looked at")]
        parsed = _parsed(text)
        return list(self._by_tokens(text) if parsed is None else self._by_tree(text, parsed))

    def _by_tree(self, text: str, parsed: list[Any]) -> Iterator[Finding]:
        from sqlglot import exp

        if len(parsed) > 1:
            yield _finding(text, "several", 0.97, "more than one statement")
        changing = tuple(getattr(exp, name) for name in CHANGING)
        changes = any(s.find(*changing) is not None for s in parsed)
        if not self.writes and (changes or (WRITING.search(_bare(text)) and not READING.match(text))):
            yield _finding(
                text, "writes", 0.97, "a statement that changes something, where only reading is allowed"
            )
        if self.tables is not None:
            own = {cte.alias_or_name.lower() for s in parsed for cte in s.find_all(exp.CTE)}
            named = {t.name.lower() for s in parsed for t in s.find_all(exp.Table)} - own - {""}
            if named - self.tables:
                yield _finding(text, "table", 0.97, "a table that is not among the allowed ones")

    def _by_tokens(self, text: str) -> Iterator[Finding]:
        letters = cut(text).letters.rstrip(";c")
        if ";" in letters:
            yield _finding(text, "several", 0.95, "more than one statement")
        if not self.writes and (not READING.match(text) or WRITING.search(_bare(text))):
            yield _finding(
                text, "writes", 0.9, "a statement that changes something, where only reading is allowed"
            )
        if self.tables is not None:
            why = "its tables cannot be told without a parser: pip install sqlglot"
            yield _finding(text, "unparsed", 0.6, why)


def authorizer(
    *, writes: bool = False, tables: Collection[str] | None = None
) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """What SQLite asks about each thing that a statement would do, for ``connection.set_authorizer``. It
    denies writing (unless ``writes``), other tables than ``tables``, attaching, pragmas that change, loading
    of extensions and functions that reach files.

    >>> connection = sqlite3.connect(":memory:")
    >>> connection.set_authorizer(authorizer())
    >>> connection.execute("SELECT 1 + 1").fetchone()
    (2,)
    """
    allowed = None if tables is None else {t.lower() for t in tables}
    reading = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    writing = {
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_TRANSACTION,
    }
    reaching = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}

    def ask(
        action: int, first: str | None, second: str | None, _database: str | None, _by: str | None
    ) -> int:
        if action not in reading and not (writes and action in writing):
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if (second or "").lower() in reaching else sqlite3.SQLITE_OK
        named = action in (sqlite3.SQLITE_READ, *writing) and action != sqlite3.SQLITE_TRANSACTION
        if named and first and allowed is not None and first.lower() not in allowed:
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    return ask


def _parsed(text: str) -> list[Any] | None:
    """By sqlglot; ``None`` where that is not installed or cannot read it."""
    try:
        import sqlglot
        from sqlglot.errors import SqlglotError
    except ImportError:
        return None
    try:
        return [s for s in cast("list[Any]", sqlglot.parse(text)) if s is not None]
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        return None


def _bare(text: str) -> str:
    """Without what stands in quotes and comments."""
    return re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", " ", text, flags=re.S)


def _finding(text: str, rule: str, sure: float, what: str) -> Finding:
    return Finding(f"sql.{rule}", (0, len(text)), sure, what)
