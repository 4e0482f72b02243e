"""What an earlier run found on each island, as far as it still holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockcheck.held import Links, links_of
from lockcheck.mends import Moves
from lockcheck.renewal import MOST, file_of, renewed

if TYPE_CHECKING:
    from lockcheck.islands import Part
    from lockcheck.linked import Workspace
    from lockcheck.records import Wanted
    from lockcheck.snapshot import Snapshot


class Earlier:
    """Results of all islands of a project, looked at for the files of now."""

    def __init__(self, before: Sequence[Snapshot], workspace: Workspace, wanted: Sequence[Wanted]) -> None:
        self._before = before
        self._workspace = workspace
        self._by_path = {item.path: item for item in wanted}
        self._islands = {tuple(file.path for file in island.files): island for island in before}
        self.moves = Moves(before, workspace, wanted)
        """Where the fixes of these results are now."""
        self._renewed: dict[tuple[str, ...], Snapshot | None] = {}

    def of(self, part: Part) -> Snapshot | None:
        """The result for these files as they are now, if it still holds."""
        paths = tuple(item.path for item in part)
        if paths not in self._renewed:
            island = self._islands.get(paths)
            self._renewed[paths] = None if island is None else renewed(island, self._workspace, part, self.moves)
        return self._renewed[paths]

    def about(self, part: Part) -> tuple[Snapshot, ...]:
        """The results that have to do with some of these files."""
        paths = {item.path for item in part}
        return tuple(one for one in self._before if not paths.isdisjoint(file.path for file in one.files))

    def parts(self) -> list[Part] | None:
        """The islands, if they are what they were: the files are the same, and import what they imported."""
        paths = [file.path for island in self._before for file in island.files]
        if sorted(paths) != sorted(self._by_path):
            return None
        parts = [tuple(self._by_path[file.path] for file in island.files) for island in self._before]
        if all(self.of(part) is not None for part in parts):
            return parts
        return parts if self._same_links() else None

    def _same_links(self) -> bool:
        changed: list[tuple[str, Wanted]] = []
        for old in (file for island in self._before for file in island.files):
            item = self._by_path[old.path]
            now = file_of(item, self._workspace.reader.key(item))
            if old[:4] != now[:4]:
                return False
            if old != now:
                changed.append((old.key, item))
        if len(changed) > MOST:
            return False
        held = self._workspace.held([item for _, item in changed])
        return all(_joins(self._links(key)) == _joins(one.links) for (key, _), one in zip(changed, held, strict=True))

    def _links(self, key: str) -> Links | None:
        record = self._workspace.reader.of_key(key)
        return None if record is None else links_of(record)


def _joins(links: Links | None) -> object:
    """What islands are made from; never the same as what is not known."""
    return object() if links is None else (links.imports, links.facts, links.problem is None)
