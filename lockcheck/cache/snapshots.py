"""The linked results of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lockcheck.cache.codec import codec
from lockcheck.cache.folder import Folder, digest
from lockcheck.cache.shards import packed, unpacked
from lockcheck.findings import Problem
from lockcheck.snapshot import Beside, File, Sealed, Snapshot, opened

if TYPE_CHECKING:
    from lockcheck.records import Wanted
    from lockcheck.settings import Settings

MOST = 12
"""How many results are kept: one for each choice of rules and set of files."""


Islands: TypeAlias = tuple[Snapshot, ...]


class _Kept(NamedTuple):
    """A snapshot as it is kept: entries are sealed."""

    files: tuple[File, ...]
    consulted: tuple[str, ...]
    beside: tuple[Beside, ...]
    entries: tuple[Sealed, ...]
    unresolved: Mapping[str, int]
    broken: tuple[Problem, ...]
    unread: tuple[Problem, ...]


class Snapshots:
    """The results for each set of settings and files."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def read(self, name: str) -> Islands:
        """The results of all islands; none where none are kept."""
        content = self._folder.read(name)
        document = None if content is None else unpacked(content)
        decode = codec(tuple[_Kept, ...]).decode
        if document is None or decode is None:
            return ()
        try:
            return tuple(map(_opened, decode(document)))
        except (TypeError, ValueError, LookupError, RecursionError):
            return ()

    def write(self, name: str, islands: Islands) -> None:
        encode = codec(tuple[_Kept, ...]).encode
        try:
            content = packed(encode(list(map(_sealed, islands))) if encode is not None else None)
        except (ValueError, RecursionError):
            return
        if self._folder.write(name, content):
            self._folder.trim("linked", MOST)


def _sealed(snapshot: Snapshot) -> _Kept:
    return _Kept(*snapshot[:3], tuple(entry.sealed() for entry in snapshot.entries), *snapshot[4:])


def _opened(kept: _Kept) -> Snapshot:
    return Snapshot(*kept[:3], tuple(map(opened, kept.entries)), *kept[4:])


def pack(snapshot: Snapshot) -> bytes:
    """One result, to be sent elsewhere. Raises ValueError and RecursionError for what cannot be written."""
    return packed(codec(_Kept).encode(_sealed(snapshot)))  # type: ignore[misc]  # a tuple is converted


def unpack(content: bytes) -> Snapshot | None:
    """The result that was packed; None where it is damaged."""
    document = unpacked(content)
    return None if document is None else _opened(codec(_Kept).decode(document))  # type: ignore[misc]  # as above


def name_of(settings: Settings, wanted: Sequence[Wanted], overlay: Mapping[str, str]) -> str:
    """What the result of these files goes by, whatever they hold."""
    files = "\n".join(f"{item.path}\0{item.module}\0{item.declare}" for item in wanted)
    parts = (str(Path.cwd()), repr(settings), files, *sorted(overlay))
    return f"linked/{digest(chr(0).join(parts).encode('utf-8', 'surrogatepass'))}"
