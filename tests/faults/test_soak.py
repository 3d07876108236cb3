"""Many calls, and faults that switch at random: the short version of ``benchmarks/soak.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

if (ROOT / "benchmarks" / "soak.py").exists():  # the source distribution has no benchmarks
    from benchmarks.soak import Tally, Verdict, most_within, run

    @pytest.mark.timeout(120)
    def test_nothing_is_lost_and_no_limit_is_overshot_by_a_single_request():
        verdict = run(calls=600, seed=11, at_once=24, speed=60.0)
        print(verdict.table())
        # What a process of this length loads on its way is no leak: that figure is the long soak's.
        assert verdict.broken(most_growth=40.0) == []
        assert verdict.faults
        assert max(most_within(times, 1.0) for times in verdict.arrived.values()) > 20, "no limit was met"

    def test_the_judge_sees_a_single_request_too_many():
        times = [0.0, 0.1, 0.2, 1.0, 1.05]
        assert most_within(times, 1.0) == 4
        assert most_within([], 1.0) == 0
        arrived = {name: [] for name in "BCDEF"} | {"A": [n / 81 for n in range(81)]}
        tally = Tally(calls=1000, answered=998, wrong=["x"], memory=[50.0, 50.0, 70.0])
        verdict = Verdict(tally, arrived, {}, 1.0, 60.0)
        assert verdict.overshot == {"A": 1}
        assert [promise.split(" ")[0] for promise in verdict.broken()] == [
            "answered",
            "1",
            "limits",
            "memory",
        ]
