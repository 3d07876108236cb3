"""How aiorch is set up: one :class:`Settings` object, and the variables that keys are kept in.

A setting is taken from the first place that has it: an argument, the environment, a file ``.env``, ``aiorch.toml`` in
the current folder, ``aiorch.toml`` in the user's configuration folder, the default.

    settings = Settings.load(cache="disk")
    settings.secret("GEMINI_API_KEY", "GOOGLE_API_KEY")     # ("GEMINI_API_KEY", SecretStr("**********")) or None

Loads pydantic, so it is imported where settings are needed and not before.
"""

from aiorch.settings.allowances import Allowance
from aiorch.settings.defaults import DEFAULTS
from aiorch.settings.model import Settings, set_default
from aiorch.settings.sources import OTHER_VARIABLES

__all__ = ["DEFAULTS", "OTHER_VARIABLES", "Allowance", "Settings", "set_default"]
