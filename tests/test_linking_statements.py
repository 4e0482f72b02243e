"""Statements built call by call, over branches, functions and lists, in all of SQLAlchemy's styles."""

from __future__ import annotations

import pytest

from lockcheck.linking.values import Alternatives, Condition, Known, ModelRef, Statement, each
from tests.linked import Linked, constants, link

EXECUTED = """
def f(session: Session, key: int, flag: bool, given, *rest, **options):
    session.execute({source})
"""


def built(source: str) -> Statement:
    return link(EXECUTED.format(source=source)).statement()


# --- generative methods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "subquery()", "cte()", "scalar_subquery()", "alias()", "label('x')", "correlate(Run)", "returning(Job.id)",
        "params(x=1)", "with_hint(Job, 'x')", "execution_options(yield_per=10)", "self_group()", "add_cte(given)",
        "set_label_style(given)", "order_by(None)", "order_by(False)", "limit(None)", "where(true())", "where(None)",
    ],
)  # fmt: skip
def test_method_that_changes_no_row_and_no_lock(method: str) -> None:
    plain, extended = built("select(Job)"), built(f"select(Job).{method}")
    assert extended.readable
    assert (extended.where, extended.lock, extended.limited, extended.order_by) == (plain.where, None, False, ())


@pytest.mark.parametrize(
    ("source", "field", "value"),
    [
        ("select(Job).limit(1)", "limited", True),
        ("select(Job).limit(given)", "limited", True),
        ("select(Job).offset(1)", "limited", True),
        ("select(Job).fetch(3)", "limited", True),
        ("select(Job).slice(1, 2)", "limited", True),
        ("select(Job).distinct()", "distinct", True),
        ("select(Job).group_by(Job.state)", "grouped", True),
        ("select(Job).having(func.count(Job.id) > 1)", "grouped", True),
        ("select(Job).union(select(Job))", "compound", True),
        ("select(Job).execution_options(populate_existing=True)", "populate_existing", True),
        ("select(Job).execution_options(populate_existing=False)", "populate_existing", False),
        ("select(Job)", "kind", "select"),
        ("update(Job)", "kind", "update"),
        ("delete(Job)", "kind", "delete"),
        ("insert(Job)", "kind", "insert"),
        ("update(Job)", "spelling", "Job"),
        ("select(Job.id).where(Job.state == 'a')", "spelling", "Job"),
        ("select(given.id).where(Job.state == 'a')", "spelling", None),
        ("update(table=Job)", "model", ModelRef("models.Job")),
        ("select(Job.id, Job.state)", "model", ModelRef("models.Job")),
        ("select([Job.id])", "model", ModelRef("models.Job")),
        ("select(func.count()).select_from(Job)", "model", ModelRef("models.Job")),
        ("select(func.count(Job.id))", "model", ModelRef("models.Job")),
        ("select(Job.id).with_only_columns(Run.id)", "model", ModelRef("models.Run")),
        ("insert(Job).prefix_with('OR IGNORE')", "on_conflict", "prefix"),
        ("insert(Job).prefix_with('DELAYED')", "on_conflict", None),
    ],
)
def test_method(source: str, field: str, value: object) -> None:
    assert getattr(built(source), field) == value


@pytest.mark.parametrize("method", ["paged(3)", "execute()", "within(given)", "with_lock_timeout(3)"])
def test_unknown_method_makes_it_unreadable(method: str) -> None:
    statement = built(f"update(Job).{method}.where(Job.state == 'a')")
    assert not statement.readable
    assert len(statement.where) == 1


@pytest.mark.parametrize(
    ("source", "assigned", "complete"),
    [
        ("update(Job)", {}, True),
        ("update(Job).values(state='a')", {"state": {"a"}}, True),
        ("update(Job).values({'state': 'a'})", {"state": {"a"}}, True),
        ("update(Job).values({Job.state: 'a'})", {"state": {"a"}}, True),
        ("update(Job).values(**{'state': 'a'})", {"state": {"a"}}, True),
        ("update(Job).values(dict(state='a'))", {"state": {"a"}}, True),
        ("update(Job).values(state='a').values(state='b')", {"state": {"b"}}, True),
        ("update(Job).values(state='a').values(priority=1)", {"state": {"a"}, "priority": {1}}, True),
        ("update(Job).ordered_values((Job.state, 'a'))", {}, False),
        ("update(Job).values(state='a', priority=given)", {"state": {"a"}, "priority": set()}, True),
        ("update(Job).values(given)", {}, False),
        ("update(Job).values(**options)", {}, False),
        ("update(Job).values(state='a', **options)", {"state": {"a"}}, False),
        ("update(Job).values({given: 'a'})", {}, False),
    ],
)
def test_values(source: str, assigned: dict[str, set[object]], *, complete: bool) -> None:
    found = built(source).assigned
    names = {name for name, _ in found.items}
    assert {name: constants(found.get(name) or Known(None)) for name in names} == assigned
    assert found.complete is complete


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("", set()),
        ("nowait=True", {"nowait"}),
        ("skip_locked=True", {"skip_locked"}),
        ("read=True", {"read"}),
        ("key_share=True", {"key_share"}),
        ("nowait=False, skip_locked=False", set()),
        ("skip_locked=flag", {"skip_locked"}),
        ("read=True, key_share=True", {"read", "key_share"}),
        ("**{'skip_locked': True}", {"skip_locked"}),
    ],
)
def test_row_lock(source: str, flags: set[str]) -> None:
    lock = built(f"select(Job).with_for_update({source})").lock
    assert lock is not None
    assert {name for name in ("nowait", "skip_locked", "read", "key_share") if getattr(lock, name)} == flags
    assert lock.blocking is not bool(flags & {"nowait", "skip_locked"})
    assert not lock.depends


@pytest.mark.parametrize(
    ("source", "joins"),
    [
        ("select(Job).join(Run)", [("models.Run", False)]),
        ("select(Job).join(Job.run)", [("models.Run", False)]),
        ("select(Job).outerjoin(Run)", [("models.Run", True)]),
        ("select(Job).join(Run, isouter=True)", [("models.Run", True)]),
        ("select(Job).join(Run, isouter=False)", [("models.Run", False)]),
        ("select(Job).join(Run, full=True)", [("models.Run", True)]),
        ("select(Job).join(given)", [(None, False)]),
        ("select(Job).join(Run, Run.id == Job.run_id).join(Team)", [("models.Run", False), ("models.Team", False)]),
        ("select(Job.id).select_from(Job, Run)", [("models.Run", False)]),
    ],
)
def test_joins(source: str, joins: list[tuple[str | None, bool]]) -> None:
    found = [(join.model.qualname if join.model else None, join.outer) for join in built(source).joins]
    assert found == joins


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("select(Job).filter_by(id=key)", "models.Job"),
        ("select(Job).join(Run).filter_by(name='a')", "models.Run"),
        ("select(Job).outerjoin(Run).filter_by(state='a')", "models.Job"),
    ],
)
def test_filter_by_speaks_of_what_was_joined_last(source: str, column: str) -> None:
    (clause,) = built(source).where
    assert isinstance(clause, Condition)
    assert clause.columns[0].model == ModelRef(column)


def test_filter_by_unpacked_names() -> None:
    assert link(EXECUTED.format(source="select(Job).filter_by(**options)")).access() == "opaque"


# --- variables, branches, loops ---------------------------------------------------------------------------


def in_function(body: str, parameters: str = "session: Session, key: int, flag: bool, other: bool, given") -> Linked:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return link(f"def f({parameters}):\n{lines}\n")


def test_assigned_again() -> None:
    project = in_function("""
query = select(Job).where(Job.state == "a")
query = query.where(Job.id == key)
session.execute(query)
""")
    assert project.access() == "one"


def test_result_of_a_method_that_is_not_kept() -> None:
    project = in_function("""
query = select(Job).where(Job.state == "a")
query.where(Job.id == key)
session.execute(query)
""")
    assert project.access() == "many"


def test_branch_gives_alternatives() -> None:
    project = in_function("""
query = update(Job).values(state="a")
if flag:
    query = query.where(Job.id == key)
else:
    query = query.where(Job.state == "b")
session.execute(query)
""")
    assert sorted(project.accesses()) == ["many", "one"]


def test_branch_that_leaves_adds_nothing() -> None:
    project = in_function("""
query = update(Job).where(Job.id == key)
if flag:
    query = query.where(given)
    return
session.execute(query)
""")
    assert project.access() == "one"


def test_too_many_branches_leave_what_all_of_them_hold() -> None:
    steps = "\n".join(f"if given[{n}]:\n    query = query.where(Job.priority > {n})" for n in range(6))
    project = in_function(f"query = update(Job).where(Job.state == 'a')\n{steps}\nsession.execute(query)")
    assert project.access() == "opaque"
    assert [type(clause).__name__ for clause in project.statement().where] == ["Condition", "OpaqueClause"]


def test_too_many_branches_to_different_statements_are_not_followed() -> None:
    forms = ", ".join(f"{n}: {kind}(Job).where(Job.id == {n})" for n, kind in enumerate(["update", "delete"] * 4))
    project = in_function(f"session.execute({{{forms}}}[given])")
    assert project.executes() == []
    assert project.project.linker.unresolved["statements"]


def test_branch_on_what_is_known_is_no_branch() -> None:
    project = link("""
        def build(key, only=None):
            query = update(Job).values(state="a")
            if only is not None:
                return query.where(Job.id == only)
            return query.where(Job.state == "b")

        def f(session: Session, key: int):
            session.execute(build(key))
    """)
    assert project.access() == "many"


def test_two_known_branches_one_after_the_other() -> None:
    project = link("""
        def build(key, state=None, limit=None):
            query = select(Job).where(Job.id == key)
            if state:
                query = query.where(Job.state == state)
            if limit:
                query = query.limit(limit)
            return query

        def f(session: Session, key: int):
            session.execute(build(key))
    """)
    assert project.access() == "one"
    assert not project.statement().limited


@pytest.mark.parametrize("source", ["a if flag else b", "(a, b)[flag]", "[a, b][given]", "{True: a, False: b}[flag]"])
def test_choice_between_statements(source: str) -> None:
    project = in_function(f"""
a = update(Job).where(Job.id == key)
b = update(Job).where(Job.state == "a")
session.execute({source})
""")
    assert sorted(project.accesses()) == ["many", "one"]


@pytest.mark.parametrize(
    "source",
    ["[a, b]", "(a, b)", "sorted([a, b])", "list((a, b))", "[a] + [b]", "filter(None, [a, b])", "{a, b}", "[a, *[b]]"],
)
def test_statements_in_a_list_that_is_walked(source: str) -> None:
    project = in_function(f"""
a = update(Job).where(Job.id == key)
b = delete(Run).where(Run.name == "a")
for statement in {source}:
    session.execute(statement)
""")
    assert sorted(s.kind for s in project.statements()) == ["delete", "update"]


def test_statements_in_a_list_that_grows() -> None:
    project = in_function("""
found = []
found.append(update(Job).where(Job.id == key))
if flag:
    found.append(delete(Run))
for statement in found:
    session.execute(statement)
""")
    assert sorted(s.kind for s in project.statements()) == ["delete", "update"]


def test_statement_extended_in_a_loop() -> None:
    project = in_function("""
query = update(Job).where(Job.run_id == key)
for column in given:
    query = query.where(Job.state == column)
session.execute(query)
""")
    assert set(project.accesses()) == {"many"}


def test_statement_in_a_comprehension() -> None:
    project = in_function("""
for statement in [update(Job).where(Job.id == one) for one in given]:
    session.execute(statement)
""")
    assert project.access() == "one"


def test_guard_kept_in_a_variable() -> None:
    project = in_function("""
skippable = or_(Job.state.is_(None), Job.state == "new")
session.execute(update(Job).where(Job.id == key, skippable))
""")
    assert len(project.statement().where) == 2
    assert project.access() == "one"


def test_conditions_gathered_in_a_list() -> None:
    project = in_function("""
conditions = [Job.state == "a"]
if flag:
    conditions.append(Job.priority > 3)
session.execute(update(Job).where(*conditions))
""")
    assert project.access() == "many"


def test_condition_put_together_step_by_step() -> None:
    project = in_function("""
condition = Job.id == key
condition &= Job.state == "a"
session.execute(update(Job).where(condition))
""")
    assert project.access() == "one"


# --- functions --------------------------------------------------------------------------------------------


def test_helper_that_takes_and_returns_a_statement() -> None:
    project = link("""
        def narrowed(query, key):
            return query.where(Job.id == key)

        def f(session: Session, key: int):
            session.execute(narrowed(update(Job), key).values(state="a"))
    """)
    assert project.access() == "one"
    assert project.statement().steps == {"app.f", "app.narrowed"}


@pytest.mark.parametrize(
    ("result", "use"),
    [
        ("(query, 'a')", "query, state = build(key)"),
        ("[query, 'a']", "query, _ = build(key)"),
        ("(query, 'a')", "query = build(key)[0]"),
        ("{'query': query, 'state': 'a'}", "query = build(key)['query']"),
        ("('a', 'b', query)", "*_, query = build(key)"),
        ("('a', (query, 'b'))", "_, (query, _) = build(key)"),
    ],
)
def test_helper_that_returns_a_statement_among_others(result: str, use: str) -> None:
    project = link(f"""
        def build(key):
            query = update(Job).where(Job.id == key)
            return {result}

        def f(session: Session, key: int):
            {use}
            session.execute(query)
    """)
    assert project.access() == "one"


@pytest.mark.parametrize(
    "call", ["Rules.of_class(key)", "Rules.static(key)", "Rules().method(key)", "Job.by_key(key)", "by_key(key)"]
)
def test_helper_that_returns_a_clause(call: str) -> None:
    project = link(f"""
        class Rules:
            @classmethod
            def of_class(cls, key):
                return Job.id == key

            @staticmethod
            def static(key):
                return Job.id == key

            def method(self, key):
                return Job.id == key

        def by_key(key):
            return and_(Job.id == key, Job.state == "a")

        def f(session: Session, key: int):
            session.execute(update(Job).where({call}))
    """)
    assert project.access() == "one"


def test_helper_that_returns_several_clauses() -> None:
    project = link("""
        def guards(key):
            return [Job.id == key, Job.state == "a"]

        def f(session: Session, key: int):
            session.execute(update(Job).where(*guards(key)))
    """)
    assert project.access() == "one"


def test_generator_of_clauses() -> None:
    project = link("""
        def guards(key):
            yield Job.id == key
            yield Job.state == "a"

        def f(session: Session, key: int):
            session.execute(update(Job).where(*guards(key)))
    """)
    assert project.access() == "one"


def test_helper_returns_other_statements_by_branch() -> None:
    project = link("""
        def build(kind, key):
            if kind == "one":
                return update(Job).where(Job.id == key)
            return update(Job).where(Job.state == kind)

        def one(session: Session, key: int):
            session.execute(build("one", key))

        def many(session: Session, key: int):
            session.execute(build("all", key))

        def either(session: Session, kind, key: int):
            session.execute(build(kind, key))
    """)
    assert project.access("one") == "one"
    assert project.access("many") == "many"
    assert sorted(project.accesses("either")) == ["many", "one"]


def test_statement_of_a_module() -> None:
    project = link("""
        SWEEP = delete(Job).where(Job.state == "done")

        def f(session: Session):
            session.execute(SWEEP)
    """)
    assert project.access() == "many"


@pytest.mark.xfail(
    strict=True,
    reason="todo: the body of a module is read for statements, not for conditions that its variables hold",
)
def test_clause_of_a_module() -> None:
    project = link("""
        FINISHED = Job.state == "done"

        def f(session: Session):
            session.execute(delete(Job).where(FINISHED))
    """)
    assert project.access() == "many"


def test_statement_of_a_class() -> None:
    project = link("""
        class Sweeper:
            def statement(self):
                return delete(Job).where(Job.state == "done")

            def sweep(self, session: Session):
                session.execute(self.statement())
    """)
    assert project.access("app.Sweeper.sweep") == "many"


def test_lambda() -> None:
    project = link("""
        def f(session: Session, key: int):
            build = lambda: update(Job).where(Job.id == key)
            session.execute(build())
    """)
    assert project.access() == "one"


def test_partial_is_not_guessed_at() -> None:
    project = link("""
        from functools import partial

        def build(key, state):
            return update(Job).where(Job.id == key).values(state=state)

        def f(session: Session, key: int):
            session.execute(partial(build, key)("a"))
    """)
    assert set(project.accesses()) <= {"one"}


# --- styles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "kind", "access"),
    [
        ("session.query(Job).filter(Job.id == key).all()", "select", "one"),
        ("session.query(Job).filter_by(id=key).first()", "select", "one"),
        ("session.query(Job).get(key)", "select", "one"),
        ("session.query(Job.id).filter(Job.state == 'a').count()", "select", "many"),
        ("session.query(Job).filter(Job.state == 'a').update({'state': 'b'})", "update", "many"),
        ("session.query(Job).filter(Job.id == key).update({Job.state: 'b'})", "update", "one"),
        ("session.query(Job).filter(Job.id.in_(given)).delete(synchronize_session=False)", "delete", "keys"),
        ("session.query(Job).delete()", "delete", "many"),
        ("list(session.query(Job).filter(Job.state == 'a'))", "select", "many"),
        ("[job for job in session.query(Job).filter(Job.state == 'a')]", "select", "many"),
        ("session.scalars(select(Job).where(Job.id == key)).one()", "select", "one"),
        ("session.scalar(select(Job).filter_by(slug=given))", "select", "one"),
        ("session.execute(statement=update(Job).where(Job.id == key))", "update", "one"),
        ("session.connection().execute(update(Job).where(Job.id == key))", "update", "one"),
        ("session.execute(items.update().where(items.c.id == key))", "update", "one"),
        ("session.execute(items.delete())", "delete", "many"),
        ("session.execute(items.select().where(items.c.kind == 'a'))", "select", "many"),
        ("session.execute(items.insert().values(id=1))", "insert", "many"),
        ("session.execute(update(Job.__table__).where(Job.__table__.c.id == key))", "update", "one"),
        ("session.execute(Job.__table__.delete().where(Job.id == key))", "delete", "one"),
        ("session.get(Job, key)", "select", "one"),
        ("session.get(entity=Part, ident=(1, key))", "select", "one"),
        ("session.get_one(Job, key)", "select", "one"),
    ],
)
def test_styles(source: str, kind: str, access: str) -> None:
    project = in_function(source)
    assert [(s.kind, project.locks.access(s)) for s in project.statements()] == [(kind, access)]


def test_loop_over_a_legacy_query_executes_it() -> None:
    project = in_function("""
for job in session.query(Job).filter(Job.state == "a").with_for_update():
    job.state = "b"
""")
    assert project.statement().lock is not None


def test_legacy_query_that_is_not_executed() -> None:
    assert in_function("query = session.query(Job).filter(Job.state == 'a')").executes() == []


def test_legacy_query_keeps_its_lock() -> None:
    project = in_function("session.query(Job).filter_by(id=key).with_for_update(of=Job, nowait=True).one()")
    lock = project.statement().lock
    assert lock is not None
    assert lock.of == (ModelRef("models.Job"),)
    assert lock.nowait


@pytest.mark.parametrize(
    ("source", "conflict"),
    [
        ("insert(Job).values(id=1)", None),
        ("postgresql_insert(Job).values(id=1).on_conflict_do_nothing()", "on_conflict_do_nothing"),
        ("postgresql_insert(Job).values(id=1).on_conflict_do_update(set_={})", "on_conflict_do_update"),
        ("mysql_insert(Job).values(id=1).on_duplicate_key_update(state='a')", "on_duplicate_key_update"),
    ],
)
def test_upserts_of_the_dialects(source: str, conflict: str | None) -> None:
    project = link(f"""
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert
        from sqlalchemy.dialects.mysql import insert as mysql_insert

        def f(session: Session):
            session.execute({source})
    """)
    assert project.statement().on_conflict == conflict


def test_asynchronous() -> None:
    project = link("""
        from sqlalchemy.ext.asyncio import AsyncSession

        async def f(session: AsyncSession, key: int):
            jobs = await session.scalars(select(Job).where(Job.state == "a"))
            for job in jobs:
                job.state = "b"
            async for row in await session.stream(select(Run)):
                print(row)
            await session.run_sync(helper, key)

        def helper(session, key):
            session.execute(delete(Job).where(Job.id == key))
    """)
    assert project.accesses() == ["many", "many", "one"]
    execute = project.executes()[0]
    assert execute.session is not None
    assert execute.session.is_async


def test_two_statements_do_not_mix() -> None:
    project = link("""
        BASE = update(Job)

        def f(session: Session, key: int):
            session.execute(BASE.where(Job.id == key))
            session.execute(BASE.where(Job.state == "a"))
    """)
    assert project.accesses() == ["one", "many"]


def test_derived_select_is_its_inner_statement() -> None:
    project = in_function("""
inner = select(Job.id).where(Job.state == "a").order_by(Job.id).with_for_update().subquery()
session.execute(update(Job).where(Job.id.in_(select(inner.c.id))))
""")
    assert project.access() == "keys"
    assert project.locks.ordered_write(project.statement())


def test_three_returns_are_three_alternatives() -> None:
    values = link("""
        def f(given):
            if given == 1:
                return update(Job).values(state="a")
            if given == 2:
                return update(Job).values(state="b")
            return update(Job).values(state="c")
    """).returned()
    assert isinstance(values, Alternatives)
    assert len(each(values)) == 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for one in given:\n        q = q.where(one)", {"opaque"}),
        ("for name in given:\n        q = q.where(getattr(Job, name) == 1)", {"opaque"}),
        ("for one in given:\n        q = q.where(Job.name == one)", {"many"}),
        ("if given:\n        q = q.where(Job.name == 'a')", {"many"}),
        ("for one in given:\n        q = q.values(name=one)", {"many"}),
        ("for one in given:\n        q = q.where(one)\n    q = q.where(Job.id == 1)", {"one"}),
    ],
)
def test_conditions_that_a_loop_adds(body: str, expected: set[str]) -> None:
    project = link(f"def f(session: Session, given):\n    q = update(Job)\n    {body}\n    session.execute(q)\n")
    assert set(project.accesses()) == expected
