"""The suites catch wrong implementations, and say what is wrong; sound ones pass."""

from __future__ import annotations

import pytest
from tests.testing import faulty

pytest_plugins = ["pytester"]

PER_PROTOCOL = 5


class Reports:
    """What came of each test, by suite and test."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suite, test = report.nodeid.split("::")[1:]
        key = (suite, test.partition("[")[0])
        if report.when == "call" or not report.passed:
            said = "" if report.passed else str(report.longrepr)
            self.said[key] = self.said.get(key, "") + said


@pytest.fixture
def reports(pytester: pytest.Pytester) -> Reports:
    """Of one run over all suites: every test of the sound ones, of each faulty one the test that is to catch it."""
    page = pytester.makepyfile(test_plugins="from tests.testing.faulty import *")
    ids = [f"{page}::{suite.__name__}" for suite in faulty.SOUND]
    ids += [f"{page}::{suite.__name__}" for suite in (*faulty.BARE, *faulty.LITTLE)]
    ids += [f"{page}::{fault.suite.__name__}::{fault.test}" for fault in faulty.FAULTS]
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    reports = Reports()
    pytester.inline_run("-p", "no:cacheprovider", "-q", *ids, plugins=[reports])
    return reports


def test_every_fault_is_caught_with_its_name_and_every_sound_one_passes(reports: Reports) -> None:
    missed = []
    for fault in faulty.FAULTS:
        said = reports.said.get((fault.suite.__name__, fault.test), "(it did not run)")
        whole = "\n  promised: " in said and "\n  cure: " in said
        if fault.says not in said or not (whole or "this suite needs the fixture" in said):
            missed.append(
                f"{fault.suite.__name__}.{fault.test}: {fault.says!r} not in:\n{said or '(it passed)'}"
            )
    sound = {suite.__name__ for suite in faulty.SOUND}
    wronged = [f"{key}: {said}" for key, said in reports.said.items() if key[0] in sound and said]
    assert not missed + wronged, "\n\n".join(missed + wronged)
    assert len({key for key in reports.said if key[0] in sound}) > 60

    for suite, said in faulty.LITTLE.items():
        assert said in " ".join(told for (name, _), told in reports.said.items() if name == suite.__name__), (
            suite
        )
    for suite in faulty.BARE:
        told = [told for (name, _), told in reports.said.items() if name == suite.__name__]
        needing = [each for each in told if "this suite needs the fixture" in each]
        assert len(needing) >= len(told) - 1 > 0, suite  # nobody has to show how a provider fails


def test_each_protocol_has_its_faults() -> None:
    bases = [base for fault in faulty.FAULTS for base in fault.suite.__bases__]
    for suite in faulty.SOUND:
        assert bases.count(suite.__bases__[0]) >= PER_PROTOCOL, suite
