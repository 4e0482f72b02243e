"""What a file came to, held in as little memory as can be until it is needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.findings import Problem
from lockcheck.records import Record, Wanted, read_record

if TYPE_CHECKING:
    from lockcheck.declarations.model import ModuleDeclarations


class Links(NamedTuple):
    """What is asked of a file that is not linked, or not yet: the absolute names that it imports, whether it has facts,
    why it does not parse, and the functions that could not be read."""

    imports: tuple[str, ...]
    facts: bool
    problem: Problem | None
    unread: tuple[Problem, ...]


class Held:
    """The record of a file, as an object or packed: then each `record` is a new one."""

    __slots__ = ("_blob", "_links", "_record", "wanted")

    def __init__(self, wanted: Wanted, found: Record | bytes, links: Links | None = None) -> None:
        self.wanted = wanted
        self._record = None if isinstance(found, bytes) else found
        self._blob = found if isinstance(found, bytes) else None
        self._links = links and links._replace(imports=tuple(map(sys.intern, links.imports)))

    @property
    def record(self) -> Record:
        """The record; of a blob that is damaged, what is read anew."""
        if self._record is not None:
            return self._record
        from lockcheck.cache.kept import unpack  # noqa: PLC0415 - only where something is packed
        from lockcheck.cache.shards import unpacked  # noqa: PLC0415 - as above

        found = None if self._blob is None else unpack(unpacked(self._blob))
        return read_record(self.wanted) if found is None else found

    @property
    def links(self) -> Links:
        if self._links is None:
            self._links = links_of(self.record)
        return self._links

    def pack(self) -> bytes | None:
        """Hold the record packed from now on; the blob, None for what cannot be packed."""
        if self._record is not None:
            from lockcheck.cache.kept import pack  # noqa: PLC0415 - as above

            self._links, self._blob = self.links, pack(self._record)
            self._record = self._record if self._blob is None else None
        return self._blob


def links_of(record: Record) -> Links:
    """The links of a file."""
    found = () if record.declarations is None else imported(record.declarations)
    return Links(tuple(found), record.facts is not None, record.problem, record.unread)


def imported(module: ModuleDeclarations) -> dict[str, None]:
    """The absolute names that a file imports anywhere, each once."""
    inner = (target for names in module.function_imports.values() for target in names.values())
    return dict.fromkeys((*module.imports.values(), *inner, *module.star_imports, *module.other_imports))
