"""What a project declares as a whole; `declare` makes one of sources by module name for the tests of its parts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest

from lockcheck.declarations.model import MappedClass, ModuleDeclarations
from lockcheck.declarations.project import Declarations, Missing
from lockcheck.declarations.read import read_module

COLUMNS = "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\nclass Base(DeclarativeBase):\n    pass\n"


def read(source: str, module: str = "m", *, is_package: bool = False) -> ModuleDeclarations:
    """The declarations of one file."""
    path = module.replace(".", "/") + ("/__init__.py" if is_package else ".py")
    return read_module(textwrap.dedent(source), module, path, is_package)


def declare(sources: Mapping[str, str] | str) -> Declarations:
    """The declarations of a project: sources by module name, packages by a name that ends in a dot."""
    if isinstance(sources, str):
        sources = {"m": sources}
    return Declarations.build(
        read(source, name.rstrip("."), is_package=name.endswith(".")) for name, source in sources.items()
    )


def mapped(sources: Mapping[str, str] | str, qualname: str) -> MappedClass:
    """A class that must be mapped."""
    found = declare(sources).mapped(qualname)
    assert found is not None
    return found


PROJECT = {
    "shop.": "",
    "shop.models": COLUMNS
    + """
class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

    def close(self):
        pass

class Gift(Order):
    pass
""",
    "shop.work": """
from shop.models import Order as O
Alias = O
LIMIT = 5
def run(): ...
class Runner:
    model = O
    def go(self): ...
class Fast(Runner):
    pass
""",
}


@pytest.mark.parametrize(
    "name", ["shop.work.run", "shop.work.Runner", "shop.models.Base", "shop.nowhere.Order", "", "x"]
)
def test_what_is_no_mapped_class_is_none(name: str) -> None:
    assert declare(PROJECT).mapped(name) is None


@pytest.mark.parametrize("name", ["shop.work.O", "shop.work.Alias", "shop.models.Order", "shop.work.Runner.model"])
def test_a_mapped_class_is_found_through_aliases(name: str) -> None:
    project = declare(PROJECT)
    assert project.mapped(name) is project.mapped("shop.models.Order")


def test_tables_hold_all_classes_of_a_table() -> None:
    tables = declare(PROJECT).tables
    assert {table: [item.qualname for item in found] for table, found in tables.items()} == {
        "orders": ["shop.models.Order", "shop.models.Gift"]
    }


def test_functions_and_methods_are_found() -> None:
    project = declare(PROJECT)
    found = [project.function(name) for name in ("shop.work.run", "shop.models.Order.close", "shop.work.O.close")]
    assert [item and item.qualname for item in found] == [
        "shop.work.run",
        "shop.models.Order.close",
        "shop.models.Order.close",
    ]
    assert project.function("shop.work.Runner") is None


def test_a_method_is_found_through_bases() -> None:
    project = declare(PROJECT)
    assert project.method("shop.work.Fast", "go") == "shop.work.Runner.go"
    assert project.method("shop.work.Fast", "model") is None
    assert project.method("shop.work.Fast", "absent") is None
    assert project.method("absent", "go") is None


def test_classes_through_aliases() -> None:
    project = declare(PROJECT)
    found = project.class_("shop.work.Alias")
    assert found is not None
    assert found.qualname == "shop.models.Order"
    assert project.class_("shop.work.LIMIT") is None
    assert project.mro("shop.work.Alias")[0] == "shop.models.Order"
    assert project.mro("shop.work.LIMIT") == ()


def test_unknown_and_none_differ() -> None:
    project = declare("A = None\nB = open('x')\n")
    assert project.constant("m.A") is None
    assert isinstance(project.constant("m.B"), Missing)
    assert isinstance(project.constant("m.C"), Missing)


def test_module_of_a_qualified_name() -> None:
    project = declare(PROJECT)
    assert project.module_of("shop.models.Order.id") == "shop.models"
    assert project.module_of("sqlalchemy.orm.Session") == ""
