"""The whole pipeline, in order: discover, declare, read, link, check, fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import suppressions
from lockcheck.findings import Finding, Problem, lies_in, shown
from lockcheck.known import Known, Sieve
from lockcheck.linked import Means, Workspace
from lockcheck.reader import Progress
from lockcheck.reports import ChangedFile, FixReport, GraphReport, Report
from lockcheck.sources import ChangedError
from lockcheck.whole import whole

if TYPE_CHECKING:
    from lockcheck.baseline import Baseline
    from lockcheck.linking.project import Project
    from lockcheck.reporting.graphs.model import Graph
    from lockcheck.settings import Settings

__all__ = [
    "ChangedFile",
    "FixReport",
    "GraphReport",
    "Means",
    "Progress",
    "Report",
    "add_ignores",
    "again",
    "analyse",
    "check",
    "fix",
    "graph",
]


def check(paths: Sequence[Path], settings: Settings) -> Iterator[Finding]:
    """The findings in `paths`. Raises `discover.DiscoverError` for a path that is not there."""
    yield from analyse(paths, settings).findings


def analyse(
    paths: Sequence[Path],
    settings: Settings,
    *,
    progress: Progress | None = None,
    stdin: tuple[str, str] | None = None,
    known: Known | None = None,
    means: Means | None = None,
) -> Report:
    """Check `paths`; `stdin` is a name and the text that stands in for that file, `known` tells which findings are not
    to be reported. Raises `discover.DiscoverError` and, for a revision, `git.GitError`."""
    given = dict([stdin]) if stdin else {}
    workspace = Workspace(paths, settings, progress, given, means)
    if means is not None and means.cache is not None and (known is None or known.since is None):
        from lockcheck.cache.seen import Seen  # noqa: PLC0415 - only runs with a cache

        workspace.seen = Seen(means.cache)
    return _analyse(workspace, settings, given, _sieve(paths, workspace, settings, given, known))


def _sieve(
    paths: Sequence[Path], workspace: Workspace, settings: Settings, given: Mapping[str, str], known: Known | None
) -> Sieve:
    wanted = known or Known()
    if wanted.since is None:
        return Sieve(None, wanted.baseline)
    from lockcheck import since  # noqa: PLC0415 - only where git is asked

    def look(at: Workspace, overlay: Mapping[str, str]) -> since.Look:
        found = _look(at, settings, overlay)
        return since.Look(found.settled.findings, found.problems, found.texts)

    return Sieve(since.before(wanted.since, paths, workspace, settings, given, look), wanted.baseline)


def _analyse(workspace: Workspace, settings: Settings, overlay: Mapping[str, str], sieve: Sieve) -> Report:
    look = _look(workspace, settings, overlay)
    sorted_ = sieve.sort(look.settled.findings, look.texts, look.unshown)
    reported = workspace.reported
    silenced = tuple(item for item in look.settled.silenced if lies_in(item.finding, reported))
    return Report(
        findings=tuple(finding for finding in sorted_.new if lies_in(finding, reported)),
        problems=tuple(problem for problem in look.problems if problem.path in reported),
        suppressed=len(silenced),
        files=sum(path in reported for path in look.texts),
        unresolved=look.unresolved,
        silenced=silenced,
        baselined=tuple(item for item in sorted_.baselined if lies_in(item.finding, reported)),
        removable=sieve.removable(sorted_, _judged(look, reported), settings),
        since=sieve.since(sorted_, reported),
    )


def _judged(look: _Look, reported: Collection[str]) -> frozenset[str]:
    """The files that were read whole: of others it is not known whether a finding is gone."""
    return frozenset(look.texts.keys() & set(reported)) - {problem.path for problem in look.problems}


@dataclass(frozen=True, slots=True)
class _Look:
    """What the whole project holds. `unshown` are findings that these settings do not show."""

    settled: suppressions.Settled
    unshown: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str]
    unresolved: Mapping[str, int]


def _look(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> _Look:
    try:
        return _looked(workspace, settings, overlay)
    except ChangedError:  # a file has changed since its times were looked at
        workspace.read_all()
        return _looked(workspace, settings, overlay)


def _looked(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> _Look:
    found = whole(workspace, settings, overlay)
    reportable = [finding for finding in found.findings if shown(finding, settings)]
    unshown = tuple(finding for finding in found.findings if not shown(finding, settings))
    comments = {path: suppressions.read(text, path) for path, text in found.texts.silencing()}
    settled = suppressions.settle(reportable, comments, found.texts, settings.selects, unshown=unshown)
    return _Look(settled, unshown, found.problems, found.texts, found.unresolved)


def again(
    workspace: Workspace, settings: Settings, overlay: Mapping[str, str], baseline: Baseline | None = None
) -> Report:
    """One more look at the files of a workspace, some of them with the texts of `overlay`."""
    return _analyse(workspace, settings, overlay, Sieve(None, baseline))


def graph(
    paths: Sequence[Path], settings: Settings, *, progress: Progress | None = None, means: Means | None = None
) -> GraphReport:
    """The lock-order graph of the project, of what locks rows in `paths`. Raises `discover.DiscoverError`."""
    from lockcheck.reporting.graphs.convert import joined  # noqa: PLC0415 - a check needs none of it
    from lockcheck.reporting.graphs.focus import within  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress, means=means)
    readings = workspace.read({})
    graphs, declared = [], set[str]()
    for project in readings.projects(settings):
        declared.update(project.linker.declarations.tables)
        graphs.append(_drawn(project, readings.texts))
    checked = sum(path in workspace.reported for path in readings.texts)
    return GraphReport(within(joined(graphs), workspace.reported), frozenset(declared), readings.problems, checked)


def _drawn(project: Project, texts: Mapping[str, str]) -> Graph:
    """The lock-order graph of an island, which is let go of."""
    from lockcheck.linking.dissolving import dissolve  # noqa: PLC0415 - only where there is something to link
    from lockcheck.linking.lockgraph import lock_graph  # noqa: PLC0415 - as above
    from lockcheck.reporting.graphs.convert import shown as drawn  # noqa: PLC0415 - as above

    found = drawn(lock_graph(project), project.linker, texts)
    dissolve(project)
    return found


def fix(
    paths: Sequence[Path],
    settings: Settings,
    *,
    unsafe: bool,
    diff: bool,
    progress: Progress | None = None,
    stdin: tuple[str, str] | None = None,
    known: Known | None = None,
    means: Means | None = None,
) -> FixReport:
    """Apply the safe fixes (with `unsafe`, all of them) until nothing changes; with `diff`, write nothing.
    Findings that are `known` stay as they are."""
    from lockcheck.fixes.engine import fix_until_stable  # noqa: PLC0415 - imports libcst
    from lockcheck.relinked import Renewing  # noqa: PLC0415 - only where one look follows the other

    given = dict([stdin]) if stdin else {}
    means = means or Means()
    workspace = Workspace(paths, settings, progress, given, Renewing(cache=means.cache, jobs=means.jobs))
    everything = replace(settings, preview=True)
    workspace.sources(given)
    before = {path: text for path, text in workspace.texts(given).items() if path in workspace.reported}
    sieve = _sieve(paths, workspace, settings, given, known)
    new: set[Finding] = set()

    def look(texts: Mapping[str, str]) -> Sequence[Finding]:
        found = _look(workspace, everything, {**given, **texts})
        new.update(sieve.sort((f for f in found.settled.findings if shown(f, settings)), found.texts).new)
        return found.settled.findings

    def applicable(finding: Finding) -> bool:
        allowed = finding.fix is not None and (unsafe or finding.fix.applicability == "safe")
        return allowed and finding in new

    outcome = fix_until_stable(before, look, applicable)
    changed = tuple(ChangedFile(path, before[path], text) for path, text in sorted(outcome.texts.items()))
    kept, unwritten = _write(workspace, changed, diff=diff or stdin is not None)
    report = _analyse(workspace, settings, {**given, **{change.path: change.after for change in kept}}, sieve)
    report = replace(report, problems=(*report.problems, *unwritten))
    failed = {problem.path for problem in unwritten}
    applied = sum(finding.place.path not in failed for finding in outcome.fixed)
    return FixReport(report, kept, applied, outcome.exhausted, outcome.refused)


def add_ignores(
    paths: Sequence[Path],
    settings: Settings,
    *,
    reason: str,
    diff: bool,
    progress: Progress | None = None,
    known: Known | None = None,
    means: Means | None = None,
) -> FixReport:
    """Write a comment for each finding in `paths` that is not known; with `diff`, write nothing. `applied` counts the
    findings that are silenced."""
    from lockcheck import ignores  # noqa: PLC0415 - only where comments are written
    from lockcheck.fixes.apply import apply  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress, means=means)
    sieve = _sieve(paths, workspace, settings, {}, known)
    found = _analyse(workspace, settings, {}, sieve).findings
    before = {path: text for path, text in workspace.texts({}).items() if path in workspace.reported}
    changed = tuple(
        ChangedFile(path, text, apply(text, edits))
        for path, text in sorted(before.items())
        if (edits := list(ignores.edits(text, path, (f for f in found if f.place.path == path), reason)))
    )
    kept, unwritten = _write(workspace, changed, diff=diff)
    report = _analyse(workspace, settings, {change.path: change.after for change in kept}, sieve)
    report = replace(report, problems=(*report.problems, *unwritten))
    return FixReport(report, kept, len(found) - len(report.findings), bound_hit=False)


def _write(
    workspace: Workspace, changed: Iterable[ChangedFile], *, diff: bool
) -> tuple[tuple[ChangedFile, ...], tuple[Problem, ...]]:
    """Write the changed files unless they are for a `diff`. Those that hold or would hold, and the problems of those
    that were left as they are."""
    from lockcheck.fixes.write import WriteError, write  # noqa: PLC0415 - only for fixing

    kept, problems = [], []
    for change in changed:
        source = workspace.source(change.path)
        try:
            if source is not None and not diff:
                write(source.file, change.after, source.raw)
            kept.append(change)
        except WriteError as error:
            problems.append(Problem(change.path, None, None, str(error)))
    return tuple(kept), tuple(problems)
