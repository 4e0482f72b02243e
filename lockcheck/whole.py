"""What a whole project holds: linked anew, island by island, or what an earlier run found where nothing that matters
has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockcheck.findings import Finding, Problem, lies_in
from lockcheck.linked import Sources, Workspace, link
from lockcheck.sources import Texts

if TYPE_CHECKING:
    from lockcheck.earlier import Earlier
    from lockcheck.facts import ModuleFacts
    from lockcheck.hazards import Hazard
    from lockcheck.held import Links
    from lockcheck.islands import Part
    from lockcheck.linking.project import Project
    from lockcheck.records import Record
    from lockcheck.settings import Settings
    from lockcheck.snapshot import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Whole:
    """`findings` are those of the selected rules in all files, in the order of their places; the ones that are not
    reported come without fixes. `problems` are those of all files, `texts` the files that parse."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str]
    unresolved: Mapping[str, int]


def shown(finding: Finding, settings: Settings) -> bool:
    """Whether these settings show a finding."""
    return (settings.preview or not finding.preview) and settings.selects(finding.code, finding.place.path)


def whole(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> Whole:
    """Look at all files; `overlay` are texts that stand in for some."""
    sources = workspace.sources(overlay)
    islands = _islands(workspace, settings, sources, overlay)
    broken = _in_order((problem for island in islands for problem in island.broken), sources)
    unread = _in_order((problem for island in islands for problem in island.unread), sources)
    paths = {problem.path for problem in broken}
    texts = Texts({wanted.path: wanted.content for wanted in sources.wanted if wanted.path not in paths})
    return Whole(_findings(islands), (*sources.problems, *broken, *unread), texts, _summed(islands))


def _in_order(problems: Iterable[Problem], sources: Sources) -> list[Problem]:
    """The problems in the order of files."""
    numbers = {wanted.path: number for number, wanted in enumerate(sources.wanted)}
    return sorted(problems, key=lambda problem: numbers[problem.path])


def _findings(islands: Iterable[Snapshot]) -> tuple[Finding, ...]:
    entries = [entry for island in islands for entry in island.entries]
    if not entries:
        return ()
    from lockcheck.assembly import fingerprinted  # noqa: PLC0415 - only where there is something

    return fingerprinted(entry.draft for entry in entries if entry.draft is not None)


def _summed(islands: Iterable[Snapshot]) -> dict[str, int]:
    """What could not be followed, by kind."""
    found: dict[str, int] = {}
    for kind, count in (item for island in islands for item in island.unresolved.items()):
        found[kind] = found.get(kind, 0) + count
    return found


# --- islands ------------------------------------------------------------------------------------------------------


def _islands(
    workspace: Workspace, settings: Settings, sources: Sources, overlay: Mapping[str, str]
) -> tuple[Snapshot, ...]:
    """What each island holds."""
    from lockcheck.earlier import Earlier  # noqa: PLC0415 - what it consists of is needed from here on

    if workspace.snapshots is None:
        return tuple(_Look(workspace, settings, sources, Earlier((), workspace, sources.wanted)).islands())
    from lockcheck.cache.snapshots import name_of  # noqa: PLC0415 - only runs with a cache

    name = name_of(settings, sources.wanted, overlay)
    before = workspace.snapshots.read(name)
    earlier = Earlier(before, workspace, sources.wanted)
    after = tuple(_Look(workspace, settings, sources, earlier).islands())
    if after != before:
        workspace.snapshots.write(name, after)
    return after


class _Look:
    """One look at a project."""

    def __init__(self, workspace: Workspace, settings: Settings, sources: Sources, earlier: Earlier) -> None:
        self._workspace = workspace
        self._settings = settings
        self._sources = sources
        self._earlier = earlier

    def islands(self) -> Iterator[Snapshot]:
        """What one island after the other holds."""
        parts = self._earlier.parts()
        if parts is None:
            from lockcheck.islands import parted  # noqa: PLC0415 - a run in which little has changed needs none of it

            self._sources.pack()
            parts = parted(self._workspace, self._sources.wanted)
        for number, part in enumerate(parts):
            modules = _Modules(self._workspace, part)
            found = self._earlier.of(part)
            if found is None:
                found = self._earlier.drafted(self._found(part, modules, (number, len(parts))))
            yield self._assembled(found, part, modules)

    def _found(self, part: Part, modules: _Modules, share: tuple[int, int]) -> Snapshot:
        """What linking and the rules find on an island, whose facts go to `modules`. It is the `share[0]`-th of
        `share[1]`."""
        from lockcheck.renewal import file_of  # noqa: PLC0415 - as the snapshot
        from lockcheck.snapshot import Snapshot  # noqa: PLC0415 - what it consists of is needed from here on

        held = self._workspace.held(part)
        files = tuple(file_of(wanted, self._workspace.reader.key(wanted)) for wanted in part)
        if not any(one.links.facts for one in held):
            return Snapshot(files, (), (), (), {}, *_problems(one.links for one in held))
        from lockcheck.linking.dissolving import dissolve  # noqa: PLC0415 - only where there is something to link

        records = [one.record for one in held]
        project = link(records, self._settings)
        modules.update(project.linker.modules)
        entries = tuple(_entries(self._hazards(project, *share)))
        unresolved = {kind: len(sites) for kind, sites in project.linker.unresolved.items() if sites}
        consulted = tuple(sorted(project.linker.consulted))
        beside = tuple((one, other, answer) for (one, other), answer in project.linker.beside.items())
        if share[0] + 1 < share[1]:
            dissolve(project)
        return Snapshot(files, consulted, beside, entries, unresolved, *_problems(records))

    def _hazards(self, project: Project, number: int, islands: int) -> Iterator[tuple[str, Hazard]]:
        """What the selected rules report."""
        from lockcheck.checks import all_checks  # noqa: PLC0415 - only where there is something to check

        rules = all_checks()
        for done, (code, rule) in enumerate(rules.items(), number * len(rules)):
            self._workspace.tell("checking", done, islands * len(rules))
            if self._settings.selects(code):
                for hazard in rule(project):
                    yield code, hazard

    def _assembled(self, snapshot: Snapshot, part: Part, modules: _Modules) -> Snapshot:
        """The snapshot with the findings that are to be made, and with the fixes of those that are reported."""
        if not snapshot.entries:
            return snapshot
        from lockcheck.assembly import Assembly  # noqa: PLC0415 - only where there is something

        assembly = Assembly(modules, _Texts(part))
        entries = []
        for entry in snapshot.entries:
            draft = entry.draft or assembly.draft(entry.code, entry.hazard)
            if lies_in(draft.finding, self._workspace.mended) and shown(draft.finding, self._settings):
                draft = assembly.mended(draft, entry.hazard)
            entries.append(entry._replace(draft=draft))
        return snapshot._replace(entries=tuple(entries))


def _problems(found: Iterable[Record | Links]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Those of files that do not parse, and those of functions."""
    listed = list(found)
    broken = tuple(one.problem for one in listed if one.problem is not None)
    return broken, tuple(problem for one in listed for problem in one.unread)


def _entries(hazards: Iterable[tuple[str, Hazard]]) -> Iterator[Entry]:
    from lockcheck.snapshot import Entry  # noqa: PLC0415 - as the snapshot

    for code, hazard in hazards:
        yield Entry(code, replace(hazard, witness=None), None)


class _Modules(dict[str, "ModuleFacts"]):
    """The facts of files by path; those that are not there yet are taken from records. Raises KeyError for a file
    without any."""

    def __init__(self, workspace: Workspace, part: Part) -> None:
        super().__init__()
        self._workspace = workspace
        self._wanted = {wanted.path: wanted for wanted in part}

    def __missing__(self, path: str) -> ModuleFacts:
        facts = self._workspace.records([self._wanted[path]])[0].facts
        if facts is None:
            raise KeyError(path)
        self[path] = facts
        return facts


class _Texts(dict[str, str]):
    """Texts by path, each unpacked once."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self._contents = {wanted.path: wanted.content for wanted in part}

    def __missing__(self, path: str) -> str:
        self[path] = self._contents[path].text
        return self[path]
