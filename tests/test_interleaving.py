"""The stage on which sessions move in a given order, and the words for errors."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests import interleaving
from tests.errors import DUPLICATE, TIMEOUT, name_of
from tests.interleaving import Act, HangingError, Stage, Until

METADATA = sa.MetaData()
ITEM = sa.Table("item", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("amount", sa.Integer))

DATABASES = ["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("postgresql", "mariadb"))]


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Each database, with items 1 and 2 of amount 0."""
    found: sa.Engine = request.getfixturevalue(request.param)
    METADATA.create_all(found)
    with found.begin() as connection:
        connection.execute(sa.insert(ITEM), [{"id": key, "amount": 0} for key in (1, 2)])
    return found


def write(key: int, amount: int) -> Act:
    def act(session: Session) -> None:
        session.execute(sa.update(ITEM).where(ITEM.c.id == key).values(amount=amount))

    return act


def read(key: int) -> Callable[[Session], int | None]:
    return lambda session: session.scalar(sa.select(ITEM.c.amount).where(ITEM.c.id == key))


def test_without_a_script_acts_follow_each_other(engine: sa.Engine) -> None:
    outcome = Stage(engine, {"write": write(1, 5), "read": read(1)}).play(())
    assert outcome.values == {"write": None, "read": 5}
    assert outcome.errors == ()
    assert [text.partition(" ")[0] for text in outcome.sent["write"]] == ["UPDATE", "COMMIT"]


def test_who_halts_at_a_commit_is_not_seen(engine: sa.Engine) -> None:
    outcome = Stage(engine, {"write": write(1, 5), "read": read(1)}).play((Until("write", "COMMIT"), Until("read")))
    assert outcome.values["read"] == 0


def test_who_waits_for_a_lock_lets_others_move(engine: sa.Engine) -> None:
    """The second writer waits for the first, which has not ended."""
    acts = {"first": write(1, 1), "second": write(1, 2), "read": read(2)}
    outcome = Stage(engine, acts).play((Until("first", "COMMIT"), Until("second"), Until("read")))
    assert outcome.errors == ()
    with engine.connect() as connection:
        assert connection.scalar(sa.select(ITEM.c.amount).where(ITEM.c.id == 1)) == 2


def test_a_statement_is_counted(engine: sa.Engine) -> None:
    def twice(session: Session) -> None:
        write(1, 1)(session)
        session.commit()
        write(2, 2)(session)

    outcome = Stage(engine, {"twice": twice, "one": read(1), "two": read(2)}).play((Until("twice", "^UPDATE", 2),))
    assert outcome.values["one"] == 1
    early = Stage(engine, {"twice": twice, "two": read(2)}).play((Until("twice", "^UPDATE"), Until("two")))
    assert early.values["two"] == 2  # from the play before


def test_errors_are_noted_with_who_got_them(engine: sa.Engine) -> None:
    def insert(session: Session) -> None:
        session.execute(sa.insert(ITEM).values(id=1, amount=1))

    def catch(session: Session) -> str:
        try:
            insert(session)
        except sa.exc.IntegrityError:
            session.rollback()
        return "caught"

    outcome = Stage(engine, {"insert": insert, "catch": catch}).play(())
    assert outcome.errors == (("insert", DUPLICATE), ("catch", DUPLICATE))
    assert outcome.failed == {"insert": DUPLICATE}
    assert outcome.values == {"catch": "caught"}


def test_errors_of_sqlalchemy_have_the_name_of_their_class(sqlite: sa.Engine) -> None:
    def look(session: Session) -> None:
        session.execute(sa.text("SELECT 1 WHERE 1 = 0")).one()

    assert Stage(sqlite, {"look": look}).play(()).failed == {"look": "NoResultFound"}


def test_what_is_not_an_error_of_the_database_is_raised(sqlite: sa.Engine) -> None:
    def break_down(_: Session) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Stage(sqlite, {"act": break_down}).play(())


def test_a_play_that_hangs_fails(sqlite: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaving, "PATIENCE", 0.1)
    ready = threading.Event()
    with pytest.raises(HangingError, match="act moving"):
        Stage(sqlite, {"act": lambda _: ready.wait(30)}).play(())
    ready.set()


@pytest.mark.server
def test_lock_timeouts_have_one_name(postgresql: sa.Engine) -> None:
    METADATA.create_all(postgresql)
    lock = sa.text("LOCK TABLE item IN ACCESS EXCLUSIVE MODE")
    with postgresql.begin() as one, postgresql.begin() as other:
        one.execute(lock)
        other.execute(sa.text("SET LOCAL lock_timeout = '10ms'"))
        with pytest.raises(sa.exc.OperationalError) as raised:
            other.execute(lock)
        assert name_of(raised.value.orig or raised.value) == TIMEOUT
