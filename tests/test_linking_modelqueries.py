"""Queries that mapped classes begin themselves: `Model.query`."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import Write
from lockcheck.linking.values import SessionRef
from tests.linked import Linked, link

MODEL = """
    id = Column(Integer, primary_key=True)
    state = Column(String)
"""
PAGE = f"class Page(db.Model):\n    __tablename__ = 'page'{MODEL}"
PROPERTY = f"""
from sqlalchemy.orm import declarative_base

Own = declarative_base()
Shared = scoped_session(sessionmaker())

class Named(Own):
    __tablename__ = 'named'{MODEL}    query = Column(String)

class Asked(Own):
    __tablename__ = 'asked'{MODEL}
    @classmethod
    def query(cls):
        return cls

class Plain(Own):
    __tablename__ = 'plain'{MODEL}

class Inside(Own):
    __tablename__ = 'inside'{MODEL}    query = Shared.query_property()

class Later(Own):
    __tablename__ = 'later'{MODEL}
Later.query = Shared.query_property()
"""
OTHER = {"others": "from sqlalchemy.orm import scoped_session, sessionmaker\nOther = scoped_session(sessionmaker())\n"}


def session_of(project: Linked, function: str = "f") -> SessionRef:
    (execute,) = project.executes(function)
    assert execute.session is not None
    return execute.session


@pytest.mark.parametrize("model", ["Plain.query", "Named.query", "Asked.query", "Asked.query()", "Shared.query"])
def test_other_attributes_begin_no_query(model: str) -> None:
    project = link(f"{PROPERTY}\ndef f():\n    {model}.filter_by(id=1).update({{'state': 'a'}})\n", OTHER)
    assert not project.executes()


@pytest.mark.parametrize(("model", "others"), [("Inside", OTHER), ("Later", OTHER), ("Plain", {})])
def test_query_property(model: str, others: dict[str, str]) -> None:
    """Where a project has but one `scoped_session`, it is the one that gives `query`."""
    project = link(f"{PROPERTY}\ndef f():\n    {model}.query.filter_by(id=1).one()\n    Shared.commit()\n", others)
    commit = project.trace().steps[-1].detail
    assert project.accesses() == ["one"]
    assert session_of(project) == commit.session  # type: ignore[union-attr]  # a SessionCall


FLASK = "from flask_sqlalchemy import SQLAlchemy\n"


@pytest.mark.parametrize(
    "made",
    [
        f"{FLASK}db = SQLAlchemy()\n",
        f"{FLASK}class Extension(SQLAlchemy): pass\ndb = Extension()\n",
        "from company import db\n",
    ],
)
def test_flask_models(made: str) -> None:
    project = link(f"{made}{PAGE}\ndef f():\n    Page.query.get(1)\n    db.session.commit()\n")
    commit = project.trace().steps[-1].detail
    assert project.accesses() == ["one"]
    assert session_of(project).origin == commit.session.origin  # type: ignore[union-attr]  # a SessionCall


@pytest.mark.parametrize("ending", ["get_or_404(1)", "filter_by(id=1).first_or_404()", "filter_by(id=1).one_or_404()"])
def test_methods_that_answer_with_an_error(ending: str) -> None:
    project = link(f"{FLASK}db = SQLAlchemy()\n{PAGE}\ndef f():\n    Page.query.{ending}.state = 'a'\n")
    assert project.accesses() == ["one"]
    assert [write.attribute for _, write in project.trace().of(Write)] == ["state"]


@pytest.mark.parametrize(
    "ending",
    ["filter(Page.state == 'a').all()", "filter_by(state='a').update({'state': 'b'})", "with_for_update().first()"],
)
def test_methods_go_on_from_the_model(ending: str) -> None:
    (execute,) = link(f"{FLASK}db = SQLAlchemy()\n{PAGE}\ndef f():\n    Page.query.{ending}\n").executes()
    assert execute.statement.model is not None
    assert execute.statement.model.qualname == "app.Page"
    assert execute.statement.spelling == "Page"
    assert execute.statement.readable


def test_a_query_that_is_kept() -> None:
    body = "def f(late):\n    q = Page.query\n    if late:\n        q = q.filter_by(state='a')\n"
    body += "    q.with_for_update().all()\n"
    executes = link(f"{FLASK}db = SQLAlchemy()\n{PAGE}\n{body}").executes()
    assert {execute.statement.lock is not None for execute in executes} == {True}
    assert sorted(len(execute.statement.where) for execute in executes) == [0, 1]


def test_a_class_method_of_a_base() -> None:
    base = "class Kept(db.Model):\n    __abstract__ = True\n    @classmethod\n    def held(cls, key):\n"
    base += "        return cls.query.filter_by(id=key).with_for_update().one()\n"
    page = PAGE.replace("db.Model", "Kept")
    body = "def f():\n    Page.held(1)\n    db.session.commit()\n"
    (execute,) = link(f"{FLASK}db = SQLAlchemy()\n{base}{page}\n{body}").executes()
    assert execute.statement.model is not None
    assert execute.statement.model.qualname == "app.Page"


FOREIGN = f"from company import Model\nclass Page(Model):\n    __tablename__ = 'page'{MODEL}\n"


def test_a_base_from_outside_with_one_extension() -> None:
    project = link(f"{FLASK}{FOREIGN}db = SQLAlchemy()\ndef f():\n    Page.query.first()\n    db.session.commit()\n")
    assert session_of(project).owner == "shared"


@pytest.mark.parametrize("made", ["", "db = SQLAlchemy()\nother = SQLAlchemy()\n"])
def test_a_base_from_outside_without_a_session(made: str) -> None:
    body = "def f(s: Session):\n    Page.query.first()\n    s.execute(select(Page))\n"
    other = {"others": f"{FLASK}other = SQLAlchemy()\n"} if made else {}
    project = link(f"{FLASK}{FOREIGN}{made}{body}", other)
    assert len(project.executes()) == 1


@pytest.mark.parametrize("model", ["type(page)", "page.__class__"])
def test_the_class_of_an_object(model: str) -> None:
    body = f"def f(page: Page):\n    {model}.query.filter_by(id=page.id).one()\n"
    assert link(f"{FLASK}db = SQLAlchemy()\n{PAGE}\n{body}").accesses() == ["one"]
