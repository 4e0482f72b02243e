"""What the cache keeps on disk between runs, kept in memory between the looks of one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.briefs import Brief, of_record
from lockcheck.cache.folder import digest
from lockcheck.cache.kept import KeptRecords
from lockcheck.cache.snapshots import Snapshots
from lockcheck.held import Held
from lockcheck.reader import Reader
from lockcheck.relinked import Renewing

if TYPE_CHECKING:
    from lockcheck.cache.snapshots import Islands
    from lockcheck.outline import Outline
    from lockcheck.records import Record, Wanted

MOST = 3
"""How many contents of a file are kept, besides the one that was linked last."""


class MemoryRecords(KeptRecords):
    """The records of the last contents of each file."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, str], dict[Wanted, str]] = {}
        self._found: dict[str, Record] = {}
        self._briefs: dict[str, Brief | None] = {}
        self._outlines: dict[str, Outline | None] = {}
        self._wanted: dict[str, Wanted] = {}
        self._grown: set[tuple[str, str]] = set()
        self.pinned: frozenset[str] = frozenset()
        """The contents that the last linked result was made of."""

    def get(self, wanted: Wanted) -> Record | None:
        return self._found.get(self.key(wanted))

    def held(self, wanted: Wanted) -> Held | None:
        record = self.get(wanted)
        return None if record is None else Held(wanted, record)

    def of_key(self, key: str) -> Record | None:
        return self._found.get(key)

    def brief(self, key: str) -> Brief | None:
        if key not in self._briefs and key in self._found:
            self._briefs[key] = of_record(self._found[key])
        return self._briefs.get(key)

    def move(self, wanted: Wanted) -> bool:
        return self.key(wanted) in self._found

    def last(self, wanted: Wanted) -> Record | None:
        contents = list(self._contents.get((wanted.path, wanted.module), {}).values())
        return next((record for key in reversed(contents) if (record := self._found.get(key))), None)

    def put(self, wanted: Wanted, record: Record) -> None:
        self._found[self.key(wanted)] = record

    def text_of(self, key: str) -> str | None:
        wanted = self._wanted.get(key)
        return None if wanted is None else wanted.text

    def put_text(self, wanted: Wanted) -> None:
        """Texts are kept anyway."""

    def save(self) -> None:
        """Let go of contents that are neither among the last ones of their file nor linked."""
        for name in self._grown:
            contents = self._contents[name]
            for wanted in [item for item, key in list(contents.items())[:-MOST] if key not in self.pinned]:
                self._forget(contents.pop(wanted))
        self._grown = {name for name in self._grown if len(self._contents[name]) > MOST}

    def _forget(self, key: str) -> None:
        self._found.pop(key, None)
        self._briefs.pop(key, None)
        self._outlines.pop(key, None)
        self._wanted.pop(key, None)

    def key(self, wanted: Wanted) -> str:
        name = (wanted.path, wanted.module)
        contents = self._contents.setdefault(name, {})
        key = contents.pop(wanted, None)
        if key is None:
            parts = (wanted.path, wanted.module, f"{wanted.is_package} {wanted.declare}", "")
            key = digest("\0".join(parts).encode("utf-8", "surrogatepass") + wanted.content.digest)
            self._wanted[key] = wanted
            self._grown.add(name)
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
class Memory(Renewing):
    """Means of looks that know what earlier ones have found."""

    records: MemoryRecords
    snapshots: MemorySnapshots

    @classmethod
    def of(cls, records: MemoryRecords) -> Memory:
        return cls(records=records, snapshots=MemorySnapshots(records))

    def prepared(self) -> tuple[Reader, Snapshots | None]:
        return Reader(self.records), self.snapshots
