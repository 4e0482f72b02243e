"""What files came to in earlier runs, by their content."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from lockcheck.cache.codec import Codec, codec
from lockcheck.cache.folder import Folder, digest
from lockcheck.cache.shards import Shards, packed
from lockcheck.findings import Problem
from lockcheck.held import Held
from lockcheck.records import Record, Wanted

if TYPE_CHECKING:
    from lockcheck.briefs import Brief
    from lockcheck.outline import Outline


@cache
def _codec(facts: bool) -> Codec:
    from lockcheck.declarations.model import ModuleDeclarations  # noqa: PLC0415 - only where a record is looked at

    if not facts:
        none = bool | None  # which stays as it is
        return codec(tuple[Problem | None, ModuleDeclarations | None, none, tuple[Problem, ...], tuple[str, ...]])
    from lockcheck.facts import ModuleFacts  # noqa: PLC0415 - as above

    return codec(tuple[Problem | None, ModuleDeclarations | None, ModuleFacts, tuple[Problem, ...], tuple[str, ...]])


class KeptRecords:
    """The records of files. What is wrong with a document makes it absent."""

    def __init__(self, folder: Folder) -> None:
        self._files = Shards(folder, "files")
        self._last = Shards(folder, "last")
        self._texts = Shards(folder, "texts")
        self._moved = Shards(folder, "moved")
        self._recalled: dict[str, Any] = {}
        self._outlines: dict[str, Outline | None] = {}
        self._keys: dict[Wanted, str] = {}

    def get(self, wanted: Wanted) -> Record | None:
        return unpack(self._document(self.key(wanted)))

    def held(self, wanted: Wanted) -> Held | None:
        """What is kept of a file, packed."""
        key = self.key(wanted)
        blob = self._files.blob(key)
        if blob is not None:
            return Held(wanted, blob)
        record = unpack(self._document(key))
        return None if record is None else Held(wanted, record)

    def of_key(self, key: str) -> Record | None:
        """The record of a content that is known by its key."""
        return unpack(self._recall(key)) if key else None

    def brief(self, key: str) -> Brief | None:
        """Where things stand in a content that is known by its key; None where something is wrong with it."""
        from lockcheck.briefs import of_document  # noqa: PLC0415 - only where a file has changed

        document = self._recall(key) if key else None
        try:
            return None if document is None else of_document(document)
        except (TypeError, ValueError, LookupError):
            return None

    def outline(self, key: str) -> Outline | None:
        """The outline of a content that is known by its key; None where something is wrong with it."""
        if key not in self._outlines:
            from lockcheck.outline import outline  # noqa: PLC0415 - only where a slice has changed

            record = self.of_key(key)
            wrong = record is None or record.problem is not None or record.unread
            self._outlines[key] = None if record is None or wrong else outline(record)
        return self._outlines[key]

    def last(self, wanted: Wanted) -> Record | None:
        """What a file came to when it was last read, whatever it held then."""
        key = self._last.get(_name(wanted))
        return self.of_key(key) if isinstance(key, str) else None

    def move(self, wanted: Wanted) -> bool:
        """Have something kept of a file: nothing new where something is, else what it came to when it was last read,
        where no slice of it has changed. Whether that can be told so."""
        key, last = self.key(wanted), self._last.get(_name(wanted))
        if self._document(key) is not None:
            return True
        from lockcheck.cache.moved import moved  # noqa: PLC0415 - as above

        base = self.brief(last) if isinstance(last, str) else None
        found = None if base is None else moved(wanted, base)
        if found is None:
            return False
        first = self._moved.get(last)
        try:
            self._moved.put(key, packed([last if first is None else first[0], *found]))
        except (ValueError, RecursionError):
            return False
        self._last.put(_name(wanted), packed(key))
        return True

    def _recall(self, key: str) -> Any:
        """A document that may be asked for again."""
        if key not in self._recalled:
            self._recalled[key] = self._document(key)
        return self._recalled[key]

    def _document(self, key: str) -> Any:
        """The JSON form of a record; None where there is none."""
        if self._recalled.get(key) is not None:
            return self._recalled[key]
        found = self._files.get(key)
        there = self._moved.get(key) if found is None else None
        if there is None:
            return found
        from lockcheck.cache.moved import completed  # noqa: PLC0415 - as above

        base, declared, lines = there
        document = self._files.get(base)
        return None if document is None else completed(document, declared, lines)

    def put(self, wanted: Wanted, record: Record) -> None:
        blob = pack(record)
        if blob is not None:
            self.put_blob(wanted, blob)

    def put_blob(self, wanted: Wanted, blob: bytes) -> None:
        """Keep a record that is packed."""
        key = self.key(wanted)
        self._files.put(key, blob)
        self._last.put(_name(wanted), packed(key))

    def text_of(self, key: str) -> str | None:
        """The text of a content, where it was kept."""
        text = self._texts.get(key)
        return text if isinstance(text, str) else None

    def put_text(self, wanted: Wanted) -> None:
        self._texts.put(self.key(wanted), packed(wanted.text))

    def save(self) -> None:
        """Write what is new, and let go of all."""
        for shards in (self._files, self._last, self._texts, self._moved):
            shards.save()
            shards.forget()

    def key(self, wanted: Wanted) -> str:
        """What a record depends on, besides lockcheck and Python."""
        if wanted not in self._keys:
            flags = f"{wanted.is_package} {wanted.declare}"
            head = f"{wanted.path}\0{wanted.module}\0{flags}\0"
            self._keys[wanted] = digest(head.encode("utf-8", "surrogatepass") + wanted.content.digest)
        return self._keys[wanted]


def _name(wanted: Wanted) -> str:
    return digest(f"{wanted.path}\0{wanted.module}".encode("utf-8", "surrogatepass"))


def pack(record: Record) -> bytes | None:
    """A record as it is kept; None where it holds a number too long to be written."""
    parts = (record.problem, record.declarations, record.facts, record.unread, record.slices)
    try:
        return packed(_codec(record.facts is not None).encode(parts))  # type: ignore[misc]  # a row is converted
    except (ValueError, RecursionError):
        return None


def unpack(document: Any) -> Record | None:
    """The record of a document; None for what is none."""
    if document is None:
        return None
    try:
        return Record(*_codec(document[2] is not None).decode(document))  # type: ignore[misc]  # as above
    except (TypeError, ValueError, LookupError, RecursionError):
        return None
