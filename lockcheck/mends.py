"""What the fixes of an earlier run are now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.drafts import Draft, Mend
    from lockcheck.hazards import Hazard
    from lockcheck.linked import Workspace
    from lockcheck.moves import Move
    from lockcheck.records import Wanted
    from lockcheck.snapshot import Entry, File, Snapshot


class Moves:
    """Moves fixes to where their lines are now. Texts are looked up only where there are fixes."""

    def __init__(self, before: Iterable[Snapshot], workspace: Workspace, wanted: Sequence[Wanted]) -> None:
        self._before = {file.path: file for island in before for file in island.files}
        self._wanted = {item.path: item for item in wanted}
        self._workspace = workspace
        self._known: dict[str, Move | None] = {}

    def mend(self, hazard: Hazard, draft: Draft) -> Mend | None:
        """What a hazard's plan comes to, where that can be told from what it came to before."""
        if draft.mend is None or hazard.remedy is None:
            return None
        from lockcheck.assembly import plan_path  # noqa: PLC0415 - only where a file with findings has changed

        path = plan_path(hazard.remedy)
        if path not in self._known:
            self._known[path] = self._move(self._before.get(path), self._wanted[path])
        move = self._known[path]
        return None if move is None else move.mend(hazard.remedy, draft.mend)

    def _move(self, before: File | None, item: Wanted) -> Move | None:
        reader = self._workspace.reader
        text = None if before is None else reader.text_of(before.key)
        old = None if before is None else reader.brief(before.key)
        new = reader.brief(reader.key(item))
        if text is None or old is None or new is None:
            return None
        from lockcheck.moves import Content, Move  # noqa: PLC0415 - only where a file with fixes has changed

        return Move(Content(text, old), Content(item.text, new))

    def keep_texts(self, after: Iterable[Snapshot]) -> None:
        """Keep the texts that fixes were made for, for the run that moves them."""
        for island in after:
            new = {file.path for file in island.files if self._before.get(file.path) != file}
            mended = _mended((entry for entry in island.entries if not new.isdisjoint(entry.paths)), new)
            self._workspace.reader.keep_texts([self._wanted[path] for path in sorted(mended)])


def _mended(entries: Iterable[Entry], paths: Collection[str]) -> set[str]:
    """The files that a fix was made for, or was found not to be possible."""
    found = set()
    for entry in entries:
        if entry.draft is not None and entry.draft.mend is not None and entry.hazard.remedy is not None:
            from lockcheck.assembly import plan_path  # noqa: PLC0415 - as above

            found.add(plan_path(entry.hazard.remedy))
    return found.intersection(paths)
