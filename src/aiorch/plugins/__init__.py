"""What other packages add: found through entry points, loaded on first use, reported by name when broken.

In the ``pyproject.toml`` of such a package:

    [project.entry-points."aiorch.providers"]
    parrot = "aiorch_parrot:Parrot"

An entry point names one of three things. A class is called to make the object; an object that is already what its group
asks for is used as it is; anything else that can be called is called to make one. Whatever is called gets the settings
where it has a parameter ``settings``, and may give ``None``: then there is nothing to use here (no key, say).
"""

from aiorch.plugins.entries import GROUPS, Plugin, declared
from aiorch.plugins.making import imported, lacking, made

__all__ = ["GROUPS", "Plugin", "declared", "imported", "lacking", "made"]
