"""Keys out of the log, also those that a plugin's exception quotes."""

from __future__ import annotations

import logging
import traceback
from weakref import WeakSet

from aiorch.safety.redaction import Redactor

LOGGER = logging.getLogger("aiorch")
"""The one that every room writes to."""


class LogRedaction(logging.Filter):
    """Takes keys out of messages and of the texts of exceptions, for as long as somebody has the redactor that knows
    them: nobody has to say when an orchestrator is gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.redactors: WeakSet[Redactor] = WeakSet()

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record where it holds a key. An exception that quotes one is kept as text: the object still
        holds what it quotes.
        """
        told = record.getMessage()
        if (said := self._redacted(told)) != told:
            record.msg, record.args = said, ()
        if record.exc_info:
            told = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            if (said := self._redacted(told)) != told:
                record.exc_info, record.exc_text = None, said
        return True

    def _redacted(self, text: str) -> str:
        for redact in list(self.redactors):
            text = redact(text)
        return text


_IN_THE_LOG = LogRedaction()


def redact_log(redact: Redactor) -> None:
    """From now on nothing that ``redact`` knows is logged, while anybody keeps it."""
    _IN_THE_LOG.redactors.add(redact)
    LOGGER.addFilter(_IN_THE_LOG)
