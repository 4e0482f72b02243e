from __future__ import annotations

import pytest

from tests.reading_dump import dump_source, read


def returned(expression: str) -> str:
    source = f"async def f(p, q, *rest, **more):\n    return {expression}\n"
    text = dump_source(source)
    assert text.startswith("return ")
    return text.removeprefix("return ")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("None", "None"),
        ("True", "True"),
        ("12_000", "12000"),
        ("0x1F", "31"),
        ("-3", "-3"),
        ("+3", "3"),
        ("-2.5", "-2.5"),
        ("- -1", "1"),
        ("'text'", "'text'"),
        ("u'text'", "'text'"),
        ("r'a\\d'", repr("a\\d")),
        ("'tab\\t'", repr("tab\t")),
        ("'a' \"b\" '''c'''", "'abc'"),
        ("('a'\n        'b')", "'ab'"),
        ("...", "unknown()"),
        ("b'bytes'", "unknown()"),
        ("2j", "unknown()"),
    ],
)
def test_literals(expression: str, shown: str) -> None:
    assert returned(expression) == shown


def test_number_too_long_to_convert_is_unknown() -> None:
    assert returned("0x" + "f" * 10) == str(int("f" * 10, 16))
    assert returned("-True") == "(- True)"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("name", "name"),
        ("p", "%p"),
        ("(p)", "%p"),
        ("await p", "%p"),
        ("p.a.b", "%p.a.b"),
        ("p[q]", "%p[%q]"),
        ("p[0]", "%p[0]"),
        ("p[1:2]", "%p[:]"),
        ("p[g(1):2]", "%p[unknown(g(1)!0, 2)]"),
        ("p[1, 2]", "%p[(1, 2)]"),
        ("p[1,]", "%p[(1)]"),
        ("p[:, 1]", "%p[(:, 1)]"),
        ("not p", "(not %p)"),
        ("~p", "(~ %p)"),
        ("-p", "(- %p)"),
        ("p + q - 1", "((%p + %q) - 1)"),
        ("p + (q - 1)", "(%p + (%q - 1))"),
        ("p | q & 1", "(%p | (%q & 1))"),
        ("p ** q @ p // q % p << 1 >> 2 ^ q", "((((((%p ** %q) @ %p) // %q) % %p) << 1) >> 2) ^ %q"),
        ("p and q and 1", "(%p and %q and 1)"),
        ("p or q and 1", "(%p or (%q and 1))"),
        ("(p or q) and 1", "((%p or %q) and 1)"),
        ("p if q else 1", "(%p if %q else 1)"),
        ("p == q", "<%p == %q>!0"),
        ("1 < p <= q", "<1 < %p <= %q>!0"),
        ("p not in q", "<%p not in %q>!0"),
        ("p is not None", "<%p is not None>!0"),
        ("(p < q) != (q > p)", "<<%p < %q>!1 != <%q > %p>!2>!0"),
    ],
)
def test_operators(expression: str, shown: str) -> None:
    assert returned(expression) in {shown, f"({shown})"}


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("g()", "g()!0"),
        ("g(p, *rest, k=q, **more)", "g(%p, *%rest, k=%q, **%more)!0"),
        ("g(k=p, *rest)", "g(*%rest, k=%p)!0"),
        ("p.a(1).b(2)", "%p.a(1)!1.b(2)!0"),
        ("g(h(1), i(2))", "g(h(1)!1, i(2)!2)!0"),
        ("g(k=h(), *i())", "g(*i()!2, k=h()!1)!0"),
        ("h(1) if i(2) else j(3)", "(h(1)!0 if i(2)!1 else j(3)!2)"),
        ("[h(x) for x in i()]", "list<h(each(i()!1))!0 for i()!1>"),
        ("(await p.execute(g()))", "%p.execute(g()!1)!0"),
    ],
)
def test_calls_are_numbered_in_source_order(expression: str, shown: str) -> None:
    assert returned(expression) == shown


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("[]", "[]"),
        ("[p, *q]", "[%p, *%q]"),
        ("p, q", "(%p, %q)"),
        ("*p, q", "(*%p, %q)"),
        ("{p, 1}", "{%p, 1}"),
        ("{}", "{}"),
        ("{'k': p, **q}", "{'k': %p, **%q}"),
        ("[x for x in p]", "list<each(%p) for %p>"),
        ("{x.a for x in p if x if x.b}", "set<each(%p).a for %p if each(%p), each(%p).b>"),
        ("{k: v for k, v in p}", "dict<item0(each(%p)): item1(each(%p)) for %p>"),
        ("list(x for x in p)", "list(generator<each(%p) for %p>)!0"),
        ("[y for x in p for y in x.all]", "list<each(each(%p).all) for %p, each(%p).all>"),
        ("[x async for x in p]", "list<each(%p) for %p>"),
        ("[p for p in p]", "list<each(%p) for %p>"),
        ("[[x for x in y] for y in p]", "list<list<each(each(%p)) for each(%p)> for %p>"),
        ("([x for x in p], x)", "(list<each(%p) for %p>, x)"),
    ],
)
def test_displays_and_comprehensions(expression: str, shown: str) -> None:
    assert returned(expression) == shown


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("f''", "text()"),
        ("f'{{{p}}}'", "text('{', %p, '}')"),
        ("f'{p!r:>{g()}} {q=}'", "text(%p, g()!0, ' ', %q)"),
        ("'a' f'{p}' 'b'", "text('a', %p, 'b')"),
        ("f'{p:%Y}'", "text(%p)"),
        ("b'a' b'b'", "unknown(unknown(), unknown())"),
    ],
)
def test_formatted_strings(expression: str, shown: str) -> None:
    assert returned(expression) == shown


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("(n := g())", "g()!0"),
        ("[(n := g()), n]", "[g()!0, g()!0]"),
        ("[[(n := x) for x in p], n]", "[list<each(%p) for %p>, each(%p)]"),
        ("[p and (q := g()), q]", "[(%p and g()!0), one(%q | g()!0)]"),
        ("[(q := 1) if p else 2, q]", "[(1 if %p else 2), one(%q | 1)]"),
        ("lambda x: x + p", "function(m.f.<locals>.<lambda 0>)"),
        ("[lambda: 1, lambda: 2]", "[function(m.f.<locals>.<lambda 0>), function(m.f.<locals>.<lambda 1>)]"),
    ],
)
def test_named_expressions_and_lambdas(expression: str, shown: str) -> None:
    assert returned(expression) == shown


def test_yield_is_a_value_and_makes_a_generator() -> None:
    assert dump_source("def f(p):\n    got = yield p\n    yield from got\n    yield") == (
        "yield(%p)\nyield(yield(%p))\nyield(-)"
    )


def test_equal_names_and_literals_share_one_value() -> None:
    facts, _ = read("def f():\n    return [a, a, 1, 1, True]")
    assert len(facts.functions[0].values) == 4
