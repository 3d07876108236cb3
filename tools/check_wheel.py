"""Look into a wheel before it is published: is all in it that has to be, and nothing else?

python tools/check_wheel.py dist/aiorch_sdk-*.whl
"""

from __future__ import annotations

import argparse
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

HAS = (
    "aiorch/__init__.py",
    "aiorch/py.typed",
    "aiorch/catalog/data/catalog.json.gz",
    "aiorch/catalog/data/successors.csv",
    "aiorch/catalog/data/NOTICE.md",
    "aiorch/providers/local/data/NOTICE.md",
    "aiorch/providers/local/data/vocab.txt.gz",
    "aiorch/safety/data/harmful.model",
    "aiorch/safety/data/injection.model",
    "aiorch/safety/data/injection_rules.toml",
    "aiorch/safety/data/rule_trials.toml",
    "discover_all_models.py",
)
ALLOWED = re.compile(r"aiorch/[\w/]+\.py|aiorch/py\.typed|aiorch(/\w+)+/data/[\w.-]+|discover_all_models\.py")
NEVER = re.compile(r"(^|/)\.env|\.(gguf|onnx|safetensors|pem|key|sqlite3|jsonl)$|(^|/)__pycache__/")
LARGEST = 3_000_000
"""Bytes: the code and its tables. Weights come in packages of their own."""


def faults(names: list[str], size: int, version: str) -> Iterator[str]:
    """What is wrong with a wheel that holds these files.

    :param size: bytes of the wheel.
    :param version: what it has to be.
    """
    info = f"aiorch_sdk-{version}.dist-info/"
    wanted = (*HAS, f"{info}METADATA", f"{info}entry_points.txt", f"{info}licenses/LICENSE")
    yield from (f"{name} is missing" for name in wanted if name not in names)
    for name in names:
        if NEVER.search(name) or not (ALLOWED.fullmatch(name) or name.startswith(info)):
            yield f"{name} does not belong in it"
    if size > LARGEST:
        yield f"it has {size:,} bytes, more than {LARGEST:,}"


def main() -> int:
    """:returns: 0 when nothing is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    version = wheel.name.split("-")[1]
    with zipfile.ZipFile(wheel) as opened:
        names = [one.filename for one in opened.infolist() if not one.is_dir()]
    found = list(faults(names, wheel.stat().st_size, version))
    for fault in found:
        print(f"{wheel.name}: {fault}", file=sys.stderr)
    if not found:
        print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size:,} bytes, nothing is wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
