"""Relationships of mapped classes, those that a `backref` makes on the other class included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from os.path import commonprefix
from typing import TypeGuard

from lockcheck.declarations.annotations import Annotated
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.expressions import expression_of_text, inside
from lockcheck.declarations.layouts import Layout, Layouts
from lockcheck.declarations.mapping import Mapping_
from lockcheck.declarations.model import CallOf, Deferred, Expression, Items, Literal_, Location, Name, Relationship


class Relationships:
    """Reads relationships; `backref` needs those of the whole project."""

    def __init__(self, mapping: Mapping_, layouts: Layouts, constructs: Constructs) -> None:
        self._mapping = mapping
        self._layouts = layouts
        self._constructs = constructs

    def of_class(self, qualname: str) -> Mapping[str, Relationship]:
        layout = self._layouts.of_class(qualname)
        own = {
            name: self._relationship(qualname, name, made, annotated, place, layout)
            for name, (made, annotated, place) in layout.relations.items()
        }
        for base in reversed(self._mapping.names.mro(qualname)):
            for name, relationship in self._backrefs.get(base, {}).items():
                if name not in own or name in layout.outside:
                    own[name] = relationship
        return own

    def _relationship(
        self, qualname: str, name: str, made: Construct, annotated: Annotated, place: Location, layout: Layout
    ) -> Relationship:
        target = self._target(qualname, made, annotated)
        uselist = self._constructs.truth(made.keyword("uselist"), made.scope)
        if uselist is None:
            uselist = annotated.collection if annotated.wrapper or made.kind == "Relationship" else None
        if uselist is None:
            uselist = self._many(qualname, target, made, layout)
        options = self._options(made)
        return self._made(name, target, options, uselist=uselist, place=place, wrapper=annotated.wrapper)

    def _made(
        self,
        name: str,
        target: str | None,
        options: Construct,
        *,
        uselist: bool | None,
        place: Location,
        wrapper: str = "",
    ) -> Relationship:
        scope = options.scope
        lazy = self._lazy(options, wrapper)
        inner = options.keyword("innerjoin")
        cascade = self._constructs.text(options.keyword("cascade"), scope) or ""
        kinds = {part.strip() for part in cascade.split(",")}
        return Relationship(
            name=name,
            target=target,
            lazy=lazy,
            inner=inner is not None and (self._constructs.truth(inner, scope) or inner == Literal_("nested")),
            uselist=uselist,
            viewonly=self._constructs.truth(options.keyword("viewonly"), scope) or False,
            cascades_delete=bool(kinds & {"delete", "all", "delete-orphan"}),
            location=place,
        )

    def _lazy(self, options: Construct, wrapper: str) -> str:
        value = options.keyword("lazy")
        if isinstance(value, Literal_) and not isinstance(value.value, str):
            return (
                {False: "joined", True: "select"}.get(value.value is not False, "select")
                if value.value is not None
                else "noload"
            )
        by_wrapper = {"DynamicMapped": "dynamic", "WriteOnlyMapped": "write_only"}.get(wrapper, "select")
        if options.kind == "dynamic_loader":
            by_wrapper = "dynamic"
        return self._constructs.text(value, options.scope) or by_wrapper

    def _options(self, made: Construct) -> Construct:
        """SQLModel hands options on in `sa_relationship_kwargs`, or a whole relationship in `sa_relationship`."""
        inner = made.keyword("sa_relationship")
        if isinstance(inner, CallOf):
            return self._constructs.construct(inner, made.scope)
        more = made.keyword("sa_relationship_kwargs")
        keys, values = getattr(more, "keys", ()), getattr(more, "values", ())
        given = tuple(
            (str(key.value), value) for key, value in zip(keys, values, strict=True) if isinstance(key, Literal_)
        )
        return made._replace(call=CallOf(made.call.function, made.call.args, (*made.call.keywords, *given)))

    # --- direction ----------------------------------------------------------------------------------------------

    def _many(self, qualname: str, target: str | None, made: Construct, layout: Layout) -> bool | None:
        """Whether an unannotated relationship holds a list: not on the side that has the foreign key."""
        if made.keyword("secondary") is not None or made.kind == "dynamic_loader":
            return True
        if target is not None and (foreign := foreign_columns(made)):
            return self._holds_foreign(qualname, target, foreign, made.scope)
        table = self._mapping.table(target) if target is not None else None
        if table is None or target is None:
            return None
        own = self._mapping.table(qualname)
        if table == own:
            return made.keyword("remote_side") is None
        here = any(key.target_table == table for key in layout.foreign_keys)
        there = any(key.target_table == own for key in self._layouts.of_class(target).foreign_keys)
        return None if here == there else there

    def _holds_foreign(self, qualname: str, target: str, foreign: Sequence[str], scope: Scope) -> bool | None:
        """Whether the columns said to be foreign belong to the target; a bare column is the class's own."""
        owners = {column.rpartition(".")[0] for column in foreign}
        found = {self._class(Name(owner), scope, qualname) if owner else qualname for owner in owners}
        if len(found) != 1 or target == qualname:
            return None
        owner = found.pop()
        return owner == target if owner in (target, qualname) else None

    # --- targets ------------------------------------------------------------------------------------------------

    def _target(self, qualname: str, made: Construct, annotated: Annotated) -> str | None:
        """The class that a relationship leads to."""
        given = made.call.args[0] if made.call.args else made.keyword("argument")
        scope = made.scope
        if given is None or (isinstance(given, Literal_) and given.value is None):
            given, scope = annotated.target, annotated.scope or scope
        if isinstance(given, Deferred):
            given = given.body
        return self._class(given, scope, qualname)

    def _class(self, given: Expression | None, scope: Scope, qualname: str) -> str | None:
        if isinstance(given, Literal_) and isinstance(given.value, str):
            given = Name(given.value)
        if not isinstance(given, Name):
            return None
        found = self._constructs.resolved(given, Scope(scope.module))
        if self._mapping.table(found) is not None:
            return found
        return self._by_name(given.dotted, qualname)

    def _by_name(self, dotted: str, qualname: str) -> str | None:
        """A mapped class by its name, or the end of its dotted path, as a registry finds it; the nearest of several."""
        found = [
            candidate
            for candidate in self._by_last_name.get(dotted.rpartition(".")[2], ())
            if f".{candidate}".endswith(f".{dotted}") and self._mapping.table(candidate) is not None
        ]
        return max(found, key=lambda name: len(commonprefix([name, qualname])), default=None)

    @cached_property
    def _by_last_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for qualname in self._mapping.names.classes:
            found.setdefault(qualname.rpartition(".")[2], []).append(qualname)
        return found

    # --- backrefs -----------------------------------------------------------------------------------------------

    @cached_property
    def _backrefs(self) -> Mapping[str, Mapping[str, Relationship]]:
        """Relationships that other classes' `backref=` makes, by the class they are made on."""
        found: dict[str, dict[str, Relationship]] = {}
        for qualname in self._mapping.names.classes:
            if not self._mentions_backref(qualname) or self._mapping.table(qualname) is None:
                continue
            layout = self._layouts.of_class(qualname)
            for name, (made, annotated, place) in layout.relations.items():
                relationship = self._relationship(qualname, name, made, annotated, place, layout)
                back = self._backref(qualname, self._options(made), relationship)
                if back is not None and relationship.target is not None:
                    found.setdefault(relationship.target, {})[back.name] = back
        return found

    def _mentions_backref(self, qualname: str) -> bool:
        """Whether a class or a mixin of it has a relationship with `backref=`."""
        for base in self._mapping.names.mro(qualname):
            if base not in self._mapping.names.classes:
                continue
            for declared in self._mapping.own(base):
                if isinstance(declared.value, CallOf) and any(name == "backref" for name, _ in declared.value.keywords):
                    return True
        return qualname in self._mapping.imperative

    def _backref(self, qualname: str, made: Construct, forth: Relationship) -> Relationship | None:
        given = made.keyword("backref")
        many = None if forth.uselist is None else not forth.uselist or made.keyword("secondary") is not None
        if isinstance(given, CallOf):
            options = self._constructs.construct(given, made.scope)
            name = self._constructs.text(given.args[0], made.scope) if given.args else None
        else:
            options = Construct("backref", CallOf(Name("backref"), (), ()), made.scope)
            name = self._constructs.text(given, made.scope)
        if name is None:
            return None
        said = self._constructs.truth(options.keyword("uselist"), options.scope)
        return self._made(name, qualname, options, uselist=many if said is None else said, place=forth.location)


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
    return [part.dotted for part in plain if isinstance(part, Name)] if all(isinstance(p, Name) for p in plain) else []


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
