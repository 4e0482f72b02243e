"""Contents of which no slice is new: kept as what they declare, and where the slices of another content stand in them.

All of this works on the JSON forms of records: functions are not looked at.
"""

from __future__ import annotations

from typing import Any

from lockcheck.briefs import Brief
from lockcheck.cache.codec import codec
from lockcheck.declarations.model import ModuleDeclarations
from lockcheck.records import Wanted, declared


def moved(wanted: Wanted, base: Brief) -> list[Any] | None:
    """What a file declares, and the first lines of its slices, which must be those of the base."""
    encode = codec(ModuleDeclarations).encode
    if not base.digests or encode is None:
        return None
    from lockcheck.reading.slicing import slice_digests  # noqa: PLC0415 - only where something was read

    try:
        declarations = declared(wanted)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if declarations is None:
        return None
    found = list(slice_digests(wanted.text, declarations))
    if [digest for digest, _ in found] != list(base.digests):
        return None
    return [encode(declarations), [line for _, line in found]]


def completed(base: Any, declared: Any, lines: list[int]) -> Any:
    """The record's JSON form, from that of its base."""
    problem, _, (module, path, slices, functions), unread, digests = base
    there = [_shifted(sites, line - sites[1][0]) for sites, line in zip(slices, lines, strict=True)]
    return [problem, declared, [module, path, there, functions], unread, digests]


def _shifted(sites: list[Any], shift: int) -> list[Any]:
    if not shift:
        return sites
    name, span, *kinds = sites
    return [name, _there(span, shift), *([_there(place, shift) for place in places] for places in kinds)]


def _there(place: list[int], shift: int) -> list[int]:
    line, column, end_line, end_column = place
    return [line + shift, column, end_line + shift, end_column]
