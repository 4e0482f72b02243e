"""The numbered constructs of a slice: calls, comparisons, handlers, attribute assignments, loops and `with` statements.

A slice is the source of one outermost function (its decorators included) or of a whole module. Constructs of a kind are
numbered in source order, an outer construct before the ones inside it. `positions` numbers the stdlib `ast` of the same
slice in the same way, which is how a number gets its place in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import libcst as cst

from lockcheck.reading.slicing import slice_source, source_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lockcheck.facts import SiteKind

KINDS: tuple[SiteKind, ...] = ("call", "compare", "handler", "assign", "loop", "with")

_PARTS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    # expressions
    cst.ConcatenatedString: (),  # `concatenated_parts`
    cst.FormattedString: ("parts",),
    cst.FormattedStringExpression: ("expression", "format_spec"),
    cst.TemplatedString: ("parts",),
    cst.TemplatedStringExpression: ("expression", "format_spec"),
    cst.Comparison: ("left", "comparisons"),
    cst.ComparisonTarget: ("comparator",),
    cst.UnaryOperation: ("expression",),
    cst.BinaryOperation: ("left", "right"),
    cst.BooleanOperation: ("left", "right"),
    cst.Attribute: ("value",),
    cst.Subscript: ("value", "slice"),
    cst.SubscriptElement: ("slice",),
    cst.Index: ("value",),
    cst.Slice: ("lower", "upper", "step"),
    cst.Lambda: ("params", "body"),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    cst.Param: ("annotation", "default"),
    cst.Annotation: ("annotation",),
    cst.Call: ("func", "args"),
    cst.Arg: ("value",),
    cst.Await: ("expression",),
    cst.IfExp: ("body", "test", "orelse"),
    cst.Yield: ("value",),
    cst.From: ("item",),
    cst.Element: ("value",),
    cst.StarredElement: ("value",),
    cst.DictElement: ("key", "value"),
    cst.StarredDictElement: ("value",),
    cst.Tuple: ("elements",),
    cst.List: ("elements",),
    cst.Set: ("elements",),
    cst.Dict: ("elements",),
    cst.GeneratorExp: ("elt", "for_in"),
    cst.ListComp: ("elt", "for_in"),
    cst.SetComp: ("elt", "for_in"),
    cst.DictComp: ("key", "value", "for_in"),
    cst.CompFor: ("target", "iter", "ifs", "inner_for_in"),
    cst.CompIf: ("test",),
    cst.NamedExpr: ("value",),
    # simple statements
    cst.SimpleStatementLine: ("body",),
    cst.Expr: ("value",),
    cst.Assign: ("targets", "value"),
    cst.AssignTarget: ("target",),
    cst.AnnAssign: ("target", "annotation", "value"),
    cst.AugAssign: ("target", "value"),
    cst.Del: ("target",),
    cst.Return: ("value",),
    cst.Raise: ("exc", "cause"),
    cst.Assert: ("test", "msg"),
    cst.TypeAlias: ("type_parameters", "value"),
    cst.TypeParameters: ("params",),
    cst.TypeParam: ("param", "default"),
    cst.TypeVar: ("bound",),
    # compound statements
    cst.Module: ("body",),
    cst.SimpleStatementSuite: ("body",),
    cst.IndentedBlock: ("body",),
    cst.If: ("test", "body", "orelse"),
    cst.Else: ("body",),
    cst.For: ("target", "iter", "body", "orelse"),
    cst.While: ("test", "body", "orelse"),
    cst.Try: ("body", "handlers", "orelse", "finalbody"),
    cst.TryStar: ("body", "handlers", "orelse", "finalbody"),
    cst.ExceptHandler: ("type", "body"),
    cst.ExceptStarHandler: ("type", "body"),
    cst.Finally: ("body",),
    cst.With: ("items", "body"),
    cst.WithItem: ("item", "asname"),
    cst.AsName: ("name",),
    cst.Match: ("subject", "cases"),
    cst.MatchCase: ("guard", "body"),
    cst.FunctionDef: ("decorators", "type_parameters", "params", "returns", "body"),
    cst.Decorator: ("decorator",),
    cst.ClassDef: ("decorators", "type_parameters", "bases", "keywords", "body"),
}
"""The children of a node that can hold a construct, in source order."""

if hasattr(cst, "StarredDictComp"):  # newer than the oldest libcst that is supported
    _PARTS[cst.StarredDictComp] = ("value", "for_in")

_KIND_OF: dict[type[cst.CSTNode], SiteKind] = {
    cst.Call: "call",
    cst.Comparison: "compare",
    cst.ExceptHandler: "handler",
    cst.ExceptStarHandler: "handler",
    cst.For: "loop",
    cst.While: "loop",
    cst.With: "with",
}


class Survey(NamedTuple):
    """What one walk over a slice finds: its constructs by kind, its lambdas, and whether `:=` occurs."""

    sites: dict[SiteKind, list[cst.CSTNode]]
    lambdas: list[cst.Lambda]
    has_walrus: bool


def concatenated_parts(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """The literals of `"a" "b" "c"`, which nest to the right, deeper than calls can where there are many."""
    while isinstance(node, cst.ConcatenatedString):
        yield node.left
        node = node.right
    yield node


def parts_of(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    """The children of a node that can hold an expression, in source order."""
    if isinstance(node, cst.ConcatenatedString):
        return concatenated_parts(node)
    return children(node, _PARTS)


def children(node: cst.CSTNode, fields: Mapping[type[cst.CSTNode], tuple[str, ...]]) -> Iterator[cst.CSTNode]:
    """The nodes that stand in those fields of `node` that are listed for its class."""
    for name in fields.get(node.__class__, ()):
        part = getattr(node, name)
        if isinstance(part, (list, tuple)):
            yield from part
        elif isinstance(part, cst.CSTNode):
            yield part


def attribute_targets(target: cst.CSTNode | None) -> Iterable[cst.Attribute]:
    """The attributes that an assignment to `target` sets."""
    if isinstance(target, cst.Attribute):
        yield target
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from attribute_targets(element.value)


def _targets(node: Any) -> Iterable[cst.Attribute]:
    match node:
        case cst.Assign():
            for item in node.targets:
                yield from attribute_targets(item.target)
        case cst.WithItem():
            yield from attribute_targets(node.asname.name if node.asname else None)
        case _:
            yield from attribute_targets(node.target)


_ASSIGNING = frozenset({cst.Assign, cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.WithItem})
_MANY: frozenset[type[Any]] = frozenset({list, tuple})
_NOTED = _ASSIGNING | {cst.Attribute, cst.ConcatenatedString, cst.Lambda, cst.NamedExpr}


class _Surveyor:
    """Walks a slice in source order."""

    def __init__(self) -> None:
        self.sites: dict[SiteKind, list[cst.CSTNode]] = {kind: [] for kind in KINDS}
        self.lambdas: list[cst.Lambda] = []
        self.has_walrus = False
        self._assigned: set[int] = set()

    def walk(self, node: Any) -> None:
        kind = node.__class__
        if kind in _KIND_OF:
            self.sites[_KIND_OF[kind]].append(node)
        if kind in _NOTED:
            self._note(node, kind)
        for name in _PARTS[kind]:
            part: Any = getattr(node, name)
            if part.__class__ in _PARTS:
                self.walk(part)
            elif part.__class__ in _MANY:
                for item in part:
                    if item.__class__ in _PARTS:
                        self.walk(item)

    def _note(self, node: Any, kind: type[cst.CSTNode]) -> None:
        if kind is cst.Attribute:
            if id(node) in self._assigned:
                self.sites["assign"].append(node)
        elif kind is cst.Lambda:
            self.lambdas.append(node)
        elif kind is cst.NamedExpr:
            self.has_walrus = True
        elif kind is cst.ConcatenatedString:
            for part in concatenated_parts(node):
                if part.__class__ in _PARTS:
                    self.walk(part)
        else:
            self._assigned.update(map(id, _targets(node)))


def survey(root: cst.CSTNode) -> Survey:
    """Number the constructs in and below `root`."""
    surveyor = _Surveyor()
    if root.__class__ in _PARTS:
        surveyor.walk(root)
    return Survey(surveyor.sites, surveyor.lambdas, surveyor.has_walrus)


def number(node: cst.CSTNode) -> dict[SiteKind, list[cst.CSTNode]]:
    """The constructs of a slice by kind; a construct's number is its index in the list.

    `node` is the slice's function definition or module (`slice_node` finds it in what `parse_slice` returns).
    """
    return survey(node).sites


def parse_slice(text: str, first_line: int, last_line: int) -> cst.Module:
    """The libcst module of the lines `first_line` to `last_line` of a file (from 1, both included).

    An indented slice is the body of an `if 1:` statement put in front of it; `slice_node` returns what stands in it.
    """
    return cst.parse_module(slice_source(source_lines(text), first_line, last_line)[0])


def slice_node(module: cst.Module) -> cst.CSTNode:
    """The statement that a parsed slice consists of: for a function's slice its `FunctionDef`."""
    first: cst.CSTNode = module.body[0]
    if isinstance(first, cst.If):
        first = first.body.body[0]
    return first
