"""What files held when earlier runs read them: a file whose times and size are the same is not read again.

Only what was found at a time at which another change of the file would show counts, as in the runs that are printed
again (`replay`).
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from lockcheck.cache import recording
from lockcheck.cache.folder import Folder, digest
from lockcheck.cache.replay import settled, times
from lockcheck.findings import Problem
from lockcheck.sources import ChangedError, Content, Source, Traits, read_source

if TYPE_CHECKING:
    from pathlib import Path

MOST = 12
"""For how many working folders this is kept."""
SPARE = 1_000
"""How many files are remembered besides those of the last run."""


class Unread(Content):
    """The text of a file that is known by its digest; it is read when it is asked for. Raises ChangedError where the
    file holds another one by then."""

    __slots__ = ("_file", "_path")

    def __init__(self, path: str, file: Path, known: bytes, traits: Traits) -> None:
        super().__init__("")
        self._path, self._file = path, file
        self._digest, self._traits = known, traits

    @property
    def text(self) -> str:
        if not self._text:
            found = read_source(self._file, self._path)
            if isinstance(found, Problem) or found.content.digest != self._digest:
                raise ChangedError(self._path)
            self._text = found.text
        return self._text

    def pack(self) -> None:
        """Let go of the text, which can be read again."""
        self._text = ""


class Seen:
    """The files of one working folder, by their paths as findings name them."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._name = f"seen/{digest(os.fsencode(os.getcwd()))}"
        self._known = _rows(folder.read(self._name))
        self._now: dict[str, list[Any]] = {}

    def source(self, file: Path, path: str) -> Source | Problem:
        """A file: read now, or, where it is known, when its text is asked for."""
        began = time.time_ns()
        try:
            stamp = times(os.stat(file))
        except OSError:
            return read_source(file, path)  # which says why
        known = self._known.get(path)
        if known is not None and known[0] == list(stamp):
            if recorded := recording.current():
                recorded.trusted(file, stamp)
            self._now[path] = known
            return Source(path, file, Unread(path, file, bytes.fromhex(known[1]), Traits(*known[2])))
        found = read_source(file, path)
        if isinstance(found, Source) and found.is_plain and settled(stamp, began):
            self._now[path] = [list(stamp), found.content.digest.hex(), list(found.content.traits)]
        return found

    def save(self) -> None:
        """Keep what was found, where it is new."""
        if all(self._known.get(path) is row for path, row in self._now.items()):
            return
        rows = {**self._known, **self._now}
        rows = rows if len(rows) <= len(self._now) + SPARE else self._now
        if self._folder.write(self._name, json.dumps(rows, separators=(",", ":")).encode()):
            self._folder.trim("seen", MOST)
        self._known = rows


def _rows(content: bytes | None) -> dict[str, list[Any]]:
    """By path, the times and size, the digest and the traits. A document that passed its checksum has this form."""
    if content is None:
        return {}
    rows: dict[str, list[Any]] = json.loads(content)
    return rows
