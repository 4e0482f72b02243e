"""Where the foreign keys of mapped classes point, and which relationships stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.declarations.model import ForeignKey, MappedClass
    from lockcheck.declarations.project import Declarations


def pointing(mapped: MappedClass) -> Iterator[ForeignKey]:
    """The foreign keys of which it is known where they point: a column that by itself points at several tables holds
    the key of a row in one of them."""
    for key in mapped.foreign_keys:
        if not any(k.columns == key.columns and k.target_table != key.target_table for k in mapped.foreign_keys):
            yield key


def relations(declarations: Declarations, mapped: MappedClass, key: ForeignKey) -> Iterator[str]:
    """The relationships of a class that stand for one of its foreign keys, where it is the only one to that table."""
    if sum(other.target_table == key.target_table for other in mapped.foreign_keys) > 1:
        return
    for name, declared in mapped.relationships.items():
        target = declarations.mapped(declared.target) if declared.target else None
        if target is not None and target.table == key.target_table and not declared.uselist and not declared.viewonly:
            yield name
