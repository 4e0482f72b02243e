"""What files came to in earlier runs, by their content."""

from __future__ import annotations

from typing import Any

from lockcheck.cache.codec import codec, schema
from lockcheck.cache.folder import Folder, digest
from lockcheck.cache.shards import Shards, packed
from lockcheck.declarations.model import ModuleDeclarations
from lockcheck.facts import ModuleFacts
from lockcheck.findings import Problem
from lockcheck.records import Record, Wanted

_Document = tuple[Problem | None, ModuleDeclarations | None, ModuleFacts | None, tuple[Problem, ...], tuple[str, ...]]
_CODEC = codec(_Document)


class KeptRecords:
    """The records of files. What is wrong with a document makes it absent."""

    def __init__(self, folder: Folder) -> None:
        self._files = Shards(folder, "files")
        self._last = Shards(folder, "last")
        self._schema = schema(Problem, ModuleDeclarations, ModuleFacts)
        self._keys: dict[Wanted, str] = {}

    def get(self, wanted: Wanted) -> Record | None:
        return unpack(self._files.get(self.key(wanted)))

    def of_key(self, key: str) -> Record | None:
        """The record of a content that is known by its key."""
        return unpack(self._files.get(key)) if key else None

    def last(self, wanted: Wanted) -> Record | None:
        """What a file came to when it was last read, whatever it held then."""
        key = self._last.get(_name(wanted))
        return self.of_key(key) if isinstance(key, str) else None

    def put(self, wanted: Wanted, record: Record) -> None:
        blob = pack(record)
        if blob is not None:
            self.put_blob(wanted, blob)

    def put_blob(self, wanted: Wanted, blob: bytes) -> None:
        """Keep a record that is packed."""
        key = self.key(wanted)
        self._files.put(key, blob)
        self._last.put(_name(wanted), packed(key))

    def save(self) -> None:
        """Write what is new, and let go of all."""
        for shards in (self._files, self._last):
            shards.save()
            shards.forget()

    def key(self, wanted: Wanted) -> str:
        """What a record depends on, besides lockcheck and Python."""
        if wanted not in self._keys:
            flags = f"{wanted.is_package} {wanted.declare}"
            head = f"{self._schema}\0{wanted.path}\0{wanted.module}\0{flags}\0"
            whole = head + wanted.text
            self._keys[wanted] = digest(whole.encode("utf-8", "surrogatepass"))
        return self._keys[wanted]


def _name(wanted: Wanted) -> str:
    return digest(f"{wanted.path}\0{wanted.module}".encode("utf-8", "surrogatepass"))


def pack(record: Record) -> bytes | None:
    """A record as it is kept; None where it holds a number too long to be written."""
    parts = (record.problem, record.declarations, record.facts, record.unread, record.slices)
    try:
        return packed(_CODEC.encode(parts))  # type: ignore[misc]  # a row is converted
    except (ValueError, RecursionError):
        return None


def unpack(document: Any) -> Record | None:
    """The record of a document; None for what is none."""
    if document is None:
        return None
    try:
        return Record(*_CODEC.decode(document))  # type: ignore[misc]  # as above
    except (TypeError, ValueError, LookupError, RecursionError):
        return None
