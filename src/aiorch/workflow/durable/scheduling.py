"""Runs at certain times: cron, without a table.

Every worker that was told of a schedule submits what is due, under a run id made of the workflow's name and the time.
Submitting is idempotent by that id, so that any number of workers may know the same schedule, and one is enough.

DBOS has schedules of its own. They enqueue under the newest version of the whole application, one a process, where
aiorch has one a workflow; so with two versions deployed a tick could go to workers that do not hold it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiorch.errors import InputError


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a workflow is to run.

        Schedule("nightly", "0 2 * * *", zone="Europe/Vienna")

    :raises InputError: for a text that is no cron expression, or an unknown time zone.
    """

    workflow: str
    cron: str
    """Minute, hour, day of the month, month, day of the week; with six fields the first one is the second."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    zone: str = "UTC"
    """An IANA name."""

    def __post_init__(self) -> None:
        from croniter import croniter

        if not croniter.is_valid(self.cron, second_at_beginning=True):
            raise InputError(
                f"{self.cron!r} is no cron expression: minute hour day month weekday, as in '0 2 * * *'"
            )
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as wrong:
            raise InputError(
                f"unknown time zone {self.zone!r}: an IANA name is needed, as Europe/Vienna"
            ) from wrong

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """From ``workflow=cron``, as the command line takes it.

        :raises InputError: where it is not that.
        """
        workflow, equals, cron = text.partition("=")
        if not equals or not workflow.strip():
            raise InputError(f"{text!r} is no schedule: write WORKFLOW=CRON, as in 'nightly=0 2 * * *'")
        return cls(workflow.strip(), cron.strip())

    def due(self, after: float, until: float) -> datetime | None:
        """The last time after ``after`` and not later than ``until`` (epoch seconds); ``None`` where there is none.

        Of several that were missed only the last one counts: a job is not made up for as often as nobody was there.
        """
        from croniter import croniter

        zone = ZoneInfo(self.zone)
        last: datetime = croniter(
            self.cron, datetime.fromtimestamp(until + 1, zone), second_at_beginning=True
        ).get_prev(datetime)
        while last.timestamp() > until:  # `until + 1` so that a time equal to `until` is found
            last = croniter(self.cron, last, second_at_beginning=True).get_prev(datetime)
        return last if last.timestamp() > after else None

    def run_id(self, at: datetime) -> str:
        """The id of the run of that time."""
        return f"{self.workflow}@{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Timetable:
    """Submits what is due. What became due while no worker was there is not made up for.

    :param submit: puts a run of a schedule's workflow into the queue, once for each run id.
    """

    def __init__(
        self, schedules: Sequence[Schedule], submit: Callable[[Schedule, str], Awaitable[object]]
    ) -> None:
        self._schedules = schedules
        self._submit = submit
        self._until: float | None = None

    async def look(self, now: float) -> None:
        """Submit what became due since the last look; ``now`` by the clock that all workers share."""
        since, self._until = self._until, now
        if since is not None:
            for schedule in self._schedules:
                if (at := schedule.due(since, now)) is not None:
                    await self._submit(schedule, schedule.run_id(at))
