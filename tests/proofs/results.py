"""What scenarios give: counts of plays in which the hazard shows, measured or as the scenario says."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa

from tests.proofs import runs
from tests.proofs.catalog import scenarios
from tests.proofs.scenario import TITLES, Database, Scenario
from tests.proofs.sources import Word, sources


class Result(NamedTuple):
    """Counts of RUNS: of the bad example, of the one that cures it, and of lockcheck's fix for this database alone,
    where these are texts that can run; `word` is what lockcheck calls its fix with this as the only dialect."""

    word: Word
    before: int
    cure: int | None
    own: int | None

    def after(self) -> int | None:
        """The count of what lockcheck writes for this database; None where it writes nothing."""
        if self.word not in ("safe", "unsafe"):
            return None
        return self.cure if self.own is None else self.own


Results = Mapping[tuple[str, Database], Result]
"""By the scenario's name and the database."""


def declared(scenario: Scenario, database: Database) -> Result:
    """What the scenario says: all plays or none."""
    text = sources(scenario, database)
    return Result(
        text.word,
        runs.RUNS * (database in scenario.before),
        None if text.cure is None else runs.RUNS * (database in scenario.after),
        None if text.own is None else runs.RUNS * (database in scenario.own),
    )


def measured(scenario: Scenario, database: Database, engine: sa.Engine) -> Result:
    """What the database says."""
    text = sources(scenario, database)
    counts = [
        None if source is None else runs.shown(scenario, source, engine, database)
        for source in (text.bad, text.cure, text.own)
    ]
    return Result(text.word, counts[0] or 0, counts[1], counts[2])


@functools.cache
def all_declared() -> Results:
    """Every scenario on every database, as declared."""
    return {(scenario.name, database): declared(scenario, database) for scenario in scenarios() for database in TITLES}
