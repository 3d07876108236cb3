"""Many unreliable, mostly free language models as one reliable, checked and cost-bounded service.

    import aiorch

    async with aiorch.Orchestrator() as ai:
        outcome = await ai.run("Explain back-pressure", agent="analysis_agent")
        print(outcome.value, outcome.model, outcome.cost)

Importing this package loads nothing: every name below is fetched from its room when it is first used (PEP 562).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiorch.conversations import Chat, Stream
    from aiorch.discovering import Discovery
    from aiorch.errors import (
        AiorchError,
        AllAttemptsFailed,
        ArtifactChanged,
        AttemptFailed,
        AuditError,
        BudgetExceeded,
        ConfigurationError,
        DeadlineExceeded,
        ExecutionError,
        InputError,
        InputsChanged,
        InvalidWorkflow,
        LeaseLost,
        LimitReached,
        LocalModelError,
        MissingExtra,
        NeedsPermission,
        NoModelAvailable,
        NotSerialisable,
        NotStorable,
        OutputInvalid,
        PluginError,
        QualityError,
        ResultInvalid,
        RunInUse,
        SecurityException,
        SettingsError,
        StorageError,
        StreamInterrupted,
        TaskFailed,
        ToolError,
        UnknownAgent,
        UnknownModel,
        UnknownProvider,
        VersionChanged,
        WorkflowError,
    )
    from aiorch.events import Blocked, Event, Restarted
    from aiorch.orchestrator import Orchestrator, discover
    from aiorch.providers import endpoint
    from aiorch.routing import AGENT_PROFILES
    from aiorch.routing.routes import Rollback
    from aiorch.settings import Settings
    from aiorch.sync import run_sync
    from aiorch.tools import tool
    from aiorch.types import (
        Arg,
        Assessment,
        Attempt,
        Budget,
        Failure,
        FailureKind,
        Image,
        Message,
        ModelCard,
        Outcome,
        Parameters,
        Price,
        Profile,
        Provenance,
        Ranking,
        Reasoning,
        ReasoningDelta,
        Task,
        Text,
        TextDelta,
        ToolCall,
        ToolCallDelta,
        ToolResult,
        Usage,
        Verdict,
        from_json,
        to_json,
    )
    from aiorch.workflow import Artifact, Artifacts, Retry, Run, Workflow

__version__ = "0.1.0"

_ROOMS = {
    "aiorch.orchestrator": ("Orchestrator", "discover"),
    "aiorch.discovering": ("Discovery",),
    "aiorch.sync": ("run_sync",),
    "aiorch.conversations": ("Chat", "Stream"),
    "aiorch.workflow": ("Artifact", "Artifacts", "Retry", "Run", "Workflow"),
    "aiorch.settings": ("Settings",),
    "aiorch.providers": ("endpoint",),
    "aiorch.routing": ("AGENT_PROFILES",),
    "aiorch.routing.routes": ("Rollback",),
    "aiorch.tools": ("tool",),
    "aiorch.events": ("Blocked", "Event", "Restarted"),
    "aiorch.types": (
        "Arg",
        "Assessment",
        "Attempt",
        "Budget",
        "Failure",
        "FailureKind",
        "Image",
        "Message",
        "ModelCard",
        "Outcome",
        "Parameters",
        "Price",
        "Profile",
        "Provenance",
        "Ranking",
        "Reasoning",
        "ReasoningDelta",
        "Task",
        "Text",
        "TextDelta",
        "ToolCall",
        "ToolCallDelta",
        "ToolResult",
        "Usage",
        "Verdict",
        "from_json",
        "to_json",
    ),
    "aiorch.errors": (
        "AiorchError",
        "AllAttemptsFailed",
        "ArtifactChanged",
        "AttemptFailed",
        "AuditError",
        "BudgetExceeded",
        "ConfigurationError",
        "DeadlineExceeded",
        "ExecutionError",
        "InputError",
        "InputsChanged",
        "InvalidWorkflow",
        "LeaseLost",
        "LimitReached",
        "LocalModelError",
        "MissingExtra",
        "NeedsPermission",
        "NoModelAvailable",
        "NotSerialisable",
        "NotStorable",
        "OutputInvalid",
        "PluginError",
        "QualityError",
        "ResultInvalid",
        "RunInUse",
        "SecurityException",
        "SettingsError",
        "StorageError",
        "StreamInterrupted",
        "TaskFailed",
        "ToolError",
        "UnknownAgent",
        "UnknownModel",
        "UnknownProvider",
        "VersionChanged",
        "WorkflowError",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AGENT_PROFILES",
    "AiorchError",
    "AllAttemptsFailed",
    "Arg",
    "Artifact",
    "ArtifactChanged",
    "Artifacts",
    "Assessment",
    "Attempt",
    "AttemptFailed",
    "AuditError",
    "Blocked",
    "Budget",
    "BudgetExceeded",
    "Chat",
    "ConfigurationError",
    "DeadlineExceeded",
    "Discovery",
    "Event",
    "ExecutionError",
    "Failure",
    "FailureKind",
    "Image",
    "InputError",
    "InputsChanged",
    "InvalidWorkflow",
    "LeaseLost",
    "LimitReached",
    "LocalModelError",
    "Message",
    "MissingExtra",
    "ModelCard",
    "NeedsPermission",
    "NoModelAvailable",
    "NotSerialisable",
    "NotStorable",
    "Orchestrator",
    "Outcome",
    "OutputInvalid",
    "Parameters",
    "PluginError",
    "Price",
    "Profile",
    "Provenance",
    "QualityError",
    "Ranking",
    "Reasoning",
    "ReasoningDelta",
    "Restarted",
    "ResultInvalid",
    "Retry",
    "Rollback",
    "Run",
    "RunInUse",
    "SecurityException",
    "Settings",
    "SettingsError",
    "StorageError",
    "Stream",
    "StreamInterrupted",
    "Task",
    "TaskFailed",
    "Text",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolError",
    "ToolResult",
    "UnknownAgent",
    "UnknownModel",
    "UnknownProvider",
    "Usage",
    "Verdict",
    "VersionChanged",
    "Workflow",
    "WorkflowError",
    "__version__",
    "discover",
    "endpoint",
    "from_json",
    "run_sync",
    "to_json",
    "tool",
]


_NOTEBOOKS = ("IPython", "marimo")
"""Who shows values as HTML: where one of them runs, :mod:`aiorch.views` tells it how ours look."""


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module 'aiorch' has no attribute {name!r}")
    _tell_notebook()
    value = globals()[name] = getattr(import_module(room), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _tell_notebook() -> None:
    if any(notebook in sys.modules for notebook in _NOTEBOOKS):
        import_module("aiorch.views.notebook").register()


_tell_notebook()  # for whoever imports from a room only
