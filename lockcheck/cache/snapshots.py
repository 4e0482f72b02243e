"""The linked results of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lockcheck.cache.codec import codec, schema
from lockcheck.cache.folder import Folder, digest
from lockcheck.cache.shards import packed, unpacked
from lockcheck.snapshot import Snapshot

if TYPE_CHECKING:
    from lockcheck.records import Wanted
    from lockcheck.settings import Settings

MOST = 12
"""How many results are kept: one for each choice of rules and set of files."""


Islands: TypeAlias = tuple[Snapshot, ...]


class Snapshots:
    """The results for each set of settings and files."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def read(self, name: str) -> Islands:
        """The results of all islands; none where none are kept."""
        content = self._folder.read(name)
        document = None if content is None else unpacked(content)
        decode = codec(Islands).decode
        try:
            return () if document is None or decode is None else decode(document)
        except (TypeError, ValueError, LookupError, RecursionError):
            return ()

    def write(self, name: str, islands: Islands) -> None:
        encode = codec(Islands).encode
        try:
            content = packed(encode(islands) if encode is not None else None)
        except (ValueError, RecursionError):
            return
        if self._folder.write(name, content):
            self._folder.trim("linked", MOST)


def name_of(settings: Settings, wanted: Sequence[Wanted], overlay: Mapping[str, str]) -> str:
    """What the result of these files goes by, whatever they hold."""
    files = "\n".join(f"{item.path}\0{item.module}\0{item.declare}" for item in wanted)
    parts = (schema(Snapshot), str(Path.cwd()), repr(settings), files, *sorted(overlay))
    return f"linked/{digest(chr(0).join(parts).encode('utf-8', 'surrogatepass'))}"
