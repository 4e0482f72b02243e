"""One island: linked, checked and its findings made, in this process or in another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lockcheck.findings import Problem, lies_in, shown
from lockcheck.renewal import drafted
from lockcheck.snapshot import Beside, Entry, File, Snapshot

if TYPE_CHECKING:
    from lockcheck.assembly import Assembly
    from lockcheck.facts import ModuleFacts
    from lockcheck.hazards import Hazard, Where
    from lockcheck.held import Held, Links
    from lockcheck.linked import Linked, Means
    from lockcheck.linking.project import Project
    from lockcheck.mends import Moves
    from lockcheck.records import Record
    from lockcheck.renewal import Lines
    from lockcheck.settings import Settings
    from lockcheck.sources import Content

Tell = Callable[[int, int], None]
"""Told how many rules are done, of how many."""

Find = Callable[[str], "ModuleFacts | None"]
"""The facts of a file, by its path."""


@dataclass(frozen=True, slots=True)
class Site:
    """What findings are made with: the texts of an island by path, and the files whose findings are to have fixes."""

    contents: Mapping[str, Content]
    settings: Settings
    mended: frozenset[str]


@dataclass(frozen=True, slots=True)
class Island:
    """What is to be linked: `held` and `files` have the same order. `before` are earlier results that have to do with
    these files."""

    site: Site
    held: tuple[Held, ...]
    files: tuple[File, ...]
    before: tuple[Snapshot, ...]

    @property
    def alive(self) -> bool:
        """Whether there is something to link."""
        return any(held.links.facts for held in self.held)


def looked_at(island: Island, tell: Tell, means: Means, *, last: bool, moves: Moves | None = None) -> Snapshot:
    """What an island holds. Unless it is the `last` one, what linking has made is let go of. Fixes that were made
    before may be found by `moves`."""
    if not island.alive:
        return Snapshot(island.files, (), (), (), {}, *_problems(held.links for held in island.held))
    from lockcheck.linking.dissolving import dissolve  # noqa: PLC0415 - only where there is something to link

    records = {held.wanted.path: held.record for held in island.held}
    linked = means.linked(records, island.site.settings)
    facts = dict(linked.project.linker.modules)
    found = _found(linked, island, records.values(), tell)
    if not last and not linked.kept:
        dissolve(linked.project)
    return assembled(drafted(found, island.before, moves) if island.before else found, island.site, facts.get)


def _found(linked: Linked, island: Island, records: Iterable[Record], tell: Tell) -> Snapshot:
    """What linking and the rules find."""
    project, moved, _ = linked
    entries = tuple(
        Entry(code, replace(hazard, related=_now(hazard, moved) if moved else hazard.related, witness=None), None)
        for code, hazard in _hazards(project, island.site.settings, tell)
    )
    unresolved = {kind: len(sites) for kind, sites in project.linker.unresolved.items() if sites}
    consulted = tuple(sorted(project.linker.consulted))
    beside = tuple(
        Beside(one.path, (one.slice, one.kind, one.index), (other.slice, other.kind, other.index), answer)
        for (one, other), answer in project.linker.beside.items()
    )
    return Snapshot(island.files, consulted, beside, entries, unresolved, *_problems(records))


def _now(hazard: Hazard, moved: Mapping[str, Lines]) -> tuple[tuple[Where, str], ...]:
    """The places that a hazard names besides its own, where declarations have moved since they were linked."""
    from lockcheck.relining import there  # noqa: PLC0415 - only where something stays linked

    return tuple((there(where, moved), message) for where, message in hazard.related)


def _hazards(project: Project, settings: Settings, tell: Tell) -> Iterator[tuple[str, Hazard]]:
    """What the selected rules report."""
    from lockcheck.checks import all_checks  # noqa: PLC0415 - only where there is something to check

    rules = all_checks()
    for number, (code, rule) in enumerate(rules.items()):
        tell(number, len(rules))
        if settings.selects(code):
            for hazard in rule(project):
                yield code, hazard


def _problems(found: Iterable[Record | Links]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Those of files that do not parse, and those of functions."""
    listed = list(found)
    broken = tuple(one.problem for one in listed if one.problem is not None)
    return broken, tuple(problem for one in listed for problem in one.unread)


# --- findings -----------------------------------------------------------------------------------------------------


def assembled(snapshot: Snapshot, site: Site, find: Find) -> Snapshot:
    """The snapshot with the findings that are to be made, and with the fixes of those that are reported."""
    made = _Made(_Facts(find), _Texts(site.contents))
    entries = []
    for entry in snapshot.entries:
        draft = entry.draft or made.assembly.draft(entry.code, entry.hazard)
        if not draft.tried and lies_in(draft.finding, site.mended) and shown(draft.finding, site.settings):
            draft = made.assembly.mended(draft, entry.hazard, entry.mend)
        entries.append(entry if draft is entry.draft else entry.drafted(draft))
    return snapshot._replace(entries=tuple(entries))


class _Made:
    """What findings are made with, once there are any to be made."""

    def __init__(self, facts: _Facts, texts: _Texts) -> None:
        self._facts = facts
        self._texts = texts

    @cached_property
    def assembly(self) -> Assembly:
        from lockcheck.assembly import Assembly  # noqa: PLC0415 - only where there is something to be made

        return Assembly(self._facts, self._texts)


class _Facts(dict[str, "ModuleFacts"]):
    """The facts of files by path, each found once. Raises KeyError for a file without any."""

    def __init__(self, find: Find) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, path: str) -> ModuleFacts:
        facts = self._find(path)
        if facts is None:
            raise KeyError(path)
        self[path] = facts
        return facts


class _Texts(dict[str, str]):
    """Texts by path, each unpacked once."""

    def __init__(self, contents: Mapping[str, Content]) -> None:
        super().__init__()
        self._contents = contents

    def __missing__(self, path: str) -> str:
        self[path] = self._contents[path].text
        return self[path]
