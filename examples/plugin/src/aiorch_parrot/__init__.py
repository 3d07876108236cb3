"""One of each thing that a plugin can add to aiorch."""

from aiorch_parrot.check import EndsWell
from aiorch_parrot.matcher import Roomiest
from aiorch_parrot.provider import Parrot
from aiorch_parrot.tool import count_words
from aiorch_parrot.validator import NoShouting

__all__ = ["EndsWell", "NoShouting", "Parrot", "Roomiest", "count_words"]
