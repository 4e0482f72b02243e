"""Two transactions that look for a row and find none, on PostgreSQL: before the fix one fails, after it none does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lockcheck import pages
from tests import expectations, projects
from tests.interleaving import Meeting, together

pytestmark = pytest.mark.server


def found(engine: sa.Engine, word: str) -> list[int]:
    """The rows that two runs of the page's first example get, which both look before one inserts."""
    group = next(group for group in expectations.groups(pages.page("LCK302")) if group.fixed)
    source = {"bad": group.bad.source, "fixed": group.fixed[0].source}[word]
    rows: list[int] = []
    meeting = Meeting()
    with projects.module(expectations.read("example.py", source).text) as module:
        module.Base.metadata.create_all(engine)

        def run(session: Session) -> None:
            meeting.before(session, "INSERT INTO tag")
            tag = module.get_or_create(session, "x")
            session.flush()
            rows.append(tag.id)

        together(engine, run, run)
    return rows


def test_second_insert_fails(postgresql: sa.Engine) -> None:
    assert len(found(postgresql, "bad")) == 1


def test_savepoint_gives_both_the_row(postgresql: sa.Engine) -> None:
    one, other = found(postgresql, "fixed")
    assert one == other
