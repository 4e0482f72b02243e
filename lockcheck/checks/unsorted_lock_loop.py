"""LCK204: rows locked, or changed and flushed, one by one in an unsorted loop."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._loops import ORDERS, Unsorted, other_text, related, walkings
from lockcheck.checks._sorting import remedy
from lockcheck.hazards import Hazard
from lockcheck.linking.events import Execute, Merge, Write
from lockcheck.linking.lockloops import LockLoops, Walking
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step
from lockcheck.linking.witnesses import Walk
from lockcheck.plans import Target

CODE = "LCK204"


def check(project: Project) -> Iterator[Hazard]:
    for walking, found in walkings(project, LockLoops.walkings):
        if not upserts(walking.turn.step):
            yield _one_by_one(project, walking, found)
    for walking, found in walkings(project, LockLoops.batches):
        yield _in_batches(project, walking, found)


def upserts(step: Step) -> bool:
    """Whether a step of a loop inserts a row or writes the one that is there (LCK303)."""
    detail = step.detail
    return isinstance(detail, Merge) or (isinstance(detail, Execute) and detail.statement.kind == "insert")


def _one_by_one(project: Project, walking: Walking, found: Unsorted) -> Hazard:
    done = _done(walking.turn.step, found.locker.table)
    return one_by_one(project, walking, found, f"{done} one by one {ORDERS[found.order]}")


def one_by_one(project: Project, walking: Walking, found: Unsorted, what: str) -> Hazard:
    """The hazard of a loop, with `what` its turns do and in which order."""
    fix, reason = remedy(project, walking, found.counterpart)
    text = f"{what}; {other_text(project, found)}"
    return Hazard(
        site=walking.turn.loop.site,
        function=walking.turn.enters.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=related(project, found, site_of(walking.turn.step)),
        remedy=fix,
        no_fix=reason,
        preview=found.preview,
        witness=Walk(walking.trace, walking.turn, None if found.alone else found.counterpart),
    )


def _in_batches(project: Project, walking: Walking, found: Unsorted) -> Hazard:
    reason = "the keys are to be sorted before they are cut into batches"
    text = (
        f"FOR UPDATE locks {found.locker.table} rows batch by batch, ordered within each; the batches come "
        f"{ORDERS[found.order]}; {other_text(project, found)}; no fix: {reason}"
    )
    return Hazard(
        site=walking.turn.loop.site,
        function=walking.turn.enters.function,
        message=text,
        related=related(project, found, site_of(walking.turn.step)),
        no_fix=reason,
        preview=found.preview,
        witness=Walk(walking.trace, walking.turn, None if found.alone else found.counterpart),
    )


def _done(step: Step, table: str) -> str:
    detail = step.detail
    if isinstance(detail, Write):
        return f"{table} rows are changed and flushed"
    kind = detail.statement.kind if isinstance(detail, Execute) else "delete"
    return f"{table} rows are {'locked' if kind == 'select' else f'{kind}d'}"


def site_of(step: Step) -> Target:
    """The construct of a turn that locks."""
    detail = step.detail
    return detail.statement.site if isinstance(detail, Execute) else detail.site  # type: ignore[union-attr,return-value]
