"""What the client gets to see: diagnostics, a rule's page, fixes as code actions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from lockcheck import explaining, pages
from lockcheck.findings import Edit, Finding, Fix, Place, Problem
from lockcheck.fixes.apply import select_compatible
from lockcheck.server.places import Places, meets, uri
from lockcheck.server.state import Answer

_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}
FIX_ALL = "source.fixAll.lockcheck"


def diagnostics(answer: Answer, places: Places) -> dict[str, list[types.Diagnostic]]:
    """What to show, by path."""
    found: dict[str, list[types.Diagnostic]] = defaultdict(list)
    for finding in answer.findings:
        found[finding.place.path].append(diagnostic(finding, places))
    for problem in answer.problems:
        found[problem.path].append(_trouble(problem, places))
    return dict(found)


def diagnostic(finding: Finding, places: Places) -> types.Diagnostic:
    return types.Diagnostic(
        range=places.range(finding.place),
        message=finding.message,
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        source="lockcheck",
        related_information=[
            types.DiagnosticRelatedInformation(places.location(item.place), item.message) for item in finding.related
        ],
        data={"fingerprint": finding.fingerprint},
    )


def _trouble(problem: Problem, places: Places) -> types.Diagnostic:
    line, column = max(problem.line or 1, 1), max(problem.column or 1, 1)
    place = Place(problem.path, line, column, line, column + 1)
    error = types.DiagnosticSeverity.Error
    return types.Diagnostic(places.range(place), problem.message, severity=error, source="lockcheck")


def hover(answer: Answer, places: Places, path: str, at: types.Position) -> types.Hover | None:
    """The page of the rule that a place is reported by."""
    for finding in answer.findings:
        where = places.range(finding.place)
        if finding.place.path == path and meets(where, types.Range(at, at)):
            page = explaining.document(pages.page(finding.code))
            return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, page), where)
    return None


# --- code actions -------------------------------------------------------------------------------------------------


def actions(
    answer: Answer, places: Places, path: str, where: types.Range, only: Sequence[str] | None
) -> Iterator[types.CodeAction]:
    """The fixes of the findings in a range, the safe ones first and preferred; and one action for all safe ones of the
    file."""
    here = [finding for finding in answer.findings if finding.place.path == path]
    if _wanted(types.CodeActionKind.QuickFix.value, only):
        met = [finding for finding in here if meets(places.range(finding.place), where)]
        for finding in sorted(met, key=lambda item: item.fix is None or item.fix.applicability):
            if finding.fix is not None:
                yield _quick_fix(finding, finding.fix, places)
    safe = [finding.fix for finding in here if finding.fix is not None and finding.fix.applicability == "safe"]
    if safe and _wanted(FIX_ALL, only):
        edits = [edit for number in select_compatible(safe) for edit in safe[number].edits]
        yield types.CodeAction("Apply all safe fixes of lockcheck", FIX_ALL, edit=_edit(edits, places))


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a client that asks for these kinds only wants one of them; a kind stands for those below it."""
    return only is None or any(kind == item or kind.startswith(f"{item}.") for item in only)


def _quick_fix(finding: Finding, fix: Fix, places: Places) -> types.CodeAction:
    title = f"{finding.code}: {fix.message}"
    return types.CodeAction(
        title if fix.applicability == "safe" else f"{title} (unsafe: changes what the code does)",
        types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(finding, places)],
        is_preferred=fix.applicability == "safe",
        edit=_edit(fix.edits, places),
    )


def _edit(edits: Iterable[Edit], places: Places) -> types.WorkspaceEdit:
    """Equal edits, such as those of an import that two fixes need, count once."""
    changes: dict[str, list[types.TextEdit]] = defaultdict(list)
    for edit in dict.fromkeys(edits):
        changes[uri(edit.place.path)].append(types.TextEdit(places.range(edit.place), edit.text))
    return types.WorkspaceEdit(changes=dict(changes))
