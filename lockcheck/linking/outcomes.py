"""What the evaluation of a whole project has found out about its constructs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.linking.evaluations import Mark
    from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Outcome:
    """`unresolved` are calls and executions of what is unknown, `many` the operations whose rows are all walked over,
    `taken` those of which one row is taken, and how, `opened` the calls for which a decorator opens a session, with the
    parameter that it fills. `callees` are the functions that calls were resolved to, `callers` the functions that call
    each."""

    unresolved: Mapping[str, frozenset[Target]]
    many: frozenset[Target]
    taken: Mapping[Target, str]
    opened: Mapping[Target, str]
    callees: Mapping[Target, str]
    callers: Mapping[str, frozenset[str]]


def outcome(marks: Iterable[Mark]) -> Outcome:
    """Sort what was found; of several functions at one call the first by name counts."""
    unresolved: dict[str, set[Target]] = {"calls": set(), "statements": set()}
    many: set[Target] = set()
    taken: dict[Target, str] = {}
    opened: dict[Target, str] = {}
    callees: dict[Target, str] = {}
    callers: dict[str, set[str]] = {}
    for kind, site, what, function in marks:
        if kind == "callee":
            callees[site] = min(what, callees.get(site, what))
            callers.setdefault(what, set()).add(function)
        elif kind == "opened":
            opened[site] = min(what, opened.get(site, what))
        elif kind == "many":
            many.add(site)
        elif kind == "taken":
            taken[site] = min(what, taken.get(site, what))
        else:
            unresolved[kind.removeprefix("unresolved ")].add(site)
    return Outcome(
        {kind: frozenset(sites) for kind, sites in unresolved.items()},
        frozenset(many),
        taken,
        opened,
        callees,
        {callee: frozenset(names) for callee, names in callers.items()},
    )
