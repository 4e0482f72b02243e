"""Which rows a statement reaches and locks: access, order, tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal

from lockcheck.declarations.model import Column, ForeignKey, MappedClass, Relationship
from lockcheck.linking import clauses
from lockcheck.linking.constants import members, plain
from lockcheck.linking.references import pointing, relations
from lockcheck.linking.values import (
    Abstract,
    Clause,
    ColumnRef,
    Condition,
    LoaderOption,
    ModelRef,
    RelationRef,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lockcheck.declarations.project import Declarations

LAZY = frozenset({"lazyload", "selectinload", "subqueryload", "noload", "raiseload", "immediateload"})

MAX_CHOICES = 16

Access = Literal["one", "keys", "many", "opaque", "unknown"]
"""How a statement reaches rows: one row, rows by a list of primary keys, many rows by other columns, not readable, or
no key known."""


@dataclass(frozen=True, slots=True)
class Widening:
    """A table that a row lock reaches beside its own. `relation` is the eager relationship, None for an explicit
    join."""

    model: ModelRef
    outer: bool
    relation: RelationRef | None
    declared: Relationship | None


class Locks:
    """Answers about statements. `keys` are unique keys that the models do not declare, by table."""

    def __init__(
        self, declarations: Declarations, keys: Mapping[str, tuple[tuple[str, ...], ...]] | None = None
    ) -> None:
        self._declarations = declarations
        self._keys = keys or {}
        self._accesses: dict[int, tuple[Statement, Access]] = {}
        """By the identity of statements, which are held."""
        self._references: dict[str, tuple[tuple[ForeignKey, tuple[str, ...]], ...]] = {}

    def mapped(self, model: ModelRef | None) -> MappedClass | None:
        return self._declarations.mapped(model.qualname) if model is not None else None

    def is_core(self, model: ModelRef | None) -> bool:
        """Whether a model is spelled as a Core table, whose columns stand under `.c`."""
        mapped = self.mapped(model)
        return model is not None and mapped is not None and (mapped.is_table or model.core)

    def table(self, model: ModelRef | None) -> str | None:
        mapped = self.mapped(model)
        return mapped.table if mapped else None

    def references(self, mapped: MappedClass) -> tuple[tuple[ForeignKey, tuple[str, ...]], ...]:
        """The foreign keys of a class of which it is known where they point, each with the relationships that stand for
        it."""
        found = self._references.get(mapped.qualname)
        if found is None:
            keys = ((key, tuple(relations(self._declarations, mapped, key))) for key in pointing(mapped))
            found = self._references[mapped.qualname] = tuple(keys)
        return found

    # --- access ----------------------------------------------------------------------------------------------------

    def keys(self, mapped: MappedClass) -> tuple[tuple[str, ...], ...]:
        """All unique keys of a table, the primary key first, as attributes."""
        extra = tuple(tuple(self._attribute(mapped, n) for n in key) for key in self._keys.get(mapped.table, ()))
        random = tuple((c.attribute,) for c in mapped.columns.values() if c.primary_key and _is_random(c))
        return tuple(key for key in (*self.constraints(mapped), *extra, *random) if key)

    def constraints(self, mapped: MappedClass) -> tuple[tuple[str, ...], ...]:
        """The keys that the model declares, so that the database refuses a second row: not those of the settings."""
        single = tuple((c.attribute,) for c in mapped.columns.values() if c.unique)
        return tuple(key for key in (mapped.primary_key, *mapped.unique_keys, *single) if key)

    def _attribute(self, mapped: MappedClass, column: str) -> str:
        return next((c.attribute for c in mapped.columns.values() if c.name == column), column)

    def access(self, statement: Statement) -> Access:
        """How the statement reaches rows of its model."""
        known = self._accesses.get(id(statement))
        if known is None:
            known = self._accesses[id(statement)] = (statement, self._reached(statement))
        return known[1]

    def _reached(self, statement: Statement) -> Access:
        model, mapped = statement.model, self.mapped(statement.model)
        if model is None or mapped is None or not mapped.primary_key:
            return "unknown"
        choices = islice(clauses.expanded(statement.where), MAX_CHOICES)
        found = {self._access(statement, where, mapped, model) for where in choices}
        if len(found) == 1:
            return found.pop()
        return "opaque" if found & {"one", "opaque"} else "many"

    def _access(self, statement: Statement, where: tuple[Clause, ...], mapped: MappedClass, model: ModelRef) -> Access:
        pins = clauses.pinned(where, model)
        if any(all(name in pins for name in key) for key in (*self.keys(mapped), *_keys_among(where, mapped, model))):
            return "one"
        listed = _listed_key(where, mapped, model)
        if listed is not None:
            return "one" if self._of_one(listed) else "keys"
        if not statement.readable or clauses.is_opaque(where):
            return "opaque"
        return "many"

    def _of_one(self, listed: Abstract) -> bool:
        """Whether a list of keys is a subquery for one row."""
        return isinstance(listed, Statement) and listed.kind == "select" and self.one_row(listed)

    def listed_key(self, statement: Statement) -> Abstract | None:
        """The list of primary keys that the statement is limited to."""
        model, mapped = statement.model, self.mapped(statement.model)
        return _listed_key(statement.where, mapped, model) if model is not None and mapped is not None else None

    def key_conditions(self, statement: Statement) -> tuple[Clause, ...]:
        """The WHERE, as far as it tells which rows are meant: what is compared with only a part of a key says no more
        than whose rows they are."""
        mapped = self.mapped(statement.model)
        if mapped is None or clauses.is_opaque(statement.where):
            return statement.where
        found = clauses.conditions(statement.where)
        named = {column.attribute for clause in found for column in clause.columns if column.model == statement.model}
        return statement.where if any(set(key) <= named for key in self.keys(mapped)) else ()

    def one_row(self, statement: Statement) -> bool:
        return self.access(statement) == "one"

    def same_rows(self, one: Statement, other: Statement) -> bool:
        """Whether two statements on a table reach the same rows: by equal keys, or since the conditions of the first
        are all among those of the second; both may reach all rows."""
        model, mapped = other.model, self.mapped(other.model)
        if one.model is None or model is None or mapped is None:
            return False
        where, wanted = frozenset(clauses.conjuncts(one.where)), frozenset(clauses.conjuncts(other.where))
        everything = not where and not wanted and one.readable and not one.limited
        if one.model == model and (everything or (where and where <= wanted)):
            return True
        ours, theirs = clauses.pinned(one.where, one.model), clauses.pinned(other.where, model)
        return any(all(n in ours and ours[n] == theirs.get(n) for n in key) for key in self.keys(mapped))

    # --- order -----------------------------------------------------------------------------------------------------

    def by_key(self, statement: Statement) -> bool:
        """Whether a SELECT comes in primary-key order; columns that are held to one value order nothing."""
        mapped = self.mapped(statement.model)
        if mapped is None or statement.model is None or not statement.order_by:
            return False
        named = [
            p.attribute if isinstance(p, ColumnRef) and p.model == statement.model else None for p in statement.order_by
        ]
        pins = clauses.pinned(statement.where, statement.model)
        named = [name for name in named if name is None or name not in pins]
        wanted = [name for name in mapped.primary_key if name not in pins]
        return named[: len(wanted)] == wanted or self._free_order(named, wanted)

    def _free_order(self, named: list[str | None], wanted: list[str]) -> bool:
        return len(named) >= len(wanted) > 1 and set(named[: len(wanted)]) == set(wanted)

    def total_order(self, statement: Statement) -> tuple[str, ...]:
        """The columns that put the rows of a SELECT in one order whatever its plan: those of a key that holds no NULL.
        None where it sorts by something else first, which may change."""
        mapped = self.mapped(statement.model)
        names: list[str] = []
        if mapped is None:
            return ()
        for part in statement.order_by:
            if not isinstance(part, ColumnRef) or part.model != statement.model:
                break
            names.append(part.attribute)
            if any(set(key) == set(names) and self._filled(mapped, key) for key in self.keys(mapped)):
                return tuple(names)
        return ()

    def _filled(self, mapped: MappedClass, key: tuple[str, ...]) -> bool:
        columns = [mapped.column(name) for name in key]
        return all(column is not None and (column.primary_key or column.nullable is False) for column in columns)

    def ordered_write(self, statement: Statement) -> bool:
        """Whether a write reaches its rows through a locking subquery that is in primary-key order
        or does not wait."""
        operand = self.listed_key(statement)
        if not isinstance(operand, Statement) or operand.lock is None:
            return False
        return bool(operand.order_by) or not operand.lock.blocking

    def waits(self, statement: Statement) -> bool:
        """Whether a write waits for the locks of others, and does not leave out what they hold."""
        operand = self.listed_key(statement)
        return not (isinstance(operand, Statement) and operand.lock is not None and not operand.lock.blocking)

    # --- tables ----------------------------------------------------------------------------------------------------

    def locked_models(self, statement: Statement) -> tuple[ModelRef, ...]:
        """The models whose rows a locking SELECT locks."""
        lock = statement.lock
        if lock is None or statement.model is None:
            return ()
        if lock.of is not None:
            named = tuple(model for part in lock.of if (model := _model(part)) is not None)
            return named or (statement.model,)
        return (*self.from_models(statement), *(w.model for w in self.eager(statement)))

    def from_models(self, statement: Statement) -> tuple[ModelRef, ...]:
        """The models in FROM: those of the entities and the explicit joins."""
        found = [statement.model] if statement.model is not None else []
        found += [model for entity in statement.entities if (model := _model(entity)) is not None]
        found += [join.model for join in statement.joins if join.model is not None]
        return tuple(dict.fromkeys(found))

    def widenings(self, statement: Statement) -> tuple[Widening, ...]:
        """What a lock without `of` reaches beside the entity's own table."""
        lock = statement.lock
        if lock is None or lock.of is not None or statement.model is None:
            return ()
        explicit = tuple(
            Widening(join.model, join.outer, None, None)
            for join in statement.joins
            if join.model is not None and join.model != statement.model
        )
        return (*explicit, *self.eager(statement))

    def eager(self, statement: Statement) -> tuple[Widening, ...]:
        """The relationships that the statement loads by a join: `lazy="joined"` and `joinedload`, unless an option
        says otherwise."""
        found: list[Widening] = []
        for entity in statement.entities:
            if isinstance(entity, ModelRef):
                found.extend(self._eager_of(entity, statement.options, ()))
        return tuple(found)

    def _eager_of(
        self, model: ModelRef, options: tuple[LoaderOption, ...], seen: tuple[str, ...]
    ) -> Iterator[Widening]:
        mapped = self.mapped(model)
        if mapped is None or model.qualname in seen:
            return
        for name, declared in mapped.relationships.items():
            option = loaded_by(name, model, options)
            joined = option.style == "joinedload" if option else declared.lazy in ("joined", False)
            target = self.mapped_name(declared.target)
            if not joined or target is None:
                continue
            inner = option.inner if option is not None else declared.inner
            reached = ModelRef(target)
            yield Widening(reached, not inner, RelationRef(model, name), declared)
            yield from self._eager_of(reached, options, (*seen, model.qualname))

    def mapped_name(self, qualname: str | None) -> str | None:
        mapped = self._declarations.mapped(qualname) if qualname else None
        return mapped.qualname if mapped else None

    # --- what is compared ---------------------------------------------------------------------------------------------

    def constants(self, statement: Statement) -> dict[str, frozenset[object]]:
        """For each column of the model that the conjunction holds to known constants, those constants."""
        return _constants(statement.where, statement.model) if statement.model is not None else {}


def loaded_by(name: str, model: ModelRef, options: tuple[LoaderOption, ...]) -> LoaderOption | None:
    """The option that decides how a relationship is loaded; an option that could not be read decides against a join."""
    for option in reversed(options):
        if any(part.name == name and part.model.qualname == model.qualname for part in option.path):
            if option.style in LAZY or option.style == "joinedload":
                return option
            if option.style == "contains_eager":
                return LoaderOption("lazyload", option.path)
    for option in options:
        if option.style == "opaque" or (option.everything and option.style in LAZY):
            return LoaderOption("lazyload", ())
    return None


def _constants(where: tuple[Clause, ...], model: ModelRef) -> dict[str, frozenset[object]]:
    found: dict[str, frozenset[object]] = {}
    for name, condition in clauses.of_columns(where, model):
        values = constant_values(condition)
        if values is not None:
            found[name] = found.get(name, values) & values
    return found


def _keys_among(where: tuple[Clause, ...], mapped: MappedClass, model: ModelRef) -> Iterator[tuple[str, ...]]:
    """The unique indexes on a part of the rows that a conjunction reaches no others of."""
    held = _constants(where, model) if mapped.partial_keys else {}
    for key in mapped.partial_keys:
        if all(held.get(name) == frozenset({plain(value)}) for name, value in key.held):
            yield key.columns


def constant_values(clause: Condition) -> frozenset[object] | None:
    """The constants that `==` or `in` compares with."""
    if clause.operator in ("==", "in"):
        return members(clause.operand)
    return frozenset({None}) if clause.operator == "is null" else None


def _is_random(column: Column) -> bool:
    """A UUID made for each row: no two rows share one, even where it is half of a key."""
    return column.default == "generated" and column.is_uuid


def _model(value: Abstract) -> ModelRef | None:
    if isinstance(value, ModelRef):
        return value
    return value.model if isinstance(value, (ColumnRef, RelationRef)) else None


def _listed_key(where: tuple[Clause, ...], mapped: MappedClass, model: ModelRef) -> Abstract | None:
    listed = clauses.listed(where, model)
    if not listed:
        return None
    pins = clauses.pinned(where, model)
    return next((operand for names, operand in listed.items() if set(mapped.primary_key) <= {*names, *pins}), None)
