"""Files that tasks hand on: by reference, with the hash of what they held.

    @flow.task
    def report(draft: str) -> Artifact:
        Path("report.md").write_text(draft)
        return Artifacts("kept").keep("report.md")

    @flow.task
    def words(report: Artifact) -> int:
        return len(report.read_text().split())

What a run stores of a file is four facts, whatever its size. Whoever reads it later gets what the task gave, or is told
that it is not there any more.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from aiorch.errors import ArtifactChanged, InputError, StorageError

_PIECE = 1 << 20
"""Bytes copied at a time."""

_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file, and what it held when it was taken down: goes to JSON and back like every type of this package.

    It does not hold the content. Where machines share a run, its path has to mean the same file on all of them.
    """

    path: Path
    """Absolute."""
    sha256: str
    """Of the content, in hexadecimal digits."""
    size: int
    """Bytes."""
    media_type: str = _UNKNOWN
    """What kind of content it is: ``text/markdown``."""

    @classmethod
    def of(cls, path: str | Path, media_type: str | None = None) -> Artifact:
        """Take down a file as it is now. It stays where it is: who changes it makes the artifact unreadable.

        :param media_type: told by the name's ending where it is not given.
        :raises InputError: when the file cannot be read.
        """
        where = Path(path).absolute()
        try:
            with where.open("rb") as file:
                digest, size = _digest(file)
        except OSError as wrong:
            raise InputError(f"no artifact can be made of {where}: {wrong}") from wrong
        return cls(where, digest, size, media_type or _media_type(where))

    def read_bytes(self) -> bytes:
        """What it held. :raises ArtifactChanged: when the file is gone, or holds something else now."""
        try:
            content = self.path.read_bytes()
        except OSError as wrong:
            raise self._gone(wrong) from wrong
        self._same(hashlib.sha256(content).hexdigest(), len(content))
        return content

    def read_text(self, encoding: str = "utf-8") -> str:
        """The same as text, with line ends as they are.

        :raises ArtifactChanged: as :meth:`read_bytes`.
        :raises UnicodeDecodeError: when it is no text in this encoding.
        """
        return self.read_bytes().decode(encoding)

    def open(self) -> BinaryIO:
        """Open it for reading, where it is too large to hold. It is read through once before, to compare.

        :raises ArtifactChanged: as :meth:`read_bytes`.
        """
        try:
            file = self.path.open("rb")
        except OSError as wrong:
            raise self._gone(wrong) from wrong
        try:
            self._same(*_digest(file))
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _same(self, digest: str, size: int) -> None:
        if digest != self.sha256:
            raise ArtifactChanged(
                f"the file {self.path} is not any more what it was: it has {size} bytes with sha256 {digest[:12]}..., "
                f"and had {self.size} with {self.sha256[:12]}...; {_CURE}"
            )

    def _gone(self, wrong: OSError) -> ArtifactChanged:
        return ArtifactChanged(f"the file {self.path} cannot be read: {wrong.strerror or wrong}; {_CURE}")


_CURE = "run the task that made it again, and let it keep a copy that nobody changes: Artifacts(folder).keep(path)"


class Artifacts:
    """A folder that keeps copies of files under the hash of their content: the same content once, never changed.

    :param folder: made where it does not exist; for many machines one that all of them see.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).absolute()

    def keep(self, path: str | Path, media_type: str | None = None) -> Artifact:
        """Copy a file here, whole or not at all; the artifact is the copy.

        :param media_type: told by the name's ending where it is not given.
        :raises InputError: when the file cannot be read.
        :raises StorageError: when the copy cannot be written.
        """
        source = Path(path)
        try:
            file = source.open("rb")
        except OSError as wrong:
            raise InputError(f"{source} cannot be kept: {wrong}") from wrong
        with file:
            try:
                kept, digest, size = self._copied(file)
            except OSError as wrong:
                raise StorageError(
                    f"{source} cannot be kept in {self.folder}: {wrong.strerror or wrong}; nothing was changed there"
                ) from wrong
        return Artifact(kept, digest, size, media_type or _media_type(source))

    def _copied(self, file: BufferedReader) -> tuple[Path, str, int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as copy:
            made = Path(copy.name)
            try:
                found = hashlib.sha256()
                while piece := file.read(_PIECE):
                    found.update(piece)
                    copy.write(piece)
                size = copy.tell()
                copy.flush()
                made.chmod(stat.S_IMODE(os.fstat(file.fileno()).st_mode))  # as readable as the file
                os.fsync(copy.fileno())  # else a power cut could leave an empty file under the full name
                copy.close()
                digest = found.hexdigest()
                kept = self.folder / digest[:2] / digest
                kept.parent.mkdir(exist_ok=True)
                made.replace(kept)
            except BaseException:
                copy.close()
                made.unlink(missing_ok=True)
                raise
        return kept, digest, size


def _digest(file: BufferedReader) -> tuple[str, int]:
    found = hashlib.file_digest(file, "sha256").hexdigest()
    return found, file.tell()


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or _UNKNOWN
