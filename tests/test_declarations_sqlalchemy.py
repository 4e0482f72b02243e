"""Declarations as read, compared with what SQLAlchemy makes of the same source."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapper, clear_mappers, configure_mappers
from sqlalchemy.sql.functions import FunctionElement

from lockcheck.declarations.model import MappedClass
from tests.test_declarations_project import declare

HEAD = """
import enum, uuid, datetime, decimal
from typing import Annotated, Any, ClassVar, List, Optional, Union
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy.orm import *
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass
"""

SOURCES = {
    "nullability and names": """
class Color(enum.Enum):
    RED = 1
text50 = Annotated[str, mapped_column(String(50), unique=True)]
maybe = Annotated[Optional[str], mapped_column(String(9))]
class A(Base):
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[Optional[int]]
    c: Mapped[int | None] = mapped_column("cc", nullable=False)
    d: Mapped[int] = mapped_column(nullable=True, index=True)
    e = mapped_column(Integer)
    f = Column("ff", String, nullable=False, default="x", onupdate="y")
    g: Mapped[text50]
    h: Mapped[Color]
    i: Mapped[Optional[Color]] = mapped_column(default=Color.RED)
    j: Mapped["Union[str, None]"] = mapped_column(Text)
    k: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
    l: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    m: Mapped[maybe]
    n: Mapped[bytes]
    o: Mapped[decimal.Decimal]
    p = deferred(mapped_column(Text))
    q = Column(Enum(Color), server_default="RED")
    r = Column(Integer, Identity())
""",
    "keys": """
class A(Base):
    __tablename__ = "a"
    x: Mapped[int] = mapped_column()
    y: Mapped[str] = mapped_column("yy")
    z: Mapped[str] = mapped_column()
    u: Mapped[int] = mapped_column(unique=True, index=True)
    __table_args__ = (
        PrimaryKeyConstraint("yy", "x"), UniqueConstraint(z, "x"), Index("i1", "z", "yy", unique=True),
        Index("i2", x.desc()), Index("i3", func.lower(z), unique=True),
        Index("i4", "x", unique=True, postgresql_where=z == "q"), CheckConstraint("x > 0"), {"comment": "c"},
    )
class B(Base):
    __tablename__ = "b"
    id: Mapped[int] = mapped_column(primary_key=True)
    ax: Mapped[int]
    ay: Mapped[Optional[str]]
    other: Mapped[int] = mapped_column(ForeignKey("a.u", ondelete="SET NULL"))
    third = mapped_column(ForeignKey(A.u))
    __table_args__ = (ForeignKeyConstraint(["ay", "ax"], ["a.yy", "a.x"], ondelete="CASCADE"),)
""",
    "counting up": """
class A(Base):
    __tablename__ = "a"
    id = Column(BigInteger, primary_key=True)
class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True, autoincrement=False)
class C(Base):
    __tablename__ = "c"
    a = Column(Integer, primary_key=True)
    b = Column(Integer, primary_key=True)
class D(Base):
    __tablename__ = "d"
    id = Column(ForeignKey("a.id"), primary_key=True)
class E(Base):
    __tablename__ = "e"
    id = Column(String, primary_key=True)
class F(Base):
    __tablename__ = "f"
    id = Column(Integer, primary_key=True, default=7)
""",
    "mixins": """
class Dated:
    made: Mapped[datetime.datetime] = mapped_column(default=func.now())
    @declared_attr
    def who(cls) -> Mapped[Optional[int]]:
        return mapped_column(ForeignKey("p.id"))
    @declared_attr.directive
    def __tablename__(cls) -> str:
        return cls.__name__.lower()
class Keyed(Base):
    __abstract__ = True
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
class P(Keyed):
    __tablename__ = "p"
    name: Mapped[Optional[str]] = mapped_column("nom")
class T(Dated, Keyed):
    note: Mapped[str]
    @declared_attr
    def boss(cls) -> Mapped[Optional[P]]:
        return relationship(P, lazy="joined")
    _code: Mapped[str] = mapped_column("code")
    code = synonym("_code")
""",
    "single-table inheritance": """
class P(Base):
    __tablename__ = "p"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    ver: Mapped[int] = mapped_column()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "p", "version_id_col": ver}
class Q(P):
    extra: Mapped[Optional[int]] = mapped_column(unique=True)
    __mapper_args__ = {"polymorphic_identity": "q"}
class R(Q):
    __mapper_args__ = {"polymorphic_identity": "r"}
""",
    "joined inheritance": """
class P(Base):
    __tablename__ = "p"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    kids: Mapped[List["Kid"]] = relationship(back_populates="p", cascade="all, delete-orphan")
class Q(P):
    __tablename__ = "q"
    id: Mapped[int] = mapped_column(ForeignKey("p.id", ondelete="CASCADE"), primary_key=True)
    size: Mapped[int]
class Kid(Base):
    __tablename__ = "kid"
    id: Mapped[int] = mapped_column(primary_key=True)
    p_id: Mapped[int] = mapped_column(ForeignKey("p.id"))
    p: Mapped[P] = relationship(back_populates="kids", lazy="joined", innerjoin=True)
""",
    "relationships": """
link = Table("link", Base.metadata, Column("a", ForeignKey("a.id"), primary_key=True), Column("b", ForeignKey("b.id")))
class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
    up_id = Column(ForeignKey("a.id"))
    ups = relationship("A", backref=backref("downs", remote_side=[id]), lazy="selectin")
    bs = relationship("B", backref="a_of_b", foreign_keys="B.a_id")
    linked = relationship("B", secondary=link, backref="linking", viewonly=False)
    one = relationship("B", uselist=False, viewonly=True, foreign_keys="B.a_id")
    loose = relationship("C", primaryjoin="A.id == foreign(C.nr)", viewonly=True, lazy="raise")
class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
    a_id = Column(ForeignKey("a.id"))
    cs: WriteOnlyMapped["C"] = relationship(passive_deletes=True)
class C(Base):
    __tablename__ = "c"
    id = Column(Integer, primary_key=True)
    nr = Column(Integer)
    b_id = Column(ForeignKey("b.id"))
    b = relationship(
        lambda: B, lazy="joined", innerjoin=True, overlaps="cs", cascade="save-update, delete", single_parent=True
    )
""",
    "core tables": """
t = Table(
    "t", Base.metadata, Column("id", Integer, primary_key=True), Column("n", String(9), key="name", unique=True),
    Column("p", ForeignKey("t.id", ondelete="cascade")), Index("ix", "p"), schema="s",
)
class T(Base):
    __table__ = t
class U:
    pass
uu = Table("u", Base.metadata, Column("id", Integer, primary_key=True), Column("x", Integer))
Base.registry.map_imperatively(U, uu, properties={"ex": uu.c.x, "same": synonym("ex")})
""",
    "dataclasses and registries": """
reg = registry()
@reg.mapped_as_dataclass
class A:
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[Optional[str]] = mapped_column(default=None)
    tag: Mapped[str] = mapped_column(default="x")
    size: ClassVar[int] = 3
Old = reg.generate_base()
class B(Old):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
    __mapper_args__ = {"version_id_col": id}
def key(**kw): return mapped_column(Integer, primary_key=True, **kw)
def ref(target, **kw): return mapped_column(ForeignKey(target, ondelete="CASCADE"), **kw)
class C(Old):
    __tablename__ = "c"
    id = key()
    b_id = ref("b.id", nullable=False, index=True)
""",
}  # fmt: skip


def mappers(source: str) -> dict[str, Mapper[Any]]:
    """SQLAlchemy's mappers of the classes in a module, by class name."""
    module = ModuleType("m")
    sys.modules["m"] = module
    try:
        exec(compile(source, "m.py", "exec"), module.__dict__)  # noqa: S102 - the test's own text
        configure_mappers()
        classes = [item for item in vars(module).values() if isinstance(item, type)]
        return {cls.__name__: vars(cls)["__mapper__"] for cls in classes if "__mapper__" in vars(cls)}
    finally:
        del sys.modules["m"]


def names(mapper: Mapper[Any], columns: Any) -> tuple[str, ...]:
    return tuple(mapper.get_property_by_column(column).key for column in columns)


def has_functions(index: Index) -> bool:
    return any(isinstance(expression, FunctionElement) for expression in index.expressions)


def truth(mapper: Mapper[Any]) -> dict[str, Any]:
    """What SQLAlchemy says of a mapped class, in the form of `said`."""
    table = mapper.local_table
    assert isinstance(table, Table)
    columns = set(mapper.columns)
    indexes = [index for index in table.indexes if columns.issuperset(index.columns) and not has_functions(index)]
    whole = {index: index.unique and index.dialect_options["postgresql"]["where"] is None for index in indexes}
    constraints = [item for item in table.constraints if isinstance(item, UniqueConstraint)]
    unique = [item for item in constraints if columns.issuperset(item.columns)]
    keys = [item for item in table.constraints if isinstance(item, ForeignKeyConstraint)]
    unique_columns: list[Any] = [item.columns for item in unique]
    unique_columns += [index.columns for index in indexes if whole[index]]
    return {
        "table": table.fullname,
        "primary key": names(mapper, table.primary_key.columns),
        "unique": {names(mapper, item) for item in unique_columns},
        "indexes": {(names(mapper, index.columns), bool(whole[index])) for index in indexes},
        "foreign keys": {
            (
                names(mapper, key.columns),
                key.elements[0].target_fullname.rpartition(".")[0],
                tuple(element.target_fullname.rpartition(".")[2] for element in key.elements),
                key.ondelete.upper() if key.ondelete else None,
            )
            for key in keys
        },
        "synonyms": {item.key: item.name for item in mapper.synonyms},
        "root": f"m.{mapper.base_mapper.class_.__name__}",
        "joined": mapper.inherits is not None and not mapper.single,
        "version": names(mapper, [mapper.version_id_col])[0] if mapper.version_id_col is not None else None,
        "columns": {key: column_truth(mapper, key) for key in [item.key for item in mapper.column_attrs]},
        "relationships": {
            item.key: (
                f"m.{item.mapper.class_.__name__}",
                item.lazy,
                bool(item.innerjoin),
                bool(item.uselist),
                bool(item.viewonly),
                bool(item.cascade.delete),
            )
            for item in mapper.relationships
        },
    }


def column_truth(mapper: Mapper[Any], key: str) -> tuple[Any, ...]:
    found = mapper.column_attrs[key].columns
    column = next((item for item in found if item.table is mapper.local_table), found[0])
    table = column.table
    assert isinstance(table, Table)
    default = "none"
    if column.default is not None:
        default = "constant" if column.default.is_scalar else "generated"
    elif column.server_default is not None:
        text = getattr(column.server_default, "arg", None)
        default = "constant" if isinstance(text, str) else "generated"
    elif table.autoincrement_column is column:
        default = "generated"
    enum = getattr(column.type, "enum_class", None)
    kind = "" if column.foreign_keys else type(column.type).__name__
    return (
        column.name,
        kind,
        column.nullable,
        column.primary_key,
        default,
        bool(column.onupdate),
        enum and f"m.{enum.__name__}",
    )


def said(found: MappedClass) -> dict[str, Any]:
    """What was read of a mapped class."""
    referring = {name for key in found.foreign_keys for name in key.columns}
    return {
        "table": found.table,
        "primary key": found.primary_key,
        "unique": set(found.unique_keys),
        "indexes": {(index.columns, index.unique) for index in found.indexes},
        "foreign keys": {
            (key.columns, key.target_table, key.target_columns, key.on_delete) for key in found.foreign_keys
        },
        "synonyms": dict(found.synonyms),
        "root": found.root,
        "joined": found.joined_inheritance,
        "version": found.version_column,
        "columns": {
            name: (
                item.name,
                "" if name in referring else item.type,
                item.nullable,
                item.primary_key,
                item.default,
                item.has_onupdate,
                item.enum,
            )
            for name, item in found.columns.items()
        },
        "relationships": {
            name: (item.target, item.lazy, item.inner, item.uselist, item.viewonly, item.cascades_delete)
            for name, item in found.relationships.items()
        },
    }


@pytest.mark.parametrize("title", SOURCES)
def test_what_is_read_is_what_sqlalchemy_makes(title: str) -> None:
    source = HEAD + SOURCES[title]
    project = declare(source)
    try:
        mapped = mappers(source)
        assert mapped
        for name, mapper in mapped.items():
            found = project.mapped(f"m.{name}")
            assert found is not None, name
            assert found.complete, name
            assert said(found) == truth(mapper), name
        classes = {item.qualname for items in project.tables.values() for item in items if not item.is_table}
        assert classes == {f"m.{name}" for name in mapped}
    finally:
        clear_mappers()
