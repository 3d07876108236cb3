"""Many tasks that give each other values: described, validated as a whole, then run as dataflow.

    flow = Workflow("release-notes")
    flow.ask("facts", "List the changes in:\\n{log}")
    flow.ask("draft", "Write release notes from:\\n{facts}")
    run = await execute(flow, {"log": text}, services=Services(ask))

The scheduler is ours and knows no barriers: a task starts when those it needs are done.
Where a run lives, and whether it survives a crash, is the engine's business; :class:`Memory` keeps it in this process.
"""

from aiorch.workflow.artifacts import Artifact, Artifacts
from aiorch.workflow.builder import FunctionStep, Step, Workflow
from aiorch.workflow.carrying import measures
from aiorch.workflow.engine import Memory
from aiorch.workflow.execution import execute
from aiorch.workflow.graph import Graph, Input
from aiorch.workflow.loading import load, load_all
from aiorch.workflow.nodes import Ask, Call, Mapped, Node, Port, Retry
from aiorch.workflow.runs import Row, Run, Waiting
from aiorch.workflow.services import Asker, Services
from aiorch.workflow.template import Template, TemplateError

__all__ = [
    "Artifact",
    "Artifacts",
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
    "Retry",
    "Row",
    "Run",
    "Services",
    "Step",
    "Template",
    "TemplateError",
    "Waiting",
    "Workflow",
    "execute",
    "load",
    "load_all",
    "measures",
]
