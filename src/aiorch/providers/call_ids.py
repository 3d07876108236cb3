"""Ids of tool calls, as an API that is particular about them takes them. Pure."""

from __future__ import annotations

import re

_OTHERS = re.compile(r"[^a-zA-Z0-9_-]")


class CallIds:
    """Letters, digits, ``_`` and ``-``, each id once in a conversation.

    Calls that another provider's model made have other ids, and some have none, so that every round of theirs begins
    again at ``call_0``.

    >>> ids = CallIds()
    >>> ids.call("functions.look:0"), ids.call("functions.look:0"), ids.result("functions.look:0")
    ('functions_look_0', 'functions_look_0_2', 'functions_look_0_2')
    """

    def __init__(self, longest: int = 64) -> None:
        self._longest = longest
        self._used: set[str] = set()
        self._open: dict[str, str] = {}

    def call(self, call_id: str) -> str:
        """A new call's."""
        plain = self._plain(call_id)
        made, n = plain, 1
        while made in self._used:
            n += 1
            made = f"{plain[: self._longest - 5]}_{n}"
        self._used.add(made)
        self._open[call_id] = made
        return made

    def result(self, call_id: str) -> str:
        """That of the last call which was given this id."""
        return self._open.get(call_id) or self._plain(call_id)

    def _plain(self, call_id: str) -> str:
        return _OTHERS.sub("_", call_id)[: self._longest] or "call"
