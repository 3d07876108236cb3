"""SQL in a text that should be only a value: text that ends its place in a statement and goes on as SQL.

Only for arguments that a tool declares as SQL values. Bound parameters are better than any detector; this is
what stands behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aiorch.safety.detection import Finding
from aiorch.safety.sql_tokens import Cut, cut
from aiorch.safety.unescaping import escapes_undone, readings, spaced

OPENING = 60
"""Characters before a quote that a value may have; behind more of them, a weak shape is a quotation in
prose."""
SURE = 0.9
AFTER_QUOTE = 4_000
"""Characters that are read behind a quote which may have ended the value: what continues it stands right
there."""
LONG = 100
"""Tokens; a longer text is prose, whatever quotes it holds, and only unmistakable shapes count in it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A row: which sequence of tokens is what."""

    rule: str
    what: str
    confidence: float
    tokens: str
    words: str = ""
    """A pattern that the text from there on must also fit."""
    short: bool = False
    """Only in texts of at most ``LONG`` tokens."""
    _tokens: re.Pattern[str] = field(init=False, repr=False)
    _words: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pattern = self.tokens
        for name, letters in ABBREVIATIONS.items():
            pattern = pattern.replace(name, letters)
        object.__setattr__(self, "_tokens", re.compile(pattern))
        object.__setattr__(self, "_words", re.compile(self.words, re.I | re.S) if self.words else None)

    def found(self, said: Cut) -> int | None:
        """Where it begins, in tokens."""
        if self.short and len(said.letters) > LONG:
            return None
        for match in self._tokens.finditer(said.letters):
            if self._words is None or self._words.match(said.at(match.start())):
                return match.start()
        return None


ABBREVIATIONS = {
    # Something that has a value; the beginning of one; what compares; what joins two conditions.
    "<value>": r"(?:[1sv]|[fg]\(|n(?!n))",
    "<literal>": r"[(!o]{0,8}[1sv]",
    "<sure>": r"[(!o]{0,8}(?:[1sv]|f\(|\(E|E)",
    "<compares>": r"[=lj]",
    "<joins>": r"[a&]",
    "<closing>": r"\)?",
}

ANYWHERE = (
    Shape(
        "union",
        "the UNION with a query of its own",
        0.98,
        r"UA?[(v]{0,40}E[^;)]",
        r"(?!.{0,40}\bselect\s+(?:committee|few|group|the|an?)\b)",
    ),
    Shape(
        "union",
        "the UNION with a query of its own",
        0.9,
        r"(?:[1v)co;]UA?|s[)]*U(?=[AE(oc])A?)[(o;c]{0,40}(?:E$|$|1,)",
    ),
    Shape(
        "tautology",
        "a condition that is always true or false",
        0.95,
        r"<joins><literal>\)*=<literal>",
        r"(?:and|or|xor|&&|\|\|)(?!.{0,40}==)",
    ),
    Shape(
        "tautology",
        "a condition that is always true or false",
        0.9,
        r"<joins><literal>\)*[l]<literal>",
        r"(?!.{0,30}\b(?:div|mod)\b)",
        short=True,
    ),
    Shape(
        "tautology",
        "a condition that compares a word with itself",
        0.9,
        r"<joins>n=n",
        r"(?:and|or|xor|&&|\|\|)\s*(\w+)\s*=\s*\1\b",
    ),
    Shape(
        "stacked",
        "a second statement that changes or drops something",
        0.97,
        r";Dn",
        r";\s*(?:drop|truncate|alter|create)\s+(?:or\s+replace\s+|temp(?:orary)?\s+|unique\s+|external\s+)?(?:table|database|schema|view|index|user|login|role|procedure|function|trigger|column|extension)\b",
    ),
    Shape(
        "stacked",
        "a second statement that changes data",
        0.97,
        r";(?:N[nI]|Mn|R[Fn])",
        r";\s*(?:insert\s+(?:ignore\s+)?into|replace\s+into|update\s+[\w.`\[\]]+\s+set|delete\s+(?:ignore\s+|low_priority\s+)?from)\b",
    ),
    Shape(
        "stacked",
        "a second statement that runs a procedure or stops the server",
        0.96,
        r";[XPK]",
        r";\s*(?:exec(?:ute)?[\s(]+[\w.@'\"]+|call\s+[\w.]+\(|waitfor\s+(?:delay|time)\b|shutdown(?:\s+with\b|\s*(?:;|--|$))|declare\s+@?\w+)",
    ),
    Shape("stacked", "a second statement that reads", 0.95, r";[(]{0,4}E[A(o]{0,3}(?:[1svfgo]|nF|n,|n\))"),
    Shape(
        "delay",
        "a wait that tells an attacker yes from no",
        0.97,
        r"PK[sv1(n]",
        r"waitfor\s+(?:delay|time)\b",
    ),
    Shape(
        "procedure",
        "a procedure that runs commands of the operating system",
        0.98,
        r"n",
        r"(?:master\.\.|[\w.]{0,20})xp_(?:cmdshell|reg\w+|dirtree|fileexist|availablemedia|servicecontrol|ntsec\w*|loginconfig|enumdsn|terminate\w*|makecab)\b",
        short=True,
    ),
    Shape(
        "catalogue",
        "the database's own list of tables",
        0.9,
        r"[F,][(]?n",
        r"(?:from|,)[\s(]*(?:information_schema\.|mysql\.(?:user|db)\b|pg_(?:catalog|shadow|user|tables|database)\b|sysobjects|syscolumns|sysusers|master\.\.|sqlite_(?:master|schema)\b|all_tab|user_tables|dual\b|sysibm\.|rdb\$)",
        short=True,
    ),
    Shape("file", "a query that writes a file", 0.97, r"IZ[sv1(fgn]", r"into\s+(?:outfile|dumpfile)\b"),
    Shape(
        "subquery",
        "a query in brackets where a value belongs",
        0.9,
        r"[=lj&ao,(s1]\(EA?[(]{0,3}(?:[1svfg]|n[F,=]|o[F1n])",
        r".{0,3}\(\s*select\b",
        short=True,
    ),
    Shape(
        "server",
        "a function of one database that works outside of it",
        0.95,
        r"[ng]",
        r"(?:utl_(?:http|inaddr|file)\.|dbms_(?:pipe|lock|ldap|xmlgen)\.|sys\.(?:dbms|fn_)|lo_(?:import|export)\b|pg_(?:read_file|ls_dir)\b|openrowset\b|opendatasource\b|sp_(?:password|executesql|oacreate|addsrvrolemember|makewebtask|configure)\b|ctxsys\.)",
        short=True,
    ),
)
"""Shapes that are SQL wherever they stand."""

VALUE_FIRST = (
    # The place of a number: the value itself, brackets closed, and then more.
    Shape(
        "condition",
        "a condition joined to the value",
        0.9,
        r"^[(o!]{0,9}[1sv]\)*<joins>[!o(]{0,9}(?:f\(|\(?E|[1svn][)]*(?:=|[lj][1sv(!]))",
        short=True,
    ),
    Shape(
        "condition",
        "a condition joined to the value",
        0.85,
        r"^[(o!]{0,9}[1s]\)*<joins>[!o(]{0,9}[1svn]\)*[c;]",
        short=True,
    ),
    Shape(
        "condition",
        "a condition joined to the value",
        0.85,
        r"^[(]{0,9}n?\)*<joins>[!o(]{0,9}(?:[1sv]\)*=[!o(]*[1sv(n]|f\([^)]{0,40}\)|1$|1c|n=[1s](?:$|[c;)]))",
        r"(?!\w+ (?:and|or) \w+\()",
        short=True,
    ),
    Shape(
        "condition",
        "a condition joined to the value",
        0.8,
        r"^[1s]?\)*&\(*(?:[1s]\)*$|f\(|\(E|nj!?1$)",
        r"['\"]?\w*['\"]?[)\s]*\|\|",
        short=True,
    ),
    Shape("condition", "a condition joined to the value", 0.8, r"^[1sn]\)*<joins>nj!?1[c;)]?$", short=True),
    Shape(
        "condition",
        "a comparison where a value belongs",
        0.75,
        r"^(?:[(1]?\)*a[!o(]{0,9}[1sv]\)*[=lj]\(*[1svlfg(]|1[=l]1$|1l\((?:E|\(E))",
        short=True,
    ),
    Shape(
        "condition", "a condition joined to the value", 0.8, r"^\)*<joins>[!(]{0,9}n=n[)]*[c;]?$", short=True
    ),
    Shape(
        "subquery",
        "a query where a value belongs",
        0.9,
        r"^[(o!1s]*\(EA?[(]{0,3}(?:[1svfg]|n[F,=(]|o[F1n])",
        short=True,
    ),
    Shape(
        "clause",
        "a clause that sorts or groups by position",
        0.85,
        r"^[(o]{0,9}(?:[1sn](?:,1)*)?\)*[OG]B[(]{0,3}(?:f\(|1(?:,(?:1|f\())*\)?[c;)]?(?:$|[1o]$))",
        short=True,
    ),
    Shape(
        "clause", "a clause after the value", 0.9, r"^[(]{0,9}[1sn]?\)*(?:GBn)?H[!(]{0,3}[1svn]=", short=True
    ),
    Shape(
        "clause",
        "a clause after the value",
        0.8,
        r"^[(]{0,9}[1s]\)*[OG]B\(?[nfgC1(]",
        r"\(*-?\d+\s*\)*\s*(?:order|group)\s+by\b(?!\s+(?:mail|phone|e-?mail|fax|post|the|\d+ )\b)",
        short=True,
    ),
    Shape(
        "clause",
        "a clause after the value",
        0.85,
        r"^[(]{0,9}[1sn]?\)*n[fg]\(",
        r"[(\d'\"\w)\s-]*\bprocedure\s+analyse\s*\(",
        short=True,
    ),
    Shape(
        "function",
        "a function of a database where a value belongs",
        0.9,
        r"^[(1s!o]{0,6}f\(",
        r"['\"\d\s(!+-]*(?:\w{1,12}\()?(?:sleep|benchmark(?=\s*\(\s*[^\s,]+\s*,)|pg_sleep|load_file|extractvalue|updatexml|randomblob|load_extension|name_const|gtid_subset|json_keys|make_set|elt|coercibility|group_concat|concat_ws|char|chr|nchar|row_count|sqlite_version)\s*\(\s*(?:\d|'|\"|0x|@|\(|select\b|user|version|database|\)|char\b|conv|\w+,\d)",
        short=True,
    ),
    Shape(
        "function",
        "a function of a database where a value belongs",
        0.75,
        r"^f\(\)?[c;)]*$",
        r"(?:version|database|user|current_user|system_user|session_user|schema|sqlite_version)\s*\(\s*\)",
        short=True,
    ),
    Shape(
        "variable",
        "a variable of the server",
        0.85,
        r"v",
        r"@@(?:version|hostname|datadir|basedir|servername|version_\w+|language|spid|global\b|tmpdir|plugin_dir|secure_file_priv)",
        short=True,
    ),
    Shape(
        "comment",
        "a comment that cuts off the rest of the statement",
        0.8,
        r"^[(o]{0,9}[1sv][)]*;?c$",
        r"[(\d.'\"\s)@\w-]{1,20};?\s*(?:--(?:[\s+-]*|\s*\w{0,8})|#|/\*\s*)$",
        short=True,
    ),
    Shape(
        "stacked",
        "the end of the statement, cut off from the rest",
        0.8,
        r"^[1nsv]?[)]*;c$",
        r"[\w'\")\s]*;\s*(?:--|#|/\*)",
        short=True,
    ),
    Shape(
        "statement",
        "a whole statement where a value belongs",
        0.9,
        r"^[?c]?\(*E[^F]{1,80}F[ngf(]",
        r"[?(\s]*select\s+(?=[^;]{0,200}?[*(,@'\d][^;]{0,200}?\bfrom)(?:(?!\b(?:the|a|an|and|or|one|two|three|any|your)\b)[^;]){1,200}?\bfrom\s+(?!(?:the|a|an|your|each|this|these|my|our)\b)[\w.(`\[\"]",
        short=True,
    ),
    Shape(
        "statement",
        "a whole statement where a value belongs",
        0.85,
        r"^\(*EA?nF[ng]n{0,2}(?:W[(!]{0,3}[nfg1]|;|c|OB|GB|L1|U)",
        short=True,
    ),
    Shape(
        "statement",
        "a whole statement where a value belongs",
        0.8,
        r"^\(*EA?\(*[fgv1s][^F]{0,30}$",
        r"[(\s]*select\s+(?:all\s+|distinct\s+)?[(\s-]*(?:@@?\w+|\w+\s*\(|'|\d+\s*(?:,|$|--|;|\)|\+)|0x)",
        short=True,
    ),
    Shape(
        "statement",
        "a whole statement where a value belongs",
        0.8,
        r"^\(*EA?n(?:,n)*[Fn]",
        r"[(\s]*select\s+(?:[\w.]*_[\w.]*\s+from|[\w.]+\s+from\s+(?:\w*[_.$]\w*|users?|accounts?|admin|members?|customers?|passwords?|all_\w+)\s*(?:$|;|--|where|limit|order))",
        short=True,
    ),
    Shape(
        "statement",
        "a whole statement where a value belongs",
        0.9,
        r"^[DNMRXP]",
        r"(?:drop\s+(?:table|database|schema|view|user|index|trigger|procedure|login|role)\s+(?:if\s+exists\s+)?[\w.`\[\]\"]+\s*(?:;|--|$|cascade)|truncate\s+table\s+[\w.]+|insert\s+(?:ignore\s+)?into\s+[\w.`\[\]]+\s*(?:\(|values\b|select\b)|update\s+[\w.`\[\]]+\s+set\s+[\w.`\[\]]+\s*=|delete\s+from\s+[\w.`\[\]]+\s*(?:$|;|--|where\b)|exec(?:ute)?\s+(?:master|sp_|xp_|immediate)|(?:create|alter)\s+(?:user|login|role)\s+\S+\s+(?:with|identified|password|default)|create\s+table\s+\S+\s*\(|(?:create|alter)\s+(?:or\s+replace\s+)?(?:table|procedure|function)\s+[\w.]+\s*(?:\(|as\b|add\b|drop\b)|declare\s+@\w+|waitfor\s+(?:delay|time)|shutdown\s+with)",
        short=True,
    ),
    Shape(
        "branch",
        "a branch that a database would take",
        0.85,
        r"^[(so1E]{0,9}(?:<joins>)?[(]*C",
        r"(?:['\"\d\s()]|and|or|select)*(?:case\s+(?:when\s[^.]{0,60}?[=<>(][^.]{0,60}?\bthen\b|\S+\s+when\s+\S+\s+then\b)|i?if\s*\(.{1,60}?(?:,.{1,60}?,|=.{1,30}?\)\s*(?:select|waitfor)\b))",
        short=True,
    ),
    Shape(
        "concatenation",
        "a value put together by a database",
        0.8,
        r"^[1sn]\)*&[fg(]",
        r"[\w'\"]*[)\s]*\|\|\s*\(?\s*(?:select\b|chr\(|char\(|lpad\(|utl_|dbms_|pg_)",
        short=True,
    ),
    Shape(
        "comment",
        "a comment that cuts off the rest of the statement",
        0.7,
        r"[)s1]c$",
        r"(?:\)+\s*--|['\")]\s*#|[^\s]{1,20}\s*/\*)\s*$",
        short=True,
    ),
    Shape(
        "clause",
        "a clause after the value",
        0.85,
        r"^[(o]{0,9}[1s]\)*<joins>[(!o]*[1s]\)*[GHOLI]",
        short=True,
    ),
    Shape(
        "stacked",
        "a second statement",
        0.85,
        r"^[1sn]?\)*;+",
        r"[\w'\")\s]*;+\s*(?:begin\b|if\s*\(|if\s+(?:not\s+)?exists|do\s*\(|load\s+\w+\s+infile"
        r"|grant\s+[\w ,]{2,40}?\s+(?:on|to)\b"
        r"|copy\s+\(?\w[^;]{0,200}\b(?:from|to)\s+(?:program\b|')"
        r"|rename\s+table|dbcc\s|desc\s+\w+\s*;|use\s+\w+\s*;)",
        short=True,
    ),
    Shape("having", "a condition on groups", 0.9, r"H[(!]{0,3}1=1", short=True),
)
"""Shapes of a whole value, where it stands without quotes."""

AFTER_STRING = (
    # The place of a string: a quote has ended it (that is the first s), and then more.
    Shape(
        "comment",
        "a quote, and a comment that cuts off the rest",
        0.9,
        r"^s[)]*;?c$",
        r".[)\s;]*(?:--[\s+-]*(?:\w{0,12}[\s)]*)$|#\s*$|#\S{0,1}$|/\*|--\s*\S{0,16}$)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a condition behind it",
        0.95,
        r"^s\)*<joins>[!o(]{0,9}(?:<value>)\)*(?:=|[lj][1sv(!]|l$|o[1sv])",
        r".[)\s]*(?:and|or|xor|&&|\|\|)",
    ),
    Shape(
        "quote",
        "a quote, and a condition behind it",
        0.9,
        r"^s\)*<joins>[!o(]{0,9}(?:f\(|\(?E|[1sv]\)*(?:$|[c;&a])|C)",
        r"(?!.[a-z]+['\"](?:\s+[a-z]|[,.?!]|$))",  # a quoted word: the 'and' operator
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a condition behind it",
        0.8,
        r"^s\)*<joins>[!o(]{0,9}(?:nj?!?[1c;]|g\([^c]{0,20}c$)",
        short=True,
    ),
    Shape("quote", "a quote, and a condition behind it", 0.8, r"^s\)*<joins>[!o(]*n[=l]", short=True),
    Shape(
        "quote",
        "a quote, and a condition behind it",
        0.7,
        r"^s\)*<joins>$",
        r".(?:[\s)]|&&|\|\|)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a clause behind it",
        0.9,
        r"^s\)*(?:[OG]B[(]{0,3}(?:1|[nfg][)]*[c,H])|H[!(]{0,3}[1svn]\)*=|I Z|GBn)",
        r".[)\s]*(?:order|group|having)\b(?!\s+by\s+(?:the|an?|our|my|your)\b)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and an operator between strings",
        0.85,
        r"^s\)*(?:[o=l&!][o=!l]*)\(*s$",
        r"(?:'[^-]|\"\s*(?:=|\|\||\+)|'\s*-\s*')",
        short=True,
    ),
    Shape("quote", "a quote, and an operator", 0.75, r"^s\)*[=&o]$", r"'\s*(?:=|\|\||\+)\s*$", short=True),
    Shape(
        "quote",
        "a quote, and a computed value between strings",
        0.85,
        r"^s\)*[o=l][o=!(]*(?:[v1fg]|n[o=l!])[o=!l1nvfgj?()]{0,12}s$",
        r"'(?!\s*[-/+,]\s*\d+\s*['\"]?\s*$)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a comparison behind it",
        0.85,
        r"^s\)*[=l!][o=l!(]*(?:s[)]*(?:$|[ca&;=lo])|1[)]*(?:$|[ca&;=lo])|v|f\(|\(E)",
        r"(?!\"\s*\w{2,6}\s*\"|\"[&*]\")",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and arithmetic behind it",
        0.75,
        r"^s\)*[o|&!][o=!(]*(?:f\(|\(E|C|v|1[)]*(?:[=lca&;o]))",
        r"(?!.\s*[-/]\s*\d)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a query or function behind it",
        0.9,
        r"^s\)*(?:\(E|,\(?E|,f\(|,?(?:[1svn],){1,9}[1svn]\)+[c;])",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a comparison behind it",
        0.85,
        r"^s\)*j(?:!?1|[1sv(]|f)",
        r".[)\s]*(?:is\s+(?:not\s+)?(?:null|true|false)|in\s*\(|between\s+\S+\s+and)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a second statement",
        0.85,
        r"^s\)*;+[EXPDNMRcnC]",
        r".[)\s]*;\s*(?:--|#|/\*|select\b\s*(?:[^a-z\s]|\w+\s*(?:,|\(|from))|exec\b|drop\s+table|shutdown|declare|insert\s+into|update\s+\w+\s+set|delete\s+from|waitfor|truncate|alter|create\s|begin\s+(?:declare|tran|exec|if|waitfor)|if\s*\(|if\s+(?:not\s+)?exists|commit\s*;|grant\s+\w+\s+(?:on|to)\b|desc\s+\w+\s*;)",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a concatenation",
        0.85,
        r"^s&(?:[fg]\(|\(|[1sn]\)*&|s$)",
        r".\s*\|\|",
        short=True,
    ),
    Shape(
        "quote",
        "a quote, and a concatenation",
        0.8,
        r"^so[fg(]",
        r".\s*\+\s*(?:\(select|char\(|convert\(|cast\(|@@)",
        short=True,
    ),
)
"""Shapes behind a quote that may have ended the value."""

FRAGMENT = re.compile(
    r"""\s*(?:
      [-\d]{0,4}\w{0,8}['"]{1,3}[\s)]*(?:;|--|\#|/\*|%00|\0|;--|\)+|=|%|\|\|?|\*|<>|\|)*[\s;+-]*
    | ['"\s();=%<>|&+*#,-]{0,16}['"][\s'"();=%<>|&+*#,-]{0,16}
    | [\s)]*(?:--|/\*|;\s*--|\#\s*--)[\s+-]*
    )""",
    re.VERBOSE,
)
"""A value of nothing but what ends strings and statements: how one finds out whether a place is open."""


class SqlInjection:
    """Looks for SQL in a text that should be only a value.

    >>> SqlInjection().scan("O'Brien")
    []
    >>> SqlInjection().scan("x' OR 'a'='a")[0].rule
    'sql.tautology'
    """

    name = "sql"

    def scan(self, text: str) -> list[Finding]:
        """Findings by rule, at most one a rule; their spans are exact where nothing had to be decoded."""
        best: dict[str, Finding] = {}
        for written in _forms(text):
            for shape, span in _shapes(written):
                known = best.get(shape.rule)
                if known is None or known.confidence < shape.confidence:
                    exact = span if written == text else (0, len(text))
                    best[shape.rule] = Finding(f"sql.{shape.rule}", exact, shape.confidence, shape.what)
        return list(best.values())


def _forms(text: str) -> list[str]:
    forms = list(readings(text))
    last = forms[-1]
    for other in (escapes_undone(last), spaced(last)):
        if other not in forms:
            forms.append(other)
    return forms


def _shapes(text: str) -> Iterator[tuple[Shape, tuple[int, int]]]:
    bare = cut(text)
    for shape in (*ANYWHERE, *VALUE_FIRST):
        at = shape.found(bare)
        if at is not None:
            yield shape, (bare.begins[at], len(text))
    for quote in "'\"":
        for start in _ends(text, quote):
            behind = cut(text[: start + AFTER_QUOTE], start, in_string=True)
            for shape in (*ANYWHERE, *AFTER_STRING):
                at = shape.found(behind)
                if at is not None and (start < OPENING or shape.confidence >= SURE):
                    yield shape, (behind.begins[at], len(text))
    signs = len(text) <= 24 and any(sign in text for sign in ("'", '"', "--", "/*"))
    if signs and FRAGMENT.fullmatch(text) and (text.strip() == "--" or not INCHES.fullmatch(text)):
        yield LONE, (0, len(text))


INCHES = re.compile(r"\s*[\w-]+['\"]|[\s-]*")
"""A measure, a plural, a line: those end in a quote or hold hyphens only, and mean no harm."""
LONE = Shape("fragment", "nothing but signs that end a string or a statement", 0.6, "$")


def _ends(text: str, quote: str) -> list[int]:
    """Where text goes on after a quote that may have ended a string: after the first, and after the first
    that is not doubled (a doubled one stands for itself).
    """
    first = text.find(quote)
    if first < 0:
        return []
    ends = [first + 1]
    at = first
    while text.startswith(quote * 2, at):
        at = text.find(quote, at + 2)
        if at < 0 or at > first + LONG:
            return ends
    if at != first:
        ends.append(at + 1)
    if first and text[first - 1] == "\\":
        second = text.find(quote, first + 1)
        if 0 <= second <= first + LONG:
            ends.append(second + 1)
    return ends
