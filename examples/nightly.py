"""What has come in since yesterday, in a line each: once a night, whatever happens.

    python examples/nightly.py inbox/ --out night.md

The run's id is the date and it is kept in `nightly.db`: started twice in a night it does nothing the second time, and
after a crash it goes on where it was. So it can be started from anywhere, by `cron` for example:

    15 2 * * *  python nightly.py inbox/ || python nightly.py inbox/

or by a worker, which starts it itself:

    aiorch worker nightly.py --engine sqlite:///nightly.db --schedule "nightly=15 2 * * *"
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import aiorch

SAMPLES = Path(__file__).parent / "texts"
ENGINE = "sqlite:///nightly.db"
WEEK = 7 * 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class Text:
    """A file that came in."""

    name: str
    text: str
    digest: str
    """A hash of what it says: a file that only moved is not new."""


flow = aiorch.Workflow("nightly")


@flow.task(retry=aiorch.Retry(attempts=3, delay=5.0, on=(OSError,)), timeout=60)
def texts(inbox: Path = SAMPLES) -> list[Text]:
    """Everything that lies there; a network drive may need a second try."""
    found = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(Path(inbox).glob("*.txt"))]
    return [Text(name, text, hashlib.sha256(text.encode()).hexdigest()[:16]) for name, text in found]


@flow.task
def night(day: date | None = None) -> date:
    """Which night it is: kept, so a run that is carried on after midnight still belongs to the day that it began."""
    return day or datetime.now(UTC).date()


@flow.task
def fresh(texts: list[Text], night: date, out: Path = Path("night.md")) -> list[Text]:
    """What no night before has told of."""
    told = Path(out).read_text(encoding="utf-8") if Path(out).exists() else ""
    before = told.partition(f"# {night}\n")[0]
    return [text for text in texts if text.digest not in before]


# The same text costs nothing for a week, whatever it is called; one that no model can do is left to the next night.
flow.ask(
    "line",
    "{text.text}\n\n---\nIn one sentence, the text above says that",
    parameters=aiorch.Parameters(temperature=0, max_tokens=60),
    cache=WEEK,
).map(text="fresh", on_error="collect", label="{text.name}", limit=4)


@flow.task
def told(night: date, fresh: list[Text], line: list[str | Exception], run: aiorch.Run) -> str:
    """The night's part of the page."""
    lines = [
        f"- **{text.name}** {' '.join(said.split())} <!-- {text.digest} -->"
        for text, said in zip(fresh, line, strict=True)
        if isinstance(said, str)
    ]
    left = [said for said in line if isinstance(said, Exception)]
    if left:
        lines.append(f"- {len(left)} left for tomorrow: {str(left[0]).partition(chr(10))[0]}")
    outcomes = run.outcomes["line"]
    if isinstance(outcomes, list) and any(outcome and outcome.demo for outcome in outcomes):
        lines.append("\n(a demo model: often wrong)")
    return "\n".join([f"# {night}", "", *(lines or ["Nothing new."])])


@flow.task
def write(told: str, night: date, out: Path = Path("night.md")) -> Path:
    """Behind the other nights; one that is there already is replaced, so it may be carried out twice."""
    page = Path(out)
    before = page.read_text(encoding="utf-8").partition(f"# {night}\n")[0] if page.exists() else ""
    page.write_text(f"{before}{told}\n\n", encoding="utf-8")
    return page


async def main(inbox: Path, out: Path, night: date) -> None:
    async with aiorch.Orchestrator() as ai:
        run = await ai.execute(
            flow,
            inbox=inbox,
            out=out,
            day=night,
            engine=ENGINE,
            run_id=f"nightly-{night}",
        )
        print(run.results["told"])


def _path(word: str) -> Path:
    """As seen from here, wherever the run is carried on."""
    return Path(word).absolute()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("inbox", nargs="?", type=_path, default=SAMPLES)
    parser.add_argument("--out", type=_path, default="night.md")
    parser.add_argument("--night", type=date.fromisoformat, default=datetime.now(UTC).date())
    asyncio.run(main(**vars(parser.parse_args())))
