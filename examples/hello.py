"""One question, answered by whoever is free: `python examples/hello.py "Why is the sky blue?"`."""

from __future__ import annotations

import asyncio
import sys

import aiorch


async def main(question: str) -> None:
    async with aiorch.Orchestrator() as ai:
        outcome = await ai.run(question)
        print(outcome.value)
        print(f"\n{outcome.model}, {outcome.seconds:.1f} s, {outcome.cost} USD", end="")
        print(" (demo model: often wrong)" if outcome.demo else "")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Which city is the capital of Italy? Answer in one word."))
