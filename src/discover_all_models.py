"""Count the models of every known provider, as JSON: ``python -m discover_all_models``.

The four numbers of the integration guide, each as what is listed and what can be used now. ``aiorch discover`` says
more.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Print the numbers. Returns the exit code."""
    import anyio

    import aiorch

    async def look() -> aiorch.Discovery:
        return await aiorch.discover()

    try:
        found = anyio.run(look)
    except aiorch.AiorchError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, aiorch.ConfigurationError) else 1
    sys.stdout.write(json.dumps(found.summary, indent=2) + "\n")
    sys.stderr.write("`aiorch discover` says which providers these are, `aiorch models --all` which models\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
