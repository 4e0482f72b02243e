"""From hazards to findings: sites become places, plans become edits, statements become fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck import facts, pages
from lockcheck.declarations.model import Location
from lockcheck.drafts import Draft, Mend
from lockcheck.findings import Finding, Fix, Place, Related
from lockcheck.fingerprints import normalise
from lockcheck.hazards import Hazard, Remedy, Where, filled, marked
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.facts import ModuleFacts, SliceSites

Texts = Mapping[str, str]


def files_of(hazard: Hazard) -> set[str]:
    """The files that a hazard's finding is made from, besides the hazard."""
    places: list[Where] = [hazard.site, *(where for where, _ in hazard.related)]
    places += [] if hazard.place is None else [hazard.place]
    places += [] if hazard.remedy is None else targets(hazard.remedy)
    for text in _texts(hazard):
        places += marked(text)
    return {where.path for where in places}


def _texts(hazard: Hazard) -> tuple[str, ...]:
    remedy = () if hazard.remedy is None else (hazard.remedy.message,)
    return (hazard.message, *(text for _, text in hazard.related), *remedy)


class Assembly:
    """Makes findings of one run's hazards. `modules` and `texts` are facts and sources by path."""

    def __init__(self, modules: Mapping[str, ModuleFacts], texts: Texts) -> None:
        self._modules = modules
        self._texts = texts
        self._slices: dict[str, dict[str, SliceSites]] = {}
        self._split: dict[str, list[str]] = {}

    def draft(self, code: str, hazard: Hazard) -> Draft:
        """The finding of a hazard, without its fix."""
        head = pages.heads()[code]
        place = self._where(hazard.place or hazard.site)
        finding = Finding(
            code=code,
            name=head.name,
            message=self._filled(hazard.message),
            place=place,
            symbol=self._symbol(hazard),
            severity=hazard.severity or head.severity,
            fingerprint="",
            related=tuple(Related(self._where(where), self._filled(message)) for where, message in hazard.related),
            preview=hazard.preview or head.status == "preview",
        )
        return Draft(finding, hazard.function, normalise(self._statement(place)), tried=hazard.remedy is None)

    def mended(self, draft: Draft, hazard: Hazard, known: Mend | None = None) -> Draft:
        """The same finding with its fix, or with the reason why there is none; `known` is what its plan comes to."""
        remedy = hazard.remedy
        if draft.tried or remedy is None:
            return draft
        mend = self._mend(remedy) if known is None else known
        if isinstance(mend, str):
            finding = replace(draft.finding, message=f"{draft.finding.message}; no fix: {mend}")
            return replace(draft, finding=finding, tried=True, refused=mend)
        fix = Fix(remedy.applicability, self._filled(remedy.message), mend)
        return replace(draft, finding=replace(draft.finding, fix=fix), tried=True)

    def _symbol(self, hazard: Hazard) -> str:
        """The function, dotted within its module."""
        module = self._modules[hazard.site.path].module
        return hazard.function.removeprefix(f"{module}.")

    def _filled(self, text: str) -> str:
        return filled(text, lambda target: self._place(target).line)

    def _where(self, where: Where) -> Place:
        if isinstance(where, Location):
            width = len(self._line(where.path, where.line).rstrip())
            start = width - len(self._line(where.path, where.line).strip()) + 1
            return Place(where.path, where.line, start, where.line, width + 1)
        return self._place(where)

    def _place(self, target: Target) -> Place:
        if target.path not in self._slices:
            slices = self._modules[target.path].slices
            self._slices[target.path] = {sites.qualname: sites for sites in slices}
        sites = self._slices[target.path][target.slice]
        return Place(target.path, *facts.position(sites, target.kind, target.index))

    def _line(self, path: str, line: int) -> str:
        lines = self._lines(path)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _lines(self, path: str) -> list[str]:
        if path not in self._split:
            self._split[path] = lines_of(self._texts[path])
        return self._split[path]

    def _statement(self, place: Place) -> str:
        return source_at(place, self._lines(place.path))

    def _mend(self, remedy: Remedy) -> Mend:
        """The edits, or why the plan cannot be carried out here."""
        from lockcheck.fixes.realise import Refusal, realise  # noqa: PLC0415  # libcst is imported only for findings

        path = plan_path(remedy)
        edits = realise(remedy.plan, self._texts[path], self._modules[path])
        return edits.reason if isinstance(edits, Refusal) else edits


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
