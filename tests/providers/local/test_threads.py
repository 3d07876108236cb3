from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.local.threads import MOST, choose_threads, cpu_quota, default_threads, physical_cores


@pytest.mark.parametrize(
    ("cores", "quota", "shared", "threads"),
    [
        (1, None, False, 1),
        (2, None, False, 1),
        (4, None, False, 3),
        (64, None, False, MOST),
        (64, 1.5, False, 1),
        (64, 0.2, False, 1),
        (64, 4.0, False, 3),
        (2, 32.0, False, 1),
        (64, None, True, 1),
    ],
)
def test_one_core_is_left_to_others(cores: int, quota: float | None, shared: bool, threads: int) -> None:
    assert choose_threads(cores, quota, shared=shared) == threads


@given(st.integers(1, 512), st.none() | st.floats(0, 512), st.booleans())
def test_threads_are_never_more_than_the_machine_has(cores: int, quota: float | None, shared: bool) -> None:
    chosen = choose_threads(cores, quota, shared=shared)
    assert 1 <= chosen <= min(cores, MOST)
    if quota is not None and quota >= 1:
        assert chosen <= quota


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_quota_of_a_container_is_read(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", "150000 100000\n")
    assert cpu_quota(tmp_path) == 1.5


def test_strictest_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "0::/user/session\n")
    put(tmp_path, "sys/fs/cgroup/user/session/cpu.max", "max 100000\n")
    put(tmp_path, "sys/fs/cgroup/user/cpu.max", "300000 100000\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", "800000 100000\n")
    assert cpu_quota(tmp_path) == 3


def test_quota_of_older_systems_is_read(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "4:memory:/x\n1:cpu,cpuacct:/docker/1\n0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "50000")
    put(tmp_path, "sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000")
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1")
    put(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert cpu_quota(tmp_path) == 0.5


@pytest.mark.parametrize("content", ["", "max 100000", "many few\n"])
def test_no_or_unreadable_quota_is_no_limit(tmp_path: Path, content: str) -> None:
    assert cpu_quota(tmp_path) is None
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/cpu.max", content)
    assert cpu_quota(tmp_path) is None


def test_hyper_threads_are_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    for cpu in range(4):
        put(
            tmp_path,
            f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list",
            f"{cpu % 2},{cpu % 2 + 2}\n",
        )
    assert physical_cores(tmp_path) == 2


def test_without_a_topology_every_processor_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert physical_cores(tmp_path) == 6


@pytest.mark.parametrize(("ci", "threads"), [({"CI": "true"}, 1), ({"CI": "0"}, 3), ({}, 3)])
def test_build_servers_get_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: dict[str, str], threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert default_threads(ci, tmp_path) == threads


def test_this_machine_gets_at_least_one_thread() -> None:
    assert default_threads() >= 1
