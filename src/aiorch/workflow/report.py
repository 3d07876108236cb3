"""What validation found: problems, each with a code, a place and a cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from aiorch.errors import InvalidWorkflow
from aiorch.workflow.codes import CODES, Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or doubtful.

    >>> str(told("duplicate", "two tasks are called 'facts'", "facts"))
    "[duplicate] two tasks are called 'facts'. Rename one."
    """

    code: str
    """One of :data:`~aiorch.workflow.codes.CODES`: stable, for programs."""
    message: str
    """What is wrong, for people."""
    task: str = ""
    """Where: the task's path, ``sub/facts`` for one inside a workflow in a workflow; empty for the whole."""
    cure: str = ""
    """What helps."""
    severity: Severity = "error"
    rule: str | None = None
    """The guide's rule that it breaks, where it is one of those."""

    def __str__(self) -> str:
        end = "" if self.message.endswith((".", "?", "!")) else "."
        return f"[{self.code}] {self.message}{end} {self.cure}".rstrip()


def told(
    code: str, message: str, task: str = "", *, cure: str | None = None, severity: Severity | None = None
) -> Problem:
    """A problem of this code; what is not said is as the table of codes has it."""
    known = CODES[code]
    return Problem(
        code,
        message,
        task,
        known.cure if cure is None else cure,
        severity or known.severity,
        known.rule,
    )


def inside(name: str, problem: Problem) -> Problem:
    """A problem of a workflow, as one of the task ``name`` that carries that workflow out."""
    place = f"{name}/{problem.task}" if problem.task else name
    return replace(problem, task=place, message=f"inside {name!r}: {problem.message}")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, errors first.

    For example:

        report = flow.validate(given=["log"])
        if not report.ok:
            print(report)
    """

    workflow: str
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, workflow: str, problems: Iterable[Problem]) -> Report:
        """A report of these, each once."""
        return cls(workflow, tuple(sorted(dict.fromkeys(problems), key=lambda p: p.severity == "warning")))

    def joined(self, problems: Iterable[Problem]) -> Report:
        """This report, with more problems."""
        return Report.of(self.workflow, (*self.problems, *problems))

    @property
    def ok(self) -> bool:
        """True where nothing keeps it from running; there may be warnings."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What cannot work."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What works and is doubtful."""
        return tuple(p for p in self.problems if p.severity == "warning")

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that were found, each once."""
        return tuple(dict.fromkeys(p.code for p in self.problems))

    def raise_for_errors(self) -> Report:
        """The report itself. :raises InvalidWorkflow: with every error, where there is one."""
        if not self.ok:
            raise InvalidWorkflow(self.workflow, tuple(map(str, self.errors)))
        return self

    def to_records(self) -> list[dict[str, str | None]]:
        """The problems as plain dictionaries, for a table or a data frame."""
        return [
            {
                "code": p.code,
                "severity": p.severity,
                "task": p.task,
                "message": p.message,
                "cure": p.cure,
                "rule": p.rule,
            }
            for p in self.problems
        ]

    def __str__(self) -> str:
        if not self.problems:
            return f"{self.workflow}: no problem found"
        count = f"{_many(len(self.errors), 'error')}, {_many(len(self.warnings), 'warning')}"
        return f"{self.workflow}: {count}" + "".join(f"\n  {p.severity}: {p}" for p in self.problems)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
