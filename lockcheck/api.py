"""The whole pipeline, in order: discover, declare, read, link, check, fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import suppressions
from lockcheck.findings import Finding, Problem
from lockcheck.linked import Progress, Workspace, link

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.reporting.graphs.model import Graph
    from lockcheck.settings import Settings

__all__ = ["ChangedFile", "FixReport", "GraphReport", "Progress", "Report", "analyse", "check", "fix", "graph"]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    `findings` are in the order of their places, suppressed ones left out. `files` counts the files that could be
    checked. `unresolved` counts, by kind, what could not be followed.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    suppressed: int
    files: int
    unresolved: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FixReport:
    """What fixing did. `report` is about the fixed sources. `bound_hit` tells that another round would change more."""

    report: Report
    changed: tuple[ChangedFile, ...]
    applied: int
    bound_hit: bool


@dataclass(frozen=True, slots=True)
class GraphReport:
    """The lock-order graph, whole; `reporting.graphs.focus` limits it. `declared` are the names of all tables."""

    graph: Graph
    declared: frozenset[str]
    problems: tuple[Problem, ...]
    files: int


def check(paths: Sequence[Path], settings: Settings) -> Iterator[Finding]:
    """The findings in `paths`. Raises `discover.DiscoverError` for a path that is not there."""
    yield from analyse(paths, settings).findings


def analyse(
    paths: Sequence[Path],
    settings: Settings,
    *,
    progress: Progress | None = None,
    stdin: tuple[str, str] | None = None,
) -> Report:
    """Check `paths`; `stdin` is a name and the text that stands in for that file. Raises `discover.DiscoverError`."""
    given = dict([stdin]) if stdin else {}
    return _analyse(Workspace(paths, settings, progress, given), settings, given)


def _analyse(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> Report:
    readings = workspace.read(overlay)
    facts, unread = workspace.behaviour(readings.files)
    texts = {item.source.path: item.source.text for item in readings.files}
    found: list[Finding] = []
    unresolved: Mapping[str, int] = {}
    if facts:
        project = link(readings.files, facts, settings)
        found = _findings(project, texts, settings, workspace.reported)
        unresolved = {kind: len(sites) for kind, sites in project.linker.unresolved.items() if sites}
    shown = [finding for finding in found if _shown(finding, settings)]
    unshown = [finding for finding in found if not _shown(finding, settings)]
    comments = _suppressions(texts)
    settled = suppressions.settle(shown, comments, workspace.reported, settings.selects, unshown=unshown)
    checked = sum(path in workspace.reported for path in texts)
    return Report(settled.findings, (*readings.problems, *unread), settled.suppressed, checked, unresolved)


def _findings(
    project: Project, texts: Mapping[str, str], settings: Settings, reported: Collection[str]
) -> list[Finding]:
    """What the selected rules report that lies in the `reported` files; those that are not shown have no fix."""
    from lockcheck.assembly import Assembly  # noqa: PLC0415 - only where there is something to check
    from lockcheck.checks import all_checks  # noqa: PLC0415 - as above

    hazards = [
        (code, hazard) for code, rule in all_checks().items() if settings.selects(code) for hazard in rule(project)
    ]
    made = Assembly(project.linker, texts, lambda f: _lies_in(f, reported) and _shown(f, settings)).findings(hazards)
    return [finding for finding in made if _lies_in(finding, reported)]


def _shown(finding: Finding, settings: Settings) -> bool:
    shown = settings.preview or not finding.preview
    return shown and settings.selects(finding.code, finding.place.path)


def _lies_in(finding: Finding, paths: Collection[str]) -> bool:
    """Whether a finding's own or a related place lies in the files that were asked for."""
    places = (finding.place, *(related.place for related in finding.related))
    return any(place.path in paths for place in places)


def _suppressions(texts: Mapping[str, str]) -> dict[str, suppressions.FileSuppressions]:
    return {
        path: suppressions.read(text, path)
        for path, text in texts.items()
        if suppressions.worth_reading(text.encode("utf-8", "surrogatepass"))
    }


def graph(paths: Sequence[Path], settings: Settings, *, progress: Progress | None = None) -> GraphReport:
    """The lock-order graph of the project, of what locks rows in `paths`. Raises `discover.DiscoverError`."""
    from lockcheck.reporting.graphs.focus import within  # noqa: PLC0415 - a check needs none of it
    from lockcheck.reporting.graphs.model import Graph  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress)
    readings = workspace.read({})
    facts, unread = workspace.behaviour(readings.files)
    texts = {item.source.path: item.source.text for item in readings.files}
    checked = sum(path in workspace.reported for path in texts)
    problems = (*readings.problems, *unread)
    if not facts:
        return GraphReport(Graph(), frozenset(), problems, checked)
    from lockcheck.linking.lockgraph import lock_graph  # noqa: PLC0415 - only where there is something to link
    from lockcheck.reporting.graphs.convert import shown  # noqa: PLC0415 - as above

    project = link(readings.files, facts, settings)
    found = shown(lock_graph(project), project.linker, texts)
    return GraphReport(
        within(found, workspace.reported), frozenset(project.linker.declarations.tables), problems, checked
    )


def fix(
    paths: Sequence[Path],
    settings: Settings,
    *,
    unsafe: bool,
    diff: bool,
    progress: Progress | None = None,
    stdin: tuple[str, str] | None = None,
) -> FixReport:
    """Apply the safe fixes (with `unsafe`, all of them) until nothing changes; with `diff`, write nothing."""
    from lockcheck.fixes.engine import fix_until_stable  # noqa: PLC0415 - imports libcst

    given = dict([stdin]) if stdin else {}
    workspace = Workspace(paths, settings, progress, given)
    everything = replace(settings, preview=True)
    workspace.read(given)
    before = {path: text for path, text in workspace.texts(given).items() if path in workspace.reported}

    def look(texts: Mapping[str, str]) -> Sequence[Finding]:
        return _analyse(workspace, everything, {**given, **texts}).findings

    def applicable(finding: Finding) -> bool:
        allowed = finding.fix is not None and (unsafe or finding.fix.applicability == "safe")
        return allowed and _shown(finding, settings)

    outcome = fix_until_stable(before, look, applicable)
    changed = tuple(ChangedFile(path, before[path], text) for path, text in sorted(outcome.texts.items()))
    unwritten = [] if diff or stdin else list(_write(workspace, changed))
    failed = {problem.path for problem in unwritten}
    kept = tuple(change for change in changed if change.path not in failed)
    after = {**given, **{change.path: change.after for change in kept}}
    report = _analyse(workspace, settings, after)
    report = replace(report, problems=(*report.problems, *unwritten))
    applied = sum(finding.place.path not in failed for finding in outcome.fixed)
    return FixReport(report, kept, applied, outcome.exhausted)


def _write(workspace: Workspace, changed: Iterable[ChangedFile]) -> Iterator[Problem]:
    """Write the fixed files; the problems of those that were left as they are."""
    from lockcheck.fixes.write import WriteError, write  # noqa: PLC0415 - only for fixing

    for change in changed:
        source = workspace.source(change.path)
        if source is None:
            continue
        try:
            write(source.file, change.after, source.raw)
        except WriteError as error:
            yield Problem(change.path, None, None, str(error))
