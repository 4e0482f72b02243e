from __future__ import annotations

import ast
import sys
import warnings

import pytest

from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations
from lockcheck.facts import FunctionFacts
from lockcheck.reading.gather import read_behaviour
from tests.reading_dump import behaviour, declare, dump, read, show


def functions(source: str, *, body: bool = False) -> dict[str, FunctionFacts]:
    facts, problems = read(source, body=body)
    assert not problems
    names = [function.qualname for function in facts.functions]
    assert len(set(names)) == len(names)
    return dict(zip(names, facts.functions, strict=True))


def parameters(function: FunctionFacts) -> list[str]:
    def shown(name: str, kind: str, annotation: int | None, default: int | None) -> str:
        typed = "" if annotation is None else f": {show(function, annotation)}"
        return f"{kind} {name}{typed}" + ("" if default is None else f" = {show(function, default)}")

    return [shown(*parameter) for parameter in function.parameters]


def test_a_file_without_chosen_functions_has_no_facts() -> None:
    declarations = ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {}, False)
    facts, problems = read_behaviour("def f(): g()\n", declarations)
    assert (facts.module, facts.path) == ("m", "m.py")
    assert (facts.slices, facts.functions, problems) == ((), (), ())


def test_only_functions_that_touch_the_database_are_read() -> None:
    text = "def f():\n    g()\n\ndef h():\n    i()\n"
    f, h = declare(text).functions.values()
    untouched = FunctionDeclaration("m.h", "h", None, (), (), h.first_line, h.last_line, False, False)
    declarations = ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {"f": f, "h": untouched}, False)
    facts, _ = behaviour(text, declarations)
    assert [function.qualname for function in facts.functions] == ["m.f"]


def test_parameters() -> None:
    function = functions("def f(a, b: int, /, c: 'T' = 1, *d: X, e, g=h(), **i): pass")["m.f"]
    assert parameters(function) == [
        "positional a",
        "positional b: int",
        "positional c: 'T' = 1",
        "varargs d: X",
        "keyword e",
        "keyword g = h()!0",
        "varkeywords i",
    ]
    assert function.bindings[0] == ("a", function.bindings[0][1])
    assert show(function, dict(function.bindings)["a"]) == "%a"


def test_defaults_do_not_see_the_parameters() -> None:
    assert parameters(functions("def f(a, b=a): pass")["m.f"]) == ["positional a", "positional b = a"]


def test_decorators() -> None:
    function = functions("@one\n@two(3)\ndef f(): pass")["m.f"]
    assert [show(function, value) for value in function.decorators] == ["one", "two(3)!0"]
    assert function.body == ()


def test_methods_have_owners() -> None:
    found = functions("class A:\n    class B:\n        def f(self): pass\n    async def g(self): pass\n")
    assert {name: function.owner for name, function in found.items()} == {"m.A.B.f": "m.A.B", "m.A.g": "m.A"}
    assert [function.is_async for function in found.values()] == [False, True]
    assert {function.parent for function in found.values()} == {None}


def test_nested_functions_follow_their_outermost_function() -> None:
    found = functions(
        """
        def f(p):
            def g(q=p.a(), *, r=1):
                def h(): return q
                return lambda: h
            return g, lambda x: x

        def last(): pass
        """
    )
    assert {name: function.parent for name, function in found.items()} == {
        "m.f": None,
        "m.f.<locals>.g": "m.f",
        "m.f.<locals>.g.<locals>.h": "m.f.<locals>.g",
        "m.f.<locals>.g.<locals>.<lambda 0>": "m.f.<locals>.g",
        "m.f.<locals>.<lambda 1>": "m.f",
        "m.last": None,
    }
    assert [function.sites for function in found.values()] == [0, 0, 0, 0, 0, 1]
    assert dump(found["m.f"]) == ("%p.a()!0\nreturn (function(m.f.<locals>.g), function(m.f.<locals>.<lambda 1>))")
    assert parameters(found["m.f.<locals>.g"]) == ["positional q = p.a()!0", "keyword r = 1"]
    assert dump(found["m.f.<locals>.<lambda 1>"]) == "return %x"


def test_decorators_of_nested_functions_run_where_they_stand() -> None:
    found = functions("def f(p):\n    @p.task(1)\n    def g(): pass\n    return g")
    assert dump(found["m.f"]) == "%p.task(1)!0\nreturn function(m.f.<locals>.g)"
    nested = found["m.f.<locals>.g"]
    assert [show(nested, value) for value in nested.decorators] == ["p.task(1)!0"]


def test_lambdas_in_defaults_are_read_once() -> None:
    found = functions("def f():\n    def g(k=lambda: 1): pass")
    assert list(found) == ["m.f", "m.f.<locals>.<lambda 0>", "m.f.<locals>.g"]
    assert parameters(found["m.f.<locals>.g"]) == ["positional k = function(m.f.<locals>.<lambda 0>)"]


def test_classes_in_functions_are_unknown_and_their_sites_count() -> None:
    found = functions("def f():\n    class C(g()):\n        x = h()\n        def m(self): i()\n    return C, j()")
    assert list(found) == ["m.f"]
    assert dump(found["m.f"]) == "return (unknown(), j()!3)"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(): pass\ndef f(): pass\n", ["m.f#2", "m.f"]),
        ("if a:\n    def f(): pass\nelif b:\n    def f(): pass\nelse:\n    def f(): pass\n", ["m.f#2", "m.f#3", "m.f"]),
        (
            "class A:\n    @property\n    def x(self): pass\n    @x.setter\n    def x(self, v): pass\n",
            ["m.A.x#2", "m.A.x"],
        ),
        (
            "def f(p):\n    if p:\n        def g(): return 1\n    else:\n        def g(): return 2\n    return g",
            ["m.f", "m.f.<locals>.g#2", "m.f.<locals>.g"],
        ),
    ],
)
def test_the_last_of_several_definitions_keeps_the_plain_name(source: str, names: list[str]) -> None:
    assert list(functions(source)) == names


def test_a_fallback_does_not_take_the_plain_name() -> None:
    text = "try:\n    def f(): pass\nexcept E:\n    def f(): pass\n"
    first, last = declare(text).functions.values()
    declarations = ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {"f#4": last, "f": first}, False)
    facts, _ = behaviour(text, declarations)
    assert [function.qualname for function in facts.functions] == ["m.f", "m.f#2"]


def test_both_definitions_of_a_nested_function_are_joined() -> None:
    found = functions("def f(p):\n    def g(): return 1\n    if p:\n        def g(): return 2\n    return g")
    assert dump(found["m.f"]).endswith("return one(function(m.f.<locals>.g) | function(m.f.<locals>.g#2))")


@pytest.mark.parametrize(
    ("body", "generator"),
    [
        ("return 1", False),
        ("yield 1", True),
        ("return\nyield", True),
        ("return [x for x in p]", False),
        ("return lambda: (yield)", False),
        ("def g():\n    yield", False),
        ("x = yield from p", True),
    ],
)
def test_generators(body: str, generator: bool) -> None:
    source = "def f(p):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    assert functions(source)["m.f"].is_generator is generator


def test_bindings_are_the_names_at_the_end() -> None:
    function = functions("def f(p):\n    x = 1\n    del p\n    if x:\n        return 1\n    x = 2\n    return x")["m.f"]
    assert {name: show(function, value) for name, value in function.bindings} == {"x": "2"}


def test_bindings_where_every_branch_leaves() -> None:
    source = "def f(p):\n    if p:\n        x = 1\n        return x\n    else:\n        x = 2\n        return x"
    function = functions(source)["m.f"]
    assert show(function, dict(function.bindings)["x"]) == "one(1 | 2)"


def test_module_bodies() -> None:
    found = functions(
        """
        engine = make(1)
        def f(): g()
        class A:
            x = h()
        class B:
            class C:
                run(x)
        with Session(engine) as session:
            session.execute(f())
        """,
        body=True,
    )
    body = found["m.<body>"]
    assert dump(body) == "make(1)!0\nwith !0 Session(make(1)!0)!4:\n  entered(Session(make(1)!0)!4).execute(f()!6)!5"
    assert {name: show(body, value) for name, value in body.bindings} == {
        "engine": "make(1)!0",
        "f": "f",
        "A": "A",
        "B": "B",
        "session": "entered(Session(make(1)!0)!4)",
    }
    assert list(found) == ["m.f", "m.<body>", "m.B.C.<body>"]
    inner = found["m.B.C.<body>"]
    assert (dump(inner), inner.owner, inner.sites) == ("run(x)!3", "m.B.C", body.sites)


def test_a_body_is_left_alone_when_it_does_not_touch_the_database() -> None:
    assert list(functions("run()\ndef f(): pass")) == ["m.f"]


def test_text_of_strings_over_several_lines_is_kept() -> None:
    found = functions('class A:\n    def f(self):\n        return """a\n    b"""\n')
    assert dump(found["m.A.f"]) == "return 'a\\n    b'"


@pytest.mark.parametrize("indent", ["\t", "  ", "        "])
def test_any_indentation(indent: str) -> None:
    text = f"class A:\n{indent}@d\n{indent}def f(self):\n{indent}{indent}return g(\n1)\n"
    facts, problems = behaviour(text, declare(text))
    assert not problems
    assert dump(facts.functions[0]) == "return g(1)!0"


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends(newline: str) -> None:
    text = "class A:\n    def f(self):\n        g()\n        return h()\n".replace("\n", newline)
    facts, problems = behaviour(text, declare(text))
    assert not problems
    assert [place.line for place in facts.slices[0].call] == [3, 4]


@pytest.mark.parametrize("end", ["\\\n        # comment\n", "\\\n\n", "# comment \\\n", "# \\"])
def test_backslashes_behind_the_last_statement(end: str) -> None:
    text = f"class A:\n    def f(self):\n        return g() {end}"
    later = "" if end == "# \\" else "    def h(self): pass\n"
    facts, problems = behaviour(text + later, declare(text + later))
    assert not problems
    assert dump(facts.functions[0]) == "return g()!0"


def test_separators_that_are_no_line_ends() -> None:
    text = "x = '\x0c \x1c \x85 \u2028'\ndef f():\n    return g('\x0b\u2029')\n"
    facts, problems = behaviour(text, declare(text))
    assert not problems
    assert facts.slices[0].call[0][:2] == (3, 12)


def test_invalid_escapes_do_not_warn() -> None:
    text = "def f():\n    return '\\d', b'\\d'\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        declarations = declare(text)
    facts, problems = behaviour(text, declarations)
    assert not problems
    assert dump(facts.functions[0]) == "return ('\\\\d', unknown())"


def _declared(lines: int) -> ModuleDeclarations:
    function = FunctionDeclaration("m.f", "f", None, (), (), 1, lines, False, True)
    return ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {"f": function}, False)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(" * 5000 + ")" * 5000, ""),
        ("not " * 5000 + "p", "nested too deeply"),
        ("p" + ".a()" * 5000, "nested too deeply"),
        (" + ".join(["p"] * 5000), "nested too deeply"),
        ("lambda: " * 5000 + "p", "nested too deeply"),
        ("p if p else " * 5000 + "p", ""),
        (" and ".join(["p"] * 60_000), "nested too deeply"),
        ("p p", "syntax"),
        ("'\0'", ""),
        ("'\ud800'", ""),
    ],
)
def test_what_cannot_be_read_is_a_problem(expression: str, message: str) -> None:
    text = f"def f(p):\n    return {expression}\n\n\ndef g(): h()\n"
    good = FunctionDeclaration("m.g", "g", None, (), (), 5, 5, False, True)
    declarations = _declared(2)
    both = ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {**declarations.functions, "g": good}, False)
    facts, problems = read_behaviour(text, both)
    assert [function.qualname for function in facts.functions] == ["m.g"]
    assert facts.functions[0].sites == 0
    assert [(problem.path, problem.line in {1, 2}) for problem in problems] == [("m.py", True)]
    assert problems[0].message.startswith("m.f was not read: ")
    assert message in problems[0].message


def test_a_high_recursion_limit_does_not_let_the_parser_overflow() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(60_000)
    try:
        _, problems = read_behaviour(f"def f(p):\n    return {'not ' * 900}p\n", _declared(2))
    finally:
        sys.setrecursionlimit(limit)
    assert [problem.message for problem in problems] == ["m.f was not read: its expressions are nested too deeply"]


def test_lines_that_hold_no_function_are_a_problem() -> None:
    text = "x = 1\n"
    facts, problems = read_behaviour(text, _declared(1))
    assert (facts.functions, len(problems)) == ((), 1)


def test_a_problem_stands_at_its_own_line() -> None:
    text = "class A:\n    def f(self):\n        x = 1\n        x x\n"
    function = FunctionDeclaration("m.f", "f", None, (), (), 2, 4, False, True)
    declarations = ModuleDeclarations("m", "m.py", False, {}, {}, (), {}, {}, {"f": function}, False)
    _, problems = read_behaviour(text, declarations)
    assert [problem.line for problem in problems] == [4]


def test_long_chains_that_do_not_nest_are_read() -> None:
    strings = "\n".join(f"        'part {index}'" for index in range(3000))
    arguments = ", ".join(f"g({index})" for index in range(3000))
    found = functions(f"def f(p):\n    return h({arguments},\n{strings}\n    )")
    assert len(found["m.f"].values) > 6000


def test_sites_that_disagree_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = ast.parse
    monkeypatch.setattr("lockcheck.reading.positions.ast.parse", lambda text: parse(text.replace("g()", "g")))
    text = "def f():\n    g()\n"
    facts, problems = read_behaviour(text, _declared(2))
    assert facts.functions == ()
    assert "m.f was not read" in problems[0].message
