"""What a routing decision costs: CPU microseconds over many deployments.

    python benchmarks/routing.py [--deployments 300] [--rounds 7]

Each row is a decision as the executor asks for it, in one process; the median, the best and the worst of the rounds.
The candidates are of ten providers with two keys each, all equals unless the row says otherwise; calls are under way at
a third of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

from aiorch.routing.balancing import Balance, order
from aiorch.routing.health import Health
from aiorch.routing.hedging import Hedging
from aiorch.routing.loads import Loads
from aiorch.routing.traffic import Rollout, Shift
from aiorch.types import Candidate, Deployment, Failure, FailureKind, ModelCard, Price

NOW = 1_800_000_000.0
SICK = Failure(FailureKind.OVERLOADED, "upstream", "overloaded", status=503)
REPEATS = 200


def candidates(count: int, *, paid: bool = False) -> tuple[Candidate, ...]:
    """Deployments of ten providers with two keys each."""
    made: list[Candidate] = []
    for i in range(count):
        provider, model, key = f"provider{i % 10}", f"vendor/model-{i // 20}", f"KEY_{i % 2}"
        price = Price(Decimal(i % 7) / 10, Decimal(i % 11) / 10) if paid else None
        card = ModelCard(provider, model, price=price, free="none" if paid else "zero_price")
        made.append(Candidate(Deployment(provider, model, key), card))
    return tuple(made)


def loads(of: tuple[Candidate, ...], rng: random.Random) -> Loads:
    """Everybody has answered; a third has calls under way."""
    made = Loads()
    for i, candidate in enumerate(of):
        id = candidate.deployment.id
        for _ in range(3):
            made.began(id)
            made.answered(
                id, NOW - rng.random(), first=rng.uniform(0.2, 2), seconds=rng.uniform(3, 9), tokens=300
            )
        if i % 3 == 0:
            made.began(id)
    return made


def health(of: tuple[Candidate, ...], sick: int) -> Health:
    """The first ``sick`` deployments are ejected, and one recovers."""
    made = Health(random.Random(1))
    for candidate in of[:sick]:
        for _ in range(3):
            made.failed(candidate.deployment.id, SICK, NOW)
    if sick:
        made.succeeded(of[0].deployment.id, NOW + 1, 1.0)
    return made


def cpu(what: Callable[[], object]) -> float:
    """Microseconds of CPU a call."""
    begun = time.process_time()
    for _ in range(REPEATS):
        what()
    return (time.process_time() - begun) / REPEATS * 1e6


def decisions(count: int) -> dict[str, Callable[[], object]]:
    """Every row by its name."""
    rng = random.Random(7)
    all_of_them, priced = candidates(count), candidates(count, paid=True)
    ids = [c.deployment.id for c in all_of_them]
    known = loads(all_of_them, rng)
    busy = loads(all_of_them, rng)
    for id in ids:
        busy.began(id)
    well, ill = health(all_of_them, 0), health(all_of_them, count // 10)
    tiers = [i // 3 for i in range(count)]
    some = Balance(("provider3", "provider1"), {"provider1": 2.0, "provider2/vendor/model-1": 5.0})

    def decided(strategy: str, book: Health, runs: Loads, of: tuple[Candidate, ...] = all_of_them) -> object:
        """The whole decision: who may be asked, and in which order."""
        named = [c.deployment.id for c in of]
        book.blocked(named, NOW + 2)
        return order(
            of,
            strategy,  # type: ignore[arg-type]
            runs,
            NOW + 2,
            rng,
            ids=named,
            balance=some,
            shares=book.shares(named, NOW + 2),
        )

    def attempt() -> None:
        turn = ill.begun(ids[-1], NOW + 2)
        known.began(ids[-1])
        known.answered(ids[-1], NOW + 2, first=0.4, seconds=3.0, tokens=250)
        ill.succeeded(ids[-1], NOW + 2, 3.0, turn)

    rollout, hedging = Rollout(Shift("a", "b", NOW)), Hedging()
    rows: dict[str, Callable[[], object]] = {"ids of all": lambda: [c.deployment.id for c in all_of_them]}
    for strategy in ("preference", "round_robin", "weighted", "least_busy", "lowest_cost", "fastest"):
        rows[f"{strategy}, all well"] = lambda s=strategy: decided(s, well, known)
    rows["least_busy, all busy"] = lambda: decided("least_busy", well, busy)
    rows["lowest_cost, all paid"] = lambda: decided("lowest_cost", well, known, priced)
    rows["fastest, a tenth ejected, one recovers"] = lambda: decided("fastest", ill, known)
    rows["fastest, tiers of three"] = lambda: order(all_of_them, "fastest", known, NOW + 2, rng, tiers=tiers)
    rows["one attempt noted (health and loads)"] = attempt
    rows["when to hedge"] = lambda: hedging.when(known.spread(ids[0], NOW + 2), NOW + 2)
    rows["which side of a shift"] = lambda: rollout.side("user-1", NOW + 2)
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deployments", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    rows = decisions(given.deployments)
    measured: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(given.rounds):
        for name in random.sample(list(rows), len(rows)):
            measured[name].append(cpu(rows[name]))
    print(f"{'':42}{'median':>10}{'min':>10}{'max':>10}   CPU us, {given.deployments} deployments")
    for name, values in measured.items():
        print(f"{name:42}{statistics.median(values):10.1f}{min(values):10.1f}{max(values):10.1f}")


if __name__ == "__main__":
    main()
