"""Commands in a text that should be only a value: text that ends its place in a command line and goes on as
another.

Only for arguments that a tool declares as going into a shell. A list of arguments without any shell is better
than any detector; this is what stands behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiorch.safety.detection import Finding
from aiorch.safety.shell_words import ALONE, NAMES, NUMBERED, PLAIN, PROGRAMS, UNMISTAKABLE
from aiorch.safety.unescaping import ENTITY, escapes_undone, readings, spaced

LONG = 2_000
"""Characters; a longer text is no word of a command that was broken up to hide it."""
MOST_PLACES = 400
"""Separators that are looked behind; a text with more of them is data, and its beginning says what there is
to say."""
BEHIND = 240
"""Characters that are read behind a separator."""
PROSE = 10
"""Words before a separator, from which on a text is prose with a semicolon in it."""

SEPARATOR = re.compile(
    r"""(?P<chain>\|\||&&|[;|&\n\r\x1a]|\\[nr](?![a-z]{0,2}\\)|<(?![!?=<>\s\w]*>))
    |(?P<substitution>`|\$\(\(?|[<>]\(|\$\{)""",
    re.VERBOSE,
)
PROGRAM = re.compile(
    r"""[\s'"(){!@^\\+]{0,8}
    (?:(?:[A-Za-z_]\w{0,30}=\S{0,60}\s{1,4})|(?:sudo|nohup|exec|time|env|command|busybox|then|do)\s{1,4}){0,2}
    (?P<path>/?(?:[\w.*?-]{1,24}/){1,6}|[A-Za-z]:\\(?:[\w
    .*?-]{1,40}\\){0,6}|\.{1,2}/|%\w{1,20}%\\(?:\w{1,20}\\){0,4})? (?P<name>[A-Za-z_?*][\w?*.-]{0,24})
    (?P<rest>.{0,200})""",
    re.VERBOSE | re.DOTALL,
)
ARGUMENTS = re.compile(
    # What follows a program in a shell and no word in a sentence.
    r"""\s*(?:
      $ | [;|&`)\n\r>}\x00] | \\[nr] | \s\# | ['"](?!\w) | \s['"]\S
    | \s-{1,2}[A-Za-z0-9?] | \s/[A-Za-z?]{1,12}\b | \s['"]?(?:/|~/|\.\.?/)[\w.*?/-]{0,80} |
    \s['"]?[A-Za-z]:[\\/%] | \s\S{0,40}[$*?\\%]\S{0,40} | \s\d{1,3}(?:\.\d{1,3}){3}\b | \s(?:https?|ftp)://
    | \s\d{1,4}\s*(?:$|[;|&\#`)'"]) | \s+[\w.-]{1,60}\s*(?:[;|&`)>]|$)
    | \s+[\w-]{1,40}\.(?:txt|php|sh|py|conf|cfg|ini|log|html?|exe|bat|xml|json|db|passwd)\b
    | \s*\$?[({] | \s+[\w.@:-]{1,40}\s+(?:-{1,2}(?:[A-Za-z0-9]|\s)|\S{0,30}[/@])
    )""",
    re.VERBOSE,
)
STRONG = re.compile(
    # The same, where the word may be one of prose.
    r"""(?:
      \s+-{1,2}[A-Za-z0-9][\w=-]{0,20}(?:\s|$|[;|&`)])
    | \s+['"]?(?:/(?!\s)|~/|\.\.?/)[\w.*?/-]{1,80} | \s+['"]?[A-Za-z]:(?:[\\/%]|$)
    | \s+\S{0,40}\$[\w({]\S{0,40} | \s+\d{1,3}(?:\.\d{1,3}){3}\b | \s+(?:https?|ftp)://
    | \s+/[A-Za-z?]\b | \s+%\w+%
    | \s+[a-z]{2}=/\w
    | \s+(?:query|add|save|export|delete)\s+HK
    )""",
    re.VERBOSE,
)
ENDS = re.compile(r"\s*(?:$|[;|&`)\n\r>}\x00'\"#]|\\[nr])")

UNMARKED = (
    # Rows (rule, a text without which it cannot occur, what, confidence, pattern): unmistakable wherever they stand.
    (
        "ifs",
        "$",
        "white space written as $IFS, as nobody does who has nothing to hide",
        0.97,
        r"\$\{?IFS\b\}?",
    ),
    (
        "braces",
        "{",
        "a command written in braces to do without white space",
        0.95,
        r"\{(?:/[\w/]{1,20}/)?(?:cat|ls|id|nc|echo|wget|curl|ping|bash|sh|base64|uname|sleep|head|tail|rm|cp|python3?|perl|php|grep|find)(?:,[^\s{}]{1,80}|\}\s*[;|&])",
    ),
    (
        "interpreter",
        " /",
        "an interpreter given its code on the command line",
        0.9,
        r"\bcmd(?:\.exe)?\s{1,4}/[ck]\s{0,4}['\"\w({$]",
    ),
    (
        "windows",
        "net",
        "a change to users or settings of Windows",
        0.95,
        r"(?:^|[;|&]\s{0,3})net1?\s{1,3}(?:user|localgroup|group|share|view|use|start|stop|accounts)\b(?=\s{1,3}[\w/*]|\s{0,3}$)",
    ),
    (
        "pipe_to_shell",
        "|",
        "something sent into a shell",
        0.96,
        r"\|\s{0,8}(?:/[a-z/]{1,20})?(?:ba|z|k|da|c)?sh\b(?:\s|$|[;|&`)'\"-])",
    ),
    (
        "here_string",
        "<",
        "something sent into a shell",
        0.95,
        r"\b(?:ba|z|k|da)?sh\s{0,4}<{1,3}\s{0,4}[$('\"<]",
    ),
    (
        "shellshock",
        "{",
        "a function definition as old shells carried it out",
        0.98,
        r"\(\s{0,4}\)\s{0,4}\{\s{0,4}[:_\w]{0,8}\s{0,4};",
    ),
    (
        "server_side",
        "<!--",
        "a directive that makes a web server run a command",
        0.97,
        r"<!--\s{0,4}#\s{0,4}exec\b",
    ),
    (
        "code_call",
        "(",
        "a call that hands its argument to a shell",
        0.9,
        r"(?:^|[;'\"(){}|&\s.%=>])(?:system|passthru|shell_exec|popen|proc_open|pcntl_exec|exec|phpinfo|eval)\s{0,4}\(\s{0,4}(?:['\"`$]|\\['\"]|base64_decode|chr\b|\))",
    ),
    ("code_tag", "<?", "a tag that begins code", 0.9, r"<\?(?:php\b|=)[^\n]{0,120}?(?:\(|`)"),
    ("device", "/dev/", "a connection through a file of the shell", 0.97, r"/dev/(?:tcp|udp)/\w"),
    (
        "ansi_string",
        "$",
        "a command in a quoted form that hides its letters",
        0.9,
        r"(?:^|[;|&=`(\s])\$?\w{0,12}=?\$\\?['\"](?:\\\\?x[0-9A-Fa-f]{2}|\\\\?[0-7]{3}|(?:id|whoami|ls|cat|ping|uname|pwd|sleep|curl|wget)\b)",
    ),
    (
        "wildcards",
        "?",
        "the path of a program with its letters replaced by wildcards",
        0.95,
        r"(?:^|[\s;|&`(])/(?:[\w?*]{0,6}\?[\w?*]{0,6}/){1,4}[\w?*\[\]-]{0,12}[?*]",
    ),
    (
        "variable_letters",
        ":",
        "letters cut out of a variable",
        0.95,
        r"\$\{\w{1,20}:\s{0,2}~?-?\d{1,3}(?::-?\d{1,3})?\}|%\w{2,20}:~-?\d",
    ),
    (
        "code_substitution",
        "${",
        "a substitution that runs code",
        0.9,
        r"\$\{@?(?:print|system|exec|eval|phpinfo|sleep|shell_exec)\s{0,2}\(|\{\$\{",
    ),
    (
        "decoded",
        " -",
        "a command that is decoded before it runs",
        0.95,
        r"(?<![\w-])(?:base64\s{1,4}(?:-d|--decode|-D)\b|xxd\s{1,4}-r|-(?:enc|encodedcommand|e)\s{1,4}[A-Za-z0-9+/]{16})",
    ),
    (
        "empty_variable",
        "$",
        "a word broken up by empty variables",
        0.93,
        r"[A-Za-z]\$[@*u]\w{1,12}\b|\w\$\(\)\w|\w\$\{[a-z]{1,3}\}\w",
    ),
    (
        "substitution",
        "$(",
        "a file whose text takes its place",
        0.9,
        r"\$\(\s{0,3}<\s{0,3}[\w/~.$][\w/~.$*?-]{0,80}\s{0,3}\)",
    ),
    (
        "assigned",
        "$",
        "a command kept in a variable and run from it",
        0.93,
        r"[;&|\n]\s{0,3}\w{1,20}=[^\s;&|]{1,80}\s{0,3}[;&|\n]{1,2}(?:\s{0,3}\w{1,20}=[^\s;&|]{1,80}[;&|]){0,4}\s{0,3}\$\{?\w"
        r"|[;&|]\s{0,3}\$\{?(?:SHELL|BASH|COMSPEC)\b",
    ),
    (
        "redirected",
        ">",
        "output that goes to a file",
        0.85,
        r"(?:^|[\s;|&\d])>{1,2}\s{0,4}(?:/(?:tmp|etc|var|dev|home|root|usr|opt|srv)/\w|[A-Za-z]:\\\w)",
    ),
    (
        "sourced",
        ".",
        "a file whose commands are run",
        0.9,
        r"[;|&]\s{0,3}\.\s{1,3}[/~$]\w",
    ),
    ("fork", "{", "a fork bomb", 0.98, r":\s{0,2}\(\)\s{0,2}\{\s{0,2}:\s{0,2}\|"),
    (
        "interpreter",
        " -",
        "an interpreter given its code on the command line",
        0.9,
        r"\b(?:python[23]?|perl|ruby|php|node|lua|bash|sh|zsh)\s{1,4}(?:-[a-z]{0,3}[cer])\s{1,4}['\"\w({$]",
    ),
)
_UNMARKED = tuple(
    (rule, sign, what, sure, re.compile(pattern, re.I)) for rule, sign, what, sure, pattern in UNMARKED
)

PAIR = re.compile(r"(?:(?:[B-Z][#+]{0,2}|[A-Za-z]{2}[A-Za-z .]{0,40})(?: [&|]|;) ){1,4}")
TITLE = re.compile(r"[ .!?]{0,4}|(?:(?: [&|]|;) [A-Za-z]{2,20}){1,4}")
"""Words and a sign between words: ``time & date`` is a title unless what follows is no word."""
CMDLET = re.compile(
    r"(?:add|export|get|import|invoke|new|out|remove|restart|select|set|start|stop|test|write)-(?:acl|childitem|cim\w+"
    r"|command|computer\w*|content|date|executionpolicy|expression|file|help|history|host|item\w*|job|local\w+|location"
    r"|module|net\w+|object|output|process|restmethod|scheduledtask|service|sleep|string|variable|webrequest|wmi\w+)",
    re.I,
)
"""A verb and a noun of PowerShell."""
EXECUTABLE = (".exe", ".bat", ".cmd", ".ps1")
LISTED = re.compile(r"[A-Za-z][\w ]{0,30}|")
BROKEN_UP = re.compile(r"(?<=\w)(?:''|\"\"|\\|\^)(?=\w)|(?<=\w)'(\w{1,8})'(?=\w|\b)")
SENSITIVE = re.compile(
    r"/etc/(?:passwd|shadow|hosts|group|issue|sudoers)\b|\bwin\.ini\b|\bboot\.ini\b|\b/proc/self/", re.I
)


class CommandInjection:
    """Looks for commands in a text that should be only a value.

    >>> CommandInjection().scan("cats & dogs; see notes")
    []
    >>> CommandInjection().scan("8.8.8.8; cat /etc/passwd")[0].rule
    'shell.chained'
    """

    name = "shell"

    def scan(self, text: str) -> list[Finding]:
        """Findings by rule, at most one a rule; their spans are exact where nothing had to be decoded."""
        best: dict[str, Finding] = {}
        for form in _forms(text):
            for rule, what, confidence, span in _found(form):
                known = best.get(rule)
                if known is None or known.confidence < confidence:
                    exact = span if form == text else (0, len(text))
                    best[rule] = Finding(f"shell.{rule}", exact, confidence, what)
        return list(best.values())


def _forms(text: str) -> list[str]:
    forms = list(readings(text))
    if len(forms) > 1 and ENTITY.search(text):
        del forms[0]  # the ampersands and semicolons of entities separate nothing
    last = forms[-1]
    joined = (
        BROKEN_UP.sub(lambda m: m[1] or "", last) if len(last) <= LONG and BROKEN_UP.search(last) else last
    )
    for other in (spaced(last), escapes_undone(last) if "\\x" in last else last, joined, spaced(joined)):
        if other not in forms:
            forms.append(other)
    return forms


def _found(text: str) -> Iterator[tuple[str, str, float, tuple[int, int]]]:
    lowered = text.lower()
    for rule, sign, what, confidence, pattern in _UNMARKED:
        if sign in lowered:
            match = pattern.search(text)
            if match:
                yield rule, what, confidence, match.span()
    yield from _whole(text)
    if _listed(text):
        return
    is_address = re.match(r"\s*[a-z][a-z0-9+.-]{1,15}://", text, re.I) is not None
    for places, separator in enumerate(SEPARATOR.finditer(text)):
        if places == MOST_PLACES:
            return
        sign = separator[0]
        if is_address and sign == "&":
            continue  # there it separates parameters
        behind = text[separator.end() : separator.end() + BEHIND]
        prose = len(text) > 80 and len(text[: separator.start()].split(None, PROSE)) >= PROSE
        if separator["substitution"]:
            sure = _substituted(text, separator.start(), sign, behind, prose=prose)
            if sure:
                yield (
                    "substitution",
                    "a command whose output takes its place",
                    sure,
                    (separator.start(), len(text)),
                )
        else:
            pair = sign in ";|&" and PAIR.fullmatch(text, 0, separator.end() + 1) is not None
            sure = _chained(sign, behind, prose=prose, first=separator.start() == 0, pair=pair)
            if sure:
                yield "chained", "a second command behind the value", sure, (separator.start(), len(text))


def _listed(text: str) -> bool:
    """Whether it is a list of plain words, one of which may happen to be the name of a program."""
    for sign in "|;":
        if text.count(sign) > 1:
            words = [word.strip() for word in text.split(sign)]
            if all(LISTED.fullmatch(word) for word in words):
                return any(len(word) > 1 and word.lower() not in PROGRAMS for word in words) and bool(
                    words[0]
                )
    return False


def _chained(sign: str, behind: str, *, prose: bool, first: bool, pair: bool) -> float:
    found = PROGRAM.match(behind)
    if found is None or (pair and found["name"].lower() in NAMES and TITLE.fullmatch(found["rest"])):
        return 0.0
    name, rest, path = found["name"].lower().rstrip("."), found["rest"], found["path"]
    if name in PLAIN and not path and not (found["name"].islower() or STRONG.match(rest)):
        return 0.0  # the heading of a column
    if name in PROGRAMS and not prose and SENSITIVE.search(rest):
        return 0.95
    if CMDLET.fullmatch(found["name"]) and not prose:
        return 0.9
    if path == "./" and sign in ";|&&||" and not prose and not rest.strip():
        return 0.85
    if name.endswith(EXECUTABLE) and sign not in "\n\r<" and not prose and ENDS.match(rest):
        return 0.85
    if path and not (found["name"].lower() in PROGRAMS or "bin/" in path or path[1:2] == ":"):
        return 0.0
    if path:
        return 0.95 if ARGUMENTS.match(rest) and not (prose and sign in "\n\r") else 0.0
    if name not in PROGRAMS:
        bare = re.sub(r"^[nr](?=[a-z]{2})", "", name)  # what is left of a line end that lost its backslash
        if bare not in UNMISTAKABLE | {"id"} or not first or sign not in "|;":
            return 0.0
        name = bare
    if prose or sign in "\n\r<":
        if sign in "\n\r" and prose:
            return 0.7 if SENSITIVE.search(rest) and name not in PLAIN else 0.0
        if prose:
            return 0.8 if (STRONG.match(rest) and (name not in PLAIN or SENSITIVE.search(rest))) else 0.0
    if name in UNMISTAKABLE:
        return 0.95 if ARGUMENTS.match(rest) else 0.6
    if name in PLAIN:
        alone = name in ALONE and ENDS.match(rest)
        return (
            0.9
            if STRONG.match(rest)
            else 0.85
            if alone
            else 0.7
            if first and ARGUMENTS.match(rest)
            else 0.6
            if name in NUMBERED and _numeric(rest)
            else 0.0
        )
    return 0.9 if ARGUMENTS.match(rest) else 0.0


def _numeric(rest: str) -> bool:
    return re.match(r"\s+\d{1,4}\s*(?:$|[;|&#`)'\"])", rest) is not None


def _substituted(text: str, at: int, sign: str, behind: str, *, prose: bool) -> float:
    if sign == "`":
        if text.startswith("``", at) or text[max(0, at - 1) : at] == "`":
            return 0.0  # markup, not a shell
        inside, closed, after = behind.partition("`")
        touches = text[at - 1 : at].isalnum()  # markup has a space in front
        marked_up = not touches and (bool(after.strip(" `;|&)'\"#\n")) or text[:at].count(" ") > 2)
    else:
        inside, closed, after = behind.partition("}" if sign == "${" else ")")
        marked_up = False
    if sign == "${":
        return 0.0
    found = PROGRAM.match(inside)
    if found is None:
        return 0.0
    known = found["name"].lower() in PROGRAMS or bool(found["path"] and "bin/" in found["path"])
    if not known or not closed:
        return 0.0
    if marked_up or (prose and sign == "`"):
        return 0.8 if SENSITIVE.search(inside) else 0.0
    if sign == "`":
        return 0.95 if ARGUMENTS.match(found["rest"]) else 0.0
    if prose and found["name"].lower() in PLAIN:
        return 0.6 if STRONG.match(found["rest"]) else 0.0
    return 0.95 if ARGUMENTS.match(found["rest"]) else 0.0


def _whole(text: str) -> Iterator[tuple[str, str, float, tuple[int, int]]]:
    """A value that is a command itself."""
    if len(text) > 400:
        return
    said = text.strip().strip("'\"").strip()
    assigned = re.match(r"\w{1,20}=\$?\\?['\"].{1,200}?['\"]\s*;\s*\$\w", said, re.S)
    if assigned:
        yield "assigned", "a command kept in a variable and run from it", 0.95, (0, len(text))
    said = re.sub(r"^(?:[\w.@~:/-]{1,60}[$#>]\s+|[@^]+)", "", said)  # a prompt in front
    found = PROGRAM.match(said)
    if found is None or re.match(r"[(){!@^\\+]", said):
        return
    name, rest, path = found["name"].lower(), found["rest"], found["path"]
    what = "a command where a value belongs"
    if path:
        if name in PROGRAMS and re.match(r"/(?:usr/(?:local/)?)?s?bin/", path) and STRONG.match(rest):
            yield "command", what, 0.9, (0, len(text))
        return
    if name not in PROGRAMS:
        return
    if SENSITIVE.search(rest) and len(said.split()) <= 6:
        yield "command", what, 0.9, (0, len(text))
    elif (STRONG.match(rest) and (name not in PLAIN or len(said.split()) <= 6)) or (
        found["name"].islower() and re.fullmatch(r"\s*[;|&]+\s*", rest)
    ):
        yield "command", what, 0.8, (0, len(text))
    elif name in UNMISTAKABLE and not rest.strip():
        yield "command", what, 0.7, (0, len(text))
    elif name in {"ping", "nslookup", "curl", "wget"} and re.match(r"\s+[\w-]{1,60}\.[\w.-]{1,60}$", rest):
        yield "command", what, 0.6, (0, len(text))
