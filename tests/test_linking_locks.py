"""Which tables a lock reaches, and whether it comes in primary-key order."""

from __future__ import annotations

import pytest

from tests.linked import Linked, link


def executed(source: str) -> Linked:
    return link(f"def f(session: Session, key: int, keys: list[int], given, ticket: Ticket):\n    {source}\n")


def locked(source: str) -> list[str | None]:
    project = executed(source)
    return [project.locks.table(model) for model in project.locks.locked_models(project.statement())]


def widened(source: str) -> list[str | None]:
    project = executed(source)
    return [project.locks.table(found.model) for found in project.locks.widenings(project.statement())]


NOT_WIDENED = [
    "session.scalars(select(Ticket))",
    "session.scalars(select(Job).with_for_update())",
    "session.scalars(select(Ticket).with_for_update(of=Ticket))",
    "session.scalars(select(Ticket).with_for_update(of=[Ticket]))",
    "session.scalars(select(Ticket).with_for_update(of=Ticket.id))",
    "session.scalars(select(Ticket).with_for_update(of=given))",
    "session.scalars(select(Ticket).with_for_update(**given))",
    "session.scalars(select(Ticket.id).with_for_update())",
    "session.scalars(select(Ticket.id, Ticket.state).with_for_update())",
    "session.scalars(select(Ticket).options(lazyload('*')).with_for_update())",
    "session.scalars(select(Ticket).options(lazyload(Ticket.run), lazyload(Ticket.team)).with_for_update())",
    "session.scalars(select(Ticket).options(selectinload(Ticket.run), selectinload(Ticket.team)).with_for_update())",
    "session.scalars(select(Ticket).options(given).with_for_update())",
    "session.scalars(select(Ticket).options(*given).with_for_update())",
    "session.scalars(select(Job).options(selectinload(Job.run)).with_for_update())",
    "session.query(Ticket).enable_eagerloads(False).with_for_update().all()",
    "session.get(Ticket, key)",
    "session.get(Job, key, with_for_update=True)",
    "session.get(Ticket, key, with_for_update={'of': Ticket})",
    "session.get(Ticket, key, with_for_update=given)",
    "session.get(Ticket, key, with_for_update=True, options=[lazyload('*')])",
    "session.refresh(ticket)",
    "session.refresh(ticket, ['state'], with_for_update=True)",
    "session.refresh(ticket, attribute_names=['state'], with_for_update=True)",
    "session.execute(update(Ticket))",
    "session.scalars(select(Job).where(Job.run_id == select(Run.id).scalar_subquery()).with_for_update())",
]


@pytest.mark.parametrize("source", NOT_WIDENED)
def test_not_widened(source: str) -> None:
    assert widened(source) == []


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ("session.scalars(select(Run).with_for_update())", ["team"]),
        ("session.scalars(select(Ticket).with_for_update())", ["run", "team"]),
        ("session.get(Run, key, with_for_update=True)", ["team"]),
        ("session.get(Run, key, with_for_update={'nowait': True})", ["team"]),
        ("session.get(entity=Run, ident=key, with_for_update=True)", ["team"]),
        ("session.query(Run).with_for_update().all()", ["team"]),
        ("session.query(Run).with_for_update().get(key)", ["team"]),
        ("session.refresh(ticket, with_for_update=True)", ["run", "team"]),
        ("session.scalars(select(Job).options(joinedload(Job.run)).with_for_update())", ["run", "team"]),
        (
            "session.scalars(select(Job).options(joinedload(Job.run).joinedload(Run.team)).with_for_update())",
            ["run", "team"],
        ),
        ("session.scalars(select(Job).options(joinedload(Job.run).lazyload(Run.team)).with_for_update())", ["run"]),
        ("session.scalars(select(Job).options(joinedload(Job.run), lazyload(Run.team)).with_for_update())", ["run"]),
        ("session.scalars(select(Ticket).options(lazyload(Ticket.run)).with_for_update())", ["team"]),
        ("session.scalars(select(Ticket).options(selectinload(Ticket.run)).with_for_update())", ["team"]),
        ("session.scalars(select(Ticket, Run).with_for_update())", ["run", "team"]),
        ("session.scalars(select(Job).join(Run).with_for_update())", ["run"]),
        ("session.scalars(select(Job).outerjoin(Job.run).with_for_update())", ["run"]),
        ("session.scalars(select(Job).join(Run).options(contains_eager(Job.run)).with_for_update())", ["run"]),
        ("session.scalars(select(Job.id).join(Run, Run.id == Job.run_id).with_for_update())", ["run"]),
        ("session.scalars(select(Job).join(Job.run).join(Run.team).with_for_update())", ["run", "team"]),
    ],
)
def test_widened(source: str, tables: list[str]) -> None:
    assert set(widened(source)) == set(tables)


@pytest.mark.parametrize(
    ("source", "outer"),
    [
        ("select(Run)", {"team": False}),
        ("select(Ticket).options(lazyload(Ticket.run))", {"team": True}),
        ("select(Job).options(joinedload(Job.run, innerjoin=True), lazyload(Run.team))", {"run": False}),
        ("select(Job).options(joinedload(Job.run), lazyload(Run.team))", {"run": True}),
        ("select(Job).join(Run)", {"run": False}),
        ("select(Job).outerjoin(Run)", {"run": True}),
        ("select(Job).join(Run, isouter=True)", {"run": True}),
    ],
)
def test_nullable_side_of_a_join(source: str, outer: dict[str, bool]) -> None:
    project = executed(f"session.scalars({source}.with_for_update())")
    found = project.locks.widenings(project.statement())
    assert {project.locks.table(widening.model): widening.outer for widening in found} == outer


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ("session.scalars(select(Job))", []),
        ("session.scalars(select(Job).with_for_update())", ["job"]),
        ("session.scalars(select(Run).with_for_update())", ["run", "team"]),
        ("session.scalars(select(Run).with_for_update(of=Run))", ["run"]),
        ("session.scalars(select(Job).join(Run).with_for_update(of=Job))", ["job"]),
        ("session.scalars(select(Job).join(Run).with_for_update(of=Run))", ["run"]),
        ("session.scalars(select(Job).join(Run).with_for_update(of=[Job, Run]))", ["job", "run"]),
        ("session.scalars(select(Job).join(Run).with_for_update(of=(Job.id, Run.id)))", ["job", "run"]),
        ("session.scalars(select(Job).join(Run).with_for_update(of=given))", ["job"]),
        ("session.scalars(select(Job.id, Run.id).with_for_update())", ["job", "run"]),
        ("session.scalars(select(Job).join(Job.run).with_for_update())", ["job", "run"]),
    ],
)
def test_locked_tables(source: str, tables: list[str]) -> None:
    assert locked(source) == tables


def test_relationship_of_a_parent_class_and_one_to_itself() -> None:
    project = link("""
        class Node(Base):
            __tablename__ = "node"
            id: Mapped[int] = mapped_column(primary_key=True)
            parent_id: Mapped[int] = mapped_column(ForeignKey("node.id"))
            parent: Mapped["Node"] = relationship(lazy="joined", join_depth=2)

        def f(session: Session):
            session.scalars(select(Node).with_for_update())
    """)
    assert [project.locks.table(found.model) for found in project.locks.widenings(project.statement())] == ["node"]


# --- order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "ordered"),
    [
        ("select(Job)", False),
        ("select(Job).order_by(Job.state)", False),
        ("select(Job).order_by(Job.state, Job.id)", False),
        ("select(Job).order_by(Job.id.desc())", False),
        ("select(Job).order_by(-Job.id)", False),
        ("select(Job).order_by(func.random())", False),
        ("select(Job).order_by(given)", False),
        ("select(Job).order_by(*given)", False),
        ("select(Job).order_by(Run.id)", False),
        ("select(Job).order_by(Job.run_id)", False),
        ("select(Job).order_by(Job.id).order_by(None)", False),
        ("select(Job).order_by(Job.id)", True),
        ("select(Job).order_by(Job.id.asc())", True),
        ("select(Job).order_by(Job.id, Job.state)", True),
        ("select(Job.id).order_by(Job.id)", True),
        ("select(Job).order_by(Job.id).limit(3)", True),
        ("select(Part).order_by(Part.run_id)", False),
        ("select(Part).order_by(Part.number)", False),
        ("select(Part).order_by(Part.run_id, Part.number)", True),
        ("select(Part).where(Part.run_id == key).order_by(Part.number)", True),
        ("select(Part).where(Part.run_id.in_(keys)).order_by(Part.number)", False),
    ],
)
def test_primary_key_order(source: str, *, ordered: bool) -> None:
    project = executed(f"session.scalars({source}.with_for_update())")
    assert project.locks.by_key(project.statement()) is ordered


@pytest.mark.parametrize(
    ("inner", "ordered"),
    [
        ("select(Job.id).where(Job.state == 'a')", False),
        ("select(Job.id).where(Job.state == 'a').order_by(Job.id)", False),
        ("select(Job.id).where(Job.state == 'a').with_for_update()", False),
        ("select(Job.id).where(Job.state == 'a').order_by(Job.id).with_for_update()", True),
        ("select(Job.id).where(Job.state == 'a').order_by(Job.id).with_for_update(key_share=True)", True),
        ("select(Job.id).where(Job.state == 'a').with_for_update(skip_locked=True)", True),
        ("select(Job.id).where(Job.state == 'a').with_for_update(nowait=True)", True),
        ("select(Job.id).order_by(Job.id).with_for_update().scalar_subquery()", True),
        ("select(Job.id).order_by(Job.id).with_for_update().subquery()", True),
        ("keys", False),
        ("sorted(keys)", False),
    ],
)
def test_write_through_a_locking_subquery(inner: str, *, ordered: bool) -> None:
    project = executed(f"session.execute(update(Job).where(Job.id.in_({inner})))")
    assert project.locks.ordered_write(project.statement()) is ordered


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Job.id == key", "Job.id == key", True),
        ("Job.id == key", "Job.id == key, Job.state == 'a'", True),
        ("Job.state == 'a'", "Job.state == 'a', Job.priority > 3", True),
        ("Job.id == key", "Job.id == given", False),
        ("Job.id == key", "Job.run_id == key", False),
        ("Job.state == 'a', Job.priority > 3", "Job.state == 'a'", False),
        ("true()", "Job.state == 'a'", False),
        ("Job.id == 1", "Job.id == 2", False),
    ],
)
def test_same_rows(one: str, other: str, *, same: bool) -> None:
    project = executed(
        f"session.scalars(select(Job).where({one}).with_for_update())\n    session.execute(update(Job).where({other}))"
    )
    first, second = project.statements()
    assert project.locks.same_rows(first, second) is same
