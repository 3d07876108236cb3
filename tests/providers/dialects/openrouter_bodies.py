"""Answers of OpenRouter: OpenAI's, in whose dialect it speaks."""

from __future__ import annotations

from tests.providers.dialects.openai_bodies import *  # noqa: F403
