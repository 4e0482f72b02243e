"""What the fixer makes of `session.merge()` leaves the rows that merge leaves, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests import projects
from tests.projects import Project

pytestmark = pytest.mark.server

MODULE = """
from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Setting(Base):
    __tablename__ = "setting"

    scope: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    note: Mapped[str | None]
    hits: Mapped[int] = mapped_column(default=7)
    written: Mapped[int] = mapped_column(default=1, onupdate=2)


class Token(Base):
    __tablename__ = "token"

    name: Mapped[str] = mapped_column("token_name", primary_key=True)
    expires: Mapped[int | None] = mapped_column("expires_at")


class Mark(Base):
    __tablename__ = "mark"

    name: Mapped[str] = mapped_column(primary_key=True)


class Owner(Base):
    __tablename__ = "owner"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]
    note: Mapped[str | None]

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value.upper() if value else value


def all_given(session: Session) -> None:
    session.merge(Setting(scope="s", name="n", value="new", note="new", hits=1))


def one_left_out(session: Session) -> None:
    session.merge(Setting(scope="s", name="n", value="new"))


def explicit_none(session: Session) -> None:
    session.merge(Setting(scope="s", name="n", value=None, note="new"))


def in_a_variable(session: Session) -> None:
    setting = Setting(scope="s", name="n", value="new")
    setting.note = None
    session.merge(setting)


def other_names(session: Session) -> None:
    session.merge(Token(name="n", expires=5))


def key_only(session: Session) -> None:
    session.merge(Mark(name="n"))


def own_init(session: Session) -> None:
    session.merge(Owner("n", "new"))


def own_init_with_none(session: Session) -> None:
    session.merge(Owner("n", None))


def evaluated_once(session: Session) -> None:
    values = iter(["first", "second"])
    session.merge(Setting(scope="s", name="n", value=next(values)))
""".lstrip()

CASES = (
    "all_given",
    "one_left_out",
    "explicit_none",
    "in_a_variable",
    "other_names",
    "key_only",
    "own_init",
    "own_init_with_none",
    "evaluated_once",
)
DIALECTS = {"one": '["{name}"]', "several": '["postgresql", "sqlite"]'}


def fixed_module(root: Path, dialects: str) -> str:
    """The module after --fix --unsafe-fixes; nothing is left to merge."""
    Project({"example.py": MODULE}, f"[tool.lockcheck]\ndialects = {dialects}\n").write(root)
    text = projects.fixed_files(root, unsafe=True).get("example.py", MODULE)
    assert "session.merge(" not in text, text
    return text


def old_rows(module: Any) -> list[Any]:
    owner = module.Owner("n", "old")
    owner.note = "kept"
    return [
        module.Setting(scope="s", name="n", value="old", note="old", hits=3, written=1),
        module.Setting(scope="s", name="other", value="old", note="old", hits=3, written=1),
        module.Token(name="n", expires=1),
        module.Mark(name="n"),
        owner,
    ]


def rows_after(engine: sa.Engine, source: str, case: str, *, present: bool) -> dict[str, list[tuple[Any, ...]]]:
    with projects.module(source) as module:
        metadata: sa.MetaData = module.Base.metadata
        metadata.drop_all(engine)
        metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all(old_rows(module) if present else [])
            session.commit()
            getattr(module, case)(session)
            session.commit()
        with engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
                for table in metadata.sorted_tables
            }


@pytest.mark.parametrize("present", [False, True], ids=["absent", "present"])
@pytest.mark.parametrize("dialects", DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_upsert_leaves_the_rows_that_merge_leaves(
    case: str, dialects: str, present: bool, database: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    fixed = fixed_module(tmp_path / "project", DIALECTS[dialects].format(name=database.dialect.name))
    merged = rows_after(database, MODULE, case, present=present)
    assert any(merged.values())
    assert rows_after(database, fixed, case, present=present) == merged
