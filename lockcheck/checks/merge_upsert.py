"""LCK301: `session.merge()` of a new object with a natural key, used as an upsert."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import Occurrence, dialects
from lockcheck.checks._inserts import fallback, retried, run_again_by_others
from lockcheck.declarations.model import MappedClass
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Add, Merge
from lockcheck.linking.kinds import before
from lockcheck.linking.project import Project
from lockcheck.linking.steps import attributes_in
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Built, Instance, Opaque, SessionRef, Somewhere, each
from lockcheck.linking.witnesses import Insertion
from lockcheck.plans import Target, Upsert

CODE = "LCK301"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for hazard in project.in_runs(_of_run, starts, (Merge,)):
        if hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _of_run(project: Project, trace: Trace) -> Iterator[Hazard]:
    for step, merge in trace.of(Merge):
        alone = project.contention.runs_alone(step.function)
        hazard = _hazard(project, Occurrence(trace, step), merge) if not alone else None
        if hazard is not None:
            yield hazard


def _hazard(project: Project, occurrence: Occurrence, merge: Merge) -> Hazard | None:
    new = next((v for v in each(merge.value) if isinstance(v, Instance) and isinstance(v.origin, Built)), None)
    mapped = project.locks.mapped(new.model) if new else None
    if new is None or mapped is None or not _natural_key(mapped) or _generated(new, mapped):
        return None
    trace, step = occurrence.trace, occurrence.step
    if retried(trace, step) or _serialised(project, occurrence, merge, mapped):
        return None
    if fallback(trace, step) or run_again_by_others(project, trace, step) or _merged_before(trace, step, new):
        return None
    remedy, reason = _remedy(project, occurrence, merge, new, mapped)
    built_at = new.origin.site if isinstance(new.origin, Built) else merge.site
    elsewhere = (built_at.path, built_at.slice) != (merge.site.path, merge.site.slice)
    known = _known(project, occurrence, mapped)
    return Hazard(
        site=merge.site,
        function=occurrence.step.function,
        message=_message(mapped, reason, known=known),
        related=((built_at, "the object is built here"),) if elsewhere else (),
        remedy=remedy,
        no_fix=reason,
        preview=known or _names_itself(mapped),
        witness=Insertion(occurrence.trace, occurrence.step),
    )


def _known(project: Project, occurrence: Occurrence, mapped: MappedClass) -> bool:
    """Whether a row was found before, so that only one that is deleted in between is inserted."""
    found = project.lookups(occurrence.trace).found(occurrence.step)
    return any(project.locks.table(lookup.statement.model) == mapped.table for lookup in found)


def _natural_key(mapped: MappedClass) -> bool:
    """Whether the primary key is given by the program, not generated."""
    columns = [mapped.column(name) for name in mapped.primary_key]
    return bool(columns) and all(column is not None and column.default != "generated" for column in columns)


def _names_itself(mapped: MappedClass) -> bool:
    """Whether the key is a UUID that names nothing else: it is mostly made with the object, so that only who repeats
    the same request meets it."""
    elsewhere = {name for key in mapped.foreign_keys for name in key.columns}
    columns = [mapped.column(name) for name in mapped.primary_key if name not in elsewhere]
    return len(mapped.primary_key) == 1 and any(column is not None and column.is_uuid for column in columns)


def _merged_before(trace: Trace, step: Step, new: Instance) -> bool:
    """Whether the object, or what merge() gave for it, is merged again: its row is there by then."""
    return any(
        any(isinstance(v, Instance) and v.origin == new.origin for v in each(merge.value))
        and trace.reaches(other, step)
        for other, merge in before(trace.of(Merge), step)
    )


def _generated(new: Instance, mapped: MappedClass) -> bool:
    """Whether a part of the key was given as a fresh value, such as `uuid4()`."""
    fresh = Opaque(Somewhere("generated"))
    return any(name in mapped.primary_key and value == fresh for name, value in new.given)


def _serialised(project: Project, occurrence: Occurrence, merge: Merge, mapped: MappedClass) -> bool:
    """Whether the transaction has locked rows of a parent table first, or has sent a change of one, so that two runs
    never look at the same time: the parent is one that a part of the key points at."""
    parents = {key.target_table for key in mapped.foreign_keys if set(key.columns) & set(mapped.primary_key)}
    parents -= {mapped.table}
    trace, step = occurrence.trace, occurrence.step
    locked = any(
        execute.statement.lock is not None and not execute.statement.lock.read
        for parent in parents
        for _, execute in project.held(trace, step, parent, merge.session)
    )
    return locked or bool(parents and mapped.table and parents & project.contention.gates(trace, step, mapped.table))


def _message(mapped: MappedClass, reason: str | None, *, known: bool) -> str:
    key = ", ".join(mapped.primary_key)
    looked = (
        f"looks a row up again by ({key}) that was found before, and inserts it when it was deleted in between"
        if known
        else f"looks the row up by ({key}) and inserts it when it is missing"
    )
    text = (
        f"merge() of a new {mapped.name} {looked}: two transactions that both find nothing both INSERT, and one fails "
        f"with IntegrityError"
    )
    return f"{text}; no fix: {reason}" if reason else text


def _remedy(
    project: Project, occurrence: Occurrence, merge: Merge, new: Instance, mapped: MappedClass
) -> tuple[Remedy | None, str | None]:
    reason = _obstacle(project, occurrence, merge, new, mapped)
    if reason is not None:
        return None, reason
    names = project.policy.databases
    given = tuple(name for name, _ in new.given) if _whole(merge, new) else None
    plan = Upsert(
        merge=merge.site,
        session=session_name(merge.session),
        model=mapped.name,
        key=mapped.primary_key,
        given=given,
        columns=tuple((c.attribute, c.name) for c in mapped.columns.values() if c.attribute != c.name),
        onupdate=tuple(c.attribute for c in mapped.columns.values() if c.has_onupdate),
        dialects=names,
        defaults=tuple(c.attribute for c in mapped.columns.values() if c.default != "none"),
        flush=_pending(occurrence, merge),
        helper_import=project.policy.upsert_import,
        helper_call=project.policy.upsert_call,
    )
    judged = dialects(names)
    text = f"INSERT ... ON CONFLICT DO UPDATE, executed at once instead of at the next flush (judged for {judged})"
    return Remedy(plan, "unsafe", text), None


def _whole(merge: Merge, new: Instance) -> bool:
    """Whether all that the object holds is given where it is built, which is the argument of the call."""
    literal = isinstance(new.origin, Built) and new.origin.site.slice == merge.site.slice and merge.spelling is None
    return literal and new.all_given


def _named(project: Project, occurrence: Occurrence, new: Instance, mapped: MappedClass) -> str | None:
    """A relationship of the class that is named where the object is built, on its way to the merge, or in the class's
    own `__init__`."""
    on_the_way = (arm.arm for arm in occurrence.step.path if arm.kind == "call")
    built = project.linker.function_at(new.origin.site) if isinstance(new.origin, Built) else None
    for name in (occurrence.trace.function, *on_the_way, built, mapped.own_init):
        located = project.linker.functions.get(name) if name is not None else None
        attributes = attributes_in(located.facts) if located is not None else frozenset()
        found = sorted(attributes & set(mapped.relationships))
        if found:
            return found[0]
    return None


def _pending(occurrence: Occurrence, merge: Merge) -> bool:
    """Whether new objects may wait in the session for a flush, which an INSERT that refers to them needs."""
    added = before(occurrence.trace.of(Add), occurrence.step)
    return any(same_session(add.session, merge.session) for _, add in added)


def _obstacle(project: Project, occurrence: Occurrence, merge: Merge, new: Instance, mapped: MappedClass) -> str | None:
    related = [name for name, _ in new.given if name in mapped.relationships]
    if related:
        return f"the relationship {related[0]} is set, which an INSERT statement does not follow"
    named = _named(project, occurrence, new, mapped) if mapped.relationships and not _whole(merge, new) else None
    if named is not None:
        return f"the relationship {named} may be set, which an INSERT statement does not follow"
    if mapped.version_column is not None:
        return "an INSERT statement does not count the version column"
    if mapped.joined_inheritance:
        return "the object is stored in two tables"
    if mapped.unique_keys and {"mysql", "mariadb"} & set(project.policy.dialects):
        return "ON DUPLICATE KEY UPDATE would rewrite the row of another unique key"
    if merge.uses is None or not merge.uses <= set(mapped.primary_key):
        return "the object that merge() returns is used"
    return None


def session_name(session: SessionRef) -> str:
    """How a session reads in the function that uses it, as far as its origin tells; "" where its call says it."""
    return getattr(session.origin, "name", "")
