"""The whole pipeline, in order: discover, declare, read, link, check, fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import suppressions
from lockcheck.findings import Finding, Problem, lies_in
from lockcheck.linked import Means, Workspace, link
from lockcheck.reader import Progress
from lockcheck.whole import shown, whole

if TYPE_CHECKING:
    from lockcheck.reporting.graphs.model import Graph
    from lockcheck.settings import Settings

__all__ = ["ChangedFile", "FixReport", "GraphReport", "Means", "Progress", "Report", "analyse", "check", "fix", "graph"]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    `findings` are in the order of their places, without those that comments silence (`silenced`). `files` counts the
    files that could be checked. `unresolved` counts, by kind, what could not be followed.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    suppressed: int
    files: int
    unresolved: Mapping[str, int] = field(default_factory=dict)
    silenced: tuple[suppressions.Silenced, ...] = ()


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
    means: Means | None = None,
) -> Report:
    """Check `paths`; `stdin` is a name and the text that stands in for that file. Raises `discover.DiscoverError`."""
    given = dict([stdin]) if stdin else {}
    return _analyse(Workspace(paths, settings, progress, given, means), settings, given)


def _analyse(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> Report:
    look = whole(workspace, settings, overlay)
    found = [finding for finding in look.findings if lies_in(finding, workspace.reported)]
    problems = tuple(problem for problem in look.problems if problem.path in workspace.reported)
    reportable = [finding for finding in found if shown(finding, settings)]
    unshown = [finding for finding in found if not shown(finding, settings)]
    comments = _suppressions(look.texts)
    settled = suppressions.settle(reportable, comments, workspace.reported, settings.selects, unshown=unshown)
    checked = sum(path in workspace.reported for path in look.texts)
    return Report(settled.findings, problems, settled.suppressed, checked, look.unresolved, settled.silenced)


def again(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> Report:
    """One more look at the files of a workspace, some of them with the texts of `overlay`."""
    return _analyse(workspace, settings, overlay)


def _suppressions(texts: Mapping[str, str]) -> dict[str, suppressions.FileSuppressions]:
    return {path: suppressions.read(text, path) for path, text in texts.items() if suppressions.worth_reading(text)}


def graph(
    paths: Sequence[Path], settings: Settings, *, progress: Progress | None = None, means: Means | None = None
) -> GraphReport:
    """The lock-order graph of the project, of what locks rows in `paths`. Raises `discover.DiscoverError`."""
    from lockcheck.reporting.graphs.focus import within  # noqa: PLC0415 - a check needs none of it
    from lockcheck.reporting.graphs.model import Graph  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress, means=means)
    readings = workspace.read({})
    texts = readings.texts
    checked = sum(path in workspace.reported for path in texts)
    problems = readings.problems
    if all(record.facts is None for record in readings.records):
        return GraphReport(Graph(), frozenset(), problems, checked)
    from lockcheck.linking.lockgraph import lock_graph  # noqa: PLC0415 - only where there is something to link
    from lockcheck.reporting.graphs.convert import shown as drawn  # noqa: PLC0415 - as above

    project = link(readings.records, settings)
    found = drawn(lock_graph(project), project.linker, texts)
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
    means: Means | None = None,
) -> FixReport:
    """Apply the safe fixes (with `unsafe`, all of them) until nothing changes; with `diff`, write nothing."""
    from lockcheck.fixes.engine import fix_until_stable  # noqa: PLC0415 - imports libcst

    given = dict([stdin]) if stdin else {}
    workspace = Workspace(paths, settings, progress, given, means)
    everything = replace(settings, preview=True)
    workspace.sources(given)
    before = {path: text for path, text in workspace.texts(given).items() if path in workspace.reported}

    def look(texts: Mapping[str, str]) -> Sequence[Finding]:
        return _analyse(workspace, everything, {**given, **texts}).findings

    def applicable(finding: Finding) -> bool:
        allowed = finding.fix is not None and (unsafe or finding.fix.applicability == "safe")
        return allowed and shown(finding, settings)

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
