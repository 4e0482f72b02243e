"""The tables of an experiment, from what the project declares: columns of a few types, keys, indexes, and the foreign
keys among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from lockcheck.declarations.model import Column, ForeignKey, MappedClass
from lockcheck.prove.acts import UnderivableError

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

Spot = tuple[str, str]
"""A table and a column of it, by its name in the table."""

TYPES: tuple[tuple[tuple[str, ...], type[sa.types.TypeEngine[Any]]], ...] = (
    (("bool",), sa.Boolean),
    (("uuid", "guid"), sa.Uuid),
    (("datetime", "timestamp"), sa.DateTime),
    (("interval", "timedelta"), sa.Text),
    (("integer", "int"), sa.BigInteger),
    (("float", "numeric", "decimal", "double"), sa.Double),
    (("date",), sa.Date),
)
"""Words in the name of a declared type, and the type that stands for it; text stands for all others."""


class Tables:
    """The tables of these names. `links` lead from a column to the one that its foreign key points at; `left_out` says
    what of the declarations is not there."""

    def __init__(self, project: Project, names: Iterable[str]) -> None:
        self._declared = {name: project.linker.declarations.tables.get(name, ()) for name in sorted(set(names))}
        self.metadata = sa.MetaData()
        self.links: dict[Spot, Spot] = {}
        self.left_out: list[str] = []
        self._keys = dict(self._foreign_keys())
        self.by_name: dict[str, sa.Table] = {}
        for name in self._declared:
            self._make(name)

    # --- asked by others ---------------------------------------------------------------------------------------------

    def column(self, table: str, attribute: str) -> sa.Column[Any] | None:
        """The column behind an attribute, or behind its own name."""
        for mapped in self._declared.get(table, ()):
            declared = mapped.column(attribute)
            if declared is not None:
                return self.by_name[table].c[declared.name]
        return self.by_name[table].c.get(attribute) if table in self.by_name else None

    def key(self, table: str) -> list[sa.Column[Any]]:
        return list(self.by_name[table].primary_key)

    def uniques(self, table: str) -> list[list[str]]:
        """The columns of its unique keys, the primary key first."""
        mapped = self._mapped(table)
        keys = [self._names(mapped, key) for key in (mapped.primary_key, *mapped.unique_keys)]
        return [*keys, *([c.name] for c in mapped.columns.values() if c.unique)]

    def ancestors(self, table: str) -> set[str]:
        """The tables that its foreign keys lead to, directly or not."""
        found: set[str] = set()
        rest = [table]
        while rest:
            here = rest.pop()
            for key, target in self.links.items():
                if key[0] == here and target[0] not in found:
                    found.add(target[0])
                    rest.append(target[0])
        return found

    def partners(self, table: str) -> set[str]:
        """The tables of which each of its rows needs a row of its own, since a unique key of it is a foreign key;
        their partners as well."""
        found: set[str] = set()
        for key in self.uniques(table):
            targets = {self.links[table, column][0] for column in key if (table, column) in self.links}
            if len(targets) == 1 and all((table, column) in self.links for column in key):
                found |= targets | {other for target in targets for other in self.partners(target)}
        return found

    def between(self, one: str, other: str) -> list[tuple[str, str]]:
        """The pairs of columns by which a row of one table points at a row of the other, or is pointed at."""
        forth = [(a[1], b[1]) for a, b in self.links.items() if (a[0], b[0]) == (one, other)]
        return forth or [(b[1], a[1]) for a, b in self.links.items() if (a[0], b[0]) == (other, one)]

    # --- making ------------------------------------------------------------------------------------------------------

    def _mapped(self, name: str) -> MappedClass:
        found = self._declared[name]
        if not found:
            raise UnderivableError(f"table {name} is not declared")
        if any(mapped.joined_inheritance for mapped in found):
            raise UnderivableError(f"objects of {found[0].name} are stored in two tables")
        if not found[0].primary_key:
            raise UnderivableError(f"the primary key of {name} is not known")
        return found[0]

    def _make(self, name: str) -> None:
        """A table, those that it points at first."""
        if name not in self.by_name:
            for key, _ in self._keys[name]:
                self._make(key.target_table)
            self.by_name[name] = self._table(name)

    def _table(self, name: str) -> sa.Table:
        mapped = self._mapped(name)
        declared: dict[str, Column] = {}
        for cls in self._declared[name]:
            declared.update({column.name: column for column in cls.columns.values() if column.name not in declared})
        key = self._names(mapped, mapped.primary_key)
        columns = [sa.Column(c.name, self._type(name, c), primary_key=c.name in key) for c in declared.values()]
        for column in columns:
            column.autoincrement = False
        return sa.Table(name, self.metadata, *columns, *self._constraints(name, mapped))

    def _constraints(self, name: str, mapped: MappedClass) -> Iterator[sa.schema.SchemaItem]:
        wanted = [*self.uniques(name)[1:], *(list(key[1]) for key in self._pointed_at(name))]
        known = [self._names(mapped, mapped.primary_key)]
        for number, columns in enumerate(wanted):
            if columns not in known:
                known.append(columns)
                yield sa.UniqueConstraint(*columns, name=_label(name, "key", number))
        singles = [(column.name,) for column in mapped.columns.values() if column.index and not column.unique]
        several = [tuple(self._names(mapped, index.columns)) for index in mapped.indexes if index.columns]
        for number, found in enumerate(dict.fromkeys((*singles, *several))):
            yield sa.Index(_label(name, "index", number), *found)
        for number, (key, columns) in enumerate(self._keys[name]):
            targets = [self.by_name[key.target_table].c[column] for column in key.target_columns]
            label = _label(name, "parent", number)
            yield sa.ForeignKeyConstraint(columns, targets, name=label, ondelete=key.on_delete)

    def _pointed_at(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        for owner, keys in self._keys.items():
            for key, _ in keys:
                if key.target_table == name:
                    yield owner, key.target_columns

    def _foreign_keys(self) -> Iterator[tuple[str, list[tuple[ForeignKey, list[str]]]]]:
        """Those that point at tables of the experiment, without those that would close a circle."""
        leads: dict[str, set[str]] = {name: set() for name in self._declared}
        for name in self._declared:
            found: list[tuple[ForeignKey, list[str]]] = []
            mapped = self._mapped(name)
            for key in dict.fromkeys(key for cls in self._declared[name] for key in cls.foreign_keys):
                columns = self._names(mapped, key.columns)
                if key.target_table not in self._declared:
                    self.left_out.append(f"the foreign key of {name} to {key.target_table}")
                elif key.target_table == name or _leads(leads, key.target_table, name):
                    self.left_out.append(f"the foreign key of {name} to {key.target_table}, which closes a circle")
                elif not self._has(name, columns) or not self._has(key.target_table, key.target_columns):
                    self.left_out.append(
                        f"the foreign key of {name} to {key.target_table}, whose columns are not known"
                    )
                else:
                    leads[name].add(key.target_table)
                    found.append((key, columns))
                    targets = [(key.target_table, column) for column in key.target_columns]
                    self.links.update(zip([(name, column) for column in columns], targets, strict=False))
            yield name, found

    def _has(self, table: str, columns: Iterable[str]) -> bool:
        known = {column.name for mapped in self._declared[table] for column in mapped.columns.values()}
        return bool(columns) and set(columns) <= known

    def _names(self, mapped: MappedClass, attributes: Iterable[str]) -> list[str]:
        found = [(mapped.column(name), name) for name in attributes]
        return [column.name if column is not None else name for column, name in found]

    def _type(self, table: str, column: Column) -> sa.types.TypeEngine[Any]:
        """The reduced type; a foreign key has that of what it points at."""
        spot = (table, column.name)
        if spot in self.links:
            target = self.links[spot]
            pointed = (c for cls in self._declared[target[0]] for c in cls.columns.values() if c.name == target[1])
            declared = next(pointed, None)
            return self._type(target[0], declared) if declared is not None else sa.Text()
        return reduced(column)


def _label(table: str, kind: str, number: int) -> str:
    """The name of a key or index: PostgreSQL's are at most 63 characters long."""
    return f"{table[:48]}_{kind}_{number}"


def reduced(column: Column) -> sa.types.TypeEngine[Any]:
    """The type that stands for a declared one."""
    if column.is_enum:
        return sa.Text()
    word = (column.type or column.python_type).lower()
    for words, made in TYPES:
        if any(part in word for part in words):
            return made()
    return sa.Text()


def _leads(leads: Mapping[str, set[str]], start: str, end: str) -> bool:
    rest, seen = [start], set()
    while rest:
        here = rest.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            rest.extend(leads.get(here, ()))
    return False
