"""Scenarios on a database: how often the hazard shows, and the rows that examples leave when they run alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests import projects
from tests.interleaving import Stage
from tests.proofs.scenario import GATE, Act, Database, Evidence, Row, Scenario

RUNS = 8
BALLAST = "ballast"


def shown(scenario: Scenario, source: str, engine: sa.Engine, database: Database) -> int:
    """In how many of RUNS plays the hazard shows."""
    with _tables(scenario, source, engine, database) as module:
        return sum(scenario.hazard.shown(play(scenario, module, source, engine)) for _ in range(RUNS))


def play(scenario: Scenario, module: Any, source: str, engine: sa.Engine) -> Evidence:
    """One play on fresh rows."""
    _fill(engine, module, scenario.rows(module))
    acts = {name: _bound(act, module) for name, act in scenario.acts.items()}
    outcome = Stage(engine, acts).play(scenario.script)
    return Evidence(outcome, _rows(engine, module), source)


def alone(scenario: Scenario, source: str, engine: sa.Engine, database: Database) -> dict[str, list[Row]]:
    """The rows after the acts have run one after the other, without an error."""
    acts = scenario.alone or tuple(act for name, act in scenario.acts.items() if name != GATE)
    with _tables(scenario, source, engine, database) as module:
        _fill(engine, module, (scenario.alone_rows or scenario.rows)(module))
        for act in acts:
            with Session(engine) as session:
                act(module, session)
                session.commit()
        return _rows(engine, module)


def _bound(act: Act, module: Any) -> Any:
    return lambda session: act(module, session)


@contextmanager
def _tables(scenario: Scenario, source: str, engine: sa.Engine, database: Database) -> Iterator[Any]:
    """The module of an example, and its tables, empty."""
    with projects.module(source) as module:
        if scenario.prepare is not None:
            scenario.prepare(module, engine)
        metadata: sa.MetaData = module.Base.metadata
        _ballast(metadata)
        if database == "mariadb":
            _limit(metadata)
        metadata.create_all(engine)
        with engine.begin() as connection:
            for statement in scenario.tables.get(database, ()):
                connection.execute(sa.text(statement))
        try:
            yield module
        finally:
            metadata.drop_all(engine)


def _ballast(metadata: sa.MetaData) -> sa.Table:
    """A table beside the example's own, for transactions that are to weigh more."""
    key = sa.Column("id", sa.Integer, primary_key=True)
    return sa.Table(BALLAST, metadata, key, sa.Column("weight", sa.Integer))


def _limit(metadata: sa.MetaData) -> None:
    """MariaDB wants to know how long a text may be; the examples leave it open."""
    for table in metadata.tables.values():
        for column in table.columns:
            if type(column.type) is sa.String and column.type.length is None:
                column.type = sa.String(80)


def hurry(engine: sa.Engine) -> None:
    """Let the sessions of an engine wait shortly for a lock, if at all."""
    words = {"postgresql": "SET lock_timeout = '50ms'", "mariadb": "SET innodb_lock_wait_timeout = 0"}
    statement = words.get(engine.dialect.name)

    def set_timeout(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.commit()

    if statement is not None:
        sa.event.listen(engine, "connect", set_timeout)


def _fill(engine: sa.Engine, module: Any, rows: Sequence[Any]) -> None:
    """Put these rows, in this order, in the place of all others; numbering begins anew."""
    with Session(engine) as session:
        _empty(session, module.Base.metadata.sorted_tables)
        session.bulk_save_objects(rows)
        session.commit()
        if session.get_bind().dialect.name == "mariadb":  # its plans depend on what it knows of a table
            for name in _names(session, module.Base.metadata.sorted_tables):
                session.execute(sa.text(f"ANALYZE TABLE {name}")).all()


def _empty(session: Session, tables: Sequence[sa.Table]) -> None:
    dialect = session.get_bind().dialect.name
    names = _names(session, tables)
    if dialect == "postgresql":
        session.execute(sa.text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
        return
    if dialect in ("mysql", "mariadb"):
        session.execute(sa.text("SET foreign_key_checks = 0"))
        for name in names:
            session.execute(sa.text(f"TRUNCATE TABLE {name}"))
        session.execute(sa.text("SET foreign_key_checks = 1"))
        return
    for table in reversed(tables):
        session.execute(sa.delete(table))


def _names(session: Session, tables: Sequence[sa.Table]) -> list[str]:
    """Quoted where the database wants it."""
    return [session.get_bind().dialect.identifier_preparer.format_table(table) for table in tables]


def _rows(engine: sa.Engine, module: Any) -> dict[str, list[Row]]:
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in module.Base.metadata.sorted_tables
            if table.name != BALLAST
        }
