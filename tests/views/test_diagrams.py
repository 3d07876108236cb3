"""Workflows as mermaid text. What is expected here was read and drawn by mermaid 11.17.2 when it was written down."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from tests.views.every_kind import every_kind

from aiorch.views.diagrams import label, mermaid
from aiorch.workflow import Workflow


def test_a_workflow_is_a_flow_chart() -> None:
    flow = Workflow("notes")
    flow.ask("facts", "{log}")
    flow.ask("draft", "{facts}").when("urgent")
    assert mermaid(flow) == (
        '---\ntitle: "notes"\n---\nflowchart TB\n'
        '  n0["facts<br/>general"]:::model\n'
        '  n1["draft<br/>general"]:::model\n'
        '  n2(["log"]):::input\n'
        '  n3(["urgent"]):::input\n'
        "  n0 --> n1\n"
        "  n2 --> n0\n"
        '  n3 -.->|"if true"| n1\n'
        "  classDef model fill:#3b82f633,stroke:#3b82f6\n"
        "  classDef input fill:#88888833,stroke:#888888\n"
    )


def test_every_kind_has_a_shape_and_nested_ones_are_frames() -> None:
    drawn = mermaid(every_kind().graph())
    for line in (
        'n1[/"time<br/>now"/]:::tool',
        'subgraph n4["final, until good, at most 3 rounds"]',
        "style n4 fill:#8b5cf60d,stroke:#8b5cf6",
        'n4x2(["draft<br/>then better"]):::input',
        'n6{{"ok<br/>a person decides, 1 d at most"}}:::person',
        'n7>"paid<br/>payment"]:::event',
        'n8("pause<br/>90 s"):::time',
        'n9["send<br/>alone with printer"]:::function',
        'n0 -.->|"= question"| n2',
    ):
        assert f"  {line}\n" in drawn, drawn
    assert drawn.count("subgraph") == drawn.count("  end\n") == 2


def test_what_is_too_large_for_mermaid_is_told_by_groups() -> None:
    flow = Workflow("large")
    for i in range(3_000):
        flow.ask(f"n{i}", f"{{n{i - 1}}} {{in{i}}}" if i else "go")
    drawn = mermaid(flow)
    assert drawn.count("->") <= 500  # maxEdges
    assert len(drawn) <= 50_000  # maxTextSize


@given(st.text())
def test_no_label_is_read_as_the_language(text: str) -> None:
    said = label(text, 10_000)
    assert "\n" not in said
    assert not set('"`<>{}[]|\\&%:') & set(said)
    decoded = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), said)
    assert decoded == " ".join(text.split())
