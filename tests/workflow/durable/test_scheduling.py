"""When a scheduled workflow is due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aiorch.errors import InputError
from aiorch.workflow.durable.scheduling import Schedule


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_time_is_due_once_it_has_come_and_not_again() -> None:
    nightly = Schedule("nightly", "0 2 * * *")
    before, then, later = at("2026-11-23T01:59:59"), at("2026-11-23T02:00:00"), at("2026-11-23T02:00:30")
    assert nightly.due(before, before) is None
    due = nightly.due(before, then)
    assert due is not None
    assert due.timestamp() == then
    assert nightly.due(then, later) is None


def test_of_several_missed_times_only_the_last_one_is_due() -> None:
    due = Schedule("often", "*/10 * * * *").due(at("2026-11-23T00:00:00"), at("2026-11-23T05:07:00"))
    assert due is not None
    assert due.timestamp() == at("2026-11-23T05:00:00")


def test_a_schedule_is_read_in_its_own_time_zone() -> None:
    due = Schedule("nightly", "0 2 * * *", zone="Europe/Vienna").due(
        at("2026-11-22T12:00:00"), at("2026-11-23T12:00:00")
    )
    assert due is not None
    assert due.timestamp() == at("2026-11-23T01:00:00")


def test_the_run_id_is_the_same_whoever_submits() -> None:
    vienna = Schedule("nightly", "0 2 * * *", zone="Europe/Vienna")
    utc = Schedule("nightly", "0 1 * * *")
    span = at("2026-11-22T12:00:00"), at("2026-11-23T12:00:00")
    one, other = vienna.due(*span), utc.due(*span)
    assert one is not None
    assert other is not None
    assert vienna.run_id(one) == utc.run_id(other) == "nightly@2026-11-23T01:00:00Z"


def test_seconds_may_be_given() -> None:
    due = Schedule("often", "*/5 * * * * *").due(at("2026-11-23T00:00:00"), at("2026-11-23T00:00:07"))
    assert due is not None
    assert due.timestamp() == at("2026-11-23T00:00:05")


@pytest.mark.parametrize("wrong", ["nightly", "=0 2 * * *", "nightly=often", "nightly=61 * * * *"])
def test_what_is_no_schedule_is_said_to_be_none(wrong: str) -> None:
    with pytest.raises(InputError, match=r"cron|schedule"):
        Schedule.parse(wrong)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(InputError, match="time zone"):
        Schedule("nightly", "0 2 * * *", zone="Europe/Nowhere")


def test_a_schedule_is_parsed_as_the_command_line_writes_it() -> None:
    assert Schedule.parse("nightly=0 2 * * *") == Schedule("nightly", "0 2 * * *")
