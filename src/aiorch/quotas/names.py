"""What limits are bound to, by name: an account, a model behind a key, a user, a tenant.

The first two are the names that a :class:`~aiorch.types.Deployment` is part of, so what routing calls a deployment and
what its quota is called are one word.
"""

from __future__ import annotations

from aiorch.types import Deployment, Limit


def account_name(provider: str, key: str | None = None) -> str:
    """Everything behind one account's key; ``key`` is its *name*.

    >>> account_name("openrouter", "OPENROUTER_API_KEY"), account_name("pollinations")
    ('openrouter#OPENROUTER_API_KEY', 'pollinations')
    """
    return provider if key is None else f"{provider}#{key}"


def model_name(provider: str, model: str, key: str | None = None) -> str:
    """One model behind one key.

    >>> model_name("groq", "qwen/qwen3", "GROQ_API_KEY")
    'groq/qwen/qwen3#GROQ_API_KEY'
    """
    return Deployment(provider, model, key).id


def user_name(user: str) -> str:
    """A person or program on whose behalf is asked.

    >>> user_name("u1")
    'user:u1'
    """
    return f"user:{user}"


def tenant_name(tenant: str) -> str:
    """Whoever pays for several users.

    >>> tenant_name("acme")
    'tenant:acme'
    """
    return f"tenant:{tenant}"


def bound_to(deployment: Deployment, limit: Limit) -> str:
    """The name that shares ``limit`` where a deployment's provider states it: its account, or this model of it.

    >>> bound_to(Deployment("gemini", "flash", "KEY"), Limit(15, "requests", "minute", "key_model"))
    'gemini/flash#KEY'
    """
    return account_name(deployment.provider, deployment.key) if limit.scope == "account" else deployment.id
