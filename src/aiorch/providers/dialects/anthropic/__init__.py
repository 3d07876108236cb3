"""Anthropic's Messages API: ``requests`` writes a question, ``answers`` reads what comes back, ``schemas`` bends a JSON
schema to what its structured outputs take, ``listing`` reads its list of models.
"""

from aiorch.providers.dialects.anthropic.dialect import DIALECT

__all__ = ["DIALECT"]
