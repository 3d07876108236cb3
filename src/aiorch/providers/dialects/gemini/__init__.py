"""Google's generateContent, as the Gemini API and Vertex AI speak it: ``requests`` writes a question, ``answers`` reads
what comes back, ``listing`` reads both lists of models, ``vectors`` is about embeddings.
"""

from aiorch.providers.dialects.gemini.dialect import DIALECT

__all__ = ["DIALECT"]
