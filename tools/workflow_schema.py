"""Write what is published of the table of workflow files: the JSON schema, and the tables of docs/workflow-files.md.

python tools/workflow_schema.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from aiorch.workflow.forms import BUDGET, INPUT, INSIDE, KINDS, MAP, RETRY, TOP, TYPE, Key, document_schema

DOCS = Path(__file__).parents[1] / "docs"

EVERY = {name: key for name, key in KINDS["call"].items() if KINDS["loop"].get(name) is key}
"""What tasks of most kinds may say: told once."""

TABLES: Mapping[str, Mapping[str, Key]] = {
    "workflow": TOP,
    "inputs": INPUT.keys,
    **{
        kind: {name: key for name, key in keys.items() if EVERY.get(name) is not key}
        for kind, keys in KINDS.items()
    },
    "file": {"file": INSIDE.keys["file"]},
    "every": EVERY,
    "map": MAP.keys,
    "retry": RETRY.keys,
    "budget": BUDGET.keys,
}
"""By the name that a page gives in ``<!-- table: NAME -->``."""


def table(keys: Mapping[str, Key]) -> str:
    """Rows of a table: key, form, meaning."""
    rows = (
        f"| `{name}` | {_cell('a [type](#types)' if key.form is TYPE else key.form.words)} | {_cell(key.about)} |"
        for name, key in keys.items()
    )
    return "\n".join(["| key | value | means |", "|---|---|---|", *rows])


def filled(page: str) -> str:
    """The page with its tables as they are now."""
    return re.sub(
        r"(<!-- table: (\w+) -->\n)(?:\n(?:\|.*\n)+)?",
        lambda found: f"{found[1]}\n{table(TABLES[found[2]])}\n",
        page,
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    schema = DOCS / "workflow.schema.json"
    schema.write_text(json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = DOCS / "workflow-files.md"
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {schema.name} and the tables of {page.name}")
