"""Every example of a page that is reported, on real databases: the hazard before the fix, and what is left of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.proofs import runs
from tests.proofs.catalog import scenarios
from tests.proofs.conftest import Book
from tests.proofs.results import declared, measured
from tests.proofs.scenario import TITLES, Database, Row, Scenario
from tests.proofs.sources import sources

CASES = [
    pytest.param(scenario, database, id=f"{scenario.name}-{database}")
    for database in TITLES
    for scenario in scenarios()
]

pytestmark = pytest.mark.server

PLANS: dict[Database, tuple[int, int]] = {"mariadb": (10, 11)}
"""The versions on which a scenario that has indexes of its own was seen to use them."""


@pytest.fixture
def engine(request: pytest.FixtureRequest, scenario: Scenario, database: Database) -> sa.Engine:
    found: sa.Engine = request.getfixturevalue(database)
    if scenario.impatient:
        runs.hurry(found)
    if database in scenario.tables and database in PLANS:
        with found.connect() as connection:
            version = (connection.dialect.server_version_info or ())[:2]
        if version != PLANS[database]:
            seen = f"{TITLES[database]} {'.'.join(map(str, PLANS[database]))}"
            pytest.skip(f"the plans that this rests on were seen on {seen}; another release may choose others")
    return found


@pytest.mark.parametrize(("scenario", "database"), CASES)
def test_hazard(scenario: Scenario, database: Database, engine: sa.Engine, book: Book) -> None:
    result = measured(scenario, database, engine)
    assert result == declared(scenario, database)
    book[scenario.name, database] = result


@pytest.mark.parametrize(("scenario", "database"), CASES)
def test_alone_before_and_after_leave_the_same_rows(scenario: Scenario, database: Database, engine: sa.Engine) -> None:
    if database not in scenario.alone_on:
        pytest.skip("the bad example fails there even when it runs alone: there are no rows to compare")
    text = sources(scenario, database)
    before = runs.alone(scenario, text.bad, engine, database)
    assert any(before.values())
    for source in filter(None, (text.cure, text.own)):
        assert same(before, runs.alone(scenario, source, engine, database)) == before


def same(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The tables and columns of `after` that the bad example has; a good one may have more."""
    return {
        table: [{name: row[name] for name in before[table][0]} if before[table] else row for row in after[table]]
        for table in before
    }
