"""How a statement reaches its rows: one row, a list of keys, many rows, or not readable."""

from __future__ import annotations

import pytest

from lockcheck.linking import clauses
from lockcheck.linking.values import ModelRef
from tests.linked import constants, link

JOB = ModelRef("models.Job")

UPDATE = """
from other_library import condition

def f(session: Session, key: int, keys: list[int], run: int, name: str, flag: bool, given, *conditions):
    session.execute(update({model}).where({where}).values(state="done"))
"""


def where(source: str, model: str = "Job") -> str:
    return UPDATE.format(where=source, model=model)


ONE_ROW = [
    "Job.id == key",
    "key == Job.id",
    "Job.id == 7",
    "Job.id.__eq__(key)",
    "Job.id.in_([key])",
    "Job.id.in_({key})",
    "Job.id == key, Job.state == 'new'",
    "Job.state == 'new', Job.id == key",
    "and_(Job.state == 'new', Job.id == key)",
    "and_(Job.state == 'new', and_(Job.id == key, Job.priority > 3))",
    "(Job.id == key) & (Job.state == 'new')",
    "Job.id == key, or_(Job.state == 'new', Job.state.is_(None))",
    "Job.id == key, condition(given)",
    "Job.id == key, *conditions",
    "Job.slug == name",
    "Job.run_id == run, Job.name == name",
    "Job.name == name, Job.run_id == run, Job.state == 'new'",
    "tuple_(Job.run_id, Job.name) == (run, name)",
    "tuple_(Job.run_id, Job.name).in_([(run, name)])",
    "not_(Job.id != key)",
    "~(Job.id != key)",
    "not_(or_(Job.id != key, Job.state == 'new'))",
    "or_(Job.id == key, Job.id == key)",
    "or_(and_(Job.id == key, Job.state == 'a'), and_(Job.id == key, Job.state == 'b'))",
    "Job.id == select(func.max(Job.id)).scalar_subquery()",
    "Job.id == select(Job.id).limit(1).scalar_subquery()",
    "(Job.id == key) if flag else (Job.id == run)",
    "(Job.id == key) if flag else (Job.slug == name)",
]


@pytest.mark.parametrize("source", ONE_ROW)
def test_one_row(source: str) -> None:
    assert link(where(source)).access() == "one"


LISTED = [
    "Job.id.in_(keys)",
    "Job.id.in_([key, run])",
    "Job.id.in_((1, 2))",
    "Job.id.in_(given)",
    "Job.id.in_(keys), Job.state == 'new'",
    "Job.id.in_(select(Job.id).where(Job.state == 'new'))",
    "Job.id.in_([one for one in keys])",
    "Job.id.in_(set(keys))",
    "or_(Job.id == key, Job.id == run)",
    "or_(Job.id.in_(keys), Job.id == key)",
    "Job.id.in_(keys), condition(given)",
]


@pytest.mark.parametrize("source", LISTED)
def test_keys(source: str) -> None:
    assert link(where(source)).access() == "keys"


MANY_ROWS = [
    "true()",
    "Job.state == 'new'",
    "Job.run_id == run",
    "Job.name == name",
    "Job.id > key",
    "Job.id != key",
    "Job.id.not_in(keys)",
    "~Job.id.in_(keys)",
    "not_(Job.id == key)",
    "Job.id.is_not(None)",
    "Job.id.between(key, run)",
    "Job.id == Job.run_id",
    "Job.run_id == run, Job.name.in_([name, 'other'])",
    "Job.slug.in_(keys)",
    "Job.slug.is_(None)",
    "or_(Job.id == key, Job.state == 'new')",
    "or_(and_(Job.id == key, Job.state == 'a'), Job.state == 'b')",
    "(Job.run_id == run) | (Job.id == key)",
    "exists().where(Run.id == Job.run_id)",
    "Run.id == key",
]


@pytest.mark.parametrize("source", MANY_ROWS)
def test_many_rows(source: str) -> None:
    assert link(where(source)).access() == "many"


OPAQUE = [
    "given",
    "condition(given)",
    "*conditions",
    "Job.state == 'new', condition(given)",
    "and_(Job.state == 'new', *conditions)",
    "or_(Job.id == key, given)",
    "and_(*given)",
    "Job.state == 'new', not_(condition(given))",
    "(Job.id == key) if flag else (Job.state == 'new')",
    "func.lower(Job.slug) == name",
    "Job.id + 1 == key, Job.state == 'new'",
]


@pytest.mark.parametrize("source", OPAQUE)
def test_not_readable_is_neither_one_nor_many(source: str) -> None:
    assert link(where(source)).access() == "opaque"


@pytest.mark.parametrize(
    ("source", "access"),
    [
        ("Part.run_id == run, Part.number == key", "one"),
        ("Part.run_id == run, Part.number.in_([key])", "one"),
        ("tuple_(Part.run_id, Part.number) == (run, key)", "one"),
        ("Part.run_id == run, Part.number.in_(keys)", "keys"),
        ("Part.run_id.in_(keys), Part.number == key", "keys"),
        ("tuple_(Part.run_id, Part.number).in_(keys)", "keys"),
        ("tuple_(Part.run_id, Part.number).in_([(run, key), (run, 1)])", "keys"),
        ("tuple_(Part.run_id, Part.number).in_(select(Part.run_id, Part.number))", "keys"),
        ("or_(*[and_(Part.run_id == one, Part.number == key) for one in keys])", "keys"),
        ("Part.run_id == run", "many"),
        ("Part.number == key", "many"),
        ("Part.number.in_(keys)", "many"),
        ("Part.run_id == run, Part.number > key", "many"),
        ("or_(Part.run_id == run, Part.number == key)", "many"),
        ("Part.run_id == run, given", "opaque"),
    ],
)
def test_composite_key(source: str, access: str) -> None:
    assert link(where(source, "Part")).access() == access


@pytest.mark.parametrize("keys", [{}, {"run": (("external",),)}, {"job": (("external", "state"),)}])
def test_column_without_a_key_reaches_many(keys: dict[str, tuple[tuple[str, ...], ...]]) -> None:
    assert link(where("Job.external == name"), keys=keys).access() == "many"


@pytest.mark.parametrize("key", [("external",), ("external", "priority")])
def test_key_that_only_settings_declare(key: tuple[str, ...]) -> None:
    project = link(where("Job.external == name, Job.priority == 1"), keys={"job": (key,)})
    assert project.access() == "one"


def test_model_whose_key_is_not_known() -> None:
    project = link("""
        class Loose(Base):
            __tablename__ = "loose"
            state: Mapped[str]

        def f(session: Session):
            session.execute(delete(Loose))
    """)
    assert project.access() == "unknown"


def test_statement_without_a_model() -> None:
    project = link("""
        def f(session: Session, given):
            session.execute(select(given))
    """)
    assert project.access() == "unknown"


def test_alias_is_not_its_model() -> None:
    project = link("""
        def f(session: Session, key: int):
            other = aliased(Job)
            session.execute(select(other).where(Job.id == key))
            session.execute(select(other).where(other.id == key))
    """)
    assert project.accesses() == ["many", "one"]


@pytest.mark.parametrize(
    ("source", "access"),
    [
        ("items.c.id == key", "one"),
        ("items.c['id'] == key", "one"),
        ("items.columns.id == key", "one"),
        ("items.c.id.in_(keys)", "keys"),
        ("items.c.kind == name", "many"),
    ],
)
def test_core_table(source: str, access: str) -> None:
    assert link(where(source, "items")).access() == access


# --- questions to clauses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("Job.id > 1", set()),
        ("Job.state.is_(None)", set()),
        ("or_(Job.id == 1, Job.id == 2)", set()),
        ("or_(Job.id == 1, Job.run_id == 1)", set()),
        ("Job.id == 1, Job.run_id == 2", {"id", "run_id"}),
        ("or_(and_(Job.id == 1, Job.run_id == 2), and_(Job.id == 1, Job.run_id == 3))", {"id"}),
        ("(Job.id == 1) if flag else (Job.id == 2)", {"id"}),
        ("(Job.id == 1) if flag else (Job.run_id == 2)", set()),
        ("tuple_(Job.run_id, Job.name) == (1, 'a')", {"run_id", "name"}),
        ("Job.run_id == Run.id", set()),
    ],
)
def test_pinned(source: str, names: set[str]) -> None:
    found = clauses.pinned(link(where(source)).statement().where, JOB)
    assert set(found) == names


def test_pinned_value() -> None:
    found = clauses.pinned(link(where("Job.id == 1, Job.name.in_(['a'])")).statement().where, JOB)
    assert {name: constants(value) for name, value in found.items()} == {"id": {1}, "name": {"a"}}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("Job.id == 1", []),
        ("Job.id.not_in(keys)", []),
        ("or_(Job.id.in_(keys), Job.state == 'a')", []),
        ("Job.id.in_(keys)", [("id",)]),
        ("tuple_(Job.run_id, Job.name).in_(given)", [("run_id", "name")]),
        ("tuple_(Job.run_id, Run.name).in_(given)", []),
    ],
)
def test_listed(source: str, names: list[tuple[str, ...]]) -> None:
    assert list(clauses.listed(link(where(source)).statement().where, JOB)) == names


@pytest.mark.parametrize(
    ("source", "operators"),
    [
        ("~(Job.id == 1)", ["!="]),
        ("~Job.state.in_(keys)", ["not in"]),
        ("~Job.state.not_in(keys)", ["in"]),
        ("not_(Job.state.is_(None))", ["is not null"]),
        ("Job.state == None", ["is null"]),
        ("Job.state != None", ["is not null"]),
        ("Job.state.isnot(null())", ["is not null"]),
        ("not_(Job.id < 1)", [">="]),
        ("1 < Job.id", [">"]),
        ("not_(or_(Job.id == 1, Job.state == 'a'))", ["!=", "!="]),
        ("~~(Job.id == 1)", ["=="]),
        ("Job.state.is_distinct_from('a')", ["is distinct"]),
        ("~Job.state.like('a%')", ["not like"]),
        ("Job.state.is_('a')", ["=="]),
    ],
)
def test_operators_and_their_negations(source: str, operators: list[str]) -> None:
    found = clauses.conjuncts(link(where(source)).statement().where)
    assert [getattr(clause, "operator", None) for clause in found] == operators


def test_negated_conjunction_pins_nothing() -> None:
    assert link(where("not_(and_(Job.id == key, Job.state == 'a'))")).access() == "many"


@pytest.mark.parametrize(
    ("source", "access"),
    [
        ("*[]", "many"),
        ("*[Job.id == key]", "one"),
        ("*[Job.state == 'a', Job.id == key]", "one"),
        ("*[Job.state == one for one in keys]", "many"),
        ("and_(*[Job.id == key, Job.run_id == run])", "one"),
        ("or_(*[Job.id == one for one in keys])", "keys"),
        ("or_(*[Job.state == one for one in keys])", "many"),
        ("*given", "opaque"),
    ],
)
def test_unpacked_conditions(source: str, access: str) -> None:
    assert link(where(source)).access() == access


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("Job.id > 3", {}),
        ("Job.state == 'a'", {"state": {"a"}}),
        ("Job.state.in_(['a', 'b'])", {"state": {"a", "b"}}),
        ("Job.state.in_(['a', 'b']), Job.state.in_(['b', 'c'])", {"state": {"b"}}),
        ("Job.state.is_(None)", {"state": {None}}),
        ("Job.state.in_(['a', name])", {}),
        ("Job.state != 'a'", {}),
        ("or_(Job.state == 'a', Job.id == 1)", {}),
        ("Run.name == 'a'", {}),
    ],
)
def test_constants(source: str, columns: dict[str, set[object]]) -> None:
    project = link(where(source))
    assert project.locks.constants(project.statement()) == columns
