"""Exception handlers: errors passed on, rollback, savepoints; flush in place of commit."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from lockcheck.plans import FlushInstead, Plan, ReraiseFirst, RollbackFirst, UseSavepoint
from tests.fixing import dedent, fixed, refusal, target

HEAD = "from sqlalchemy.exc import DBAPIError, IntegrityError\n\n\n"


def function(body: str, head: str = HEAD) -> str:
    return head + "def f(session):\n" + dedent(body).replace("\n", "\n    ").rstrip(" ").join(["    ", ""])


def reraise(text: str, handler: str = "except Exception") -> ReraiseFirst:
    return ReraiseFirst(target(text, handler, "handler"))


@pytest.mark.parametrize(
    ("body", "handler", "reason"),
    [
        pytest.param(
            "try:\n    a()\nexcept* Exception:\n    b()\n",
            "except Exception",
            "group",
            marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="except* is new in Python 3.11"),
        ),
        ("try:\n    a()\nexcept IntegrityError:\n    b()\n", "except IntegrityError", "less than all"),
        ("try:\n    a()\nexcept (ValueError, KeyError):\n    b()\n", "except (ValueError, KeyError)", "less than all"),
        (
            "try:\n    a()\nexcept exc.DBAPIError:\n    raise\nexcept Exception:\n    b()\n",
            "except Exception",
            "already",
        ),
        (
            "try:\n    a()\nexcept (X, SQLAlchemyError):\n    c()\nexcept Exception:\n    b()\n",
            "except Exception",
            "already",
        ),
    ],
)
def test_reraise_is_refused(body: str, handler: str, reason: str) -> None:
    text = function(body)
    assert reason in refusal(reraise(text, handler), text)


@pytest.mark.parametrize(
    ("before", "handler", "after"),
    [
        (
            "try:\n    a()\nexcept Exception:\n    b()\n",
            "except Exception",
            "try:\n    a()\nexcept DBAPIError:\n    raise\nexcept Exception:\n    b()\n",
        ),
        (
            "try:\n    a()\n    # done\nexcept ValueError:\n    c()\n\n# rest\nexcept (OSError, Exception):\n    b()\n",
            "except (OSError, Exception)",
            (
                "try:\n    a()\n    # done\nexcept ValueError:\n    c()\n\nexcept DBAPIError:\n    raise\n# rest\n"
                "except (OSError, Exception):\n    b()\n"
            ),
        ),
        ("try: a()\nexcept: pass\n", "except", "try: a()\nexcept DBAPIError:\n    raise\nexcept: pass\n"),
        (
            "try:\n    try:\n        a()\n    except Exception:\n        b()\nfinally:\n    c\n",
            "except Exception",
            (
                "try:\n    try:\n        a()\n    except DBAPIError:\n        raise\n"
                "    except Exception:\n        b()\nfinally:\n    c\n"
            ),
        ),
    ],
)
def test_reraise(before: str, handler: str, after: str) -> None:
    text = function(before)
    assert fixed(reraise(text, handler), text) == function(after)
    windows = text.replace("\n", "\r\n")
    assert fixed(reraise(windows, handler), windows) == function(after).replace("\n", "\r\n")


def test_reraise_as_an_exception_of_the_project() -> None:
    text = function("try:\n    a()\nexcept Exception:\n    b()\n")
    plan = replace(reraise(text), exception="shop.db:Again")
    head = "from sqlalchemy.exc import DBAPIError, IntegrityError\nfrom shop.db import Again\n\n\n"
    body = "except DBAPIError as error:\n    raise Again(str(error)) from error\nexcept Exception:\n    b()\n"
    assert fixed(plan, text) == function(f"try:\n    a()\n{body}", head)


def test_reraise_as_an_exception_hides_no_name() -> None:
    text = function("try:\n    a()\nexcept Exception:\n    error(b)\n")
    after = fixed(replace(reraise(text), exception="shop.db:Again"), text)
    assert "    except DBAPIError as error_2:\n        raise Again(str(error_2)) from error_2\n" in after


def test_reraise_adds_its_import() -> None:
    text = function("try:\n    a()\nexcept Exception:\n    b()\n", "import sqlalchemy as sa\n\n\n")
    assert "    except sa.exc.DBAPIError:\n" in fixed(reraise(text), text)
    text = function("try:\n    a()\nexcept Exception:\n    b()\n", "from sqlalchemy import select\n\n\n")
    assert fixed(reraise(text), text).startswith(
        "from sqlalchemy import select\nfrom sqlalchemy.exc import DBAPIError\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("try:\n    a()\nexcept E:\n    log()\n", "try:\n    a()\nexcept E:\n    session.rollback()\n    log()\n"),
        ("try:\n    a()\nexcept E:\n    pass  # x\n", "try:\n    a()\nexcept E:\n    session.rollback()  # x\n"),
        ("try:\n    a()\nexcept E: log()\n", "try:\n    a()\nexcept E: session.rollback(); log()\n"),
        (
            "try:\n    a()\nexcept E:  # why\n    # note\n    if x:\n        log()\n",
            "try:\n    a()\nexcept E:  # why\n    session.rollback()\n    # note\n    if x:\n        log()\n",
        ),
    ],
)
def test_rollback(before: str, after: str) -> None:
    text = function(before)
    assert fixed(RollbackFirst(target(text, "except E", "handler"), "session", awaited=False), text) == function(after)
    awaited = fixed(
        RollbackFirst(target(text, "except E", "handler"), "session", awaited=True), text.replace("def", "async def")
    )
    assert "await session.rollback()" in awaited


def test_rollback_of_a_session_whose_work_is_awaited() -> None:
    before = "async def f(session):\n    try:\n        await session.commit()\n    except Exception:\n        log()\n"
    plan = RollbackFirst(target(before, "except Exception", "handler"), "session", awaited=False)
    assert "    except Exception:\n        await session.rollback()\n        log()\n" in fixed(plan, before)


@pytest.mark.parametrize(
    "binds",
    ["session = make()", "session: Session = make()", "(session := make())", "with make() as session:\n        pass"],
)
def test_rollback_of_a_session_bound_in_the_try_is_refused(binds: str) -> None:
    text = function(f"session = None\ntry:\n    {binds}\n    session.commit()\nexcept Exception:\n    log()\n")
    plan = RollbackFirst(target(text, "except Exception", "handler"), "session", awaited=False)
    assert "bound within the try" in refusal(plan, text)


def test_session_is_found_in_the_try() -> None:
    text = function("try:\n    cache.get(1)\n    self._session.execute(q)\nexcept E:\n    log()\n")
    assert "    self._session.rollback()\n" in fixed(
        RollbackFirst(target(text, "except E", "handler"), "", awaited=False), text
    )
    text = function("try:\n    a()\nexcept E:\n    log()\n")
    assert "no name" in refusal(RollbackFirst(target(text, "except E", "handler"), "", awaited=False), text)


NOTED = dedent("""
    try:  # t
        # add
        session.add(
            '''a
        b'''
        )

        session.flush()  # now
        # end
    except E:
        pass
    """)
NOTED_SAVED = dedent("""
    try:  # t
        with session.begin_nested():
            # add
            session.add(
                '''a
        b'''
            )

            session.flush()  # now
        # end
    except E:
        pass
    """)
SAVED = "try:\n    with session.begin_nested():\n        {}\nexcept E:\n    pass\n"


def savepoint(text: str, *, awaited: bool = False, flush: bool = True) -> UseSavepoint:
    return UseSavepoint(target(text, "except E", "handler"), "session", awaited, flush=flush)


def test_savepoint_is_refused() -> None:
    text = function("try: session.add(x)\nexcept E: pass\n")
    assert "one line" in refusal(savepoint(text), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "try:\n    session.add(x)\nexcept E:\n    pass\n",
            SAVED.format("session.add(x)\n        session.flush()"),
        ),
        (NOTED, NOTED_SAVED),
        (
            "try:\n    if x:\n        session.add(x)\n    return 1\nexcept E:\n    pass\n",
            SAVED.format("if x:\n            session.add(x)\n        return 1"),
        ),
        (
            "try:\n    if x:\n        session.add(x)\nexcept E:\n    pass\n",
            SAVED.format("if x:\n            session.add(x)\n        session.flush()"),
        ),
    ],
)
def test_savepoint(before: str, after: str) -> None:
    text = function(before)
    assert fixed(savepoint(text), text) == function(after)


def test_savepoint_of_an_async_session() -> None:
    text = "async " + function("try:\n    session.add(x)\nexcept E:\n    pass\n", "")
    made = fixed(savepoint(text, awaited=True), text)
    assert (
        "        async with session.begin_nested():\n            session.add(x)\n            await session.flush()\n"
        in made
    )


def test_savepoint_without_pending_rows() -> None:
    text = function("try:\n    session.execute(x)\nexcept E:\n    pass\n")
    assert fixed(savepoint(text, flush=False), text) == function(SAVED.format("session.execute(x)"))


@pytest.mark.parametrize(
    ("before", "after"),
    [("session.commit()", "session.flush()"), ("await self.session . commit ( )", "await self.session . flush ( )")],
)
def test_flush_instead(before: str, after: str) -> None:
    text = f"async def f(self, session):\n    {before}  # x\n"
    plan: Plan = FlushInstead(target(text, before.removeprefix("await ")))
    assert fixed(plan, text) == text.replace(before, after)


def test_flush_instead_is_refused() -> None:
    text = "def f(commit):\n    commit()\n"
    assert "no call of commit" in refusal(FlushInstead(target(text, "commit()")), text)


@pytest.mark.parametrize("parameter", ["conn", "*, db: AsyncConnection | None", "tx: sa.Connection, /"])
def test_flush_instead_is_refused_for_connections(parameter: str) -> None:
    name = parameter.removeprefix("*, ").partition(":")[0]
    text = f"def f({parameter}):\n    {name}.commit()\n"
    assert "a connection has no flush()" in refusal(FlushInstead(target(text, "commit()")), text)
