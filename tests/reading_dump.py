"""Facts as readable text, and declarations for a snippet, for the tests of reading.

A value is written out where it is used: `session.execute(stmt)!0` is call 0 of its slice. A parameter is `%name`, a
join `one(a | b)`; where a join contains itself, `^` stands for it.
"""

from __future__ import annotations

import ast
import warnings
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from lockcheck import facts as f
from lockcheck.declarations.model import ClassDeclaration, FunctionDeclaration, ModuleDeclarations
from lockcheck.reading.gather import gather, read_behaviour

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockcheck.findings import Problem


def declare(text: str, module: str = "m", *, body: bool = False) -> ModuleDeclarations:
    """Declarations under which every outermost function of a text is read."""
    functions: dict[str, FunctionDeclaration] = {}
    classes: dict[str, ClassDeclaration] = {}
    _declare(ast.parse(text).body, f"{module}.", functions, classes)
    return ModuleDeclarations(module, f"{module}.py", False, {}, {}, (), {}, classes, functions, body)


def _declare(
    statements: Iterable[ast.AST],
    prefix: str,
    functions: dict[str, FunctionDeclaration],
    classes: dict[str, ClassDeclaration],
    owner: str | None = None,
) -> None:
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions[f"{node.name}@{node.lineno}"] = _function(node, prefix, owner)
        elif isinstance(node, ast.ClassDef):
            methods: dict[str, FunctionDeclaration] = {}
            qualname = f"{prefix}{node.name}"
            _declare(node.body, f"{qualname}.", methods, classes, qualname)
            declared = ClassDeclaration(qualname, node.name, (), (), (), (), tuple(methods.values()), node.lineno)
            classes[f"{qualname}@{node.lineno}"] = declared
        elif isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            _declare(ast.iter_child_nodes(node), prefix, functions, classes, owner)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str, owner: str | None) -> FunctionDeclaration:
    return FunctionDeclaration(
        qualname=f"{prefix}{node.name}",
        name=node.name,
        owner=owner,
        parameters=(),
        decorators=(),
        first_line=min(item.lineno for item in (node, *node.decorator_list)),
        last_line=node.end_lineno or node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        touches_database=True,
    )


def read(source: str, *, body: bool = False) -> tuple[f.ModuleFacts, tuple[Problem, ...]]:
    text = dedent(source)
    return behaviour(text, declare(text, body=body))


def behaviour(text: str, declarations: ModuleDeclarations) -> tuple[f.ModuleFacts, tuple[Problem, ...]]:
    """What is read of a file that has been parsed, which is what is read of its slices alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    found = gather(text, declarations, {}, tree)
    assert (found.facts, found.problems) == read_behaviour(text, declarations)
    return found.facts, found.problems


def dump(function: f.FunctionFacts) -> str:
    """The steps of a function, one a line."""
    return "\n".join(_Dump(function).block(function.body, ""))


def dump_source(source: str) -> str:
    """The steps of the first function in a text, which must be read without a problem."""
    facts, problems = read(source)
    assert not problems
    return dump(facts.functions[0])


def show(function: f.FunctionFacts, value: f.Id) -> str:
    """One value of a function."""
    return _Dump(function).value(value)


class _Dump:
    def __init__(self, function: f.FunctionFacts) -> None:
        self.values = function.values
        self.open: list[f.Id] = []

    def value(self, index: f.Id | None) -> str:
        if index is None:
            return "-"
        if index in self.open:
            return "^"
        self.open.append(index)
        value: Any = self.values[index]
        text = getattr(self, f"show_{type(value).__name__.lower()}", self.show_other)(value)
        self.open.pop()
        return str(text)

    def all(self, values: Iterable[f.Id | None], separator: str = ", ") -> str:
        return separator.join(map(self.value, values))

    def args(self, args: Iterable[f.Arg]) -> list[str]:
        return [f"{'*' if item.starred else ''}{self.value(item.value)}" for item in args]

    def show_const(self, value: f.Const) -> str:
        return repr(value.value)

    def show_name(self, value: f.Name) -> str:
        return value.name

    def show_param(self, value: f.Param) -> str:
        return f"%{value.name}"

    def show_attr(self, value: f.Attr) -> str:
        return f"{self.value(value.base)}.{value.name}"

    def show_call(self, value: f.Call) -> str:
        args = self.args(value.args)
        args += [f"{f'{item.name}=' if item.name else '**'}{self.value(item.value)}" for item in value.keywords]
        return f"{self.value(value.func)}({', '.join(args)})!{value.site}"

    def show_item(self, value: f.Item) -> str:
        return f"item{value.index}({self.value(value.base)})"

    def show_subscript(self, value: f.Subscript) -> str:
        return f"{self.value(value.base)}[{self.value(value.index)}]"

    def show_slice(self, _value: f.Slice) -> str:
        return ":"

    def show_each(self, value: f.Each) -> str:
        return f"each({self.value(value.iterable)})"

    def show_sequence(self, value: f.Sequence) -> str:
        brackets = {"list": "[{}]", "tuple": "({})", "set": "{{{}}}"}[value.kind]
        return brackets.format(", ".join(self.args(value.items)))

    def show_dict(self, value: f.Dict) -> str:
        pairs = [f"{self.value(k)}: {self.value(v)}" if k is not None else f"**{self.value(v)}" for k, v in value.items]
        return f"{{{', '.join(pairs)}}}"

    def show_comprehension(self, value: f.Comprehension) -> str:
        key = f"{self.value(value.key)}: " if value.key is not None else ""
        conditions = f" if {self.all(value.conditions)}" if value.conditions else ""
        return f"{value.kind}<{key}{self.value(value.element)} for {self.all(value.iterables)}{conditions}>"

    def show_compare(self, value: f.Compare) -> str:
        parts = [self.value(value.operands[0])]
        for operator, operand in zip(value.operators, value.operands[1:], strict=True):
            parts += [operator, self.value(operand)]
        return f"<{' '.join(parts)}>!{value.site}"

    def show_boolean(self, value: f.Boolean) -> str:
        return f"({self.all(value.operands, f' {value.operator} ')})"

    def show_binary(self, value: f.Binary) -> str:
        return f"({self.value(value.left)} {value.operator} {self.value(value.right)})"

    def show_unary(self, value: f.Unary) -> str:
        return f"({value.operator} {self.value(value.operand)})"

    def show_choice(self, value: f.Choice) -> str:
        return f"({self.value(value.body)} if {self.value(value.test)} else {self.value(value.orelse)})"

    def show_join(self, value: f.Join) -> str:
        return f"one({self.all(value.values, ' | ')})"

    def show_grown(self, value: f.Grown) -> str:
        return f"grown({self.value(value.base)}, {self.value(value.element)})"

    def show_entered(self, value: f.Entered) -> str:
        return f"entered({self.value(value.context)})"

    def show_caught(self, value: f.Caught) -> str:
        return f"caught({self.all(value.types)})"

    def show_function(self, value: f.Function) -> str:
        return f"function({value.qualname})"

    def show_text(self, value: f.Text) -> str:
        return f"text({self.all(value.parts)})"

    def show_yielded(self, value: f.Yielded) -> str:
        return f"yield({self.value(value.value)})"

    def show_unknown(self, value: f.Unknown) -> str:
        return f"unknown({self.all(value.operands)})"

    def show_other(self, value: object) -> str:
        raise AssertionError(f"no text for {value!r}")

    def block(self, block: f.Block, indent: str) -> list[str]:
        lines: list[str] = []
        for step in block:
            lines += [indent + line for line in getattr(self, f"step_{type(step).__name__.lower()}")(step)]
        return lines

    def suite(self, header: str, block: f.Block) -> list[str]:
        return [f"{header}:", *self.block(block, "  ")]

    def step_evaluate(self, step: f.Evaluate) -> list[str]:
        return [self.value(step.value)]

    def step_setattribute(self, step: f.SetAttribute) -> list[str]:
        return [f"{self.value(step.base)}.{step.name} = {self.value(step.value)} !{step.site}"]

    def step_setitem(self, step: f.SetItem) -> list[str]:
        return [f"{self.value(step.base)}[{self.value(step.index)}] = {self.value(step.value)}"]

    def step_if(self, step: f.If) -> list[str]:
        orelse = self.suite("else", step.orelse) if step.orelse else []
        return [*self.suite(f"if {self.value(step.test)}", step.body), *orelse]

    def step_loop(self, step: f.Loop) -> list[str]:
        if step.iterable is not None:
            header = f"for !{step.site} {self.value(step.iterable)}"
        else:
            header = f"while !{step.site} {self.value(step.test)}"
        orelse = self.suite("else", step.orelse) if step.orelse else []
        return [*self.suite(header, step.body), *orelse]

    def step_try(self, step: f.Try) -> list[str]:
        lines = self.suite("try", step.body)
        for handler in step.handlers:
            types = f" {self.all(handler.types)}" if handler.types else ""
            lines += self.suite(f"except !{handler.site}{types}", handler.body)
        lines += self.suite("else", step.orelse) if step.orelse else []
        return lines + (self.suite("finally", step.final) if step.final else [])

    def step_with(self, step: f.With) -> list[str]:
        return self.suite(f"with !{step.site} {self.all(step.contexts)}", step.body)

    def step_return(self, step: f.Return) -> list[str]:
        return ["return" if step.value is None else f"return {self.value(step.value)}"]

    def step_raise(self, step: f.Raise) -> list[str]:
        return ["raise" if step.value is None else f"raise {self.value(step.value)}"]

    def step_break(self, _step: f.Break) -> list[str]:
        return ["break"]

    def step_continue(self, _step: f.Continue) -> list[str]:
        return ["continue"]

    def step_assert(self, step: f.Assert) -> list[str]:
        return [f"assert {self.value(step.test)}"]
