"""Rules come into force when they are better than those before them, and otherwise nothing changes."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from aiorch.errors import AiorchError, AuditError
from aiorch.safety.rule_bundles import MANIFEST, manifest_of, read_bundle, rule_files
from aiorch.safety.rule_keeping import LOOK_AGAIN, RuleKeeper, Told
from aiorch.testing import FakeClock

pytestmark = pytest.mark.anyio

FILE = """
[[rule]]
name = "NAME"
detector = "codenames"
what = "a code name"
keywords = ["NAME"]
pattern = "NAME"
confidence = 1

[[example]]
text = "about NAME"
rules = ["codenames.NAME"]
"""
URL = "https://rules.example/v1"


def seal(folder: Path, name: str = "bluebird", version: str = "1") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "a.toml").write_text(FILE.replace("NAME", name))
    (folder / MANIFEST).write_text(manifest_of(rule_files(folder), version))
    return read_bundle(folder).sha256


class House:
    """A folder of rules, an address that serves it, and who keeps them."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.kept = tmp_path / "rules", tmp_path / "data" / "kept.json"
        self.clock = FakeClock()
        self.told: list[Told] = []
        self.fetched = 0
        self.down = False

    async def get(self, url: str, most: int) -> bytes:
        self.fetched += 1
        await anyio.sleep(0)
        if self.down:
            raise AiorchError("no connection")
        return (self.folder / url.removeprefix(f"{URL}/")).read_bytes()

    def keeper(
        self, source: str | Path | None = None, sha256: str | None = None, *, online: bool = True
    ) -> RuleKeeper:
        return RuleKeeper(
            source or self.folder,
            sha256=sha256,
            file=self.kept,
            get=self.get if online else None,
            clock=self.clock,
            ours=lambda: (),
            tell=self.told.append,
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def rules(keeper: RuleKeeper) -> list[str]:
    return [finding.rule for d in keeper.detectors for finding in d.scan("about bluebird and redkite")]


async def test_newer_rules_of_a_folder_take_effect_and_older_or_equal_ones_do_not(house: House) -> None:
    seal(house.folder, "bluebird", "2")
    keeper = house.keeper()
    assert (await keeper.renew(), rules(keeper)) == (True, ["codenames.bluebird"])
    seal(house.folder, "redkite", "2.1")
    assert await keeper.renew() is False  # it is not time to look yet
    house.clock.advance(LOOK_AGAIN)
    assert (await keeper.renew(), rules(keeper)) == (True, ["codenames.redkite"])
    house.clock.advance(LOOK_AGAIN)
    assert await keeper.renew() is False  # the same ones
    for version in ("2.1", "1.9"):
        seal(house.folder, "bluebird", version)
        house.clock.advance(LOOK_AGAIN)
        assert (await keeper.renew(), rules(keeper)) == (False, ["codenames.redkite"])
    assert [t.version for t in house.told if not t.refused] == ["2", "2.1"]
    assert ["are not newer than 2.1" in t.refused for t in house.told if t.refused] == [True, True]


async def test_rules_that_fail_change_nothing_in_this_process_and_the_next_and_are_told_once(
    house: House,
) -> None:
    seal(house.folder)
    keeper = house.keeper()
    await keeper.renew()
    seal(house.folder, ".*", "2")
    for _ in range(3):
        house.clock.advance(LOOK_AGAIN)
        assert await keeper.renew() is False
    following = house.keeper()
    assert await following.renew() is True
    assert rules(keeper) == rules(following) == ["codenames.bluebird"]
    assert len([t for t in house.told if t.refused]) == 2  # once a process
    assert "the rules 2 cannot be used: a.toml, rule '.*'" in house.told[-1].refused
    assert house.told[-1].version == "1"


async def test_without_any_good_ones_aiorchs_own_are_alone(house: House) -> None:
    keeper = house.keeper()
    assert await keeper.renew() is False
    assert (keeper.detectors, keeper.drops, keeper.now) == ((), frozenset(), None)
    assert "cannot be read" in house.told[0].refused
    seal(house.folder)
    house.clock.advance(LOOK_AGAIN)
    assert await keeper.renew() is True


async def test_what_is_named_by_its_hash_is_taken_also_where_it_is_older(house: House) -> None:
    seal(house.folder, "redkite", "9")
    await house.keeper().renew()
    sha256 = seal(house.folder, "bluebird", "1")
    keeper = house.keeper(sha256=sha256)
    assert (await keeper.renew(), rules(keeper)) == (True, ["codenames.bluebird"])
    seal(house.folder, "redkite", "10")
    house.clock.advance(10 * LOOK_AGAIN)
    assert (await keeper.renew(), rules(keeper)) == (False, ["codenames.bluebird"])


async def test_an_address_is_asked_once_and_never_again_while_the_hash_is_the_same(house: House) -> None:
    sha256 = seal(house.folder)
    keeper = house.keeper(URL, sha256)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(keeper.renew)
    assert (rules(keeper), house.fetched) == (["codenames.bluebird"], 2)
    house.clock.advance(10 * LOOK_AGAIN)
    house.down = True
    following = house.keeper(URL, sha256)
    await keeper.renew()
    assert (await following.renew(), rules(following), house.fetched) == (True, ["codenames.bluebird"], 2)


async def test_while_an_address_cannot_be_reached_the_last_good_rules_stay(house: House) -> None:
    await house.keeper(URL, seal(house.folder)).renew()
    sha256 = seal(house.folder, "redkite", "2")
    house.down = True
    keeper = house.keeper(URL, sha256)
    await keeper.renew()
    assert (rules(keeper), house.told[-1].refused) == (["codenames.bluebird"], "no connection")
    house.down = False
    house.clock.advance(LOOK_AGAIN)
    assert (await keeper.renew(), rules(keeper)) == (True, ["codenames.redkite"])


async def test_an_address_without_a_hash_or_without_a_network_is_not_asked(house: House) -> None:
    sha256 = seal(house.folder)
    for keeper in (house.keeper(URL), house.keeper(URL, sha256, online=False)):
        assert await keeper.renew() is False
    assert [
        next(words for words in ("need guard_rules_sha256", "stay offline") if words in t.refused)
        for t in house.told
    ] == ["need guard_rules_sha256", "stay offline"]
    assert house.fetched == 0


async def test_a_change_that_cannot_be_recorded_is_not_made(house: House) -> None:
    seal(house.folder)
    keeper = house.keeper()

    def full(told: Told) -> None:
        raise AuditError("disk full")

    keeper._tell = full
    for _ in range(2):
        with pytest.raises(AuditError):
            await keeper.renew()
    assert (keeper.now, house.kept.exists()) == (None, False)


async def test_kept_rules_that_are_damaged_are_told_and_looked_for_again(house: House) -> None:
    seal(house.folder)
    await house.keeper().renew()
    kept = house.kept.read_text()
    for damaged in ("{", "[]", kept.replace("bluebird", "redkite"), '{"source": 5}'):
        house.kept.write_text(damaged)
        house.told.clear()
        keeper = house.keeper()
        assert (await keeper.renew(), rules(keeper)) == (True, ["codenames.bluebird"])
        assert bool(house.told[0].refused) is ("source" not in damaged or "redkite" in damaged)


async def test_rules_that_cannot_be_kept_are_in_force_all_the_same(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    seal(house.folder)
    house.kept.parent.write_text("a file where a folder should be")
    keeper = house.keeper()
    assert await keeper.renew() is True
    assert "could not be kept" in caplog.text
