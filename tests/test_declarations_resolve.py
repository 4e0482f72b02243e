"""What names stand for across files."""

from __future__ import annotations

import pytest

from lockcheck.declarations.linearise import linearise
from tests.test_declarations_project import declare

PROJECT = {
    "pkg.": "from pkg.models import Order\nfrom .tools import *\nfrom .run import run\n",
    "pkg.models": """
import sqlalchemy as sa
from sqlalchemy.orm import Session
class Order:
    class Line:
        number = 1
    default = Session
    def close(self): ...
class Special(Order):
    def open(self): ...
""",
    "pkg.tools": "from pkg.models import Special\n__all__ = []\ndef helper(): ...\ndef _hidden(): ...\n",
    "pkg.run": "def run(): ...\n",
    "pkg.use": """
import pkg.models
import pkg.models as shop
from pkg import Order as O, helper, run as start
from pkg import models
Alias = O
Chain = Alias
Loop = Pool
Pool = Loop
Self = Self
COUNT = 3
def f():
    from pkg.models import Special as Late
def g():
    from pkg.tools import helper as Late
class C:
    def m(self):
        import pkg.tools as r
""",
}


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("sorted", "builtins.sorted"),
        ("nowhere", "nowhere"),
        ("nowhere.x.y", "nowhere.x.y"),
        ("COUNT", "pkg.use.COUNT"),
        ("Loop", "pkg.use.Pool"),
        ("Self", "pkg.use.Self"),
        ("f", "pkg.use.f"),
        ("C.m", "pkg.use.C.m"),
        ("C.absent", "pkg.use.C.absent"),
        ("COUNT.bit_length", "pkg.use.COUNT.bit_length"),
        ("O", "pkg.models.Order"),
        ("Alias", "pkg.models.Order"),
        ("Chain", "pkg.models.Order"),
        ("Chain.Line", "pkg.models.Order.Line"),
        ("Chain.Line.number", "pkg.models.Order.Line.number"),
        ("pkg.models.Order", "pkg.models.Order"),
        ("pkg.Order", "pkg.models.Order"),
        ("shop.Order.close", "pkg.models.Order.close"),
        ("shop.Special.close", "pkg.models.Order.close"),
        ("shop.Special.Line", "pkg.models.Order.Line"),
        ("models.Special.open", "pkg.models.Special.open"),
        ("models", "pkg.models"),
        ("models.Session", "sqlalchemy.orm.Session"),
        ("models.sa.select", "sqlalchemy.select"),
        ("models.absent", "pkg.models.absent"),
        ("helper", "pkg.tools.helper"),
        ("pkg.Special", "pkg.models.Special"),
        ("pkg._hidden", "pkg._hidden"),
        ("start", "pkg.run.run"),
        ("Late", "pkg.models.Special"),
    ],
)
def test_names(dotted: str, expected: str) -> None:
    assert declare(PROJECT).resolve("pkg.use", dotted) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("pkg.use.f", "pkg.models.Special"),
        ("pkg.use.g", "pkg.tools.helper"),
        ("pkg.use.g.<locals>.inner", "pkg.tools.helper"),
        ("pkg.use.g#2", "pkg.tools.helper"),
        ("pkg.use.<body>", "pkg.models.Special"),
        (None, "pkg.models.Special"),
    ],
)
def test_names_in_functions(function: str | None, expected: str) -> None:
    assert declare(PROJECT).resolve("pkg.use", "Late", function) == expected


def test_a_method_has_its_own_imports() -> None:
    assert declare(PROJECT).resolve("pkg.use", "r.helper", "pkg.use.C.m") == "pkg.tools.helper"


def test_a_function_level_import_never_shadows_a_definition() -> None:
    project = declare("X = 1\ndef f():\n    from other import X, g\ndef g(): ...\n")
    assert project.resolve("m", "X") == "m.X"
    assert project.resolve("m", "g") == "m.g"
    assert project.resolve("m", "X", "m.f") == "other.X"


def test_a_definition_replaces_the_import_of_its_name() -> None:
    project = declare("from lib import Thing\nclass Thing(Thing): ...\n")
    assert project.resolve("m", "Thing") == "m.Thing"
    assert project.mro("m.Thing") == ("m.Thing",)


def test_an_optional_import_is_the_import() -> None:
    project = declare("try:\n    import sqlalchemy as sa\nexcept ImportError:\n    sa = None\n")
    assert project.resolve("m", "sa.select") == "sqlalchemy.select"


def test_circular_imports_end() -> None:
    project = declare(
        {
            "a": "from b import X\n",
            "b": "from a import X\n",
            "c": "from c import Y\nfrom d import *\n",
            "d": "from c import *\n",
        }
    )
    assert project.resolve("a", "X") in ("a.X", "b.X")
    assert project.resolve("c", "Y") == "c.Y"
    assert project.resolve("c", "Z") == "Z"


def test_names_of_an_outside_star_import() -> None:
    project = declare("from sqlalchemy import *\n")
    assert project.resolve("m", "select") == "sqlalchemy.select"
    assert project.resolve("m", "sorted") == "builtins.sorted"
    assert project.resolve("m", "_x") == "_x"


def test_the_same_name_in_two_modules() -> None:
    project = declare(
        {
            "db": "from sqlalchemy.orm import DeclarativeBase, Mapped\nclass B(DeclarativeBase): ...\n"
            "class Run(B):\n    __tablename__ = 'run'\n    id: Mapped[int] = mapped_column(primary_key=True)\n",
            "api": "from pydantic import BaseModel\nclass Run(BaseModel):\n    id: int\n",
            "use": "from api import Run\nfrom db import Run as Row\n",
        }
    )
    assert project.mapped("use.Run") is None
    assert project.mapped("use.Row") is not None


def test_a_submodule_is_an_attribute_of_its_package() -> None:
    project = declare({"p.": "", "p.q.": "", "p.q.r": "class X: ...", "m": "import p\nfrom p import q\n"})
    assert project.resolve("m", "p.q.r.X") == "p.q.r.X"
    assert project.resolve("m", "q.r.X") == "p.q.r.X"


# --- source roots that are not configured ---------------------------------------------------------------------------


def test_imports_below_a_folder_that_is_no_package() -> None:
    project = declare(
        {"backend.app.": "", "backend.app.models": "class X: ...", "backend.app.use": "from app.models import X\n"}
    )
    assert project.resolve("backend.app.use", "X") == "backend.app.models.X"


def test_the_nearest_of_two_such_folders() -> None:
    project = declare(
        {
            "one.app.": "",
            "one.app.models": "class X: ...",
            "two.app.": "",
            "two.app.models": "class X: ...",
            "two.app.use": "from app.models import X\n",
        }
    )
    assert project.resolve("two.app.use", "X") == "two.app.models.X"


def test_a_neighbour_without_a_package() -> None:
    project = declare(
        {
            "scripts.models": "class X: ...",
            "scripts.run": "from models import X\n",
            "other.run": "from models import X\n",
        }
    )
    assert project.resolve("scripts.run", "X") == "scripts.models.X"
    assert project.resolve("other.run", "X") == "models.X"


def test_a_module_inside_a_package_is_never_taken_for_an_outside_one() -> None:
    project = declare(
        {"p.": "", "p.requests": "def get(): ...", "p.use": "import requests\nimport logging\n", "p.logging": ""}
    )
    assert project.resolve("p.use", "requests.get") == "requests.get"
    assert project.resolve("p.use", "logging.getLogger") == "logging.getLogger"


def test_other_source_roots_with_the_same_modules() -> None:
    project = declare(
        {
            "app.": "",
            "app.models": "class X: ...",
            "app.use": "from app.models import X\nfrom app.only import Y\n",
            "app~2.": "",
            "app~2.models": "class X: ...",
            "app~2.only": "class Y: ...",
            "app~2.use": "from app.models import X\nfrom .models import X as R\nfrom app.first import Z\n",
            "app.first": "class Z: ...",
        }
    )
    assert project.resolve("app.use", "X") == "app.models.X"
    assert project.resolve("app.use", "Y") == "app~2.only.Y"
    assert project.resolve("app~2.use", "X") == "app~2.models.X"
    assert project.resolve("app~2.use", "R") == "app~2.models.X"
    assert project.resolve("app~2.use", "Z") == "app.first.Z"


# --- classes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class A: ...", ("m.A",)),
        ("class A(object): ...", ("m.A", "builtins.object")),
        ("class B: ...\nclass A(B): ...", ("m.A", "m.B")),
        ("from lib import B\nclass A(B): ...", ("m.A", "lib.B")),
        ("class A(Generic[T]): ...", ("m.A", "Generic")),
        ("class A(make()): ...", ("m.A", "make()")),
        ("class A(x[0](1)): ...", ("m.A", "?")),
        ("class A(A): ...", ("m.A",)),
        ("class A(B): ...\nclass B(A): ...", ("m.A", "m.B")),
        ("class D: ...\nclass B(D): ...\nclass C(D): ...\nclass A(B, C): ...", ("m.A", "m.B", "m.C", "m.D")),
        ("class B: ...\nclass C(B): ...\nclass A(B, C): ...", ("m.A", "m.B", "m.C")),
    ],
)
def test_ancestors(source: str, expected: tuple[str, ...]) -> None:
    assert declare(source).mro("m.A") == expected


def test_linearise_without_a_consistent_order_keeps_everything() -> None:
    assert linearise("A", [["B", "C"], ["C", "B"]], ["B", "C"]) == ("A", "B", "C")


def test_an_attribute_comes_with_its_class() -> None:
    project = declare("class A:\n    x = 1\n    def f(self): ...\nclass B(A):\n    y = 2\n")
    found = [project.attribute("m.B", name) for name in ("x", "y", "f", "z")]
    assert [item and item[0] for item in found] == ["m.A", "m.B", "m.A", None]


def test_a_folder_of_sources_that_is_a_package() -> None:
    """`src/__init__.py` makes no difference to those who have `src` on their path; other packages are none."""
    declarations = declare(
        {
            "src.": "",
            "src.shop.": "",
            "src.shop.models": "class Order: ...\n",
            "job": "from shop.models import Order\nfrom src.shop.models import Order as Same\n",
            "lib.": "",
            "lib.tools.": "",
            "lib.tools.models": "class Tool: ...\n",
            "src.shop.use": "from tools.models import Tool\n",
        }
    )
    assert declarations.resolve("job", "Order") == declarations.resolve("job", "Same") == "src.shop.models.Order"
    assert declarations.resolve("src.shop.use", "Tool") == "tools.models.Tool"
