"""Places of findings as the protocol's ranges, and back; paths as URIs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import PositionCodec

from lockcheck import discover
from lockcheck.assembly import lines_of
from lockcheck.findings import Place


class Places:
    """Ranges in these texts, in the client's units."""

    def __init__(self, texts: Mapping[str, str], codec: PositionCodec) -> None:
        self._texts = texts
        self._codec = codec
        self._lines: dict[str, list[str]] = {}

    def range(self, place: Place) -> types.Range:
        start = types.Position(place.line - 1, place.column - 1)
        end = types.Position(place.end_line - 1, place.end_column - 1)
        return self._codec.range_to_client_units(self._of(place.path), types.Range(start, end))

    def location(self, place: Place) -> types.Location:
        return types.Location(uri(place.path), self.range(place))

    def _of(self, path: str) -> list[str]:
        if path not in self._lines:
            self._lines[path] = lines_of(self._texts.get(path, ""))
        return self._lines[path]


def uri(path: str) -> str:
    """The URI of a file, from its path as findings name it."""
    return from_fs_path(str(discover.absolute(path))) or ""


def path_of(uri: str) -> str | None:
    """How findings name a file; None for what is no file, such as a buffer without a name."""
    found = to_fs_path(uri) if uri.startswith("file:") else None
    return None if found is None else discover.display(Path(found))


def meets(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges overlap or touch."""
    first, second = (one.start.line, one.start.character), (other.start.line, other.start.character)
    ends = (one.end.line, one.end.character), (other.end.line, other.end.character)
    return first <= ends[1] and second <= ends[0]
