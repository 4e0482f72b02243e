"""Whether the sessions of a project send pending rows ahead of each query (SQLAlchemy's `autoflush`, on by default)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.declarations import model as declared
from lockcheck.linking.names import FACTORIES, is_sqlalchemy, last
from lockcheck.linking.revisions import in_revision
from lockcheck.linking.spelling import spelled

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker
    from lockcheck.linking.project import Project

MAKERS = frozenset({"partial", *FACTORIES})


def autoflush(project: Project) -> bool:
    """Off where the project makes session factories and all of them say `autoflush=False`; those of Alembic revisions
    do not count."""
    declarations = project.linker.declarations
    making = (name for name in project.functions if MAKERS & project.callees(name))
    current = (name for name in making if not in_revision(declarations, name))
    found = [*_declared(project.linker), *(said for name in current for said in project.ask(_said_in, name))]
    return not found or any(found)


def _said_in(project: Project, function: str) -> tuple[bool, ...]:
    return tuple(_said(project.linker, project.linker.functions[function].facts))


# --- in functions -------------------------------------------------------------------------------------------


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
    return _is_factory(linker, function.module, name)


def _is_factory(linker: Linker, module: str, name: str) -> bool:
    is_registry = FACTORIES.get(last(name), True)
    return not is_registry and is_sqlalchemy(linker.declarations.resolve(module, name))


# --- in variables of modules ----------------------------------------------------------------------------------


def _declared(linker: Linker) -> Iterator[bool]:
    for module in linker.declarations.modules.values():
        if "revision" in module.assignments:
            continue
        for assignment in module.assignments.values():
            for call in _calls(assignment.value):
                if isinstance(call.function, declared.Name) and _is_factory(
                    linker, module.module, call.function.dotted
                ):
                    yield dict(call.keywords).get("autoflush") != declared.Literal_(value=False)


def _calls(expression: declared.Expression | None) -> Iterator[declared.CallOf]:
    """A call and those in its arguments."""
    if isinstance(expression, declared.CallOf):
        yield expression
        for part in expression.args:
            yield from _calls(part)
