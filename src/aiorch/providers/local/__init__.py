"""The embedded model: any chat model in a GGUF file, run in this process by llama.cpp, without a key or a network.

``LocalProvider`` answers; ``known``, ``install``, ``installed``, ``locate``, ``verify`` and ``remove`` see to the
weights. The engine is the extra ``local``; nothing here imports it before the first answer.
"""

from aiorch.providers.local.downloads import Progress
from aiorch.providers.local.known import DEFAULT, KnownModel, PackageSource, UrlSource, known
from aiorch.providers.local.provider import LocalProvider
from aiorch.providers.local.records import verify
from aiorch.providers.local.weights import Installed, install, installed, locate, remove

__all__ = [
    "DEFAULT",
    "Installed",
    "KnownModel",
    "LocalProvider",
    "PackageSource",
    "Progress",
    "UrlSource",
    "install",
    "installed",
    "known",
    "locate",
    "remove",
    "verify",
]
