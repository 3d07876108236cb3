"""How much may still be asked of whom: leases within limits, for providers and for users alike.

A lease is reserved when a call is dispatched and settled when it has ended, so concurrent calls cannot overshoot what
one after the other would have kept to. Response headers correct the count.

    quotas = MemoryQuotas(clock)
    quotas.define(account_name("groq", "GROQ_API_KEY"), (Limit(30, "requests", "minute"),))
    lease = await quotas.lease(Demand(("groq#GROQ_API_KEY",), tokens=900))     # Lease | Full
    quotas.settle(lease, tokens=640)

Several processes share :class:`SharedQuotas`, through the store or PostgreSQL; what speaks to databases is fetched when
it is first named (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiorch.quotas.leases import Demand, Full, Lease, Use
from aiorch.quotas.memory import MemoryQuotas
from aiorch.quotas.names import account_name, bound_to, model_name, tenant_name, user_name
from aiorch.quotas.protocol import Quotas

if TYPE_CHECKING:
    from aiorch.quotas.postgres import PostgresRows
    from aiorch.quotas.rows import MIGRATIONS, Rows, StoreRows
    from aiorch.quotas.shared import SharedQuotas

_FILES = {
    "MIGRATIONS": "rows",
    "PostgresRows": "postgres",
    "Rows": "rows",
    "SharedQuotas": "shared",
    "StoreRows": "rows",
}

__all__ = [
    "MIGRATIONS",
    "Demand",
    "Full",
    "Lease",
    "MemoryQuotas",
    "PostgresRows",
    "Quotas",
    "Rows",
    "SharedQuotas",
    "StoreRows",
    "Use",
    "account_name",
    "bound_to",
    "model_name",
    "tenant_name",
    "user_name",
]


def __getattr__(name: str) -> Any:
    file = _FILES.get(name)
    if file is None:
        raise AttributeError(f"module 'aiorch.quotas' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"aiorch.quotas.{file}"), name)
    return value
