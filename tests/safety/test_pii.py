"""Personal data are found by structure and confirmed; numbers that are nobody's are left alone."""

from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.safety.pii import PersonalData
from aiorch.safety.pii_numbers import issued, luhn

PII = PersonalData()


def found(text: str) -> list[tuple[str, str]]:
    return [(f.rule.removeprefix("pii."), text[slice(*f.span)]) for f in PII.scan(text)]


def with_check_digit(digits: str) -> str:
    return next(digits + d for d in "0123456789" if luhn(digits + d))


def iban(country: str, account: str) -> str:
    number = int("".join(str(int(c, 36)) for c in account + country + "00"))
    return f"{country}{98 - number % 97:02d}{account}"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("email", "ann.o'neil+x@mail.some-host.co.uk", "write to {}."),
        ("email", "ann@例子.中国", "请联系{}。"),
        ("ip", "86.121.97.248", "client {} said"),
        ("ip", "6e40:4041:c617:e898:c11:40d2:c669:2eb4", "from {}!"),
        ("mac", "3c:22:fb:9a:01:7e", "device {} left"),
        ("ssn", "514-69-0361", "his number {} is"),
        ("ssn", "514690361", "SSN: {}"),
        ("itin", "912-71-4455", "taxpayer {}."),
        ("passport", "C01234567", "passport number: {}"),
        ("nino", "QQ 12 34 56 C".replace("QQ", "AB"), "NI number {}"),
        ("birth_date", "10/23/1951", "She was born on {}."),
        ("phone", "+44 20 7946 0958", "at {}"),
        ("phone", "+41 (0)44 668 18 00", "write or {}"),
        ("phone", "001-518-640-0854", "or {}"),
        ("phone", "(541) 714-1388 x22", "or {}"),
        ("phone", "699 956 915", "stop messages to {}"),
        ("phone", "9498777106", "Phone: {}"),
        ("phone", "07700 063 966", "{}-Fax"),
        ("phone", "030 901820 15", "so {} then"),
        ("phone", "+44 7700 208 815", "at {}"),
        ("phone", "+14155552671", "tel:{}"),
        ("phone", "(11) 91234-5678", "or {}"),
        ("phone", "020-5522222", "my new number is {}"),
    ],
)
def test_each_kind_is_found_exactly(kind: str, value: str, text: str) -> None:
    assert found(text.format(value)) == [(kind, value)]


def test_cards_of_every_network_are_found_and_wrong_check_digits_are_not() -> None:
    for body in (
        "411111222233334"[:15],
        "37144963539843",
        "555512345678901",
        "601112345678901",
        "213112345678901"[:14],
    ):
        number = with_check_digit(body)
        assert issued(number)
        assert found(f"pay {number} now") == [("card", number)]
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        assert ("card", wrong) not in found(f"my card {wrong} now")
    number = with_check_digit("411111222233334")
    spaced = " ".join(number[i : i + 4] for i in range(0, 16, 4))
    assert found(f"it is {spaced}.") == [("card", spaced)]
    sloppy = f"{number[:3]} {number[3:8]} {number[8:]}"
    assert ("card", sloppy) not in found(f"my card {sloppy}.")
    short = with_check_digit("50380205377")
    assert found(f"card {short} is lost") == [("card", short)]
    assert not found(f"tracking {short}")
    few = with_check_digit("555555555555444")
    grouped = "-".join(few[i : i + 4] for i in range(0, 16, 4))
    assert found(f"pay {grouped}") == [("card", grouped)]
    assert not found(f"value {few}")
    unissued = with_check_digit("352112345678901")
    assert found(f"my credit card {unissued}") == [("card", unissued)]
    assert not found(f"value {unissued}")


def test_accounts_need_their_countrys_length_and_checksum() -> None:
    good = iban("DE", "370400440532013000")
    spaced = " ".join(good[i : i + 4] for i in range(0, len(good), 4))
    assert found(f"to {good} please") == [("iban", good)]
    assert found(f"TO {spaced} PLEASE") == [("iban", spaced)]
    dashed = spaced.replace(" ", "-")
    assert found(f"to {dashed}.") == [("iban", dashed)]
    assert not found(f"to {good[:4]}4{good[5:]} please")
    assert not found(f"to {good}7 please")
    assert not found(f"to {good[:-2]} please")
    assert not found("XX00 1234 5678 9012 3456")


def test_numbers_that_identify_nobody_are_left_alone() -> None:
    rng = random.Random(3)
    for _ in range(60):
        digits = "".join(rng.choices("0123456789", k=13))
        assert not found(
            f"order {digits} shipped, tracking {digits[:12]}; version 1{digits[0]}.2.93; ts 16{digits[:8]}"
        )
    for text in (
        "127.0.0.1 and 192.168.1.4, ::1, 10.0.0.1, 0.0.0.0",
        "version 12.11.88.4 and 300.1.2.3",
        "at 12:34:56 on 2024-01-02 10:20:30",
        "ann@example.com, x@host.test, @name, a..b@mail.net, .@x, @@",
        "000-12-3456 and 666-12-3456 and 078-05-1120 and 514-00-1234",
        "pages 100-200, 3.14159265358979, 1,234,567.89, 12345-6789",
        "+999 123 456 789, +1 2 3 4 5 6 7, 099 999 99 99, 000 000 000 1",
        "tel. 1234567890123, phone 1 2 3 4567 8",
        "isbn 978-3-16-148410-0, invoice no. 4711-0815-33, sum 1 000 000",
        "call (12) (34) 5678901 or 1111111 or 12.3456789",
        "GET /a/b/1234567890123456 200 5120",
        "abcd::ef, icon@2x.png, git@code.host.net:a/b.git, section 4.2.1.3, SKU 123-45-6789-A",
    ):
        assert not found(text), text


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300) | st.text(alphabet="0123456789 +-().@:x/aAbBdDeEgG,\n", max_size=300))
def test_any_text_is_scanned_without_an_exception(text: str) -> None:
    end = 0
    for finding in PII.scan(text):
        assert end <= finding.span[0] < finding.span[1] <= len(text)
        end = finding.span[1]


@settings(max_examples=20, deadline=None)
@given(st.ip_addresses())
def test_addresses_are_those_of_the_standard_library(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    expected = address.is_global and not address.is_multicast
    assert (("ip", str(address)) in found(f"from {address} to")) is expected


def test_hostile_texts_end() -> None:
    for part in ("4-1-1-1 ", "1234567890", "a:", "a.b-c_d@", "(1) 2 ", "+1 ", "1.1.1.", "GB82 ", "passport "):
        PII.scan((part * 20_000)[:20_000])
