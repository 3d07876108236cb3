"""`aiorch init` for readers of the guide: writes .env and aiorch.toml into the current folder, and tries the keys."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from aiorch.cli import main
    except ModuleNotFoundError as missing:
        sys.exit(
            f"{missing.name} is not installed: run `pip install -r requirements.txt` in the clone, then this again"
        )
    main(["init", *sys.argv[1:]])
