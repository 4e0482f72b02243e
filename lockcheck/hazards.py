"""What a rule reports, before it becomes a finding: sites instead of lines, a plan instead of edits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from lockcheck.declarations.model import Location
from lockcheck.findings import Applicability, Severity
from lockcheck.plans import Plan, Target

Where: TypeAlias = Target | Location


_MARK = re.compile("\x02([^\x03]*)\x03")


def mark(target: Target, *, named: bool = False) -> str:
    """What stands in a message for the line of a construct, `named` for its file and line: they are filled in when the
    message is assembled, so that a hazard does not change when lines move."""
    return f"\x02{json.dumps([named, target.path, target.slice, target.kind, target.index])}\x03"


def marked(text: str) -> Iterator[Target]:
    """The constructs whose lines a message tells."""
    for found in _MARK.finditer(text):
        yield _target(found)[1]


def filled(text: str, line_of: Callable[[Target], int]) -> str:
    """A message with the lines in it."""

    def fill(found: re.Match[str]) -> str:
        named, target = _target(found)
        line = str(line_of(target))
        return f"{target.path.rpartition('/')[2]}:{line}" if named else line

    return _MARK.sub(fill, text)


def _target(found: re.Match[str]) -> tuple[bool, Target]:
    named, *target = json.loads(found[1])
    return named, Target(*target)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A fix plan with its applicability; `message` names the dialects it was judged for."""

    plan: Plan
    applicability: Applicability
    message: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """A hazard at `site`, in `function` (qualified name). Without a remedy, `no_fix` says why there is none.
    `preview` marks a finding of a stable rule that is not precise enough to be shown by default. `place` is where it
    stands when that is no site, such as a decorator that is a plain name. `witness` is what it was seen at, where
    `lockcheck prove` can show it."""

    site: Target
    function: str
    message: str
    related: tuple[tuple[Where, str], ...] = ()
    remedy: Remedy | None = None
    no_fix: str | None = None
    preview: bool = False
    severity: Severity | None = None
    place: Location | None = None
    witness: object = field(default=None, compare=False)
    """One of `lockcheck.linking.witnesses.WITNESSES`, which is not kept for other runs."""
