"""By which columns a row is looked up before it is inserted."""

from __future__ import annotations

from dataclasses import dataclass

from lockcheck.checks._inserts import Insert, attribute
from lockcheck.declarations.model import MappedClass
from lockcheck.linking import clauses
from lockcheck.linking.missing import Missing
from lockcheck.linking.origins import FRESH, origins
from lockcheck.linking.project import Project
from lockcheck.linking.substitution import CALLED
from lockcheck.linking.values import Abstract, Condition, Known, ModelRef, Opaque, Somewhere, Statement, TupleOf, each


@dataclass(frozen=True, slots=True)
class Key:
    """The columns that a look-up and a new row have in common, with the values, and the unique key among them (empty
    without one)."""

    columns: tuple[str, ...]
    values: tuple[Abstract, ...]
    unique: tuple[str, ...]


def matched(project: Project, missing: Missing, insert: Insert) -> Key | None:
    """The key of the row that was looked for, where it is the one that is inserted."""
    statement, mapped = missing.statement, insert.mapped
    if statement.kind != "select" or project.locks.table(statement.model) != mapped.table or statement.model is None:
        return None
    asked = {attribute(mapped, n): v for n, v in asked_columns(statement, statement.model, missing).items()}
    keys = [key for key in project.locks.keys(mapped) if set(key) <= set(asked)]
    for key in keys:
        if all(_given(project, mapped, insert, name, asked[name]) for name in key):
            unique = key if key in project.locks.constraints(mapped) else ()
            return Key(key, tuple(_values(asked, insert, key)), unique)
    return None if keys else _without_key(project, missing, insert, asked)


def asked_columns(statement: Statement, model: ModelRef, missing: Missing) -> dict[str, Abstract]:
    """The columns that the look-up holds to a value, with it."""
    found: dict[str, Abstract] = dict(clauses.pinned(statement.where, model))
    for clause in clauses.conjuncts(statement.where):
        if isinstance(clause, Condition) and clause.operator == "==" and len(clause.columns) == 1:
            column, operand = clause.columns[0], clause.operand
            if column.model == model:
                found.setdefault(column.attribute, operand)
    for number, name in enumerate(missing.columns):
        member = missing.member or Opaque()
        parts = member.items if isinstance(member, TupleOf) else (member,)
        found[name] = parts[number] if len(parts) == len(missing.columns) else Opaque()
    return found


def _values(asked: dict[str, Abstract], insert: Insert, key: tuple[str, ...]) -> list[Abstract]:
    return [value for name in key for value in (asked[name], insert.given.get(name)) if value is not None]


def _given(project: Project, mapped: MappedClass, insert: Insert, name: str, asked: Abstract) -> bool:
    """Whether the new row has the value that was asked for, as far as can be seen."""
    value = insert.given.get(name)
    if value is not None:
        return not apart(value, asked)
    if _related(project, mapped, insert, name):
        return True
    column = mapped.column(name)
    return not insert.complete and (column is None or column.default != "generated")


def _related(project: Project, mapped: MappedClass, insert: Insert, name: str) -> bool:
    """Whether a relationship is given that sets a foreign-key column."""
    targets = {key.target_table for key in mapped.foreign_keys if name in key.columns}
    for given in insert.given:
        relation = mapped.relationships.get(given)
        target = project.linker.declarations.mapped(relation.target) if relation and relation.target else None
        if target is not None and target.table in targets:
            return True
    return False


def apart(one: Abstract, other: Abstract) -> bool:
    """Whether two values are known to be different ones."""
    ones, others = each(one), each(other)
    if any(a == b for a in ones for b in others):
        return False
    if _unrelated(ones, others) or _unrelated(others, ones):
        return True
    return FRESH in (*ones, *others) or all(_settled(part) for part in (*ones, *others))


def _unrelated(ones: tuple[Abstract, ...], others: tuple[Abstract, ...]) -> bool:
    """Whether values come from calls that know nothing of the other ones."""
    held = all(_settled(other) and not isinstance(other, Known) for other in others)
    return held and all(one == CALLED for one in ones)


def _settled(value: Abstract) -> bool:
    if isinstance(value, Known):
        return True
    found = list(origins(value))
    return bool(found) and not any(isinstance(origin, Somewhere) for origin in found)


def same(one: Abstract | None, other: Abstract) -> bool:
    """Whether two values are known to be one."""
    if one is None:
        return False
    return any(a == b and _settled(a) for a in each(one) for b in each(other))


def _without_key(project: Project, missing: Missing, insert: Insert, asked: dict[str, Abstract]) -> Key | None:
    """No unique key is looked up: the condition is nothing but values that the new row gets, too."""
    mapped = insert.mapped
    names = tuple(asked)
    if missing.choice or not mapped.complete or not names or not _plain(missing.statement):
        return None
    if any(not isinstance(asked[n], Known) and n not in insert.given for n in names):
        return None
    if not all(_given(project, mapped, insert, n, asked[n]) for n in names if n in insert.given):
        return None
    if not any(same(insert.given.get(n), asked[n]) and not isinstance(asked[n], Known) for n in names):
        return None
    unique = next((key for key in project.locks.constraints(mapped) if _constant(insert, set(key) - set(names))), ())
    return Key(names, tuple(_values(asked, insert, names)), unique)


def _constant(insert: Insert, names: set[str]) -> bool:
    """Whether every new row has the same values in these columns."""
    return all(isinstance(insert.given.get(name), Known) for name in names)


def _plain(statement: Statement) -> bool:
    """Whether a look-up asks for nothing but equality, or NULL, in columns of its table."""
    if not statement.readable or statement.joins or statement.compound or statement.grouped:
        return False
    return all(
        isinstance(c, Condition)
        and c.operator in ("==", "is null", "in")
        and all(p.model == statement.model for p in c.columns)
        for c in clauses.conjuncts(statement.where)
    )
