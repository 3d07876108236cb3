"""The line's match step: how a task is completed from its profile."""

from __future__ import annotations

from dataclasses import fields

from aiorch.choosing import completed
from aiorch.types import Budget, JsonSchema, Message, Parameters, Profile, Task, ToolChoice, ToolSpec

SAID = Task(
    (Message.system("be short"), Message.user("hi")),
    agent="mine",
    schema=JsonSchema({"type": "object"}),
    tools=(ToolSpec("t", "", {}),),
    tool_choice=ToolChoice("required"),
    parameters=Parameters(seed=1),
    model="p/m",
    type="analysis",
    complexity="complex",
    timeout=3.0,
    budget=Budget(tokens=5),
    user="u",
    tenant="t",
    tags={"a": "b"},
    id="id",
)


def test_a_task_keeps_whatever_it_says_itself() -> None:
    left_open = Task((Message.user("hi"),))
    assert all(getattr(SAID, f.name) != getattr(left_open, f.name) for f in fields(Task))  # says everything
    profile = Profile("general", primary="p/x", system="be long", task_type="other")
    done = completed(SAID, profile, Budget(tokens=9))
    assert done.parameters.seed == 1
    for field in fields(Task):
        if field.name != "parameters":
            assert getattr(done, field.name) == getattr(SAID, field.name), field.name


def test_what_a_task_leaves_open_comes_from_its_profile() -> None:
    profile = Profile("general", primary="p/x", system="be long", task_type="other")
    done = completed(Task((Message.user("hi"),)), profile, Budget(tokens=9))
    assert done.messages == (Message.system("be long"), Message.user("hi"))
    assert (done.type, done.budget) == ("other", Budget(tokens=9))
