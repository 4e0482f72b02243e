"""Chooses the functions that are worth reading: those that can touch a session or a statement.

The choice errs on the side of reading too much, and does not rest on the name `session` alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockcheck.declarations.vocabulary import (
    COMMON_METHODS,
    DATABASE_PACKAGES,
    DISTINCT_METHODS,
    OTHER_SESSIONS,
    PARAMETERS,
    RECEIVERS,
    RETRIES,
    SCHEMA_NAMES,
    SESSION_METHODS,
    STATEMENTS,
    UNLIKE_SESSIONS,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the whole file says: the names imported from database packages, those of them that do something, names of
    migration tools, all names imported from outside the standard library; and whether it may deal with mapped classes.
    """

    database: frozenset[str]
    doing: frozenset[str]
    tools: frozenset[str]
    imported: frozenset[str]
    models: bool


def hints(text: str, imports: Mapping[str, str]) -> Hints | None:
    """The hints of a file, by its text and all its imports; None where nothing in it can touch a database."""
    if not any(word in text for word in WORDS):
        return None
    packages = {target.partition(".")[0] for target in imports.values()}
    if (
        not packages.isdisjoint(OTHER_SESSIONS)
        and packages.isdisjoint(DATABASE_PACKAGES)
        and not _speaks_of_database(text)
    ):
        return None
    database = {name: target for name, target in imports.items() if target.partition(".")[0] in DATABASE_PACKAGES}
    doing = (name for name, target in database.items() if _does(name, target.rpartition(".")[2]))
    tools = (name for name, target in imports.items() if target.startswith("alembic"))
    imported = (name for name, target in imports.items() if target.partition(".")[0] not in sys.stdlib_module_names)
    models = bool(database) or any("models" in target for target in imports.values())
    return Hints(frozenset(database), frozenset(doing), frozenset(tools), frozenset(imported), models)


def _speaks_of_database(text: str) -> bool:
    """Whether a file that has sessions of another library speaks of a database besides."""
    return any(word in text for word in WORDS if "ession" not in word)


def _does(name: str, original: str) -> bool:
    return original not in SCHEMA_NAMES and not name.endswith(("Error", "Exception"))


def speaks_of_session(name: str) -> bool:
    """Whether a name sounds as if it held or made a session."""
    if "ession" not in name and "SESSION" not in name:
        return False
    return not name.lower().rstrip("_").endswith(UNLIKE_SESSIONS)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Decides on the functions of one file, or of one class of it that looks mapped."""

    hints: Hints
    mapped: bool

    def touches(self, function: ast.AST) -> bool:
        """Whether anything in a function, nested ones included, can touch a session or a statement."""
        return any_node(function, _TESTS, self)

    def body_touches(self, statement: ast.AST) -> bool:
        """Whether a part of a module or class body does: stricter, since a body that is read costs the whole file."""
        return any_node(statement, _BODY_TESTS, self)


Test = Callable[[Chooser, Any], bool]


def any_node(top: ast.AST, tests: Mapping[type, Test], chooser: Chooser) -> bool:
    """Whether a node or one inside it passes the test for its class."""
    stack = [top]
    while stack:
        node = stack.pop()
        cls = node.__class__
        test = tests.get(cls)
        if test is not None and test(chooser, node):
            return True
        for name in _CHILDREN[cls]:
            value = getattr(node, name)
            if value.__class__ is list:
                stack += value
            elif value is not None:
                stack.append(value)
    return False


class _Children(dict[type, tuple[str, ...]]):
    """By class of a node, the fields that hold nodes worth visiting."""

    def __missing__(self, cls: type) -> tuple[str, ...]:
        skipped = {"ctx", "op", "ops", "id", "attr", "type_comment", "kind", "type_ignores", "type_params", "names"}
        fields: tuple[str, ...] = getattr(cls, "_fields", ())
        if cls in _LEAVES:
            fields = ()
        names = {"name", "arg", "level", "module", "conversion", "simple", "is_async", "lineno", "rest", "cls"}
        found = self[cls] = tuple(name for name in fields if name not in skipped | names)
        return found


_LEAVES = frozenset(
    {ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Name, ast.Import, ast.ImportFrom}
)
_CHILDREN = _Children()


# --- tests --------------------------------------------------------------------------------------------------


def _call(chooser: Chooser, node: ast.Call) -> bool:
    if any(keyword.arg and speaks_of_session(keyword.arg) for keyword in node.keywords):
        return True
    func = node.func
    if isinstance(func, ast.Name):
        if func.id == "setattr":
            return chooser.hints.models
        return func.id in chooser.hints.doing or _retries(chooser, func, func.id)
    return isinstance(func, ast.Attribute) and (_method(chooser, func) or _retries(chooser, func, func.attr))


def _retries(chooser: Chooser, func: ast.expr, name: str) -> bool:
    """Whether a call may give what runs a piece of work again after a database error."""
    return name in RETRIES and _root(func) in chooser.hints.imported


def _method(chooser: Chooser, func: ast.Attribute) -> bool:
    hints, name = chooser.hints, func.attr
    root = _root(func.value)
    if root in hints.tools:
        return False
    if name in DISTINCT_METHODS or (root in hints.database and name not in SCHEMA_NAMES and root is not None):
        return True
    if _is_query_of_class(func.value):
        return True
    received = root in RECEIVERS or _last(func.value) in RECEIVERS
    return received if name in SESSION_METHODS else name in COMMON_METHODS and (received or bool(hints.database))


def _is_query_of_class(node: ast.expr) -> bool:
    """Whether something reads as `Model.query`."""
    if not isinstance(node, ast.Attribute) or node.attr != "query":
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else _root(node.value) or ""
    return owner == "cls" or owner[:1].isupper()


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _last(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr.lower().lstrip("_")
    return node.id.lower() if isinstance(node, ast.Name) else None


def _named(_: Chooser, node: ast.Name) -> bool:
    return speaks_of_session(node.id)


def _attribute(_: Chooser, node: ast.Attribute) -> bool:
    return speaks_of_session(node.attr)


def _argument(chooser: Chooser, node: ast.arg) -> bool:
    if speaks_of_session(node.arg) or (node.arg in PARAMETERS and bool(chooser.hints.database)):
        return True
    return node.annotation is not None and _names_statement(chooser, node.annotation)


def _with(chooser: Chooser, node: ast.withitem) -> bool:
    """`with Factory() as db`, in a file that deals with the database."""
    target = node.optional_vars
    return isinstance(target, ast.Name) and target.id.lower() in RECEIVERS and bool(chooser.hints.database)


def _names_statement(chooser: Chooser, annotation: ast.expr) -> bool:
    """Whether a type annotation speaks of a statement, such as `Update` or `Select[T]`."""
    while isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return _root(annotation) in chooser.hints.doing


def _returns(chooser: Chooser, node: ast.Return) -> bool:
    """A function that builds an object and hands it back, in a file that deals with the database."""
    made = node.value.func if isinstance(node.value, ast.Call) else None
    return isinstance(made, ast.Name) and made.id[:1].isupper() and bool(chooser.hints.database)


def _assign(chooser: Chooser, node: ast.Assign) -> bool:
    return any(_writes(chooser, target) for target in node.targets)


def _single_assign(chooser: Chooser, node: ast.AugAssign | ast.AnnAssign) -> bool:
    return _writes(chooser, node.target)


def _writes(chooser: Chooser, target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return any(_writes(chooser, item) for item in target.elts)
    if not isinstance(target, ast.Attribute):
        return False
    return chooser.mapped if _root(target) in ("self", "cls") else chooser.hints.models


def _compare(chooser: Chooser, node: ast.Compare) -> bool:
    return _column(chooser, node.left) or any(_column(chooser, item) for item in node.comparators)


def _column(chooser: Chooser, node: ast.expr) -> bool:
    """`Model.column`, as opposed to `Enum.MEMBER`."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or node.attr.isupper():
        return False
    name = node.value.id
    if name in ("cls", "self"):
        return chooser.mapped and name == "cls"
    if not name[:1].isupper() or node.attr.startswith("__"):
        return False
    return chooser.hints.models or name in chooser.hints.imported


def _handler(chooser: Chooser, node: ast.ExceptHandler) -> bool:
    """`except OperationalError` of a database package: what it guards may be handed in."""
    types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(item is not None and _root(item) in chooser.hints.database for item in types)


_TESTS: dict[type, Test] = {
    ast.ExceptHandler: _handler,
    ast.Call: _call,
    ast.Name: _named,
    ast.Attribute: _attribute,
    ast.arg: _argument,
    ast.withitem: _with,
    ast.Assign: _assign,
    ast.AugAssign: _single_assign,
    ast.AnnAssign: _single_assign,
    ast.Compare: _compare,
    ast.Return: _returns,
}


def _body_call(chooser: Chooser, node: ast.Call) -> bool:
    func = node.func
    if isinstance(func, ast.Name):
        return func.id in chooser.hints.database and func.id in STATEMENTS
    if not isinstance(func, ast.Attribute):
        return False
    if _root(func.value) in chooser.hints.database:
        return func.attr in STATEMENTS
    if func.attr not in COMMON_METHODS | SESSION_METHODS | DISTINCT_METHODS:
        return False
    receiver = _last(func.value)
    return receiver is not None and speaks_of_session(receiver)


def _body_with(_: Chooser, node: ast.withitem) -> bool:
    target = node.optional_vars
    return isinstance(target, ast.Name) and speaks_of_session(target.id)


_BODY_TESTS: dict[type, Test] = {ast.Call: _body_call, ast.withitem: _body_with}
