"""What is read from one file: imports, assignments, classes, functions."""

from __future__ import annotations

import pytest

from lockcheck.declarations.model import CallOf, Deferred, Literal_, Member, Name
from lockcheck.declarations.project import Missing
from tests.test_declarations_project import declare, read


@pytest.mark.parametrize("source", ["", "\n\n", "'''Only a docstring.'''", "pass", "if x: pass\nelse: pass"])
def test_a_file_that_declares_nothing(source: str) -> None:
    found = read(source)
    assert not found.imports
    assert not found.assignments
    assert not found.classes
    assert not found.functions
    assert not found.body_touches_database


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def f(:\n", SyntaxError),
        ("x = '\0'\n", (ValueError, SyntaxError)),
        ("x = " + "-" * 200_000 + "1", (RecursionError, MemoryError)),
    ],
)
def test_what_cannot_be_parsed_is_raised(source: str, error: type[BaseException]) -> None:
    with pytest.raises(error):
        read(source)


def test_a_warning_of_the_parser_is_no_error() -> None:
    assert read("x = '\\d'\n").assignments["x"].value == Literal_("\\d")


@pytest.mark.parametrize(
    ("statement", "name", "target"),
    [
        ("import a", "a", "a"),
        ("import a.b", "a", "a"),
        ("import a.b as c", "c", "a.b"),
        ("from a import b", "b", "a.b"),
        ("from a.b import c as d", "d", "a.b.c"),
        ("from . import x", "x", "pkg.sub.x"),
        ("from .x import y", "y", "pkg.sub.x.y"),
        ("from .. import x", "x", "pkg.x"),
        ("from ..x import y", "y", "pkg.x.y"),
        ("from ....x import y", "y", "x.y"),
    ],
)
def test_imports_are_absolute(statement: str, name: str, target: str) -> None:
    assert read(statement, "pkg.sub.mod").imports == {name: target}


def test_a_package_is_its_own_folder() -> None:
    found = read("from . import x\nfrom ..y import z\n", "pkg.sub", is_package=True)
    assert found.imports == {"x": "pkg.sub.x", "z": "pkg.y.z"}


def test_star_imports_are_modules() -> None:
    assert read("from a import *\nfrom .b import *\n", "pkg.m").star_imports == ("a", "pkg.b")


def test_module_level_imports_win() -> None:
    found = read(
        """
        from typing import TYPE_CHECKING
        def f():
            from late import A, B, C
        if TYPE_CHECKING:
            from typed import A, B
        else:
            from real import A
        """
    )
    assert (found.imports["A"], found.imports["B"], found.imports["C"]) == ("real.A", "typed.B", "late.C")
    assert found.function_imports == {"m.f": {"A": "late.A", "B": "late.B", "C": "late.C"}}


def test_imports_of_a_handler_lose() -> None:
    found = read("try:\n    from fast import X\nexcept ImportError:\n    from slow import X\n")
    assert found.imports == {"X": "fast.X"}


def test_imports_deep_in_functions_belong_to_the_outermost() -> None:
    found = read(
        """
        class C:
            def m(self):
                with x:
                    try:
                        def inner():
                            match y:
                                case 1:
                                    import deep
                    except E:
                        import caught
        """
    )
    assert found.function_imports == {"m.C.m": {"deep": "deep", "caught": "caught"}}


def test_the_last_assignment_wins_and_fallbacks_lose() -> None:
    found = read(
        """
        a = 1
        a = 2
        try:
            b = 1
        except ValueError:
            b = 2
        if TYPE_CHECKING:
            c = 1
        else:
            c = 2
        if not TYPE_CHECKING:
            d = 1
        else:
            d = 2
        """
    )
    values = {name: item.value for name, item in found.assignments.items()}
    assert values == {"a": Literal_(2), "b": Literal_(1), "c": Literal_(2), "d": Literal_(1)}


def test_assignments_of_all_kinds() -> None:
    found = read("a = b = 1\nc, d = 2, 3\ne: int\nf: int = 4\n(g) = 5\nh = [1]\nh += [2]\nx[0] = 6\ny.z = 7\n")
    assert sorted(found.assignments) == ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert found.assignments["d"].value == Literal_(3)
    assert found.assignments["e"].annotation == Name("int")
    assert found.assignments["e"].value is None


def test_calls_assigned_to_class_attributes_from_outside_are_kept() -> None:
    assert read("A.b = relationship(C)\n").assignments["A.b"].value == CallOf(Name("relationship"), (Name("C"),), ())


def test_class_members_under_conditions() -> None:
    found = read(
        """
        class C(Base, kind=1):
            a = 1
            if x:
                b = 2
                def f(self): ...
            try:
                c = 3
            except E:
                c = 4
        """
    ).classes["C"]
    assert [(item.name, item.value) for item in found.attributes] == [
        ("a", Literal_(1)),
        ("b", Literal_(2)),
        ("c", Literal_(3)),
    ]
    assert [method.qualname for method in found.methods] == ["m.C.f"]
    assert found.bases == (Name("Base"),)
    assert found.keywords == (("kind", Literal_(1)),)


def test_nested_classes_have_dotted_keys() -> None:
    found = read("class A:\n    class B:\n        class C:\n            def f(self): ...\n").classes
    assert list(found) == ["A", "A.B", "A.B.C"]
    assert found["A.B.C"].qualname == "m.A.B.C"
    assert found["A.B.C"].methods[0].owner == "m.A.B.C"


def test_functions_span_their_decorators() -> None:
    found = read("\n@one\n@two(\n    1\n)\nasync def f(a, /, b, *c, d=1, **e):\n    x = 1\n    return x\n").functions[
        "f"
    ]
    assert (found.first_line, found.last_line, found.is_async, found.owner) == (2, 8, True, None)
    assert found.parameters == ("a", "b", "*c", "d", "**e")
    assert found.decorators == (Name("one"), CallOf(Name("two"), (Literal_(1),), ()))


def test_nested_functions_have_no_entry() -> None:
    assert list(read("def f():\n    def g(): ...\n    class C:\n        def h(self): ...\n").functions) == ["f"]
    assert not read("def f():\n    class C: ...\n").classes


def test_every_definition_of_a_name_is_kept() -> None:
    found = read("if x:\n    def f(): ...\nelse:\n    def f(): ...\n").functions
    assert [(key, item.first_line) for key, item in found.items()] == [("f#2", 2), ("f", 4)]
    fallback = read("try:\n    class A: ...\nexcept E:\n    class A: ...\n").classes
    assert [(key, item.line) for key, item in fallback.items()] == [("A#2", 4), ("A", 2)]


def test_property_and_setter_are_both_methods() -> None:
    source = "class C:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, v): ...\n"
    assert [item.name for item in read(source).classes["C"].methods] == ["x", "x"]


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return String(9)", CallOf(Name("String"), (Literal_(9),), ())),
        ("'''Doc.'''\n    return 'x'", Literal_("x")),
        ("y = 1\n    return 'x'", None),
        ("pass", None),
        ("return", None),
        ("yield 1", None),
    ],
)
def test_the_result_of_a_function_that_only_returns(body: str, result: object) -> None:
    assert read(f"def f():\n    {body}\n").functions["f"].result == result


def test_expressions_that_are_no_dotted_names() -> None:
    found = read("a = f().g\nb = lambda: X\nc = f(*xs, k=1, **kw)\nd = x if y else z\n").assignments
    assert found["a"].value == Member(CallOf(Name("f"), (), ()), "g")
    assert found["b"].value == Deferred(Name("X"))
    assert isinstance(found["c"].value, CallOf)
    assert [name for name, _ in found["c"].value.keywords] == ["k", None]


def test_very_large_displays_are_no_declarations() -> None:
    assert type(read(f"x = [{'1, ' * 5000}]").assignments["x"].value).__name__ == "Other"


def test_imperative_mappings_are_found_anywhere() -> None:
    found = read("def start():\n    if x:\n        reg.map_imperatively(A, table, properties={})\nmapper(B, other)\n")
    assert [(call.args[0], line) for call, line in found.mapping_calls] == [(Name("B"), 4), (Name("A"), 3)]


@pytest.mark.parametrize("source", [" + ".join(["x"] * 5000), "".join(f"f{i}(" for i in range(90)) + ")" * 90])
def test_deeply_nested_expressions_are_no_trouble(source: str) -> None:
    try:
        found = declare(f"x = 1\ny = {source}\nz = 2\n")
    except (RecursionError, MemoryError, SyntaxError):
        pytest.skip("the parser of the running Python refuses so deep a nesting, so there is nothing to read")
    assert isinstance(found.constant("m.y"), Missing)
    assert found.constant("m.z") == 2


def test_long_chains_of_names_end() -> None:
    chain = "".join(f"a{number} = a{number + 1}\n" for number in range(3000))
    assert declare(chain + "a3000 = 1\n").constant("m.a2990") == 1
