"""Every way of writing when to come back, and nothing else, is read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers.resets import next_midnight, reset_at, retry_after, seconds_of, told_in_text

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("12ms", 0.012),
        ("2m59.56s", 179.56),
        ("7.66s", 7.66),
        ("1h26m24s", 5184),
        ("36s", 36),
        ("1d", 86400),
        ("500us", 0.0005),
        ("500µs", 0.0005),
        ("10ns", 1e-08),
    ],
)
def test_go_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)
    assert reset_at(text, NOW) == pytest.approx(NOW + seconds)


@pytest.mark.parametrize("value", [400 * 86400, "34560000", "400d", "9600h"])
def test_the_longest_wait_is_believed(value: object) -> None:
    assert reset_at(value, NOW) == NOW + 400 * 86400


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-16", NOW + 57_600),
        ("2027-01-15T09:00:00", NOW + 3600),
        ("2027-01-15T09:00:00+01:00", NOW),
        ("Fri, 15 Jan 2027 09:00:00 -0000", NOW + 3600),
    ],
)
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's zone cannot be set")
def test_a_date_without_a_zone_is_utc_wherever_it_is_read(
    zone: str, text: str, moment: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert reset_at(text, NOW) == moment
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "s", "5", "m5", "5 s", "5x", "-5s", "1m ", "٣s", "6m0"])
def test_what_is_no_duration(text: str) -> None:
    assert seconds_of(text) is None


@given(st.integers(0, 9999), st.integers(0, 59), st.decimals(0, 59, places=3))
def test_any_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: object) -> None:
    assert seconds_of(f"{hours}h{minutes}m{seconds}s") == pytest.approx(
        hours * 3600 + minutes * 60 + float(str(seconds))
    )


@given(st.integers(0, 400 * 86400 - 1))
def test_every_format_of_one_moment_is_that_moment(ahead: int) -> None:
    moment = datetime.fromtimestamp(NOW + ahead, UTC)
    for written in (
        str(ahead),
        ahead,
        f"{ahead}s",
        f"{ahead}.000",
        str(int(NOW) + ahead),
        str((int(NOW) + ahead) * 1000),
        moment.isoformat(),
        moment.isoformat().replace("+00:00", "Z"),
        format_datetime(moment, usegmt=True),
    ):
        assert reset_at(written, NOW) == pytest.approx(NOW + ahead, abs=0.001), written


def go_duration(microseconds: int) -> str:
    """As Go's ``time.Duration.String`` writes it."""
    if microseconds < 1000:
        return f"{microseconds}µs"
    if microseconds < 1_000_000:
        return f"{Decimal(microseconds) / 1000:f}ms"
    seconds, rest = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    of_minute = f"{Decimal(seconds * 1_000_000 + rest) / 1_000_000:f}s"
    return f"{hours}h{minutes}m{of_minute}" if hours else f"{minutes}m{of_minute}" if minutes else of_minute


@given(st.integers(1, 400 * 86400 * 10**6 - 1), st.integers(-14 * 60, 14 * 60))
def test_every_format_is_that_moment_to_the_millisecond(ahead: int, zone: int) -> None:
    """``ahead`` in microseconds; ``zone`` in minutes."""
    seconds = Decimal(ahead) / 1_000_000
    moment = datetime.fromtimestamp(NOW, timezone(timedelta(minutes=zone))) + timedelta(microseconds=ahead)
    for written in (
        *(go_duration(ahead), f"{seconds:f}", float(seconds), f"{seconds:f}s"),
        *(moment.isoformat(), moment.isoformat(timespec="milliseconds")),
        moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        *(str(int(NOW * 1000) + ahead // 1000), int(NOW * 1000) + ahead // 1000, f"{int(NOW) + seconds:f}"),
    ):
        assert reset_at(written, NOW) == pytest.approx(NOW + float(seconds), rel=0, abs=0.0011), written
    assert retry_after({"retry-after-ms": f"{seconds * 1000:f}"}, NOW) == pytest.approx(
        NOW + float(seconds), rel=0, abs=0.001
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "-1s",
        "soon",
        "1760000000",
        "1760000000000",
        "2020-01-01T00:00:00Z",
        "Wed, 01 Jan 2020 00:00:00 GMT",
        "nan",
        "inf",
        "1e9",
        "9" * 400,
        "0001-01-01T00:00:00+23:59",
        "99999-01-01",
        None,
        True,
        False,
        -1,
        float("nan"),
        [],
        {},
    ],
)
def test_what_says_nothing_about_the_future_is_nothing(value: object) -> None:
    assert reset_at(value, NOW) is None


@given(st.text(max_size=30) | st.floats() | st.integers())
def test_no_value_raises_or_leads_into_the_past(value: object) -> None:
    moment = reset_at(value, NOW)
    assert moment is None or NOW <= moment <= NOW + 400 * 86400


@given(st.text(max_size=60))
def test_no_sentence_raises(text: str) -> None:
    assert told_in_text("try again in " + text, NOW) is None or True


def test_milliseconds_count_before_seconds() -> None:
    assert retry_after({"retry-after-ms": "1500", "retry-after": "2"}, NOW) == NOW + 1.5
    assert retry_after({"retry-after-ms": "x", "retry-after": "2"}, NOW) == NOW + 2
    assert retry_after({"retry-after": "-1"}, NOW) is None
    assert retry_after({}, NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 5.289s. Visit ...", 5.289),
        ("Please try again in 1m2s", 62),
        ("Retry after 40 seconds.", 40),
        ("please retry in 2 minutes", 120),
        ("Try again in 1 hour", 3600),
        ("try again in 7", 7),
        ("TRY AGAIN IN 2M5S", 125),
    ],
)
def test_sentences(text: str, seconds: float) -> None:
    assert told_in_text(text, NOW) == pytest.approx(NOW + seconds)


def test_a_sentence_without_a_wait() -> None:
    assert told_in_text("please try again later", NOW) is None


def test_midnights() -> None:
    assert next_midnight(NOW) == datetime(2027, 1, 16, tzinfo=UTC).timestamp()
    assert next_midnight(NOW, "America/Los_Angeles") == datetime(2027, 1, 16, 8, tzinfo=UTC).timestamp()
    assert next_midnight(NOW, "Nowhere/Atall") == NOW + 86400
    # The day on which California changes its clocks has 23 hours.
    spring = datetime(2027, 3, 14, 9, tzinfo=UTC).timestamp()
    assert next_midnight(spring, "America/Los_Angeles") == datetime(2027, 3, 15, 7, tzinfo=UTC).timestamp()


@given(st.floats(0, 4e9), st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kathmandu"]))
def test_the_next_midnight_is_the_first_moment_of_the_next_day(now: float, zone: str) -> None:
    here, then = (datetime.fromtimestamp(t, ZoneInfo(zone)) for t in (now, next_midnight(now, zone)))
    assert (then.hour, then.minute, then.second, then.microsecond) == (0, 0, 0, 0)
    assert (then.date() - here.date()).days == 1
