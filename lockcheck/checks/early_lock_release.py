"""LCK404: row locks are released before the rows are written."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import dialects, file_line, short, stands_at
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.linking.events import Delete, Execute, Inner, Merge, Opened, SessionCall, Write
from lockcheck.linking.kinds import before
from lockcheck.linking.origins import operations
from lockcheck.linking.project import Project
from lockcheck.linking.releases import Release, releases
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef
from lockcheck.plans import PassSession, Target

CODE = "LCK404"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in (*_released(project), *_nested(project)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


# --- a lock that is gone --------------------------------------------------------------------------------------


def _released(project: Project) -> Iterator[Hazard]:
    """One finding for each place where a function lets go of a lock, by the lock that it took last."""
    latest: dict[Target, Release] = {}
    for release in releases(project):
        site = release.call or stands_at(release.end)
        known = latest.get(site)
        if known is None or known.lock.number < release.lock.number:
            latest[site] = release
    for site, release in latest.items():
        yield _hazard(project, site, release)


def _hazard(project: Project, site: Target, release: Release) -> Hazard:
    lock, end, use = release.lock.detail, release.end, release.use
    table = project.locks.table(lock.statement.model) if isinstance(lock, Execute) else ""
    by = "this call ends the transaction" if release.call else f"{_end(end)} ends the transaction"
    where = f" ({_end(end)} at {file_line(project, stands_at(end))})" if release.call else ""
    message = (
        f"{by}{where}: the {table} rows locked at {file_line(project, stands_at(release.lock))} are no longer locked "
        f"when they are written at {file_line(project, stands_at(use))}"
    )
    remedy = _session_passed(project, release.trace, site, _session(release.lock))
    return Hazard(
        site=site,
        function=_function(release, site),
        message=message if remedy else f"{message}; no fix: {_reason(release)}",
        related=_places(release, site),
        remedy=remedy,
        no_fix=None if remedy else _reason(release),
    )


def _reason(release: Release) -> str:
    if release.call is not None:
        return "the callee decides where the transaction ends"
    return "the rows must be locked again, and tested again, after it"


def _end(end: Step) -> str:
    method = end.detail.method if isinstance(end.detail, SessionCall) else "commit"
    return f"{method}()"


def _function(release: Release, site: Target) -> str:
    if release.call is None:
        return release.end.function
    return next((s.function for s in release.trace.steps if getattr(s.detail, "site", None) == site), site.slice)


def _places(release: Release, site: Target) -> tuple[tuple[Where, str], ...]:
    places: list[tuple[Where, str]] = [(stands_at(release.lock), "the rows are locked here")]
    if stands_at(release.end) != site:
        places.append((stands_at(release.end), f"{_end(release.end)} releases them here"))
    return (*places, (stands_at(release.use), "and they are written here"))


# --- a second transaction -------------------------------------------------------------------------------------


def _nested(project: Project) -> Iterator[Hazard]:
    """Calls without a session, of functions that then open one and write rows which the caller's session has read."""
    yield from project.in_runs(_nested_in, holding=(Inner,))


def _nested_in(project: Project, trace: Trace) -> Iterator[Hazard]:
    if not project.contention.runs_alone(trace.function):
        for site in dict.fromkeys(call.site for step, call in trace.of(Inner) if step.is_local):
            if project.linker.opens(site) is not None:
                found = _second(project, trace, site)
                if found is not None:
                    yield found


def _second(project: Project, trace: Trace, site: Target) -> Hazard | None:
    ended = [
        detail.session for step, detail in trace.of(SessionCall, Opened) if _within(step, site) and _is_commit(detail)
    ]
    inside = [(step, detail) for step, detail in trace.of(Write, Merge, Delete) if _within(step, site)]
    if not ended or not inside:
        return None
    first = next(step for step in trace.steps if _within(step, site))
    read = {execute.site: step for step, execute in before(trace.of(Execute), first)}
    for step, detail in inside:
        source = next((read[o] for o in _read_by(project, detail) if o in read), None)
        outer = _session(source) if source is not None else None
        same = outer is not None and any(same_session(session, outer) for session in ended)
        if source is not None and not same and not trace.ended_between(source, first, outer):
            return _two_transactions(project, trace, site, source, step)
    return None


def _read_by(project: Project, detail: Write | Merge | Delete) -> frozenset[Target]:
    """The operations that read the rows which a step writes."""
    if isinstance(detail, Write):
        is_column = project.linker.names.column(detail.instance.model, detail.attribute) is not None
        return operations(detail.instance.origin) if is_column else frozenset()
    return operations(detail.value)


def _within(step: Step, site: Target) -> bool:
    return bool(step.calls) and step.calls[0] == site


def _is_commit(detail: SessionCall | Opened) -> bool:
    return detail.method == "commit" if isinstance(detail, SessionCall) else detail.commits and not detail.entered


def _two_transactions(project: Project, trace: Trace, site: Target, source: Step, step: Step) -> Hazard:
    parameter = project.linker.opens(site)
    table = project.locks.table(source.detail.statement.model) if isinstance(source.detail, Execute) else ""
    callee = project.linker.callee_at(site)
    name = short(callee.qualname) if callee is not None else "the callee"
    message = (
        f"{name}() is given no {parameter}=: it writes the {table} row that was read at "
        f"{file_line(project, stands_at(source))} in a second transaction, and commits it"
    )
    related: tuple[tuple[Where, str], ...] = (
        (stands_at(source), "the row is read here, in the first transaction"),
        (stands_at(step), "and written here, in the second one"),
    )
    remedy = _session_passed(project, trace, site, _session(source))
    return Hazard(site, trace.function, message, related, remedy)


def _session_passed(project: Project, trace: Trace, site: Target, session: SessionRef | None) -> Remedy | None:
    """Hands the session on, where the call opens one since it is given none and the session has a name there."""
    parameter = project.linker.opens(site)
    name = getattr(session.origin, "name", "") if session is not None else ""
    here = trace.function if site.slice == trace.function else site.slice
    spelled = name or _parameter(project, here, parameter)
    if parameter is None or not spelled.isidentifier():
        return None
    judged = dialects(project.policy.databases)
    text = f"pass {parameter}={spelled}, so that both are one transaction (judged for {judged}); it then ends later"
    return Remedy(PassSession(site, parameter, spelled), "unsafe", text)


def _parameter(project: Project, function: str, name: str | None) -> str:
    located = project.linker.functions.get(function)
    names = {parameter.name for parameter in located.facts.parameters} if located else set()
    return name if name in names and name is not None else ""


def _session(step: Step) -> SessionRef | None:
    return getattr(step.detail, "session", None)
