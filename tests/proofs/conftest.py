"""The option that renews the tables, and the results of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs import report
from tests.proofs.results import Result, all_declared
from tests.proofs.scenario import Database

OPTION = "--write-proofs"
Book = dict[tuple[str, Database], Result]


@pytest.fixture(scope="session")
def book(request: pytest.FixtureRequest) -> Iterator[Book]:
    """What is measured in this run; written down at the end, where that was asked for and nothing is missing."""
    found: Book = {}
    yield found
    if not request.config.getoption(OPTION):
        return
    missing = [f"{name} on {database}" for name, database in all_declared() if (name, database) not in found]
    if missing:
        pytest.fail(f"nothing is written; there are no results for {', '.join(missing)}", pytrace=False)
    report.write(found)
