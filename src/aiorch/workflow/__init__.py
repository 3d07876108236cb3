"""Many tasks that give each other values: described, validated as a whole, then run as dataflow.

    flow = Workflow("release-notes")
    flow.ask("facts", "List the changes in:\\n{log}")
    flow.ask("draft", "Write release notes from:\\n{facts}")
    run = await execute(flow, {"log": text}, ask=ask)

The scheduler is ours and knows no barriers: a task starts when those it needs are done.
Where a run lives, and whether it survives a crash, is the engine's business; :class:`Memory` keeps it in this process.
"""

from aiorch.workflow.builder import FunctionStep, Step, Workflow
from aiorch.workflow.engine import Memory
from aiorch.workflow.execution import Asker, execute, measures
from aiorch.workflow.graph import Graph, Input
from aiorch.workflow.loading import load
from aiorch.workflow.nodes import Ask, Call, Mapped, Node, Port
from aiorch.workflow.runs import Row, Run
from aiorch.workflow.template import Template, TemplateError

__all__ = [
    "Ask",
    "Asker",
    "Call",
    "FunctionStep",
    "Graph",
    "Input",
    "Mapped",
    "Memory",
    "Node",
    "Port",
    "Row",
    "Run",
    "Step",
    "Template",
    "TemplateError",
    "Workflow",
    "execute",
    "load",
    "measures",
]
