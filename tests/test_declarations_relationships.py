"""Relationships: targets, loading, direction, backrefs."""

from __future__ import annotations

import pytest

from lockcheck.declarations.model import Relationship
from tests.test_declarations_mapped import HEAD
from tests.test_declarations_project import declare, mapped

PARENT = """
class Parent(Base):
    __tablename__ = "parent"
    id = Column(Integer, primary_key=True)
    {parent}
class Child(Base):
    __tablename__ = "child"
    id = Column(Integer, primary_key=True)
    parent_id = Column(ForeignKey("parent.id"))
    {child}
link = Table("link", Base.metadata, Column("a", ForeignKey("parent.id")), Column("b", ForeignKey("child.id")))
"""


def on_child(line: str) -> Relationship:
    return mapped({"m": HEAD + PARENT.format(parent="pass", child=line)}, "m.Child").relationships["x"]


def on_parent(line: str) -> Relationship:
    return mapped({"m": HEAD + PARENT.format(parent=line, child="pass")}, "m.Parent").relationships["x"]


@pytest.mark.parametrize(
    "line",
    [
        "x = relationship('Parent')",
        "x = relationship(Parent)",
        "x = relationship('m.Parent')",
        "x = relationship(lambda: Parent)",
        "x = relationship(argument='Parent')",
        "x: Mapped['Parent'] = relationship()",
        "x: Mapped[Parent] = relationship(back_populates='y')",
        "x: Mapped[Optional['Parent']] = relationship()",
        "x: Mapped['Parent | None'] = relationship()",
        "x: 'Mapped[Parent]' = relationship()",
    ],
)
def test_targets(line: str) -> None:
    found = on_child(line)
    assert (found.target, found.uselist, found.lazy, found.inner) == ("m.Parent", False, "select", False)


@pytest.mark.parametrize("line", ["x = relationship('Nobody')", "x = relationship(make())", "x = relationship(Column)"])
def test_unknown_targets(line: str) -> None:
    assert on_child(line).target is None


@pytest.mark.parametrize(
    ("line", "lazy", "inner"),
    [
        ("x = relationship(Parent, lazy='joined')", "joined", False),
        ("x = relationship(Parent, lazy='joined', innerjoin=True)", "joined", True),
        ("x = relationship(Parent, lazy='joined', innerjoin=False)", "joined", False),
        ("x = relationship(Parent, lazy=False)", "joined", False),
        ("x = relationship(Parent, lazy=True)", "select", False),
        ("x = relationship(Parent, lazy=None)", "noload", False),
        ("x = relationship(Parent, lazy=HOW)", "joined", False),
        ("x = relationship(Parent, lazy='selectin')", "selectin", False),
        ("x: DynamicMapped[Parent] = relationship()", "dynamic", False),
        ("x: WriteOnlyMapped[Parent] = relationship()", "write_only", False),
    ],
)
def test_loading(line: str, lazy: str, inner: bool) -> None:
    found = mapped(
        {"m": HEAD + "HOW = 'joined'\n" + PARENT.format(parent="pass", child=line)}, "m.Child"
    ).relationships["x"]
    assert (found.lazy, found.inner) == (lazy, inner)


@pytest.mark.parametrize(
    ("line", "uselist"),
    [
        ("x = relationship('Child')", True),
        ("x = relationship('Child', uselist=False)", False),
        ("x: Mapped[list['Child']] = relationship()", True),
        ("x: Mapped['list[Child]'] = relationship()", True),
        ("x: Mapped[set['Child']] = relationship()", True),
        ("x: Mapped[dict[str, 'Child']] = relationship()", True),
        ("x: Mapped['Child'] = relationship()", False),
        ("x: Mapped[list['Child']] = relationship(uselist=False)", False),
        ("x = relationship('Child', secondary='link')", True),
        ("x = relationship('Child', primaryjoin='Parent.id == foreign(Child.id)')", True),
        ("x = relationship('Child', primaryjoin='foreign(Parent.id) == Child.id')", False),
        ("x = relationship('Child', primaryjoin='foreign(some().id) == Child.id')", True),
        ("x = relationship('Child', foreign_keys='Child.parent_id')", True),
        ("x = relationship('Child', foreign_keys=[id])", False),
        ("x = relationship('Nobody')", None),
    ],
)
def test_direction(line: str, uselist: bool | None) -> None:
    assert on_parent(line).uselist is uselist


@pytest.mark.parametrize(
    ("line", "uselist"), [("x = relationship('T')", True), ("x = relationship('T', remote_side=[id])", False)]
)
def test_direction_to_itself(line: str, uselist: bool) -> None:
    body = f"""
class T(Base):
    __tablename__ = "t"
    id = Column(Integer, primary_key=True)
    up = Column(ForeignKey("t.id"))
    {line}
"""
    assert mapped({"m": HEAD + body}, "m.T").relationships["x"].uselist is uselist


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", (False, False)),
        (", cascade='save-update, merge'", (False, False)),
        (", cascade='all, delete-orphan'", (True, False)),
        (", cascade='save-update, delete'", (True, False)),
        (", viewonly=True", (False, True)),
    ],
)
def test_cascade_and_viewonly(options: str, expected: tuple[bool, bool]) -> None:
    found = on_parent(f"x = relationship('Child'{options})")
    assert (found.cascades_delete, found.viewonly) == expected


@pytest.mark.parametrize(
    ("line", "lazy", "uselist"),
    [
        ("x = relationship(Parent, backref='kids')", "select", True),
        ("x = relationship(Parent, backref=backref('kids', lazy='joined'))", "joined", True),
        ("x = relationship(Parent, backref=backref('kids', uselist=False))", "select", False),
        ("x = relationship(Parent, secondary=link, backref='kids')", "select", True),
    ],
)
def test_backrefs(line: str, lazy: str, uselist: bool) -> None:
    found = mapped({"m": HEAD + PARENT.format(parent="pass", child=line)}, "m.Parent").relationships["kids"]
    assert (found.target, found.lazy, found.uselist) == ("m.Child", lazy, uselist)


def test_a_backref_reaches_subclasses_of_its_target() -> None:
    body = PARENT.format(parent="pass", child="x = relationship(Parent, backref='kids')") + "class Sub(Parent): ...\n"
    assert "kids" in mapped({"m": HEAD + body}, "m.Sub").relationships


def test_a_backref_of_one_to_many_is_a_scalar() -> None:
    body = PARENT.format(parent="x = relationship('Child', backref='up')", child="pass")
    assert mapped({"m": HEAD + body}, "m.Child").relationships["up"].uselist is False


def test_relationships_are_inherited() -> None:
    body = PARENT.format(parent="pass", child="x = relationship(Parent, lazy='joined')") + "class Sub(Child): ...\n"
    assert mapped({"m": HEAD + body}, "m.Sub").relationships["x"].lazy == "joined"


def test_relationships_assigned_from_outside() -> None:
    body = PARENT.format(parent="pass", child="pass") + "Child.x = relationship(Parent, lazy='joined')\n"
    assert mapped({"m": HEAD + body}, "m.Child").relationships["x"].target == "m.Parent"


def test_a_name_that_several_modules_have_is_the_nearest() -> None:
    def model(extra: str) -> str:
        return (
            HEAD
            + f"class User(Base):\n    __tablename__ = 'u'\n    id = Column(Integer, primary_key=True)\n    {extra}\n"
        )

    project = declare(
        {
            "shop.users": model("pass"),
            "blog.users": model("pass"),
            "blog.posts": HEAD
            + "class Post(Base):\n    __tablename__ = 'p'\n    id = Column(Integer, primary_key=True)\n"
            "    user = relationship('User')\n    other = relationship('shop.users.User')\n",
            "api.users": "class User: ...\n",
        }
    )
    found = project.mapped("blog.posts.Post")
    assert found is not None
    assert found.relationships["user"].target == "blog.users.User"
    assert found.relationships["other"].target == "shop.users.User"


def test_targets_under_type_checking() -> None:
    project = declare(
        {
            "a": HEAD + "class A(Base):\n    __tablename__ = 'a'\n    id = Column(Integer, primary_key=True)\n",
            "b": HEAD + "if TYPE_CHECKING:\n    from a import A as Other\nclass B(Base):\n    __tablename__ = 'b'\n"
            "    id = Column(Integer, primary_key=True)\n    x: Mapped['Other'] = relationship()\n",
        }
    )
    found = project.mapped("b.B")
    assert found is not None
    assert found.relationships["x"].target == "a.A"
