"""Scripts that change a schema: an Alembic revision runs once and alone."""

from __future__ import annotations

from lockcheck.linking.project import Project

HEADER = frozenset({"revision", "down_revision"})


def in_revision(project: Project, function: str) -> bool:
    """Whether a function stands in an Alembic revision, a module that names itself and the revision before it: no
    other run of the program's code is its counterpart."""
    modules = project.linker.declarations.modules
    module = function
    while module and module not in modules:
        module = module.rpartition(".")[0]
    return bool(module) and set(modules[module].assignments) >= HEADER
