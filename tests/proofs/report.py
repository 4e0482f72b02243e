"""Results as tables: of all rules in docs/proofs.md, of one rule on its page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lockcheck import pages
from tests.proofs.catalog import rule_pages, scenarios
from tests.proofs.results import Result, Results
from tests.proofs.runs import RUNS
from tests.proofs.scenario import TITLES, Database, Scenario

OVERVIEW = Path(__file__).parents[2] / "docs" / "proofs.md"
SECTION = "The fix and its safety"
HEAD = "| hazard | database | fix | before | after | why |\n|---|---|---|---|---|---|\n"
INTRODUCTION = f"In how many of {RUNS} runs the tests see the hazard, before and after:\n\n"
_TABLE = re.compile(rf"\n*(?:{re.escape(INTRODUCTION)})?{re.escape(HEAD)}(?:\|.*\n)*")
_OVERVIEW_HEAD = HEAD.replace("| hazard", "| rule | hazard", 1).replace("\n|---", "\n|---|---", 1)
_OVERVIEW_TABLE = re.compile(rf"{re.escape(_OVERVIEW_HEAD)}(?:\|.*\n)*")


def overview(text: str, results: Results) -> str:
    """docs/proofs.md with its table renewed."""
    rows = [
        f"| {scenario.code} {row}" if first else f"| {row}"
        for page in rule_pages()
        for number, scenario in enumerate(_of(page))
        for first, row in _rows(scenario, results, number == 0)
    ]
    table = _OVERVIEW_HEAD + "".join(rows)
    renewed, count = _OVERVIEW_TABLE.subn(lambda _: table, text)
    if count != 1:
        raise ValueError(f"{OVERVIEW.name} must have one table that begins with\n{_OVERVIEW_HEAD}")
    return renewed


def page_text(page: pages.Page, results: Results) -> str:
    """A page with the table in its section on the fix renewed, or added where there is none."""
    rows = [row for scenario in _of(page) for _, row in _rows(scenario, results, first=False)]
    text = page.path.read_text(encoding="utf-8")
    head, mark, rest = text.partition(f"\n## {SECTION}\n")
    section, end, tail = rest.partition("\n## ")
    section = _TABLE.sub("\n", section).rstrip("\n")
    return f"{head}{mark}{section}\n\n{INTRODUCTION}{HEAD}{''.join(rows)}{end}{tail}"


def without_table(section: str) -> str:
    """What is written by hand of a section."""
    return _TABLE.sub("\n", section + "\n")


def _of(page: pages.Page) -> list[Scenario]:
    return [scenario for scenario in scenarios() if scenario.code == page.code]


def _rows(scenario: Scenario, results: Results, first: bool) -> Iterator[tuple[bool, str]]:
    """A row for each database, and whether it is the first of its rule."""
    for number, (database, title) in enumerate(TITLES.items()):
        result = results[scenario.name, database]
        hazard = _hazard(scenario) if number == 0 else ""
        cells = (hazard, title, result.word, f"{result.before} of {RUNS}", _after(scenario, database, result))
        why = scenario.notes.get(database, "")
        yield first and number == 0, "".join(f"| {cell} " if cell else "| " for cell in (*cells, why)) + "|\n"


def _hazard(scenario: Scenario) -> str:
    which = f" (example {scenario.example})" if scenario.example > 1 else ""
    setting = f", {scenario.setting}" if scenario.setting else ""
    return f"`{scenario.function}`{which}{setting}: {scenario.hazard.label}"


def _after(scenario: Scenario, database: Database, result: Result) -> str:
    kind = " (good example)" if scenario.cure == "good" else ""
    shown = None if result.cure is None else f"{result.cure} of {RUNS}{kind}"
    own = None if result.own is None else f"{result.own} of {RUNS}"
    if shown is None:
        return f"{own} (fix for {TITLES[database]})"
    return shown if own is None else f"{shown}; fix for {TITLES[database]} alone: {own}"


def write(results: Results) -> None:
    """Renew docs/proofs.md and every page."""
    OVERVIEW.write_text(overview(OVERVIEW.read_text(encoding="utf-8"), results), encoding="utf-8")
    for page in rule_pages():
        page.path.write_text(page_text(page, results), encoding="utf-8")
