"""Keys stay out of the log, and whoever knew them leaves nothing behind."""

from __future__ import annotations

import gc
import logging

import pytest

from aiorch.safety.log_redaction import LOGGER, redact_log
from aiorch.safety.redaction import Redactor


def test_messages_and_exceptions_lose_their_keys(caplog: pytest.LogCaptureFixture) -> None:
    redact = Redactor(["the-key-of-acme"])
    redact_log(redact)
    try:
        raise ValueError("refused: the-key-of-acme")
    except ValueError:
        LOGGER.exception("with %s", "the-key-of-acme")
    assert "with [redacted]" in caplog.text
    assert "ValueError: refused: [redacted]" in caplog.text
    assert "the-key-of-acme" not in caplog.text + repr(vars(caplog.records[0]))


def test_an_exception_without_a_key_stays_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    redact = Redactor(["the-key-of-acme"])
    redact_log(redact)
    try:
        raise ValueError("plain")
    except ValueError:
        LOGGER.warning("it failed %d times", 3, exc_info=True)
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].args == (3,)


def test_a_redactor_that_nobody_has_any_more_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    redact = Redactor(["short-lived-word"])
    redact_log(redact)
    del redact
    gc.collect()
    LOGGER.warning("short-lived-word")
    assert "short-lived-word" in caplog.text
    assert len(logging.getLogger("aiorch").filters) == 1
