"""The legacy queries that mapped classes begin themselves: `Model.query`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lockcheck.declarations.locate import OUTSIDE
from lockcheck.declarations.model import Assignment, CallOf, Name
from lockcheck.linking.attributes import FLASK
from lockcheck.linking.names import last
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    External,
    ModelRef,
    SessionFactory,
    SessionRef,
    Somewhere,
    Statement,
)

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker
    from lockcheck.linking.sessions import CallSite

QUERY = "query"
PROPERTY = ".query_property"


class ModelQueries:
    """What `Model.query` is: of Flask-SQLAlchemy's models, and of classes that got a `query_property()`."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._sessions: dict[str, SessionRef | None] = {}

    def begun(self, call: CallSite, base: Abstract) -> Statement | None:
        """The query that a method of `Model.query` is called on; None for what is none."""
        if not isinstance(base, AttributeOf) or base.name != QUERY or not isinstance(base.base, ModelRef):
            return None
        model = base.base
        session = self._session(model.qualname)
        if session is None:
            return None
        read = call.base or ""
        spelling = read.removesuffix(f".{QUERY}") if read.endswith(f".{QUERY}") else None
        steps = frozenset({call.site.slice})
        return Statement("select", call.site, model, (model,), spelling=spelling, query=session, steps=steps)

    def _session(self, qualname: str) -> SessionRef | None:
        """The session that the queries of a class run in."""
        if qualname not in self._sessions:
            bases = self._linker.declarations.mro(qualname)
            found = (self._of_extension(base) or self._of_property(base) for base in bases)
            known = next((session for session in found if session is not None), None)
            foreign = self._extension if known is None and self._has_foreign(bases) else None
            self._sessions[qualname] = known or foreign or self._registry
        return self._sessions[qualname]

    def _has_foreign(self, bases: tuple[str, ...]) -> bool:
        """Whether one of the bases is a class outside of the project, which may have a `query`."""
        outside = (base for base in bases if not self._linker.declarations.module_of(base.removesuffix("()")))
        return any(base.partition(".")[0] not in OUTSIDE for base in outside)

    @cached_property
    def _extension(self) -> SessionRef | None:
        """The session of the only extension object of the project."""
        found = [one for one in self._made if isinstance(one, External) and one.qualname.startswith(FLASK)]
        session = self._linker.attribute(found[0], "session") if len(found) == 1 else None
        return session if isinstance(session, SessionRef) else None

    @cached_property
    def _registry(self) -> SessionRef | None:
        """The only `scoped_session` of the project: it has given the `query` that a function may set later."""
        found = [one for one in self._made if isinstance(one, SessionFactory) and one.shared]
        return SessionRef(found[0].origin, "shared", found[0].is_async) if len(found) == 1 else None

    @cached_property
    def _made(self) -> frozenset[Abstract]:
        """What calls have made that module variables hold."""
        modules = self._linker.declarations.modules
        made = ((m, name) for m in modules for name, held in modules[m].assignments.items() if _is_call(held))
        return frozenset(self._linker.names.lookup(module, name, None) for module, name in made)

    def _of_extension(self, base: str) -> SessionRef | None:
        """By `db.Model` among the bases; of a `db` outside of the project its session goes by how it reads."""
        extension, _, model = base.rpartition(".")
        if model != "Model" or self._linker.declarations.class_(base) is not None:
            return None
        found = self._linker.attribute(self._linker.names.classify(extension), "session")
        if isinstance(found, SessionRef):
            return found
        return SessionRef(Somewhere("db.session"), "unknown") if last(extension) == "db" else None

    def _of_property(self, base: str) -> SessionRef | None:
        """By `query = sessions.query_property()` in a class, or `Base.query = ..` behind it."""
        name = base.removesuffix("()")
        module = self._linker.declarations.module_of(name)
        assigned = self._assigned(name, module) if module else None
        function = assigned.value.function if assigned is not None and isinstance(assigned.value, CallOf) else None
        if not isinstance(function, Name) or not function.dotted.endswith(PROPERTY):
            return None
        made = self._linker.names.lookup(module, function.dotted.removesuffix(PROPERTY), None)
        if isinstance(made, SessionFactory):
            return SessionRef(made.origin, "shared", made.is_async)
        return made if isinstance(made, SessionRef) else None

    def _assigned(self, name: str, module: str) -> Assignment | None:
        """What stands for `query` in a class, or in a base that is but a variable."""
        declarations = self._linker.declarations
        outside = declarations.modules[module].assignments.get(f"{name[len(module) + 1 :]}.{QUERY}")
        declared = declarations.class_(name)
        inside = (attribute for attribute in (declared.attributes if declared else ()) if attribute.name == QUERY)
        return outside or next(inside, None)


def _is_call(held: Assignment) -> bool:
    return isinstance(held.value, CallOf)
