"""SQL in what should be a value is found; names, measures and prose are not."""

from __future__ import annotations

import sqlite3
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.sql import SqlInjection
from aiorch.safety.sql_tokens import cut
from aiorch.safety.statements import MOST, SqlStatement, authorizer

ATTACKS = """
1 OR 1=1
1) or (1=1
-1 UNION ALL SELECT user, pass FROM accounts --
7/**/uNiOn/**/sElEcT/**/1,2
x' or 'b'='b
x") or ("b"="b
' or true--
guest'--
guest' #
nobody' AND id IS NULL; --
'; DROP TABLE guests--
1; UPDATE accounts SET admin = 1
1; waitfor delay '0:0:9'--
1 and sleep(9)
(select count(*) from accounts)
'||(select 1 from dual)||'
a' || 'b
7 order by 12--
7 having 1=1
1 procedure analyse(1)
%27%20or%201=1
%2527 or 1=1 --
&#39; or 1=1 --
\\x27 or 1=1
7+or+1=1
＇ or 1=1 --
select @@version
SELECT name, secret FROM accounts
drop table accounts
' into outfile '/tmp/x'
\\' or 1=1--
a''b' or 1=1--
case when 1=1 then 1 else 0 end
1%A0and%A01=1
1; grant select, insert on t to eve
1; copy t from program 'id'
' like '
')
--
""".strip("\n").splitlines()

BENIGN = """
O'Brien
D'Angelo & Sons
rock 'n' roll
5' 10"
5'-10"
12" records
Select one from the list below
select a table or a seat by the window
Credit Union and Savings Bank
students' union
the guests' and the hosts' rights
delete my account -- please
drop me a line; thanks
order by Friday
Update: John set the meeting to 5
either 5 or 6 items
1 or 2
C# developer
issue #42
a = b or c = d
price >= 10 and price <= 20
time.sleep(5)
he said 'yes' and she said 'no'
the 'or' operator
Côte d'or
Benchmark (2021)
mode : {'full', 'valid', 'same'}
2026-01-01 -- 2026-12-31
:'(
null
100%
""".strip("\n").splitlines()


def test_what_continues_as_sql_is_found_in_every_place_and_writing() -> None:
    missed = [text for text in ATTACKS if not SqlInjection().scan(text)]
    assert missed == []


def test_names_measures_and_prose_are_no_sql() -> None:
    flagged = {text: found for text in BENIGN if (found := SqlInjection().scan(text))}
    assert flagged == {}


def test_one_finding_a_rule_with_a_span_where_nothing_was_decoded() -> None:
    (found,) = [f for f in SqlInjection().scan("x; drop table t") if f.rule == "sql.stacked"]
    assert found.span == (1, 15)
    decoded = "x%27;%20drop%20table%20t"
    assert {f.span for f in SqlInjection().scan(decoded)} == {(0, len(decoded))}


def test_long_prose_counts_only_where_it_is_unmistakable() -> None:
    prose = "The users' and the admins' rights differ, as section 5 or 6 explains. " * 20
    assert SqlInjection().scan(prose) == []
    assert SqlInjection().scan(prose + "1 union select password from users")


def test_comments_are_white_space_and_what_mysql_runs_in_them_is_text() -> None:
    assert cut("1/*x*/OR/*!50000 1=1*/").letters == "1a1=1"
    assert cut("1 #\nAND 1=1").letters == "1a1=1"


SQL_LIKE = st.text(alphabet="'\"`()-#;/*=|& \n\\%0127orandunionselect@x", max_size=80)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=80), SQL_LIKE))
def test_any_text_is_looked_at_without_fault(text: str) -> None:
    for found in SqlInjection().scan(text):
        assert 0 <= found.span[0] <= found.span[1] <= len(text)
    SqlStatement(tables=["t"]).scan(text)


def test_half_a_surrogate_pair_and_zero_bytes_do_no_harm() -> None:
    assert SqlInjection().scan("\ud800\0'") is not None
    assert SqlStatement().scan("\ud800\0'") is not None


# --- whole statements ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["with a parser", "without a parser"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "without a parser":
        monkeypatch.setitem(sys.modules, "sqlglot", None)
        return False
    try:
        import sqlglot  # noqa: F401
    except ImportError:
        return False
    return True


def rules(statement: str, **how: object) -> set[str]:
    return {found.rule for found in SqlStatement(**how).scan(statement)}  # type: ignore[arg-type]


def test_a_reading_statement_passes_and_a_writing_one_does_not(parser: bool) -> None:
    assert rules("SELECT name FROM orders WHERE note = 'delete; drop'") == set()
    assert rules("WITH x AS (SELECT 1) SELECT * FROM x;") == set()
    assert rules("UPDATE orders SET paid = 1") == {"sql.writes"}
    assert rules("UPDATE orders SET paid = 1", writes=True) == set()
    assert "sql.several" in rules("SELECT 1; DROP TABLE orders")
    assert "sql.writes" in rules("WITH x AS (DELETE FROM orders RETURNING id) SELECT * FROM x")


def test_tables_are_told_by_a_parser_or_said_to_be_unknown(parser: bool) -> None:
    there = rules("SELECT * FROM orders JOIN users ON 1 = 1", tables=["orders"])
    assert there == ({"sql.table"} if parser else {"sql.unparsed"})
    if parser:
        assert rules("WITH o AS (SELECT * FROM orders) SELECT * FROM o", tables=["orders"]) == set()


def test_an_overlong_statement_is_reported_and_not_parsed() -> None:
    assert rules("SELECT 1" + " " * MOST) == {"sql.too_long"}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO a VALUES (1)",
        "SELECT * FROM b",
        "ATTACH 'x' AS y",
        "PRAGMA user_version = 1",
        "DROP TABLE a",
    ],
)
def test_sqlite_itself_refuses_what_the_authorizer_denies(statement: str) -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.executescript("CREATE TABLE a (x); CREATE TABLE b (x); INSERT INTO a VALUES (7)")
        connection.set_authorizer(authorizer(tables={"A"}))
        assert connection.execute("SELECT abs(x) FROM a").fetchall() == [(7,)]
        with pytest.raises(sqlite3.DatabaseError, match="not authorized|prohibited"):
            connection.execute(statement)


def test_the_authorizer_lets_write_where_it_is_asked_to() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("CREATE TABLE a (x); CREATE TABLE b (x)")
    connection.set_authorizer(authorizer(writes=True, tables={"a"}))
    connection.execute("INSERT INTO a VALUES (1)")
    with pytest.raises(sqlite3.DatabaseError):
        connection.execute("INSERT INTO b VALUES (1)")
    assert authorizer()(sqlite3.SQLITE_FUNCTION, None, "load_extension", None, None) == sqlite3.SQLITE_DENY
    connection.close()
