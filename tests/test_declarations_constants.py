"""Values of enums, constants and constant collections."""

from __future__ import annotations

import pytest

from lockcheck.declarations.model import Collection, EnumMember
from lockcheck.declarations.project import Missing
from tests.test_declarations_project import declare

STATES = """
import enum
from enum import Enum, auto
from typing import Literal, get_args

class Phase(str, Enum):
    IDLE = "idle"
    BUSY = "busy"
    DONE = "done"
    _private = "x"
    def __str__(self): return self.value

class Outer(str, enum.Enum):
    IDLE = Phase.IDLE
    LATE = "late"

class Names:
    IDLE = Phase.IDLE
    NONE = None
    open = frozenset([None, Phase.IDLE, Phase.BUSY])
    closed = frozenset({Phase.DONE})
    everything = open | closed
    all_of = (None, *Phase)
    first = IDLE
"""


def value(expression: str) -> object:
    return declare({"s": STATES, "m": f"from s import *\nimport s\nX = {expression}\n"}).constant("m.X")


def plain(found: object) -> object:
    """A collection's members as values, or what else a constant is."""
    if isinstance(found, Collection):
        if found.items is None:
            return f"some, none {found.has_none}"
        return {item.name if isinstance(item, EnumMember) else item for item in found.items}
    return found.name if isinstance(found, EnumMember) else found


@pytest.mark.parametrize(
    "expression",
    [
        "call()",
        "unknown",
        "sorted",
        "Phase",
        "s",
        "f'{x}'",
        "1 if y else 2",
        "x.y.z",
        "lambda: 1",
        "Names.absent",
        "2 * 3",
        "Phase.ABSENT",
        "Phase(1)",
        "Phase['ABSENT']",
        "...",
        "b'x'",
        "X",
    ],
)
def test_what_is_no_known_constant(expression: str) -> None:
    assert isinstance(value(expression), Missing)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("None", None),
        ("5", 5),
        ("-5", -5),
        ("'a' + 'b'", "ab"),
        ("True", True),
        ("Phase.IDLE", "IDLE"),
        ("s.Phase.IDLE", "IDLE"),
        ("Names.IDLE", "IDLE"),
        ("Names.first", "IDLE"),
        ("Names.NONE", None),
        ("Phase.IDLE.value", "idle"),
        ("Phase.IDLE.name", "IDLE"),
        ("Phase('busy')", "BUSY"),
        ("Phase['BUSY']", "BUSY"),
        ("str(Phase.BUSY)", "busy"),
        ("cast(str, Phase.BUSY)", "BUSY"),
    ],
)
def test_single_constants(expression: str, expected: object) -> None:
    assert plain(value(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("()", set()),
        ("[]", set()),
        ("set()", set()),
        ("frozenset()", set()),
        ("('a', 'b')", {"a", "b"}),
        ("{'a', None}", {"a", None}),
        ("{'a': 1, 'b': 2}", {"a", "b"}),
        ("{'a': 1}.keys()", {"a"}),
        ("dict.fromkeys(['a'])", {"a"}),
        ("Names.open", {None, "IDLE", "BUSY"}),
        ("list(Names.closed)", {"DONE"}),
        ("Names.everything", {None, "IDLE", "BUSY", "DONE"}),
        ("Names.all_of", {None, "IDLE", "BUSY", "DONE"}),
        ("Names.open | {'x'}", {None, "IDLE", "BUSY", "x"}),
        ("Names.open.union(Names.closed, ['y'])", {None, "IDLE", "BUSY", "DONE", "y"}),
        ("frozenset(Names.open).union(Names.closed)", {None, "IDLE", "BUSY", "DONE"}),
        ("(*Names.closed, None)", {"DONE", None}),
        ("{**{'a': 1}, 'b': 2}", {"a", "b"}),
        ("Names.open - {None}", {"IDLE", "BUSY"}),
        ("Names.open.difference([Phase.IDLE, None])", {"BUSY"}),
        ("Names.open & {None, 'x'}", {None}),
        ("Names.open.intersection(Names.closed)", set()),
        ("[*Phase]", {"IDLE", "BUSY", "DONE"}),
        ("list(Phase)", {"IDLE", "BUSY", "DONE"}),
        ("get_args(Literal['a', 'b'])", {"a", "b"}),
    ],
)
def test_collections(expression: str, expected: object) -> None:
    assert plain(value(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("tuple(s for s in Names.open if s is not None)", {"IDLE", "BUSY"}),
        ("[s for s in Names.open if s]", {"IDLE", "BUSY"}),
        ("[s for s in Names.open if not s]", {None}),
        ("[s for s in Names.open if s is None]", {None}),
        ("[s for s in Names.open if s != Phase.IDLE]", {None, "BUSY"}),
        ("[s for s in Phase]", {"IDLE", "BUSY", "DONE"}),
        ("[s.value for s in Phase if s in Names.closed]", {"done"}),
        ("{s for s in Names.all_of if s not in Names.open}", {"DONE"}),
        ("[s for s in Names.open if s and s != Phase.BUSY]", {"IDLE"}),
        ("{s: 1 for s in Names.closed}", {"DONE"}),
        ("[s for s in Names.open if check(s)]", "some, none None"),
        ("[make(s) for s in Names.open]", "some, none None"),
        ("[s for s in unknown if s is not None]", "some, none False"),
        ("[s for s in unknown if s]", "some, none False"),
        ("[s for s in unknown]", "some, none None"),
        ("[a for a, b in unknown]", "some, none None"),
    ],
)
def test_comprehensions(expression: str, expected: object) -> None:
    assert plain(value(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "has_none"),
    [
        ("[unknown, None]", True),
        ("[unknown, 'a']", None),
        ("[*unknown, None]", True),
        ("Names.open | other", True),
        ("Names.closed | other", None),
        ("other - {None}", False),
        ("Names.open - other", None),
        ("Names.closed - other", False),
        ("Names.closed & other", False),
        ("[('a', 1)]", False),
    ],
)
def test_none_is_known_where_not_all_members_are(expression: str, has_none: bool | None) -> None:
    found = value(expression)
    assert isinstance(found, Collection)
    assert (found.items, found.has_none) == (None, has_none)


def test_a_known_collection_knows_of_none() -> None:
    assert value("[1, None]") == Collection(frozenset({1, None}), has_none=True)
    assert value("[1, 2]") == Collection(frozenset({1, 2}), has_none=False)


def test_collections_through_several_modules() -> None:
    project = declare(
        {
            "a": "OPEN = (None, 'x')\n",
            "b": "from a import OPEN as O\nMORE = [*O, 'y']\n",
            "c.": "from b import MORE\n",
            "d": "import c\nSOME = tuple(s for s in c.MORE if s is not None)\n",
        }
    )
    assert plain(project.constant("d.SOME")) == {"x", "y"}
    assert plain(project.constant("c.MORE")) == {None, "x", "y"}


def test_a_collection_that_refers_to_itself_ends() -> None:
    project = declare("A = [*B, 1]\nB = [*A, 2]\nclass C:\n    x = x\n")
    assert isinstance(project.constant("m.A"), Collection)
    assert isinstance(project.constant("m.C.x"), Missing)


def test_augmented_collections() -> None:
    assert plain(declare("A = ['x']\nA += [None]\n").constant("m.A")) == {"x", None}
    assert plain(declare("A = ['x']\nA += other()\n").constant("m.A")) == "some, none None"


# --- enums ------------------------------------------------------------------------------------------------------------


def members(source: str) -> list[tuple[str, object]] | None:
    found = declare("import enum\nfrom enum import *\n" + source).enum("m.E")
    return None if found is None else [(member.name, member.value) for member in found]


@pytest.mark.parametrize("source", ["class E:\n    A = 1", "class E(Other):\n    A = 1", "E = 1", "def E(): ..."])
def test_no_enum(source: str) -> None:
    assert members(source) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class E(Enum):\n    A = 1\n    B = 'b'", [("A", 1), ("B", "b")]),
        ("class E(enum.IntEnum):\n    A = 1", [("A", 1)]),
        ("class E(Enum):\n    A = auto()\n    B = enum.auto()", [("A", "A"), ("B", "B")]),
        ("class E(StrEnum):\n    A = auto()", [("A", "a")]),
        ("class E(Enum):\n    A = 'a', 1\n    B = ('b', 2)", [("A", "a"), ("B", "b")]),
        ("class E(Enum):\n    a: int\n    _x = 1\n    __y = 2\n    A = 1\n    def f(self): ...", [("A", 1)]),
        ("class F(Enum):\n    def f(self): ...\nclass E(F):\n    A = 1", [("A", 1)]),
        ("class E(Enum):\n    A = None", [("A", None)]),
        ("class E(Enum):\n    A = 1\n    f = lambda self: 1\n    g = property(f)", [("A", 1)]),
    ],
)
def test_members(source: str, expected: list[tuple[str, object]]) -> None:
    assert members(source) == expected


def test_members_that_take_values_of_another_enum() -> None:
    found = declare({"s": STATES}).enum("s.Outer")
    assert found == (EnumMember("s.Outer", "IDLE", "idle"), EnumMember("s.Outer", "LATE", "late"))


def test_an_alias_of_a_member_is_that_member() -> None:
    project = declare("from enum import Enum\nclass E(Enum):\n    A = 1\n    B = A\n")
    assert project.enum("m.E") == (EnumMember("m.E", "A", 1),)
    assert project.constant("m.E.B") == EnumMember("m.E", "A", 1)
