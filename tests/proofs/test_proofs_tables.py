"""Every reported example has a scenario; the tables of the pages and of docs/proofs.md are what scenarios give."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from lockcheck import pages
from tests.proofs import report
from tests.proofs.catalog import reported, rule_pages, scenarios
from tests.proofs.conftest import OPTION
from tests.proofs.results import all_declared, declared
from tests.proofs.scenario import TITLES, Database, Scenario
from tests.proofs.sources import word

PAGES = [pytest.param(page, id=page.code) for page in rule_pages()]
CASES = [
    pytest.param(scenario, database, id=f"{scenario.name}-{database}")
    for scenario in scenarios()
    for database in TITLES
]
DIALECTS = {"PostgreSQL": "postgresql", "MySQL": "mysql", "MariaDB": "mariadb", "SQLite": "sqlite"}
ROW = re.compile(r"^\| (?P<dialects>[^|]+) \| (?P<word>safe|unsafe|none)\b[^|]*\|", re.MULTILINE)
WORDS = "| dialect | fix | why |\n"


@pytest.mark.parametrize("page", PAGES)
def test_each_reported_function_has_a_scenario(page: pages.Page) -> None:
    shown = {scenario.reported for scenario in scenarios() if scenario.code == page.code}
    assert shown == reported(page)


def test_names_of_scenarios_are_unique() -> None:
    assert max(Counter(scenario.name for scenario in scenarios()).values()) == 1


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_each_hazard_shows_somewhere_and_is_cured_somewhere(scenario: Scenario) -> None:
    results = [declared(scenario, database) for database in TITLES]
    assert any(result.before and result.cure == 0 for result in results)


@pytest.mark.parametrize(("scenario", "database"), CASES)
def test_a_safe_fix_leaves_no_hazard(scenario: Scenario, database: Database) -> None:
    result = declared(scenario, database)
    if result.word == "safe":
        assert result.after() == 0


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_what_stays_is_explained(scenario: Scenario) -> None:
    """A database on which the hazard is not there, or not cured, has a note that says why."""
    for database in TITLES:
        result = declared(scenario, database)
        if not result.before or result.cure:
            assert scenario.notes.get(database), database


@pytest.fixture
def written(request: pytest.FixtureRequest) -> None:
    """The tables as they are, unless this run writes them."""
    if request.config.getoption(OPTION):
        pytest.skip("with --write-proofs the tables are written at the end of the run, so they are not compared")


@pytest.mark.usefixtures("written")
def test_overview_is_up_to_date() -> None:
    text = report.OVERVIEW.read_text(encoding="utf-8")
    assert report.overview(text, all_declared()) == text, "run `python -m pytest tests/proofs --write-proofs`"


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("page", PAGES)
def test_page_is_up_to_date(page: pages.Page) -> None:
    text = page.path.read_text(encoding="utf-8")
    assert report.page_text(page, all_declared()) == text, "run `python -m pytest tests/proofs --write-proofs`"


@pytest.mark.parametrize("page", PAGES)
def test_figures_of_a_page_are_those_of_the_tests(page: pages.Page) -> None:
    by_hand = report.without_table(page.sections[report.SECTION])
    assert not re.search(r"\d+ of \d+", by_hand)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.code) for page in rule_pages() if page.fix != "none"])
def test_page_calls_the_fix_what_lockcheck_calls_it(page: pages.Page) -> None:
    """In the table by hand: for the dialect alone, or with PostgreSQL beside it."""
    by_hand = report.without_table(page.sections[report.SECTION])
    assert WORDS in by_hand
    named = [(dialect, row["word"]) for row in ROW.finditer(by_hand) for dialect in row["dialects"].split(", ")]
    assert {dialect for dialect, _ in named} >= set(DIALECTS)
    for title, dialect in DIALECTS.items():
        alone, beside = (words(page, dialects) for dialects in ((dialect,), ("postgresql", dialect)))
        stated = {word for name, word in named if name == title}
        assert stated <= alone | beside, (title, stated, alone, beside)
        assert alone - {"none", "not reported"} <= stated, (title, stated, alone)


def words(page: pages.Page, dialects: tuple[str, ...]) -> set[str]:
    """What lockcheck calls its fixes of a page's bad examples."""
    return {word(scenario, dialects) for scenario in scenarios() if scenario.code == page.code}
