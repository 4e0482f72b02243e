"""Statements, built call by call: what each generative method adds."""

from __future__ import annotations

from collections.abc import Callable

from lockcheck.immutable import replace
from lockcheck.linking.arguments import Arguments, is_false, pairs, truth
from lockcheck.linking.clauses import condition, conditions, conjunction, is_null, is_opaque
from lockcheck.linking.inheritance import SameRows, owned
from lockcheck.linking.values import (
    Abstract,
    Assignments,
    Clause,
    ColumnRef,
    ConstantSet,
    Exists,
    Join,
    Known,
    LoaderOption,
    ModelRef,
    Opaque,
    OpaqueClause,
    RelationRef,
    RowLock,
    Statement,
    TupleOf,
    each,
    join,
)
from lockcheck.plans import Target

KEPT = frozenset(
    {
        "subquery", "cte", "scalar_subquery", "as_scalar", "alias", "label", "lateral", "correlate", "correlate_except",
        "params", "with_hint", "suffix_with", "set_label_style", "add_cte", "yield_per", "with_session",
        "autoflush", "select_entity_from", "reset_joinpoint", "from_statement", "return_defaults", "with_labels",
        "self_group", "tuples", "inline", "sort_by_parameter_order", "apply_labels", "column", "with_statement_hint",
        "order_by_none", "with_parent", "from_self", "group_concat",
    }
)  # fmt: skip
"""Methods that change neither which rows are reached nor how they are locked."""

BUILDS = KEPT | {
    "where", "filter", "filter_by", "having", "join", "outerjoin", "select_from", "options", "order_by", "limit",
    "offset", "distinct", "group_by", "with_for_update", "execution_options", "populate_existing", "returning",
}  # fmt: skip
"""Methods that give a statement again, and execute nothing."""

COMPOUND = frozenset({"union", "union_all", "intersect", "intersect_all", "except_", "except_all"})
ON_CONFLICT = frozenset({"on_conflict_do_update", "on_conflict_do_nothing", "on_duplicate_key_update"})


def columns_of(values: tuple[Abstract, ...]) -> tuple[Abstract, ...]:
    """Entities with a list given as one argument unpacked (legacy `select([..])`)."""
    if len(values) == 1 and isinstance(values[0], TupleOf) and values[0].kind == "list":
        return values[0].items
    return values


def model_of(value: Abstract | None) -> ModelRef | None:
    if isinstance(value, ModelRef):
        return value
    if isinstance(value, (ColumnRef, RelationRef)):
        return value.model
    columns = getattr(value, "columns", ())
    return columns[0].model if columns and isinstance(columns[0], ColumnRef) else None


def model_name(first: str | None, entities: tuple[Abstract, ...]) -> str | None:
    """How the model of a SELECT reads, by how its first argument does; a Core table without its `.c`."""
    if first is None or not entities or not isinstance(entities[0], ColumnRef):
        return first if entities else None
    return first.rpartition(".")[0].removesuffix(".c").removesuffix(".columns") or None


def first_model(values: tuple[Abstract, ...]) -> ModelRef | None:
    return next((model for value in values if (model := model_of(value)) is not None), None)


class Extender:
    """Adds one method call to a statement. `column` tells whether a model has a column, `target` what a relationship
    leads to, `same` whether two models are in one table."""

    def __init__(
        self,
        column: Callable[[ModelRef, str], ColumnRef | None],
        target: Callable[[RelationRef], ModelRef | None],
        same: SameRows,
    ) -> None:
        self._column = column
        self._target = target
        self._same = same
        self._steps: dict[str, Callable[[Statement, Arguments, Target], Statement]] = {
            "where": self._where,
            "filter": self._where,
            "having": self._grouped,
            "filter_by": self._filter_by,
            "values": self._values,
            "ordered_values": self._values,
            "join": self._join,
            "innerjoin": self._join,
            "outerjoin": self._outer_join,
            "join_from": self._join_from,
            "outerjoin_from": self._join_from,
            "select_from": self._select_from,
            "options": self._options,
            "order_by": self._order_by,
            "limit": self._limit,
            "offset": self._limit,
            "fetch": self._limit,
            "slice": self._limit,
            "distinct": self._distinct,
            "group_by": self._grouped,
            "with_for_update": self._lock,
            "execution_options": self._execution_options,
            "populate_existing": self._populate,
            "returning": self._returning,
            "with_only_columns": self._entities,
            "with_entities": self._entities,
            "add_columns": self._more_entities,
            "add_column": self._more_entities,
            "add_entity": self._more_entities,
            "prefix_with": self._prefix,
            "enable_eagerloads": self._eager,
        }

    def extend(self, statement: Statement, method: str, arguments: Arguments, site: Target) -> Abstract:
        """The statement after `.method(arguments)`."""
        if site.slice not in statement.steps:
            statement = replace(statement, steps=statement.steps | {site.slice})
        step = self._steps.get(method)
        if step is not None:
            return step(statement, arguments, site)
        if method == "exists":
            return Exists(statement)
        if method in COMPOUND:
            return combined(statement)
        if method in ON_CONFLICT:
            return replace(statement, on_conflict=method)
        return statement if method in KEPT else replace(statement, readable=False)

    def _where(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        added = conjunction(arguments.positional) + (() if arguments.complete else (OpaqueClause(),))
        model = statement.model or next((c.model for cond in conditions(added) for c in cond.columns), None)
        spelling = statement.spelling if statement.model == model else None  # what is selected is none of that model's
        where = statement.where + owned(added, model, self._same)
        return replace(statement, where=where, model=model, spelling=spelling)

    def _filter_by(self, statement: Statement, arguments: Arguments, site: Target) -> Statement:
        added: list[Clause] = []
        entity = statement.joins[-1].model if statement.joins and statement.joins[-1].explicit else statement.model
        for name, value in arguments.keywords:
            column = self._column(entity, name) if entity else None
            column = column or (self._column(statement.model, name) if statement.model else None)
            added.append(condition((column,), "==", value, site) if column else OpaqueClause())
        if not arguments.complete:
            added.append(OpaqueClause())
        return replace(statement, where=statement.where + tuple(added))

    def _values(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        rows = next((v for v in arguments.positional if not isinstance(v, TupleOf) or v.kind != "dict"), statement.rows)
        return replace(statement, assigned=self.assigned(statement.assigned, arguments), rows=rows)

    def assigned(self, before: Assignments, arguments: Arguments) -> Assignments:
        items = list(before.items)
        complete = before.complete and arguments.complete
        for value in arguments.positional:
            found, known = pairs(value)
            complete = complete and known
            for key, assigned in found:
                name = assigned_name(key)
                if name is None:
                    complete = False
                else:
                    items.append((name, assigned))
        items.extend(arguments.keywords)
        return Assignments(tuple(items), complete)

    def _join(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        outer = arguments.flag("isouter") or arguments.flag("full")
        return self._joined(statement, arguments.positional[:1], outer=outer)

    def _outer_join(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        return self._joined(statement, arguments.positional[:1], outer=True)

    def _join_from(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        return self._joined(statement, arguments.positional[:2], outer=False)

    def _joined(self, statement: Statement, targets: tuple[Abstract, ...], *, outer: bool) -> Statement:
        joins = tuple(Join(self._target(t) if isinstance(t, RelationRef) else model_of(t), outer) for t in targets)
        if not targets:
            joins = (Join(None, outer),)
        return replace(statement, joins=statement.joins + joins)

    def _select_from(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        models = [model for value in arguments.positional if (model := model_of(value)) is not None]
        if len(models) != len(arguments.positional):
            return replace(statement, joins=(*statement.joins, Join(None, outer=False)))
        if not models:
            return statement
        joins = tuple(Join(model, outer=False) for model in models[1:])
        return replace(statement, model=models[0], joins=joins + statement.joins)

    def _options(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        found: list[LoaderOption] = []
        for value in arguments.positional:
            parts = value.items if isinstance(value, TupleOf) else each(value)
            for part in parts:
                found.extend((part, *part.also) if isinstance(part, LoaderOption) else (LoaderOption("opaque", ()),))
        if arguments.starred:
            found.append(LoaderOption("opaque", ()))
        return replace(statement, options=statement.options + tuple(found))

    def _order_by(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        if len(arguments.positional) == 1 and is_null(arguments.positional[0]):
            return replace(statement, order_by=())
        if len(arguments.positional) == 1 and is_false(arguments.positional[0]):
            return replace(statement, order_by=())
        added = columns_of(arguments.positional) + ((Opaque(),) if arguments.starred else ())
        return replace(statement, order_by=statement.order_by + added)

    def _limit(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        if arguments.positional and is_null(arguments.positional[0]):
            return statement
        return replace(statement, limited=True)

    def _distinct(self, statement: Statement, _a: Arguments, _: Target) -> Statement:
        return replace(statement, distinct=True)

    def _grouped(self, statement: Statement, _a: Arguments, _: Target) -> Statement:
        return replace(statement, grouped=True)

    def _lock(self, statement: Statement, arguments: Arguments, site: Target) -> Statement:
        return replace(statement, lock=row_lock(arguments, site, "method"))

    def _execution_options(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        synchronize = arguments.keyword("synchronize_session") or statement.synchronize
        populate = statement.populate_existing or arguments.flag("populate_existing")
        return replace(statement, synchronize=synchronize, populate_existing=populate)

    def _populate(self, statement: Statement, _a: Arguments, _: Target) -> Statement:
        return replace(statement, populate_existing=True)

    def _entities(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        entities = columns_of(arguments.positional)
        return replace(statement, entities=entities, model=first_model(entities) or statement.model)

    def _returning(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        written = statement.kind in ("update", "delete") and statement.query is None
        return replace(statement, entities=columns_of(arguments.positional)) if written else statement

    def _more_entities(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        return replace(statement, entities=statement.entities + arguments.positional)

    def _prefix(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        words = [str(v.value).upper() for v in arguments.positional if isinstance(v, Known)]
        ignores = any("IGNORE" in word or "REPLACE" in word for word in words)
        return replace(statement, on_conflict="prefix") if ignores and statement.kind == "insert" else statement

    def _eager(self, statement: Statement, arguments: Arguments, _: Target) -> Statement:
        if arguments.positional and truth(arguments.positional[0]) is False:
            option = LoaderOption("lazyload", (), everything=True)
            return replace(statement, options=(*statement.options, option))
        return statement


def grown_in_turns(values: list[Abstract]) -> list[Abstract]:
    """What a variable may hold at the head of a loop: a statement that each turn gives a condition that cannot be read
    counts as having one."""
    conditions = [(part.site, part.where) for value in values for part in each(value) if isinstance(part, Statement)]
    return [join(*(_open(part, conditions) for part in each(value))) for value in values]


def _open(value: Abstract, conditions: list[tuple[Target, tuple[Clause, ...]]]) -> Abstract:
    if not isinstance(value, Statement):
        return value
    size = len(value.where)
    further = (where for site, where in conditions if site == value.site and len(where) > size)
    unread = any(where[:size] == value.where and is_opaque(where[size:]) for where in further)
    return replace(value, readable=False) if unread else value


def combined(statement: Statement) -> Statement:
    """A UNION or its like that begins with a statement; a lock of the parts is none of the whole."""
    return replace(statement, compound=True, lock=None)


def assigned_name(key: Abstract) -> str | None:
    if isinstance(key, Known) and isinstance(key.value, str):
        return key.value
    return key.attribute if isinstance(key, ColumnRef) else None


def row_lock(arguments: Arguments, site: Target, style: str) -> RowLock:
    """The lock that `with_for_update(**arguments)` stands for. Unread `**keywords` may hold an `of`, so that it
    counts as given."""
    of = lock_targets(arguments.keyword("of"))
    if of is None and arguments.double_starred:
        of = (Opaque(),)
    return RowLock(
        of=of,
        nowait=arguments.flag("nowait"),
        skip_locked=arguments.flag("skip_locked"),
        read=arguments.flag("read"),
        key_share=arguments.flag("key_share"),
        site=site,
        style="mapping" if style == "mapping" else "method",
    )


def lock_targets(value: Abstract | None) -> tuple[Abstract, ...] | None:
    if value is None or is_null(value):
        return None
    if isinstance(value, TupleOf):
        return value.items
    if isinstance(value, ConstantSet):
        return (Opaque(),)
    return each(value)
