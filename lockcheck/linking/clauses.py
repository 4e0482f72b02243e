"""WHERE clauses: built from what code calls, and asked which columns they pin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck.immutable import replace
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.origins import steady
from lockcheck.linking.substitution import is_empty
from lockcheck.linking.values import (
    Abstract,
    Alternatives,
    Both,
    Clause,
    CollectionOf,
    ColumnRef,
    Condition,
    ConstantSet,
    Either,
    Exists,
    Expression,
    Known,
    ModelRef,
    Negated,
    OneOf,
    OpaqueClause,
    Row,
    Statement,
    TupleOf,
    each,
)
from lockcheck.plans import Target

CLAUSES = (Condition, Both, Either, OneOf, Negated, Exists, OpaqueClause)

METHODS = {
    "in_": "in",
    "not_in": "not in",
    "notin_": "not in",
    "is_": "is",
    "is_not": "is not",
    "isnot": "is not",
    "is_distinct_from": "is distinct",
    "isnot_distinct_from": "is not distinct",
    "is_not_distinct_from": "is not distinct",
    "like": "like",
    "ilike": "like",
    "notlike": "not like",
    "not_like": "not like",
    "startswith": "like",
    "endswith": "like",
    "contains": "like",
    "icontains": "like",
    "istartswith": "like",
    "iendswith": "like",
    "between": "other",
    "any_": "other",
    "op": "other",
    "bool_op": "other",
    "regexp_match": "other",
    "match": "other",
    "has_key": "other",
    "__eq__": "==",
    "__ne__": "!=",
}
"""Methods of a column that make a condition, with the operator they stand for."""

NEGATIONS = {
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
    "is null": "is not null",
    "is not null": "is null",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
    "like": "not like",
    "not like": "like",
    "is distinct": "is not distinct",
    "is not distinct": "is distinct",
}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def is_null(value: Abstract) -> bool:
    return isinstance(value, Known) and value.value is None


def condition(columns: tuple[ColumnRef, ...], operator: str, operand: Abstract, site: Target | None) -> Condition:
    """A condition in its simplest form: `== None` and `is_(None)` are `is null`."""
    if operator in ("==", "is"):
        operator = "is null" if is_null(operand) else "=="
    elif operator in ("!=", "is not"):
        unlike = "is distinct" if operator == "is not" else "!="  # IS NOT TRUE holds for NULL
        operator = "is not null" if is_null(operand) else unlike
    return Condition(columns, operator, operand, site)


def compared(left: Abstract, operator: str, right: Abstract, site: Target) -> Clause | None:
    """The clause that comparing two values makes; None when neither is a SQL expression."""
    for one, other, written in ((left, right, operator), (right, left, MIRRORED.get(operator, operator))):
        if isinstance(one, ColumnRef):
            return condition((one,), written, other, site)
        if isinstance(one, TupleOf) and one.items and all(isinstance(item, ColumnRef) for item in one.items):
            columns = tuple(item for item in one.items if isinstance(item, ColumnRef))
            return Condition(columns, written, other, site)
    if isinstance(left, Expression) or isinstance(right, Expression):
        return OpaqueClause()
    if any(isinstance(part, Alternatives) and _holds_columns(part) for part in (left, right)):
        return OpaqueClause()
    return None


def _holds_columns(value: Alternatives) -> bool:
    return any(isinstance(part, (ColumnRef, Expression)) for part in value.values)


def column_method(column: ColumnRef, method: str, arguments: Arguments, site: Target) -> Abstract | None:
    """What calling a method of a column gives: a condition, the column itself, or an expression."""
    if method in METHODS:
        operand = arguments.positional[0] if arguments.positional and not arguments.starred else OpaqueClause()
        return condition((column,), METHODS[method], operand, site)
    if method in ("asc", "label", "self_group", "collate", "nulls_first", "nulls_last", "nullsfirst", "nullslast"):
        return column
    return Expression((column,), method)


def as_clause(value: Abstract) -> Clause | None:
    """A value as a condition; None for no condition at all (`None`, `true()`)."""
    if isinstance(value, CLAUSES):
        return value
    if isinstance(value, Known) and value.value in (None, True):
        return None
    if isinstance(value, ColumnRef):
        return Condition((value,), "==", Known(value=True))
    if isinstance(value, Statement):
        return Exists(value)
    if isinstance(value, Alternatives):
        parts = [as_clause(part) for part in value.values]
        known = tuple(part for part in parts if part is not None)
        return known[0] if len(known) == 1 else OneOf(known) if known else None
    return OpaqueClause()


def conjunction(values: Iterable[Abstract]) -> tuple[Clause, ...]:
    return tuple(clause for value in values if (clause := as_clause(value)) is not None)


def both(values: Iterable[Abstract], *, complete: bool = True) -> Clause:
    clauses = conjunction(values) + (() if complete else (OpaqueClause(),))
    return clauses[0] if len(clauses) == 1 else Both(clauses)


def either(values: Iterable[Abstract], *, complete: bool = True, many: bool = False) -> Clause:
    clauses = conjunction(values) + (() if complete else (OpaqueClause(),))
    return clauses[0] if len(clauses) == 1 and not many else Either(clauses, many)


def negated(value: Abstract) -> Clause:
    clause = as_clause(value)
    if isinstance(clause, Condition) and clause.operator in NEGATIONS:
        return replace(clause, operator=NEGATIONS[clause.operator])
    if isinstance(clause, Negated):
        return clause.clause
    return Negated(clause) if clause is not None else OpaqueClause()


def conjuncts(clauses: Iterable[Clause]) -> Iterator[Clause]:
    """The conditions that must all hold."""
    for clause in clauses:
        if isinstance(clause, Both):
            yield from conjuncts(clause.clauses)
        elif isinstance(clause, Negated) and isinstance(clause.clause, Either):
            yield from conjuncts(tuple(negated(part) for part in clause.clause.clauses))
        else:
            yield clause


def conditions(clauses: Iterable[Clause]) -> Iterator[Condition]:
    """Every condition anywhere in the clauses."""
    for clause in clauses:
        if isinstance(clause, Condition):
            yield clause
        elif isinstance(clause, (Both, Either, OneOf)):
            yield from conditions(clause.clauses)
        elif isinstance(clause, Negated):
            yield from conditions((clause.clause,))


def of_columns(clauses: Iterable[Clause], model: ModelRef) -> Iterator[tuple[str, Condition]]:
    """The conjuncts that look at one column of a model each, with its attribute."""
    for clause in conjuncts(clauses):
        if isinstance(clause, Condition) and len(clause.columns) == 1 and clause.columns[0].model == model:
            yield clause.columns[0].attribute, clause


def is_opaque(clauses: Iterable[Clause]) -> bool:
    """Whether a conjunct could not be read."""
    return any(_opaque(clause) for clause in conjuncts(clauses))


def _opaque(clause: Clause) -> bool:
    if isinstance(clause, (Either, OneOf)):
        return any(is_opaque((part,)) for part in clause.clauses)
    if isinstance(clause, Negated):
        return is_opaque((clause.clause,))
    return isinstance(clause, OpaqueClause)


def single(operand: Abstract) -> bool:
    """Whether an operand is one value, as far as it can be read, and not another column of the statement."""
    return not isinstance(operand, (ColumnRef, Statement, Expression, ModelRef, ConstantSet, Row))


def pinned(clauses: Iterable[Clause], model: ModelRef) -> dict[str, Abstract]:
    """Columns of `model` that the conjunction holds to one value, with that value. A scalar subquery counts as one
    value."""
    found: dict[str, Abstract] = {}
    for clause in conjuncts(clauses):
        if isinstance(clause, Condition):
            found.update(_pins(clause, model))
        elif isinstance(clause, (Either, OneOf)) and clause.clauses:
            sides = [pinned((part,), model) for part in clause.clauses]
            common = set(sides[0]).intersection(*sides[1:])
            found.update({name: sides[0][name] for name in common if _same(clause, [side[name] for side in sides])})
    return found


def _same(clause: Either | OneOf, values: list[Abstract]) -> bool:
    """Whether a column that each side holds to a value is held to one by all of them together."""
    if isinstance(clause, OneOf):
        return True
    alike = all(value == values[0] for value in values)
    return alike and (not clause.many or isinstance(values[0], Known) or steady(values[0]))


def _pins(clause: Condition, model: ModelRef) -> dict[str, Abstract]:
    if len(clause.columns) != 1 or clause.columns[0].model != model:
        return _tuple_pins(clause, model)
    name = clause.columns[0].attribute
    if clause.operator == "==" and (single(clause.operand) or isinstance(clause.operand, Statement)):
        return {name: clause.operand}
    if clause.operator == "is null":
        return {}
    if clause.operator == "in":
        only = one_item(clause.operand)
        return {} if only is None else {name: only}
    return {}


def _tuple_pins(clause: Condition, model: ModelRef) -> dict[str, Abstract]:
    row = clause.operand if clause.operator == "==" else one_item(clause.operand) if clause.operator == "in" else None
    if not isinstance(row, TupleOf):
        return {}
    return {
        column.attribute: value
        for column, value in zip(clause.columns, row.items, strict=False)
        if column.model == model
    }


def one_item(operand: Abstract) -> Abstract | None:
    """The only member of a collection that has one, or whose members are all the same value."""
    filled = [part for part in each(operand) if not is_empty(part)]
    if len(filled) != 1:
        return None
    operand = filled[0]
    if isinstance(operand, CollectionOf) and operand.single:
        return operand.element
    if isinstance(operand, TupleOf) and operand.kind != "dict" and len(operand.items) == 1:
        return operand.items[0]
    if isinstance(operand, ConstantSet) and operand.items is not None and len(operand.items) == 1:
        return Known(next(iter(operand.items)))
    return None


def listed(clauses: Iterable[Clause], model: ModelRef) -> dict[tuple[str, ...], Abstract]:
    """Columns of `model` (or tuples of them) that the conjunction holds to a list of values, with that list."""
    found: dict[tuple[str, ...], Abstract] = {}
    for clause in conjuncts(clauses):
        if isinstance(clause, Condition) and clause.operator == "in" and clause.columns:
            if all(column.model == model for column in clause.columns):
                found[tuple(column.attribute for column in clause.columns)] = clause.operand
        elif isinstance(clause, (Either, OneOf)) and clause.clauses:
            sides = [listed((part,), model) | _pins_as_lists(part, model) for part in clause.clauses]
            for name in set(sides[0]).intersection(*sides[1:]):
                found[name] = sides[0][name]
    return found


def _pins_as_lists(clause: Clause, model: ModelRef) -> dict[tuple[str, ...], Abstract]:
    return {(name,): value for name, value in pinned((clause,), model).items()}


def spread(value: Abstract) -> tuple[Abstract, ...] | None:
    """The conditions in a list that is unpacked, each kind once; None where it holds something else."""
    found: list[Abstract] = []
    for part in each(value):
        if isinstance(part, TupleOf) and part.kind != "dict":
            found.extend(part.items)
        elif isinstance(part, CollectionOf):
            found.extend(each(part.element))
        else:
            return None
    return tuple(found) if found and all(isinstance(item, CLAUSES) for item in found) else None


def expanded(clauses: Iterable[Clause]) -> Iterator[tuple[Clause, ...]]:
    """The conjunctions that it may be, one for each choice of the program."""
    parts = tuple(conjuncts(clauses))
    for number, clause in enumerate(parts):
        if isinstance(clause, OneOf):
            for choice in clause.clauses:
                yield from expanded((*parts[:number], choice, *parts[number + 1 :]))
            return
    yield parts
