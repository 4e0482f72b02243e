"""LCK103: a row is read without a lock, its state tested, then set."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import file_line, short
from lockcheck.checks._evidence import Evidence, Setting, evidence
from lockcheck.checks._limits import Limit, limits
from lockcheck.checks._locking_read import locking_read
from lockcheck.checks._numbering import Numbering, numberings
from lockcheck.checks._rows import is_locked, read_of
from lockcheck.checks._writers import Writer, other_writer, reached
from lockcheck.hazards import Hazard, Where
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import Target

CODE = "LCK103"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[tuple[Target, str]] = set()
    for setting, found in _settings(project):
        site, function = _place(project, setting, found)
        if (site, setting.column.attribute) not in seen:
            seen.add((site, setting.column.attribute))
            rows = reached(project, setting.trace, setting.step, setting.write)
            other = other_writer(project, (setting.mapped.table, setting.column.attribute), function, rows)
            yield _hazard(project, setting, found, site, function, other)
    yield from _numbered(project)
    yield from _limited(project)


def _limited(project: Project) -> Iterator[Hazard]:
    """Rows that are put into a state as long as a count of such rows allows it."""
    seen: set[Target] = set()
    for found in limits(project):
        if found.count.site not in seen:
            seen.add(found.count.site)
            yield _of_limit(found)


def _of_limit(found: Limit) -> Hazard:
    reason = "lock the row that the limit belongs to, ahead of the SELECT"
    text = (
        f"{found.mapped.table}.{found.write.attribute} is set to {found.value!r} while a count of such rows allows it; "
        f"the SELECT that counts takes no lock, so that two transactions that count at the same time go beyond the "
        f"limit; no fix: {reason}"
    )
    written = (found.write.site, f"{found.write.attribute} is set here")
    return Hazard(site=found.count.site, function=found.function, message=text, related=(written,), no_fix=reason)


def _numbered(project: Project) -> Iterator[Hazard]:
    """New rows that are numbered from a count of rows, or from the last of them."""
    seen: set[Target] = set()
    for found in numberings(project):
        if found.given not in seen:
            seen.add(found.given)
            yield _of_numbering(found)


def _of_numbering(found: Numbering) -> Hazard:
    mapped, reason = found.insert.mapped, "lock the row that all of the numbered rows belong to, ahead of the SELECT"
    number = "from a count of rows" if found.counted else "from the last of the rows"
    result = f", and one fails with IntegrityError: ({', '.join(found.unique)}) is unique" if found.unique else ""
    text = (
        f"{mapped.table}.{found.column.name} of a new {mapped.name} is numbered {number} that a SELECT without a row "
        f"lock has read: two transactions that read at the same time give the same number{result}; no fix: {reason}"
    )
    related = [(found.read.site, "the rows are read here, without a lock")]
    if found.given != found.site:
        related.append((found.given, f"{found.column.name} is set here"))
    return Hazard(
        site=found.site,
        function=found.function,
        message=text,
        related=tuple(related),
        no_fix=reason,
    )


def _settings(project: Project) -> Iterator[tuple[Setting, Evidence]]:
    """The writes of columns that rest on what an unlocked read has shown."""
    yield from project.in_runs(_settings_in, starts, (Write,))


def _settings_in(project: Project, trace: Trace) -> Iterator[tuple[Setting, Evidence]]:
    for step, write in trace.of(Write):
        setting = _setting(project, trace, step, write)
        found = evidence(project, setting) if setting is not None else None
        if setting is None or found is None:
            continue
        if not is_locked(project, trace, step, setting.mapped, setting.read):
            yield setting, found


def _setting(project: Project, trace: Trace, step: Step, write: Write) -> Setting | None:
    """A write of a column to a row that was read in this run."""
    mapped = project.locks.mapped(write.instance.model)
    column = mapped.column(write.attribute) if mapped else None
    if mapped is None or column is None or column.primary_key or mapped.version_column is not None:
        return None
    read = read_of(project, trace, step, write.instance)
    if read is None or read.execute.statement.lock is not None:  # a lock that is given up too early is LCK404
        return None
    return Setting(trace, step, write, mapped, column, read)


def _place(project: Project, setting: Setting, found: Evidence) -> tuple[Target, str]:
    """The write, or the call of the row's own method that writes: its caller has made the choice."""
    step = setting.step
    functions = [setting.trace.function, *(arm.arm for arm in step.path if arm.kind == "call")]
    ancestry = project.linker.declarations.mro(setting.write.instance.model.qualname)
    level = len(step.calls)
    while level and found.at.calls[:level] != step.calls[:level]:
        if project.linker.functions[functions[level]].facts.owner not in ancestry:
            break
        level -= 1
    site = step.calls[level] if level < len(step.calls) else setting.write.site
    return site, functions[level]


def _hazard(
    project: Project, setting: Setting, found: Evidence, site: Target, function: str, other: Writer | None
) -> Hazard:
    remedy, reason = locking_read(project, setting, found, function)
    return Hazard(
        site=site,
        function=function,
        message=_message(project, setting, found, other, reason),
        related=tuple(_related(setting, found, other)),
        remedy=remedy,
        no_fix=reason,
    )


def _message(project: Project, setting: Setting, found: Evidence, other: Writer | None, reason: str | None) -> str:
    column = f"{setting.mapped.table}.{setting.column.name}"
    tested = f"which a SELECT without a row lock chose by its {setting.column.name}"
    if not found.selects:
        tested = f"whose {setting.column.name} was tested after a read without a row lock"
    writer = f"{short(other.function)} at {file_line(project, other.site)}" if other else "another run of the same code"
    text = f"{column} is set on a row {tested}: it overwrites what {writer} has written since"
    return f"{text}; no fix: {reason}" if reason else text


def _related(setting: Setting, found: Evidence, other: Writer | None) -> Iterator[tuple[Where, str]]:
    yield setting.read.execute.site, "the row is read here, without a lock"
    if found.site is not None:
        yield found.site, f"its {setting.column.name} is tested here"
    if other is not None:
        yield other.site, f"{short(other.function)} sets it, too"
