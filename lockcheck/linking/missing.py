"""Look-ups that found nothing: which SELECTs are known to have given no row where a step of a run happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lockcheck.linking.clauses import conjuncts
from lockcheck.linking.events import Absence, Answer, EnterHandler, Execute, Leave, Path
from lockcheck.linking.kinds import after
from lockcheck.linking.kinds import before as ahead
from lockcheck.linking.names import last
from lockcheck.linking.origins import operations
from lockcheck.linking.sides import Side, Sides, other_arm, over, side
from lockcheck.linking.trace import Exit, Step, Trace
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
        self._known: dict[tuple[int, int], tuple[Missing, ...]] = {}

    @cached_property
    def _left(self) -> dict[Path, list[Exit]]:
        """The steps that surely leave an arm, by its path."""
        found: dict[Path, list[Exit]] = {}
        for leave in self._trace.exits:
            path = leave.path
            while path and path[-1].kind == "with":
                path = path[:-1]
            found.setdefault(path, []).append(leave)
        return found

    @cached_property
    def _absent(self) -> Sides:
        """The arms that tell that something is not there."""
        return Sides(side(step, absence, absence.arm, self._left) for step, absence in self._trace.of(Absence))

    @cached_property
    def _present(self) -> Sides:
        """The other arms of these, which tell that it is."""
        alone = ((step, absence) for step, absence in self._trace.of(Absence) if absence.alone)
        others = ((step, absence, other_arm(step.path, absence.arm)) for step, absence in alone)
        return Sides(
            side(step, absence, other[-1], self._left)
            for step, absence, other in others
            if other is not None and absence.value is not None
        )

    def before(self, step: Step, depth: int = 0) -> tuple[Missing, ...]:
        """The look-ups that gave nothing wherever a step happens."""
        known = self._known.get((step.number, depth))
        if known is None:
            known = self._known[step.number, depth] = (*self._decided(step, depth), *self._handled(step, depth))
        return known

    def _decided(self, step: Step, depth: int) -> Iterator[Missing]:
        holding = self._absent.holding(step)
        present = self._found(step) if holding else frozenset()
        for held in holding:
            refused = self._refused(held)
            for missing in self._asked(held.decided, held.absence, depth):
                if missing.check.number not in present:
                    yield replace(missing, refused=refused or missing.refused, counted=held.absence.counted)

    def _found(self, step: Step) -> frozenset[int]:
        """The executions that are known to have given a row wherever a step happens."""
        return frozenset(missing.check.number for missing in self.found(step) if missing.member is None)

    def found(self, step: Step) -> Iterator[Missing]:
        """The look-ups that are known to have given a row, or one with `member`, wherever a step happens."""
        for held in self._present.holding(step):
            if held.absence.value is not None:
                yield from self._missing(held.decided, held.absence.value, held.absence.member)

    def executions(self, site: Target, before: Step) -> list[tuple[Step, Statement]]:
        """What was executed at a site the last time ahead of a step: each of the statements that it may have been."""
        found = ahead(self._trace.executions.get(site, ()), before)
        calls = found[-1][0].calls if found else ()
        return [(step, execute.statement) for step, execute in found if step.calls == calls]

    def left_out(self, values: Iterable[Abstract], step: Step) -> Iterator[Missing]:
        """What the SELECT has left out that gave some values: `NOT EXISTS (SELECT ..)`, `NOT IN (SELECT ..)`."""
        for site in operations(tuple(values)):
            for check, statement in self.executions(site, step):
                for clause in conjuncts(statement.where):
                    inner = _denied(clause)
                    if inner is not None:
                        yield Missing(check, inner, check)

    def _refused(self, held: Side) -> bool:
        leaves = held.leaves
        if not leaves and self._left.get(held.inside):
            behind = self._left.get(held.decided.path, [])
            leaves = [leave for leave in behind if leave.step.number > held.decided.number][:1]
        return any(leave.how == "raise" for leave in leaves)

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
        for step, detail in ahead(after(self._trace.of(Answer, Leave), called), decided):
            if step.calls != calls:
                continue
            if isinstance(detail, Answer) and detail.holds == absence.outcome:
                for missing in self._missing(step, detail.value, detail.member):
                    yield replace(missing, decided=decided)
            elif isinstance(detail, Leave) and _gives(detail, outcome=absence.outcome):
                for missing in self.before(step, depth):
                    if missing.decided.calls[: len(calls)] == calls:
                        yield replace(missing, decided=decided, refused=False)

    def _called(self, site: Target, decided: Step) -> Step | None:
        found = self._trace.calls.get(site, ())
        return next((s for s in found if s.number < decided.number and s.calls == decided.calls), None)

    # --- handlers --------------------------------------------------------------------------------------------------

    def _handled(self, step: Step, depth: int) -> Iterator[Missing]:
        """What was not found where a handler of the error that says so is run, or what lies behind one."""
        for entered, caught, body in self._handlers:
            if entered.number >= step.number:
                break
            inside = entered.path
            if step.path[: len(inside)] == inside or any(over(leave, step) for leave in self._left.get(body, ())):
                yield from self._raised(entered, caught, body, depth)

    @cached_property
    def _handlers(self) -> list[tuple[Step, EnterHandler, Path]]:
        """The handlers, each with the path of its `try` body."""
        found = ((step, caught) for step, caught in self._trace.of(EnterHandler) if step.path and caught.types)
        return [(step, caught, (*step.path[:-1], step.path[-1]._replace(arm="body"))) for step, caught in found]

    def _raised(self, entered: Step, caught: EnterHandler, body: Path, depth: int) -> Iterator[Missing]:
        named = {last(kind.qualname) for kind in caught.types if isinstance(kind, External)}
        refused = any(leave.how == "raise" for leave in self._left.get(body, ()))
        for step, detail in ahead(self._trace.of(Execute, Leave), entered):
            if step.path[: len(body)] != body:
                continue
            if isinstance(detail, Execute):
                if named & NO_ROW and detail.statement.kind == "select":
                    yield Missing(step, asked_of(detail.statement), entered, refused=refused)
            elif detail.how == "raise" and depth < MAX_DEPTH and not named and len(step.calls) > len(entered.calls):
                for missing in self.before(step, depth + 1):
                    if missing.decided.path[: len(body)] == body:
                        yield replace(missing, decided=entered, refused=refused)


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
