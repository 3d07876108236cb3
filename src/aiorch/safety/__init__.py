"""What may come in and go out, and the record of what was done.

A guard asks validators and gives one verdict, a redactor takes keys out of texts, and the audit log keeps the record.

    guard = Guard([InputLimits(settings.input_limit)])
    verdict = await guard.check("input", task.messages, task)       # block beats ask beats redact beats flag
    audit = AuditLog(settings.data_dir / "audit", mode=settings.audit, redact=Redactor(settings.all_secrets()))
    audit.append("task.admitted", task_id=task.id, texts={"prompt": task.text})
    verify_audit(audit.folder).ok                                   # is it still what was written?
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiorch.safety.audit import AuditLog
from aiorch.safety.audit_canonical import canonical
from aiorch.safety.detection import Detector, Finding
from aiorch.safety.guard import Guard
from aiorch.safety.inspection import Inspection
from aiorch.safety.limits import InputLimits
from aiorch.safety.our_detectors import detectors
from aiorch.safety.policy import Policy, policy_of, read_policy
from aiorch.safety.redaction import REDACTED, Redactor
from aiorch.safety.spotlight import spotlit

if TYPE_CHECKING:
    from aiorch.safety.audit_keys import read_key
    from aiorch.safety.audit_reading import Asked, audit_records
    from aiorch.safety.audit_report import AuditProblem, AuditRemark, AuditReport
    from aiorch.safety.audit_verifying import verify_audit
    from aiorch.safety.audit_writing import Rhythm

_LATER = {
    "Asked": "audit_reading",
    "AuditProblem": "audit_report",
    "AuditRemark": "audit_report",
    "AuditReport": "audit_report",
    "Rhythm": "audit_writing",
    "audit_records": "audit_reading",
    "read_key": "audit_keys",
    "verify_audit": "audit_verifying",
}
"""What only some need, and the file that has it: fetched when it is first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "REDACTED",
    "Asked",
    "AuditLog",
    "AuditProblem",
    "AuditRemark",
    "AuditReport",
    "Detector",
    "Finding",
    "Guard",
    "InputLimits",
    "Inspection",
    "Policy",
    "Redactor",
    "Rhythm",
    "audit_records",
    "canonical",
    "detectors",
    "policy_of",
    "read_key",
    "read_policy",
    "spotlit",
    "verify_audit",
]
