"""Pages that promise to be complete are: errors, reference, commands, numbers that are told twice."""

from __future__ import annotations

import importlib.util
import re
import runpy
import tomllib
from typing import cast, get_args

from tests.docs.pages import ROOT, blocks

import aiorch
from aiorch import errors, guide
from aiorch.cli.app import COMMANDS
from aiorch.safety import detectors
from aiorch.safety.policy import PRESETS, STYLES
from aiorch.types import Stage
from aiorch.types.requests import ArgumentKind

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_each_error_has_a_section_with_meaning_cause_and_cure_and_no_other_is_named() -> None:
    known = {
        n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception) and n[0] != "_"
    }
    text = page("errors.md")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == known
    for name, said in sections.items():
        assert all(word in said for word in ("**Means**", "**Comes**", "**Helps**")), name
    drawn = text.partition("```text")[2].partition("```")[0]
    assert set(re.findall(r"[├└]── (\w+)", drawn)) | {"AiorchError"} == known
    named = re.findall(r"\b[A-Z]\w+(?:Error|Exception|Failed|Exceeded|Interrupted)\b", text)
    assert {n for n in named if n not in known} <= {"Exception"}


def test_the_reference_has_every_public_name() -> None:
    told = re.findall(r"^::: aiorch\.(\w+)$", page("reference.md"), re.MULTILINE)
    assert sorted(told) == sorted(set(aiorch.__all__) - {"__version__"})


if importlib.util.find_spec("griffe"):  # comes with what builds the site

    def test_docstrings_are_written_as_markdown() -> None:
        text = "One :class:`~aiorch.types.Task`.\n\n>>> f(1)\n[1]\n\nEnd."
        written = runpy.run_path(str(ROOT / "tools" / "docstrings.py"))["written"]
        assert written(text) == "One `Task`.\n\n```pycon\n>>> f(1)\n[1]\n```\n\nEnd."


def test_the_guides_names_stand_where_they_belong() -> None:
    works, _, later = page("guide-names.md").partition("## Comes later")
    names = (
        "get_enhanced_discovery",
        "config",
        "matcher",
        "AGENT_PROFILES",
        "SecurityException",
        "security_manager",
    )
    tables = (
        "QUALITY_BENCHMARKS",
        "identify_parallel_groups",
        "WORKFLOW_VALIDATION_RULES",
        "ALERT_THRESHOLDS",
    )
    for name in (*names, *tables):
        there = works if hasattr(guide, name) else later
        assert re.search(rf"^\|.*`{name}\b.*\|$", there, re.MULTILINE), name


def test_the_command_page_has_every_command() -> None:
    assert {name for name in COMMANDS if f"`aiorch {name}" not in page("cli.md")} == set()


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == aiorch.__version__


def test_what_the_motivation_quotes_stands_in_the_measurements() -> None:
    rows = {
        "answers with 500": "A answers 500",
        "sends no choices": "A sends no choices",
        "sends nothing, with status 200": "A sends nothing",
        "answers HTML with status 200": "A answers HTML with 200",
        "filters the answer until nothing is left": "A's filter leaves nothing",
        "answers a bare 400": "A answers a bare 400",
        "(all three) answer once each two seconds": "all answer once each 2 s",
    }
    for told, measured in rows.items():
        ours = re.search(
            rf"^\| {re.escape(told)} \| (\d+) of 12 \|(.*)\|$", page("motivation.md"), re.MULTILINE
        )
        theirs = re.search(
            rf"^\| {re.escape(measured)} \| call \|(.*)\|$", page("benchmarks.md"), re.MULTILINE
        )
        assert ours is not None, told
        assert theirs is not None, measured
        quoted = [ours[1], *(cell.strip() for cell in ours[2].split("|"))]
        assert quoted == re.findall(r"(\d+)/12", theirs[1]), told


def test_the_security_page_has_the_presets_as_the_code_has_them() -> None:
    lines = page("security.md").partition("\n## Policy\n")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    (head,) = (row for row in rows if row[:2] == ["stage", "rule"])
    presets = [PRESETS[name] for name in head[2:]]
    assert {*head[2:], "off"} == set(PRESETS)
    told = {(row[0], row[1]): row[2:] for row in rows if len(row) == len(head) and row[1][:1] != "-"}
    del told["stage", "rule"]
    assert told.pop(("", "spotlight")) == [preset.spotlight for preset in presets]
    ruled = {(stage, rule) for preset in presets for stage, rules in preset.stages.items() for rule in rules}
    whole = {(s, r) for s, r in ruled if not any(s == t and n.startswith(f"{r}.") for t, n in ruled)}
    assert told == {
        (stage, rule): [p.action(cast("Stage", stage), rule, 1.0).replace("allow", "-") for p in presets]
        for stage, rule in whole
    }
    for preset in presets:  # else the table would have to say from which confidence on
        for graded in (graded for rules in preset.stages.values() for graded in rules.values()):
            assert set(graded.values()) == {0.0}


def test_the_security_page_has_every_detector_style_and_kind_of_argument() -> None:
    def table(section: str) -> set[str]:
        said = page("security.md").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        return set(re.findall(r"^\| `([\w.]+)`(?: \(the default\))? \|", said, re.MULTILINE))

    assert table("What it looks for") == {d.name for d in detectors()} | set(PRESETS["strict"].stages)
    assert set(STYLES) <= table("Policy")
    assert table("Arguments of tools") == set(get_args(ArgumentKind))


def test_every_script_is_described() -> None:
    told = (ROOT / "scripts" / "README.md").read_text(encoding="utf-8")
    there = {p.name for p in (ROOT / "scripts").iterdir() if p.is_file() and p.name != "README.md"}
    assert {name for name in there if f"`{name}`" not in told} == set()


def test_every_example_is_run_by_its_page() -> None:
    commands = "\n".join(
        b.code for b in blocks(ROOT / "examples" / "README.md") if b.language == "sh" and not b.not_run
    )
    assert [p.name for p in (ROOT / "examples").glob("*.py") if f"examples/{p.name}" not in commands] == []


def test_the_architecture_page_has_every_room_on_its_floor() -> None:
    rows = re.findall(r"^\| (\d) \| (.*?) \|", page("architecture.md"), re.MULTILINE)
    floor = {name: int(number) for number, rooms in rows for name in re.findall(r"`(\w+)`", rooms)}
    planned = {name for _, rooms in rows for name in re.findall(r"\*`(\w+)`\*", rooms)}
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    order = [name for layer in layers for name in re.findall(r"\((\w+)\)", layer) if name != "__main__"]
    assert set(order) == set(floor)
    assert [floor[name] for name in order] == sorted(floor.values(), reverse=True)
    assert {n for n in planned if (ROOT / "src" / "aiorch" / n / "__init__.py").exists()} == set()
