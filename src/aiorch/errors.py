"""Everything that aiorch raises, in one tree.

    AiorchError
    ├── ConfigurationError            something is set up wrong; nothing was sent
    │   ├── SettingsError             a setting is unknown or has a value that cannot be used
    │   ├── MissingExtra              a part that is installed separately is needed
    │   ├── UnknownAgent              no profile of that name
    │   ├── UnknownModel              no model of that name
    │   ├── UnknownProvider           no provider of that name
    │   ├── PluginError               a plugin could not be used
    │   └── LocalModelError           the embedded model's weights are missing, wrong or cannot be loaded
    ├── InputError                    what was handed in cannot be used; nothing was sent
    │   └── SecurityException         the guard refused an input or an output (``blocked`` says which)
    ├── ExecutionError                a task could not be carried out
    │   ├── AttemptFailed             one call to one provider failed (providers raise it; the loop handles it)
    │   ├── NoModelAvailable          nobody may be asked: each candidate and why
    │   ├── AllAttemptsFailed         everybody that may be asked failed: each attempt and why
    │   ├── DeadlineExceeded          the task's time is up
    │   ├── BudgetExceeded            the next call could cost more than the budget allows
    │   ├── LimitReached              a user or tenant has used up a limit of theirs: whose, and for how long
    │   ├── StreamInterrupted         a stream broke after text had been shown: the text so far
    │   └── ToolError                 a tool failed in a way the model cannot mend
    ├── QualityError                  ``require_quality=True`` and the answer is below its minima
    │   └── OutputInvalid             the answer does not fit the type that was asked for
    ├── WorkflowError
    │   ├── InputsChanged             a run cannot be carried on: other inputs began it
    │   ├── InvalidWorkflow           the workflow cannot run: every problem found
    │   ├── LeaseLost                 somebody else carries out the run by now; what came here is thrown away
    │   ├── NeedsPermission           a call began, nobody knows how it ended: may it be repeated?
    │   ├── NotStorable               a result of a durable run cannot be written as JSON
    │   ├── NotSerialisable           the workflow cannot be written as data: every place that keeps it from it
    │   ├── ResultInvalid             a task gave something else than its type says
    │   ├── RunInUse                  another process carries out this run
    │   ├── TaskFailed                a task of a running workflow failed
    │   └── VersionChanged            a run cannot be carried on: another specification began it
    └── StorageError                  a file or database cannot be read or written
        ├── ArtifactChanged           a file is not any more what it was when it was taken down
        └── AuditError                an action could not be recorded, so it was not done

Every message says what happened, to what, and what to do. No error carries a secret: providers' words are
redacted before they reach one.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiorch.types import Assessment, Attempt, Failure, Issue, Limit, Outcome, PassedOver, Usage


class AiorchError(Exception):
    """The root: ``except aiorch.AiorchError`` catches all that aiorch raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # As it is, not by calling __init__ with the message: errors cross processes, and are kept by durable engines.
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[AiorchError], args: tuple[Any, ...], state: dict[str, Any]) -> AiorchError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


# --- configuration -----------------------------------------------------------------------------------------------


class ConfigurationError(AiorchError):
    """Something is set up wrong; nothing was sent."""


class SettingsError(ConfigurationError):
    """A setting is unknown or has a value that cannot be used."""


class MissingExtra(ConfigurationError):
    """A part that is installed separately is needed."""

    def __init__(self, extra: str, purpose: str, detail: str = "") -> None:
        self.extra = extra
        """The extra to install."""
        self.purpose = purpose
        text = f"{purpose} needs the extra '{extra}': pip install 'aiorch-sdk[{extra}]'"
        super().__init__(f"{text} ({detail})" if detail else text)


class _Unknown(ConfigurationError):
    """A name that nobody has; the nearest ones are offered."""

    what = "name"
    cure = ""

    def __init__(self, name: str, known: Iterable[str] = (), hint: str = "") -> None:
        self.name = name
        self.nearest = nearest(name, known)
        """The known names that look most like it, best first."""
        offer = f" Did you mean {_or(self.nearest)}?" if self.nearest else ""
        super().__init__(f"unknown {self.what} {name!r}.{offer} {hint or self.cure}".rstrip())


class UnknownAgent(_Unknown):
    """No profile of that name."""

    what = "agent"
    cure = "Profiles come from AGENT_PROFILES and Orchestrator(profiles=...)."


class UnknownModel(_Unknown):
    """No model of that name."""

    what = "model"
    cure = "`aiorch models` lists the ones that can be used now."


class UnknownProvider(_Unknown):
    """No provider of that name."""

    what = "provider"
    cure = "`aiorch models` shows which are configured, and which were left out."


class PluginError(ConfigurationError):
    """A plugin could not be used."""


class LocalModelError(ConfigurationError):
    """The embedded model's weights are missing, wrong or cannot be loaded."""


# --- input and guard ---------------------------------------------------------------------------------------------


class InputError(AiorchError):
    """What was handed in cannot be used; nothing was sent."""


class SecurityException(InputError):
    """The guard refused an input or an output."""

    def __init__(self, issues: Sequence[Issue] | str, *, blocked: str = "input") -> None:
        self.blocked = blocked
        """What was refused: ``input``, ``output``, ``arguments`` or ``tool_result``."""
        self.issues: tuple[Issue, ...] = () if isinstance(issues, str) else tuple(issues)
        said = issues if isinstance(issues, str) else "; ".join(f"{i.message} [{i.code}]" for i in issues)
        super().__init__(f"the {blocked.replace('_', ' ')} was refused: {said}")


# --- execution ---------------------------------------------------------------------------------------------------


class ExecutionError(AiorchError):
    """A task could not be carried out."""


class AttemptFailed(ExecutionError):
    """One call to one provider failed; ``failure`` says how."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        status = f" (HTTP {failure.status})" if failure.status else ""
        super().__init__(f"{failure.kind.value}{status}: {failure.message}")


class NoModelAvailable(ExecutionError):
    """Nobody may be asked. Lists each candidate and why it was passed over."""

    def __init__(self, why: str, passed_over: Sequence[PassedOver] = ()) -> None:
        self.passed_over = tuple(passed_over)
        lines = "".join(f"\n  - {p.id}: {p.reason}" for p in self.passed_over[:25])
        more = len(self.passed_over) - 25
        super().__init__(why + lines + (f"\n  - and {more} more" if more > 0 else ""))


class AllAttemptsFailed(ExecutionError):
    """Everybody that may be asked failed. Lists each attempt and why."""

    def __init__(self, attempts: Sequence[Attempt], why: str = "") -> None:
        self.attempts = tuple(attempts)
        lines = "".join(f"\n  - {a.deployment.id}: {_failed(a)}" for a in self.attempts)
        cures = "".join(f"\n  {cure}" for cure in _cures(self.attempts))
        super().__init__(
            f"no answer after {len(self.attempts)} attempt(s){': ' + why if why else ''}{lines}{cures}"
        )


class DeadlineExceeded(ExecutionError):
    """The task's time is up; what was tried until then is in ``attempts``."""

    def __init__(self, timeout: float, attempts: Sequence[Attempt] = ()) -> None:
        self.timeout = timeout
        """The limit, seconds."""
        self.attempts = tuple(attempts)
        lines = "".join(f"\n  - {a.deployment.id}: {_failed(a)}" for a in self.attempts)
        super().__init__(f"not finished within {timeout:g} s; pass timeout= to allow more{lines}")


class BudgetExceeded(ExecutionError):
    """The next call could cost more than the budget allows; it was not made."""

    def __init__(self, what: str, attempts: Sequence[Attempt] = ()) -> None:
        self.attempts = tuple(attempts)
        super().__init__(what)


class LimitReached(ExecutionError):
    """A user or tenant has used up a limit that the settings give them, and it does not pass within the task's time.

    The call that it holds back was not made. Limits of providers never raise this.
    """

    def __init__(
        self, name: str, limit: Limit, retry_after: float | None, attempts: Sequence[Attempt] = ()
    ) -> None:
        self.name = name
        """Whose limit it is: ``user:u1`` or ``tenant:acme``."""
        self.limit = limit
        self.retry_after = retry_after
        """Seconds from which asking again makes sense; ``None`` where the call alone is larger than the limit. What
        others of the same name ask meanwhile may make it later."""
        self.attempts = tuple(attempts)
        """What earlier rounds of the same task had asked."""
        if retry_after is None:
            said = f"this call alone is larger than the limit of {name}, {limit}: ask for less, or allow more"
        elif limit.per == "at once":
            said = f"{name} has all of its {limit} in use: ask again when one of them has ended"
        else:
            said = f"{name} has used up its {limit}: ask again in {math.ceil(retry_after)} s"
        super().__init__(said)


class StreamInterrupted(ExecutionError):
    """A stream broke after text had been shown."""

    def __init__(
        self, partial: str, failure: Failure, usage: Usage, attempts: Sequence[Attempt] = ()
    ) -> None:
        self.partial = partial
        """What had been shown."""
        self.failure = failure
        self.usage = usage
        """Of everything that was tried, estimated."""
        self.attempts = tuple(attempts)
        super().__init__(
            f"the stream broke after {len(partial)} characters: {failure.kind.value}: {failure.message}; "
            "what came is in .partial, ask again for a whole answer"
        )


class ToolError(ExecutionError):
    """A tool failed in a way the model cannot mend."""


# --- quality -----------------------------------------------------------------------------------------------------


class QualityError(AiorchError):
    """``require_quality=True`` and the answer is below its minima; the outcome is kept in ``outcome``."""

    def __init__(
        self, why: str, outcome: Outcome[str] | None = None, assessment: Assessment | None = None
    ) -> None:
        self.outcome = outcome
        self.assessment = assessment
        super().__init__(why)


class OutputInvalid(QualityError):
    """The answer does not fit the type that was asked for."""


# --- workflows ---------------------------------------------------------------------------------------------------


class WorkflowError(AiorchError):
    """Something about a workflow."""


class InvalidWorkflow(WorkflowError):
    """The workflow cannot run; ``problems`` holds every problem found, not just the first."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"workflow {name!r} cannot run:" + "".join(f"\n  - {p}" for p in self.problems))


class NotSerialisable(WorkflowError):
    """The workflow cannot be written as data; ``problems`` holds every place that keeps it from it, and the cure."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        said = "".join(f"\n  - {p}" for p in self.problems)
        super().__init__(f"workflow {name!r} cannot be written as data:{said}")


class ResultInvalid(WorkflowError):
    """A task gave something else than its type says."""

    def __init__(self, task: str, wanted: str, came: str, why: str) -> None:
        self.task = task
        self.wanted = wanted
        """The type that was said: ``an int``."""
        self.came = came
        """The type of what came."""
        super().__init__(
            f"task {task!r} should give {wanted}, and gave a value of type {came}: {why}. "
            "Mend what it returns, or what it says that it returns"
        )


class TaskFailed(WorkflowError):
    """A task of a running workflow failed; the cause is chained."""

    def __init__(self, task: str, cause: BaseException, skipped: Sequence[str] = ()) -> None:
        self.task = task
        self.skipped = tuple(skipped)
        """The tasks that were not started because of it."""
        self.run: Any = None
        """The partial :class:`aiorch.Run`: what was finished before."""
        bare = isinstance(cause, KeyError) or not str(cause)  # says nothing without its type
        text = f"task {task!r} failed: {f'{type(cause).__name__}: ' if bare else ''}{cause}".removesuffix(
            ": "
        )
        super().__init__(f"{text} (skipped: {', '.join(self.skipped)})" if self.skipped else text)


class RunInUse(WorkflowError):
    """Another process carries out this run."""

    def __init__(self, run_id: str, owner: str) -> None:
        self.run_id = run_id
        self.owner = owner
        """Which process, as the table of runs names it."""
        super().__init__(
            f"run {run_id!r} is carried out by another process ({owner}): wait until it has ended, or cancel it; "
            "one that is gone loses its runs at once on the same machine, a worker elsewhere when its lease has ended"
        )


class LeaseLost(WorkflowError):
    """Somebody else carries out the run by now, or it was cancelled: nothing more of it is kept from here."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"run {run_id!r} was taken over, cancelled or deleted elsewhere: what this process did since then is "
            "thrown away. Running it again under this id shows, or carries on, what stands"
        )


class VersionChanged(WorkflowError):
    """A run cannot be carried on: another specification began it."""

    def __init__(self, run_id: str, began: str, now: str) -> None:
        self.run_id = run_id
        self.began = began
        """Hash of the specification under which it began."""
        self.now = now
        """Hash of the specification of now."""
        super().__init__(
            f"run {run_id!r} was begun by version {began} of its workflow, and this is version {now}: take a new "
            "run id, or finish it with the workflow as it was"
        )


class InputsChanged(WorkflowError):
    """A run cannot be carried on: other inputs began it."""

    def __init__(self, run_id: str, names: Sequence[str]) -> None:
        self.run_id = run_id
        self.names = tuple(names)
        """The inputs that differ."""
        super().__init__(
            f"run {run_id!r} was begun with other values of {', '.join(map(repr, self.names))}, and what it "
            "committed came from those: hand in the same, or take a new run id"
        )


class NeedsPermission(WorkflowError):
    """A call that may not be repeated unasked began, and nobody knows how it ended."""

    def __init__(self, run_id: str, key: str, name: str, began: str = "") -> None:
        self.run_id = run_id
        self.key = key
        """The call, by its key in the journal."""
        self.name = name
        """Under which name the decision is sent to the run."""
        when = f" at {began}" if began else ""
        super().__init__(
            f"run {run_id!r} began {key!r}{when} and was interrupted before the result was kept; it is not "
            "idempotent, so it is not repeated unasked. Find out whether it happened, then send the run "
            f'{{"repeat": true}} or {{"result": ...}} under the name {name!r}, and run it again under this id'
        )


class NotStorable(WorkflowError):
    """A result of a durable run cannot be written as JSON."""

    def __init__(self, key: str, kind: str, why: str) -> None:
        self.key = key
        """What gave it, by its key in the journal; the run's id where it is the run's own result."""
        super().__init__(
            f"{key!r} gave a value of type {kind}, which cannot be kept as JSON ({why}). A durable run keeps what its "
            "tasks give: return text, numbers, lists, dictionaries, dataclasses or pydantic models, and say so in "
            "the annotation; or run it with engine='memory'"
        )


# --- storage -----------------------------------------------------------------------------------------------------


class StorageError(AiorchError):
    """A file or database cannot be read or written."""


class ArtifactChanged(StorageError):
    """A file is gone, or not any more what it was when its hash was taken."""


class AuditError(StorageError):
    """An action could not be recorded, so it was not done."""


# --- how messages are made ---------------------------------------------------------------------------------------


def nearest(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The known names that look most like ``name``, best first.

    >>> nearest("gorq", ["groq", "gemini"])
    ('groq',)
    """
    by_folded = {k.casefold(): k for k in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=most, cutoff=0.5)
    return tuple(by_folded[f] for f in found)


def _or(names: Sequence[str]) -> str:
    quoted = [repr(n) for n in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]


_CURES: Mapping[str, str] = {
    "auth": "Check the keys named above: `aiorch doctor` tries each one.",
    "billing": "An account above has no credit: top it up, or set the key of a free provider.",
    "rate_minute": "Limits pass: ask again later, or set another provider's key to share the load.",
    "rate_day": "A day's allowance is used up: set another provider's key, or ask again tomorrow.",
    "context": "The prompt is too long for these models: shorten it, or allow a model with a larger context.",
    "policy": "A filter refused it: say it differently, or name another model.",
    "bad_request": "The request was not understood: look at its parameters, schema and tools.",
    "model_gone": "Models come and go: `aiorch models` lists the ones that can be used now.",
    "transport": "Connections failed: `aiorch doctor` says which providers can be reached from here.",
}
"""What helps, by kind of failure; the others pass by themselves."""


def _cures(attempts: Iterable[Attempt]) -> Iterable[str]:
    kinds = dict.fromkeys(a.failure.kind.value for a in attempts if a.failure)
    found = [_CURES[k] for k in kinds if k in _CURES]
    return found or ["Set another provider's key so that there are more to ask, or ask again later."]


def _failed(attempt: Attempt) -> str:
    failure = attempt.failure
    return f"{failure.kind.value}: {failure.message}" if failure else "answered"
