from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aiorch.errors import AuditError
from aiorch.protocols import RouteControl
from aiorch.routing.diversions import DiversionChange, Diversions
from aiorch.testing import FakeClock

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000.0


class Audit:
    def __init__(self) -> None:
        self.told: list[DiversionChange] = []
        self.broken = False

    async def __call__(self, change: DiversionChange) -> None:
        if self.broken:
            raise AuditError("the audit file cannot be written")
        self.told.append(change)


def made() -> tuple[Diversions, FakeClock, Audit]:
    clock, audit = FakeClock(NOW), Audit()
    return Diversions(clock, audit), clock, audit


async def test_a_diversion_holds_until_it_expires() -> None:
    diversions, _, audit = made()
    assert isinstance(diversions, RouteControl)
    assert diversions.target("a", NOW) == "a"
    await diversions.divert("a", to="b", until=NOW + 60, reason="errors")
    assert diversions.target("a", NOW + 59.9) == "b"
    assert diversions.target("other", NOW) == "other"
    on = diversions.diversion("a", NOW)
    assert on is not None
    assert (on.reason, on.at, on.until) == ("errors", NOW, NOW + 60)
    assert diversions.target("a", NOW + 60) == "a"
    assert diversions.diversion("a", NOW + 60) is None
    assert diversions.listing(NOW + 60) == ()
    assert [(c.action, c.diversion.profile, c.at, c.reason) for c in audit.told] == [
        ("diverted", "a", NOW, "errors")
    ]


async def test_the_newest_counts_and_the_older_again_when_it_ends() -> None:
    diversions, clock, _ = made()
    await diversions.divert("a", to="b", until=NOW + 600, reason="first")
    clock.advance(1)
    await diversions.divert("a", to="c", until=NOW + 60, reason="second")
    clock.advance(1)
    await diversions.divert("x", to="y", until=NOW + 60, reason="third")
    assert diversions.target("a", NOW + 10) == "c"
    assert [d.reason for d in diversions.listing(NOW + 10)] == ["third", "second", "first"]
    assert diversions.target("a", NOW + 60) == "b"
    assert [d.reason for d in diversions.listing(NOW + 60)] == ["first"]


@pytest.mark.parametrize(
    "until", [NOW, NOW - 1, float("inf"), float("nan"), datetime(2020, 1, 1, tzinfo=UTC)]
)
async def test_what_would_never_hold_or_never_end_is_refused(until: float | datetime) -> None:
    diversions, _, audit = made()
    with pytest.raises(ValueError, match="must end at some time to come"):
        await diversions.divert("a", to="b", until=until, reason="?")
    assert audit.told == []


async def test_a_datetime_needs_a_zone() -> None:
    diversions, _, _ = made()
    await diversions.divert("a", to="b", until=datetime.fromtimestamp(NOW + 5, UTC), reason="?")
    assert diversions.target("a", NOW + 4) == "b"
    with pytest.raises(ValueError, match="names no time zone"):
        await diversions.divert("a", to="b", until=datetime(2090, 1, 1), reason="?")  # noqa: DTZ001


async def test_diversions_follow_each_other_and_never_go_round_in_circles() -> None:
    diversions, _, _ = made()
    await diversions.divert("a", to="b", until=NOW + 60, reason="?")
    await diversions.divert("b", to="c", until=NOW + 30, reason="?")
    assert diversions.target("a", NOW) == "c"
    for to in ("a", "c"):
        with pytest.raises(ValueError, match="leads back to 'c'"):
            await diversions.divert("c", to=to, until=NOW + 60, reason="?")
    await diversions.divert("b", to="x", until=NOW + 10, reason="hides b to c")
    await diversions.divert("c", to="b", until=NOW + 60, reason="leads to x for now")
    assert diversions.target("c", NOW) == "x"
    assert diversions.target("a", NOW + 10) == "c", "b to c holds again: the circle ends where it closes"


async def test_what_cannot_be_recorded_does_not_happen() -> None:
    diversions, _, audit = made()
    audit.broken = True
    with pytest.raises(AuditError):
        await diversions.divert("a", to="b", until=NOW + 60, reason="?")
    assert diversions.target("a", NOW) == "a"
    audit.broken = False
    await diversions.divert("a", to="b", until=NOW + 60, reason="?")
    audit.broken = True
    with pytest.raises(AuditError):
        await diversions.revoke("a", "?")
    assert diversions.target("a", NOW) == "b"


async def test_revoking_ends_all_of_a_profile_and_is_audited() -> None:
    diversions, clock, audit = made()
    for to in ("b", "c"):
        await diversions.divert("a", to=to, until=NOW + 60, reason=f"to {to}")
    await diversions.divert("x", to="y", until=NOW + 60, reason="other")
    clock.advance(5)
    ended = await diversions.revoke("a", "all is well")
    assert [d.to for d in ended] == ["c", "b"]
    assert diversions.target("a", clock.now()) == "a"
    assert [d.profile for d in diversions.listing(clock.now())] == ["x"]
    assert [(c.action, c.diversion.to, c.at, c.reason) for c in audit.told[3:]] == [
        ("revoked", "c", NOW + 5, "all is well"),
        ("revoked", "b", NOW + 5, "all is well"),
    ]
    assert await diversions.revoke("a", "again") == ()


async def test_revoked_by_two_at_once_is_revoked_once() -> None:
    clock = FakeClock(NOW)
    ended: list[int] = []

    async def audit(change: DiversionChange) -> None:
        if change.action == "revoked" and change.reason == "first":
            ended.append(len(await diversions.revoke("a", "second")))

    diversions = Diversions(clock, audit)
    await diversions.divert("a", to="b", until=NOW + 60, reason="?")
    assert await diversions.revoke("a", "first") == ()
    assert ended == [1]


async def test_what_the_store_says_takes_the_place_of_what_held() -> None:
    diversions, clock, _ = made()
    await diversions.divert("a", to="b", until=NOW + 60, reason="first")
    clock.advance(1)
    await diversions.divert("a", to="c", until=NOW + 60, reason="second")
    kept = diversions.listing(clock.now())
    other, _, told = made()
    await other.divert("x", to="y", until=NOW + 60, reason="gone")
    other.hold(kept)
    assert other.listing(clock.now()) == kept
    assert other.target("a", clock.now()) == "c"
    assert other.target("x", clock.now()) == "x"
    assert [c.reason for c in told.told] == ["gone"], "they were recorded when they were made"
