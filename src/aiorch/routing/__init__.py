"""Which model gets a task, which deployment serves it, and what happens when it fails.

Owns profiles, complexity, eligibility, ranking, the attempt loop, budgets and the cache of answers.
"""

from aiorch.routing.budgets import Spent
from aiorch.routing.cache import AnswerCache, Known, MemoryCache, deterministic, key_of
from aiorch.routing.complexity import Judged, judge
from aiorch.routing.eligibility import Rules, eligible, estimate_tokens, is_free
from aiorch.routing.execution import Answer, Executor, Terms
from aiorch.routing.matching import ProfileMatcher, worth
from aiorch.routing.pools import Rule, RuleBook, directed, weigh
from aiorch.routing.profiles import AGENT_PROFILES, Profiles, profile

__all__ = [
    "AGENT_PROFILES",
    "Answer",
    "AnswerCache",
    "Executor",
    "Judged",
    "Known",
    "MemoryCache",
    "ProfileMatcher",
    "Profiles",
    "Rule",
    "RuleBook",
    "Rules",
    "Spent",
    "Terms",
    "deterministic",
    "directed",
    "eligible",
    "estimate_tokens",
    "is_free",
    "judge",
    "key_of",
    "profile",
    "weigh",
    "worth",
]
