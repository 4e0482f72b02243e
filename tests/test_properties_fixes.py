"""What every fix keeps: programs in many layouts are fixed on disk, as a user would do it."""

from __future__ import annotations

import ast
import io
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lockcheck import api
from lockcheck import settings as configuration
from lockcheck.findings import Finding
from tests.profiles import examples
from tests.programs import HEAD, Program, Spelling, programs, spellings

DIALECTS = ("", 'dialects = ["postgresql"]', 'dialects = ["sqlite"]', 'dialects = ["mysql", "postgresql"]')


def kinds(findings: Iterable[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding.code, finding.symbol) for finding in findings)


def fixed_twice(source: bytes, dialects: str, *, preview: bool = True) -> tuple[bytes, Counter[tuple[str, str]]]:
    """The file after fixing it twice, and the findings that came; asserts what holds of any file."""
    with tempfile.TemporaryDirectory() as name:
        root, file = Path(name), Path(name) / "app.py"
        (root / "pyproject.toml").write_text(f"[tool.lockcheck]\n{dialects}\n", encoding="utf-8")
        file.write_bytes(source)
        chosen = configuration.load(root, overrides=configuration.Overrides(preview=preview))
        everything = configuration.load(root, overrides=configuration.Overrides(preview=True))
        before = api.analyse([root], everything)
        first = api.fix([root], chosen, unsafe=True, diff=False)
        after, report = file.read_bytes(), api.analyse([root], everything)
        second = api.fix([root], chosen, unsafe=True, diff=False)
        assert not before.problems
        assert not first.report.problems
        assert not first.bound_hit
        assert (second.applied, file.read_bytes()) == (0, after), "fixed again, the file changes again"
        return after, kinds(report.findings) - kinds(before.findings)


def decoded(source: bytes) -> str:
    return source.decode(tokenize.detect_encoding(io.BytesIO(source).readline)[0])


@settings(max_examples=examples(15))
@given(program=programs(), spelling=spellings, dialects=st.sampled_from(DIALECTS))
def test_fixing_keeps_all_else(program: Program, spelling: Spelling, dialects: str) -> None:
    source = spelling.encoded(program.text)
    ast.parse(source)
    note(program.text)
    after, new = fixed_twice(source, dialects)
    note(decoded(after))
    ast.parse(after)
    assert not new
    assert after.startswith(b"\xef\xbb\xbf") == spelling.mark
    at = 0
    for piece in program.kept:
        at = decoded(after).find(spelling.of(piece), at)
        assert at >= 0, f"changed: {piece!r}"
        at += len(spelling.of(piece))
    assert at == len(decoded(after))


@settings(max_examples=examples(6))
@given(program=programs(), spelling=spellings, dialects=st.sampled_from(DIALECTS))
def test_layout_makes_no_difference(program: Program, spelling: Spelling, dialects: str) -> None:
    plain, _ = fixed_twice(program.text.encode(), dialects)
    spelled, _ = fixed_twice(spelling.encoded(program.text), dialects)
    assert ast.dump(ast.parse(spelled)) == ast.dump(ast.parse(plain))
    if spelling.newline == "\r\n":
        assert b"\n" not in spelled.replace(b"\r\n", b"")


def test_many_programs_are_fixed() -> None:
    """Else the properties above would be about nothing."""
    counted: Counter[str] = Counter()

    @settings(max_examples=6)
    @given(program=programs(), spelling=spellings)
    def count(program: Program, spelling: Spelling) -> None:
        source = spelling.encoded(program.text)
        after, _ = fixed_twice(source, DIALECTS[1])
        counted["changed in work()"] += decoded(after)[len(HEAD) :] != decoded(source)[len(HEAD) :]
        counted["all"] += 1

    count()
    assert counted["changed in work()"] > counted["all"] / 4


@pytest.mark.parametrize("mark", [False, True])
def test_no_program_is_left_alone(*, mark: bool) -> None:
    """A file without anything to fix stays as it is, byte for byte."""
    source = Spelling("\r\n", "\t", mark).encoded('"""ä"""\n\n\ndef f(session):\n    return session . info\n')
    assert fixed_twice(source, "") == (source, Counter())
