"""What linking and the rules found in files that belong together, and the contents of files that it holds for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lockcheck.assembly import Draft
from lockcheck.findings import Problem
from lockcheck.hazards import Hazard
from lockcheck.plans import Target


class File(NamedTuple):
    """A file that was read: by which name, and the key of what it came to."""

    path: str
    module: str
    is_package: bool
    declare: bool
    key: str


class Entry(NamedTuple):
    """A hazard; `draft` is the finding that was made of it, None where that is to be done."""

    code: str
    hazard: Hazard
    draft: Draft | None


class Snapshot(NamedTuple):
    """`consulted` are the files in which it matters how things stand to each other, `beside` are constructs of one file
    of which it matters only whether they stand on one line. `broken` are problems of files that do not parse, `unread`
    those of functions."""

    files: tuple[File, ...]
    consulted: tuple[str, ...]
    beside: tuple[tuple[Target, Target, bool], ...]
    entries: tuple[Entry, ...]
    unresolved: Mapping[str, int]
    broken: tuple[Problem, ...]
    unread: tuple[Problem, ...]
