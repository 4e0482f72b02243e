"""Mapped classes and tables, as their declarations say."""

from __future__ import annotations

import pytest

from lockcheck.declarations.model import Column, ForeignKey, Index, MappedClass, PartialKey
from tests.test_declarations_project import COLUMNS, declare, mapped

HEAD = (
    COLUMNS
    + """
import enum, uuid, datetime
from typing import Annotated, Any, ClassVar, Literal, Optional, Union
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy.orm import *
from lib.made import make, make_args, make_column, make_constraint
"""
)


def table(body: str, name: str = "T") -> str | None:
    found = declare({"m": HEAD + body}).mapped(f"m.{name}")
    return found.table if found is not None else None


def column(line: str, before: str = "", base: str = "Base") -> Column:
    """The column `x` of a class with a key of its own."""
    key = "key = mapped_column(String, primary_key=True)"
    body = f"{before}\nclass T({base}):\n    __tablename__ = 't'\n    {key}\n    {line}\n"
    return mapped({"m": HEAD + body}, "m.T").columns["x"]


# --- what is mapped --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "class T: ...",
        "class T:\n    __tablename__ = 't'\n    id: int",
        "class T:\n    __tablename__ = 't'\n    id = Column(Integer, primary_key=True)",
        "class T(Base): ...",
        "class T(Base):\n    id: Mapped[int] = mapped_column(primary_key=True)",
        "class T(Base):\n    __abstract__ = True\n    __tablename__ = 't'\n    id = Column(Integer, primary_key=True)",
        "class T(Base):\n    __tablename__ = 't'\n    id: int",
        "class T(DeclarativeBase):\n    __tablename__ = 't'\n    id: Mapped[int] = mapped_column(primary_key=True)",
        "from pydantic import BaseModel\nclass T(BaseModel):\n    id: int\n    state: str = 'x'",
        "from dataclasses import dataclass\n@dataclass\nclass T:\n    id: int",
        "class Kind(enum.Enum):\n    A = 1\nclass T(Kind): ...",
        "class B: ...\nB = made()(B)\nclass T(B):\n    __tablename__ = 't'\n    id = Column(Integer, primary_key=True)",
        "from django.db import models\nclass T(models.Model):\n    id = models.AutoField(primary_key=True)",
        "from sqlmodel import SQLModel\nclass T(SQLModel):\n    id: int",
        "def T(): ...",
        "T = declarative_base()",
    ],
)
def test_not_mapped(body: str) -> None:
    assert table(body) is None


PLAIN = "    id = Column(Integer, primary_key=True)\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("class T(Base):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("class T(Base):\n" + PLAIN + "    __tablename__ = 't'\n", "t"),
        ("class T(Base):\n    __tablename__ = 't'\n    id: Mapped[int] = mapped_column(primary_key=True)\n", "t"),
        ("class T(Base):\n    __tablename__ = 't'\n    id: 'Mapped[int]' = mapped_column(primary_key=True)\n", "t"),
        ("NAME = 'named'\nclass T(Base):\n    __tablename__ = NAME\n" + PLAIN, "named"),
        ("P = 'p_'\nclass T(Base):\n    __tablename__ = f'{P}t'\n" + PLAIN, "p_t"),
        ("P = 'p_'\nclass T(Base):\n    __tablename__ = P + 't'\n" + PLAIN, "p_t"),
        ("B = declarative_base()\nclass T(B):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("B = registry().generate_base()\nclass T(B):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("reg = registry()\nif TYPE_CHECKING:\n    B = Any\nelse:\n    B = reg.generate_base()\n"
         "class T(B):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("class T(declarative_base()):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("class G:\n    @declared_attr\n    def __tablename__(cls): return cls.__name__.lower()\n" + PLAIN
         + "B = declarative_base(cls=G)\nclass T(B):\n    x = Column(Integer)\n", "t"),
        ("if TYPE_CHECKING:\n    class B: ...\nelse:\n    B = declarative_base()\n"
         "class T(B):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("class B: ...\nB = as_declarative()(B)\nclass T(B):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("class T(DeclarativeBaseNoMeta): ...\nclass S(T):\n    __tablename__ = 't'\n" + PLAIN, None),
        ("class B(metaclass=DeclarativeMeta):\n    __abstract__ = True\nclass T(B):\n    __tablename__ = 't'\n"
         "" + PLAIN, "t"),
        ("reg = registry()\n@reg.mapped\nclass T:\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("reg = registry()\n@reg.mapped_as_dataclass(init=False)\nclass T:\n    __tablename__ = 't'\n" + PLAIN, "t"),
        ("@as_declarative()\nclass B:\n    @declared_attr\n    def __tablename__(cls): return cls.__name__.lower()\n"
         "class T(B):\n" + PLAIN, "t"),
        (("class B(MappedAsDataclass, DeclarativeBase): ...\nclass T(B):\n    __tablename__ = 't'\n"
         "    id: Mapped[int] = mapped_column(primary_key=True, init=False)\n"), "t"),
        ("class M:\n    __tablename__ = 't'\n" + PLAIN + "class T(M, Base): ...\n", "t"),
        ("class M:\n    @declared_attr\n    def __tablename__(cls): return 'made'\nclass T(M, Base):\n"
         "" + PLAIN, "made"),
        ("class M:\n    @declared_attr.directive\n"
         "    def __tablename__(cls): return cls.__name__.lower() + 's'\nclass T(M, Base):\n" + PLAIN, "ts"),
        ("class M:\n    @declared_attr\n    def __tablename__(cls): return f'x_{cls.__name__}'\n"
         "class T(M, Base):\n" + PLAIN, "x_T"),
        ("class P(Base):\n    __tablename__ = 'p'\n" + PLAIN + "class T(P): ...\n", "p"),
        ("class P(Base):\n    __tablename__ = 'p'\n" + PLAIN + "class T(P):\n    __tablename__ = None\n", "p"),
        ("class T(Base):\n    __tablename__ = 't'\n    __table_args__ = {'schema': 's'}\n" + PLAIN, "s.t"),
        ("class T(Base):\n    __tablename__ = 't'\n"
         "    __table_args__ = (UniqueConstraint('id'), {'schema': 's'})\n" + PLAIN, "s.t"),
        ("class T(Base):\n    __table__ = Table('t', Base.metadata, Column('id', Integer, primary_key=True))\n", "t"),
        (("tt = Table('t', Base.metadata, Column('id', Integer, primary_key=True))\nclass T(Base):\n"
         "    __table__ = tt\n"), "t"),
        ("T = Table('t', MetaData(), Column('id', Integer))", "t"),
        ("T = sa.Table('t', Base.metadata, Column('id', Integer), schema='s')", "s.t"),
        ("from lib import Other\nclass T(Other):\n    __tablename__ = 't'\n" + PLAIN, "t"),
        (("from lib import db\nclass T(db.Model):\n    __tablename__ = 't'\n"
         "    id = db.Column(db.Integer, primary_key=True)\n"), "t"),
        (("from sqlmodel import SQLModel, Field\nclass T(SQLModel, table=True):\n"
         "    id: int = Field(primary_key=True)\n"), "t"),
        (("from sqlmodel import SQLModel, Field\nclass T(SQLModel, table=True):\n    __tablename__ = 'tt'\n"
         "    id: int = Field(primary_key=True)\n"), "tt"),
    ],
)  # fmt: skip
def test_tables(body: str, expected: str | None) -> None:
    assert table(body) == expected


FLASK = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("class T(db.Model):\n    id = db.Column(db.Integer, primary_key=True)", "t"),
        ("class T(db.Model):\n    __tablename__ = 'named'\n    id = db.Column(db.Integer, primary_key=True)", "named"),
        ("class T(db.Model):\n    __abstract__ = True\n    id = db.Column(db.Integer, primary_key=True)", None),
        ("class T(db.Model):\n    id: Mapped[int] = mapped_column(primary_key=True)", "t"),
        ("class Sub: ...\nclass P(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\nclass T(P): ...", "p"),
        ("class M:\n    id = db.Column(db.Integer, primary_key=True)\nclass T(db.Model, M): ...", "t"),
        ("class T(db.Model):\n    name = db.Column(db.String)", None),
        ("T = db.Table('t', db.Column('a', db.Integer))", "t"),
    ],
)
def test_flask_tables(body: str, expected: str | None) -> None:
    assert table(FLASK + body) == expected


@pytest.mark.parametrize(("name", "expected"), [("HTTPLog", "http_log"), ("UserGroup2", "user_group2"), ("A", "a")])
def test_flask_names(name: str, expected: str) -> None:
    assert table(FLASK + f"class {name}(db.Model):\n    id = db.Column(db.Integer, primary_key=True)", name) == expected


def test_flask_extension_of_another_module() -> None:
    project = declare(
        {
            "app.ext": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n",
            "app.models": "from app.ext import db\nclass User(db.Model):\n"
            "    id = db.Column(db.Integer, primary_key=True)\n"
            "    boss_id = db.Column(db.ForeignKey('user.id'))\n    boss = db.relationship('User')\n",
        }
    )
    found = project.mapped("app.models.User")
    assert found is not None
    assert (found.table, found.complete, found.primary_key) == ("user", True, ("id",))
    assert found.relationships["boss"].target == "app.models.User"


# --- columns ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = Column(Integer)", True),
        ("x = Column(Integer, nullable=False)", False),
        ("x = mapped_column(Integer)", True),
        ("x: Mapped[int]", False),
        ("x: Mapped[int | None]", True),
        ("x: Mapped[None | int]", True),
        ("x: Mapped[Optional[int]]", True),
        ("x: Mapped[Union[int, None]]", True),
        ("x: Mapped['int | None']", True),
        ("x: 'Mapped[Optional[int]]'", True),
        ("x: Mapped[int | None] = mapped_column(nullable=False)", False),
        ("x: Mapped[int] = mapped_column(nullable=True)", True),
        ("x: Mapped[int] = mapped_column(Integer)", False),
        ("x: Mapped[Any] = mapped_column(JSON)", False),
        ("x: Mapped[Literal['a', 'b']]", False),
        ("x: Mapped[Annotated[int | None, 'x']]", True),
        ("x: Mapped[MaybeInt]", True),
        ("x: Mapped[SomeText]", False),
        ("x: Mapped[dict[str, Any] | None]", True),
        ("x: Mapped[list[str]] = mapped_column(ARRAY(String))", False),
        ("x = Column(Integer, primary_key=True)", False),
        ("x: Mapped[int | None] = mapped_column(primary_key=True)", False),
        ("x = Column(Integer, nullable=YES)", True),
        ("x = Column(Integer, nullable=maybe())", None),
    ],
)
def test_nullable(line: str, expected: bool | None) -> None:
    before = "MaybeInt = Optional[int]\nSomeText = Annotated[str, mapped_column(String(50))]\nYES = True"
    assert column(line, before).nullable is expected


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("x = Column(Integer)", "x"),
        ("x = Column('y', Integer)", "y"),
        ("x = Column(Integer, name='y')", "y"),
        ("x: Mapped[int] = mapped_column('y')", "y"),
        ("x: Mapped[int] = mapped_column(name='y')", "y"),
        ("x = Column(NAME, Integer)", "y"),
        ("x = deferred(Column('y', Integer))", "y"),
        ("x = column_property(Column('y', Integer))", "y"),
    ],
)
def test_names_of_columns(line: str, name: str) -> None:
    assert column(line, "NAME = 'y'").name == name


@pytest.mark.parametrize(
    ("line", "type_", "python"),
    [
        ("x = Column(Integer)", "Integer", ""),
        ("x = Column(sa.String(50))", "String", ""),
        ("x = Column(type_=Text)", "Text", ""),
        ("x: Mapped[int]", "Integer", "int"),
        ("x: Mapped[str | None]", "String", "str"),
        ("x: Mapped[uuid.UUID]", "Uuid", "UUID"),
        ("x: Mapped[datetime.datetime]", "DateTime", "datetime"),
        ("x: Mapped[Thing]", "", "Thing"),
        ("x: Mapped[int] = mapped_column(BigInteger)", "BigInteger", "int"),
        ("x: Mapped[str50]", "String", "str"),
        ("x = Column(ShortText())", "String", ""),
        ("x = Column(ShortText(length=3), index=True)", "String", ""),
        ("x = Column(Stamp)", "Stamp", ""),
        ("x = Column(Stamp())", "Stamp", ""),
        ("x = Column(JSON().with_variant(Text, 'sqlite'))", "JSON", ""),
        ("x = Column(MutableDict.as_mutable(JSON))", "JSON", ""),
        ("x = Column(BIG)", "BigInteger", ""),
        ("x = Column(ForeignKey('o.id'))", "", ""),
        ("x = Column('x', Integer, ForeignKey('o.id'))", "Integer", ""),
        ("x: Mapped[dict[str, Any]]", "", "dict"),
    ],
)
def test_types(line: str, type_: str, python: str) -> None:
    before = """
from sqlalchemy.ext.mutable import MutableDict
def ShortText(*, length=5, **kwargs): return String(length=length, **kwargs)
class Stamp(TypeDecorator): impl = DateTime
str50 = Annotated[str, mapped_column(String(50))]
BIG = BigInteger().with_variant(Integer, "sqlite")
"""
    found = column(line, before)
    assert (found.type, found.python_type) == (type_, python)


@pytest.mark.parametrize(
    ("line", "enum"),
    [
        ("x = Column(Enum(Color))", "m.Color"),
        ("x: Mapped[Color]", "m.Color"),
        ("x: Mapped[Color | None] = mapped_column(String(10))", "m.Color"),
        ("x = Column(Enum('a', 'b'))", None),
        ("x: Mapped[Literal['a', 'b']]", None),
    ],
)
def test_enums(line: str, enum: str | None) -> None:
    found = column(line, "class Color(enum.Enum):\n    RED = 1")
    assert (found.is_enum, found.enum) == (True, enum)
    assert column("x = Column(String)").is_enum is False


@pytest.mark.parametrize(
    ("line", "default"),
    [
        ("x = Column(Integer)", "none"),
        ("x = Column(Integer, default=None)", "none"),
        ("x = Column(Integer, default=5)", "constant"),
        ("x = Column(String, default='a')", "constant"),
        ("x = Column(Integer, default=LIMIT)", "constant"),
        ("x = Column(Enum(Color), default=Color.RED)", "constant"),
        ("x = Column(Integer, default=CONF)", "constant"),
        ("x = Column(Integer, default=make())", "constant"),
        ("x = Column(Integer, default=make)", "generated"),
        ("x = Column(Integer, default=uuid.uuid4)", "generated"),
        ("x = Column(Integer, default=lambda: 1)", "generated"),
        ("x = Column(Integer, insert_default=make)", "generated"),
        ("x = Column(DateTime, default=func.now())", "generated"),
        ("x = Column(Integer, server_default='0')", "constant"),
        ("x = Column(Integer, server_default=text('0'))", "constant"),
        ("x = Column(Boolean, server_default=false())", "constant"),
        ("x = Column(DateTime, server_default=text('now()'))", "generated"),
        ("x = Column(DateTime, server_default=text('CURRENT_TIMESTAMP'))", "generated"),
        ("x = Column(DateTime, server_default=func.now())", "generated"),
        ("x = Column(Integer, Sequence('s'))", "generated"),
        ("x = Column(Integer, Identity())", "generated"),
        ("x = Column(Integer, default=uuid.uuid4, server_default='0')", "generated"),
        ("x: Mapped[list] = mapped_column(JSON, default_factory=list)", "generated"),
        ("x = Column(Integer, server_default=FetchedValue())", "generated"),
    ],
)
def test_defaults(line: str, default: str) -> None:
    before = "LIMIT = 3\nCONF = settings.get('x')\ndef make(): ...\nclass Color(enum.Enum):\n    RED = 1"
    assert column(line, before).default == default


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["id = Column(Integer, primary_key=True)"], ["generated"]),
        (["id = Column(BigInteger, primary_key=True)"], ["generated"]),
        (["id: Mapped[int] = mapped_column(primary_key=True)"], ["generated"]),
        (["id = Column(Integer, primary_key=True, autoincrement=False)"], ["none"]),
        (["id = Column(String, primary_key=True)"], ["none"]),
        (["id = Column(Integer, ForeignKey('o.id'), primary_key=True)"], ["none"]),
        (["id = Column(Integer, ForeignKey('o.id'), primary_key=True, autoincrement=True)"], ["generated"]),
        (["id = Column(Integer, primary_key=True, default=5)"], ["constant"]),
        (["a = Column(Integer, primary_key=True)", "b = Column(Integer, primary_key=True)"], ["none", "none"]),
        (
            ["a = Column(Integer, primary_key=True, autoincrement=True)", "b = Column(Integer, primary_key=True)"],
            ["generated", "none"],
        ),
        (["id = Column(Integer)", "__table_args__ = (PrimaryKeyConstraint('id'),)"], ["generated"]),
        (["id = Column(Integer)", "x = Column(String, primary_key=True)"], ["none", "none"]),
    ],
)
def test_keys_that_count_up(columns: list[str], expected: list[str]) -> None:
    body = "class T(Base):\n    __tablename__ = 't'\n" + "".join(f"    {line}\n" for line in columns)
    found = mapped({"m": HEAD + body}, "m.T")
    assert [item.default for item in found.columns.values()] == expected


def test_onupdate() -> None:
    assert column("x = Column(DateTime, onupdate=func.now())").has_onupdate
    assert column("x = Column(DateTime, server_onupdate=FetchedValue())").has_onupdate
    assert not column("x = Column(DateTime)").has_onupdate


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("def make(): return Column(Integer, nullable=False, unique=True)", "x = make()"),
        ("def col(kind, **kw): return Column(kind, nullable=False, **kw)", "x = col(Integer, unique=True)"),
        ("def col(*args): return Column(*args, nullable=False, unique=True)", "x = col('x', Integer)"),
        ("from functools import partial\nReq = partial(Column, nullable=False)", "x = Req(Integer, unique=True)"),
        ("class Col(Column): ...", "x = Col(Integer, nullable=False, unique=True)"),
        ("uniq = Annotated[int, mapped_column(unique=True)]", "x: Mapped[uniq]"),
        ("uniq = Annotated[int, mapped_column(unique=True)]", "x: Mapped[uniq] = mapped_column(Integer)"),
    ],
)
def test_columns_through_helpers(before: str, line: str) -> None:
    found = column(line, before)
    assert (found.name, found.type, found.nullable, found.unique) == ("x", "Integer", False, True)


def test_attributes_that_are_no_columns() -> None:
    body = """
class T(Base):
    __tablename__ = "t"
    id = Column(Integer, primary_key=True)
    size: ClassVar[int] = 3
    limit = 5
    note: str
    total = column_property(select(func.count(1)).scalar_subquery())
    names = association_proxy("a", "b")
    @property
    def shown(self): ...
    @hybrid_property
    def full(self): ...
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert list(found.columns) == ["id"]
    assert found.complete


# --- keys ------------------------------------------------------------------------------------------------------


def table_with(args: str) -> MappedClass:
    body = f"""
class T(Base):
    __tablename__ = "t"
    a = Column(Integer, primary_key=True)
    b = Column("bb", Integer)
    c = Column(Integer)
    {args}
"""
    return mapped({"m": HEAD + body}, "m.T")


def keys(args: str) -> tuple[tuple[str, ...], set[tuple[str, ...]], tuple[Index, ...], bool]:
    found = table_with(args)
    return found.primary_key, set(found.unique_keys), found.indexes, found.complete


def partial_keys(args: str) -> tuple[PartialKey, ...]:
    return table_with(args).partial_keys


@pytest.mark.parametrize(
    ("args", "primary"),
    [
        ("pass", ("a",)),
        ("__table_args__ = (PrimaryKeyConstraint('bb', 'c'),)", ("b", "c")),
        ("__table_args__ = (PrimaryKeyConstraint('c', 'bb', name='pk'), {'x': 1})", ("c", "b")),
        ("__table_args__ = (PrimaryKeyConstraint(b, c),)", ("b", "c")),
        ("__table_args__ = PrimaryKeyConstraint(b, c),", ("b", "c")),
        ("__table_args__ = [PrimaryKeyConstraint('bb')]", ("b",)),
        ("__table_args__ = {'mysql_engine': 'InnoDB'}", ("a",)),
        ("@declared_attr\n    def __table_args__(cls): return (PrimaryKeyConstraint(cls.b, cls.c),)", ("b", "c")),
        (("@declared_attr.directive\n    @classmethod\n    def __table_args__(cls):\n        x = 1\n"
         "        return (PrimaryKeyConstraint(cls.b),)"), ("b",)),
    ],
)  # fmt: skip
def test_primary_keys(args: str, primary: tuple[str, ...]) -> None:
    found = keys(args)
    assert (found[0], found[3]) == (primary, True)


@pytest.mark.parametrize(
    ("args", "unique"),
    [
        ("__table_args__ = (Index('i', 'bb'),)", set()),
        ("__table_args__ = (Index('i', func.lower(b), unique=True),)", set()),
        ("__table_args__ = (Index('i', b, unique=True, postgresql_where=c.is_(None)),)", set()),
        ("__table_args__ = (Index('i', b, unique=True).ddl_if(dialect='sqlite'),)", set()),
        ("__table_args__ = (UniqueConstraint('bb', 'c'),)", {("b", "c")}),
        ("__table_args__ = (UniqueConstraint(b, c, name='u'),)", {("b", "c")}),
        ("__table_args__ = (Index('i', 'c', 'bb', unique=True),)", {("c", "b")}),
        ("__table_args__ = (Index('i', c, b, unique=True),)", {("c", "b")}),
        ("__table_args__ = (Index('i', b.desc(), c, unique=True),)", {("b", "c")}),
        ("__table_args__ = (Index(None, *['bb', 'c'], unique=True),)", {("b", "c")}),
        ("d = Column(String, unique=True)", {("d",)}),
        ("d = Column(String, unique=True, index=True)", {("d",)}),
        ("__table_args__ = (UniqueConstraint('c'), UniqueConstraint('c'))", {("c",)}),
    ],
)
def test_unique_keys(args: str, unique: set[tuple[str, ...]]) -> None:
    found = keys(args)
    assert (found[1], found[3]) == (unique, True)


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ("c == 1", {("c", 1)}),
        ("c.is_(None)", {("c", None)}),
        ("and_(c, ~b)", {("c", True), ("b", False)}),
        ("(c == 1) & b.is_not(None)", {("c", 1)}),
        ("text('c IS NULL')", {("c", None)}),
        ("text('NOT c')", {("c", False)}),
        ("text('c is  not null')", None),
        ("c.is_not(None)", None),
        ("c > 1", None),
        ("text('c = 1 OR b = 2')", None),
        ("sqlite_only()", None),
    ],
)
def test_keys_among_a_part_of_the_rows(where: str, held: set[tuple[str, object]] | None) -> None:
    args = f"__table_args__ = (Index('i', b, unique=True, postgresql_where={where}),)"
    found = partial_keys(args)
    assert [(key.columns, set(key.held)) for key in found] == ([] if held is None else [(("b",), held)])


def test_databases_with_different_parts_share_no_key() -> None:
    args = "__table_args__ = (Index('i', b, unique=True, postgresql_where=c == 1, sqlite_where=c == 2),)"
    assert partial_keys(args) == ()


def test_indexes() -> None:
    found = keys(
        "d = Column(Integer, index=True)\n    __table_args__ = (Index('i', 'bb', 'c'), Index('j', d, unique=True))"
    )
    assert set(found[2]) == {Index(("b", "c"), unique=False), Index(("d",), unique=True), Index(("d",), unique=False)}


@pytest.mark.parametrize(
    "args",
    [
        "__table_args__ = make_args()",
        "__table_args__ = (make_constraint('b'),)",
        "__table_args__ = (UniqueConstraint(*some()),)",
        "__table_args__ = (UniqueConstraint('nowhere'),)",
        "__table_args__ = (ForeignKeyConstraint(['bb'], other),)",
        "d = make_column()",
        "d: Mapped[int] = make()",
        "d = Column(Integer, **options)",
    ],
)
def test_what_cannot_be_read_leaves_the_class_incomplete(args: str) -> None:
    assert keys(args)[3] is False


def test_table_args_built_from_others() -> None:
    body = """
COMMON = (UniqueConstraint("a", "b"),)
class M:
    __table_args__ = (Index("i", "b"),)
class T(M, Base):
    __tablename__ = "t"
    a = Column(Integer, primary_key=True)
    b = Column(Integer)
    __table_args__ = (*COMMON, UniqueConstraint("b")) + M.__table_args__
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert (set(found.unique_keys), found.complete) == ({("a", "b"), ("b",)}, True)
    assert found.indexes == (Index(("b",), unique=False),)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x = Column(ForeignKey('o.id'))"], ForeignKey(("x",), "o", ("id",), None)),
        (["x = Column('y', ForeignKey('o.id', ondelete='CASCADE'))"], ForeignKey(("x",), "o", ("id",), "CASCADE")),
        (["x = Column(ForeignKey('o.id', ondelete='set null'))"], ForeignKey(("x",), "o", ("id",), "SET NULL")),
        (["x = Column(ForeignKey('s.o.id'))"], ForeignKey(("x",), "s.o", ("id",), None)),
        (["x = Column(ForeignKey(Other.id))"], ForeignKey(("x",), "other", ("oid",), None)),
        (["x = Column(ForeignKey(core.c.id))"], ForeignKey(("x",), "core", ("id",), None)),
        (["x: Mapped[ref]"], ForeignKey(("x",), "o", ("id",), None)),
        (
            ["x = Column('y', Integer)", "z = Column(Integer)",
             "__table_args__ = (ForeignKeyConstraint(['y', 'z'], ['o.a', 'o.b'], ondelete='CASCADE'),)"],
            ForeignKey(("x", "z"), "o", ("a", "b"), "CASCADE"),
        ),
        (
            ["x = Column(Integer)", "__table_args__ = (ForeignKeyConstraint([x], [Other.id]),)"],
            ForeignKey(("x",), "other", ("oid",), None),
        ),
        (
            ["x = Column(Integer)", "__table_args__ = (ForeignKeyConstraint(columns=(x,), refcolumns=('o.a',)),)"],
            ForeignKey(("x",), "o", ("a",), None),
        ),
    ],
)  # fmt: skip
def test_foreign_keys(lines: list[str], expected: ForeignKey) -> None:
    body = """
core = Table("core", Base.metadata, Column("id", Integer))
ref = Annotated[int, mapped_column(ForeignKey("o.id"))]
class Other(Base):
    __tablename__ = "other"
    id = Column("oid", Integer, primary_key=True)
class T(Base):
    __tablename__ = "t"
    key = Column(Integer, primary_key=True)
""" + "".join(f"    {line}\n" for line in lines)
    found = mapped({"m": HEAD + body}, "m.T")
    assert (found.foreign_keys, found.complete) == ((expected,), True)


# --- mixins and inheritance ------------------------------------------------------------------------------------


def test_mixins_and_abstract_parents() -> None:
    body = """
class Dated:
    made = Column(DateTime)
    owner = Column(String)
    @declared_attr
    def boss_id(cls) -> Mapped[int]: return mapped_column(ForeignKey("o.id"))
    @declared_attr
    def boss(cls): return relationship("T", lazy="joined", innerjoin=True)
class Keyed(Base):
    __abstract__ = True
    a: Mapped[str] = mapped_column(String)
    b: Mapped[str]
class T(Dated, Keyed):
    __tablename__ = "t"
    a: Mapped[str] = mapped_column(String, primary_key=True)
    owner = None
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert list(found.columns) == ["a", "made", "boss_id", "b"]
    assert (found.primary_key, found.root, found.joined_inheritance) == (("a",), "m.T", False)
    assert found.columns["boss_id"].nullable is False
    assert found.foreign_keys == (ForeignKey(("boss_id",), "o", ("id",), None),)
    assert (found.relationships["boss"].lazy, found.relationships["boss"].inner) == ("joined", True)
    assert found.complete


def test_a_mixin_of_another_module() -> None:
    project = declare(
        {
            "lib.mix": "from sqlalchemy import *\nKEY = 'x'\nclass Mix:\n    x = Column(KEY, Integer, unique=True)\n",
            "m": HEAD
            + "from lib.mix import Mix\nKEY = 'other'\nclass T(Base, Mix):\n    __tablename__ = 't'\n"
            + PLAIN,
        }
    )
    found = project.mapped("m.T")
    assert found is not None
    assert (found.columns["x"].name, found.unique_keys) == ("x", (("x",),))
    assert found.columns["x"].location.path == "lib/mix.py"


def test_single_table_inheritance() -> None:
    body = """
class P(Base):
    __tablename__ = "p"
    id = Column(Integer, primary_key=True)
    kind = Column(String, unique=True)
    __mapper_args__ = {"polymorphic_on": "kind", "version_id_col": id}
class T(P):
    __mapper_args__ = {"polymorphic_identity": "t"}
    extra = Column(Integer, ForeignKey("o.id"))
class Deep(T): ...
"""
    for name in ("T", "Deep"):
        found = mapped({"m": HEAD + body}, f"m.{name}")
        assert (found.table, found.root, found.joined_inheritance) == ("p", "m.P", False)
        assert (found.primary_key, found.unique_keys) == (("id",), (("kind",),))
        assert sorted(found.columns) == ["extra", "id", "kind"]
        assert found.version_column == "id"


def test_joined_inheritance() -> None:
    body = """
class P(Base):
    __tablename__ = "p"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
class T(P):
    __tablename__ = "t"
    id = Column(ForeignKey("p.id"), primary_key=True)
    size = Column(Integer, unique=True)
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert (found.table, found.root, found.joined_inheritance) == ("t", "m.P", True)
    assert (found.primary_key, found.unique_keys) == (("id",), (("size",),))
    assert sorted(found.columns) == ["id", "name", "size"]
    assert found.columns["id"].default == "none"
    assert found.foreign_keys == (ForeignKey(("id",), "p", ("id",), None),)


def test_concrete_inheritance_stands_alone() -> None:
    body = """
class P(Base):
    __tablename__ = "p"
    id = Column(Integer, primary_key=True)
    name = Column(String)
class T(P):
    __tablename__ = "t"
    id = Column(Integer, primary_key=True)
    __mapper_args__ = {"concrete": True}
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert (found.root, found.joined_inheritance, list(found.columns)) == ("m.T", False, ["id"])


def test_synonyms() -> None:
    body = """
class T(Base):
    __tablename__ = "t"
    id = Column(Integer, primary_key=True)
    _state = Column("state", String)
    _kind = Column("k", String)
    @declared_attr
    def state(cls): return synonym("_state", descriptor=property(1, 2))
    kind = synonym("_kind")
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert found.synonyms == {"state": "_state", "kind": "_kind"}
    assert (found.column("state"), found.column("absent")) == (found.columns["_state"], None)


@pytest.mark.parametrize(
    ("body", "init"),
    [
        ("class T(Base):\n    __tablename__ = 't'\n" + PLAIN, None),
        ("class T(Base):\n    __tablename__ = 't'\n" + PLAIN + "    def __init__(self): ...\n", "m.T.__init__"),
        (
            "class P(Base):\n    __tablename__ = 'p'\n" + PLAIN + "    def __init__(self): ...\nclass T(P): ...",
            "m.P.__init__",
        ),
    ],
)
def test_own_init(body: str, init: str | None) -> None:
    assert mapped({"m": HEAD + body}, "m.T").own_init == init


@pytest.mark.parametrize(
    ("args", "version"),
    [
        ("pass", None),
        ("__mapper_args__ = {'version_id_col': v}", "v"),
        ("__mapper_args__ = {'version_id_col': 'vv'}", "v"),
        ("__mapper_args__ = dict(version_id_col=v)", "v"),
        ("@declared_attr\n    def __mapper_args__(cls): return {'version_id_col': cls.v}", "v"),
    ],
)
def test_version_column(args: str, version: str | None) -> None:
    body = f"class T(Base):\n    __tablename__ = 't'\n{PLAIN}    v = Column('vv', Integer)\n    {args}\n"
    assert mapped({"m": HEAD + body}, "m.T").version_column == version


# --- Core tables and imperative mappings -----------------------------------------------------------------------


def test_a_core_table() -> None:
    body = """
T = Table(
    "t", Base.metadata,
    Column("a", ForeignKey("o.id", ondelete="CASCADE"), primary_key=True),
    Column("b", Integer, primary_key=True),
    Column("c", String, unique=True, key="cc"),
    UniqueConstraint("b", "c"), Index("i", "c"),
)
"""
    found = mapped({"m": HEAD + body}, "m.T")
    assert (found.table, found.is_table, found.primary_key) == ("t", True, ("a", "b"))
    assert found.columns["cc"].name == "c"
    assert set(found.unique_keys) == {("b", "cc"), ("cc",)}
    assert found.foreign_keys == (ForeignKey(("a",), "o", ("id",), "CASCADE"),)
    assert found.complete


@pytest.mark.parametrize("args", ["*columns()", "autoload_with=engine", "make_column()", "**kw"])
def test_a_core_table_that_cannot_be_read(args: str) -> None:
    assert not mapped({"m": HEAD + f"T = Table('t', MetaData(), {args})"}, "m.T").complete


def test_imperative_mapping() -> None:
    project = declare(
        {
            "shop.orm": HEAD
            + """
from shop.domain import Line, Batch
lines = Table("lines", MetaData(), Column("id", Integer, primary_key=True), Column("q", Integer, key="qty"))
batches = Table("batches", MetaData(), Column("id", Integer, primary_key=True))
def start():
    mapper_registry.map_imperatively(Line, lines)
    mapper_registry.map_imperatively(
        Batch, batches, properties={"lines": relationship(Line, lazy="joined"), "pk": batches.c.id}
    )
""",
            "shop.domain": "class Line:\n    def __init__(self, q): ...\nclass Batch: ...\n",
        }
    )
    line, batch = project.mapped("shop.domain.Line"), project.mapped("shop.domain.Batch")
    assert line is not None
    assert batch is not None
    assert (line.table, list(line.columns), line.own_init) == ("lines", ["id", "qty"], "shop.domain.Line.__init__")
    assert (batch.primary_key, batch.relationships["lines"].target) == (("pk",), "shop.domain.Line")
    assert batch.relationships["lines"].lazy == "joined"


def test_sqlmodel() -> None:
    body = """
from sqlmodel import Field, Relationship, SQLModel
class Common(SQLModel):
    name: str = Field(index=True)
    note: str | None = None
class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    people: list["T"] = Relationship(back_populates="team")
class T(Common, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: uuid.UUID = Field(default_factory=uuid.uuid4, unique=True)
    level: int = 1
    raw: dict = Field(sa_column=Column("rawest", JSON, nullable=True))
    team_id: int | None = Field(default=None, foreign_key="team.id", ondelete="CASCADE")
    team: Team | None = Relationship(back_populates="people", sa_relationship_kwargs={"lazy": "joined"})
    kind: ClassVar[str] = "x"
"""
    found = mapped({"m": HEAD + body}, "m.T")
    nullable = {name: item.nullable for name, item in found.columns.items()}
    assert nullable == {
        "id": False,
        "code": False,
        "level": False,
        "raw": True,
        "team_id": True,
        "name": False,
        "note": True,
    }
    assert found.columns["id"].default == "generated"
    assert found.columns["code"].default == "generated"
    assert found.columns["raw"].name == "rawest"
    assert (found.unique_keys, found.indexes) == ((("code",),), (Index(("name",), unique=False),))
    assert found.foreign_keys == (ForeignKey(("team_id",), "team", ("id",), "CASCADE"),)
    assert (found.relationships["team"].target, found.relationships["team"].lazy) == ("m.Team", "joined")
    assert found.relationships["team"].uselist is False
    assert declare({"m": HEAD + body}).mapped("m.Common") is None
    team = mapped({"m": HEAD + body}, "m.Team")
    assert (team.relationships["people"].target, team.relationships["people"].uselist) == ("m.T", True)
