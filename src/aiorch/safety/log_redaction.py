"""Keys out of the log, also those that a plugin's exception quotes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

LOGGER = logging.getLogger("aiorch")
"""The one that every room writes to."""


class LogRedaction(logging.Filter):
    """Takes keys out of everything that is logged while it is installed: messages, and the texts of exceptions.

    For example:

        redaction = LogRedaction(Redactor(settings.all_secrets()))
        redaction.install()
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def install(self) -> None:
        """From now on."""
        LOGGER.addFilter(self)

    def remove(self) -> None:
        """No longer. Doing it twice does no harm."""
        LOGGER.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record. An exception is kept as redacted text: the object still holds what it quotes."""
        record.msg, record.args = self._redact(record.getMessage()), ()
        if record.exc_info:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_info, record.exc_text = None, self._redact(told)
        elif record.exc_text:
            record.exc_text = self._redact(record.exc_text)
        return True
