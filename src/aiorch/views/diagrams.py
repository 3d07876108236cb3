"""A workflow and a run as mermaid: text that GitHub, GitLab and many editors show as a diagram."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from aiorch.views.drawing import FILLS, Arrow, Box, Kind, Picture
from aiorch.views.pictures import sketch
from aiorch.views.runs import bars_of, headline
from aiorch.views.timeline import MOST, longest
from aiorch.workflow import Graph, Run, Workflow

SHAPES: dict[Kind, tuple[str, str]] = {
    "input": ("([", "])"),
    "model": ("[", "]"),
    "function": ("[", "]"),
    "tool": ("[/", "/]"),
    "workflow": ("[[", "]]"),
    "loop": ("[[", "]]"),
    "person": ("{{", "}}"),
    "event": (">", "]"),
    "time": ("(", ")"),
}
"""What is written around a label, by what the box is."""
_WORDS = re.compile(
    "gantt|dateformat|inclusiveenddates|topaxis|axisformat|tickinterval|includes|excludes|todaymarker|weekday|weekend|"
    "title|acctitle|accdescr|section|click|call|href",
    re.IGNORECASE,
)
"""What lines of a Gantt chart begin with that are no bars."""
_PLAIN = re.compile(r"[^\w ,()/+=…·]|^\d+(?=\.)")


def mermaid(flow: Workflow | Graph) -> str:
    """A workflow as a mermaid flow chart, as large as mermaid takes by default; large ones are told by groups.

    print(mermaid(flow))
    """
    graph = flow if isinstance(flow, Graph) else flow.graph()
    lines = ["---", f"title: {json.dumps(graph.name)}", "---", "flowchart TB"]
    drawn = sketch(graph).picture
    lines += _chart(drawn, "n", "  ")
    kinds = dict.fromkeys(_kinds(drawn))
    lines += [f"  classDef {kind} {_paint(kind, '33')}" for kind in kinds]
    return "\n".join(lines) + "\n"


def timeline_mermaid(run: Run) -> str:
    """A run as a mermaid Gantt chart: when what ran, the longest where there is too much."""
    bars, seconds = bars_of(run)
    clock = "%H:%M:%S" if seconds >= 60 else "%S.%L"
    lines = [
        "gantt",
        f"  title {label(run.workflow)} {label(headline(run))}",
        "  dateFormat YYYY-MM-DD HH:mm:ss.SSS",
        f"  axisFormat {clock}",
    ]
    for i, bar in enumerate(longest(bars, MOST)):
        end = seconds if bar.seconds is None else bar.begin + bar.seconds
        marks = f"{_MARKS[bar.state]}, " if bar.state in _MARKS else ""
        lines.append(
            f"  {_named(bar.label)} :{marks}b{i}, {_date(bar.begin)}, {_date(max(end, bar.begin + 0.001))}"
        )
    return "\n".join(lines) + "\n"


_MARKS = {"done": "done", "running": "active", "waiting": "active", "failed": "crit", "refused": "crit"}


def _named(name: str) -> str:
    """A bar's name; one that begins as a word of the language does is written so that it is none."""
    said = label(name)
    return f"#{ord(said[0])};{said[1:]}" if _WORDS.match(said) else said


def _date(seconds: float) -> str:
    """Seconds after the run's beginning as a date: mermaid knows no other time, and shows hours as it reads them."""
    return (datetime(2000, 1, 1) + timedelta(seconds=seconds)).isoformat(" ", "milliseconds")  # noqa: DTZ001


def label(text: object, most: int = 60) -> str:
    """A text as mermaid shows it: nothing in it is read as the language of the diagram.

    >>> label('a "b"; c')
    'a #34;b#34;#59; c'
    """
    line = " ".join(str(text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return _PLAIN.sub(lambda found: "".join(f"#{ord(letter)};" for letter in found.group()), line)


def _chart(drawn: Picture, name: str, indent: str) -> Iterator[str]:
    for i, box in enumerate(drawn.boxes):
        yield from _box(box, f"{name}{i}", indent)
    for arrow in drawn.arrows:
        yield f"{indent}{name}{arrow.source} {_arrow(arrow)} {name}{arrow.target}"


def _box(box: Box, name: str, indent: str) -> Iterator[str]:
    parts = (box.label, box.note, f"alone with {box.mark}" if box.mark else "")
    said = [label(part) for part in parts if part]
    if box.inside:
        yield f'{indent}subgraph {name}["{", ".join(said)}"]'
        yield f"{indent}  direction TB"
        yield from _chart(box.inside, f"{name}x", indent + "  ")
        yield f"{indent}end"
        yield f"{indent}style {name} {_paint(box.kind, '0d')}"
        return
    before, after = SHAPES[box.kind]
    yield f'{indent}{name}{before}"{"<br/>".join(said)}"{after}:::{box.kind}'


def _paint(kind: Kind, opacity: str) -> str:
    """A colour as drawings have it, thinly laid, so that it goes with light and dark pages."""
    return f"fill:{FILLS[kind]}{opacity},stroke:{FILLS[kind]}"


def _arrow(arrow: Arrow) -> str:
    line = "-->" if arrow.kind == "value" else "-.->"
    return f'{line}|"{label(arrow.label)}"|' if arrow.label else line


def _kinds(drawn: Picture) -> Iterator[Kind]:
    for box in drawn.boxes:
        if box.inside:
            yield from _kinds(box.inside)
        else:
            yield box.kind
