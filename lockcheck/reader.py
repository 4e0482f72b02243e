"""Reads files, each content once: what earlier runs have kept is taken from there, many new files go to workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockcheck.records import Record, Wanted, read_record

if TYPE_CHECKING:
    from lockcheck.cache.kept import KeptRecords
    from lockcheck.reading.slicing import Slices

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

MANY = 100
"""From how many files on worker processes are worth their start."""


class Reader:
    """Makes the records of files. `jobs` is how many processes may do that; 1 for this one alone."""

    def __init__(self, kept: KeptRecords | None = None, jobs: int = 1) -> None:
        self._kept = kept
        self._jobs = jobs
        self._records: dict[Wanted, Record] = {}
        self._last: dict[tuple[str, str], Record] = {}

    def records(self, wanted: Sequence[Wanted], progress: Progress) -> list[Record]:
        """The records of these files, in their order."""
        found: dict[Wanted, Record] = {}
        for item in wanted:
            record = self._records.get(item)
            if record is None and self._kept is not None:
                record = self._kept.get(item)
            if record is not None:
                found[item] = record
        missing = [item for item in wanted if item not in found]
        found.update(self._read(missing, progress))
        self._records.update(found)
        self._last.update({(item.path, item.module): record for item, record in found.items()})
        if self._kept is not None:
            self._kept.save()
        return [found[item] for item in wanted]

    def key(self, wanted: Wanted) -> str:
        """What a kept record goes by; "" where nothing is kept."""
        return self._kept.key(wanted) if self._kept is not None else ""

    def of_key(self, key: str) -> Record | None:
        """A record that an earlier run has kept."""
        return self._kept.of_key(key) if self._kept is not None else None

    def _read(self, wanted: Sequence[Wanted], progress: Progress) -> Mapping[Wanted, Record]:
        found: dict[Wanted, Record] = {}
        if self._jobs > 1 and len(wanted) >= MANY:
            from lockcheck.workers import read_all  # noqa: PLC0415 - only runs over many files start processes

            for number, (item, blob, record) in enumerate(read_all(wanted, self._jobs, self._read_one)):
                progress("reading", number, len(wanted))
                found[item] = record
                if self._kept is not None and blob is not None:
                    self._kept.put_blob(item, blob)
                elif self._kept is not None:
                    self._kept.put(item, record)
        for item in wanted:
            if item not in found:
                progress("reading", len(found), len(wanted))
                found[item] = self._read_one(item)
                if self._kept is not None:
                    self._kept.put(item, found[item])
        return found

    def _read_one(self, wanted: Wanted) -> Record:
        return read_record(wanted, self._known(wanted))

    def _known(self, wanted: Wanted) -> Mapping[str, Slices]:
        """The slices of the file as it was when it was last read."""
        last = self._last.get((wanted.path, wanted.module))
        if last is None and self._kept is not None:
            last = self._kept.last(wanted)
        if last is None or last.facts is None:
            return {}
        from lockcheck.reading.gather import kept  # noqa: PLC0415 - only where something was read

        return kept(last.facts, last.slices)
