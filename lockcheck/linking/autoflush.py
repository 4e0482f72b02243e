"""Whether the sessions of a project send pending rows ahead of each query (SQLAlchemy's `autoflush`, on by default)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.names import FACTORIES, is_sqlalchemy, last
from lockcheck.linking.revisions import in_revision
from lockcheck.linking.spelling import spelled

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker


def autoflush(linker: Linker) -> bool:
    """Off where the project makes session factories and all of them say `autoflush=False`; those of Alembic revisions
    do not count."""
    found = [
        said
        for located in linker.functions.values()
        if not in_revision(linker.declarations, located.facts.qualname)
        for said in _said(linker, located.facts)
    ]
    return not found or any(found)


def _said(linker: Linker, function: facts.FunctionFacts) -> Iterator[bool]:
    """What the calls of session factories in a function say; one that only puts another factory into a registry, as
    `scoped_session(factory)`, says nothing."""
    for value in function.values:
        if isinstance(value, facts.Call) and _makes_factory(linker, function, value):
            keyword = next((k.value for k in value.keywords if k.name == "autoflush"), None)
            yield keyword is None or function.values[keyword] != facts.Const(value=False)


def _makes_factory(linker: Linker, function: facts.FunctionFacts, call: facts.Call) -> bool:
    """Whether a call is `sessionmaker(..)`, or `partial(sessionmaker, ..)`."""
    name = spelled(function.values, call.func) or ""
    if last(name) == "partial" and call.args:
        name = spelled(function.values, call.args[0].value) or ""
    if FACTORIES.get(last(name), True):
        return False
    return is_sqlalchemy(linker.declarations.resolve(function.module, name, function.qualname))
