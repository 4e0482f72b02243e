"""The two sides of a finding: which of its places belong to one transaction, and which to the other."""

from __future__ import annotations

import re
from typing import NamedTuple

from lockcheck.findings import Finding, Related

_NAMED = re.compile(r"transaction (?P<side>[AB]), [^:]+: ")
_OTHER = re.compile(r"the other side, ")


class Sides(NamedTuple):
    """The steps of both transactions, each in order; `named` tells whether a finding names both, statement by
    statement. Without a second transaction, `other` is empty."""

    own: tuple[Related, ...]
    other: tuple[Related, ...]
    named: bool


def sides(finding: Finding) -> Sides:
    """The steps by transaction. Where only the other one is named, the finding's own place comes first."""
    marked = [(item, _NAMED.match(item.message)) for item in finding.related]
    if any(mark for _, mark in marked):
        other = tuple(item for item, mark in marked if mark is not None and mark["side"] == "B")
        return Sides(tuple(item for item, _ in marked if item not in other), other, named=True)
    other = tuple(item for item in finding.related if _OTHER.match(item.message))
    own = tuple(item for item in finding.related if item not in other)
    return Sides((Related(finding.place, finding.message), *own), other, named=False)
