"""The part of LCK205 that needs one table only: a row is held while others of its table are locked."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import file_line, short
from lockcheck.hazards import Hazard
from lockcheck.linking.project import Project
from lockcheck.linking.siblings import Sibling, siblings

NO_FIX = "all rows must be locked in one order, or a row that they belong to first"


def one_table(project: Project) -> Iterator[Hazard]:
    for sibling in siblings(project):
        yield _report(project, sibling)


def _report(project: Project, sibling: Sibling) -> Hazard:
    held, taken, table = sibling.held, sibling.taken, sibling.held.table
    first = held.taken.site
    message = (
        f"{short(sibling.entry)} holds a {table} row ({file_line(project, first)}) when it goes through many {table} "
        f"rows here and locks them: two runs, each with a row that the other one comes to, wait for each other"
    )
    return Hazard(
        site=sibling.site,
        function=sibling.site.slice,
        message=f"{message}; no fix: {NO_FIX}",
        related=((first, f"one {table} row is locked here"), (taken.taken.site, f"and many {table} rows by this")),
        no_fix=NO_FIX,
        witness=sibling,
    )
