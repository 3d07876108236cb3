"""How long the keys of services are that give theirs no beginning of its own, so that a malformed one can be told.

``wandb_api_key = <39 digits>`` is no key of Weights & Biases: what stands beside a service's name and nearly fits is a
slip, a test or a redaction. What is of another length altogether may be another kind of secret, and is judged as any.
"""

from __future__ import annotations

import re
from functools import cache

NEARLY = 6
"""Characters by which a malformed key is too short or too long at most."""

_TABLE = """
abuseipdb:80 algolia:x32 alibaba:30 alphavantage:16 apilayer:32 assemblyai:x32 audd:32 besnappy:x64 bitly:x40
boostnote:x64 brandfetch:40 buttercms:x40 campayn:x64 checkly:32 circleci:40 clarifai:32 clockify:48 codeclimate:x64
codequiry:x64 cohere:40 coinlayer:32 cryptocompare:x64 currencylayer:x32 datadog:x32,x40,40 deepgram:x40 deepinfra:32
detectlanguage:x32 diffbot:32 docparser:x40 dockerhub:36 etherscan:34 eventbrite:20 exchangerate-api:x24
exchangeratesapi:32 facebook:x32 fastly:32 fetchrss:40 fireworks:24 flickr:32 flightapi:x24 foursquare:48 geocodify:x40
giphy:32 helpscout:x40 honeycomb:x32,22 iconfinder:64 infura:x32 intrinio:44 ipinfodb:x64
ipstack:x32 jumpcloud:40 lastfm:x32 loadmill:40 lokalise:40 mailboxlayer:x32 mapquest:32 mediastack:x32 mistral:32
moonclerk:x32 moralis:64 newsapi:x32 numverify:x32 opencagedata:32 openuv:32 openweather:x32 owlbot:x40 pandadoc:40
pdflayer:x32 pdfshift:x32 pipedrive:x40 positionstack:32 pushbullet:34 qubole:x64 rapidapi:50
scraperapi:x32 scrapingant:x32 securitytrails:32 sendbird:x40,24 shodan:32 sonarcloud:x40 spoonacular:x32 spotify:32
statuscake:20 stockdata:x40 ticketmaster:32 timecamp:26 todoist:x40 tomtom:32 trello:32,64,76
twitch:30 unsplash:43 uplead:32 virustotal:x64 walkscore:x32 wandb:x40 weatherbit:x32 weatherstack:32 worksnaps:40
youneedabudget:x64,43 zendesk:40 zenrows:x40 zerobounce:32
"""
"""A service's name, then the lengths of its keys; with an ``x``, keys of hexadecimal digits."""

_HEX = re.compile(r"[0-9a-fA-F]+")


@cache
def _known() -> tuple[re.Pattern[str], dict[str, tuple[tuple[int, bool], ...]]]:
    lengths: dict[str, tuple[tuple[int, bool], ...]] = {}
    for entry in _TABLE.split():
        name, _, kinds = entry.partition(":")
        lengths[name] = tuple((int(kind.lstrip("x")), kind.startswith("x")) for kind in kinds.split(","))
    return re.compile("|".join(map(re.escape, lengths))), lengths


def misshapen(value: str, before: str) -> bool:
    """True for what nearly is a key of the service that ``before`` names.

    >>> misshapen("0123456789abcdef" * 2 + "f", "wandb_api_key = "), misshapen("9f" * 21, "wandb_api_key = ")
    (False, True)
    """
    names, lengths = _known()
    named = names.findall(before.lower())
    if not named:
        return False
    kinds = lengths[named[-1]]
    hexadecimal = _HEX.fullmatch(value) is not None
    if any(len(value) == size and (hexadecimal or (not hexed and value.isalnum())) for size, hexed in kinds):
        return False
    return any(abs(len(value) - size) <= NEARLY for size, _ in kinds)
