"""Scripts that change a schema: an Alembic revision runs once and alone."""

from __future__ import annotations

from lockcheck.declarations.project import Declarations

HEADER = frozenset({"revision", "down_revision"})


def in_revision(declarations: Declarations, function: str) -> bool:
    """Whether a function stands in an Alembic revision, a module that names itself and the revision before it: no
    other run of the program's code is its counterpart."""
    module = declarations.modules.get(declarations.module_of(function))
    return module is not None and set(module.assignments) >= HEADER
