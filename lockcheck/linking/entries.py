"""Which functions start a run of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


def functions(project: Project) -> tuple[str, ...]:
    """All that were read."""
    return project.functions


def entries(project: Project) -> tuple[str, ...]:
    """Functions that no other resolved function calls: each starts a run of its own. Of functions that call each other
    in a circle which nothing leads into, the first one starts it."""
    return _first(project, frozenset())


def starts(project: Project) -> tuple[str, ...]:
    """The entries of the running program: what only tests or revisions call starts a run, too."""
    return _first(project, frozenset(name for name in project.functions if project.contention.runs_alone(name)))


def _first(project: Project, left_out: frozenset[str]) -> tuple[str, ...]:
    """The functions that no others call, without those that are left out."""
    names = sorted(set(project.functions) - left_out)
    called = project.callers
    callers = {name: called.get(name, frozenset()) - {name} - left_out for name in names}
    found = [name for name in names if not callers[name]]
    reached = _reached(found, callers)
    for name in names:
        if name not in reached:
            found.append(name)
            reached |= _reached([name], callers)
    return tuple(sorted(found))


def _reached(names: list[str], callers: Mapping[str, frozenset[str]]) -> set[str]:
    """The functions that are called from these, directly or not, and these."""
    callees: dict[str, list[str]] = {}
    for name, known in callers.items():
        for caller in known:
            callees.setdefault(caller, []).append(name)
    reached: set[str] = set()
    rest = list(names)
    while rest:
        name = rest.pop()
        if name not in reached:
            reached.add(name)
            rest.extend(callees.get(name, ()))
    return reached
