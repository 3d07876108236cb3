"""The questions: few, fixed, of our own making, each with a grader that needs nobody's opinion.

A suite is frozen under its name. Whoever changes a question, a grader or an allowance makes a suite of another name, so
that numbers under one name can be compared for as long as they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiorch.benchmarking.grading import Fields, Grader, Pick, Program, Says, Sentence, number
from aiorch.benchmarking.texts import PEOPLE, checker, register, shelf
from aiorch.types import JsonSchema, Message, Parameters, Request

Part = Literal["exact", "json", "code", "lookup"]
"""What an item tries: one exact answer, facts as JSON, a function with tests, a fact in a longer text."""

CHARACTERS_PER_TOKEN = 3
"""A cautious guess, so that nothing is sent which does not fit: most texts have more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    id: str
    """Short, unique in its suite."""
    part: Part
    prompt: str
    grader: Grader | Program
    max_tokens: int
    """The longest answer, without thinking."""
    schema: JsonSchema | None = None

    @property
    def size(self) -> int:
        """About how many tokens the prompt has."""
        return len(self.prompt) // CHARACTERS_PER_TOKEN + 8

    def request(self, allowed: int, *, schema: bool = True) -> Request:
        """What is sent: greedy, with a seed, so that a second run says the same wherever a provider can.

        :param allowed: tokens of the answer, thinking included. :param schema: hold the model to the item's schema.
        """
        return Request(
            (Message.user(self.prompt),),
            Parameters(temperature=0.0, seed=SEED, max_tokens=allowed),
            schema=self.schema if schema else None,
        )


@dataclass(frozen=True, slots=True)
class Suite:
    """Questions under a name, in the order in which they are asked: a few of every part come first."""

    name: str
    items: tuple[Item, ...]

    def __getitem__(self, item: str) -> Item:
        """The item of that id. :raises KeyError: when there is none."""
        found = next((one for one in self.items if one.id == item), None)
        if found is None:
            raise KeyError(item)
        return found


SEED = 7

NUMBER_ONLY = "Answer with the number only."
DAYS = (
    r"(?:星期|周|礼拜)[一二三四五六日天]"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
)
JSON_ONLY = "Answer with one JSON object and nothing else."


def _object(**properties: Any) -> JsonSchema:
    return JsonSchema(_closed(properties))


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with all of these properties and no others, as strict modes want it."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_WHOLE = {"type": "integer"}
_TEXT_OR_NULL = {"type": ["string", "null"]}

ROLLS = Item(
    "rolls",
    "exact",
    "A baker packs 6 boxes with 24 rolls each and then gives 17 rolls away. How many rolls are left? "
    + NUMBER_ONLY,
    number(127, 6, 24, 17),
    256,
)
OSLO = Item(
    "oslo",
    "exact",
    "Which city is the capital of Norway? Answer with its name only.",
    Pick(("Oslo",), r"\b(?:Oslo|Bergen|Trondheim|Stavanger|Stockholm|Copenhagen|Helsinki|Reykjavik)\b"),
    256,
)
ARRIVAL = Item(
    "arrival",
    "exact",
    "A night train leaves at 21:47 and travels for 3 hours and 38 minutes. At what time does it arrive? "
    "Answer with the time only, as HH:MM on a 24-hour clock.",
    Pick(("01:25",), r"\b\d{1,2}:\d\d\b", ("21:47", "3:38")),
    256,
)
COIN = Item(
    "coin",
    "exact",
    'One of three boxes, red, green and blue, holds a coin. Each has a label. Red: "The coin is in here." '
    'Green: "The coin is not in here." Blue: "The coin is not in the red box." Exactly one label is true. '
    "Which box holds the coin? Answer with its colour only.",
    Pick(("green",), r"\b(?:red|green|blue)\b"),
    256,
)
PLANET = Item(
    "planet",
    "exact",
    "On which planet of our solar system does one turn around its own axis take longer than one orbit around the Sun? "
    "Answer with its name only.",
    Pick(("Venus",), r"\b(?:Mercury|Venus|Earth|Mars|Jupiter|Saturn|Uranus|Neptune)\b", ("Earth",)),
    256,
)
BACKWARDS = Item(
    "backwards",
    "exact",
    "Write the letters of the word lantern in reverse order, as capital letters with one hyphen between neighbours. "
    "Answer with nothing else.",
    Says(("N-R-E-T-N-A-L",)),
    256,
)
SENTENCE = Item(
    "sentence",
    "exact",
    "Write one sentence of exactly five words that contains the word rain and nowhere the letter e. "
    "Answer with the sentence only.",
    Sentence(5, "rain", "e"),
    256,
)
MONATE = Item(
    "monate",
    "exact",
    "Wie viele Tage haben April, Mai und Juni zusammen? Antworte nur mit der Zahl.",
    number(91),
    256,
)
LETRAS = Item(
    "letras",
    "exact",
    "Escribe el número 76 con letras, en español y en minúsculas. Responde solo con eso.",
    Says(("setenta y seis",)),
    256,
)
HOUTIAN = Item(
    "houtian",
    "exact",
    "如果昨天是星期三，那么后天是星期几？只回答星期几。",
    Pick(("星期六", "周六", "礼拜六", "Saturday"), DAYS, ("星期三",)),
    256,
)

VISITOR = Item(
    "visitor",
    "json",
    "Answer with the visitor's name, age and city, under the keys name, age and city. "
    f"{JSON_ONLY}\n\n"
    "Anna is 34 years old and lives in Riga.",
    Fields({"name": "Anna", "age": 34, "city": "Riga"}),
    384,
    _object(name=_TEXT, age=_WHOLE, city=_TEXT),
)
INVOICE = Item(
    "invoice",
    "json",
    "Read the message and answer with the invoice's number, the amount to pay, its currency (EUR, USD or GBP) and the "
    "day on which it is due (YYYY-MM-DD), under the keys number, amount, currency and due. "
    f"{JSON_ONLY}\n\n"
    "Hello Ms Okafor,\nthank you for your order of 3 March 2025. Please find attached invoice KL-20417 over 1,284.50 "
    "euros. The deposit of 200 euros has already been taken off that sum. Payment is due by the 2nd of April 2025.\n"
    "Kind regards, Lindqvist Looms",
    Fields({"number": "KL-20417", "amount": 1284.5, "currency": "EUR", "due": "2025-04-02"}),
    384,
    _object(
        number=_TEXT, amount=_NUMBER, currency={"type": "string", "enum": ["EUR", "USD", "GBP"]}, due=_TEXT
    ),
)
ORDER = Item(
    "order",
    "json",
    "Which articles are finally ordered? Answer with the key items: a list of objects with the keys article (one word, "
    f"singular) and quantity. {JSON_ONLY}\n\n"
    "Hi, please send us 12 chairs, 4 desks and 2 lamps. Oh wait, we still have lamps, leave those out. And make it two "
    "more chairs, please. Thanks!",
    Fields({"items": [{"article": "chair", "quantity": 14}, {"article": "desk", "quantity": 4}]}),
    384,
    _object(items={"type": "array", "items": _closed({"article": _TEXT, "quantity": _WHOLE})}),
)
PEOPLE_MET = Item(
    "people",
    "json",
    "Who took part in the call? Answer with the key people: a list of objects with the keys name, role (without "
    "article) and phone (null "
    f"where no number is given). {JSON_ONLY}\n\n"
    "Notes of the call: Ruth Adeyemi (project lead, 555-0142) opened. Karel Novak, the architect, showed the new "
    "drawings. Ruth will send them to Mr Bell, who could not take part.",
    Fields(
        {
            "people": [
                {"name": "Ruth Adeyemi", "role": "project lead", "phone": "555-0142"},
                {"name": "Karel Novak", "role": "architect", "phone": None},
            ]
        }
    ),
    384,
    _object(
        people={"type": "array", "items": _closed({"name": _TEXT, "role": _TEXT, "phone": _TEXT_OR_NULL})}
    ),
)
TERMIN = Item(
    "termin",
    "json",
    "Lies die Nachricht und antworte mit dem Ort, dem Datum (YYYY-MM-DD), dem Beginn (HH:MM) und ob man sich anmelden "
    "muss (true oder false), unter den Schlüsseln ort, datum, beginn und anmeldung. Antworte mit einem JSON-Objekt und "
    "sonst nichts.\n\n"
    "Liebe Nachbarn, das Hoffest ist nicht am Samstag, dem 14. Juni 2025, sondern einen Tag später. Es beginnt um halb "
    "vier nachmittags im Lindenhof. Kommt einfach vorbei, anmelden müsst ihr euch nicht!",
    Fields({"ort": "Lindenhof", "datum": "2025-06-15", "beginn": "15:30", "anmeldung": False}),
    384,
    _object(ort=_TEXT, datum=_TEXT, beginn=_TEXT, anmeldung={"type": "boolean"}),
)

GAPS = Item(
    "gaps",
    "code",
    "Write a Python function gaps(taken, opening, closing). taken is a list of (start, end) pairs of whole "
    "numbers with start < end, in any order; they may overlap, touch, or reach beyond the day. Return the free times "
    "between opening and closing as a sorted list of (start, end) tuples; no empty ones. Answer with the code only.",
    Program(
        "gaps",
        """assert gaps([], 8, 18) == [(8, 18)]
assert gaps([(8, 18)], 8, 18) == []
assert gaps([(12, 13), (9, 10)], 8, 18) == [(8, 9), (10, 12), (13, 18)]
assert gaps([(9, 12), (10, 11), (11, 14)], 8, 18) == [(8, 9), (14, 18)]
assert gaps([(9, 10), (10, 11)], 9, 12) == [(11, 12)]
assert gaps([(0, 9), (17, 30)], 8, 18) == [(9, 17)]
assert gaps([(0, 5), (20, 22)], 8, 18) == [(8, 18)]
taken = [(3, 4), (1, 2)]
gaps(taken, 0, 5)
assert taken == [(3, 4), (1, 2)]""",
    ),
    768,
)
SECONDS = Item(
    "seconds",
    "code",
    "Write a Python function seconds(text) that reads a duration such as '1h30m', '45s', '2d' or '1d2h3m4s' and "
    "returns its seconds as an int. Units are d, h, m and s; each may occur once, in this order, with a whole number "
    "before it. Anything else, the empty text included, raises ValueError. Answer with the code only.",
    Program(
        "seconds",
        """assert seconds('45s') == 45
assert seconds('1h30m') == 5400
assert seconds('2d') == 172800
assert seconds('1d2h3m4s') == 93784
assert seconds('0s') == 0
assert seconds('90m') == 5400
for wrong in ('', '5', 'h', '1m1h', '1h1h', '1.5h', '-1h', '1h ', '1 h', '10x', 's45'):
    try:
        seconds(wrong)
    except ValueError:
        continue
    raise AssertionError(wrong)""",
    ),
    768,
)
LEDGER = Item(
    "ledger",
    "code",
    "Write a Python function settle(debts). debts is a list of (debtor, creditor, amount) with whole amounts. Return a "
    "dict from each name that occurs to what that person has to get in all (negative: has to pay), with the names in "
    "alphabetical order and without those whose balance is 0. Answer with the code only.",
    Program(
        "settle",
        """assert settle([]) == {}
assert settle([('ann', 'bob', 5)]) == {'ann': -5, 'bob': 5}
assert settle([('ann', 'bob', 5), ('bob', 'ann', 5)]) == {}
assert settle([('zoe', 'ann', 7), ('ann', 'bob', 3)]) == {'ann': 4, 'bob': 3, 'zoe': -7}
assert list(settle([('zoe', 'mia', 2), ('bob', 'mia', 1)])) == ['bob', 'mia', 'zoe']
assert settle([('ann', 'ann', 9)]) == {}""",
    ),
    768,
)

CRATE = Item(
    "crate",
    "lookup",
    "This is the register of a warehouse.\n\n"
    + register(1001, 48)
    + "\n\nOn which shelf does crate 1033 stand? Answer with the shelf only.",
    Pick((shelf(1033),), r"\b[A-F][1-9]\b"),
    256,
)
REPLACED = Item(
    "replaced",
    "lookup",
    "This is the register of a warehouse.\n\n"
    + register(2001, 200, "Note: crate 2037 was broken, its goods are now in crate 2164.", 2090)
    + "\n\nThe goods of crate 2037 are now in another crate. Who checked that other crate? Answer with the name only.",
    Pick((checker(2164),), rf"\b(?:{'|'.join(PEOPLE)})\b"),
    256,
)

SUITE = Suite(
    "aiorch-1",
    (
        ROLLS, VISITOR, COIN, GAPS, CRATE, OSLO, BACKWARDS, INVOICE,
        PLANET, MONATE, SECONDS, ORDER, ARRIVAL, LETRAS, REPLACED,
        PEOPLE_MET, SENTENCE, LEDGER, HOUTIAN, TERMIN,
    ),
)  # fmt: skip
"""The suite that ``aiorch benchmark`` asks."""
