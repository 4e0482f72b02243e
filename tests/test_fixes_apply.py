"""Edits applied to a text, and fixes that can be applied together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockcheck.findings import Edit, Fix, Place
from lockcheck.fixes.apply import OverlapError, apply, apply_all, select_compatible
from lockcheck.fixes.lines import Lines


def edit(text: str, start: int, end: int, new: str, path: str = "a.py") -> Edit:
    lines = Lines(text)
    return Edit(Place(path, *lines.position(start), *lines.position(end)), new)


def fix(*edits: Edit) -> Fix:
    return Fix("safe", "", edits)


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb", "a\r\nb\r\n", "a\rb", "\n\n", "ä€\n\u2028x\x0cy\n"])
def test_no_edits_change_nothing(text: str) -> None:
    assert apply(text, []) == text


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb", "a\r\nb\r\n", "a\rb", "\n\n", "ä€\n\u2028x\x0cy\n"])
def test_places_and_offsets_agree(text: str) -> None:
    lines = Lines(text)
    for offset in range(len(text) + 1):
        assert lines.offset(*lines.position(offset)) == offset


@pytest.mark.parametrize("place", [(0, 1), (3, 1), (1, 4), (1, 0)])
def test_place_outside_the_text(place: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no line"):
        apply("a\n", [Edit(Place("a.py", *place, *place), "x")])


def test_edits_of_one_text() -> None:
    text = "one\ntwo\n"
    edits = [edit(text, 4, 7, "2"), edit(text, 0, 0, "x"), edit(text, 0, 0, "y"), edit(text, 0, 0, "x")]
    assert apply(text, edits) == "xyone\n2\n"


def test_overlapping_edits_are_an_error() -> None:
    with pytest.raises(OverlapError):
        apply("abcdef", [edit("abcdef", 0, 3, "x"), edit("abcdef", 2, 4, "y")])


def test_several_files() -> None:
    edits = [edit("a", 0, 1, "b", "a.py"), edit("c", 0, 1, "d", "c.py")]
    assert apply_all({"a.py": "a", "c.py": "c", "e.py": "e"}, edits) == {"a.py": "b", "c.py": "d"}


TEXT = "import a\nuse(a)\nuse(b)\n"
IMPORT = edit(TEXT, 9, 9, "import b\n")


@pytest.mark.parametrize(
    ("fixes", "chosen"),
    [
        ([], []),
        ([fix(edit(TEXT, 9, 12, "x")), fix(edit(TEXT, 16, 19, "y"))], [0, 1]),
        ([fix(edit(TEXT, 9, 12, "x")), fix(edit(TEXT, 11, 14, "y")), fix(edit(TEXT, 16, 19, "z"))], [0, 2]),
        ([fix(edit(TEXT, 9, 12, "x")), fix(edit(TEXT, 12, 12, "y"))], [0]),
        ([fix(edit(TEXT, 9, 12, "x")), fix(edit(TEXT, 9, 12, "x", "b.py"))], [0, 1]),
        ([fix(IMPORT, edit(TEXT, 10, 12, "x")), fix(IMPORT, edit(TEXT, 16, 19, "y"))], [0, 1]),
        ([fix(IMPORT), fix(edit(TEXT, 9, 9, "import c\n"))], [0]),
    ],
)
def test_compatible(fixes: list[Fix], chosen: list[int]) -> None:
    assert select_compatible(fixes) == chosen


def test_equal_insertions_are_made_once() -> None:
    fixes = [fix(IMPORT, edit(TEXT, 16, 19, "x")), fix(IMPORT, edit(TEXT, 19, 22, "y"))]
    assert select_compatible(fixes) == [0]
    fixes = [fix(IMPORT, edit(TEXT, 16, 18, "x")), fix(IMPORT, edit(TEXT, 20, 22, "y"))]
    assert apply(TEXT, [e for f in fixes for e in f.edits]) == "import a\nimport b\nuse(a)\nxe(y\n"


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    text = draw(st.text("ab\r\n\tä ", max_size=40))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [(start, end, draw(st.text("xyz\n", max_size=4))) for start, end in pairs]


@given(edited())
def test_nothing_outside_the_spans_changes(case: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, changes = case
    after = apply(text, [edit(text, *change) for change in reversed(changes)])
    at = 0
    for start, end, new in changes:
        assert after.startswith(text[at:start] + new)
        after = after[len(text[at:start] + new) :]
        at = end
    assert after == text[at:]
