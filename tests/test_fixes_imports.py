"""Imports that fixes add: where they go, and how names read."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import pytest

from lockcheck.fixes.apply import apply
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.slices import Slice
from tests.fixing import dedent, facts_of

USE = "\n\ndef f(session):\n    use()\n"


def add(text: str, *wanted: Sequence[str]) -> tuple[list[str], str]:
    """How the names read where `use()` stands, and the text with their imports."""
    facts = facts_of(text)
    line = text[: text.index("use()")].count("\n") + 1
    name = next(item.qualname for item in facts.slices if item.span.line <= line <= item.span.end_line)
    part = Slice(text, facts, name)
    imports = Imports(part, line)
    spelled = [imports.name(*item) for item in wanted]
    after = apply(text, part.edits(imports.changes()))
    ast.parse(after)
    return spelled, after


SELECT = ("sqlalchemy", "select")
INSERT = ("sqlalchemy.dialects.postgresql", "insert", "pg_insert")
ERROR = ("sqlalchemy.exc", "DBAPIError")
WIDE = "from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, and_, func, update"
NAMES = ("CheckConstraint,", "ForeignKey,", "Integer,", "String,", "and_,", "func,", "select,", "update,")
TYPING = "if TYPE_CHECKING:\n    from sqlalchemy import select"


@pytest.mark.parametrize(
    ("head", "wanted", "spelled"),
    [
        ("from sqlalchemy import select", SELECT, "select"),
        ("from sqlalchemy import select as choose", SELECT, "choose"),
        ("from sqlalchemy.sql import select", SELECT, "select"),
        ("from sqlalchemy.future import select", SELECT, "select"),
        ("import sqlalchemy as sa", SELECT, "sa.select"),
        ("import sqlalchemy", SELECT, "sqlalchemy.select"),
        ("import sqlalchemy as sa", ERROR, "sa.exc.DBAPIError"),
        ("import sqlalchemy.exc", ERROR, "sqlalchemy.exc.DBAPIError"),
        ("from sqlalchemy import exc as sa_exc", ERROR, "sa_exc.DBAPIError"),
        ("from sqlalchemy.dialects import postgresql", INSERT, "postgresql.insert"),
        ("try:\n    from sqlalchemy import select\nexcept ImportError:\n    raise", SELECT, "select"),
    ],
)
def test_what_is_there_is_used(head: str, wanted: tuple[str, ...], spelled: str) -> None:
    text = head + USE
    assert add(text, wanted) == ([spelled], text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from sqlalchemy import update", "from sqlalchemy import select, update"),
        ("from sqlalchemy import delete", "from sqlalchemy import delete, select"),
        ("from sqlalchemy import update  # noqa: X", "from sqlalchemy import select, update  # noqa: X"),
        ("from sqlalchemy import update, delete", "from sqlalchemy import update, delete, select"),
        ("from sqlalchemy import Text, func, update", "from sqlalchemy import Text, func, select, update"),
        ("from sqlalchemy import func, Text, update", "from sqlalchemy import func, select, Text, update"),
        ("from sqlalchemy import (Text, update)", "from sqlalchemy import (Text, select, update)"),
        ("from sqlalchemy import update as u", "from sqlalchemy import select, update as u"),
        (
            "from sqlalchemy import (\n    func,  # f\n    update,\n)",
            "from sqlalchemy import (\n    func,  # f\n    select,\n    update,\n)",
        ),
        (
            "from sqlalchemy import (\n    delete,\n    func  # f\n)",
            "from sqlalchemy import (\n    delete,\n    func,  # f\n    select\n)",
        ),
        (
            "from sqlalchemy import (\n    delete,\n    func,\n)",
            "from sqlalchemy import (\n    delete,\n    func,\n    select,\n)",
        ),
        (
            "from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Integer, String, and_, func, update",
            "from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Integer, String, and_, func, select, update",
        ),
        (WIDE, "from sqlalchemy import (\n    {}\n)".format("\n    ".join(NAMES))),
        (
            "from a import b\nfrom sqlalchemy.orm import Session\n\nfrom .here import x",
            "from a import b\nfrom sqlalchemy import select\nfrom sqlalchemy.orm import Session\n\nfrom .here import x",
        ),
        ("import sqlalchemy.orm as orm", "import sqlalchemy.orm as orm\nfrom sqlalchemy import select"),
        ("import os\n\nfrom .here import x", "import os\nfrom sqlalchemy import select\n\nfrom .here import x"),
        (
            '"""Doc."""\nfrom __future__ import annotations',
            '"""Doc."""\nfrom __future__ import annotations\n\nfrom sqlalchemy import select',
        ),
        (
            "from sqlalchemy import update; x = 1",
            "from sqlalchemy import select, update; x = 1",
        ),
        (f"import os\n\n{TYPING}", f"import os\nfrom sqlalchemy import select\n\n{TYPING}"),
        ("from sqlalchemy import *", "from sqlalchemy import *\nfrom sqlalchemy import select"),
        (
            "import sqlalchemy as sa\nfrom sqlalchemy import update",
            "import sqlalchemy as sa\nfrom sqlalchemy import select, update",
        ),
    ],
)
def test_name_is_added_to_the_module(before: str, after: str) -> None:
    assert add(before + USE, SELECT) == (["select"], after + USE)
    windows = (before + USE).replace("\n", "\r\n")
    assert add(windows, SELECT)[1] == (after + USE).replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("head", "spelled", "after"),
    [
        ("import select", "sa_select", "import select\nfrom sqlalchemy import select as sa_select"),
        (
            "import select\n\nsa_select = 1",
            "sa_select_2",
            "import select\nfrom sqlalchemy import select as sa_select_2\n\nsa_select = 1",
        ),
        (
            "from sqlalchemy import select\n\nselect = 1",
            "sa_select",
            "from sqlalchemy import select, select as sa_select\n\nselect = 1",
        ),
    ],
)
def test_taken_name_gets_an_alias(head: str, spelled: str, after: str) -> None:
    assert add(head + USE, SELECT) == ([spelled], after + USE)


def test_name_hidden_in_the_function_gets_an_alias() -> None:
    text = "from sqlalchemy import select\n\n\ndef f(session, select):\n    use()\n"
    assert add(text, SELECT) == (["sa_select"], text.replace("select\n\n", "select, select as sa_select\n\n"))


def test_alias_of_a_dialects_insert() -> None:
    text = "from sqlalchemy import insert" + USE
    spelled, after = add(text, INSERT)
    assert spelled == ["pg_insert"]
    line = "from sqlalchemy.dialects.postgresql import insert as pg_insert"
    assert after == f"from sqlalchemy import insert\n{line}{USE}"


def test_several_names() -> None:
    text = "from sqlalchemy import delete, update" + USE
    spelled, after = add(text, SELECT, ("sqlalchemy", "tuple_"), ("sqlalchemy", "or_"), ERROR, SELECT)
    assert spelled == ["select", "tuple_", "or_", "DBAPIError", "select"]
    assert after == (
        "from sqlalchemy import delete, or_, select, tuple_, update\nfrom sqlalchemy.exc import DBAPIError" + USE
    )


@pytest.mark.parametrize(
    ("local", "after"),
    [
        ("from sqlalchemy import update", "from sqlalchemy import select, update"),
        ("from sqlalchemy.orm import Session", "from sqlalchemy.orm import Session\n    from sqlalchemy import select"),
        ("import sqlalchemy as sa", "import sqlalchemy as sa"),
    ],
)
def test_local_imports_are_extended(local: str, after: str) -> None:
    text = "import os\n\n\ndef f(session):\n    {}\n\n    use()\n"
    assert add(text.format(local), SELECT)[1] == text.format(after)


def test_local_import_is_not_used_where_the_module_imports_too() -> None:
    text = dedent("""
        from sqlalchemy import delete


        def f(session):
            from sqlalchemy import update

            use()
        """)
    assert add(text, SELECT)[1] == text.replace("import delete", "import delete, select")


def test_imports_of_other_functions_do_not_count() -> None:
    text = dedent("""
        import os


        def g():
            from sqlalchemy import select


        def f(session):
            use()
            from sqlalchemy import select
        """)
    assert add(text, SELECT)[1].startswith("import os\nfrom sqlalchemy import select as sa_select\n")


def test_alias_of_the_module_is_preferred_where_the_function_uses_it() -> None:
    text = "import sqlalchemy as sa\nfrom sqlalchemy import update\n\n\ndef f(session):\n    sa.text('x')\n    use()\n"
    assert add(text, SELECT) == (["sa.select"], text)


def test_imports_below_the_head_are_left_alone() -> None:
    text = dedent("""
        import os


        def f(session):
            use()


        from sqlalchemy import update
        """)
    assert add(text, SELECT)[1] == text.replace("import os\n", "import os\nfrom sqlalchemy import select\n")
