"""Reads constraints, indexes and foreign keys of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.drafts import Reference
from lockcheck.declarations.layout import Layout, last_name
from lockcheck.declarations.mapping import Mappings
from lockcheck.declarations.model import CallOf, Expression, ForeignKey, Index, Name, PartialKey
from lockcheck.declarations.partial import Predicates

PARTIAL = ("postgresql_where", "sqlite_where", "mssql_where")
CONSTRAINTS = ("PrimaryKeyConstraint", "UniqueConstraint", "Index")


class Constraints:
    """Adds what constraints say to a layout whose columns are known."""

    def __init__(self, mappings: Mappings, constructs: Constructs) -> None:
        self._mappings = mappings
        self._constructs = constructs
        self._predicates = Predicates(constructs.constants)

    def read(self, made: Construct, layout: Layout) -> None:
        """One item of `__table_args__` or of a `Table`."""
        if made.kind == "ForeignKeyConstraint":
            layout.require(known=self._read_foreign_key(made, layout))
        elif made.kind not in CONSTRAINTS:
            layout.require(known=bool(made.kind) or made.understood)
        elif made.kind == "Index":
            self._read_index(made, layout)
        else:
            self._read_key(made, layout)

    def _read_key(self, made: Construct, layout: Layout) -> None:
        columns = self._columns(made.call.args, made.scope, layout)
        if columns is None:
            layout.complete = False
        elif made.kind == "PrimaryKeyConstraint":
            layout.primary_key = columns or layout.primary_key
        else:
            layout.unique_keys.append(columns)

    def _read_index(self, made: Construct, layout: Layout) -> None:
        """An index over expressions is no key, one on part of the rows is one among those."""
        columns = self._columns(made.call.args[1:], made.scope, layout)
        if columns is None:
            return
        parts = [where for name in PARTIAL if (where := made.keyword(name)) is not None]
        unique = self._constructs.truth(made.keyword("unique"), made.scope) is True
        layout.indexes.append(Index(columns, unique and not parts))
        if unique and parts:
            layout.partial_keys.extend(self._partial(columns, parts, made.scope, layout))
        elif unique:
            layout.unique_keys.append(columns)

    def _partial(
        self, columns: tuple[str, ...], parts: list[Expression], scope: Scope, layout: Layout
    ) -> Iterator[PartialKey]:
        """The key that an index on a part of the rows is, where each database gets the same part."""
        held = {self._predicates.held(p, scope, columns, lambda item: self._column(item, scope, layout)) for p in parts}
        only = held.pop() if len(held) == 1 else None
        if only is not None:
            yield PartialKey(columns, only)

    # --- columns ------------------------------------------------------------------------------------------------

    def _columns(self, given: Iterable[Expression], scope: Scope, layout: Layout) -> tuple[str, ...] | None:
        """The attributes that the arguments of a constraint name; None where one names no column."""
        found: list[str | None] = []
        for argument in given:
            items, known = self._constructs.unpacked(argument, scope)
            if not known:
                return None
            found += [self._column(item, scope, layout) for item in items]
        named = tuple(name for name in found if name is not None)
        return named if len(named) == len(found) else None

    def _column(self, item: Expression, scope: Scope, layout: Layout) -> str | None:
        """The attribute that `"column"`, `column`, `cls.column`, `table.c.column` or `column.desc()` names."""
        if isinstance(item, CallOf):
            base, _, method = (item.function.dotted if isinstance(item.function, Name) else "").rpartition(".")
            return self._column(Name(base), scope, layout) if method in ("asc", "desc") else None
        if not isinstance(item, Name) and (text := self._constructs.text(item, scope)) is not None:
            return layout.attribute(text)
        name = last_name(item)
        if name is None or name in layout.drafts:
            return name
        return layout.attribute(name)

    # --- foreign keys -------------------------------------------------------------------------------------------

    def read_references(self, layout: Layout) -> None:
        """The `ForeignKey(..)` of all columns."""
        for name, draft in layout.drafts.items():
            for reference in draft.references:
                target = self._target(reference)
                layout.require(known=target is not None)
                if target is not None:
                    layout.foreign_keys.append(ForeignKey((name,), target[0], (target[1],), reference.on_delete))

    def _read_foreign_key(self, made: Construct, layout: Layout) -> bool:
        """`ForeignKeyConstraint(columns, refcolumns)`; whether all of it could be read."""
        first, second = made.argument(0, "columns"), made.argument(1, "refcolumns")
        (own, own_known), (given, given_known) = (self._constructs.items(p, made.scope) for p in (first, second))
        columns = self._columns(own, made.scope, layout)
        found = [self._target(Reference(target, made.scope, None)) for target in given]
        targets = [target for target in found if target is not None]
        if not own_known or not given_known or columns is None or not len(columns) == len(targets) == len(found):
            return False
        on_delete = self._constructs.text(made.keyword("ondelete"), made.scope)
        names = tuple(column for _, column in targets)
        layout.foreign_keys.append(
            ForeignKey(columns, targets[0][0] if targets else "", names, on_delete.upper() if on_delete else None)
        )
        return True

    def _target(self, reference: Reference) -> tuple[str, str] | None:
        """The table and column that a foreign key refers to."""
        expression = reference.target
        text = self._constructs.text(expression, reference.scope)
        if text is not None:
            table, _, column = text.rpartition(".")
            return (table, column) if table else (text, "")
        if not isinstance(expression, Name):
            return None
        return self._named_target(self._constructs.resolved(expression, reference.scope))

    def _named_target(self, qualname: str) -> tuple[str, str] | None:
        owner, _, name = qualname.rpartition(".")
        table = self._mappings.cores.tables.get(owner.removesuffix(".c").removesuffix(".columns"))
        if table is not None:
            return table.name, name
        mapped = self._mappings.table(owner)
        if mapped is None:
            return None
        found = self._mappings.inherited(owner, name)
        call = found.value if found is not None else None
        first = call.args[0] if isinstance(call, CallOf) and call.args else None
        text = self._constructs.text(first, found.scope) if found is not None else None
        return mapped, text or name
