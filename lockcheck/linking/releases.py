"""Locks that a transaction loses before it uses the rows: by a commit or rollback, perhaps in a callee, in a session
decorator around one, or in an earlier turn of a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.blocks import refused
from lockcheck.linking.clauses import conjuncts
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Add, Delete, Execute, Merge, SessionCall, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.origins import operations
from lockcheck.linking.paths import exclusive, shared
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Condition, RowLock, Statement
from lockcheck.plans import Target
from lockcheck.sequences import common

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


WRITING = (Write, Execute, Add, Delete, Merge)
"""What may write rows."""


class Release(NamedTuple):
    """`lock` was taken, `end` let go of it, `use` writes its rows."""

    trace: Trace
    lock: Step
    end: Step
    use: Step

    @property
    def depth(self) -> int:
        """How many calls lead to the function that took the lock and runs on, or calls, into the end."""
        return common(self.lock.calls, self.end.calls)

    @property
    def call(self) -> Target | None:
        """The call by which that function ended the transaction; None where it did so itself."""
        return self.end.calls[self.depth] if len(self.end.calls) > self.depth else None


def writes_rows(project: Project, step: Step) -> bool:
    """Whether a step writes rows, now or at the next flush."""
    detail = step.detail
    if isinstance(detail, Write):
        return project.linker.names.column(detail.instance.model, detail.attribute) is not None
    if isinstance(detail, Execute):
        return detail.statement.kind != "select"
    return isinstance(detail, (Add, Delete, Merge))


class Releases:
    """Finds them in a run."""

    def __init__(self, project: Project, trace: Trace) -> None:
        self._project = project
        self._trace = trace

    def all(self) -> Iterator[Release]:
        """For each lock and each end of its transaction, the first use."""
        for lock, detail in self._trace.locking:
            if detail.statement.kind == "select":
                uses = list(self._uses(lock, detail))
                for end in self._ends(lock, detail) if uses else ():
                    use = self._use(lock, detail, end, uses)
                    if use is not None:
                        yield Release(self._trace, lock, end, use)

    def _use(self, lock: Step, execute: Execute, end: Step, uses: list[Step]) -> Step | None:
        """The first use behind the end, else the first of the next turn of a loop."""
        later = sorted(uses, key=lambda use: use.number < end.number or exclusive(end.path, use.path))
        found = (use for use in later if self._counts_on(lock, execute, end, use))
        return next((use for use in found if self._unlocked(execute, end, use)), None)

    def _counts_on(self, lock: Step, execute: Execute, end: Step, use: Step) -> bool:
        """Whether a use takes the rows for locked: it writes what was read under the lock, or the function that took
        the lock is not left yet, or has not let go of it itself."""
        detail, held = use.detail, common(lock.calls, end.calls)
        if not isinstance(detail, Execute) or self._lists(detail.statement, execute) or len(end.calls) > held:
            return True
        return use.calls[:held] == lock.calls[:held]

    def _ends(self, lock: Step, execute: Execute) -> Iterator[Step]:
        """Where the transaction may end while it holds the lock."""
        session = execute.session
        for end, _ in after(self._trace.of(SessionCall), lock):
            if (
                self._trace.ends(end, session)
                and self._trace.reaches(lock, end)
                and not self._trace.ended_between(lock, end, session)
            ):
                yield end

    def _uses(self, lock: Step, execute: Execute) -> Iterator[Step]:
        """The writes of the locked rows. A helper that locks and writes does so anew whenever it is called."""
        for step, _ in after(self._trace.of(Write, Merge, Delete, Execute), lock):
            again = step.function == lock.function and step.calls != lock.calls
            if not again and self._uses_rows(step, execute):
                yield step

    def _uses_rows(self, step: Step, execute: Execute) -> bool:
        detail = step.detail
        if isinstance(detail, Write):
            return writes_rows(self._project, step) and execute.site in operations(detail.instance.origin)
        if isinstance(detail, (Merge, Delete)):
            return execute.site in operations(detail.value)
        if isinstance(detail, Execute) and detail.statement.kind in ("update", "delete"):
            same_table = self._table(detail.statement) == self._table(execute.statement)
            return same_table and not self._tests(detail.statement) and self._same_rows(detail.statement, execute)
        return False

    def _same_rows(self, statement: Statement, execute: Execute) -> bool:
        if self._project.locks.same_rows(execute.statement, statement):
            return True
        return self._lists(statement, execute)

    def _lists(self, statement: Statement, execute: Execute) -> bool:
        """Whether a statement writes rows by what a SELECT has returned."""
        return execute.site in operations(self._project.locks.listed_key(statement) or statement.where)

    def _tests(self, statement: Statement) -> bool:
        """Whether a statement tests, beside keys, what the rows hold when it runs: a state, a version, a lease."""
        mapped = self._project.locks.mapped(statement.model)
        if mapped is None or statement.model is None:
            return False
        keys = {name for key in self._project.locks.keys(mapped) for name in key}
        keys |= {name for key in mapped.foreign_keys for name in key.columns}
        tested = (clause for clause in conjuncts(statement.where) if isinstance(clause, Condition))
        return any(c.attribute not in keys for clause in tested for c in clause.columns if c.model == statement.model)

    def _table(self, statement: Statement) -> str | None:
        return self._project.locks.table(statement.model)

    # --- between the end and the use ------------------------------------------------------------------------------

    def _unlocked(self, execute: Execute, end: Step, use: Step) -> bool:
        """Whether the use may come after the end with no lock of the table taken on the way."""
        if not self._trace.reaches(end, use) or refused(self._trace, end, use):
            return False
        table = self._table(execute.statement)
        again = (other for other, locking in self._trace.locking if self._table(locking.statement) == table)
        return not any(self._between(other, end, use) for other in again)

    def _between(self, other: Step, end: Step, use: Step) -> bool:
        """Whether a step comes after the end and before the use."""
        if _handles(other, end, use) or not self._trace.reaches(end, other) or not self._trace.reaches(other, use):
            return False
        if end.number < use.number:
            return end.number < other.number < use.number
        loop = _loop(end, use)
        return other.path[: len(loop)] == loop and not use.number <= other.number <= end.number


def _handles(other: Step, end: Step, use: Step) -> bool:
    """Whether a step stands in a handler, which a run that goes well never enters."""
    handlers = {arm for arm in other.path if arm.kind == "try" and arm.arm.startswith("handler")}
    return not handlers <= {*end.path, *use.path}


def _loop(end: Step, use: Step) -> tuple[object, ...]:
    """The body of the innermost loop around both."""
    path = shared(end.path, use.path)
    inside = [number for number, arm in enumerate(path) if arm.kind == "loop" and arm.arm == "body"]
    return path[: inside[-1] + 1] if inside else path


def releases(project: Project) -> Iterator[Release]:
    """The locks that runs of the project's entry points lose too early."""
    yield from project.in_runs(_of_run, starts, (RowLock,))


def _of_run(project: Project, trace: Trace) -> Iterator[Release]:
    return Releases(project, trace).all()
