"""A text as a database would cut it: tokens of one letter each, so that shapes of SQL are patterns over a
short string.

The idea of folding a text into a string of token types is libinjection's (Galbreath, Black Hat 2012); tokens,
letters and shapes here are our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# One alternative a kind; white space and complete comments belong to the token after them and say nothing of their own.
TOKEN = re.compile(
    r"""
    (?:[\s\0]+|/\*[^*!]{0,200}\*/|/\*!\d{0,6}|\*/|(?:--|\#)[^\n]{0,200}\n\s*(?=\S))
    | (?P<comment>--[^\n]*|\#[^\n]*|/\*[^\n]*)
    | (?P<string>[nbxNBX]?'(?:[^'\\]++|''|\\.)*+(?:'|\\?\Z) | "(?:[^"\\]++|""|\\.)*+(?:"|\\?\Z))
    | (?P<number>0[xX][0-9A-Fa-f]+|0[bB][01]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<variable>@@?[\w.$]*|:=)
    | (?P<word>[^\W\d][\w$]*(?:\.[^\W\d][\w$]*){0,3}|`[^`\n]{0,64}`|\[[\w .]{1,64}\])
    | (?P<compare><=>|[<>=!]=|<>|[<>=]+|!(?=\s*=))
    | (?P<logical>&&|\|\|)
    | (?P<open>\(+)
    | (?P<close>\)+)
    | (?P<comma>,)
    | (?P<end>;+)
    | (?P<negation>!+)
    | (?P<operator>[-+*/%^&|~\\{}]+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)

LETTERS = {
    "comment": "c",
    "string": "s",
    "number": "1",
    "variable": "v",
    "compare": "=",
    "logical": "&",
    "open": "(",
    "close": ")",
    "comma": ",",
    "end": ";",
    "negation": "!",
    "operator": "o",
    "other": "?",
}

WORDS = {
    letter: frozenset(words.split())
    for letter, words in {
        "U": "union intersect except minus",
        "A": "all distinct distinctrow top",
        "E": "select",
        "F": "from",
        "W": "where",
        "H": "having",
        "G": "group",
        "O": "order",
        "B": "by",
        "L": "limit offset",
        "I": "into",
        "a": "and or xor",
        "!": "not",
        "l": "like rlike regexp glob ilike similar div mod collate sounds match against",
        "j": "in between is",
        "1": "null true false unknown",
        "D": "drop truncate alter create",
        "N": "insert replace",
        "M": "update",
        "R": "delete",
        "X": "exec execute call",
        "P": "waitfor shutdown declare",
        "C": "case if iif",
        "w": "when then else end",
        "Z": "outfile dumpfile",
        "b": "binary",
        "K": "delay time",
    }.items()
    for words in [words]
}
KEYWORDS = {word: letter for letter, words in WORDS.items() for word in words}

FUNCTIONS = frozenset(
    # Called by name in an argument, these are a database's and hardly anybody else's.
    [
        "sleep",
        "benchmark",
        "pg_sleep",
        "waitfor",
        "load_file",
        "extractvalue",
        "updatexml",
        "xmltype",
        "ascii",
        "ord",
        "hex",
        "unhex",
        "substring",
        "substr",
        "substring_index",
        "mid",
        "char",
        "chr",
        "nchar",
        "concat",
        "concat_ws",
        "group_concat",
        "database",
        "version",
        "user",
        "current_user",
        "system_user",
        "session_user",
        "schema",
        "coercibility",
        "ifnull",
        "nullif",
        "elt",
        "make_set",
        "export_set",
        "json_keys",
        "md5",
        "sha1",
        "pi",
        "row_count",
        "last_insert_id",
        "load_extension",
        "randomblob",
        "sqlite_version",
        "cos",
        "sin",
        "analyse",
        "exists",
        "convert",
        "cast",
        "count",
        "length",
        "len",
        "lpad",
        "rpad",
        "upper",
        "lower",
        "reverse",
        "left",
        "right",
        "greatest",
        "least",
        "coalesce",
        "db_name",
        "suser_name",
        "user_name",
        "object_id",
        "make_date",
        "to_char",
        "to_number",
        "rand",
        "floor",
        "round",
        "power",
        "exp",
        "gtid_subset",
        "name_const",
        "if",
        "case",
    ]
)
"""Names of functions whose call says that a value wants to be computed by a database."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in tokens: their letters in one string, and where each begins."""

    letters: str
    begins: tuple[int, ...]
    text: str

    def at(self, n: int) -> str:
        """The text of token ``n`` and what follows, in short."""
        return self.text[self.begins[n] : self.begins[n] + 80] if n < len(self.begins) else ""


def cut(text: str, start: int = 0, *, in_string: bool = False) -> Cut:
    """``text`` from ``start`` in tokens; ``in_string`` puts a string in front: what was open and has just
    been closed.

    >>> cut("1 UNION SELECT a, 2 -- ").letters
    '1UEn,1c'
    """
    letters = ["s"] if in_string else []
    begins = [max(0, start - 1)] if in_string else []
    for found in TOKEN.finditer(text, start):
        kind = found.lastgroup
        if kind is None:
            continue
        if kind == "word":
            word = found[0].lower()
            letter = KEYWORDS.get(word)
            if letter is None or letter in "Kw":
                follows = text[found.end() : found.end() + 1]
                if follows == "(" or (follows == " " and text[found.end() : found.end() + 2] == " ("):
                    letter = "f" if word in FUNCTIONS else "g"
            letter = letter or "n"
        else:
            letter = LETTERS[kind]
        letters.append(letter)
        begins.append(found.start())
    return Cut("".join(letters), tuple(begins), text)
