"""The names that readers of the integration guide will try, thin over the real objects."""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aiorch.errors import SecurityException, SettingsError, nearest
from aiorch.routing import AGENT_PROFILES, TASK_MODELS
from aiorch.types import ModelCard
from aiorch.workflow import WORKFLOW_VALIDATION_RULES, identify_parallel_groups

if TYPE_CHECKING:
    from aiorch.discovering import Discovery, Summary
    from aiorch.screening import Screening

__all__ = [
    "AGENT_PROFILES",
    "WORKFLOW_VALIDATION_RULES",
    "AvailableModels",
    "Config",
    "EnhancedDiscovery",
    "SecurityException",
    "SecurityManager",
    "TaskMatcher",
    "config",
    "get_enhanced_discovery",
    "identify_parallel_groups",
    "matcher",
    "security_manager",
]


class AvailableModels(Mapping[str, tuple[ModelCard, ...]]):
    """By provider: the models that can be used now, in the order in which they would be asked.

    Every provider that is known is in it, with nothing where it has no key here; so the lengths add up to what is
    available, as the guide adds them. ``discovery`` has the models that are only listed, with what each lacks.
    """

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery
        """All of it."""
        usable: dict[str, list[ModelCard]] = {provider.id: [] for provider in discovery.providers}
        for model in discovery.models:
            if model.usable_now:
                usable.setdefault(model.card.provider, []).append(model.card)
        self._usable = {provider: tuple(cards) for provider, cards in usable.items()}

    @property
    def summary(self) -> Summary:
        """``total_models``, ``free_models``, ``providers``, ``benchmarked``; each as ``listed`` and ``usable_now``."""
        return self.discovery.summary

    def __getitem__(self, provider: str) -> tuple[ModelCard, ...]:
        return self._usable[provider]

    def __iter__(self) -> Iterator[str]:
        return iter(self._usable)

    def __len__(self) -> int:
        return len(self._usable)

    def __repr__(self) -> str:
        there = ", ".join(f"{name}: {len(cards)}" for name, cards in self._usable.items() if cards)
        return f"<models that can be used now of {len(self)} providers: {there or 'none'}>"


class EnhancedDiscovery:
    """Looks around when asked to; every time with an orchestrator of its own."""

    def __init__(self, **settings: Any) -> None:
        """:param settings: what :class:`~aiorch.Orchestrator` takes."""
        self._settings = settings

    async def discover_all_providers(self) -> AvailableModels:
        """Ask every provider that can be asked."""
        from aiorch.orchestrator import discover

        return AvailableModels(await discover(**self._settings))


class Config:
    """What the guide sets for everything: its attributes are the defaults of orchestrators that are made afterwards.
    Arguments, the environment and ``aiorch.toml`` come before them.

    As it is written there:

        config.enable_multi_provider_lb = True
        config.providers_rotation = ["gemini", "groq", "openrouter"]

    Every setting is an attribute by its own name as well: ``config.policy = "private"``.

    :raises SettingsError: when a name is none or a value cannot be used. A provider that nobody knows is refused when
        an orchestrator is made: it may be one of its own.
    """

    @property
    def enable_multi_provider_lb(self) -> bool:
        """True where work is shared out over providers instead of going to the preferred one: the setting
        ``balancing``, which is ``round_robin`` then.
        """
        return self.balancing != "preference"

    @enable_multi_provider_lb.setter
    def enable_multi_provider_lb(self, on: bool) -> None:
        if not isinstance(on, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - people write "yes"
            raise SettingsError(f"config.enable_multi_provider_lb = {on!r}: must be True or False")
        self.balancing = "round_robin" if on else "preference"

    @property
    def providers_rotation(self) -> tuple[str, ...]:
        """The providers in the order of their turns: the setting ``rotation``."""
        return tuple(self.rotation)

    @providers_rotation.setter
    def providers_rotation(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise SettingsError(f"config.providers_rotation = {names!r}: must be a list of providers")
        self.rotation = tuple(names)

    def __getattr__(self, name: str) -> Any:
        from aiorch.settings import DEFAULTS, Settings

        if name not in Settings.model_fields:
            raise AttributeError(f"there is no setting {name!r}")
        if name in DEFAULTS:
            return DEFAULTS[name]
        return Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})

    def __setattr__(self, name: str, value: object) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
            return
        from aiorch.settings import Settings, set_default

        if name not in Settings.model_fields:
            near = nearest(name, (*_OWN, *Settings.model_fields), most=1)
            raise SettingsError(f"config has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        set_default(name, value)

    def __delattr__(self, name: str) -> None:
        from aiorch.settings import DEFAULTS

        DEFAULTS.pop(
            {"enable_multi_provider_lb": "balancing", "providers_rotation": "rotation"}.get(name, name), None
        )


_OWN = ("enable_multi_provider_lb", "providers_rotation")


class TaskMatcher:
    """Which model does a kind of work, for every orchestrator that is made afterwards. One that is there already is
    told by ``ai.matcher.override_model_for_task(...)``.

    As the guide writes it:

        matcher.override_model_for_task(
            task_type="analysis",
            model="nousresearch/hermes-3-llama-3.1-405b:free"
        )
    """

    def override_model_for_task(self, task_type: str, model: str | None) -> None:
        """Ask ``model`` first for work of this type; ``None`` takes that back.

        :param task_type: a task's type, or an agent, with or without ``_agent`` behind it.
        """
        if model is None:
            TASK_MODELS.pop(task_type, None)
        else:
            TASK_MODELS[task_type] = model


class SecurityManager:
    """The guard outside of any task, as the guide calls it: looks at texts, and writes down what was done.

    As it is written there:

        input_check = security_manager.sanitize_input(input_data)
        if not input_check["safe"]:
            raise SecurityException(input_check["issues"])

    The detectors compute for some milliseconds a kilobyte and wait for nothing, so this may be called on an event loop.
    """

    def __init__(self, **settings: Any) -> None:
        """:param settings: what :class:`~aiorch.Orchestrator` takes; ``guard`` and ``input_limit`` count here."""
        self._settings = settings

    @cached_property
    def _screening(self) -> Screening:
        from aiorch.screening import Screening
        from aiorch.settings import Settings

        screening = Screening(Settings.load(**self._settings))
        atexit.register(screening.close)  # nobody closes what the guide calls as functions
        return screening

    def sanitize_input(self, data: object) -> dict[str, Any]:
        """Look at what would be sent to a model: a text, messages, or any data with texts in it.

        :returns: ``safe``; ``issues``, each an :class:`~aiorch.types.Issue`; ``action``; and ``sanitized``, the same
            data without what the policy redacts.
        """
        seen = self._screening.look("input", data)
        return {"safe": seen.allowed, "issues": seen.issues, "action": seen.action, "sanitized": seen.content}

    def validate_output(self, data: object) -> dict[str, Any]:
        """Look at what a model said, in the same way. :returns: ``valid``, ``issues``, ``action`` and ``output``."""
        seen = self._screening.look("output", data)
        return {"valid": seen.allowed, "issues": seen.issues, "action": seen.action, "output": seen.content}

    def log_execution(self, input_data: object, output_data: object, **fields: Any) -> None:
        """Write an execution into the audit log of the data folder: sizes and hashes, or what ``retention`` says.

        :raises AuditError: when it cannot be written.
        """
        self._screening.record(input_data, output_data, **fields)


config = Config()
matcher = TaskMatcher()
security_manager = SecurityManager()


def get_enhanced_discovery(**settings: Any) -> EnhancedDiscovery:
    """Whom the guide asks for models.

    As it is written there:

        discovery = get_enhanced_discovery()
        available = await discovery.discover_all_providers()
        print(f"Available models: {sum(len(m) for m in available.values())}")

    :param settings: what :class:`~aiorch.Orchestrator` takes, for example ``offline=True``.
    """
    return EnhancedDiscovery(**settings)
