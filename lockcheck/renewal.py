"""Whether what was found in a project still holds when some of its files have changed.

It does when their declarations and facts are the same but for where they stand: rules see nothing else. Hazards name
constructs by number; the lines of declarations that they name move along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from lockcheck.snapshot import Entry, File, Snapshot

if TYPE_CHECKING:
    from lockcheck.facts import SiteKind
    from lockcheck.linked import Workspace
    from lockcheck.mends import Moves
    from lockcheck.records import Wanted

Lines = Mapping[int, int]
"""Lines of declarations before and after."""

MOST = 50
"""Of how many changed files it is worth asking: linking anew costs as much."""


def file_of(wanted: Wanted, key: str) -> File:
    return File(wanted.path, wanted.module, wanted.is_package, wanted.declare, key)


def renewed(before: Snapshot, workspace: Workspace, wanted: Sequence[Wanted], moves: Moves) -> Snapshot | None:
    """The same result for other contents of files; None where it may not hold for them."""
    files = tuple(file_of(item, workspace.reader.key(item)) for item in wanted)
    if [file[:4] for file in files] != [file[:4] for file in before.files]:
        return None
    changed = [(old, item) for old, new, item in zip(before.files, files, wanted, strict=True) if old != new]
    if len(changed) > MOST:
        return None
    workspace.ready([item for _, item in changed])
    if not all(_as_before(item, before, workspace) for _, item in changed):
        return None
    moved: dict[str, Lines] = {}
    for old, item in changed:
        lines = _lines(old, item, workspace, consulted=item.path in before.consulted)
        if lines is None:
            return None
        moved[item.path] = lines
    entries = [_moved(entry, moved, moves) for entry in before.entries]
    kept = tuple(entry for entry in entries if entry is not None)
    return before._replace(files=files, entries=kept) if len(kept) == len(entries) else None


def drafted(found: Snapshot, before: Sequence[Snapshot], moves: Moves | None) -> Snapshot:
    """What was found anew, with the findings of earlier snapshots for the same hazards: a finding is made from its
    hazard and some files, and those of which nothing has changed tell the same."""
    same = {file.path for file in set(found.files).intersection(file for one in before for file in one.files)}
    entries_ = (entry for one in before for entry in one.entries)
    known = {(entry.code, entry.hazard): entry.draft for entry in entries_ if entry.draft is not None}

    def renew(entry: Entry) -> Entry:
        draft = known.get((entry.code, entry.hazard))
        if draft is None or same.issuperset(entry.paths):
            return entry.drafted(draft)
        return entry if moves is None else entry.drafted(None, moves.mend(entry.hazard, draft))

    return found._replace(entries=tuple(map(renew, found.entries)))


def _lines(old: File, item: Wanted, workspace: Workspace, *, consulted: bool) -> Lines | None:
    """Where the declarations of a file have gone; None where it holds something else than before."""
    from lockcheck.outline import moved  # noqa: PLC0415 - only where a file has changed

    reader, key = workspace.reader, workspace.reader.key(item)
    brief, now = reader.brief(old.key), reader.brief(key)
    lines = None if brief is None or now is None else moved(brief, now, consulted=consulted)
    if lines is not None:
        return lines
    one, other = reader.outline(old.key), reader.outline(key)
    if one is None or other is None or one.shape != other.shape or (consulted and one.order != other.order):
        return None
    return dict(zip(one.lines, other.lines, strict=True))


def _as_before(item: Wanted, before: Snapshot, workspace: Workspace) -> bool:
    """Whether what stood on one line in a file still does, and nothing else."""
    questions = [question for question in before.beside if question.path == item.path]
    brief = workspace.reader.brief(workspace.reader.key(item)) if questions else None
    if brief is None:
        return not questions
    from lockcheck.facts import position  # noqa: PLC0415 - few files are asked about

    slices = {sites.qualname: sites for sites in brief.facts.slices}

    def line(qualname: str, kind: str, index: int) -> int | None:
        sites = slices.get(qualname)
        return None if sites is None else position(sites, cast("SiteKind", kind), index).line

    try:
        return all((line(*asked.one) == line(*asked.other)) is asked.answer for asked in questions)
    except IndexError:  # it holds something else
        return False


def _moved(entry: Entry, moved: Mapping[str, Lines], moves: Moves) -> Entry | None:
    """The entry as it is, or with its lines where they are now."""
    if moved.keys().isdisjoint(entry.paths):
        return entry
    from lockcheck.relining import relined  # noqa: PLC0415 - only where a file with findings has changed

    return relined(entry, moved, moves)
