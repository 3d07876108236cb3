"""Which process somebody is, so that another one on the same machine can see that it is gone."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Process:
    """A process on some machine since its start; as text, what rows name their owner by.

    >>> Process.parse("web-1|4026531836|b00t|17|990|5ac1").pid
    17
    """

    host: str
    space: str
    """The namespace of process numbers: containers on one machine count theirs apart."""
    boot: str
    """Another one after the machine was started again."""
    pid: int
    started: str
    """When the process began, as the system counts it: numbers are used again."""
    token: str
    """Of its own, random."""

    @classmethod
    def parse(cls, text: str) -> Process | None:
        """Read one back; ``None`` for a text that is none."""
        parts = text.split("|")
        if len(parts) != 6 or not parts[3].isdigit():
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]), parts[4], parts[5])

    def __str__(self) -> str:
        return "|".join((self.host, self.space, self.boot, str(self.pid), self.started, self.token))


@cache
def _of(pid: int) -> Process:
    boot = _read("/proc/sys/kernel/random/boot_id")
    return Process(socket.gethostname(), _space(), boot[:8], pid, started(pid), uuid4().hex[:8])


def this_process() -> Process:
    """Who we are; another one after a fork."""
    return _of(os.getpid())


def is_gone(owner: str, me: Process) -> bool | None:
    """Whether the process that calls itself ``owner`` has ended; ``None`` where that cannot be seen from here."""
    other = Process.parse(owner)
    if other is None or (other.host, other.space) != (me.host, me.space):
        return None
    if other.boot != me.boot:
        return True
    if other.pid == me.pid:
        return other.started != me.started
    try:
        os.kill(other.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and somebody else's
        pass
    return _is_dead(other)


def _is_dead(other: Process) -> bool:
    """A number that somebody else has now, or that of one that was killed and that nobody has waited for."""
    stat = _read(f"/proc/{other.pid}/stat").rpartition(")")[2].split()
    if not stat:
        return False
    return stat[0] in "ZX" or stat[19] != other.started


def started(pid: int) -> str:
    """When a process began, in the system's own count; empty where the system does not say (macOS)."""
    stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return stat[19] if stat else ""  # field 22 of proc(5), counted behind the name


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
