"""The whole pipeline, in order: discover, declare, read, link, check, fix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import suppressions
from lockcheck.findings import Finding, Problem, lies_in
from lockcheck.known import Known, Sieve
from lockcheck.linked import Progress, Workspace, link
from lockcheck.reports import ChangedFile, FixReport, GraphReport, Report

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.settings import Settings

__all__ = [
    "ChangedFile",
    "FixReport",
    "GraphReport",
    "Progress",
    "Report",
    "add_ignores",
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
) -> Report:
    """Check `paths`; `stdin` is a name and the text that stands in for that file, `known` tells which findings are not
    to be reported. Raises `discover.DiscoverError` and, for a revision, `git.GitError`."""
    given = dict([stdin]) if stdin else {}
    workspace = Workspace(paths, settings, progress, given)
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


def _analyse(
    workspace: Workspace, settings: Settings, overlay: Mapping[str, str], sieve: Sieve | None = None
) -> Report:
    look = _look(workspace, settings, overlay)
    sorted_ = (sieve or Sieve(None, None)).sort(look.settled.findings, look.texts, look.unshown)
    reported = workspace.reported
    silenced = tuple(item for item in look.settled.silenced if lies_in(item.finding, reported))
    return Report(
        findings=tuple(finding for finding in sorted_.new if lies_in(finding, reported)),
        problems=look.problems,
        suppressed=len(silenced),
        files=sum(path in reported for path in look.texts),
        unresolved=look.unresolved,
        silenced=silenced,
        baselined=tuple(finding for finding in sorted_.baselined if lies_in(finding, reported)),
        removable=sieve.removable(sorted_, _judged(look, reported), settings) if sieve is not None else (),
        since=sieve.since(sorted_, reported) if sieve is not None else None,
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
    readings = workspace.read(overlay)
    facts, unread = workspace.behaviour(readings.files)
    texts = {item.source.path: item.source.text for item in readings.files}
    found: tuple[Finding, ...] = ()
    unresolved: Mapping[str, int] = {}
    if facts:
        project = link(readings.files, facts, settings)
        found = _findings(project, texts, settings, workspace.mended)
        unresolved = {kind: len(sites) for kind, sites in project.linker.unresolved.items() if sites}
    shown = [finding for finding in found if _shown(finding, settings)]
    unshown = tuple(finding for finding in found if not _shown(finding, settings))
    settled = suppressions.settle(shown, _suppressions(texts), texts, settings.selects, unshown=unshown)
    return _Look(settled, unshown, (*readings.problems, *unread), texts, unresolved)


def _findings(
    project: Project, texts: Mapping[str, str], settings: Settings, mended: Collection[str]
) -> tuple[Finding, ...]:
    """What the selected rules report, in the whole project; those that are not shown, or do not lie in the `mended`
    files, have no fix."""
    from lockcheck.assembly import Assembly  # noqa: PLC0415 - only where there is something to check
    from lockcheck.checks import all_checks  # noqa: PLC0415 - as above

    hazards = [
        (code, hazard) for code, rule in all_checks().items() if settings.selects(code) for hazard in rule(project)
    ]
    return Assembly(project.linker, texts, lambda f: lies_in(f, mended) and _shown(f, settings)).findings(hazards)


def _shown(finding: Finding, settings: Settings) -> bool:
    shown = settings.preview or not finding.preview
    return shown and settings.selects(finding.code, finding.place.path)


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
    known: Known | None = None,
) -> FixReport:
    """Apply the safe fixes (with `unsafe`, all of them) until nothing changes; with `diff`, write nothing.
    Findings that are `known` stay as they are."""
    from lockcheck.fixes.engine import fix_until_stable  # noqa: PLC0415 - imports libcst

    given = dict([stdin]) if stdin else {}
    workspace = Workspace(paths, settings, progress, given)
    everything = replace(settings, preview=True)
    workspace.read(given)
    before = {path: text for path, text in workspace.texts(given).items() if path in workspace.reported}
    sieve = _sieve(paths, workspace, settings, given, known)
    new: set[Finding] = set()

    def look(texts: Mapping[str, str]) -> Sequence[Finding]:
        found = _look(workspace, everything, {**given, **texts})
        new.update(sieve.sort((f for f in found.settled.findings if _shown(f, settings)), found.texts).new)
        return [finding for finding in found.settled.findings if lies_in(finding, workspace.reported)]

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
    return FixReport(report, kept, applied, outcome.exhausted)


def add_ignores(
    paths: Sequence[Path],
    settings: Settings,
    *,
    reason: str,
    diff: bool,
    progress: Progress | None = None,
    known: Known | None = None,
) -> FixReport:
    """Write a comment for each finding in `paths` that is not known; with `diff`, write nothing. `applied` counts the
    findings that are silenced."""
    from lockcheck import ignores  # noqa: PLC0415 - only where comments are written
    from lockcheck.fixes.apply import apply  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress)
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
