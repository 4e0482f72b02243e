"""Calls: each caller gets what it asked for, and nothing of what others asked for."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import Inner, SessionCall
from lockcheck.linking.linker import MAX_CONTEXTS
from lockcheck.linking.values import ModelRef, Opaque, SessionRef, Statement
from tests.linked import HEAD, MODELS, Linked, comes_from, constants, link, link_texts


def keys_of(project: Linked, function: str) -> list[set[object]]:
    """The constants that the statements of a function compare their key with."""
    operands = (getattr(statement.where[0], "operand", Opaque()) for statement in project.statements(function))
    return [constants(operand) for operand in operands]


HELPER = """
def touch(session, model, key, state="new", *, where=None):
    query = update(model).where(model.id == key).values(state=state)
    if where is not None:
        query = query.where(where)
    return session.execute(query)
"""


def test_two_callers_do_not_see_each_other() -> None:
    project = link(f"""{HELPER}
def one(session: Session):
    touch(session, Job, 1)

def two(session: Session):
    touch(session, Ticket, 2, "done")
""")
    assert keys_of(project, "one") == [{1}]
    assert keys_of(project, "two") == [{2}]
    first, second = project.statement("one"), project.statement("two")
    assert (first.model, second.model) == (ModelRef("models.Job"), ModelRef("models.Ticket"))
    assert [constants(s.assigned.items[0][1]) for s in (first, second)] == [{"new"}, {"done"}]


def test_two_calls_in_one_function() -> None:
    project = link(f"""{HELPER}
def f(session: Session):
    touch(session, Job, 1)
    touch(session, Job, 2, where=Job.state == "a")
""")
    assert keys_of(project, "f") == [{1}, {2}]
    assert [len(statement.where) for statement in project.statements()] == [1, 2]


def test_unused_parameter_of_one_call_is_not_that_of_another() -> None:
    project = link(f"""{HELPER}
def one(session: Session, given):
    touch(session, Job, 1, where=given)

def two(session: Session):
    touch(session, Job, 2)
""")
    assert len(project.statement("two").where) == 1


def test_arguments_pass_through_several_functions() -> None:
    project = link("""
        def inner(session, query):
            session.execute(query)

        def middle(session, key):
            inner(session, update(Job).where(Job.id == key))

        def f(session: Session):
            middle(session, 7)
            middle(session, 8)
    """)
    assert keys_of(project, "f") == [{7}, {8}]


def test_same_names_in_caller_and_callee() -> None:
    project = link("""
        def inner(session, first, second):
            session.execute(select(Job).where(Job.id == first))
            session.execute(select(Job).where(Job.id == second))

        def f(session: Session, first, second):
            inner(session, second, first)
    """)
    one, two = project.statements()
    assert [s.where[0].operand.origin.name for s in (one, two)] == ["second", "first"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "body",
    [
        "return f(session, key)",
        "session.execute(delete(Job).where(Job.id == key))\n    return f(session, key + 1)",
        "return g(session, key)",
        "for child in f(session, key):\n        session.delete(child)",
        "return (lambda: f(session, key))()",
    ],
)
def test_recursion_ends(body: str) -> None:
    project = link(f"""
def f(session: Session, key: int):
    {body}

def g(session: Session, key: int):
    session.flush()
    return f(session, key)
""")
    assert len(project.trace().steps) < 20


def test_recursion_over_growing_arguments_ends() -> None:
    project = link("""
        def f(session: Session, query):
            session.execute(query)
            return f(session, query.where(Job.id > 1))

        def g(session: Session):
            f(session, select(Job))
    """)
    assert project.statements("g")


def test_long_chain_of_functions() -> None:
    functions = "\n".join(f"def f{n}(session, key):\n    f{n + 1}(session, key)\n" for n in range(12))
    last = "def f12(session, key):\n    session.execute(delete(Job).where(Job.id == key))\n"
    project = link(f"{functions}\n{last}\ndef f(session: Session):\n    f0(session, 3)\n")
    assert keys_of(project, "f") == [{3}]


def test_many_kinds_of_arguments() -> None:
    """Past a bound the arguments count as unknown, never as those of another call."""
    helper = "def touch(session, key):\n    session.execute(select(Job).where(Job.id == key))\n"
    calls = "\n".join(f"    touch(session, {n})" for n in range(40))
    project = link(f"{helper}\ndef f(session: Session):\n{calls}\n")
    found = keys_of(project, "f")
    assert len(found) == 40
    assert all(not keys or keys == {number} for number, keys in enumerate(found))


# --- how arguments find their parameters ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signature", "call", "key"),
    [
        ("session, key", "g(session, 1)", {1}),
        ("session, key", "g(session, key=1)", {1}),
        ("session, key", "g(key=1, session=session)", {1}),
        ("session, key=2", "g(session)", {2}),
        ("session, key=2", "g(session, 1)", {1}),
        ("session, *, key=2", "g(session, key=1)", {1}),
        ("session, key, /", "g(session, 1)", {1}),
        ("session, key", "g(*(session, 1))", {1}),
        ("session, key", "g(session, *[1])", {1}),
        ("session, key", "g(session, **{'key': 1})", {1}),
        ("session, key", "g(session, **dict(key=1))", {1}),
        ("session, key=2", "g(session, **given)", set()),
        ("session, key=2", "g(session, *given)", set()),
        ("session, key=DEFAULT", "g(session)", {5}),
        ("session, key=None", "g(session, key=given)", set()),
    ],
)
def test_binding(signature: str, call: str, key: set[object]) -> None:
    project = link(f"""
DEFAULT = 5

def g({signature}):
    session.execute(select(Job).where(Job.id == key))

def f(session: Session, given):
    {call}
""")
    assert keys_of(project, "f") == [key]


@pytest.mark.parametrize(
    ("callee", "call", "key"),
    [
        ("def g(session, *keys):\n    h(session, *keys)", "g(session, 1)", {1}),
        ("def g(session, *keys):\n    h(session, keys[0])", "g(session, 1, 2)", {1}),
        pytest.param(
            "def g(*args, **kwargs):\n    h(*args, **kwargs)",
            "g(session, key=1)",
            {1},
            marks=pytest.mark.xfail(strict=True, reason="todo: a session among *args is not followed"),
        ),
        ("def g(session, **kwargs):\n    h(session, **kwargs)", "g(session, key=1)", {1}),
        ("def g(session, **kwargs):\n    h(session, kwargs['key'])", "g(session, key=1)", {1}),
        ("def g(session, **kwargs):\n    h(session, kwargs.get('key'))", "g(session, key=1)", {1}),
        ("def g(session, **kwargs):\n    h(session, kwargs.pop('key', 2))", "g(session, key=1)", {1}),
        ("def g(session, **kwargs):\n    kwargs['key'] = 1\n    h(session, **kwargs)", "g(session)", {1}),
        ("def g(session, **kwargs):\n    h(session, **{**kwargs, 'key': 1})", "g(session)", {1}),
    ],
)
def test_collected_arguments(callee: str, call: str, key: set[object]) -> None:
    project = link(f"""
def h(session, key=0):
    session.execute(select(Job).where(Job.id == key))

{callee}

def f(session: Session):
    {call}
""")
    assert keys_of(project, "f") == [key]


# --- methods ----------------------------------------------------------------------------------------------


METHODS = """
class Base_:
    KEY = 3

    def inherited(self, session, key):
        session.execute(select(Job).where(Job.id == key))


class Store(Base_):
    def __init__(self, session: Session, key: int):
        self.session = session
        self.key = key

    def plain(self, session, key):
        session.execute(select(Job).where(Job.id == key))

    @classmethod
    def of_class(cls, session, key):
        session.execute(select(Job).where(Job.id == key))

    @staticmethod
    def static(session, key):
        session.execute(select(Job).where(Job.id == key))

    @property
    def own(self):
        return self.session

    def constant(self, session):
        session.execute(select(Job).where(Job.id == self.KEY))

    def caller(self, session):
        self.plain(session, 1)

    def class_caller(self, session):
        type(self).of_class(session, 1)

    def __call__(self, session, key):
        session.execute(select(Job).where(Job.id == key))
"""


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ("store.plain(session, 1)", {1}),
        ("store.inherited(session, 1)", {1}),
        ("store.of_class(session, 1)", {1}),
        ("Store.of_class(session, 1)", {1}),
        ("store.static(session, 1)", {1}),
        ("Store.static(session, 1)", {1}),
        ("Store.plain(store, session, 1)", {1}),
        ("store.constant(session)", {3}),
        ("store.caller(session)", {1}),
        ("Store(session, 2).plain(session, 1)", {1}),
    ],
)
def test_methods(call: str, key: set[object]) -> None:
    project = link(f"{METHODS}\ndef f(session: Session, store: Store):\n    {call}\n")
    assert keys_of(project, "f") == [key]


def test_super() -> None:
    project = link(f"""{METHODS}
class Special(Store):
    def plain(self, session, key):
        super().plain(session, key)
        session.flush()

def f(session: Session, store: Special):
    store.plain(session, 1)
""")
    kinds = [type(step.detail).__name__ for step in project.trace().steps if not isinstance(step.detail, Inner)]
    assert "SessionCall" in kinds


def test_method_of_a_mapped_class() -> None:
    project = link("""
        class Worker(Base):
            __tablename__ = "worker"
            id: Mapped[int] = mapped_column(primary_key=True)
            state: Mapped[str]

            def stop(self, session):
                self.state = "stopped"
                session.execute(select(Worker).where(Worker.id == self.id))

            @classmethod
            def reset(cls, session, key):
                session.execute(update(cls).where(cls.id == key))

        def f(session: Session, worker: Worker):
            worker.stop(session)
            Worker.reset(session, 1)
            worker.reset(session, 2)
    """)
    assert project.accesses() == ["one", "one", "one"]


# --- closures ---------------------------------------------------------------------------------------------


def test_nested_function_sees_the_outer_session_and_arguments() -> None:
    project = link("""
        def f(session: Session, key: int):
            def inner(state):
                session.execute(update(Job).where(Job.id == key).values(state=state))

            inner("a")
    """)
    (execute,) = project.executes()
    assert execute.session == SessionRef(execute.session.origin, "given")  # type: ignore[union-attr]
    assert project.access() == "one"


def test_closure_of_two_callers() -> None:
    project = link("""
        def outer(session, key):
            def inner():
                session.execute(select(Job).where(Job.id == key))
            inner()

        def f(session: Session):
            outer(session, 1)
            outer(session, 2)
    """)
    assert keys_of(project, "f") == [{1}, {2}]


def test_function_handed_over() -> None:
    project = link("""
        def apply(session, action):
            action(session, 1)

        def one(session, key):
            session.execute(select(Job).where(Job.id == key))

        def f(session: Session):
            apply(session, one)
    """)
    assert keys_of(project, "f") == [{1}]


def test_function_that_is_not_called_runs_nothing() -> None:
    project = link("""
        def f(session: Session, key: int):
            def inner():
                session.execute(delete(Job))

            return inner
    """)
    assert project.executes() == []


# --- helpers that lock ------------------------------------------------------------------------------------


LOCKS = """
from app_settings import settings

def locked(query, session, of=None, *, nowait=False, skip_locked=False, key_share=True, **options):
    dialect = session.bind.dialect.name
    if dialect == "mysql" and not settings.supports_of:
        return query
    if of is not None:
        options["of"] = of
    if nowait:
        options["nowait"] = True
    if skip_locked:
        options["skip_locked"] = True
    options["key_share"] = key_share
    if settings.use_row_locks:
        return query.with_for_update(**options)
    return query
"""


def lock_of(call: str) -> Statement:
    return link(f"{LOCKS}\ndef f(session: Session, flag):\n    session.scalars({call})\n").statement()


def test_helper_that_locks_by_dialect_takes_a_lock_that_depends() -> None:
    statement = lock_of("locked(select(Job), session)")
    assert statement.lock is not None
    assert statement.lock.depends
    assert statement.lock.style == "helper"


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ("", {"key_share"}),
        ("key_share=False", set()),
        ("nowait=True", {"nowait", "key_share"}),
        ("skip_locked=True", {"skip_locked", "key_share"}),
        ("skip_locked=False", {"key_share"}),
        ("skip_locked=flag", {"skip_locked", "key_share"}),
    ],
)
def test_helper_hands_its_keywords_on(arguments: str, flags: set[str]) -> None:
    lock = lock_of(f"locked(select(Job), session, {arguments})").lock
    assert lock is not None
    assert {name for name in ("nowait", "skip_locked", "key_share", "read") if getattr(lock, name)} == flags


@pytest.mark.parametrize(
    ("arguments", "of"),
    [("of=Job", {ModelRef("models.Job")}), ("Job", {ModelRef("models.Job")}), ("", None), ("of=None", None)],
)
def test_helper_hands_of_on(arguments: str, of: set[ModelRef] | None) -> None:
    lock = lock_of(f"locked(select(Job), session, {arguments})").lock
    assert lock is not None
    assert (None if lock.of is None else set(lock.of)) == of


def test_lock_of_a_helper_stands_at_its_call() -> None:
    project = link(f"{LOCKS}\ndef f(session: Session):\n    session.scalars(locked(select(Job), session))\n")
    lock = project.statement().lock
    assert lock is not None
    assert lock.site is not None
    assert lock.site.slice == "app.f"


def test_lock_that_only_a_branch_takes_depends() -> None:
    project = link("""
        def f(session: Session, flag: bool):
            query = select(Job)
            if flag:
                query = query.with_for_update()
            session.scalars(query)
    """)
    assert [bool(statement.lock) for statement in project.statements()].count(True) == 1


def test_helper_that_executes_returns_its_rows() -> None:
    project = link("""
        def load(session, key):
            return session.scalars(select(Job).where(Job.run_id == key).with_for_update()).all()

        def f(session: Session, key: int):
            jobs = load(session, key)
            for job in jobs:
                job.state = "a"  # set
    """)
    (execute,) = project.executes()
    assert comes_from(project.at("set").detail.instance, execute)  # type: ignore[union-attr]


# --- modules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("import lib", "lib.touch(session, 1)"),
        ("from lib import touch", "touch(session, 1)"),
        ("from lib import touch as other", "other(session, 1)"),
        ("from lib import *", "touch(session, 1)"),
        ("import lib as library", "library.touch(session, 1)"),
        ("from lib import Store", "Store.touch(session, 1)"),
        ("from lib import STORE", "STORE.touch(session, 1)"),
        ("from again import touch", "touch(session, 1)"),
    ],
)
def test_function_of_another_module(head: str, call: str) -> None:
    library = """
def touch(session, key):
    session.execute(select(Job).where(Job.id == key))

class Store:
    @classmethod
    def touch(cls, session, key):
        session.execute(select(Job).where(Job.id == key))

STORE = Store()
"""
    project = link_texts(
        {
            "models": MODELS,
            "lib": HEAD + library,
            "again": "from lib import touch\n",
            "app": f"{HEAD}{head}\n\ndef f(session: Session):\n    {call}\n",
        }
    )
    assert keys_of(project, "f") == [{1}]


def test_import_in_the_function() -> None:
    project = link(
        """
        def f(session: Session):
            from lib import touch
            touch(session, 1)
        """,
        {"lib": "def touch(session, key):\n    session.execute(select(Job).where(Job.id == key))\n"},
    )
    assert keys_of(project, "f") == [{1}]


def test_call_that_is_not_resolved_is_told_of_the_session() -> None:
    project = link("""
        from other_library import work

        def f(session: Session):
            work(session)
    """)
    assert [type(step.detail).__name__ for step in project.trace().steps] == ["Outer"]


def test_call_of_nothing_known_without_a_session_is_no_event() -> None:
    project = link("""
        from other_library import work

        def f(session: Session, key):
            work(key)
            session.flush()
    """)
    assert [type(step.detail).__name__ for step in project.trace().steps] == ["SessionCall"]


def test_beyond_many_kinds_of_arguments_constants_still_decide() -> None:
    """The statements that are handed over are not."""
    callers = "\n".join(
        f"def caller_{number}(session: Session):\n    run(session, select(Job).where(Job.id == {number}))\n"
        for number in range(2 * MAX_CONTEXTS)
    )
    project = link(f"""
def run(session, query, commit=True):
    if commit:
        session.commit()
    session.execute(query)
    session.rollback()

{callers}
def f(session: Session):
    run(session, select(Ticket), commit=False)
""")
    for number in range(2 * MAX_CONTEXTS):
        project.trace(f"caller_{number}")
    assert methods(project, "f") == ["execute", "rollback"]
    assert methods(project, f"caller_{2 * MAX_CONTEXTS - 1}") == ["commit", "execute", "rollback"]


def methods(project: Linked, function: str) -> list[str]:
    return [step.detail.method for step in project.trace(function).steps if isinstance(step.detail, SessionCall)]


@pytest.mark.parametrize("call", ["touch(session, key)", "touch(key=key, session=session)", "touch(session, given())"])
def test_arguments_that_say_no_more_than_types_do_are_not_run_apart(call: str) -> None:
    project = link(f"""
def touch(session: Session, key: int):
    session.execute(delete(Job).where(Job.id == key))

def f(session: Session, key: int):
    {call}
""")
    assert inner(project).behaviour is project.project.linker.root("app.touch")


@pytest.mark.parametrize("call", ["touch(session, 1)", "touch(session, 1, False)", "touch(session, None)"])
def test_arguments_that_say_more_are_run_apart(call: str) -> None:
    project = link(f"""
def touch(session: Session, key: int, now=True):
    session.execute(delete(Job).where(Job.id == key))
    if now:
        session.flush()

def f(session: Session, key: int):
    {call}
""")
    assert inner(project).behaviour is not project.project.linker.root("app.touch")


def test_equal_statements_that_are_locked_in_two_places_are_run_apart() -> None:
    project = link("""
        def query():
            return select(Job)

        def run(session: Session, query, now=None):
            session.execute(query)

        def one(session: Session):
            run(session, query().with_for_update())

        def two(session: Session):
            run(session, query().with_for_update(), None)
    """)
    first, second = project.statement("one"), project.statement("two")
    assert first == second
    assert [s.lock.site.slice for s in (first, second) if s.lock and s.lock.site] == ["app.one", "app.two"]


def inner(project: Linked) -> Inner:
    (found,) = (step.detail for step in project.trace().steps if isinstance(step.detail, Inner))
    return found


def test_callers_are_known_before_anything_was_evaluated() -> None:
    project = link(f"""{HELPER}
def f(session: Session):
    touch(session, Job, 1)
""")
    assert project.project.callers["app.touch"] == {"app.f"}


STORE = """
class Store:
    model = None
    other = Job
    def read(self, session: Session):
        session.execute(select(self.model))
    @classmethod
    def other_read(cls, session: Session):
        session.execute(select(cls.other))
class Jobs(Store):
    model = Job
    other = None
class Runs(Store):
    from models import Run
    model = models.Run
    other = Run
"""


@pytest.mark.parametrize(
    ("call", "tables"),
    [
        ("Store().read(session)", [None]),
        ("Jobs().read(session)", ["job"]),
        ("Runs().read(session)", ["run"]),
        ("Store.other_read(session)", ["job"]),
        ("Jobs.other_read(session)", [None]),
    ],
)
def test_a_class_that_names_its_model(call: str, tables: list[str | None]) -> None:
    project = link(f"import models\n{STORE}\ndef f(session: Session):\n    {call}\n")
    found = [project.project.locks.table(execute.statement.model) for execute in project.executes()]
    assert found == tables
