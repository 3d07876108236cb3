"""``python -m aiorch``: the command ``aiorch`` where its script is not on the path."""

from aiorch.cli import main

if __name__ == "__main__":
    main()
