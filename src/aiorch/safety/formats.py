"""What an answer must look like: a length, a pattern, a language, code fences, a JSON schema.

An answer in a type (``output=Person``) is asked for, repaired and, once, sent back with what is wrong by the
line itself; this is for what such a type does not say. In a profile it is treated like a type; as a validator it flags
or blocks whatever anybody's answer is.

    Orchestrator(profiles={"poet": {"format": Format(longest=400, fences="none")}})
    Orchestrator(validators=[OutputFormat(Format(language="de", longest=2_000))])
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from aiorch.errors import ConfigurationError
from aiorch.types import Action, Format, Issue, Message, Stage, Task, Verdict

FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})([^\n`]{0,40})", re.M)
MOST_FAULTS = 5
LETTERS_NEEDED = 20
"""Fewer letters tell no language."""
HITS_NEEDED = 4
"""Fewer little words do not either."""

SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF)),
    "cyrillic": ((0x400, 0x52F),),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "hebrew": ((0x590, 0x5FF),),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF)),
    "devanagari": ((0x900, 0x97F),),
    "bengali": ((0x980, 0x9FF),),
    "tamil": ((0xB80, 0xBFF),),
    "thai": ((0xE00, 0xE7F),),
    "georgian": ((0x10A0, 0x10FF),),
    "armenian": ((0x530, 0x58F),),
    "hangul": ((0xAC00, 0xD7AF), (0x1100, 0x11FF), (0x3130, 0x318F)),
    "kana": ((0x3040, 0x30FF),),
    "han": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF)),
}
WRITTEN_IN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk", "kk"), ("cyrillic",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("arabic",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("devanagari",)),
    "el": ("greek",), "he": ("hebrew",), "bn": ("bengali",), "ta": ("tamil",), "th": ("thai",), "ka": ("georgian",),
    "hy": ("armenian",), "ko": ("hangul", "han"), "ja": ("kana", "han"), "zh": ("han",),
}  # fmt: skip
"""By ISO 639-1 code; every other language is taken to be written in Latin letters."""
LITTLE_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the and of to is that it was for with are this be have not you from which they would there",
        "de": "der die das und ist nicht ein eine ich sie mit für auf den dem von zu auch wird sind oder werden",
        "fr": "le la les des et est une dans que qui pour pas sur au avec ce il elle nous vous du sont mais",
        "es": "el los las y es una que por con para del se no lo su como más pero este está son muy",
        "it": "il gli e è una che di per con non del della sono si anche come più nel alla questo ma",
        "pt": "o os as e é uma que não do da dos com para por em no na mais foi são mas você",
        "nl": "de het een en van is dat niet op te zijn met voor maar ook aan er ze wordt naar",
        "pl": "i w na się nie że jest do to z jak ale po co tak od przez są oraz który",
        "sv": "och att det som är en på för med inte av den till har om jag de ett men vi",
        "tr": "ve bir bu için ile da de çok daha gibi olarak en ama ne var olan kadar sonra",
    }.items()
}


def usable(asked: Format) -> Format:
    """``asked``, which can be looked for. :raises ConfigurationError: for a pattern without a linear-time match."""
    if asked.pattern is not None:
        _compiled(asked.pattern)
    return asked


class OutputFormat:
    """A validator of answers: what does not look as asked is flagged or blocked.

    :param asked: what an answer must look like.
    :param action: what follows where it does not: ``flag`` lets it go on and tells, ``block`` refuses it.
    """

    name = "format"
    stages: frozenset[Stage] = frozenset({"output"})

    def __init__(self, asked: Format, action: Action = "flag") -> None:
        self.asked = usable(asked)
        self.action: Action = action

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """A message that only asks for tools has no format yet."""
        texts = [m.text for m in content if not m.tool_calls]
        found = tuple(issue for text in texts for issue in faults(text, self.asked))
        return Verdict(stage, self.action if found else "allow", found)


def faults(text: str, asked: Format) -> list[Issue]:
    """What is wrong with an answer, each told so that a model can mend it. Pure.

    >>> [i.code for i in faults("Hello", Format(longest=3))]
    ['format.too_long']
    """
    found: list[Issue] = []
    if asked.shortest is not None and len(text) < asked.shortest:
        found.append(
            _issue("too_short", f"the answer has {len(text)} characters, fewer than {asked.shortest}")
        )
    if asked.longest is not None and len(text) > asked.longest:
        found.append(_issue("too_long", f"the answer has {len(text)} characters, more than {asked.longest}"))
    if asked.pattern is not None and not matches(asked.pattern, text):
        found.append(_issue("pattern", f"the answer does not match {asked.pattern!r}"))
    if asked.language is not None and speaks(text, asked.language) is False:
        found.append(_issue("language", f"the answer is not in the language {asked.language!r}"))
    found.extend(_fences(text, asked.fences))
    if asked.schema is not None:
        found.extend(_schema(text, asked.schema))
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether it occurs. By the engine that pydantic brings, which takes linear time whatever pattern and
    text are.

    >>> matches("^[a-z]+$", "abc"), matches("(a+)+$", "a" * 50 + "b")
    (True, False)

    :raises ConfigurationError: for a pattern that this engine does not have.
    """
    from pydantic import ValidationError

    try:
        _compiled(pattern).validate_python(text.encode("utf-8", "replace").decode())
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as impossible:
        why = " ".join(str(impossible).split())[:300]
        raise ConfigurationError(
            f"the pattern {pattern!r} cannot be matched in linear time (look-around and back references cannot): {why}"
        ) from None


def speaks(text: str, language: str) -> bool | None:
    """Whether a text is in a language (ISO 639-1), by its script and its little words; ``None`` where that
    does not say.

    >>> speaks("Это ответ на ваш вопрос о погоде", "en"), speaks("ok", "en")
    (False, None)
    """
    language = language.lower().partition("-")[0]
    text = re.sub(r"```.*?(?:```|\Z)|https?://\S+", " ", text, flags=re.S)
    scripts = _scripts(text)
    letters = sum(scripts.values())
    if letters < LETTERS_NEEDED:
        return None
    own = WRITTEN_IN.get(language, ("latin",))
    share = sum(scripts[script] for script in own) / letters
    if share < 0.4:
        return False
    if own != ("latin",):
        if language == "zh" and scripts["kana"] > 0.1 * letters:
            return False
        if language == "ja" and not scripts["kana"]:
            return None  # it may be Chinese
        return True if share > 0.6 and len([k for k, v in WRITTEN_IN.items() if v == own]) == 1 else None
    words = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    hits = {name: sum(words[w] for w in little) for name, little in LITTLE_WORDS.items()}
    if language not in hits:
        return None
    other = max(count for name, count in hits.items() if name != language)
    if hits[language] >= HITS_NEEDED and hits[language] >= 1.5 * other:
        return True
    return False if other >= 2 * HITS_NEEDED and other >= 3 * hits[language] else None


def _scripts(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        code = ord(letter)
        for name, ranges in SCRIPTS.items():
            if any(first <= code <= last for first, last in ranges) and letter.isalpha():
                found[name] += count
                break
    return found


def _fences(text: str, asked: Literal["none", "some", "only"] | None) -> list[Issue]:
    if asked is None:
        return []
    marks = len(FENCE.findall(text))
    if asked == "none":
        return [_issue("fences", "the answer has a code block; it must have none")] if marks else []
    if not marks:
        return [_issue("fences", "the answer has no code block; it must have one")]
    whole = re.fullmatch(r"\s*(`{3,}|~{3,})[^\n]*\n.*?\n?[ \t]*\1\s*", text, re.S)
    if asked == "only" and (whole is None or marks > 2):
        return [_issue("fences", "the answer must be one code block and nothing around it")]
    return []


def _schema(text: str, schema: Mapping[str, Any]) -> list[Issue]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as none:
        return [_issue("json", f"the answer is not JSON: {str(none)[:200]}")]
    from jsonschema import Draft202012Validator
    from referencing import Registry

    validator: Any = Draft202012Validator(
        schema, registry=Registry()
    )  # a "$ref" must not make us fetch anything
    wrong = list(validator.iter_errors(value))[:MOST_FAULTS]
    return [_issue("schema", f"{e.json_path}: {e.message[:200]}") for e in wrong]


def _issue(code: str, message: str) -> Issue:
    return Issue(f"format.{code}", message, detector="format")
