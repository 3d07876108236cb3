"""The command line, thin over the library: ``aiorch run``, ``ask``, ``models``, ``init``, ``doctor``, ``local``.

Every command is a file of its own, imported when it is called. Answers and results go to standard output, everything
else to standard error; with ``--json`` standard output carries JSON only.

:func:`main` is the program ``aiorch`` and ``python -m aiorch``; ``app`` is the click command behind it.
"""

from aiorch.cli.app import app, main

__all__ = ["app", "main"]
