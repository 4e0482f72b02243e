"""What linking and the rules found in files that belong together, and the contents of files that it holds for."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lockcheck.drafts import Draft, Mend
from lockcheck.findings import Problem

if TYPE_CHECKING:
    from lockcheck.hazards import Hazard


class File(NamedTuple):
    """A file that was read: by which name, and the key of what it came to."""

    path: str
    module: str
    is_package: bool
    declare: bool
    key: str


class Beside(NamedTuple):
    """Two constructs of a file, each by its slice, kind and number, and whether they stand on one line."""

    path: str
    one: tuple[str, str, int]
    other: tuple[str, str, int]
    answer: bool


class Sealed(NamedTuple):
    """An entry as it is kept. Hazard and draft are JSON texts, which are read when they are asked for."""

    code: str
    paths: tuple[str, ...]
    hazard: str
    draft: str


class Entry:
    """A hazard; `draft` is the finding that was made of it, None where that is to be done. `mend` is what its plan
    comes to, where that is known although the finding is to be made."""

    __slots__ = ("_draft", "_hazard", "_sealed", "code", "mend")

    def __init__(
        self,
        code: str,
        hazard: Hazard | None,
        draft: Draft | None,
        mend: Mend | None = None,
        sealed: Sealed | None = None,
    ) -> None:
        self.code = code
        self.mend = mend
        self._hazard = hazard
        self._draft = draft
        self._sealed = sealed

    @property
    def hazard(self) -> Hazard:
        if self._hazard is None:
            from lockcheck.hazards import Hazard  # noqa: PLC0415 - most entries are taken as they are

            self._hazard = _read(Hazard, self._sealed.hazard if self._sealed is not None else "")
        return self._hazard

    @property
    def draft(self) -> Draft | None:
        if self._draft is None and self._sealed is not None and self._sealed.draft:
            self._draft = _read(Draft, self._sealed.draft)
        return self._draft

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the finding is made from, besides the hazard."""
        if self._sealed is not None:
            return self._sealed.paths
        from lockcheck.assembly import files_of  # noqa: PLC0415 - as above

        return tuple(sorted(files_of(self.hazard)))

    def drafted(self, draft: Draft | None, mend: Mend | None = None) -> Entry:
        """The same hazard with another finding."""
        sealed = None if self._sealed is None else self._sealed._replace(draft="")
        return Entry(self.code, self._hazard, draft, mend, sealed)

    def sealed(self) -> Sealed:
        """The entry as it is kept."""
        hazard = self._sealed.hazard if self._sealed is not None else _written(self.hazard)
        draft = self._sealed.draft if self._sealed is not None else ""
        if not draft and self._draft is not None:
            draft = _written(self._draft)
        return Sealed(self.code, self.paths, hazard, draft)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        same = isinstance(other, Entry) and self.code == other.code
        return same and isinstance(other, Entry) and self.hazard == other.hazard and self.draft == other.draft

    def __hash__(self) -> int:
        return hash(self.code)


def opened(sealed: Sealed) -> Entry:
    """The entry that was kept."""
    return Entry(sealed.code, None, None, None, sealed)


def _written(value: Any) -> str:
    from lockcheck.cache.codec import codec  # noqa: PLC0415 - only where something is new

    kind: Any = type(value)
    encode = codec(kind).encode
    return json.dumps(encode(value) if encode is not None else value, separators=(",", ":"))


def _read(kind: Hashable, text: str) -> Any:
    from lockcheck.cache.codec import codec  # noqa: PLC0415 - as above

    decode = codec(kind).decode
    return decode(json.loads(text)) if decode is not None else None


class Snapshot(NamedTuple):
    """`consulted` are the files in which it matters how things stand to each other, `beside` are constructs of one file
    of which it matters only whether they stand on one line. `broken` are problems of files that do not parse, `unread`
    those of functions."""

    files: tuple[File, ...]
    consulted: tuple[str, ...]
    beside: tuple[Beside, ...]
    entries: tuple[Entry, ...]
    unresolved: Mapping[str, int]
    broken: tuple[Problem, ...]
    unread: tuple[Problem, ...]
