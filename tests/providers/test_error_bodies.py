"""The words of an error are found wherever they are put, and looked for no deeper than an error goes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from aiorch.providers.error_bodies import read_error

FOUND = {"message": "found"}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: {"error": inner},
        lambda inner: {"errors": inner},
        lambda inner: {"detail": inner},
        lambda inner: {"choices": inner},
        lambda inner: {"availability": inner},
        lambda inner: {"metadata": inner},
        lambda inner: {"details": inner},
        lambda inner: {"raw": json.dumps(inner)},
        lambda inner: [inner],
    ],
    ids=["error", "errors", "detail", "choices", "availability", "metadata", "details", "raw", "list"],
)
def test_five_layers_are_read_and_no_sixth(wrap: Callable[[object], object]) -> None:
    body: object = FOUND
    for _ in range(4):
        body = wrap(body)
    assert read_error(body).message == "found"
    assert read_error(wrap(body)).message == ""


def test_of_a_list_of_errors_the_first_five_are_read() -> None:
    body = {"errors": [{"message": str(n)} for n in range(1, 8)]}
    assert read_error(body).message == "1: 2: 3: 4: 5"


def test_what_is_inside_is_told_before_what_wraps_it() -> None:
    body = {
        "message": "outside",
        "code": "wrapper",
        "error": {
            "message": "Provider returned error",
            "code": 502,
            "metadata": {"details": {"message": "a detail"}, "raw": '{"error": {"message": "inside"}}'},
        },
    }
    error = read_error(body)
    assert error.message == "Provider returned error: a detail: inside: outside"
    assert (error.code, error.status) == ("wrapper", 502)


def test_another_providers_words_that_are_no_json_are_words() -> None:
    assert read_error({"error": {"metadata": {"raw": "busy {"}}}).message == "busy {"


@pytest.mark.parametrize(
    ("code", "read"),
    [
        (3040, "3040"),
        (-1, "-1"),
        (999_999, "999999"),
        (1_000_000, None),  # a moment, an amount: what is that large is no code
        (True, None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_a_code_is_a_word_or_a_number_of_some_figures(code: object, read: str | None) -> None:
    assert read_error({"error": {"message": "x", "code": code}}).code == read


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            "<html><head><title>502 Bad Gateway</title></head></html>",
            "a web page: 502 Bad Gateway instead of an answer",
        ),
        ("<!DOCTYPE HTML>\n<TITLE class=x>\nBusy\n</TITLE>", "a web page: Busy instead of an answer"),
        ("<!doctype html><p>Busy</p>", "a web page instead of an answer"),
        ("  < body >Busy", "a web page instead of an answer"),
        (" upstream connect error ", "upstream connect error"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_a_page_is_told_by_its_title(page: str, words: str) -> None:
    assert read_error(page.encode()).message == words


def test_moderation_is_told_by_its_reasons_beside_what_was_flagged() -> None:
    def codes(**metadata: object) -> frozenset[str]:
        return read_error({"error": {"message": "x", "metadata": metadata}}).codes

    assert codes(reasons=["violence"], flagged_input="...") == {"moderation"}
    assert codes(reasons=["violence"], flagged_input="") == {"moderation"}
    assert (
        codes(reasons=["violence"])
        == codes(flagged_input="...")
        == codes(reasons=[], flagged_input="")
        == set()
    )


def test_a_spoiled_generation_is_told_by_its_being_shown() -> None:
    assert read_error({"error": {"message": "x", "failed_generation": "<tool"}}).codes == {
        "failed_generation"
    }


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ({"retryDelay": "36s"}, "36s"),
        ({"retry_after": 12}, 12),
        ({"retry_after": 12, "retryDelay": "36s"}, 12),
        ({"retry_after": None, "retryDelay": "36s"}, "36s"),
        ({}, None),
    ],
)
def test_a_wait_in_the_body_is_found(told: dict[str, object], wait: object) -> None:
    assert read_error({"error": {"message": "x", **told}}).wait == wait


def test_minimax_tells_in_numbers_of_its_own() -> None:
    told = read_error({"id": "1", "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}})
    assert (told.message, told.codes) == ("insufficient balance", {"minimax_1008"})
    fine = read_error({"message": "no", "base_resp": {"status_code": 0, "status_msg": ""}})
    assert (fine.message, fine.codes) == ("no", frozenset())
    assert read_error({"message": "no", "base_resp": "odd"}).message == "no"


def test_a_body_that_is_one_text_is_the_message() -> None:
    assert read_error(b'"Busy, try later"').message == "Busy, try later"


@pytest.mark.parametrize("host", [False, 7, {"name": "Venice"}, ["Venice"], ""])
def test_a_host_is_named_by_a_text_and_nothing_else(host: object) -> None:
    assert not read_error({"error": {"message": "x", "provider": host}}).upstream
    assert read_error({"error": {"message": "x", "provider": "Venice"}}).upstream == "Venice"


def test_what_else_an_error_tells_is_told_in_words() -> None:
    error = read_error(
        {
            "error": {
                "message": "x",
                "availability": {
                    "code": "constraint_filtered",
                    "retryable": False,
                    "excluded_by": ["max_price", "quantization", 7],
                    "affected_providers": None,
                    "constraint": {"field": "max_price", "detail": "above 0"},
                },
                "metadata": {
                    "error_type": "not_found",
                    "previous_errors": [{"provider": "acme", "code": "busy", "status": 429}],
                },
            }
        }
    )
    assert dict(error.details) == {
        "availability": "constraint_filtered",
        "retryable": "no",
        "excluded_by": "max_price, quantization, 7",
        "constraint": "max_price: above 0",
        "error_type": "not_found",
        "previous_errors": "acme: busy: 429",
    }
    assert error.codes == {
        "constraint_filtered",
        "not_found",
        "excluded_by:max_price",
        "excluded_by:quantization",
    }


def test_a_model_that_comes_back_is_told_by_its_being_retryable() -> None:
    def codes(**availability: object) -> frozenset[str]:
        return read_error({"error": {"message": "x", "availability": availability}}).codes

    assert codes(code="brand_new", retryable=True) == {"brand_new", "availability:retryable"}
    assert (
        codes(code="brand_new", retryable=False) == codes(code="brand_new", retryable="yes") == {"brand_new"}
    )
    assert codes(retryable=True) == {"availability:retryable"}


def test_what_was_flagged_is_told_by_its_length_alone() -> None:
    metadata = {"reasons": ["violence"], "flagged_input": "my diary", "patterns": ["my diary", "and more"]}
    error = read_error({"error": {"message": "x", "metadata": metadata}})
    assert dict(error.details) == {
        "reasons": "violence",
        "flagged_input": "8 characters",
        "patterns": "2 matched",
    }
