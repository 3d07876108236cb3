"""docs/execution.md names numbers: they are those of the code."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

from aiorch.routing import attempts, checks, hedging, outliers
from aiorch.settings import Settings

PAGE = (ROOT / "docs" / "execution.md").read_text(encoding="utf-8")


def test_the_numbers_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    settings = Settings()
    for name in ("connect_timeout", "first_byte_timeout", "idle_timeout", "timeout"):
        assert re.search(rf"\| `{name}` \|[^|]*\| {getattr(settings, name):g} s \|", PAGE), name
    assert re.search(rf"\| `max_attempts` \|[^|]*\| {settings.max_attempts} \|", PAGE)
    assert settings.resume == "interrupt"
    assert outliers.CONSECUTIVE == 3
    assert outliers.VOLUME == 10
    assert outliers.WINDOW == 120
    assert 0.5 < outliers.RATE < 0.7
    assert f"nobody asks it for {outliers.EJECTION:.0f} s" in text
    assert f"up to {outliers.LONGEST:.0f} s" in text
    assert outliers.RAMP == 60
    assert f"at most each {checks.EVERY:.0f} s and {checks.BUDGET} times an hour" in text
    assert f"after {attempts.PAUSE:g} s, 1 s, 2 s" in text
    assert f"{attempts.UNTOLD_MINUTE:.0f} s where nobody says" in text
    assert f"At most {100 * hedging.SHARE:.0f} % extra" in text
    assert hedging.BURST == 10
