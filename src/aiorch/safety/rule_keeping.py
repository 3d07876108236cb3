"""The rules that are in force: taken from a folder or an address, tried, kept, and replaced only by what is better.

What cannot be read, has another hash than it should, fails its trial or is older than what is in force changes nothing:
the rules before it stay, in this process and in the next, and it is told why.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from aiorch.clock import Clock
from aiorch.errors import AiorchError, ConfigurationError
from aiorch.safety.detection import Detector
from aiorch.safety.rule_bundles import Bundle, Get, fetch_bundle, kept_bundle, order, read_bundle
from aiorch.safety.rule_detector import detectors_of
from aiorch.safety.rule_files import Rules, read_rules
from aiorch.safety.rule_trials import problems

log = logging.getLogger("aiorch")

_NEVER_YET = float("-inf")

LOOK_AGAIN = 60.0
"""Seconds after which a folder is looked at again, or an address that could not be reached."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Rules that have passed their trial."""

    bundle: Bundle
    rules: Rules


@dataclass(frozen=True, slots=True)
class Told:
    """What happened to rules."""

    source: str
    version: str
    sha256: str
    refused: str = ""
    """Why those before them stay; empty where these are in force now."""


def against(files: Mapping[str, str], ours: Sequence[Detector]) -> tuple[Rules, list[str]]:
    """The rules of these files, and everything that speaks against them.

    :param ours: aiorch's own detectors.
    """
    try:
        rules = read_rules(files)
    except ValueError as wrong:
        return Rules(), str(wrong).splitlines()
    return rules, problems(rules, ours)


def tried(bundle: Bundle, ours: Sequence[Detector]) -> InForce:
    """A bundle whose rules have been checked and tried.

    :param ours: aiorch's own detectors.
    :raises ConfigurationError: with everything that speaks against it.
    """
    rules, wrong = against(bundle.files, ours)
    if wrong:
        raise ConfigurationError(f"the rules {bundle.version} cannot be used: " + "; ".join(wrong))
    return InForce(bundle, rules)


class RuleKeeper:
    """The rules that one setting names.

    :param source: a folder, or an address that begins with ``https://``.
    :param sha256: of its manifest; an address needs one. With it exactly that bundle is used, also where it is older.
    :param file: where the last good ones are kept.
    :param get: gets addresses; ``None`` where the network may not be used.
    :param ours: makes aiorch's own detectors, for trials.
    :param tell: is told of every change and every refusal, once each, before it takes effect.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        sha256: str | None,
        file: Path,
        get: Get | None,
        clock: Clock,
        ours: Callable[[], Sequence[Detector]],
        tell: Callable[[Told], None],
    ) -> None:
        self.source = source
        self.now: InForce | None = None
        """What is in force; ``None`` for nothing but aiorch's own."""
        self._sha256 = sha256
        self._file = file
        self._get = get
        self._clock = clock
        self._ours = ours
        self._tell = tell
        self._next = _NEVER_YET
        self._last = ""
        """What was refused last, by its words."""
        self._asking = anyio.Lock()

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """Those of the rules in force."""
        return () if self.now is None else detectors_of(self.now.rules.rows)

    @property
    def drops(self) -> frozenset[str]:
        """The rules of aiorch that no longer count."""
        return frozenset() if self.now is None else self.now.rules.drops

    async def renew(self) -> bool:
        """Look for newer rules, where it is time to. True when other ones are in force now."""
        if self._clock.monotonic() < self._next:
            return False
        async with self._asking:
            if self._clock.monotonic() < self._next:  # another task has looked meanwhile
                return False
            before = self.now
            if self._next == _NEVER_YET and (broken := await anyio.to_thread.run_sync(self._recall)):
                self._refused(broken)
            if not self._settled():
                await self._look()
            self._next = float("inf") if self._settled() else self._clock.monotonic() + LOOK_AGAIN
            return self.now is not before

    def _settled(self) -> bool:
        """True where nothing newer can come: exactly these are wanted."""
        return self.now is not None and self._sha256 == self.now.bundle.sha256

    async def _look(self) -> None:
        """:raises AuditError: when a change cannot be recorded; it is then not made."""
        try:
            bundle = await self._found()
            if self.now is not None and bundle.sha256 == self.now.bundle.sha256:
                return
            self._forward(bundle)
            new = await anyio.to_thread.run_sync(lambda: tried(bundle, self._ours()))
        except AiorchError as wrong:
            self._refused(str(wrong))
            return
        self._tell(Told(str(self.source), bundle.version, bundle.sha256))
        self.now, self._last = new, ""
        await anyio.to_thread.run_sync(self._keep, bundle)

    async def _found(self) -> Bundle:
        if isinstance(self.source, Path):
            return await anyio.to_thread.run_sync(read_bundle, self.source, self._sha256)
        if self._sha256 is None:
            raise ConfigurationError(
                f"rules from {self.source} need guard_rules_sha256: the SHA-256 of its rules.json"
            )
        if self._get is None:
            raise ConfigurationError(
                f"rules from {self.source} cannot be fetched: aiorch is set to stay offline"
            )
        return await fetch_bundle(self.source, self._sha256, self._get)

    def _forward(self, bundle: Bundle) -> None:
        """:raises ConfigurationError: for rules that are not newer than those in force, unless they are named."""
        if self.now is None or self._sha256 is not None:
            return
        before = self.now.bundle.version
        if order(bundle.version) <= order(before):
            raise ConfigurationError(
                f"the rules {bundle.version} are not newer than {before}, which are in force: give them a higher "
                "version, or name them by guard_rules_sha256"
            )

    def _refused(self, why: str) -> None:
        if why == self._last:
            return
        now = self.now.bundle if self.now else None
        self._tell(Told(str(self.source), now.version if now else "", now.sha256 if now else "", why))
        self._last = why

    # --- the last good ones

    def _recall(self) -> str:
        """Take up those that an earlier process had in force, of the same source. Returns what is wrong with them."""
        try:
            said: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
            if said["source"] == str(self.source):
                self.now = tried(kept_bundle(said["manifest"], said["files"]), self._ours())
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, TypeError, KeyError, AttributeError, AiorchError) as broken:
            return f"the rules that were kept in {self._file} cannot be used: {broken}"
        return ""

    def _keep(self, bundle: Bundle) -> None:
        said = {"source": str(self.source), "manifest": bundle.manifest, "files": dict(bundle.files)}
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.write_text(json.dumps(said), "utf-8")
            part.replace(self._file)
        except OSError as fault:  # they are in force; only the next process has to look for them again
            with suppress(OSError):
                part.unlink(missing_ok=True)
            log.warning(
                "the rules %s could not be kept in %s: %s", bundle.version, self._file, fault.strerror
            )
