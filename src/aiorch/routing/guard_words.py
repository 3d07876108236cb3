"""The words that two prompts may differ in and still ask the same: the table of :mod:`aiorch.routing.lexical_guard`.

Whatever is not listed here has to agree word for word. The list is short on purpose: a word that is missing costs a
call, one too many costs a wrong answer. English only; text in another language has nothing to spare.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FILLER = _words(
    "a an the is are am be do does me my we us our of there please some that really actually exactly"
)
"""Words without which a question is the same. Not among them, since they turn an answer round: negations, tenses (was,
did), modal verbs (should, must), every preposition but ``of``, comparatives, ``you`` and ``your``."""

ENGLISH = FILLER | _words(
    """what which who when where why how to from by on in at for with and or not it this was were did can could
    should would will has have i you your than if as about between into"""
)
"""Common words of English."""

SHARED = _words("a am an as at de die do for in is me no on or so was we will")
"""Those that other languages have too, so that they are no sign of English."""

FOREIGN = _words(
    """der die das und ist ein eine wie wer wo warum nicht mit von zu für im dem
    le les et est un une qui où pourquoi comment quel quelle quels quelles dans pas avec au aux
    el los las y es qué cuál cómo dónde por para del se su lo al
    gli che è di dove perché non della nel
    os uma é não em um da na het een wat hoe waarom"""
)
"""Common words of German, French, Spanish, Italian, Portuguese and Dutch."""

NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
            *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
            *("nineteen", "twenty"),
        )
    )
}
"""``three`` is 3. Larger ones are rarely written out; then they are words that have to agree."""

_GROUPS = """
which what
automobile car
purchase buy
large big
utilize utilise use
television tv
telephone phone
photograph photo
usa us
colour color
favourite favorite
centre center
organise organize
behaviour behavior
analyse analyze
licence license
grey gray
metre meter
metres meters
kilometre kilometer
kilometres kilometers km
"""
SAME = {word: line.split()[-1] for line in _GROUPS.strip().splitlines() for word in line.split()}
"""Words for the same thing, whatever the sentence, and two ways of spelling one."""

CASED = _words("polish turkey china march may august apple bill will aids sat")
"""Words that mean something else when they are names, so the capital letter counts."""

CONTRACTIONS = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "what's": "what is",
    "who's": "who is",
    "where's": "where is",
    "when's": "when is",
    "how's": "how is",
    "why's": "why is",
    "that's": "that is",
    "there's": "there is",
    "it's": "it is",
    "i'm": "i am",
    "let's": "let us",
}
"""Those that the endings ``n't``, ``'re``, ``'ll`` and ``'ve`` do not explain."""
