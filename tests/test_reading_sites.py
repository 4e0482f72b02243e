from __future__ import annotations

import ast
import re
import sys
import sysconfig
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import libcst as cst
import pytest

from lockcheck.facts import Call, Compare, Extent, FunctionFacts, SiteKind, SliceSites
from lockcheck.reading.sites import KINDS, number, parse_slice, slice_node
from lockcheck.reading.slicing import source_lines
from tests.reading_dump import behaviour, declare


def sites_of(text: str) -> SliceSites:
    facts, problems = behaviour(text, declare(text))
    assert not problems
    return facts.slices[0]


def spans(text: str, kind: str) -> list[str]:
    """The source text at each place of a kind."""
    lines = [line.rstrip("\r\n") for line in source_lines(text)]
    found = []
    for place in getattr(sites_of(text), kind):
        covered = lines[place.line - 1 : place.end_line]
        covered[-1] = covered[-1][: place.end_column - 1]
        covered[0] = covered[0][place.column - 1 :]
        found.append("\n".join(covered))
    return found


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("def f(): pass", "call", []),
        ("def f(): a().b(c()).d()", "call", ["a().b(c()).d()", "a().b(c())", "a()", "c()"]),
        ("@d(1)\n@e()\ndef f(p: t()): pass", "call", ["d(1)", "e()", "t()"]),
        ("def f(p: t() = u(), *, q=v()) -> w(): x()", "call", ["t()", "u()", "v()", "w()", "x()"]),
        ("def f(a: A() = B(), /, b: C() = D()): pass", "call", ["A()", "B()", "C()", "D()"]),
        ("def f(*c: E(), d: F() = G(), **e: H()): pass", "call", ["E()", "F()", "G()", "H()"]),
        ("def f(): a(k=b(), *c(), **d())", "call", ["a(k=b(), *c(), **d())", "b()", "c()", "d()"]),
        ("def f(): x = {a(): b(), **c(), d(): e()}", "call", ["a()", "b()", "c()", "d()", "e()"]),
        ("def f(): return a() if b() else c()", "call", ["a()", "b()", "c()"]),
        ("def f(): x[a()] = b()", "call", ["a()", "b()"]),
        ("def f(): return [a() for b[c()] in d() if e() for g in h()]", "call", ["a()", "c()", "d()", "e()", "h()"]),
        ("def f(): return {a(): b() for c in d()}", "call", ["a()", "b()", "d()"]),
        ("def f():\n    class C(a(), *b(), k=c()):\n        d()", "call", ["a()", "b()", "c()", "d()"]),
        ("def f():\n    @a()\n    class C(b()): pass", "call", ["a()", "b()"]),
        ("def f():\n    for x in a():\n        b()\n    else:\n        c()", "call", ["a()", "b()", "c()"]),
        ("def f():\n    match a():\n        case B(x=1) if c(): d()", "call", ["a()", "c()", "d()"]),
        ("def f():\n    'é'; ß(ä()); '日本'.b(1)", "call", ["ß(ä())", "ä()", "'日本'.b(1)"]),
        ("def f(): return a < b() < c, (d == e) in g", "compare", ["a < b() < c", "(d == e) in g", "d == e"]),
        ("def f():\n    a.b = c.d = 1", "assign", ["a.b", "c.d"]),
        ("def f(): (a.b, *c.d), [e.f] = 1; g.h += 1; i.j: k.l = 1", "assign", ["a.b", "c.d", "e.f", "g.h", "i.j"]),
        ("def f():\n    for a.b in c.d: e.f = 1\n    with g.h as i.j: del k.l", "assign", ["a.b", "e.f", "i.j"]),
        ("def f():\n    a.b[c.d] = e.f; x[0].y = 1", "assign", ["x[0].y"]),
        ("def f():\n    x[[0 for a.b in c]].d = 1", "assign", ["x[[0 for a.b in c]].d", "a.b"]),
        ("def f():\n    try: a()\n    except: b()", "handler", ["except"]),
        ("def f():\n    try: a()\n    except A as e: b()", "handler", ["except A as e"]),
        ("def f():\n    try: a()\n    except (A,\n      B) as e : b()", "handler", ["except (A,\n      B) as e "]),
        ("def f():\n try:\n  try: a()\n  except B: b\n except C: c", "handler", ["except B", "except C"]),
        ("def f():\n    for a in b:\n        while c: d()", "loop", ["for a in b", "while c"]),
        ("async def f():\n    async for a in b: pass", "loop", ["async for a in b"]),
        ("def f():\n    with a as b, c: pass", "with_", ["with a as b, c"]),
        ("async def f():\n    async with a: pass", "with_", ["async with a"]),
    ],
)  # fmt: skip
def test_places(text: str, kind: str, expected: list[str]) -> None:
    assert spans(text, kind) == expected


def test_places_in_f_strings_are_counted_in_order() -> None:
    text = "def f():\n    return f'{a()!r:>{b()}} {c(d())}' f'{e()}', g()"
    inner = ["a()", "b()", "c(d())", "d()", "e()"]
    string = "f'{a()!r:>{b()}} {c(d())}' f'{e()}'"
    expected = inner if sys.version_info >= (3, 12) else [string] * 5
    assert spans(text, "call") == [*expected, "g()"]


def test_span_of_a_slice_covers_decorators() -> None:
    text = "class A:\n    @d\n    def f(self):\n        'é'\n        return 'ü'\n"
    assert sites_of(text).span == (2, 5, 5, 19)
    assert sites_of(text).qualname == "m.A.f"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with 3.12")
def test_type_parameters() -> None:
    text = "def f[T: a()](x: b()):\n    type X[U: (c() < 1)] = d()\n    class C[V: e()](g()): pass"
    assert spans(text, "call") == ["a()", "b()", "c()", "d()", "e()", "g()"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("def f():\n    g()\n", 1, 2), ("class A:\n    x = 1\n\n    @d\n    def f(self):\n        g()\n", 4, 6)],
)
def test_parse_slice_holds_the_function(text: str, first: int, last: int) -> None:
    module = parse_slice(text, first, last)
    node = slice_node(module)
    assert isinstance(node, cst.FunctionDef)
    assert [module.code_for_node(call) for call in number(node)["call"]] == ["g()"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a\n"]),
        ("a\n\nb", ["a\n", "\n", "b"]),
        ("a\r\nb\rc\n\n", ["a\r\n", "b\r", "c\n", "\n"]),
        ("a\x0cb\u2028c\n", ["a\x0cb\u2028c\n"]),
    ],
)
def test_source_lines(text: str, lines: list[str]) -> None:
    assert source_lines(text) == lines
    assert "".join(lines) == text


# --- a corpus: the standard library of the Python that runs the tests


def corpus() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    names = ["*.py", "asyncio/*.py", "concurrent/futures/*.py", "email/*.py", "importlib/**/*.py", "json/*.py"]
    names += ["logging/*.py", "multiprocessing/*.py", "unittest/*.py", "xml/**/*.py"]
    paths = sorted({path for name in names for path in root.glob(name)})
    return sorted(paths, key=lambda path: path.stat().st_size)[:200]


def plain_kind(node: ast.AST) -> SiteKind | None:
    match node:
        case ast.Call():
            return "call"
        case ast.Compare():
            return "compare"
        case ast.ExceptHandler():
            return "handler"
        case ast.Attribute(ctx=ast.Store()):
            return "assign"
        case ast.For() | ast.AsyncFor() | ast.While():
            return "loop"
        case ast.With() | ast.AsyncWith():
            return "with"
        case _:
            return None


def plain_counts(tree: ast.AST) -> Counter[SiteKind | None]:
    """How often each kind of construct occurs, by nothing but `ast.walk`."""
    return Counter(map(plain_kind, ast.walk(tree)))


def referred(step: Any) -> list[int]:
    """The numbers of values and sites that steps hold."""
    if isinstance(step, Extent):
        return []
    if isinstance(step, tuple):
        return [index for part in step for index in referred(part)]
    return [step] if isinstance(step, int) else []


def assert_sound(function: FunctionFacts, places: SliceSites) -> None:
    """No step or value names a value or site that does not exist."""
    for value in function.values:
        if isinstance(value, (Call, Compare)):
            assert 0 <= value.site < len(places.call if isinstance(value, Call) else places.compare)
    largest = max([len(function.values) - 1, *(len(kind) for kind in places[2:])])
    assert all(0 <= index <= largest for index in referred(function.body))


def source_segment(lines: list[str], at: Any) -> str:
    covered = lines[at.line - 1 : at.end_line]
    covered[-1] = covered[-1][: at.end_column - 1]
    covered[0] = covered[0][at.column - 1 :]
    return "".join("".join(covered).split())


def assert_same_constructs(text: str, places: SliceSites) -> None:
    """`number` finds, for each place, the construct whose source stands there."""
    module = parse_slice(text, places.span.line, places.span.end_line)
    numbered = number(slice_node(module))
    lines = source_lines(text)
    exact = sys.version_info >= (3, 12) or not re.search("[fF][rR]?['\"]", text)
    for kind, at in zip(KINDS, places[2:], strict=True):
        assert len(numbered[kind]) == len(at)
        if kind in {"call", "compare", "assign"} and exact:
            codes = [module.code_for_node(node.with_changes(lpar=(), rpar=())) for node in numbered[kind]]
            sources = [source_segment(lines, place) for place in at]
            written = ["".join(code.split()) for code in codes]
            if kind == "call":  # one in a chain over several lines begins at its method's name
                assert all(code.endswith(source) for code, source in zip(written, sources, strict=True))
            else:
                assert written == sources


@pytest.mark.server
def test_the_standard_library_is_read_without_a_problem() -> None:
    functions = 0
    for path in corpus():
        text = path.read_bytes().decode("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            declarations = declare(text, body=True)
            counts = plain_counts(ast.parse(text))
        facts, problems = behaviour(text, declarations)
        assert not problems, path
        *outermost, body = facts.slices
        for places in outermost:
            assert_same_constructs(text, places)
        assert [len(kind) for kind in body[2:]] == [counts[kind] for kind in KINDS]
        for function in facts.functions:
            assert_sound(function, facts.slices[function.sites])
        functions += len(facts.functions)
    assert functions > 2000
