"""How many threads the engine computes with.

The engine's threads wait for each other in busy loops after every layer, so where other programs want the same cores,
all of them spin for the one that was put aside. Twelve short jobs of the demo model on a machine with two cores took 24
to 27 s on one thread, whatever else ran; on two threads 15 s alone and 26 to 75 s in company (at a load of 12 it was a
hundred times slower). So one core is left to others, and a container's share is believed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

MOST = 8  # beyond it, memory is the bottleneck


def choose_threads(cores: int, quota: float | None, *, shared: bool) -> int:
    """The number of threads for this many cores.

    :param quota: the CPUs that a container may use, where it is limited.
    :param shared: True on a build server, where neighbours are the rule.

    >>> choose_threads(4, None, shared=False), choose_threads(16, 1.5, shared=False)
    (3, 1)
    """
    if shared:
        return 1
    usable = cores if quota is None else min(cores, int(quota))
    return max(1, min(usable - 1, MOST))


def default_threads(environ: Mapping[str, str] | None = None, root: Path = Path("/")) -> int:
    """The number of threads for this machine, now."""
    environ = os.environ if environ is None else environ
    shared = environ.get("CI", "").lower() not in ("", "0", "false")
    return choose_threads(physical_cores(root), cpu_quota(root), shared=shared)


def physical_cores(root: Path = Path("/")) -> int:
    """Cores that this process may run on; two hyper-threads are one."""
    affinity = getattr(os, "sched_getaffinity", None)
    allowed: set[int] = affinity(0) if affinity else set(range(os.cpu_count() or 1))
    cores: set[str] = set()
    for cpu in allowed:
        siblings = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            cores.add(siblings.read_text().strip())
        except OSError:  # not Linux, or it does not say: each counts
            cores.add(str(cpu))
    return max(1, len(cores))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """The CPUs that this process's control group may use, the strictest on the way up; ``None`` = no limit."""
    limits: list[float] = []
    for hierarchy, group in _groups(root):
        for folder in (group, *group.parents):
            base = root / hierarchy / folder.relative_to("/")
            limit = _limit_v1(base) if hierarchy.endswith("/cpu") else _limit_v2(base)
            if limit is not None:
                limits.append(limit)
    return min(limits, default=None)


def _groups(root: Path) -> list[tuple[str, Path]]:
    """Where the CPU controller is mounted, and this process's group in it: version 2, and version 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found: list[tuple[str, Path]] = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            found.append(("sys/fs/cgroup", Path(group)))
        elif "cpu" in controllers.split(","):
            found.append(("sys/fs/cgroup/cpu", Path(group)))
    return found


def _limit_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _limit_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 and period > 0 else None
