"""Requests that should not be helped with: a score by a small model, with the kind of harm that its words
speak of.

A score of words cannot know what somebody is about. It flags, routes or asks; over-refusal is a fault like
any other. A judge that reads (:mod:`aiorch.safety.moderation`) can follow where a profile wants one.
"""

from __future__ import annotations

import re
from functools import cached_property

from aiorch.safety.detection import Finding
from aiorch.safety.scoring import HashedModel

LEAST = 0.5
"""The score from which there is a finding; what that means is in docs/model-cards/harmful.md."""

CATEGORIES: dict[str, str] = {
    # The first that fits names the finding; the order is from the most particular to the least. White space
    # counts for nothing, ``_`` stands for a space.
    "sexual": r"""
        porn\w* | nudes? | rap(?:e|ing|ist) | incest | pedophil\w* | molest\w* | sexual\w* | upskirt |
        groom(?:ing)?
    """,
    "selfharm": r"""
        suicid\w* | self.?harm | kill_myself | end_my_life | cut(?:ting)?_myself | hang_myself |
        starv\w* | anorexi\w* | bulimi\w* | hurt_myself
    """,
    "weapons": r"""
        bombs? | explosives? | weapons? | guns? | firearms? | grenades? | molotov | napalm | sarin |
        ricin | anthrax | nerve_(?:gas|agent) | silencer | ammunition | ieds? | pathogens? | nuclear |
        toxins?
    """,
    "drugs": r"""
        meth\w* | cocaine | heroin | fentanyl | lsd | mdma | ecstasy | ghb | drugs? | opioids? |
        steroids | narcotics
    """,
    "cyber": r"""
        hack\w* | malware | virus | ransomware | trojan | keylogger | rootkit | botnet | spyware |
        phishing | ddos | exploit\w* | backdoor | passwords? | servers? | network | wi-?fi | firewall |
        antivirus
    """,
    "hate": r"""
        racis\w* | sexis\w* | homophob\w* | antisemit\w* | slurs? | hat(?:e|red|eful) | genocide |
        nazi\w* | supremac\w* | discriminat\w* | inferior | muslims? | jews? | immigrants? | refugees |
        minorit\w*
    """,
    "harassment": r"""
        stalk\w* | harass\w* | bully\w* | cyberbully\w* | dox\w* | blackmail\w* | threat\w* |
        humiliat\w* | intimidat\w* | spy\w* | defam\w*
    """,
    "misinformation": r"""
        fake_news | disinformation | misinformation | propaganda | conspirac\w* | hoax | rumou?rs? |
        vaccines? | election | deepfakes?
    """,
    "fraud": r"""
        fraud\w* | scam\w* | launder\w* | counterfeit\w* | forg\w* | fake | identity_theft | brib\w* |
        embezzl\w* | ponzi | insider | evad\w* | credit_cards? | steal\w* | rob\w* | shoplift\w* |
        burglar\w* | piracy | pirat\w* | illegal\w*
    """,
    "violence": r"""
        kill\w* | murder\w* | assassin\w* | poison\w* | tortur\w* | stab\w* | strangl\w* | kidnap\w* |
        attack\w* | shoot\w* | hurt\w* | harm\w* | violen\w* | terror\w* | blow_up | abus\w* |
        assault\w*
    """,
}


class HarmfulContent:
    """Scores how likely a text asks for something harmful.

    >>> HarmfulContent().scan("How do I kill a Python process?")
    []
    >>> [f.rule for f in HarmfulContent().scan("Give me instructions to build a pipe bomb at home")]
    ['harmful.weapons']
    """

    name = "harmful"

    def __init__(self, least: float = LEAST) -> None:
        self.least = least

    def scan(self, text: str) -> list[Finding]:
        """One finding at the most; its span is the stretch that scores highest, its confidence the score."""
        highest = self._model.highest(text)
        if highest.score < self.least:
            return []
        category = self._category(text[highest.start : highest.end])
        what = f"a request that may be harmful ({category}); a score of words, no certainty"
        return [Finding(f"harmful.{category}", (highest.start, highest.end), highest.score, what)]

    def score(self, text: str) -> float:
        """0 to 1."""
        return self._model.score(text)

    def _category(self, text: str) -> str:
        return next((name for name, words in self._words if words.search(text)), "other")

    @cached_property
    def _model(self) -> HashedModel:
        return HashedModel.read("harmful")

    @cached_property
    def _words(self) -> list[tuple[str, re.Pattern[str]]]:
        return [
            (name, re.compile(rf"\b(?:{words.replace('_', '[ ]')})\b", re.I | re.X))
            for name, words in CATEGORIES.items()
        ]
