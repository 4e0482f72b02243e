"""What a whole project holds: linked anew, or what an earlier run found where nothing that matters has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockcheck.findings import Finding, Problem, lies_in
from lockcheck.linked import Sources, Workspace, link

if TYPE_CHECKING:
    from lockcheck.facts import ModuleFacts
    from lockcheck.hazards import Hazard
    from lockcheck.linking.project import Project
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
    snapshot = _snapshot(workspace, settings, sources, overlay)
    broken = {problem.path for problem in snapshot.broken}
    texts = {wanted.path: wanted.text for wanted in sources.wanted if wanted.path not in broken}
    problems = (*sources.problems, *snapshot.broken, *snapshot.unread)
    return Whole(_findings(snapshot), problems, texts, snapshot.unresolved)


def _snapshot(workspace: Workspace, settings: Settings, sources: Sources, overlay: Mapping[str, str]) -> Snapshot:
    if workspace.snapshots is None:
        return _assembled(_linked(workspace, settings, sources), workspace, settings, sources)
    from lockcheck.cache.snapshots import name_of  # noqa: PLC0415 - only runs with a cache
    from lockcheck.renewal import drafted, renewed  # noqa: PLC0415 - as above

    name = name_of(settings, sources.wanted, overlay)
    before = workspace.snapshots.read(name)
    holds = None if before is None else renewed(before, workspace, sources.wanted)
    found = holds or drafted(_linked(workspace, settings, sources), before)
    after = _assembled(found, workspace, settings, sources)
    if after != before:
        workspace.snapshots.write(name, after)
    return after


# --- linking ------------------------------------------------------------------------------------------------------


def _linked(workspace: Workspace, settings: Settings, sources: Sources) -> Snapshot:
    """What linking and the rules find."""
    from lockcheck.renewal import file_of  # noqa: PLC0415 - as the snapshot
    from lockcheck.snapshot import Snapshot  # noqa: PLC0415 - what it consists of is needed from here on

    records = workspace.records(sources.wanted)
    files = tuple(file_of(wanted, workspace.reader.key(wanted)) for wanted in sources.wanted)
    broken = tuple(record.problem for record in records if record.problem is not None)
    unread = tuple(problem for record in records for problem in record.unread)
    if all(record.facts is None for record in records):
        return Snapshot(files, (), (), (), {}, broken, unread)
    project = link(records, settings)
    entries = tuple(_entries(_hazards(project, settings, workspace)))
    unresolved = {kind: len(sites) for kind, sites in project.linker.unresolved.items() if sites}
    consulted = tuple(sorted(project.linker.consulted))
    beside = tuple((one, other, answer) for (one, other), answer in project.linker.beside.items())
    return Snapshot(files, consulted, beside, entries, unresolved, broken, unread)


def _hazards(project: Project, settings: Settings, workspace: Workspace) -> Iterator[tuple[str, Hazard]]:
    """What the selected rules report."""
    from lockcheck.checks import all_checks  # noqa: PLC0415 - only where there is something to check

    rules = all_checks()
    for number, (code, rule) in enumerate(rules.items()):
        workspace.tell("checking", number, len(rules))
        if settings.selects(code):
            for hazard in rule(project):
                yield code, hazard


def _entries(hazards: Iterable[tuple[str, Hazard]]) -> Iterator[Entry]:
    from lockcheck.snapshot import Entry  # noqa: PLC0415 - as the snapshot

    for code, hazard in hazards:
        yield Entry(code, replace(hazard, witness=None), None)


# --- findings -----------------------------------------------------------------------------------------------------


def _assembled(snapshot: Snapshot, workspace: Workspace, settings: Settings, sources: Sources) -> Snapshot:
    """The snapshot with the findings that are to be made, and with the fixes of those that are reported."""
    if not snapshot.entries:
        return snapshot
    from lockcheck.assembly import Assembly  # noqa: PLC0415 - only where there is something

    assembly = Assembly(_Modules(workspace, sources), {wanted.path: wanted.text for wanted in sources.wanted})
    entries = []
    for entry in snapshot.entries:
        draft = entry.draft or assembly.draft(entry.code, entry.hazard)
        if lies_in(draft.finding, workspace.mended) and shown(draft.finding, settings):
            draft = assembly.mended(draft, entry.hazard)
        entries.append(entry._replace(draft=draft))
    return snapshot._replace(entries=tuple(entries))


class _Modules(Mapping[str, "ModuleFacts"]):
    """The facts of files by path, taken from their records when they are asked for."""

    def __init__(self, workspace: Workspace, sources: Sources) -> None:
        self._workspace = workspace
        self._wanted = {wanted.path: wanted for wanted in sources.wanted}
        self._known: dict[str, ModuleFacts] = {}

    def __getitem__(self, path: str) -> ModuleFacts:
        if path not in self._known:
            facts = self._workspace.records([self._wanted[path]])[0].facts
            if facts is None:
                raise KeyError(path)
            self._known[path] = facts
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._wanted)

    def __len__(self) -> int:
        return len(self._wanted)


def _findings(snapshot: Snapshot) -> tuple[Finding, ...]:
    if not snapshot.entries:
        return ()
    from lockcheck.assembly import fingerprinted  # noqa: PLC0415 - only where there is something

    return fingerprinted(entry.draft for entry in snapshot.entries if entry.draft is not None)
