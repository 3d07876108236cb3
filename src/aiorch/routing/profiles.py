"""The agents that aiorch knows from the start, and how a plain dictionary becomes a profile.

The model names of :data:`AGENT_PROFILES` are those that people still write down from 2024; the catalogue resolves
each to the living free model that does its work now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, cast, get_args

from aiorch.errors import ConfigurationError, UnknownAgent, nearest
from aiorch.types import Complexity, Format, Parameters, Profile

AGENT_PROFILES: dict[str, dict[str, Any]] = {
    "coding_agent": {
        "primary": "amazon/nova-2-lite-v1:free",
        "fallbacks": [
            "deepseek/deepseek-coder-6.7b-instruct:free",
            "meta-llama/llama-3.1-8b-instruct:free",
        ],
        "complexity_overrides": {"complex": "nousresearch/hermes-3-llama-3.1-405b:free"},
        "task_type": "code_generation",
    },
    "database_agent": {
        "primary": "microsoft/phi-3-medium-128k-instruct:free",
        "fallbacks": ["amazon/nova-2-lite-v1:free", "qwen/qwen-2-7b-instruct:free"],
    },
    "analysis_agent": {
        "primary": "nousresearch/hermes-3-llama-3.1-405b:free",
        "fallbacks": ["mistralai/mixtral-8x7b-instruct:free", "meta-llama/llama-3.1-8b-instruct:free"],
        "task_type": "data_analysis",
    },
    "general": {},
}
"""Agent name to profile fields. Edit it before an Orchestrator is made, or pass ``profiles=`` to one."""

DETERMINISTIC = Parameters(temperature=0.0)
"""What profiles start from: the same question gets the same answer, which is also what the cache can keep."""


def profile(name: str, described: Profile | Mapping[str, Any]) -> Profile:
    """The profile that a dictionary describes. Any free model may answer after the named ones, unless it says
    otherwise.

    >>> profile("support", {"primary": "qwen/qwen-2-7b-instruct:free", "system": "Be brief."}).system
    'Be brief.'

    :raises ConfigurationError: for a field, parameter or complexity that does not exist; the nearest one is offered.
        Also for a ``format`` that cannot look at an answer.
    """
    if isinstance(described, Profile):
        return described
    given = dict(described)
    _known(f"profile {name!r} has no field", given, {f.name for f in fields(Profile)} - {"name"})
    _known(
        f"profile {name!r}: no complexity is called",
        given.get("complexity_overrides", ()),
        get_args(Complexity),
    )
    parameters = given.get("parameters", Parameters())
    if isinstance(parameters, Mapping):
        named = cast("Mapping[str, Any]", parameters)
        _known(f"profile {name!r}: models have no parameter", named, [f.name for f in fields(Parameters)])
        parameters = replace(Parameters(**named), stop=_several(named.get("stop", ())))
    given["parameters"] = DETERMINISTIC.merged(parameters)
    if isinstance(given.get("format"), Mapping):
        asked = cast("Mapping[str, Any]", given["format"])
        _known(f"profile {name!r}: a format has no", asked, [f.name for f in fields(Format)])
        given["format"] = Format(**asked)
    elif not isinstance(given.get("format"), Format | None):
        raise ConfigurationError(
            f"profile {name!r}: its format is no Format: pass aiorch.types.Format(longest=400)"
        )
    for listed in ("fallbacks", "tools"):
        if listed in given:
            given[listed] = _several(given[listed])
    return Profile(name, **given)


def _known(wrong: str, given: Iterable[str], known: Collection[str]) -> None:
    for key in given:
        if key not in known:
            near = nearest(key, known)
            offer = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise ConfigurationError(f"{wrong} {key!r}; {offer}")


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    """One text or several: ``"stop": "END"`` is what people write for one."""
    return (given,) if isinstance(given, str) else tuple(given)


class Profiles:
    """The profiles of one orchestrator, by name."""

    __slots__ = ("_by_name",)

    def __init__(self, extra: Mapping[str, Profile | Mapping[str, Any]] | None = None) -> None:
        """:raises ConfigurationError: see :func:`profile`; also for a format whose pattern cannot be matched."""
        self._by_name = {name: profile(name, d) for name, d in {**AGENT_PROFILES, **(extra or {})}.items()}
        if formats := [p.format for p in self._by_name.values() if p.format is not None]:
            from aiorch.safety.formats import usable  # only for those who ask for one

            for asked in formats:
                usable(asked)

    def __getitem__(self, name: str) -> Profile:
        """The profile. :raises UnknownAgent: with the nearest names."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownAgent(name, self._by_name) from None

    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._by_name)
