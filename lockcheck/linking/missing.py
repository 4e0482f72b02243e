"""Look-ups that found nothing: which SELECTs are known to have given no row where a step of a run happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lockcheck.linking.clauses import conjuncts
from lockcheck.linking.events import Absence, Answer, Arm, EnterHandler, Execute, Leave, Path
from lockcheck.linking.names import last
from lockcheck.linking.origins import operations
from lockcheck.linking.trace import Step, Trace, caught_outside, innermost
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    Clause,
    CollectionOf,
    ColumnRef,
    Exists,
    External,
    FromOperation,
    Instance,
    Known,
    Negated,
    Opaque,
    Reached,
    Result,
    Row,
    Statement,
    TupleOf,
    each,
)
from lockcheck.plans import Target

NO_ROW = frozenset({"NoResultFound"})
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value that rows gave, and the columns that it holds, where that is known."""

    site: Target
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """`check` executed `statement`, which gave no row, or none with `member` in `columns`. It is `decided` at a step;
    `refused` tells that a row which is there leads to an error."""

    check: Step
    statement: Statement
    decided: Step
    columns: tuple[str, ...] = ()
    member: Abstract | None = None
    refused: bool = False
    choice: bool = False
    """Whether the SELECT is one of several that the program chooses from."""
    counted: bool = False


class Lookups:
    """Answers about one run."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._arms: dict[tuple[int, Arm], tuple[Path, Path | None, list[Step]]] = {}

    @cached_property
    def _left(self) -> dict[Path, list[Step]]:
        """The steps that surely leave an arm, by its path."""
        found: dict[Path, list[Step]] = {}
        for step in self._trace.steps:
            if isinstance(step.detail, Leave):
                path = step.path
                while path and path[-1].kind == "with":
                    path = path[:-1]
                found.setdefault(path, []).append(step)
        return found

    @cached_property
    def _absences(self) -> list[tuple[Step, Absence]]:
        return [(step, step.detail) for step in self._trace.steps if isinstance(step.detail, Absence)]

    def before(self, step: Step, depth: int = 0) -> Iterator[Missing]:
        """The look-ups that gave nothing wherever a step happens."""
        present = self._present(step)
        for decided, absence in self._absences:
            if decided.number < step.number and self._holds(decided, absence.arm, step):
                refused = self._refused(decided, absence.arm)
                for missing in self._asked(decided, absence, depth):
                    if missing.check.number not in present:
                        yield replace(missing, refused=refused or missing.refused, counted=absence.counted)
        yield from self._handled(step, depth)

    def _present(self, step: Step) -> set[int]:
        """The executions that are known to have given a row wherever a step happens."""
        return {missing.check.number for missing in self.found(step) if missing.member is None}

    def found(self, step: Step) -> Iterator[Missing]:
        """The look-ups that are known to have given a row, or one with `member`, wherever a step happens."""
        for decided, absence in self._absences:
            if decided.number < step.number and absence.alone and absence.value is not None:
                other = _other(decided.path, absence.arm)
                if other is not None and self._holds(decided, other[-1], step):
                    yield from self._missing(decided, absence.value, absence.member)

    def executions(self, site: Target, before: Step) -> list[tuple[Step, Statement]]:
        """What was executed at a site the last time ahead of a step: each of the statements that it may have been."""
        found = [step for step in self._trace.executions.get(site, ()) if step.number < before.number]
        depth = len(found[-1].calls) if found else 0
        return [
            (step, step.detail.statement)
            for step in found
            if isinstance(step.detail, Execute) and step.calls == found[-1].calls and len(step.calls) == depth
        ]

    def left_out(self, values: Iterable[Abstract], step: Step) -> Iterator[Missing]:
        """What the SELECT has left out that gave some values: `NOT EXISTS (SELECT ..)`, `NOT IN (SELECT ..)`."""
        for site in operations(tuple(values)):
            for check, statement in self.executions(site, step):
                for clause in conjuncts(statement.where):
                    inner = _denied(clause)
                    if inner is not None:
                        yield Missing(check, inner, check)

    # --- where a step stands ---------------------------------------------------------------------------------------

    def _holds(self, decided: Step, arm: Arm, step: Step) -> bool:
        """Whether a step happens in an arm only, or after all other arms were left."""
        inside, other, leaves = self._sides(decided, arm)
        if step.path[: len(inside)] == inside:
            return True
        if other is None or step.path[: len(other)] == other:
            return False
        return any(_over(leave, step) for leave in leaves)

    def _sides(self, decided: Step, arm: Arm) -> tuple[Path, Path | None, list[Step]]:
        """The path of an arm and that of the other one, and the steps that surely leave that."""
        found = self._arms.get((decided.number, arm))
        if found is None:
            other = _other(decided.path, arm)
            leaves = self._left.get(other, []) if other is not None else []
            found = self._arms[decided.number, arm] = ((*decided.path, arm), other, leaves)
        return found

    def _refused(self, decided: Step, arm: Arm) -> bool:
        other = _other(decided.path, arm)
        leaves = self._left.get(other, []) if other is not None else []
        if not leaves and self._left.get((*decided.path, arm)):
            leaves = [leave for leave in self._left.get(decided.path, []) if leave.number > decided.number][:1]
        return any(_raises(leave) for leave in leaves)

    # --- what was asked --------------------------------------------------------------------------------------------

    def _asked(self, decided: Step, absence: Absence, depth: int) -> Iterator[Missing]:
        if absence.value is not None:
            yield from self._missing(decided, absence.value, absence.member)
        if depth < MAX_DEPTH:
            for site in absence.calls:
                yield from self._answered(decided, site, absence, depth + 1)

    def _missing(self, decided: Step, value: Abstract, member: Abstract | None) -> Iterator[Missing]:
        for lookup in lookups(value, member is not None):
            executed = self.executions(lookup.site, decided)
            columns = lookup.columns
            for check, outer in executed:
                statement = asked_of(outer)
                if member is not None or not columns or _selects(statement, columns):
                    held = columns if member is not None else ()
                    yield Missing(check, statement, decided, held, member, choice=len(executed) > 1)

    def _answered(self, decided: Step, site: Target, absence: Absence, depth: int) -> Iterator[Missing]:
        """What a callee had not found when it gave the outcome that was tested."""
        called = self._called(site, decided)
        if called is None:
            return
        calls = (*called.calls, site)
        for step in self._trace.steps[called.number + 1 : decided.number]:
            if step.calls != calls:
                continue
            if isinstance(step.detail, Answer) and step.detail.holds == absence.outcome:
                for missing in self._missing(step, step.detail.value, step.detail.member):
                    yield replace(missing, decided=decided)
            elif isinstance(step.detail, Leave) and _gives(step.detail, outcome=absence.outcome):
                for missing in self.before(step, depth):
                    if missing.decided.calls[: len(calls)] == calls:
                        yield replace(missing, decided=decided, refused=False)

    def _called(self, site: Target, decided: Step) -> Step | None:
        found = self._trace.calls.get(site, ())
        return next((s for s in found if s.number < decided.number and s.calls == decided.calls), None)

    # --- handlers --------------------------------------------------------------------------------------------------

    def _handled(self, step: Step, depth: int) -> Iterator[Missing]:
        """What was not found where a handler of the error that says so is run, or what lies behind one."""
        for entered, body in self._handlers:
            if entered.number >= step.number:
                break
            inside = entered.path
            behind = (leave for leave in self._left.get(body, ()) if _over(leave, step))
            if step.path[: len(inside)] == inside or any(behind):
                yield from self._raised(entered, body, depth)

    @cached_property
    def _handlers(self) -> list[tuple[Step, Path]]:
        """The handlers, each with the path of its `try` body."""
        found = (step for step in self._trace.steps if isinstance(step.detail, EnterHandler) and step.path)
        return [(step, (*step.path[:-1], step.path[-1]._replace(arm="body"))) for step in found]

    def _raised(self, entered: Step, body: Path, depth: int) -> Iterator[Missing]:
        detail = entered.detail
        if not isinstance(detail, EnterHandler) or not detail.types:
            return
        named = {last(kind.qualname) for kind in detail.types if isinstance(kind, External)}
        refused = any(_raises(leave) for leave in self._left.get(body, ()))
        for step in self._trace.steps[: entered.number]:
            if step.path[: len(body)] != body:
                continue
            if named & NO_ROW and isinstance(step.detail, Execute) and step.detail.statement.kind == "select":
                statement = asked_of(step.detail.statement)
                yield Missing(step, statement, entered, refused=refused)
            elif _raises(step) and depth < MAX_DEPTH and not named and len(step.calls) > len(entered.calls):
                for missing in self.before(step, depth + 1):
                    if missing.decided.path[: len(body)] == body:
                        yield replace(missing, decided=entered, refused=refused)


def _other(path: Path, arm: Arm) -> Path | None:
    """The path of the other arm of an `if`."""
    if arm.kind != "if":
        return None
    return (*path, Arm(arm.kind, arm.fork, "else" if arm.arm == "body" else "body"))


def _over(leave: Step, step: Step) -> bool:
    """Whether a step is not reached when the run has left at an earlier one."""
    if leave.number > step.number or not isinstance(leave.detail, Leave):
        return False
    how = leave.detail.how
    if how == "raise":
        return not caught_outside(leave.path, step.path)
    scope = innermost(leave.path, "call" if how == "return" else "loop")
    return step.path[:scope] == leave.path[:scope]


def _raises(step: Step) -> bool:
    return isinstance(step.detail, Leave) and step.detail.how == "raise"


def _gives(leave: Leave, *, outcome: bool) -> bool:
    return leave.how == "return" and isinstance(leave.value, Known) and bool(leave.value.value) == outcome


def _denied(clause: Clause) -> Statement | None:
    """The SELECT that must give no row."""
    return clause.clause.statement if isinstance(clause, Negated) and isinstance(clause.clause, Exists) else None


def _selects(statement: Statement, columns: tuple[str, ...]) -> bool:
    """Whether a value is what a SELECT of columns returned, and not an attribute of the row it returned."""
    first = statement.entities[0] if statement.entities else None
    return isinstance(first, ColumnRef) and (first.attribute,) == columns


def lookups(value: Abstract, member: bool) -> Iterator[Lookup]:
    """The operations whose rows a value holds; for a membership test with the columns of its elements."""
    for part in each(value):
        if isinstance(part, CollectionOf):
            yield from lookups(part.element, member)
        elif isinstance(part, TupleOf) and part.kind == "tuple" and member:
            yield from _of_tuple(part)
        elif isinstance(part, TupleOf):
            for item in part.keys if part.kind == "dict" else part.items:
                yield from lookups(item, member)
        else:
            found = _lookup(part)
            if found is not None:
                yield found


def _of_tuple(value: TupleOf) -> Iterator[Lookup]:
    found = [_lookup(item) for item in value.items]
    sites = {item.site for item in found if item is not None}
    if len(sites) == 1 and None not in found:
        yield Lookup(sites.pop(), tuple(name for item in found if item is not None for name in item.columns))


def _lookup(value: Abstract) -> Lookup | None:
    if isinstance(value, Row):
        names = tuple(entity.attribute for entity in value.statement.entities if isinstance(entity, ColumnRef))
        return Lookup(value.site, names if len(names) == len(value.statement.entities) > 1 else ())
    if isinstance(value, AttributeOf) and isinstance(value.base, Result) and value.name == "rowcount":
        return Lookup(value.base.site)
    if isinstance(value, AttributeOf) and isinstance(value.base, (Instance, Row)):
        inner = _lookup(value.base)
        return Lookup(inner.site, (value.name,)) if inner is not None else None
    if isinstance(value, (Instance, Opaque)):
        origin = value.origin
        if isinstance(origin, Reached) and origin.name == "count":
            origin = origin.base
        if isinstance(origin, FromOperation):
            return Lookup(origin.site)
    return None


def asked_of(statement: Statement) -> Statement:
    """The SELECT whose rows are looked for: what EXISTS or a subquery holds, else the statement itself."""
    first = statement.entities[0] if statement.entities else None
    inner = first.statement if isinstance(first, Exists) else first
    if isinstance(inner, Statement):
        return asked_of(inner)
    if statement.model is None:
        for clause in conjuncts(statement.where):
            if isinstance(clause, Exists) and clause.statement is not None:
                return clause.statement
    return statement
