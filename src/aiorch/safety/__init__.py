"""What may come in and go out, and the record of what was done.

A guard asks validators and gives one verdict, a redactor takes keys out of texts, and the audit log keeps the record.

    guard = Guard([InputLimits(settings.input_limit)])
    verdict = await guard.check("input", task.messages, task)       # block beats ask beats redact beats flag
    audit = AuditLog(settings.data_dir / "audit", mode=settings.audit, redact=Redactor(settings.all_secrets()))
    audit.append("task_started", task_id=task.id, texts={"prompt": task.text})
"""

from aiorch.safety.audit import AuditLog, canonical
from aiorch.safety.guard import Guard
from aiorch.safety.limits import InputLimits
from aiorch.safety.redaction import REDACTED, Redactor

__all__ = ["REDACTED", "AuditLog", "Guard", "InputLimits", "Redactor", "canonical"]
