"""How good and how quick models are, measured here: a small fixed suite, asked within a budget of calls.

Owns its suite, its table of results and the scores made of them, which are kept apart from public ones. What is stored
is not asked again, so a run that was stopped goes on where it was.

    store = Store(settings.data_dir / FILE_NAME, MIGRATIONS)
    report = await benchmark(snapshot.candidates, providers, store, calls=100)
    priors = await own_scores(store)                     # {"groq/openai/gpt-oss-20b": Score("aiorch-1", 0.84, ...)}
"""

from aiorch.benchmarking.benchmark import CALLS, KEPT, Report, benchmark
from aiorch.benchmarking.choosing import TOP
from aiorch.benchmarking.plan import Call, Skipped
from aiorch.benchmarking.progress import Answered, Asking, Planned, Progress, SetAside, Waiting
from aiorch.benchmarking.records import MIGRATIONS, Record
from aiorch.benchmarking.scores import FEWEST, Measured, Share, own_scores
from aiorch.benchmarking.suite import SUITE, Item, Suite

__all__ = [
    "CALLS",
    "FEWEST",
    "KEPT",
    "MIGRATIONS",
    "SUITE",
    "TOP",
    "Answered",
    "Asking",
    "Call",
    "Item",
    "Measured",
    "Planned",
    "Progress",
    "Record",
    "Report",
    "SetAside",
    "Share",
    "Skipped",
    "Suite",
    "Waiting",
    "benchmark",
    "own_scores",
]
