"""From hazards to findings: sites become places, plans become edits, statements become fingerprints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck import pages
from lockcheck.declarations.model import Location
from lockcheck.findings import Finding, Fix, Place, Related
from lockcheck.fingerprints import numbered
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker

Texts = Mapping[str, str]


class Assembly:
    """Makes findings of one run's hazards. `texts` are the sources by path; a fix is worked out for those findings only
    that are `wanted`."""

    def __init__(self, linker: Linker, texts: Texts, wanted: Callable[[Finding], bool] = lambda _: True) -> None:
        self._linker = linker
        self._texts = texts
        self._wanted = wanted

    def findings(self, hazards: Iterable[tuple[str, Hazard]]) -> tuple[Finding, ...]:
        """One finding a hazard, in the order of their places."""
        made = sorted(((self._where(h.place or h.site), code, h) for code, h in hazards), key=lambda item: item[:2])
        keys = ((code, h.function, self._statement(place)) for place, code, h in made)
        prints = list(numbered(keys))
        return tuple(
            self._finding(place, code, hazard, print_)
            for (place, code, hazard), print_ in zip(made, prints, strict=True)
        )

    def _finding(self, place: Place, code: str, hazard: Hazard, fingerprint: str) -> Finding:
        head = pages.heads()[code]
        finding = Finding(
            code=code,
            name=head.name,
            message=hazard.message,
            place=place,
            symbol=self.symbol(hazard),
            severity=hazard.severity or head.severity,
            fingerprint=fingerprint,
            fix=None,
            related=tuple(Related(self._where(where), message) for where, message in hazard.related),
            preview=hazard.preview or head.status == "preview",
        )
        fix = self._fix(hazard.remedy) if hazard.remedy is not None and self._wanted(finding) else None
        if isinstance(fix, Fix):
            return replace(finding, fix=fix)
        return finding if fix is None else replace(finding, message=f"{hazard.message}; no fix: {fix}")

    def symbol(self, hazard: Hazard) -> str:
        """The function, dotted within its module."""
        module = self._linker.modules[hazard.site.path].module
        return hazard.function.removeprefix(f"{module}.")

    def _where(self, where: Where) -> Place:
        if isinstance(where, Location):
            width = len(self._line(where.path, where.line).rstrip())
            start = width - len(self._line(where.path, where.line).strip()) + 1
            return Place(where.path, where.line, start, where.line, width + 1)
        return self._place(where)

    def _place(self, target: Target) -> Place:
        return Place(target.path, *self._linker.position(target))

    def _line(self, path: str, line: int) -> str:
        lines = lines_of(self._texts[path])
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _statement(self, place: Place) -> str:
        return source_at(place, lines_of(self._texts[place.path]))

    def _fix(self, remedy: Remedy) -> Fix | str:
        """The fix, or why the plan cannot be carried out here."""
        from lockcheck.fixes.realise import Refusal, realise  # noqa: PLC0415  # libcst is imported only for findings

        path = plan_path(remedy)
        edits = realise(remedy.plan, self._texts[path], self._linker.modules[path])
        if isinstance(edits, Refusal):
            return edits.reason
        return Fix(remedy.applicability, remedy.message, edits)


def plan_path(remedy: Remedy) -> str:
    """The file that a plan changes."""
    return next(target.path for target in targets(remedy))


def targets(remedy: Remedy) -> Iterator[Target]:
    for name in type(remedy.plan).__dataclass_fields__:
        value = getattr(remedy.plan, name)
        if isinstance(value, Target):
            yield value


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them: a form feed or another separator ends none."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def source_at(place: Place, lines: list[str]) -> str:
    """The text that a place spans; `lines` are those of its file."""
    found = lines[place.line - 1 : place.end_line]
    if not found:
        return ""
    found[-1] = found[-1][: place.end_column - 1]
    found[0] = found[0][place.column - 1 :]
    return "\n".join(found)
