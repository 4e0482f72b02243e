"""Which class a relationship leads to, and which side has the foreign key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeGuard

from lockcheck.declarations.annotations import Annotated
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.expressions import expression_of_text, inside
from lockcheck.declarations.layouts import Layouts
from lockcheck.declarations.locate import shared_parts
from lockcheck.declarations.mapping import Mappings
from lockcheck.declarations.model import CallOf, Deferred, Expression, Items, Literal_, Name


class Targets:
    """Finds the other sides of relationships."""

    def __init__(self, mappings: Mappings, layouts: Layouts, constructs: Constructs) -> None:
        self._mappings = mappings
        self._layouts = layouts
        self._constructs = constructs

    def target(self, qualname: str, made: Construct, annotated: Annotated) -> str | None:
        """The class that a relationship of a class leads to."""
        given, scope = made.argument(0, "argument"), made.scope
        if given is None or (isinstance(given, Literal_) and given.value is None):
            given, scope = annotated.target, annotated.scope or scope
        return self._class(given, scope, qualname)

    def _class(self, given: Expression | None, scope: Scope, qualname: str) -> str | None:
        if isinstance(given, Deferred):
            given = given.body
        if isinstance(given, Literal_) and isinstance(given.value, str):
            given = Name(given.value)
        if not isinstance(given, Name):
            return None
        found = self._constructs.resolved(given, Scope(scope.module))
        if self._mappings.table(found) is not None:
            return found
        return self._by_name(given.dotted, qualname)

    def _by_name(self, dotted: str, qualname: str) -> str | None:
        """A mapped class by its name, or the end of its dotted path, as a registry finds it; of several the one with
        the same declarative base, then the nearest."""
        base = self._mappings.base(qualname)
        found = [
            candidate
            for candidate in self._by_last_name.get(dotted.rpartition(".")[2], ())
            if f".{candidate}".endswith(f".{dotted}") and self._mappings.table(candidate) is not None
        ]
        return max(
            found,
            key=lambda name: (self._mappings.base(name) == base, shared_parts(name, qualname)),
            default=None,
        )

    @cached_property
    def _by_last_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for qualname in self._mappings.names.classes:
            found.setdefault(qualname.rpartition(".")[2], []).append(qualname)
        return found

    # --- direction ----------------------------------------------------------------------------------------------

    def is_many(self, qualname: str, target: str | None, made: Construct) -> bool | None:
        """Whether a relationship that is not annotated holds a list: not on the side that has the foreign key."""
        if made.keyword("secondary") is not None or made.kind == "dynamic_loader":
            return True
        table = self._mappings.table(target) if target is not None else None
        if table is None or target is None:
            return None
        if foreign := foreign_columns(made):
            return self._holds(qualname, target, foreign, made.scope)
        own = self._mappings.table(qualname)
        if table == own:
            return made.keyword("remote_side") is None
        here = any(key.target_table == table for key in self._layouts.of_class(qualname).foreign_keys)
        there = any(key.target_table == own for key in self._layouts.of_class(target).foreign_keys)
        return None if here == there else there

    def _holds(self, qualname: str, target: str, foreign: Sequence[str], scope: Scope) -> bool | None:
        """Whether the target has the columns that are said to be foreign; a bare column is the class's own."""
        owners = {column.rpartition(".")[0] for column in foreign}
        found = {self._class(Name(owner), scope, qualname) if owner else qualname for owner in owners}
        if len(found) != 1 or target == qualname:
            return None
        owner = found.pop()
        return owner == target if owner in (target, qualname) else None


def foreign_columns(made: Construct) -> list[str]:
    """The columns that `foreign_keys=` names or `foreign(..)` marks in `primaryjoin=`, as written; [] if unknown."""
    given = made.keyword("foreign_keys")
    if given is None:
        marked = (part for part in inside(_unquoted(made.keyword("primaryjoin"))) if _is_foreign(part))
        arguments = [argument for part in marked for argument in part.args]
    else:
        given = _unquoted(given)
        arguments = list(given.items) if isinstance(given, Items) else [given]
    plain = [_unquoted(argument) for argument in arguments]
    names = [part.dotted for part in plain if isinstance(part, Name)]
    return names if len(names) == len(plain) else []


def _is_foreign(part: Expression) -> TypeGuard[CallOf]:
    if not isinstance(part, CallOf) or not isinstance(part.function, Name):
        return False
    return part.function.dotted.rpartition(".")[2] == "foreign"


def _unquoted(given: Expression | None) -> Expression:
    if isinstance(given, Deferred):
        return _unquoted(given.body)
    if isinstance(given, Literal_) and isinstance(given.value, str):
        return expression_of_text(given.value)
    return Literal_(None) if given is None else given
