"""Facts: what a file's functions do, read once per file content; rules and linking see nothing else.

A function is a table of values and a body of steps. A value refers to other values by their number in the
table; a variable has been resolved to the value it holds at that point, so no names of local variables are
left (static single assignment, with `Join` where branches or loops meet). Values say what an expression *is*;
the order in which a body's calls happen follows from its steps: each `Evaluate` runs the calls of its
expression that have not run before.

A *site* names a construct of a function by number: the k-th call, comparison, handler, attribute assignment,
loop or `with` of its slice, counted in source order, an outer construct before the ones inside it. It is the one
handle for places, suppressions and fixes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Id: TypeAlias = int
"""The number of a value in its function's table."""

SiteKind = Literal["call", "compare", "handler", "assign", "loop", "with"]


class Position(NamedTuple):
    """A span of a file; lines and columns from 1, columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


# --- values -----------------------------------------------------------------------------------------------


class Const(NamedTuple):
    """A literal."""

    value: str | int | float | bool | None


class Name(NamedTuple):
    """A name not bound in this function: a global, a builtin or an enclosing function's variable."""

    name: str


class Param(NamedTuple):
    """The value a parameter is called with."""

    name: str


class Attr(NamedTuple):
    base: Id
    name: str


class Arg(NamedTuple):
    value: Id
    starred: bool


class Keyword(NamedTuple):
    """A keyword argument; `name` is None for `**mapping`."""

    name: str | None
    value: Id


class Call(NamedTuple):
    site: int
    func: Id
    args: tuple[Arg, ...]
    keywords: tuple[Keyword, ...]


class Item(NamedTuple):
    """Element `index` of an unpacked value (`a, b = base`); -1 for a starred target."""

    base: Id
    index: int  # type: ignore[assignment]  # tuple.index is not called on facts


class Subscript(NamedTuple):
    base: Id
    index: Id  # type: ignore[assignment]  # as Item.index


class Slice(NamedTuple):
    """A slice expression, as the index of a `Subscript`."""


class Each(NamedTuple):
    """The element at hand while `iterable` is walked, in a loop or comprehension."""

    iterable: Id


class Sequence(NamedTuple):
    kind: Literal["list", "tuple", "set"]
    items: tuple[Arg, ...]


class Dict(NamedTuple):
    """Pairs of key and value; the key is None for `**mapping`."""

    items: tuple[tuple[Id | None, Id], ...]


class Comprehension(NamedTuple):
    kind: Literal["list", "set", "generator", "dict"]
    key: Id | None
    element: Id
    iterables: tuple[Id, ...]
    conditions: tuple[Id, ...]


class Compare(NamedTuple):
    """`operands[0] operators[0] operands[1] ...`; operators as written: == != < <= > >= in `not in` is `is not`."""

    site: int
    operators: tuple[str, ...]
    operands: tuple[Id, ...]


class Boolean(NamedTuple):
    operator: Literal["and", "or"]
    operands: tuple[Id, ...]


class Binary(NamedTuple):
    """An arithmetic or bit operation; operators as written: + - * / // % ** @ | & ^ << >>."""

    operator: str
    left: Id
    right: Id


class Unary(NamedTuple):
    """`not`, `~`, `-` or `+`."""

    operator: str
    operand: Id


class Choice(NamedTuple):
    """`body if test else orelse`."""

    test: Id
    body: Id
    orelse: Id


class Join(NamedTuple):
    """One of several values, where branches meet; at the head of a loop some are defined later in the table."""

    values: tuple[Id, ...]


class Grown(NamedTuple):
    """A container after `append`, `add`, `extend`, `update`, `x[key] = element`: the same object, one element more."""

    base: Id
    element: Id


class Entered(NamedTuple):
    """What `with context as x` binds to x."""

    context: Id


class Caught(NamedTuple):
    """The exception that a handler binds."""

    types: tuple[Id, ...]


class Function(NamedTuple):
    """A nested function or lambda, by its qualified name."""

    qualname: str


class Text(NamedTuple):
    """An f-string."""

    parts: tuple[Id, ...]


class Yielded(NamedTuple):
    """`yield value`, or `yield from value` with `each`; its own value is what is sent in."""

    value: Id | None
    each: bool = False


class Unknown(NamedTuple):
    """An expression that no rule needs; `operands` are evaluated for their calls."""

    operands: tuple[Id, ...] = ()


Value: TypeAlias = (
    Const
    | Name
    | Param
    | Attr
    | Call
    | Item
    | Subscript
    | Slice
    | Each
    | Sequence
    | Dict
    | Comprehension
    | Compare
    | Boolean
    | Binary
    | Unary
    | Choice
    | Join
    | Grown
    | Entered
    | Caught
    | Function
    | Text
    | Yielded
    | Unknown
)


# --- steps ------------------------------------------------------------------------------------------------


class Evaluate(NamedTuple):
    """An expression statement, the right side of an assignment, a decorator's or default's expression. `dropped` tells
    that it is a call alone, whose value nobody takes or awaits."""

    value: Id
    dropped: bool = False


class SetAttribute(NamedTuple):
    """`base.name = value`; for `base.name += x` the value is a `Binary`."""

    site: int
    base: Id
    name: str
    value: Id


class SetItem(NamedTuple):
    """`base[index] = value` where base is not a plain local name."""

    base: Id
    index: Id  # type: ignore[assignment]  # as Item.index
    value: Id


class Extent(NamedTuple):
    """The numbers of the values that an `if` makes: those of its body from `body` on, those of its other arms from
    `orelse` on, up to but without `end`, where the joins of the arms begin."""

    body: Id
    orelse: Id
    end: Id


class If(NamedTuple):
    test: Id
    body: Block
    orelse: Block
    extent: Extent


class Loop(NamedTuple):
    """`for` (iterable is set) or `while` (test is set)."""

    site: int
    iterable: Id | None
    test: Id | None
    body: Block
    orelse: Block


class Handler(NamedTuple):
    """`except types`; no types for a bare `except:`."""

    site: int
    types: tuple[Id, ...]
    body: Block


class Try(NamedTuple):
    body: Block
    handlers: tuple[Handler, ...]
    orelse: Block
    final: Block
    joins: tuple[Id, ...] = ()
    """What variables hold where its arms meet, the `try` suite's value first."""


class With(NamedTuple):
    """`with contexts:`; what they bind stands in the table as `Entered`."""

    site: int
    contexts: tuple[Id, ...]
    body: Block


class Return(NamedTuple):
    value: Id | None


class Raise(NamedTuple):
    value: Id | None


class Break(NamedTuple):
    pass


class Continue(NamedTuple):
    pass


class Assert(NamedTuple):
    test: Id


Step: TypeAlias = (
    Evaluate | SetAttribute | SetItem | If | Loop | Try | With | Return | Raise | Break | Continue | Assert
)
Block: TypeAlias = tuple[Step, ...]


# --- functions and modules ---------------------------------------------------------------------------------


class Parameter(NamedTuple):
    name: str
    kind: Literal["positional", "keyword", "varargs", "varkeywords"]
    annotation: Id | None
    default: Id | None


class FunctionFacts(NamedTuple):
    """One function, method, lambda, class body or module body.

    `qualname` is `package.module.Class.method`; nested functions add `.<locals>.name`, a lambda
    `.<locals>.<lambda N>`, bodies end in `.<body>`. `owner` is the class of a method. `parent` is the enclosing
    function. `bindings` are the values that local names hold at the end of the body, for closures.
    """

    qualname: str
    module: str
    owner: str | None
    parent: str | None
    parameters: tuple[Parameter, ...]
    decorators: tuple[Id, ...]
    values: tuple[Value, ...]
    body: Block
    bindings: tuple[tuple[str, Id], ...]
    is_async: bool
    is_generator: bool
    sites: int
    """Number of the slice, in `ModuleFacts.slices`, whose sites this function's sites count in."""


class SliceSites(NamedTuple):
    """Where the constructs of one slice (an outermost function, a class body, a module body) stand. A method call in
    a chain over several lines begins at its method's name."""

    qualname: str
    span: Position
    call: tuple[Position, ...]
    compare: tuple[Position, ...]
    handler: tuple[Position, ...]
    assign: tuple[Position, ...]
    loop: tuple[Position, ...]
    with_: tuple[Position, ...]


def position(sites: SliceSites, kind: SiteKind, index: int) -> Position:
    """Where a site of a slice stands in its file."""
    kinds = {
        "call": sites.call,
        "compare": sites.compare,
        "handler": sites.handler,
        "assign": sites.assign,
        "loop": sites.loop,
        "with": sites.with_,
    }
    return kinds[kind][index]


class ModuleFacts(NamedTuple):
    """All behaviour read from one file."""

    module: str
    path: str
    slices: tuple[SliceSites, ...]
    functions: tuple[FunctionFacts, ...]
