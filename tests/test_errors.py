from __future__ import annotations

import copy
import inspect
import pickle
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch import errors
from aiorch.errors import (
    AiorchError,
    AllAttemptsFailed,
    AttemptFailed,
    BudgetExceeded,
    DeadlineExceeded,
    InvalidWorkflow,
    LimitReached,
    MissingExtra,
    NoModelAvailable,
    OutputInvalid,
    QualityError,
    SecurityException,
    StreamInterrupted,
    TaskFailed,
    UnknownAgent,
    UnknownModel,
    UnknownProvider,
    nearest,
)
from aiorch.types import (
    Assessment,
    Attempt,
    Deployment,
    Failure,
    FailureKind,
    Issue,
    Limit,
    Outcome,
    PassedOver,
    Usage,
)

GROQ = Deployment("groq", "qwen", "GROQ_API_KEY")


def failed(
    kind: FailureKind = FailureKind.OVERLOADED, message: str = "busy", deployment: Deployment = GROQ
) -> Attempt:
    return Attempt(deployment, 1, 0.0, 1.0, "fail", Failure(kind, "model", message))


# --- the tree ----------------------------------------------------------------------------------------------------


def drawn() -> dict[str, tuple[str | None, str]]:
    """The tree of the docstring: by name, the parent and what is said about it."""
    found: dict[str, tuple[str | None, str]] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ((?:│   |    )*(?:[├└]── )?)([A-Z]\w+)\s*(.*)", line)
        if not match:
            continue
        depth = len(match[1]) // 4
        branch[depth:] = [match[2]]
        found[match[2]] = (branch[depth - 1] if depth else None, match[3])
    return found


def real() -> dict[str, str | None]:
    """The public classes: by name, the nearest public parent."""
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    public = {c for c in classes if not c.__name__.startswith("_")}
    return {
        c.__name__: None if c is AiorchError else next(b for b in c.__mro__[1:] if b in public).__name__
        for c in public
    }


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    assert {name: parent for name, (parent, _) in drawn().items()} == real()


def test_the_tree_says_what_each_error_means() -> None:
    silent = {name for name, (_, said) in drawn().items() if not said} - {"AiorchError", "WorkflowError"}
    assert not silent


def test_every_error_is_caught_by_the_root() -> None:
    assert all(issubclass(getattr(errors, name), AiorchError) for name in real())


# --- messages say what to do -------------------------------------------------------------------------------------


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    error = MissingExtra("mcp", "the server at localhost", "no module named mcp")
    assert str(error) == (
        "the server at localhost needs the extra 'mcp': pip install 'aiorch-sdk[mcp]' (no module named mcp)"
    )
    assert (error.extra, error.purpose) == ("mcp", "the server at localhost")
    assert str(MissingExtra("mcp", "it")).endswith("pip install 'aiorch-sdk[mcp]'")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            UnknownAgent,
            "unknown agent 'codng_agent'. Did you mean 'coding_agent'? Profiles come from AGENT_PROFILES",
        ),
        (UnknownModel, "unknown model 'codng_agent'. Did you mean 'coding_agent'? `aiorch models` lists"),
        (
            UnknownProvider,
            "unknown provider 'codng_agent'. Did you mean 'coding_agent'? `aiorch models` shows",
        ),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_and_where_to_look(
    kind: type[UnknownAgent], says: str
) -> None:
    error = kind("codng_agent", ["coding_agent", "general"])
    assert str(error).startswith(says)
    assert (error.name, error.nearest) == ("codng_agent", ("coding_agent",))


def test_nothing_is_offered_where_nothing_is_near() -> None:
    error = UnknownModel("zzz", ["gemma"], hint="Ask your administrator.")
    assert str(error) == "unknown model 'zzz'. Ask your administrator."
    assert error.nearest == ()


def test_two_near_names_are_joined_as_people_join_them() -> None:
    known = ["gemma-1", "gemma-2", "gemma-3"]
    error = UnknownModel("gemma-", known)
    assert re.search(r"Did you mean '[\w-]+', '[\w-]+' or '[\w-]+'\?", str(error))
    assert sorted(error.nearest) == known


def test_a_refusal_says_what_was_refused_and_every_finding() -> None:
    issues = [Issue("too_long", "102 KB, at most 100 KB: split it"), Issue("structure", "nested 99 deep")]
    error = SecurityException(issues, blocked="tool_result")
    assert str(error) == (
        "the tool result was refused: 102 KB, at most 100 KB: split it [too_long]; nested 99 deep [structure]"
    )
    assert (error.issues, error.blocked) == (tuple(issues), "tool_result")
    assert str(SecurityException("no")) == "the input was refused: no"
    assert SecurityException("no").issues == ()


def test_a_failed_attempt_says_kind_status_and_words() -> None:
    with_status = AttemptFailed(Failure(FailureKind.AUTH, "account", "wrong key", status=401))
    assert str(with_status) == "auth (HTTP 401): wrong key"
    assert str(AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", "refused"))) == "transport: refused"


def test_nobody_available_lists_each_and_why_but_no_endless_list() -> None:
    error = NoModelAvailable("nobody fits", [PassedOver(f"p/m{n}", "too small") for n in range(27)])
    assert str(error).splitlines()[:2] == ["nobody fits", "  - p/m0: too small"]
    assert str(error).splitlines()[-1] == "  - and 2 more"
    assert len(error.passed_over) == 27
    assert "more" not in str(NoModelAvailable("nobody", [PassedOver("a", "b")] * 25))


@pytest.mark.parametrize("kind", FailureKind)
def test_when_all_failed_the_message_tells_each_and_what_helps(kind: FailureKind) -> None:
    error = AllAttemptsFailed([failed(kind, "the words")], "nobody is left")
    head, attempt, *cures = str(error).splitlines()
    assert head == "no answer after 1 attempt(s): nobody is left"
    assert attempt == f"  - groq/qwen#GROQ_API_KEY: {kind.value}: the words"
    assert cures
    assert all(
        re.search(r"\b(set|check|ask|shorten|top|say|look|list|says|lists)\b", c, re.IGNORECASE)
        for c in cures
    )


def test_each_cure_is_told_once() -> None:
    attempts = [failed(FailureKind.AUTH), failed(FailureKind.TRANSPORT), failed(FailureKind.AUTH)]
    cures = str(AllAttemptsFailed(attempts)).splitlines()[4:]
    assert len(cures) == 2
    assert "aiorch doctor" in cures[0]
    assert "reached" in cures[1]


def test_when_time_is_up_the_message_tells_how_to_get_more_and_what_was_tried() -> None:
    answered = Attempt(GROQ, 2, 0.0, 1.0, "accept")
    error = DeadlineExceeded(2.5, [failed(), answered])
    assert str(error).splitlines() == [
        "not finished within 2.5 s; pass timeout= to allow more",
        "  - groq/qwen#GROQ_API_KEY: overloaded: busy",
        "  - groq/qwen#GROQ_API_KEY: answered",
    ]
    assert (error.timeout, len(error.attempts)) == (2.5, 2)


def test_a_limit_says_whose_it_is_which_and_when_to_ask_again() -> None:
    minute, at_once = Limit(2, "requests", "minute"), Limit(4, "requests", "at once")
    error = LimitReached("user:u1", minute, 3.2, [failed()])
    assert str(error) == "user:u1 has used up its 2 requests a minute: ask again in 4 s"
    assert (error.name, error.limit, error.retry_after, len(error.attempts)) == ("user:u1", minute, 3.2, 1)
    assert "ask again when one of them has ended" in str(LimitReached("tenant:acme", at_once, 0.05))
    assert "this call alone is larger" in str(LimitReached("tenant:acme", minute, None))


def test_a_broken_stream_keeps_what_came_and_says_where_it_is() -> None:
    failure = Failure(FailureKind.TRANSPORT, "upstream", "reset")
    error = StreamInterrupted("half an ans", failure, Usage(3, 4))
    assert str(error).startswith("the stream broke after 11 characters: transport: reset; ")
    assert ".partial" in str(error)
    assert (error.partial, error.failure, error.usage) == ("half an ans", failure, Usage(3, 4))


def test_an_invalid_workflow_lists_every_problem() -> None:
    error = InvalidWorkflow("notes", ["a circle: a, b, a", "nobody gives {log}"])
    assert str(error) == "workflow 'notes' cannot run:\n  - a circle: a, b, a\n  - nobody gives {log}"
    assert len(error.problems) == 2


def test_a_failed_task_says_what_was_not_started_because_of_it() -> None:
    error = TaskFailed("draft", ValueError("no facts"), ["check", "save"])
    assert str(error) == "task 'draft' failed: no facts (skipped: check, save)"
    assert str(TaskFailed("draft", ValueError("no facts"))) == "task 'draft' failed: no facts"
    assert str(TaskFailed("draft", KeyError("log"))) == "task 'draft' failed: KeyError: 'log'"
    assert str(TaskFailed("draft", TimeoutError())) == "task 'draft' failed: TimeoutError"


def test_the_answer_that_was_not_good_enough_is_kept() -> None:
    outcome = Outcome("hm", "hm", "t1")
    error = OutputInvalid("no JSON", outcome, Assessment())
    assert isinstance(error, QualityError)
    assert (error.outcome, error.assessment) == (outcome, Assessment())


# --- errors cross processes --------------------------------------------------------------------------------------

EXAMPLES: list[AiorchError] = [
    AiorchError("x"),
    MissingExtra("mcp", "it", "detail"),
    UnknownModel("a", ["b"], hint="h"),
    SecurityException([Issue("c", "m")], blocked="output"),
    AttemptFailed(Failure(FailureKind.AUTH, "account", "wrong key", status=401)),
    NoModelAvailable("why", [PassedOver("a", "b")]),
    AllAttemptsFailed([failed()], "why"),
    DeadlineExceeded(2.0, [failed()]),
    BudgetExceeded("what", [failed()]),
    LimitReached("user:u1", Limit(2, "requests", "minute"), 3.5, [failed()]),
    StreamInterrupted("part", Failure(FailureKind.EMPTY, "model", "m"), Usage(1)),
    QualityError("why", Outcome("v", "v", "t", cost=Decimal("0.1")), Assessment()),
    InvalidWorkflow("w", ["p"]),
    TaskFailed("t", ValueError("v"), ["s"]),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_error_survives_being_sent_to_another_process(error: AiorchError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(vars(twin)) == repr(vars(error))


# --- nearest names -----------------------------------------------------------------------------------------------


def test_the_nearest_names_are_found_whatever_their_case_best_first() -> None:
    assert nearest("GROK", ["gemini", "groq", "Grok"]) == ("Grok", "groq")
    assert nearest("x", []) == ()


def test_no_more_names_are_offered_than_asked_for() -> None:
    assert len(nearest("model", [f"model{n}" for n in range(9)])) == 3
    assert len(nearest("model", [f"model{n}" for n in range(9)], most=1)) == 1


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=6))
def test_only_known_names_are_offered_and_a_known_one_is_offered_first(name: str, known: list[str]) -> None:
    offered = nearest(name, known)
    assert set(offered) <= set(known)
    if name in known and name:
        assert offered[0].casefold() == name.casefold()
