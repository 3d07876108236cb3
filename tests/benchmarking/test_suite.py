"""The suite is what it says: frozen, fair to every right answer, and merciless to wrong ones."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict

import pytest
from tests.benchmarking.conftest import ProcessSandbox

from aiorch.benchmarking.grading import Fields, Program
from aiorch.benchmarking.suite import SUITE, Item
from aiorch.benchmarking.texts import GOODS, checker, register, shelf

RIGHT: dict[str, tuple[str, ...]] = {
    "rolls": ("127", "The answer is 127.", "6 * 24 = 144; 144 - 17 = 127"),
    "invoice": (
        '{"number": "KL-20417", "amount": 1284.5, "currency": "EUR", "due": "2025-04-02"}',
        '```json\n{"due": "2025-04-02", "currency": "EUR", "amount": 1284.50, "number": "KL-20417"}\n```',
    ),
    "coin": ("green", "Green.", "**Green**", "The answer is: green"),
    "gaps": (
        "```python\ndef gaps(taken, opening, closing):\n    free, at = [], opening\n"
        "    for start, end in sorted(taken):\n        if min(start, closing) > at:\n"
        "            free.append((at, min(start, closing)))\n        at = max(at, end)\n"
        "    if at < closing:\n        free.append((at, closing))\n    return free\n```",
    ),
    "crate": ("F6", "Crate 1033 stands on shelf F6.", "`F6`"),
    "monate": ("91", "Antwort: 91", "30 + 31 + 30 = 91", "Zusammen sind es 91 Tage."),
    "backwards": ("N-R-E-T-N-A-L", "```\nN-R-E-T-N-A-L\n```", '"N-R-E-T-N-A-L"'),
    "order": (
        '{"items": [{"article": "chair", "quantity": 14}, {"article": "desk", "quantity": 4}]}',
        'Sure!\n{"items": [{"quantity": 4, "article": "Desk"}, {"quantity": 14, "article": "Chair"}]}',
    ),
    "planet": ("Venus", "It is Venus.", "Unlike Earth, it is Venus."),
    "arrival": ("01:25", "1:25", "The train leaves at 21:47 and arrives at 01:25."),
    "seconds": (
        "import re\n\ndef seconds(text):\n"
        "    found = re.fullmatch(r'(?:(\\d+)d)?(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?', text)\n"
        "    if not text or not found:\n        raise ValueError(text)\n"
        "    return sum(int(n or 0) * f for n, f in zip(found.groups(), (86400, 3600, 60, 1)))\n",
    ),
    "letras": ("setenta y seis", "Respuesta: setenta y seis.", "«setenta y seis»"),
    "people": (
        '{"people": [{"name": "Ruth Adeyemi", "role": "project lead", "phone": "555-0142"}, '
        '{"name": "Karel Novak", "role": "architect", "phone": null}]}',
    ),
    "replaced": ("Wanda", "Crate 2164 was checked by Wanda."),
    "oslo": ("Oslo", "The capital of Norway is Oslo.", "**Oslo**"),
    "visitor": (
        '{"name": "Anna", "age": 34, "city": "Riga"}',
        '```\n{"city": "Riga", "age": 34, "name": "Anna"}\n```',
    ),
    "sentence": ("Rain taps on my roof.", "Soft rain falls on us."),
    "ledger": (
        "```python\nfrom collections import Counter\n\ndef settle(debts):\n    balance = Counter()\n"
        "    for debtor, creditor, amount in debts:\n        balance[debtor] -= amount\n"
        "        balance[creditor] += amount\n    return {n: b for n, b in sorted(balance.items()) if b}\n```",
    ),
    "houtian": ("星期六", "周六", "Saturday", "后天是星期六。"),
    "termin": ('{"ort": "Lindenhof", "datum": "2025-06-15", "beginn": "15:30", "anmeldung": false}',),
}

WRONG: dict[str, tuple[str, ...]] = {
    "rolls": ("144", "126", "127 or 144", "The answer is 161."),
    "invoice": (
        '{"number": "KL-20417", "amount": 1084.5, "currency": "EUR", "due": "2025-04-02"}',
        '{"number": "KL-20417", "amount": "1,284.50", "currency": "EUR", "due": "2025-04-02"}',
        '{"number": "KL-20417", "amount": 1284.5, "currency": "EUR", "due": "2025-03-03"}',
        "KL-20417",
    ),
    "coin": ("red", "blue", "red or green"),
    "gaps": (
        "def gaps(taken, opening, closing):\n    return []",
        "def gaps(taken, opening, closing):\n    taken.sort()\n    return [(opening, closing)]",
        "def gaps(:",
        "import sys\ndef gaps(*a): sys.exit(0)",
        "I would sort the pairs first.",
    ),
    "crate": ("F7", "A5", "F6 or A5", "1033"),
    "monate": ("90", "92", "30, 31, 30"),
    "backwards": ("NRETNAL", "n-r-e-t-n-a-l", "L-A-N-T-E-R-N", "N-R-E-T-A-L"),
    "order": (
        '{"items": [{"article": "chair", "quantity": 12}, {"article": "desk", "quantity": 4}]}',
        '{"items": [{"article": "chair", "quantity": 14}, {"article": "desk", "quantity": 4}, '
        '{"article": "lamp", "quantity": 2}]}',
        '[{"article": "chair", "quantity": 14}, {"article": "desk", "quantity": 4}]',
    ),
    "planet": ("Mercury", "Venus and Mercury", "Venus or Uranus"),
    "arrival": ("00:25", "25:25", "21:47", "01:25 or 01:35"),
    "seconds": (
        "def seconds(text):\n    return 0",
        "import re\ndef seconds(text):\n"
        "    units = {'d': 86400, 'h': 3600, 'm': 60, 's': 1}\n"
        "    return sum(int(n) * units[u] for n, u in re.findall(r'(\\d+)([dhms])', text))",
    ),
    "letras": ("setenta y siete", "76", "sesenta y seis", "setenta seis"),
    "people": (
        '{"people": [{"name": "Ruth Adeyemi", "role": "project lead", "phone": "555-0142"}]}',
        '{"people": [{"name": "Ruth Adeyemi", "role": "project lead", "phone": "555-0142"}, '
        '{"name": "Karel Novak", "role": "architect", "phone": "unknown"}]}',
    ),
    "replaced": ("Joost", "Wanda or Joost", "2164"),
    "oslo": ("Bergen", "Oslo or Bergen", "Norway", "Osloer"),
    "visitor": (
        '{"name": "Anna", "age": "34", "city": "Riga"}',
        '{"name": "Anna", "age": 34}',
        "Anna, 34, Riga",
    ),
    "sentence": ("Rain falls.", "The rain is cold today.", "Snow falls on my roof."),
    "ledger": (
        "def settle(debts):\n    return {}",
        "def settle(debts):\n    b = {}\n    for d, c, a in debts:\n        b[d] = b.get(d, 0) - a\n"
        "        b[c] = b.get(c, 0) + a\n    return b",
    ),
    "houtian": ("星期五", "星期三", "星期五或星期六"),
    "termin": (
        '{"ort": "Lindenhof", "datum": "2025-06-14", "beginn": "15:30", "anmeldung": false}',
        '{"ort": "Lindenhof", "datum": "2025-06-15", "beginn": "16:30", "anmeldung": false}',
        '{"ort": "Lindenhof", "datum": "2025-06-15", "beginn": "15:30", "anmeldung": "nein"}',
    ),
}

PLAIN = tuple(item for item in SUITE.items if not isinstance(item.grader, Program))
CODE = tuple(item for item in SUITE.items if isinstance(item.grader, Program))


def test_every_item_is_tried_with_right_and_wrong_answers():
    assert RIGHT.keys() == WRONG.keys() == {item.id for item in SUITE.items}


@pytest.mark.parametrize("item", PLAIN, ids=lambda item: item.id)
def test_right_answers_are_accepted_and_wrong_ones_refused(item: Item):
    assert not isinstance(item.grader, Program)
    for answer in RIGHT[item.id]:
        assert item.grader.accepts(answer), answer
        assert item.grader.accepts(f"<think>Is it so?</think>\n\n{answer}\n"), answer
    for answer in (*WRONG[item.id], "", "I do not know.", item.prompt, f"<think>{RIGHT[item.id][0]}"):
        assert not item.grader.accepts(answer), answer


@pytest.mark.anyio
@pytest.mark.parametrize("item", CODE, ids=lambda item: item.id)
async def test_right_programs_pass_their_tests_and_wrong_ones_do_not(item: Item, sandbox: ProcessSandbox):
    async def passed(answer: str) -> bool:
        assert isinstance(item.grader, Program)
        files = item.grader.files(answer)
        return files is not None and item.grader.judged(await sandbox.run(item.grader.command, files=files))

    for answer in RIGHT[item.id]:
        assert await passed(answer), answer
    for answer in WRONG[item.id]:
        assert not await passed(answer), answer


@pytest.mark.parametrize("item", [i for i in PLAIN if i.schema is not None], ids=lambda item: item.id)
def test_the_expected_values_keep_to_the_schema(item: Item):
    import jsonschema

    assert item.schema is not None
    assert isinstance(item.grader, Fields)
    jsonschema.Draft202012Validator.check_schema(item.schema.schema)
    jsonschema.validate(item.grader.right, item.schema.schema)
    assert item.schema.schema["required"] == list(item.grader.right)


def test_a_small_budget_sees_every_part_that_is_asked_for():
    assert Counter(item.part for item in SUITE.items) == {"exact": 10, "json": 5, "code": 3, "lookup": 2}
    assert {item.part for item in SUITE.items[:5]} == {"exact", "json", "code", "lookup"}
    assert len({item.id for item in SUITE.items}) == len(SUITE.items)


def test_sampling_is_greedy_and_seeded():
    request = SUITE["rolls"].request(300)
    assert (request.parameters.temperature, request.parameters.max_tokens) == (0.0, 300)
    assert request.parameters.seed is not None
    assert request.messages[-1].text == SUITE["rolls"].prompt


def test_the_schema_can_be_left_to_the_words():
    assert SUITE["order"].request(100).schema is not None
    assert SUITE["order"].request(100, schema=False).schema is None
    assert SUITE["rolls"].request(100).schema is None


def test_an_item_that_does_not_exist_is_a_key_error():
    with pytest.raises(KeyError):
        SUITE["no-such-item"]


def test_the_longer_texts_hold_one_answer_each():
    lines = register(1001, 48).splitlines()
    assert len(lines) == 48
    assert sum(f"shelf {shelf(1033)}," in line for line in lines) == 1
    assert f"shelf {shelf(1033)}," in next(line for line in lines if line.startswith("Crate 1033:"))
    assert shelf(1033) not in SUITE["crate"].prompt.replace(f"shelf {shelf(1033)},", "")
    assert SUITE["replaced"].prompt.count("2164") == 2  # its own line and the note
    assert checker(2164) != checker(2037), "who stops at the first crate is wrong"
    assert 800 < SUITE["crate"].size < 2_000 < SUITE["replaced"].size < 6_000


def test_goods_are_spread():
    counts = Counter(
        good for good in GOODS for line in register(2001, 110).splitlines() if f" of {good}," in line
    )
    assert set(counts.values()) == {10}


def test_a_suite_is_frozen_under_its_name():
    """A changed question, grader or allowance needs a new name: then this digest is written anew beside it."""
    told = [{**asdict(item), "grader": repr(item.grader)} for item in SUITE.items]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    assert (SUITE.name, digest[:16]) == ("aiorch-1", "cce733d528230289")
