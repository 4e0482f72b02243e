"""Which functions are worth reading."""

from __future__ import annotations

import textwrap

import pytest

from tests.test_declarations_project import read

SA = "from sqlalchemy import select, update as change, Column, Integer\nimport sqlalchemy as sa\n"


def touches(source: str, prefix: str = "") -> dict[str, bool]:
    found = read(prefix + textwrap.dedent(source))
    methods = [method for declared in found.classes.values() for method in declared.methods]
    return {item.name: item.touches_database for item in (*found.functions.values(), *methods)}


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return x + 1",
        "def f(d): d.update(a=1); d.get('x'); d.pop('y'); s.add(1)",
        "def f(parser): parser.add('x'); parser.delete(1); q.filter(2)",
        "def f(request): return request.query.get('x')",
        "def f(session_id): return session_id",
        "def f(): return session_cookie_name",
        "def f(): x = Column(Integer); return x",
        "def f(): raise SomeError('x')",
        "def f(a): a.b = 1",
        "def f(a): return a.state == State.RUNNING",
        "class C:\n    def f(self): self.x = 1",
        "def f(call):\n    try:\n        call()\n    except KeyError: pass",
    ],
)
def test_functions_without_a_trace_are_left_out(source: str) -> None:
    assert touches(source, "# session\n") == {"f": False}


@pytest.mark.parametrize("owner", ["Job", "models.Job", "cls"])
def test_queries_of_models(owner: str) -> None:
    assert touches(f"def f(cls): return {owner}.query.get(1)") == {"f": True}


@pytest.mark.parametrize("source", ["def f(x): return x.execute(1)", "def f(x): x.order_by(1); x.is_(2); x.commit()"])
def test_common_words_need_a_database_package(source: str) -> None:
    assert touches(source, "# session\n") == {"f": False}
    assert touches(source, SA) == {"f": True}


def test_sessions_of_another_library() -> None:
    client = "import requests\n\ndef f(session: requests.Session): return session.get('x')\n"
    assert touches(client) == {"f": False}
    assert touches(client + "def g(session): session.commit()\n") == {"f": True, "g": True}
    assert touches(client + "from sqlalchemy.orm import Session\n") == {"f": True}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("class Point: ...\n", False),
        ("from decimal import Decimal as Point\n", False),
        ("from shop.places import Point\n", True),
        ("from shop.models import other\nclass Point: ...\n", True),
    ],
)
def test_comparisons_of_class_attributes(head: str, expected: bool) -> None:
    source = head + "# a session\ndef f(x): return Point.size == x\n"
    assert touches(source) == {"f": expected}


def test_plain_migrations_are_left_out() -> None:
    source = "def upgrade(): op.add_column('t', sa.Column('a', sa.String())); op.execute('select 1')"
    assert touches(source, SA + "from alembic import op\n") == {"upgrade": False}


@pytest.mark.parametrize(
    "source",
    [
        "def f(): return select(1)",
        "def f(): return change(X)",
        "def f(): return sa.func.count(1)",
        "def f(): return sa.orm.aliased(X)",
        "def f(*, session): pass",
        "def f(db_session=None): pass",
        "def f(x: Session): pass",
        "def f(x: 'list[int]', y: AsyncSession | None = None): pass",
        "def f(x: SessionDep): pass",
        "@provide_session\ndef f(): pass",
        "def f(): g(session=x)",
        "def f(): g(my_session=None)",
        "def f(): return self.session.x",
        "def f():\n    with create_session() as s:\n        s.add(1)",
        "def f():\n    with Session() as s: pass",
        "def f(): db.add(x)",
        "def f(statement: sa.Select[Any]): pass",
        "def f(): return Order(1)",
        "def f(call):\n    try:\n        call()\n    except sa.exc.OperationalError: pass",
        "def f(call):\n    try:\n        call()\n    except (KeyError, sa.exc.DBAPIError): pass",
        "def f():\n    with engine.begin() as c: pass",
        "def f(q): return q.with_for_update()",
        "def f(q): return q.filter_by(a=1)",
        "def f(q): return q.on_conflict_do_update(index_elements=[])",
        "def f(x): return X.state.not_in(x)",
        "def f(x): x.state = 'done'",
        "def f(x): x.state, y = 1, 2",
        "def f(x): x.count += 1",
        "def f(x): setattr(x, 'state', 1)",
        "def f(): return Model.state == 'x'",
        "def f(x): return x == Model.state",
        "def f():\n    def inner(): return select(1)",
        "def f(): return (lambda: select(1))",
        "async def f(): await conn.execute(1)",
        "def f(x): return [y.id for y in x.scalars()]",
        "def f():\n    from sqlalchemy import delete as gone\n    return gone(X)",
    ],
)
def test_whatever_can_touch_a_session_or_statement_is_chosen(source: str) -> None:
    assert touches(source, SA) == {"f": True}


@pytest.mark.parametrize(
    "source",
    [
        "def f(q): return q.filter_by(a=1)",
        "def f(q): return q.with_for_update()",
        "def f(t): return t.state.in_([1]).where(t.x).scalars()",
        "def f(): db.engine.execute('select 1')",
    ],
)
def test_distinct_methods_count_in_any_file(source: str) -> None:
    assert touches(source) == {"f": True}


def test_attributes_of_self_count_in_mapped_classes() -> None:
    source = """
    class Job(Base):
        __tablename__ = "job"
        def finish(self): self.state = "done"
        def read(self): return self.state
        def older(cls): return cls.age == 1
    class Plain:
        def finish(self): self.state = "done"
    """
    assert touches(source, SA) == {"finish": False, "read": False, "older": True}
    assert touches(source.partition("    class Plain")[0], SA)["finish"] is True


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\nclass C(Base):\n    id = Column(Integer, primary_key=True)\n", False),
        ("Session = sessionmaker(bind=engine)\n", False),
        ("def f(): return select(1)\n", False),
        ("LATEST = select(1)\n", True),
        ("class C:\n    q = sa.select(1)\n", True),
        ("session.commit()\n", True),
        ("with Session() as session:\n    pass\n", True),
        ("if __name__ == '__main__':\n    for x in y:\n        session.add(x)\n", True),
    ],
)
def test_bodies(source: str, expected: bool) -> None:
    assert read(SA + source).body_touches_database is expected
