"""What is said about how a task is carried out: every mistake is told, none is taken for something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aiorch.errors import InputError
from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Retry


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"retries": 3}, "task 'a' has no option 'retries'; did you mean 'retry'?"),
        ({"zzz": 3}, "task 'a' has no option 'zzz'; there are retry, timeout"),
        ({"retry": "3"}, "retry='3' of task 'a': it is a number of attempts"),
        ({"retry": True}, "retry=True of task 'a'"),
        ({"retry": 0}, "makes 0 attempts"),
        ({"timeout": "5"}, "timeout='5' of task 'a': it is a number of seconds above 0"),
        ({"timeout": -5}, "timeout=-5 of task 'a'"),
        ({"cache": True}, "cache=True of task 'a'"),
        ({"on_error": "ignore"}, "on_error='ignore' of task 'a': it is fail, skip or continue"),
        ({"priority": "high"}, "priority='high' of task 'a'"),
        ({"tags": 5}, "tags=5 of task 'a': it is a name or a list of names"),
        ({"resources": 5}, "resources=5 of task 'a'"),
        ({"idempotent": "no"}, "idempotent='no' of task 'a': it is True or False"),
        ({"fallback": 1, "on_error": "skip"}, "which never uses it"),
    ],
)
def test_an_option_that_is_misspelt_or_cannot_be_is_refused(option: dict[str, Any], says: str) -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1, **option)
    [problem] = flow.validate().errors
    assert problem.code == "policy"
    assert says in problem.message


def test_a_question_s_options_are_looked_at_too() -> None:
    flow = Workflow("w")
    wrong: dict[str, Any] = {"outptu": int}
    flow.ask("a", "hi", **wrong)
    assert flow.validate().codes == ("policy",)


def test_options_that_can_be_are_kept() -> None:
    flow = Workflow("w")
    flow.add("a", lambda: 1, retry=2, timeout=1.5, cache=60, priority=-1, tags=("t", "t"), resources="r")
    [node] = flow.graph().nodes
    assert (node.policy.retry, node.policy.timeout, node.policy.cache) == (Retry(attempts=2), 1.5, 60)
    assert (node.policy.priority, node.policy.tags, node.policy.resources) == (-1, ("t",), ("r",))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda flow: flow.add("a", lambda x: x).map(x=[1, 2]), "hand values in as inputs"),
        (lambda flow: flow.add("a", lambda x: x, uses={"x": 5}), "hand values in as inputs"),
        (lambda flow: flow.add("a", lambda: 1, after=[5]), "hand values in as inputs"),
        (lambda flow: flow.ask("a", 5), "the prompt of task 'a' should be a text, not 5"),
        (lambda flow: flow.use("a", "weather"), "use() takes a tool, not 'weather'"),
        (lambda flow: flow.sub("a", "other.yaml"), "a Workflow is wanted, not 'other.yaml'"),
        (lambda flow: flow.loop("a", print, most=2), "a Workflow is wanted"),
        (lambda flow: flow.sleep("a", "later"), "say how long in seconds"),
    ],
)
def test_something_else_in_the_place_of_a_name_a_text_or_a_workflow_is_a_typed_error(
    wrong: Callable[[Any], Any], says: str
) -> None:
    with pytest.raises(InputError) as refused:
        wrong(Workflow("w"))
    assert says in str(refused.value)
