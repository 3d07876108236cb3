"""The one table of codes, and the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path

from aiorch.workflow.codes import CODES, WORKFLOW_VALIDATION_RULES

PAGE = Path(__file__).parents[2] / "docs" / "workflow-validation.md"


def test_the_page_has_every_code_as_the_table_has_it() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (error|warning) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [(name, code.severity, code.meaning) for name, code in CODES.items()]


def test_the_page_has_every_rule_of_the_guide_with_its_codes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (`.*`) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    rules = [rule for group in WORKFLOW_VALIDATION_RULES.values() for rule in group]
    assert [(rule, codes.strip("`").split("`, `")) for rule, codes in rows] == [
        (rule, [name for name, code in CODES.items() if code.rule == rule]) for rule in rules
    ]


def test_every_code_says_what_it_means_and_what_helps() -> None:
    for name, code in CODES.items():
        assert code.meaning, name
        assert code.cure.endswith("."), name
