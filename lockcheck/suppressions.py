"""Takes out the findings that a comment silences, and reports comments that silence nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lockcheck import pages, selection
from lockcheck.comments import FileSuppressions, Suppression, read, worth_reading
from lockcheck.findings import Edit, Finding, Fix, Place, Severity
from lockcheck.fingerprints import fingerprint
from lockcheck.settings_schema import suggestion

__all__ = ["FileSuppressions", "Settled", "Silenced", "Suppression", "read", "settle", "worth_reading"]

UNUSED = "LCK901"
UNKNOWN = "LCK902"
_NAMES = {UNUSED: "unused-suppression", UNKNOWN: "unknown-suppression-code"}


@dataclass(frozen=True, slots=True)
class Silenced:
    """A finding that comments silence; `reason` is what the first of them gives that gives one, else ""."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The findings that are left, those about suppressions among them, in order; and those that were silenced."""

    findings: tuple[Finding, ...]
    silenced: tuple[Silenced, ...]

    @property
    def suppressed(self) -> int:
        return len(self.silenced)


def settle(
    findings: Iterable[Finding],
    files: Mapping[str, FileSuppressions],
    reported: Collection[str],
    selects: Callable[[str, str], bool],
    *,
    unshown: Iterable[Finding] = (),
) -> Settled:
    """Apply the suppressions of `files`, by path. Those in the `reported` files that silence nothing become findings,
    where `selects(code, path)` says that the rules they name ran. Findings that this run does not show, such as those
    for preview, are `unshown`: a comment that silences one of them is in use."""
    kept: list[Finding] = []
    used: dict[str, _Used] = defaultdict(_Used)
    silenced: list[Silenced] = []
    for finding in findings:
        path = finding.place.path
        silencing = list(_silencing(finding, files.get(path, FileSuppressions())))
        for item, code in silencing:
            used[path].codes.add((item.place, code))
        if silencing:
            silenced.append(Silenced(finding, next(filter(None, (item.reason for item, _ in silencing)), "")))
        else:
            kept.append(finding)
    for finding in unshown:
        for item, code in _silencing(finding, files.get(finding.place.path, FileSuppressions())):
            used[finding.place.path].codes.add((item.place, code))
    for path in sorted(set(reported) & set(files)):
        about = _Comments(files[path], used[path].codes, selects)
        kept.extend(finding for finding in about.findings() if not any(_silencing(finding, files[path])))
    return Settled(tuple(sorted(kept, key=_order)), tuple(silenced))


@dataclass(slots=True)
class _Used:
    """The codes that silenced something, with the place of their comment; "" for a blanket one."""

    codes: set[tuple[Place, str]] = field(default_factory=set)


def _order(finding: Finding) -> tuple[str, int, int, str]:
    return finding.place.path, finding.place.line, finding.place.column, finding.code


def _silencing(finding: Finding, file: FileSuppressions) -> Iterator[tuple[Suppression, str]]:
    """The suppressions, each with the code of its list, that silence a finding: those on the line of its construct, on
    the first line of the statement around it, and those for the file."""
    line = finding.place.line
    lines = {line, file.first_line.get(line, line)}
    for item in file.items:
        if item.style != "file-ignore" and item.place.line not in lines:
            continue
        if item.blanket:
            if finding.code not in _NAMES:
                yield item, ""
            continue
        for code in item.codes:
            if selection.specificity(code, finding.code) >= 0:
                yield item, code


@dataclass(frozen=True, slots=True)
class _Comments:
    """What is to say about the suppressions of one file themselves."""

    file: FileSuppressions
    used: Collection[tuple[Place, str]]
    selects: Callable[[str, str], bool]

    def findings(self) -> Iterator[Finding]:
        for item in self.file.items:
            unknown = [code for code in item.codes if not _rules(code)]
            unused = [code for code in item.codes if code not in unknown and self._is_unused(item, code)]
            if unknown:
                yield from self._finding(UNKNOWN, item, _unknown_message(unknown), unknown)
            if unused or self._is_unused_blanket(item):
                yield from self._finding(UNUSED, item, _unused_message(item, unused), unused)
        for place, meant in self.file.misspelt:
            message = f"this comment silences nothing; did you mean `lockcheck: {meant}`?"
            yield from self._emit(UNKNOWN, place, message, None)

    def _is_unused(self, item: Suppression, code: str) -> bool:
        return (item.place, code) not in self.used and self._ran(_rules(code), item.place.path)

    def _is_unused_blanket(self, item: Suppression) -> bool:
        """A list without codes silences nothing at all; a blanket `noqa` speaks to other tools as well."""
        if item.style == "noqa" or item.codes:
            return False
        return not item.blanket or ((item.place, "") not in self.used and self._ran(_rules("LCK"), item.place.path))

    def _ran(self, codes: list[str], path: str) -> bool:
        """Whether the stable ones among the rules ran, or all of them where none is stable; a comment may be there for
        a run that selects more."""
        about_code = [code for code in codes if code not in _NAMES]
        stable = [code for code in about_code if pages.heads()[code].status == "stable"]
        return bool(about_code) and all(self.selects(code, path) for code in stable or about_code)

    def _finding(self, code: str, item: Suppression, message: str, gone: list[str]) -> Iterator[Finding]:
        edit = _without(item, gone, self.file.lines)
        what = "comment" if set(gone) == set(item.codes) and not item.foreign else "code"
        yield from self._emit(code, item.place, message, Fix("safe", f"Remove the {what}", (edit,)))

    def _emit(self, code: str, place: Place, message: str, fix: Fix | None) -> Iterator[Finding]:
        if self.selects(code, place.path):
            head = pages.heads().get(code)
            severity: Severity = head.severity if head is not None else "warning"
            mark = fingerprint(code, "", self.file.lines[place.line - 1].strip(), 0)
            yield Finding(code, _NAMES[code], message, place, "", severity, mark, fix)


def _rules(selector: str) -> list[str]:
    return [code for code in pages.heads() if selection.specificity(selector, code) >= 0]


def _unknown_message(codes: list[str]) -> str:
    known = [*pages.heads(), *(head.name for head in pages.heads().values())]
    return f"{_listed(codes)} {'is' if len(codes) == 1 else 'are'} not known to lockcheck{suggestion(codes[0], known)}"


def _unused_message(item: Suppression, codes: list[str]) -> str:
    where = "in this file" if item.style == "file-ignore" else "on this statement"
    if codes and (set(codes) != set(item.codes) or item.foreign):
        return f"nothing {where} is silenced by {_listed(codes)}"
    return f"this comment silences nothing {where}"


def _listed(codes: list[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _without(item: Suppression, gone: list[str], lines: tuple[str, ...]) -> Edit:
    """The edit that takes codes out of a list, or the comment where none is left."""
    left = [code for code in item.codes if code not in gone] + list(item.foreign)
    if left and item.listed is not None:
        return Edit(item.listed, ", ".join(left))
    place = item.place
    line = lines[place.line - 1]
    before, after = line[: place.column - 1].rstrip(), line[place.end_column - 1 :].lstrip()
    if not before and not after and place.line < len(lines):
        return Edit(Place(place.path, place.line, 1, place.line + 1, 1), "")
    start, end = (place.column, len(line) - len(after) + 1) if after else (len(before) + 1, len(line) + 1)
    return Edit(Place(place.path, place.line, start, place.line, end), "")
