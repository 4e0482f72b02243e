"""Reads one slice: an outermost function with the functions and lambdas inside it, or the bodies of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import libcst as cst

from lockcheck.facts import FunctionFacts, Param, Parameter, Return
from lockcheck.reading.statements import Statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lockcheck.facts import Block
    from lockcheck.reading.body import Body
    from lockcheck.reading.sites import Survey

ParameterKind: TypeAlias = Literal["positional", "keyword", "varargs", "varkeywords"]


class SliceReader:
    """What the functions of one slice share: the numbers of its constructs and the facts read so far."""

    def __init__(self, module: str, index: int, survey: Survey) -> None:
        self.has_walrus = survey.has_walrus
        self.numbers = {id(node): k for nodes in survey.sites.values() for k, node in enumerate(nodes)}
        self.functions: list[FunctionFacts] = []
        self._module = module
        self._index = index
        self._lambdas = {id(node): k for k, node in enumerate(survey.lambdas)}
        self._read: dict[int, str] = {}

    def read_function(self, node: cst.FunctionDef, qualname: str, *, owner: str | None, parent: str | None) -> None:
        """Read a function and the functions inside it; the outer one comes first in `functions`."""
        place = len(self.functions)
        body = Statements(self, qualname, node.body.body)
        decorators = tuple(body.value(item.decorator) for item in node.decorators)
        parameters = _parameters(body, node.params)
        steps = body.whole()
        facts = self._facts(body, owner, parent, parameters, steps)
        self.functions.insert(place, facts._replace(decorators=decorators, is_async=node.asynchronous is not None))

    def read_nested(self, node: cst.FunctionDef, parent: Body, name: str) -> str:
        """The qualified name of a function defined in `parent`, which is read the first time it is met."""
        if id(node) not in self._read:
            self._read[id(node)] = qualname = f"{parent.qualname}.<locals>.{name}"
            self.read_function(node, qualname, owner=None, parent=parent.qualname)
        return self._read[id(node)]

    def read_lambda(self, node: cst.Lambda, parent: Body) -> str:
        """The qualified name of a lambda in `parent`, which is read the first time it is met."""
        if id(node) not in self._read:
            self._read[id(node)] = qualname = f"{parent.qualname}.<locals>.<lambda {self._lambdas[id(node)]}>"
            place = len(self.functions)
            body = Statements(self, qualname, ())
            parameters = _parameters(body, node.params)
            steps = (Return(body.value(node.body)),)
            self.functions.insert(place, self._facts(body, None, parent.qualname, parameters, steps))
        return self._read[id(node)]

    def read_body(self, statements: Sequence[cst.CSTNode], qualname: str, *, owner: str | None) -> None:
        """Read the body of a module or class, without the functions and classes defined in it."""
        place = len(self.functions)
        body = Statements(self, qualname, statements, has_locals=False)
        steps = body.whole()
        self.functions.insert(place, self._facts(body, owner, None, (), steps))

    def _facts(
        self, body: Body, owner: str | None, parent: str | None, parameters: tuple[Parameter, ...], steps: Block
    ) -> FunctionFacts:
        return FunctionFacts(
            qualname=body.qualname,
            module=self._module,
            owner=owner,
            parent=parent,
            parameters=parameters,
            decorators=(),
            values=tuple(body.table.values),
            body=steps,
            bindings=tuple(body.env.items()),
            is_async=False,
            is_generator=body.is_generator,
            sites=self._index,
        )


def _parameters(body: Body, node: cst.Parameters) -> tuple[Parameter, ...]:
    """The parameters. Annotations and defaults are evaluated outside, so no local name is bound while they are read."""
    parameters = tuple(
        Parameter(
            item.name.value,
            kind,
            None if item.annotation is None else body.value(item.annotation.annotation),
            None if item.default is None else body.value(item.default),
        )
        for kind, item in _listed(node)
    )
    body.env = {parameter.name: body.table.add(Param(parameter.name)) for parameter in parameters}
    body.is_generator = False
    return parameters


def _listed(node: cst.Parameters) -> Iterator[tuple[ParameterKind, cst.Param]]:
    for item in (*node.posonly_params, *node.params):
        yield "positional", item
    if isinstance(node.star_arg, cst.Param):
        yield "varargs", node.star_arg
    for item in node.kwonly_params:
        yield "keyword", item
    if node.star_kwarg is not None:
        yield "varkeywords", node.star_kwarg
