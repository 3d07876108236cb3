"""Every class of defect is found in random workflows, by its own code and no other; healthy ones are left alone."""

from __future__ import annotations

from random import Random

import pytest
from tests.workflow.defects import DEFECTS, Defect, healthy

from aiorch.workflow.validation import problems, validate

INSTANCES = 20


def test_there_are_enough_classes_of_defects() -> None:
    assert len(DEFECTS) >= 16
    assert len({code for defect in DEFECTS for code in defect.codes}) >= 16


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_every_instance_of_a_defect_is_found_by_the_right_code(defect: Defect) -> None:
    for seed in range(INSTANCES):
        grown = healthy(Random(f"{defect.name} {seed}"), defect.spoil)
        graph = grown.flow.graph()
        report = validate(graph, grown.given, (), **grown.arguments)
        assert set(report.codes) == defect.codes, f"{seed}: {report}"
        assert all(p.message and p.cure is not None for p in report.problems)
        refused = problems(graph, grown.given, (), **grown.arguments)
        assert refused == tuple(dict.fromkeys(map(str, report.errors)))


def test_healthy_workflows_raise_no_false_alarm() -> None:
    for seed in range(300):
        grown = healthy(Random(seed))
        graph = grown.flow.graph()
        for given, durable in ((grown.given, False), (grown.given, True), (None, False)):
            report = validate(graph, given, (), durable=durable)
            assert not report.problems, f"{seed}: {report}"
        assert not problems(graph, grown.given, ())
