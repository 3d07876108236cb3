"""Which model gets a task, which deployment serves it, and what happens when it fails.

Owns profiles, complexity, eligibility, ranking, the attempt loop, budgets and the cache of answers.
"""

from aiorch.routing.budgets import Spent, least
from aiorch.routing.cache import AnswerCache, Known, MemoryCache, deterministic, key_of
from aiorch.routing.complexity import Judged, judge
from aiorch.routing.eligibility import Rules, eligible, estimate_tokens, is_free
from aiorch.routing.execution import Answer, Executor, Resume, Terms
from aiorch.routing.matching import TASK_MODELS, ProfileMatcher
from aiorch.routing.policy import placed, strictest
from aiorch.routing.pools import Rule, RuleBook, directed, weigh
from aiorch.routing.preference import worth
from aiorch.routing.profiles import AGENT_PROFILES, Profiles, profile
from aiorch.routing.spending import Purse, together

__all__ = [
    "AGENT_PROFILES",
    "TASK_MODELS",
    "Answer",
    "AnswerCache",
    "Executor",
    "Judged",
    "Known",
    "MemoryCache",
    "ProfileMatcher",
    "Profiles",
    "Purse",
    "Resume",
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
    "least",
    "placed",
    "profile",
    "strictest",
    "together",
    "weigh",
    "worth",
]
