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
from aiorch.workflow.codes import CODES, WORKFLOW_VALIDATION_RULES, Code
from aiorch.workflow.complexity import Complexity
from aiorch.workflow.engine import Memory
from aiorch.workflow.estimate import Demand, Estimate, TaskEstimate
from aiorch.workflow.estimating import estimate
from aiorch.workflow.execution import execute
from aiorch.workflow.facts import AgentFacts, Allowance, Facts, Thresholds
from aiorch.workflow.graph import Graph, Input
from aiorch.workflow.history import History, Past, Sample
from aiorch.workflow.live import live_problems
from aiorch.workflow.loading import load, load_all
from aiorch.workflow.nodes import Ask, Call, Mapped, Node, Port, Retry
from aiorch.workflow.parallel import identify_parallel_groups
from aiorch.workflow.planning import Asked, Plan
from aiorch.workflow.report import Problem, Report
from aiorch.workflow.runs import Row, Run, Waiting
from aiorch.workflow.services import Asker, Services
from aiorch.workflow.spans import Span
from aiorch.workflow.telling import measures
from aiorch.workflow.template import Template, TemplateError

__all__ = [
    "CODES",
    "WORKFLOW_VALIDATION_RULES",
    "AgentFacts",
    "Allowance",
    "Artifact",
    "Artifacts",
    "Ask",
    "Asked",
    "Asker",
    "Call",
    "Code",
    "Complexity",
    "Demand",
    "Estimate",
    "Facts",
    "FunctionStep",
    "Graph",
    "History",
    "Input",
    "Mapped",
    "Memory",
    "Node",
    "Past",
    "Plan",
    "Port",
    "Problem",
    "Report",
    "Retry",
    "Row",
    "Run",
    "Sample",
    "Services",
    "Span",
    "Step",
    "TaskEstimate",
    "Template",
    "TemplateError",
    "Thresholds",
    "Waiting",
    "Workflow",
    "estimate",
    "execute",
    "identify_parallel_groups",
    "live_problems",
    "load",
    "load_all",
    "measures",
]
