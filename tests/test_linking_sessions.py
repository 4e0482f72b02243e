"""Sessions: where they come from, who ends their transaction, and what opens and ends it."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import Execute, Opened, Savepoints, SessionCall
from lockcheck.linking.trace import same_session
from lockcheck.linking.values import SessionRef
from tests.linked import Linked, link

IMPORTS = """
from typing import Annotated, NewType, Optional, TYPE_CHECKING
import sqlalchemy.orm as orm
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy import create_engine
from other_library import Depends, get_session, provide

SessionDep = Annotated[Session, Depends(get_session)]
AnySession = Session | None
Reader = NewType("Reader", Session)
Writer = NewType("Writer", Reader)
Factory = sessionmaker(create_engine("sqlite://"))
Shared = scoped_session(sessionmaker())
"""


def session_of(project: Linked, function: str = "f") -> SessionRef:
    (execute,) = project.executes(function)
    assert execute.session is not None
    return execute.session


@pytest.mark.parametrize(
    "annotation",
    [
        "Session", "'Session'", "orm.Session", "Optional[Session]", "Session | None", "'Session | None'",
        "Annotated[Session, Depends(get_session)]", "SessionDep", "AnySession", "Optional['Session']",
        "scoped_session[Session]", "'orm.Session'", "AsyncSession", "Writer",
    ],
)  # fmt: skip
def test_parameter_by_its_annotation(annotation: str) -> None:
    project = link(f"{IMPORTS}\ndef f(db: {annotation}):\n    return db.execute(delete(Job))\n")
    session = session_of(project)
    assert session.owner == "given"
    assert session.is_async is (annotation == "AsyncSession")


@pytest.mark.parametrize("name", ["session", "db_session", "async_session"])
def test_parameter_by_its_name(name: str) -> None:
    assert session_of(link(f"def f({name}):\n    {name}.execute(delete(Job))\n")).owner == "given"


@pytest.mark.parametrize(
    "body",
    [
        "client.execute('select 1')",
        "cursor = client.cursor()\n    cursor.execute('delete from job')",
        "client.get(Url, 1)",
        "client.add(1)",
        "client.delete(name)",
        "client.commit()",
        "{}.get(Job)",
    ],
)
def test_what_is_no_session(body: str) -> None:
    """Nothing here is handed a statement or an object of a mapped class."""
    project = link(f"from other_library import Url, client\n\ndef f(name):\n    {body}\n    return select(Job)\n")
    assert project.trace().steps == []


@pytest.mark.parametrize("call", ["execute(delete(Job))", "scalars(select(Job))"])
def test_something_unknown_that_is_handed_a_statement(call: str) -> None:
    project = link(f"from other_library import db\n\ndef f():\n    db.connection.{call}\n")
    assert session_of(project).owner == "unknown"


@pytest.mark.parametrize(
    ("opening", "name", "owner"),
    [
        ("with Session(engine) as session:", "session", "own"),
        ("with Session() as db, given:", "db", "own"),
        ("with Factory() as db:", "db", "own"),
        ("with Factory.begin() as db:", "db", "own"),
        ("with orm.Session(engine) as db:", "db", "own"),
        ("with orm.sessionmaker()() as db:", "db", "own"),
        ("with get_session() as session:", "session", "own"),
        ("if True:\n        db = Factory()", "db", "own"),
        ("if True:\n        db = Session(engine)", "db", "own"),
        ("if True:\n        db = Shared()", "db", "shared"),
        ("if True:\n        db = Shared", "db", "shared"),
        ("if True:\n        session = given.session", "session", "unknown"),
        ("if True:\n        session = get_session()", "session", "unknown"),
    ],
)
def test_owner(opening: str, name: str, owner: str) -> None:
    project = link(f"{IMPORTS}\ndef f(engine, given):\n    {opening}\n        {name}.execute(delete(Job))\n")
    assert session_of(project).owner == owner


def test_two_sessions_of_one_factory_differ() -> None:
    project = link(f"""{IMPORTS}
def f():
    with Factory() as one, Factory() as two:
        one.execute(delete(Job))
        two.execute(delete(Job))
""")
    one, two = (execute.session for execute in project.executes())
    assert one is not None
    assert two is not None
    assert not same_session(one, two)


def test_scoped_session_is_one() -> None:
    project = link(f"""{IMPORTS}
def f():
    Shared().execute(delete(Job))
    Shared.execute(delete(Job))
""")
    one, two = (execute.session for execute in project.executes())
    assert one is not None
    assert two is not None
    assert same_session(one, two)


def test_session_of_an_object() -> None:
    project = link("""
        class Store:
            def __init__(self, session: Session):
                self.session = session
                self.db = session

            def by_name(self):
                self.session.execute(delete(Job))

            def by_type(self):
                self.db.execute(delete(Job))

            def both(self):
                self.session.execute(delete(Job))
                self.session.execute(delete(Run))
    """)
    assert session_of(project, "app.Store.by_name").owner == "given"
    assert session_of(project, "app.Store.by_type").owner == "given"
    one, two = (execute.session for execute in project.executes("app.Store.both"))
    assert one == two


def test_session_declared_in_a_class() -> None:
    project = link("""
        class Store:
            db: Session

            def sweep(self):
                self.db.execute(delete(Job))
    """)
    assert session_of(project, "app.Store.sweep").owner == "given"


@pytest.mark.parametrize("attribute", ["db.session", "database.db.session"])
def test_flask(attribute: str) -> None:
    head = "import database\nfrom database import db\n"
    library = "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n"
    project = link(f"{head}\ndef f():\n    {attribute}.execute(delete(Job))\n", {"database": library})
    assert session_of(project).owner == "shared"


def test_flask_models() -> None:
    project = link("""
        from flask_sqlalchemy import SQLAlchemy

        db = SQLAlchemy()

        class Page(db.Model):
            __tablename__ = "page"
            id = db.Column(db.Integer, primary_key=True)
            state = db.Column(db.String)

        def f(key):
            db.session.execute(db.update(Page).where(Page.id == key))
            page = db.session.get(Page, key)
            page.state = "a"
            db.session.commit()
    """)
    assert project.accesses() == ["one", "one"]
    commit = project.trace().steps[-1].detail
    assert isinstance(commit, SessionCall)
    assert commit.session.owner == "shared"


def test_decorated_function_has_the_callers_session_or_its_own() -> None:
    project = link(f"""{IMPORTS}
NEW_SESSION = None

@provide
def inner(*, session: Session = NEW_SESSION):
    session.execute(delete(Job))

def passed(session: Session):
    inner(session=session)

def own(session):
    inner()
""")
    assert session_of(project, "inner").owner == "given"
    assert session_of(project, "passed").owner == "given"
    assert session_of(project, "own").owner == "own"


def test_helper_gets_the_callers_session() -> None:
    project = link(f"""{IMPORTS}
def inner(db):
    db.execute(delete(Job))

def f():
    with Factory() as db:
        inner(db)
""")
    assert session_of(project).owner == "own"


# --- transactions -----------------------------------------------------------------------------------------


def kinds(project: Linked) -> list[str]:
    found = []
    for step in project.trace().steps:
        detail = step.detail
        if isinstance(detail, (Opened, Savepoints)):
            name = "open" if isinstance(detail, Opened) else "savepoint"
            commits = " commits" if isinstance(detail, Opened) and detail.commits else ""
            found.append(f"{name if detail.entered else f'end {name}'}{commits}")
        elif isinstance(detail, SessionCall):
            found.append(detail.method)
        elif isinstance(detail, Execute):
            found.append("execute")
    return found


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("session.execute(delete(Job))", ["execute"]),
        ("session.commit()", ["commit"]),
        ("with session.begin_nested():\n        session.flush()", ["savepoint", "flush", "end savepoint"]),
        (
            "with session.begin():\n        session.flush()",
            ["open commits", "flush", "end open commits"],
        ),
        ("with Session() as db:\n        db.flush()", ["open", "flush", "end open"]),
        (
            "with Session() as db, db.begin():\n        db.flush()",
            ["open", "open commits", "flush", "end open commits", "end open"],
        ),
        (
            "with Factory.begin() as db:\n        db.flush()",
            ["open commits", "flush", "end open commits"],
        ),
        (
            "with session.no_autoflush:\n        session.execute(delete(Job))",
            ["execute"],
        ),
        ("point = session.begin_nested()\n    point.rollback()", ["savepoint.rollback"]),
        ("transaction = session.begin()\n    transaction.commit()", ["commit"]),
        ("session.expire_all()", ["expire_all"]),
        ("print(session.is_active)", []),
        ("session.info['a'] = 1", []),
    ],
)
def test_what_opens_and_ends_a_transaction(body: str, wanted: list[str]) -> None:
    assert kinds(link(f"{IMPORTS}\ndef f(session: Session):\n    {body}\n")) == wanted


def test_context_manager_that_yields_a_session() -> None:
    project = link(f"""{IMPORTS}
import contextlib

@contextlib.contextmanager
def opened():
    session = Factory()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()

def f():
    with opened() as db:
        db.execute(delete(Job))
""")
    (execute,) = project.executes()
    assert execute.session is not None
    assert execute.session.owner == "own"
    step = next(step for step in project.trace().steps if isinstance(step.detail, Execute))
    assert any(project.trace().ends(other, execute.session) for other in project.trace().steps[step.number :])


def test_generator_that_yields_a_session_is_a_dependency() -> None:
    project = link(f"""{IMPORTS}
def opened():
    with Factory() as session:
        yield session

def f(db: Session = Depends(opened)):
    db.execute(delete(Job))
""")
    assert session_of(project).owner == "given"


def test_connection_of_an_engine() -> None:
    project = link("""
        from sqlalchemy import create_engine
        from sqlalchemy.engine import Connection

        def f(connection: Connection):
            connection.execute(delete(Job))
    """)
    assert session_of(project).owner == "given"


@pytest.mark.parametrize(
    ("method", "events"),
    [
        ("add(Job())", ["Construct", "Add"]),
        ("add_all([Job(), Job()])", ["Construct", "Construct", "Add"]),
        ("delete(job)", ["Delete"]),
        ("merge(job)", ["Merge"]),
        ("merge(instance=job)", ["Merge"]),
        ("refresh(job)", ["Execute"]),
        ("get(Job, 1)", ["Execute"]),
        ("flush()", ["SessionCall"]),
        ("close()", ["SessionCall"]),
        ("bulk_save_objects([job])", ["SessionCall"]),
        ("execute('text')", ["SessionCall"]),
    ],
)
def test_what_methods_do(method: str, events: list[str]) -> None:
    project = link(f"def f(session: Session, job: Job):\n    session.{method}\n")
    assert [type(step.detail).__name__ for step in project.trace().steps] == events


@pytest.mark.parametrize(
    ("argument", "locks"),
    [
        ("", False),
        ("with_for_update=False", False),
        ("with_for_update=None", False),
        ("with_for_update=True", True),
        ("with_for_update={'of': Job}", True),
        ("with_for_update=dict(nowait=True)", True),
        ("with_for_update=given", True),
    ],
)
@pytest.mark.parametrize("method", ["get(Job, 1, {})", "refresh(job, {})"])
def test_lock_of_get_and_refresh(method: str, argument: str, *, locks: bool) -> None:
    call = method.format(argument).replace(", )", ")")
    statement = link(f"def f(session: Session, job: Job, given):\n    session.{call}\n").statement()
    assert (statement.lock is not None) is locks


def test_many_rows_of_parameters() -> None:
    project = link("def f(session: Session, rows: list):\n    session.execute(update(Job), [{'id': 1}, {'id': 2}])\n")
    assert project.executes()[0].how == "executemany"
