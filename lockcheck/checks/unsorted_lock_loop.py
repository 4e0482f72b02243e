"""LCK204: rows locked, or changed and flushed, one by one in an unsorted loop."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._loops import walkings
from lockcheck.hazards import Hazard
from lockcheck.linking.project import Project

CODE = "LCK204"


def check(project: Project) -> Iterator[Hazard]:
    for found in walkings(project):
        o = found.others[0]
        yield Hazard(
            site=found.turn.loop.site,
            function=found.turn.enters.function,
            message=f"{found.locker.table} {found.order} {found.locker.what} :: self={o == found.locker} gates={set(found.locker.gates)} others={[(x.kind, x.function.rpartition('.')[2], x.what) for x in found.others][:4]} entry={found.trace.function}",
            preview=True,
        )
