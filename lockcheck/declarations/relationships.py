"""Relationships of mapped classes, those that a `backref` makes on the other class included."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.layout import Relation
from lockcheck.declarations.layouts import Layouts
from lockcheck.declarations.mapping import Mappings
from lockcheck.declarations.model import CallOf, Literal_, Location, Name, Pairs, Relationship
from lockcheck.declarations.targets import Targets


class Kind(NamedTuple):
    """What holds of a relationship apart from its options: whether it holds many, its usual loading, its place."""

    many: bool | None
    lazy: str
    location: Location


_BY_WRAPPER = {"DynamicMapped": "dynamic", "WriteOnlyMapped": "write_only"}
_BY_FLAG = {None: "noload", True: "select", False: "joined"}


class Relationships:
    """Reads relationships; `backref` needs those of the whole project."""

    def __init__(self, mappings: Mappings, layouts: Layouts, constructs: Constructs) -> None:
        self._mappings = mappings
        self._layouts = layouts
        self._constructs = constructs
        self._targets = Targets(mappings, layouts, constructs)

    def of_class(self, qualname: str) -> Mapping[str, Relationship]:
        """The relationships of a mapped class by name, inherited ones included."""
        relations = self._layouts.of_class(qualname).relations
        found = {name: self._relationship(qualname, name, relation) for name, relation in relations.items()}
        for base in reversed(self._mappings.names.mro(qualname)):
            for name, relationship in self._backrefs.get(base, {}).items():
                if name not in found or relations[name].outside:
                    found[name] = relationship
        return found

    def _relationship(self, qualname: str, name: str, relation: Relation) -> Relationship:
        made, annotated = self._options(relation.made), relation.annotated
        target = self._targets.target(qualname, made, annotated)
        many = self._constructs.truth(made.keyword("uselist"), made.scope)
        if many is None and (annotated.wrapper or made.kind == "Relationship"):
            many = annotated.collection
        if many is None:
            many = self._targets.is_many(qualname, target, made)
        lazy = _BY_WRAPPER.get(annotated.wrapper, "dynamic" if made.kind == "dynamic_loader" else "select")
        return self._made(name, target, made, Kind(many, lazy, relation.location))

    def _made(self, name: str, target: str | None, options: Construct, kind: Kind) -> Relationship:
        cascade = self._constructs.text(options.keyword("cascade"), options.scope) or ""
        kinds = {part.strip() for part in cascade.split(",")}
        inner = options.keyword("innerjoin")
        return Relationship(
            name=name,
            target=target,
            lazy=self._lazy(options) or kind.lazy,
            inner=inner == Literal_("nested") or self._constructs.truth(inner, options.scope) is True,
            uselist=kind.many,
            viewonly=self._constructs.truth(options.keyword("viewonly"), options.scope) is True,
            cascades_delete=bool(kinds & {"delete", "all"}),
            location=kind.location,
        )

    def _lazy(self, options: Construct) -> str | None:
        value = options.keyword("lazy")
        if isinstance(value, Literal_) and (value.value is None or isinstance(value.value, bool)):
            return _BY_FLAG[value.value]
        return self._constructs.text(value, options.scope)

    def _options(self, made: Construct) -> Construct:
        """SQLModel hands options on in `sa_relationship_kwargs`, or a whole relationship in `sa_relationship`."""
        inner = made.keyword("sa_relationship")
        if isinstance(inner, CallOf):
            return self._constructs.construct(inner, made.scope)
        more = made.keyword("sa_relationship_kwargs")
        if not isinstance(more, Pairs):
            return made
        pairs = zip(more.keys, more.values, strict=True)
        given = tuple((str(key.value), value) for key, value in pairs if isinstance(key, Literal_))
        return made._replace(call=CallOf(made.call.function, made.call.args, (*made.call.keywords, *given)))

    # --- backrefs -----------------------------------------------------------------------------------------------

    @cached_property
    def _backrefs(self) -> Mapping[str, Mapping[str, Relationship]]:
        """Relationships that other classes' `backref=` makes, by the class they are made on."""
        found: dict[str, dict[str, Relationship]] = {}
        for qualname in self._mappings.names.classes:
            if not self._mentions_backref(qualname) or self._mappings.table(qualname) is None:
                continue
            for name, relation in self._layouts.of_class(qualname).relations.items():
                made = self._options(relation.made)
                if made.keyword("backref") is None:
                    continue
                forth = self._relationship(qualname, name, relation)
                back = self._backref(qualname, made, forth)
                if back is not None and forth.target is not None:
                    found.setdefault(forth.target, {})[back.name] = back
        return found

    def _mentions_backref(self, qualname: str) -> bool:
        """Whether a class or a mixin of it has a relationship with `backref=`; this spares reading all classes."""
        if qualname in self._mappings.cores.imperative:
            return True
        own = self._with_backrefs
        return bool(own) and not own.isdisjoint(self._mappings.names.mro(qualname))

    @cached_property
    def _with_backrefs(self) -> frozenset[str]:
        """The classes that say `backref=` themselves."""
        return frozenset(filter(self._says_backref, self._mappings.names.classes))

    def _says_backref(self, qualname: str) -> bool:
        calls = (declared.value for declared in self._mappings.own(qualname) if isinstance(declared.value, CallOf))
        return any(name in ("backref", "sa_relationship_kwargs") for call in calls for name, _ in call.keywords)

    def _backref(self, qualname: str, made: Construct, forth: Relationship) -> Relationship | None:
        given = made.keyword("backref")
        if isinstance(given, CallOf):
            options = self._constructs.construct(given, made.scope)
        else:
            options = Construct(
                "backref", CallOf(Name("backref"), (given,) if given is not None else (), ()), made.scope
            )
        name = self._constructs.text(options.argument(0, "name"), options.scope)
        if name is None:
            return None
        many = self._constructs.truth(options.keyword("uselist"), options.scope)
        if many is None and forth.uselist is not None:
            many = not forth.uselist or made.keyword("secondary") is not None
        return self._made(name, qualname, options, Kind(many, "select", forth.location))
