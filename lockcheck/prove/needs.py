"""Which tables an experiment needs: those that its statements lock or write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.prove.acts import Duel, UnderivableError

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


def tables_of(project: Project, duel: Duel) -> set[str]:
    """Their names. Raises `UnderivableError`."""
    found = {duel.table}
    for act in (*duel.one.acts, *duel.other.acts):
        own = project.locks.table(act.statement.model)
        if own is None:
            raise UnderivableError(f"the table that {act.function} locks is not known")
        locked = (project.locks.table(model) for model in project.locks.locked_models(act.statement))
        found |= {own, *(name for name in locked if name is not None)}
    return found
