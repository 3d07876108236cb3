"""When what was used stops to count."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.errors import ConfigurationError
from aiorch.quotas import windows
from aiorch.quotas.windows import LONGEST, Calendar, Sliding, Window, rule
from aiorch.types.models import LimitPeriod

NOW = 1_800_000_000.0
PACIFIC = "America/Los_Angeles"


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_a_use_counts_until_a_whole_period_has_passed() -> None:
    window = Window(rule("minute"))
    window.add(3, NOW)
    assert window.counted(NOW + 59.999) == 3
    assert window.counted(NOW + 60) == 0


def test_uses_kept_as_one_leave_with_the_last_of_them() -> None:
    window = Window(rule("minute"))
    window.add(1, NOW)
    window.add(1, NOW + 0.5)
    assert window.counted(NOW + 60) == 2
    assert window.counted(NOW + 60.5) == 0


def test_a_sliding_window_is_late_by_a_64th_of_its_period_at_most() -> None:
    window = Window(rule("minute"))
    for step in range(600):
        window.add(1, NOW + step / 10)
    assert window.counted(NOW + 60 + 30) <= 300 + 10


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9)), max_size=60), st.integers(0, 700))
def test_it_counts_never_less_than_is_true_and_hardly_more(uses: list[tuple[int, int]], wait: int) -> None:
    window, now, true = Window(rule("minute")), NOW, list[tuple[float, int]]()
    for pause, amount in uses:
        now += pause / 8
        window.add(amount, now)
        true.append((now, amount))
    now += wait / 8
    exact = sum(amount for used, amount in true if used > now - 60)
    lenient = sum(amount for used, amount in true if used > now - 60 * (1 + 1 / 64))
    assert exact <= window.counted(now) <= lenient


@given(st.lists(st.floats(0, 0.2), min_size=200, max_size=600))
@settings(max_examples=15, deadline=None)
def test_memory_stays_small_however_much_is_used(pauses: list[float]) -> None:
    window, now = Window(rule("second")), NOW
    for pause in pauses:
        now += pause
        window.add(1, now)
        window.counted(now)
    assert len(window.as_plain()[0]) <= 2 * windows.PARTS + 1


@pytest.mark.parametrize(
    ("per", "zone", "used", "leaves"),
    [
        ("day", "UTC", at("2026-11-22T23:59:59"), at("2026-11-23T00:00")),
        ("day", "UTC", at("2026-11-22T00:00"), at("2026-11-23T00:00")),
        ("day", PACIFIC, at("2026-11-22T12:00", PACIFIC), at("2026-11-23T00:00", PACIFIC)),
        ("day", PACIFIC, at("2026-03-08T00:30", PACIFIC), at("2026-03-09T00:00", PACIFIC)),  # 23 hours
        ("day", PACIFIC, at("2026-11-01T00:30", PACIFIC), at("2026-11-02T00:00", PACIFIC)),  # 25 hours
        (
            "day",
            "Africa/Cairo",
            at("2026-04-23T12:00", "Africa/Cairo"),
            at("2026-04-23T22:00"),
        ),  # no midnight
        ("month", "UTC", at("2026-01-31T10:00"), at("2026-02-01T00:00")),
        ("month", "UTC", at("2028-02-29T10:00"), at("2028-03-01T00:00")),
        ("month", "UTC", at("2026-12-31T23:59"), at("2027-01-01T00:00")),
        ("month", PACIFIC, at("2026-11-30T23:59", PACIFIC), at("2026-12-01T00:00", PACIFIC)),
    ],
)
def test_days_and_months_end_where_the_calendar_says(
    per: LimitPeriod, zone: str, used: float, leaves: float
) -> None:
    assert Calendar(per, zone).leaves(used) == leaves


@given(
    st.sampled_from(["day", "month"]),
    st.sampled_from(["UTC", PACIFIC, "Africa/Cairo", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"]),
    st.floats(1.0e9, 2.2e9),
)
def test_a_calendar_period_always_ends_later_and_not_too_late(
    per: LimitPeriod, zone: str, used: float
) -> None:
    leaves = Calendar(per, zone).leaves(used)
    assert used < leaves <= used + LONGEST[per]
    after = datetime.fromtimestamp(leaves, ZoneInfo(zone))
    assert (
        (after.day == 1) if per == "month" else after.day != datetime.fromtimestamp(used, ZoneInfo(zone)).day
    )


def test_what_is_used_before_and_after_midnight_is_told_apart() -> None:
    window, midnight = Window(rule("day")), at("2026-11-23T00:00")
    window.add(5, midnight - 1)
    window.add(2, midnight + 1)
    assert window.counted(midnight + 1) == 2


def test_an_unknown_zone_is_said_to_be_one() -> None:
    with pytest.raises(ConfigurationError, match="no time zone 'Europe/Berlni'"):
        rule("day", "Europe/Berlni")
    with pytest.raises(ConfigurationError, match="no time zone '../etc'"):
        rule("day", "../etc")


def test_without_zone_data_a_day_is_never_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(key: str) -> ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(key)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", nothing)
    day = rule.__wrapped__("day", PACIFIC)
    assert isinstance(day, Sliding)
    assert day.longest == 25 * 3600


def test_a_clock_that_is_put_back_keeps_nobody_waiting_for_longer_than_a_period() -> None:
    window = Window(rule("minute"))
    window.add(4, NOW + 3_600)
    assert window.counted(NOW) == 4
    assert window.counted(NOW + 60) == 0


def test_of_uses_told_out_of_order_the_later_moment_counts() -> None:
    window = Window(rule("minute"))
    window.add(1, NOW + 20)
    window.add(1, NOW)
    assert window.counted(NOW + 79) == 2
    assert window.counted(NOW + 80) == 0


def test_nothing_used_is_nothing_kept() -> None:
    window = Window(rule("day"))
    window.add(0, NOW)
    assert window.as_plain() == [[], [], []]


# --- when there is room again -----------------------------------------------------------------------------------


def test_it_says_when_so_much_will_have_left() -> None:
    window = Window(rule("minute"))
    window.add(2, NOW)
    window.add(3, NOW + 10)
    assert window.frees(0, NOW + 10) == NOW + 10
    assert window.frees(2, NOW + 10) == NOW + 60
    assert window.frees(3, NOW + 10) == NOW + 70
    assert window.frees(6, NOW + 10) is None
    assert window.frees(6, NOW + 10, [(NOW + 15, 1)]) == NOW + 70
    assert window.empties(NOW + 10) == NOW + 70
    assert window.empties(NOW + 70) is None


# --- what headers tell ------------------------------------------------------------------------------------------


def test_fewer_remaining_means_that_others_use_it_until_the_reset() -> None:
    window = Window(rule("minute"))
    window.add(2, NOW)
    window.tell(18, 10, NOW + 30, NOW)
    assert window.counted(NOW) == 10
    assert window.counted(NOW + 30) == 2


def test_without_a_reset_others_count_for_a_period() -> None:
    window = Window(rule("minute"))
    window.tell(20, 15, None, NOW)
    assert window.counted(NOW + 59) == 5
    assert window.counted(NOW + 60) == 0


def test_a_reset_further_away_than_a_period_is_not_believed() -> None:
    window = Window(rule("minute"))
    window.tell(20, 0, NOW + 80_000, NOW)
    assert window.counted(NOW + 60) == 0


def test_more_remaining_changes_nothing() -> None:
    window = Window(rule("minute"))
    window.add(12, NOW)
    window.tell(8, 19, NOW + 30, NOW)
    assert window.counted(NOW) == 12


def test_more_remaining_after_a_told_reset_drops_what_was_used_before_it_was_told() -> None:
    window = Window(rule("minute"))
    window.add(12, NOW)
    window.tell(8, 8, NOW + 20, NOW)
    window.add(5, NOW + 10)
    window.tell(3, 14, NOW + 80, NOW + 21)
    assert window.counted(NOW + 21) == 6  # the provider's count, and the newest
    window.tell(14, 20, NOW + 80, NOW + 22)
    assert window.counted(NOW + 22) == 6  # its next reset is to come


def test_it_never_drops_what_was_used_after_the_reset_was_told() -> None:
    window = Window(rule("minute"))
    window.add(3, NOW)
    window.tell(17, 17, NOW + 20, NOW)
    window.add(9, NOW + 10)
    window.tell(8, 20, None, NOW + 21)
    assert window.counted(NOW + 21) == 9


@pytest.mark.parametrize(("remaining", "reset_at"), [(-1, NOW + 30), (0, NOW), (0, NOW - 5)])
def test_unknown_and_bygone_numbers_say_nothing(remaining: int, reset_at: float) -> None:
    window = Window(rule("minute"))
    window.tell(20, remaining, reset_at, NOW)
    assert window.counted(NOW) == 0


# --- writing down -----------------------------------------------------------------------------------------------


def test_a_window_survives_being_written_down() -> None:
    window = Window(rule("minute"))
    window.add(2, NOW)
    window.add(3, NOW + 5)
    window.tell(15, 10, NOW + 30, NOW + 5)
    again = Window.from_plain(rule("minute"), window.as_plain())
    assert again.as_plain() == window.as_plain()
    assert [again.counted(NOW + s) for s in (5, 30, 60, 65)] == [10, 5, 3, 0]


def test_another_zone_moves_what_was_used_already() -> None:
    window = Window(rule("day"))
    window.add(4, at("2026-11-22T23:00"))
    window.rule = rule("day", PACIFIC)
    assert window.counted(at("2026-11-23T07:59")) == 4
    assert window.counted(at("2026-11-23T08:00")) == 0
