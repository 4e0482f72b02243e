"""Scripts that change a schema: an Alembic revision runs once and alone."""

from __future__ import annotations

from lockcheck.declarations.project import Declarations

HEADER = frozenset({"revision", "down_revision"})


def in_revision(declarations: Declarations, function: str) -> bool:
    """Whether a function stands in an Alembic revision, a module that names itself and the revision before it: no
    other run of the program's code is its counterpart."""
    module = declarations.modules.get(declarations.module_of(function))
    return module is not None and set(module.assignments) >= HEADER


def serving_revisions(declarations: Declarations) -> frozenset[str]:
    """The modules that revisions alone import."""
    importers: dict[str, set[str]] = {}
    for name, module in declarations.modules.items():
        inner = (target for imports in module.function_imports.values() for target in imports.values())
        for target in (*module.imports.values(), *inner):
            importers.setdefault(declarations.names.located(target, name), set()).add(name)
    revisions = {name for name, module in declarations.modules.items() if set(module.assignments) >= HEADER}
    return frozenset(name for name, found in importers.items() if name and found <= revisions)
