"""A path in an argument: does it stay where it belongs? Judged by its letters alone; no file is touched, no
link followed.

A tool that opens the path resolves it once more, and compares: links can lead out of a folder that every
letter is in.
"""

from __future__ import annotations

import posixpath
import re

from aiorch.safety.detection import Finding
from aiorch.safety.unescaping import readings

DEVICES = re.compile(
    r"(?:^|[\\/])(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(?:\s*[.:][^\\/]*)?(?=$|[\\/])",
    re.I,
)
SYSTEM = re.compile(
    r"/(?:proc|sys|dev)(?:/|$)|/etc/(?:passwd|shadow|sudoers|ssh)\b|(?:^|/)\.(?:ssh|aws|gnupg|kube|docker)/|(?:^|/)\.env$",
    re.I,
)
ODD_SLASHES = str.maketrans(
    {
        "\u2215": "/",
        "\u2044": "/",
        "\u29f8": "/",
        "\uff0f": "/",
        "\uff3c": "\\",
        "\u2216": "\\",
        "\uff0e": ".",
        "\u2024": ".",
        "\u2025": "..",
    }
)
OVERLONG = re.compile(
    r"%c0%(?:ae|af|2e|2f|5c|9v)|%c1%(?:9c|1c|8s|af)|%e0%80%(?:ae|af)|%u(?:2215|2216|ff0f|002e|002f|005c)",
    re.I,
)


class UnsafePath:
    """Looks at a text that is a path: where does it lead?

    :param root: the folder that it must stay in, absolute or relative to one; ``None`` allows any relative
        path that does not climb out of where it starts.

    >>> UnsafePath().scan("reports/2026/may.csv")
    []
    >>> [f.rule for f in UnsafePath().scan("reports/%2e%2e/%2e%2e/etc/passwd")]
    ['path.encoded', 'path.traversal', 'path.system']
    >>> UnsafePath(root="/srv/data").scan("/srv/data/a.txt")
    []
    """

    name = "path"

    def __init__(self, root: str | None = None) -> None:
        self.root = None if root is None else posixpath.normpath(root.replace("\\", "/"))

    def scan(self, text: str) -> list[Finding]:
        """What is wrong with it; the span is the whole text."""
        found: dict[str, tuple[float, str]] = {}
        forms = readings(text)
        for form in forms:
            for rule, sure, what in self._wrong(form):
                found.setdefault(rule, (sure, what))
        hidden = any("/" in f or ".." in f or "\\" in f for f in forms[1:]) and len(forms) > 1
        if OVERLONG.search(text) or (hidden and found):
            found = {"encoded": (0.95, "parts of a path written so that a check may not see them"), **found}
        return [Finding(f"path.{rule}", (0, len(text)), sure, what) for rule, (sure, what) in found.items()]

    def _wrong(self, text: str) -> list[tuple[str, float, str]]:
        wrong: list[tuple[str, float, str]] = []
        if "\0" in text:
            wrong.append(("nul", 0.99, "a zero byte, at which some programs stop reading"))
        if any(c < " " and c != "\0" for c in text):
            wrong.append(("control", 0.9, "a control character"))
        plain = text.translate(ODD_SLASHES).replace("\\", "/")
        if plain.startswith(("//./", "//?/")):
            wrong.append(("device", 0.98, "a name of a device of Windows"))
        elif plain.startswith("//"):
            wrong.append(("network", 0.95, "a path to another machine"))
        if DEVICES.search(text):
            wrong.append(("device", 0.9, "a name that Windows keeps for a device"))
        if re.match(r"[A-Za-z][A-Za-z0-9+-]+:", plain) and not re.match(r"[A-Za-z]:(?:/|$)", plain):
            wrong.append(("scheme", 0.9, "an address, not a path"))
        elif re.search(r"^.{2,}:", plain) and re.search(r":[^/:]*$", plain):
            wrong.append(("stream", 0.7, "a colon, behind which Windows reads another stream of a file"))
        absolute = plain.startswith("/") or re.match(r"[A-Za-z]:", plain) is not None
        home = re.match(r"~[\w.-]*(?:/|$)", plain) is not None
        if self.root is None:
            if absolute or home:
                wrong.append(("absolute", 0.9, "a path that says where it starts"))
            if _climbs(plain):
                wrong.append(("traversal", 0.97, "a path that climbs out of where it starts"))
        elif home or not _within(plain, self.root, absolute=absolute):
            wrong.append(("outside", 0.97, f"a path outside of {self.root}"))
        if (absolute or _climbs(plain) or home) and SYSTEM.search(plain):
            wrong.append(("system", 0.97, "a file of the system or of its users' keys"))
        return wrong


def _climbs(path: str) -> bool:
    """Whether it ever leads above where it starts; ``a/../b`` does not."""
    depth = 0
    for step in path.split("/"):
        step = (
            re.sub(r";.*", "", step).rstrip(" ") or step
        )  # some servers cut off a parameter, Windows cuts off spaces
        if step == ".." or re.fullmatch(r"\.{3,}", step):
            depth -= 1
            if depth < 0:
                return True
        elif step not in ("", "."):
            depth += 1
    return False


def _within(path: str, root: str, *, absolute: bool) -> bool:
    if not absolute:
        return not _climbs(path)
    where = posixpath.normpath(re.sub(r"/+", "/", path))
    return where == root or where.startswith(root.rstrip("/") + "/")
