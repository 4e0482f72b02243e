"""What plans of fixes came to in one content of a file, for another content.

Edits depend on the slice that they mend, on the statements of the module outside of functions and classes, and on the
text round their places. Where all of that is the same, they are the same, some lines further up or down.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from lockcheck.assembly import plan_path, targets
from lockcheck.briefs import Brief
from lockcheck.drafts import Mend
from lockcheck.findings import Edit
from lockcheck.hazards import Remedy
from lockcheck.reading.slicing import source_lines
from lockcheck.sequences import common

_WRITTEN = "_upsert"
"""How the names of functions begin that fixes write into a module, and look for in it."""
_ASKED = "sorted"
"""The name of which it matters whether any function of the file binds it."""


class Content(NamedTuple):
    """One content of a file, and what it comes to."""

    text: str
    brief: Brief


class Move:
    """From one content of a file to another."""

    def __init__(self, before: Content, after: Content) -> None:
        self._before = before
        self._after = after
        self._old, self._new = source_lines(before.text), source_lines(after.text)
        self._head = common(self._old, self._new)
        rest = min(len(self._old), len(self._new)) - self._head
        self._tail = common(self._old[len(self._old) - rest :][::-1], self._new[len(self._new) - rest :][::-1])

    def mend(self, remedy: Remedy, known: Mend) -> Mend | None:
        """What a plan comes to in the new content, given what it came to in the old one; None where that may differ."""
        names = {target.slice for target in targets(remedy)}
        old, new = self._before.brief.by_name, self._after.brief.by_name
        if not self._aside or any(name not in old or old[name] != new.get(name) for name in names):
            return None
        if isinstance(known, str):
            return known
        path = plan_path(remedy)
        moved = [self._moved(edit) for edit in known if edit.place.path == path]
        edits = tuple(edit for edit in moved if edit is not None)
        return edits if len(edits) == len(known) else None

    def _moved(self, edit: Edit) -> Edit | None:
        """The edit where the lines that it changes are now. One at the beginning of a line may be there because of the
        line above."""
        place = edit.place
        first = place.line if place.column > 1 else place.line - 1
        if place.end_line <= self._head:
            return edit
        if first <= len(self._old) - self._tail:
            return None
        shift = len(self._new) - len(self._old)
        return replace(edit, place=replace(place, line=place.line + shift, end_line=place.end_line + shift))

    # --- what has changed ---------------------------------------------------------------------------------------

    @cached_property
    def _aside(self) -> bool:
        """Whether the lines that differ are comments or empty, or belong to one function."""
        if "\r" in self._before.text or "\r" in self._after.text:
            return False
        changed = [*self._old[self._head : len(self._old) - self._tail], *self._inserted]
        around = self._around
        if any(name.startswith(_WRITTEN) for _, name in around):
            return False
        if all(not line.strip() or line.lstrip().startswith("#") for line in changed):
            return True
        return bool(around) and not any(_ASKED in line for line in changed)

    @property
    def _inserted(self) -> list[str]:
        return self._new[self._head : len(self._new) - self._tail]

    @property
    def _around(self) -> set[tuple[str, str]]:
        """The functions of both contents that begin above the lines that differ, and end below them."""
        old, new = (
            {
                (function.qualname, function.name, function.first_line, last - function.last_line)
                for function in content.brief.functions()
                if function.first_line <= self._head and function.last_line > last - self._tail
            }
            for content, last in ((self._before, len(self._old)), (self._after, len(self._new)))
        )
        return {function[:2] for function in old & new}
