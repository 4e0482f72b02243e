"""Reads files, each content once: what earlier runs have kept is taken from there, many new files go to workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lockcheck.held import Held, Links
from lockcheck.records import Record, Wanted, read_record

if TYPE_CHECKING:
    from lockcheck.briefs import Brief
    from lockcheck.cache.kept import KeptRecords
    from lockcheck.outline import Outline
    from lockcheck.reading.slicing import Slices

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

MANY = 100
"""From how many files on worker processes are worth their start."""

OBJECTS = 1000
"""Of how many files the records may be held as objects, which takes twenty times the memory."""


class Reader:
    """Makes the records of files. `jobs` is how many processes may do that; 1 for this one alone."""

    def __init__(self, kept: KeptRecords | None = None, jobs: int = 1) -> None:
        self._kept = kept
        self.jobs = jobs
        self._held: dict[Wanted, Held] = {}
        self._last: dict[tuple[str, str], Held] = {}
        self._objects = 0

    def records(self, wanted: Sequence[Wanted], progress: Progress) -> list[Record]:
        """The records of these files, in their order."""
        return [held.record for held in self.held(wanted, progress)]

    def held(self, wanted: Sequence[Wanted], progress: Progress) -> list[Held]:
        """What these files came to, in their order; many records are packed."""
        found: dict[Wanted, Held] = {}
        for item in wanted:
            held = self._held.get(item)
            if held is None and self._kept is not None:
                held = self._kept.held(item)
            if held is not None:
                found[item] = held
        missing = [item for item in wanted if item not in found]
        self._objects += len(missing)
        found.update(self._read(missing, progress))
        self._held.update(found)
        self._last.update({(item.path, item.module): held for item, held in found.items()})
        if self._kept is not None:
            self._kept.save()
        return [found[item] for item in wanted]

    def key(self, wanted: Wanted) -> str:
        """What a kept record goes by; "" where nothing is kept."""
        return self._kept.key(wanted) if self._kept is not None else ""

    def of_key(self, key: str) -> Record | None:
        """A record that an earlier run has kept."""
        return self._kept.of_key(key) if self._kept is not None else None

    def brief(self, key: str) -> Brief | None:
        """The same in brief; None where something is wrong with the file."""
        return self._kept.brief(key) if self._kept is not None else None

    def outline(self, key: str) -> Outline | None:
        """The outline of a content; None where something is wrong with the file."""
        return self._kept.outline(key) if self._kept is not None else None

    def ready(self, wanted: Sequence[Wanted], progress: Progress) -> None:
        """See to it that something is kept of these files, with as little work as can be."""
        kept = self._kept
        missing = [item for item in wanted if kept is None or not kept.move(item)]
        self.held(missing, progress)  # which keeps what is new, too

    def text_of(self, key: str) -> str | None:
        """The text that an earlier run has kept for a content."""
        return self._kept.text_of(key) if self._kept is not None and key else None

    def keep_texts(self, wanted: Sequence[Wanted]) -> None:
        """Keep texts for runs that ask how later ones differ."""
        if self._kept is not None:
            for item in wanted:
                self._kept.put_text(item)
            self._kept.save()

    def _read(self, wanted: Sequence[Wanted], progress: Progress) -> Mapping[Wanted, Held]:
        found: dict[Wanted, Held] = {}
        if self.jobs > 1 and len(wanted) >= MANY:
            from lockcheck.workers import read_all  # noqa: PLC0415 - only runs over many files start processes

            for number, (item, made, links) in enumerate(read_all(wanted, self.jobs, self._read_one)):
                progress("reading", number, len(wanted))
                found[item] = self._hold(item, made, links)
        for item in wanted:
            if item not in found:
                progress("reading", len(found), len(wanted))
                found[item] = self._hold(item, self._read_one(item), None)
        return found

    def _hold(self, wanted: Wanted, made: Record | bytes, links: Links | None) -> Held:
        held = Held(wanted, made, links)
        if isinstance(made, bytes):
            if self._kept is not None:
                self._kept.put_blob(wanted, made)
            return held
        if self._kept is not None:
            self._kept.put(wanted, made)
        if self._objects > OBJECTS:
            held.pack()
        return held

    def _read_one(self, wanted: Wanted) -> Record:
        return read_record(wanted, self._known(wanted))

    def _known(self, wanted: Wanted) -> Mapping[str, Slices]:
        """The slices of the file as it was when it was last read."""
        held = self._last.get((wanted.path, wanted.module))
        if held is not None:
            last: Record | None = held.record
        else:
            last = self._kept.last(wanted) if self._kept is not None else None
        if last is None or last.facts is None:
            return {}
        from lockcheck.reading.gather import kept  # noqa: PLC0415 - only where something was read

        return kept(last.facts, last.slices)
