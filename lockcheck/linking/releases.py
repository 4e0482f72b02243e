"""Locks that a transaction loses before it uses the rows: by a commit or rollback, perhaps in a callee, in a session
decorator around one, or in an earlier turn of a loop (locking-facts, section 8)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.events import Delete, Execute, Merge, SessionCall, Write
from lockcheck.linking.origins import operations
from lockcheck.linking.trace import Step, Trace, shared, surely_follows
from lockcheck.linking.values import Statement
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


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


def common(one: tuple[Target, ...], other: tuple[Target, ...]) -> int:
    """How many calls two ways share from their beginning."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length


class Releases:
    """Finds them in a run."""

    def __init__(self, project: Project, trace: Trace) -> None:
        self._project = project
        self._trace = trace

    def all(self) -> Iterator[Release]:
        """For each lock and each end of its transaction, the first use."""
        for lock in self._trace.steps:
            detail = lock.detail
            if isinstance(detail, Execute) and detail.statement.kind == "select" and detail.statement.lock is not None:
                uses = list(self._uses(lock, detail))
                for end in self._ends(lock, detail) if uses else ():
                    use = next((use for use in uses if self._unlocked(lock, end, use)), None)
                    if use is not None:
                        yield Release(self._trace, lock, end, use)

    def _ends(self, lock: Step, execute: Execute) -> Iterator[Step]:
        """Where the transaction may end while it holds the lock."""
        session = execute.session
        for end in self._trace.steps:
            if (
                end.number > lock.number
                and isinstance(end.detail, SessionCall)
                and self._trace.ends(end, session)
                and self._trace.reaches(lock, end)
                and not self._trace.ended_between(lock, end, session)
            ):
                yield end

    def _uses(self, lock: Step, execute: Execute) -> Iterator[Step]:
        """The writes of the locked rows."""
        for step in self._trace.steps:
            if step.number > lock.number and self._uses_rows(step, execute):
                yield step

    def _uses_rows(self, step: Step, execute: Execute) -> bool:
        detail = step.detail
        if isinstance(detail, Write):
            is_column = self._project.linker.names.column(detail.instance.model, detail.attribute) is not None
            return is_column and execute.site in operations(detail.instance.origin)
        if isinstance(detail, (Merge, Delete)):
            return execute.site in operations(detail.value)
        if isinstance(detail, Execute) and detail.statement.kind in ("update", "delete"):
            same_table = self._table(detail.statement) == self._table(execute.statement)
            return same_table and self._same_rows(detail.statement, execute)
        return False

    def _same_rows(self, statement: Statement, execute: Execute) -> bool:
        if self._project.locks.same_rows(execute.statement, statement):
            return True
        return execute.site in operations(self._project.locks.listed_key(statement) or statement.where)

    def _table(self, statement: Statement) -> str | None:
        return self._project.locks.table(statement.model)

    # --- between the end and the use ------------------------------------------------------------------------------

    def _unlocked(self, lock: Step, end: Step, use: Step) -> bool:
        """Whether the use may come after the end with no lock of the table taken in between."""
        if not self._trace.reaches(end, use):
            return False
        return not any(self._locks_again(lock, other, end, use) for other in self._trace.steps)

    def _locks_again(self, lock: Step, other: Step, end: Step, use: Step) -> bool:
        detail, first = other.detail, lock.detail
        if not isinstance(detail, Execute) or not isinstance(first, Execute) or detail.statement.lock is None:
            return False
        if self._table(detail.statement) != self._table(first.statement):
            return False
        if not surely_follows(other.path, end.path) and not surely_follows(other.path, use.path):
            return False
        if end.number < use.number:
            return end.number < other.number < use.number
        loop = _loop(end, use)
        return other.path[: len(loop)] == loop and not use.number <= other.number <= end.number


def _loop(end: Step, use: Step) -> tuple[object, ...]:
    """The body of the innermost loop around both."""
    path = shared(end.path, use.path)
    inside = [number for number, arm in enumerate(path) if arm.kind == "loop" and arm.arm == "body"]
    return path[: inside[-1] + 1] if inside else path


def releases(project: Project) -> Iterator[Release]:
    """The locks that runs of the project's entry points lose too early."""
    for function in project.entries:
        if not project.contention.runs_alone(function):
            yield from Releases(project, project.trace(function)).all()
