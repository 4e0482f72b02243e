"""Whether what was found in a project still holds when some of its files have changed.

It does when their declarations and facts are the same but for where they stand: rules see nothing else. Hazards name
constructs by number; the lines of declarations that they name move along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.assembly import files_of
from lockcheck.declarations.model import Location
from lockcheck.hazards import Hazard, Where
from lockcheck.plans import Target
from lockcheck.snapshot import Entry, File, Snapshot

if TYPE_CHECKING:
    from lockcheck.linked import Workspace
    from lockcheck.records import Record, Wanted

Lines = Mapping[int, int]
"""Lines of declarations before and after."""

MOST = 50
"""Of how many changed files it is worth asking: linking anew costs as much."""


def file_of(wanted: Wanted, key: str) -> File:
    return File(wanted.path, wanted.module, wanted.is_package, wanted.declare, key)


def renewed(before: Snapshot, workspace: Workspace, wanted: Sequence[Wanted]) -> Snapshot | None:
    """The same result for other contents of files; None where it may not hold for them."""
    files = tuple(file_of(item, workspace.reader.key(item)) for item in wanted)
    if [file[:4] for file in files] != [file[:4] for file in before.files]:
        return None
    changed = [(old, item) for old, new, item in zip(before.files, files, wanted, strict=True) if old != new]
    if len(changed) > MOST:
        return None
    records = workspace.records([item for _, item in changed])
    if not all(_as_before(record, item.path, before) for record, (_, item) in zip(records, changed, strict=True)):
        return None
    moved: dict[str, Lines] = {}
    for (old, item), record in zip(changed, records, strict=True):
        lines = _lines(old, record, workspace, consulted=item.path in before.consulted)
        if lines is None:
            return None
        moved[item.path] = lines
    entries = tuple(entry for old in before.entries for entry in _moved(old, moved))
    return before._replace(files=files, entries=entries) if len(entries) == len(before.entries) else None


def drafted(found: Snapshot, before: Sequence[Snapshot]) -> Snapshot:
    """What was found anew, with the findings of earlier snapshots for the same hazards: a finding is made from its
    hazard and some files, and those of which nothing has changed tell the same."""
    same = {file.path for file in set(found.files).intersection(file for one in before for file in one.files)}
    entries_ = (entry for one in before for entry in one.entries)
    known = {(entry.code, entry.hazard): entry.draft for entry in entries_ if files_of(entry.hazard) <= same}
    entries = (entry._replace(draft=known.get((entry.code, entry.hazard))) for entry in found.entries)
    return found._replace(entries=tuple(entries))


def _lines(old: File, after: Record, workspace: Workspace, *, consulted: bool) -> Lines | None:
    """Where the declarations of a file have gone; None where it holds something else than before."""
    before = workspace.reader.of_key(old.key)
    if before is None or before.problem is not None or before.unread or after.problem is not None or after.unread:
        return None
    from lockcheck.outline import outline  # noqa: PLC0415 - only where a file has changed

    one, other = outline(before), outline(after)
    if one.shape != other.shape or (consulted and one.order != other.order):
        return None
    return dict(zip(one.lines, other.lines, strict=True))


def _as_before(record: Record, path: str, before: Snapshot) -> bool:
    """Whether what stood on one line in a file still does, and nothing else."""
    questions = [(one, other, answer) for one, other, answer in before.beside if one.path == path]
    if not questions or record.facts is None:
        return not questions
    slices = {sites.qualname: sites for sites in record.facts.slices}

    def line(target: Target) -> int | None:
        sites = slices.get(target.slice)
        return None if sites is None else facts.position(sites, target.kind, target.index).line

    try:
        return all((line(one) == line(other)) is answer for one, other, answer in questions)
    except IndexError:  # it holds something else
        return False


def _moved(entry: Entry, moved: Mapping[str, Lines]) -> Iterator[Entry]:
    """A hazard with its lines where they are now, and without the finding if that is to be made anew; nothing where a
    line is none of a declaration."""
    if files_of(entry.hazard).isdisjoint(moved):
        yield entry
        return
    hazard = _relined(entry.hazard, moved)
    if hazard is not None:
        yield Entry(entry.code, hazard, None)


def _relined(hazard: Hazard, moved: Mapping[str, Lines]) -> Hazard | None:
    try:
        related = tuple((_there(where, moved), message) for where, message in hazard.related)
        place = None if hazard.place is None else _location(hazard.place, moved)
    except KeyError:
        return None
    return replace(hazard, related=related, place=place)


def _there(where: Where, moved: Mapping[str, Lines]) -> Where:
    return _location(where, moved) if isinstance(where, Location) else where


def _location(where: Location, moved: Mapping[str, Lines]) -> Location:
    """Raises KeyError for a line that is none of a declaration."""
    return Location(where.path, moved[where.path][where.line]) if where.path in moved else where
