"""LCK406: a function commits the session of a caller that still needs its transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.checks._common import dialects, file_line, short, stands_at
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking import kinds
from lockcheck.linking.belonging import Belonging
from lockcheck.linking.blocks import undone
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Execute, SessionCall
from lockcheck.linking.paths import surely_follows
from lockcheck.linking.project import Project
from lockcheck.linking.releases import WRITING, releases, writes_rows
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef
from lockcheck.plans import FlushInstead, Target
from lockcheck.sequences import common

CODE = "LCK406"


class Need(NamedTuple):
    """What a caller loses at `call`: it did `before`, and does `after` in what it takes for the same transaction."""

    commit: Step
    call: Target
    before: Step
    after: Step
    is_lock: bool


def check(project: Project) -> Iterator[Hazard]:
    found: dict[Target, Need] = {}
    for need in (*_locks(project), *_writes(project)):
        found.setdefault(stands_at(need.commit), need)
    for site, need in found.items():
        yield _report(project, site, need)


# --- what is lost -----------------------------------------------------------------------------------------------


def _locks(project: Project) -> Iterator[Need]:
    for release in releases(project):
        if release.call is not None and _borrowed(project, release.end):
            yield Need(release.end, release.call, release.lock, release.use, is_lock=True)


def _writes(project: Project) -> Iterator[Need]:
    """Writes on both sides of a call that commits what came before it."""
    yield from project.in_runs(_writes_around, starts, (SessionCall,))


def _writes_around(project: Project, trace: Trace) -> Iterator[Need]:
    commits = [step for step, _ in trace.of(SessionCall) if _borrowed(project, step)]
    if not commits:
        return
    writes = [step for step, _ in trace.of(*WRITING) if writes_rows(project, step)]
    belonging = Belonging(trace)
    for commit in commits:
        need = _split(trace, commit, writes, belonging)
        if need is not None:
            yield need


def _split(trace: Trace, commit: Step, writes: list[Step], belonging: Belonging) -> Need | None:
    session = belonging.session(commit)
    ends = kinds.before(trace.endings, commit)
    begun = next((end.number for end, _ in reversed(ends) if surely_follows(end.path, commit.path)), -1)

    def outside(step: Step) -> bool:
        return common(step.calls, commit.calls) < len(commit.calls) and _same(belonging.session(step), session)

    for before in (step for step in reversed(writes) if begun < step.number < commit.number and outside(step)):
        if not trace.reaches(before, commit) or undone(trace, before, commit) or _committed(trace, before, commit):
            continue
        call = commit.calls[common(before.calls, commit.calls)]
        after = next((step for step in writes if _follows(trace, commit, step, call) and outside(step)), None)
        if after is not None:
            return Need(commit, call, before, after, is_lock=False)
    return None


def _same(one: SessionRef | None, other: SessionRef | None) -> bool:
    return one is not None and other is not None and same_session(one, other)


def _committed(trace: Trace, before: Step, commit: Step) -> bool:
    """Whether what was written may have been committed already: then it was a unit of its own."""
    ends = kinds.before(kinds.after(trace.endings, before), commit)
    return any(trace.reaches(before, step) and trace.reaches(step, commit) for step, _ in ends)


def _follows(trace: Trace, commit: Step, step: Step, call: Target) -> bool:
    return step.number > commit.number and call not in step.calls and trace.reaches(commit, step)


def _borrowed(project: Project, step: Step) -> bool:
    """Whether a step commits, in a function that has more to it than that, a session which its caller has handed over
    (and not one that a decorator opened since it was given none)."""
    detail = step.detail
    if not isinstance(detail, SessionCall) or detail.method != "commit" or not step.calls:
        return False
    own = project.trace(step.function)
    here = next((s.detail for s in own.steps if getattr(s.detail, "site", None) == detail.site), None)
    given = isinstance(here, SessionCall) and here.session.owner == "given"
    if not given or any(project.linker.opens(call) is not None for call in step.calls[-1:]):
        return False
    return bool(own.of(Execute)) or any(writes_rows(project, s) for s, _ in own.of(*WRITING))


# --- the finding ------------------------------------------------------------------------------------------------


def _report(project: Project, site: Target, need: Need) -> Hazard:
    before, after = stands_at(need.before), stands_at(need.after)
    what = "releases the row lock taken" if need.is_lock else "commits alone what was written"
    message = (
        f"{short(need.commit.function)} commits the session that it is given at {file_line(project, need.call)}: this "
        f"{what} at {file_line(project, before)}, before the write at {file_line(project, after)}"
    )
    judged = dialects(project.policy.databases)
    text = f"flush() leaves the commit to the owner of the session (judged for {judged})"
    return Hazard(
        site=site,
        function=need.commit.function,
        message=message,
        related=(
            (before, "the rows are locked here" if need.is_lock else "this is written before"),
            (need.call, "the function that commits is called here"),
            (after, "and this is written after it"),
        ),
        remedy=Remedy(FlushInstead(site), "unsafe", text),
    )
