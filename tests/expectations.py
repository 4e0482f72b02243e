"""Expectation markers in the examples of rule pages and in fixtures.

A marker is a comment at the end of a line:

    update(Job)  # LCK201              reported on this line, in every run
    update(Job)  # preview: LCK201     reported on this line, only with preview
    update(Job)  # todo: LCK201        a known miss: a hazard that is not reported yet

A line may carry several codes (`# LCK101, LCK201`) and several markers. A marker that names a rule whose page has
the status `preview` counts as `preview:`. Markers are expectations, not suppressions: they are cut out before the text
is checked.

Comments at the head of a fixture say how it is run; the first one on a page's example does the same:

    # lockcheck-settings: dialects = ["postgresql"]    a line of TOML under [tool.lockcheck]; may be repeated
    # lockcheck-fix: safe                              `.fixed` is reached without --unsafe-fixes
    # lockcheck-fix: none                              nothing is changed, not even with --unsafe-fixes
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lockcheck import pages
from lockcheck.findings import Finding

Kind = Literal["always", "preview", "todo"]

_MARKER = re.compile(
    r"[ \t]*#[ \t]*(?:(?P<kind>todo|preview):[ \t]*)?(?P<codes>LCK\d{3}(?:[ \t]*,[ \t]*LCK\d{3})*)[ \t]*$"
)
_HEADER = re.compile(r"^# lockcheck-(?P<key>settings|fix):[ \t]*(?P<value>.+?)[ \t]*$", re.MULTILINE)


class Spot(NamedTuple):
    """Where a rule reports."""

    path: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A text without its markers, and what they said."""

    text: str
    spots: tuple[tuple[Kind, Spot], ...]

    def wanted(self, *, preview: bool) -> Counter[Spot]:
        """What a run reports; a rule in preview counts as marked `preview:`."""
        return Counter(spot for kind, spot in self.spots if kind == "always" or (preview and kind == "preview"))

    def todo(self) -> frozenset[Spot]:
        return frozenset(spot for kind, spot in self.spots if kind == "todo")


def read(path: str, text: str) -> Marked:
    """Take the markers out of a text; line numbers stay."""
    lines, spots = [], []
    for number, line in enumerate(text.splitlines(), 1):
        rest = line
        while found := _MARKER.search(rest):
            rest = rest[: found.start()]
            codes = re.findall(r"LCK\d{3}", found["codes"])
            spots += [(_kind(found["kind"], code), Spot(path, number, code)) for code in codes]
        lines.append(rest)
    return Marked("\n".join(lines) + "\n", tuple(spots))


def _kind(word: str | None, code: str) -> Kind:
    if word == "todo":
        return "todo"
    head = pages.heads().get(code)
    return "preview" if word == "preview" or (head is not None and head.status == "preview") else "always"


def settings(text: str) -> str:
    """The lines of TOML at the head of a fixture."""
    return "".join(f"{found['value']}\n" for found in _HEADER.finditer(text) if found["key"] == "settings")


def fix_header(text: str) -> str | None:
    """`safe` or `none` where the head of a fixture says so."""
    return next((found["value"] for found in _HEADER.finditer(text) if found["key"] == "fix"), None)


def spots(findings: Iterable[Finding]) -> Counter[Spot]:
    return Counter(Spot(finding.place.path, finding.place.line, finding.code) for finding in findings)


def difference(marked: Iterable[Marked], findings: Iterable[Finding], *, preview: bool, codes: frozenset[str]) -> str:
    """What is missing and what is too much, one line each; empty where findings and markers agree.

    Only rules of `codes` are compared.
    """
    texts = tuple(marked)
    reported = tuple(finding for finding in findings if finding.code in codes)
    messages = {spot: finding.message for finding in reported for spot in spots([finding])}
    wanted: Counter[Spot] = Counter()
    for text in texts:
        wanted += text.wanted(preview=preview)
    wanted = Counter({spot: count for spot, count in wanted.items() if spot.code in codes})
    todo = {spot for text in texts for spot in text.todo()}
    source = {spot.path: text.text.splitlines() for text in texts for _, spot in text.spots}
    got = spots(reported)
    lines = [f"missing     {_shown(spot, source)}" for spot in (wanted - got).elements()]
    for spot in (got - wanted).elements():
        word = "todo found " if spot in todo else "unexpected "
        lines.append(f"{word} {_shown(spot, source)}\n            {messages[spot]}")
    return "\n".join(sorted(lines))


def _shown(spot: Spot, source: Mapping[str, list[str]]) -> str:
    lines = source.get(spot.path, [])
    text = lines[spot.line - 1].strip() if 0 < spot.line <= len(lines) else ""
    return f"{spot.path}:{spot.line} {spot.code}  {text}".rstrip()


# --- examples of rule pages -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A `bad` or `good` example of a page with the `fixed` examples that follow it. `settings` is a pyproject.toml.

    The words of a fenced block after `python bad`, `python good` or `python fixed` are options:

        dialects=postgresql,sqlite    the setting `dialects`; on `fixed` it overrules that of `bad`
        unsafe                        on `fixed`: reached with --unsafe-fixes only, without them nothing is changed
        preview                       run with --preview

    A block fenced as `toml` holds the pyproject.toml of all examples below it, up to the next one.
    """

    bad: pages.Example
    fixed: tuple[pages.Example, ...]
    settings: str

    def settings_of(self, example: pages.Example) -> str:
        """`[tool.lockcheck]` with the options of an example, or else of the group."""
        dialects = _dialects(example) or _dialects(self.bad)
        if dialects is None:
            return self.settings
        line = f"dialects = {dialects.split(',')}\n".replace("'", '"')
        return self.settings.replace("[tool.lockcheck]\n", f"[tool.lockcheck]\n{line}", 1)


def _dialects(example: pages.Example) -> str | None:
    found = (option.partition("=")[2] for option in example.options if option.startswith("dialects="))
    return next(found, None)


def groups(page: pages.Page) -> list[Group]:
    """The examples of a page, each `bad` or `good` with what it is fixed to."""
    tables = _settings_tables(page)
    found: list[Group] = []
    for example in page.examples:
        if example.kind == "fixed":
            last = found.pop()
            found.append(Group(last.bad, (*last.fixed, example), last.settings))
        elif example.kind in ("bad", "good"):
            above = [text for line, text in tables if line < example.line]
            found.append(Group(example, (), above[-1] if above else "[tool.lockcheck]\n"))
    return found


def _settings_tables(page: pages.Page) -> list[tuple[int, str]]:
    text = page.path.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start()) + 1, block[1]) for block in blocks]
