from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from aiorch.workflow.durable.identity import Process, is_gone, started, this_process


def test_a_process_reads_its_own_name_back() -> None:
    me = this_process()
    assert Process.parse(str(me)) == me
    assert me.pid == os.getpid()
    assert Process.parse("somebody") is None
    assert Process.parse("a|b|c|d|e|f") is None


def test_who_is_gone() -> None:
    me = this_process()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        other = replace(me, pid=child.pid, started=started(child.pid))
        assert is_gone(str(me), me) is False
        assert is_gone(str(other), me) is False
        child.kill()
        if sys.platform == "linux":
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert is_gone(str(other), me) is True, "killed, and nobody has waited for it yet"
    assert is_gone(str(other), me) is True
    assert is_gone(str(replace(me, boot="before")), me) is True
    assert is_gone(str(replace(me, host="elsewhere")), me) is None
    assert is_gone(str(replace(me, space="another container")), me) is None
    assert is_gone("somebody", me) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process says when it began")
def test_a_number_that_is_used_again_is_another_process() -> None:
    me = this_process()
    assert is_gone(str(replace(me, started="1")), me) is True
    assert is_gone(str(replace(me, pid=os.getppid(), started="1")), me) is True


def test_somebody_elses_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    me = this_process()

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    parent = os.getppid()
    assert is_gone(str(replace(me, pid=parent, started=started(parent))), me) is False
