"""Which models exist, which of them can be used now, and why the others cannot.

The catalogue knows what is listed, retired and found uncallable; routing knows who is benched; settings know keys and
what may be spent. Here they meet.
"""

from aiorch.discovering.discovery import Counted, DiscoveredModel, DiscoveredProvider, Discovery, Summary
from aiorch.discovering.joining import PAID, Circumstances, discover, join, standings
from aiorch.discovering.orders import ORDERS, score
from aiorch.discovering.records import day, record

__all__ = [
    "ORDERS",
    "PAID",
    "Circumstances",
    "Counted",
    "DiscoveredModel",
    "DiscoveredProvider",
    "Discovery",
    "Summary",
    "day",
    "discover",
    "join",
    "record",
    "score",
    "standings",
]
