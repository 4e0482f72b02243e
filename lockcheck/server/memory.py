"""What the cache keeps on disk between runs, kept in memory between the looks of one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.cache.folder import digest
from lockcheck.cache.kept import KeptRecords
from lockcheck.cache.snapshots import Snapshots
from lockcheck.held import Held
from lockcheck.linked import Means
from lockcheck.reader import Reader

if TYPE_CHECKING:
    from lockcheck.cache.snapshots import Islands
    from lockcheck.records import Record, Wanted

MOST = 3
"""How many contents of a file are kept, besides the one that was linked last."""


class MemoryRecords(KeptRecords):
    """The records of the last contents of each file."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, str], dict[Wanted, str]] = {}
        self._found: dict[str, Record] = {}
        self.pinned: frozenset[str] = frozenset()
        """The contents that the last linked result was made of."""

    def get(self, wanted: Wanted) -> Record | None:
        return self._found.get(self.key(wanted))

    def held(self, wanted: Wanted) -> Held | None:
        record = self.get(wanted)
        return None if record is None else Held(wanted, record)

    def of_key(self, key: str) -> Record | None:
        return self._found.get(key)

    def last(self, wanted: Wanted) -> Record | None:
        contents = list(self._contents.get((wanted.path, wanted.module), {}).values())
        return next((record for key in reversed(contents) if (record := self._found.get(key))), None)

    def put(self, wanted: Wanted, record: Record) -> None:
        self._found[self.key(wanted)] = record

    def save(self) -> None:
        """Let go of contents that are neither among the last ones of their file nor linked."""
        for contents in self._contents.values():
            for wanted in [item for item, key in list(contents.items())[:-MOST] if key not in self.pinned]:
                self._found.pop(contents.pop(wanted), None)

    def key(self, wanted: Wanted) -> str:
        contents = self._contents.setdefault((wanted.path, wanted.module), {})
        key = contents.pop(wanted, None)
        if key is None:
            parts = (wanted.path, wanted.module, f"{wanted.is_package} {wanted.declare}", "")
            key = digest("\0".join(parts).encode("utf-8", "surrogatepass") + wanted.content.digest)
        contents[wanted] = key  # the last one that was asked for comes last
        return key


class MemorySnapshots(Snapshots):
    """The last linked result, whatever it goes by: `renewal` tells for which files it holds. One for each set of
    settings."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self._last: Islands = ()

    def read(self, name: str) -> Islands:  # noqa: ARG002 - there is but one
        return self._last

    def write(self, name: str, islands: Islands) -> None:  # noqa: ARG002 - as above
        self._last = islands
        self._records.pinned = frozenset(file.key for island in islands for file in island.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Means):
    """Means of looks that know what earlier ones have found."""

    records: MemoryRecords
    snapshots: MemorySnapshots

    @classmethod
    def of(cls, records: MemoryRecords) -> Memory:
        return cls(records=records, snapshots=MemorySnapshots(records))

    def prepared(self) -> tuple[Reader, Snapshots | None]:
        return Reader(self.records), self.snapshots
