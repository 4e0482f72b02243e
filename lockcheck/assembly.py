"""From hazards to findings: sites become places, plans become edits, statements become fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockcheck import facts, pages
from lockcheck.declarations.model import Location
from lockcheck.findings import Finding, Fix, Place, Related
from lockcheck.fingerprints import normalise, numbered
from lockcheck.hazards import Hazard, Remedy, Where, filled, marked
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.facts import ModuleFacts, SliceSites

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding that has no fingerprint yet, which depends on all findings. `function` is the qualified name and
    `statement` the normalised source that go into it. Whether the hazard can be mended is known where `tried`."""

    finding: Finding
    function: str
    statement: str
    tried: bool


def fingerprinted(drafts: Iterable[Draft]) -> tuple[Finding, ...]:
    """The findings of a project, in the order of their places."""
    ordered = sorted(drafts, key=lambda draft: (draft.finding.place, draft.finding.code))
    prints = numbered((draft.finding.code, draft.function, draft.statement) for draft in ordered)
    return tuple(replace(draft.finding, fingerprint=print_) for draft, print_ in zip(ordered, prints, strict=True))


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

    def mended(self, draft: Draft, hazard: Hazard) -> Draft:
        """The same finding with its fix, or with the reason why there is none."""
        if draft.tried or hazard.remedy is None:
            return draft
        fix = self._fix(hazard.remedy)
        told = {"message": f"{draft.finding.message}; no fix: {fix}"} if isinstance(fix, str) else {"fix": fix}
        return replace(draft, finding=replace(draft.finding, **told), tried=True)

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
        lines = lines_of(self._texts[path])
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _statement(self, place: Place) -> str:
        return source_at(place, lines_of(self._texts[place.path]))

    def _fix(self, remedy: Remedy) -> Fix | str:
        """The fix, or why the plan cannot be carried out here."""
        from lockcheck.fixes.realise import Refusal, realise  # noqa: PLC0415  # libcst is imported only for findings

        path = plan_path(remedy)
        edits = realise(remedy.plan, self._texts[path], self._modules[path])
        if isinstance(edits, Refusal):
            return edits.reason
        return Fix(remedy.applicability, self._filled(remedy.message), edits)


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
