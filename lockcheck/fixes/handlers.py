"""Exception handlers: errors passed on, rollback, savepoints; and flush in place of commit."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.chains import callee, method
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import moved
from lockcheck.fixes.names import unused
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import FlushInstead, ReraiseFirst, RollbackFirst, UseSavepoint

_BROAD = frozenset({"DBAPIError", "StatementError", "SQLAlchemyError", "Exception", "BaseException"})
_SESSION = frozenset(
    {
        "add", "add_all", "commit", "delete", "execute", "flush", "get", "get_one", "merge", "query", "refresh",
        "scalar", "scalars",
    }
)  # fmt: skip
_LEAVING = (cst.Return, cst.Raise, cst.Continue, cst.Break)


def reraise_first(part: Slice, plan: ReraiseFirst, imports: Imports) -> list[Change]:
    """`except DBAPIError: raise` ahead of the handler, or one that raises the project's own exception."""
    handler = _handler(part, part.node(plan.handler))
    tried = _try(part, handler)
    if not _BROAD & set(_caught(part, handler)):
        raise Refused("the handler catches less than all database errors")
    for earlier in tried.handlers[: list(tried.handlers).index(handler)]:
        if _BROAD & set(_caught(part, earlier)):
            raise Refused("an earlier handler catches database errors already")
    start = part.lines.line_start(_first_line(part, handler))
    indent = part.indent_at(part.span(handler.body)[0])
    error = imports.name("sqlalchemy.exc", "DBAPIError")
    if plan.exception is None:
        return [Change(start, start, f"{indent}except {error}:\n{indent}{part.unit}raise\n")]
    module, _, name = plan.exception.partition(":")
    caught, raised = unused("error", imports.taken()), imports.name(module, name)
    code = f"{indent}except {error} as {caught}:\n{indent}{part.unit}raise {raised}(str({caught})) from {caught}\n"
    return [Change(start, start, code)]


def _handler(part: Slice, node: cst.CSTNode) -> cst.ExceptHandler:
    if not isinstance(node, cst.ExceptHandler) or not isinstance(part.parent(node), cst.Try):
        raise Refused("the handler is one of an exception group")
    return node


def _try(part: Slice, handler: cst.ExceptHandler) -> cst.Try:
    parent = part.parent(handler)
    if not isinstance(parent, cst.Try):
        raise Refused("the handler belongs to no try statement")
    return parent


def _first_line(part: Slice, handler: cst.ExceptHandler) -> int:
    """Where the comments above a handler begin, or the handler itself."""
    noted = next((line for line in handler.leading_lines if line.comment is not None), None)
    if noted is not None:
        return part.span(noted)[0]
    return part.span(handler.whitespace_after_except)[0]


def _caught(part: Slice, handler: cst.ExceptHandler) -> Iterator[str]:
    """The names of the exceptions that a handler catches, without their modules."""
    if handler.type is None:
        yield "BaseException"
        return
    types = [item.value for item in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    for item in types:
        yield part.inner_code(item).rpartition(".")[2]


# --- rollback -------------------------------------------------------------------------------------------------


def rollback_first(part: Slice, plan: RollbackFirst) -> list[Change]:
    """`session.rollback()` as the handler's first statement; it takes the place of a lone `pass`."""
    handler = _handler(part, part.node(plan.handler))
    tried = _try(part, handler)
    session = plan.session or _session(part, tried)
    if _binds(tried.body, session):
        raise Refused(f"{session} is bound within the try statement, so that the handler may see no session")
    code = f"{'await ' if plan.awaited or _awaits(part, tried, session) else ''}{session}.rollback()"
    body = handler.body
    first = body.body[0]
    if len(body.body) == 1 and isinstance(only := _small(first), cst.Pass):
        return [Change(*part.span(only), code)]
    if not isinstance(body, cst.IndentedBlock):
        start = part.span(first)[0]
        return [Change(start, start, f"{code}; ")]
    start = part.lines.next_line(part.span(body.header)[0])
    indent = _block_indent(part, body)
    return [Change(start, start, f"{indent}{code}\n")]


def _small(node: cst.CSTNode) -> cst.CSTNode:
    if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
        return node.body[0]
    return node


def _block_indent(part: Slice, body: cst.BaseSuite) -> str:
    """How the statements of an indented block are indented."""
    first = body.body[0]
    inner = first.body[0] if isinstance(first, cst.SimpleStatementLine) else first
    if isinstance(first, cst.SimpleStatementLine):
        return part.indent_at(part.span(inner)[0])
    leading = getattr(first, "leading_lines", ())
    start = part.span(leading[-1])[1] if leading else part.span(first)[0]
    return part.indent_at(start)


def _session(part: Slice, tried: cst.Try) -> str:
    """The session that the body of a `try` uses."""
    rest: list[cst.CSTNode] = [*tried.body.body]
    while rest:
        node = rest.pop(0)
        if isinstance(node, cst.Call) and method(node) in _SESSION and isinstance(node.func, cst.Attribute):
            value = part.code(node.func.value)
            if value.rpartition(".")[2].lstrip("_").endswith("session"):
                return value
        rest.extend(node.children)
    raise Refused("the session has no name in the try statement")


# --- savepoints -----------------------------------------------------------------------------------------------


def use_savepoint(part: Slice, plan: UseSavepoint) -> list[Change]:
    """The body of the `try` inside `with session.begin_nested():`."""
    tried = _try(part, _handler(part, part.node(plan.handler)))
    session = plan.session or _session(part, tried)
    body = tried.body
    if not isinstance(body, cst.IndentedBlock):
        raise Refused("the try statement stands on one line")
    indent = _block_indent(part, body)
    start = part.lines.next_line(part.span(body.header)[0])
    end = part.lines.line_end(_last(part, body) - 1)
    code = moved(part, (part.lines.line_start(start), end), indent + part.unit)
    # the first line of a moved span keeps its place; this one begins with its indentation
    awaited = plan.awaited or _awaits(part, tried, session)
    opening = f"{indent}{'async ' if awaited else ''}with {session}.begin_nested():\n{part.unit}"
    sent = _flush(part, body, session, indent, awaited=awaited) if plan.flush else ""
    return [Change(start, end, f"{opening}{code}{sent}")]


def _last(part: Slice, body: cst.IndentedBlock) -> int:
    end = part.span(body.body[-1])[1]
    return end if part.text[end - 1 : end] not in "\r\n" else end - (2 if part.text[end - 2 : end] == "\r\n" else 1)


def _flush(part: Slice, body: cst.IndentedBlock, session: str, indent: str, *, awaited: bool) -> str:
    """The line that sends what is pending while the savepoint stands; leaving the block by `return` sends it, too."""
    last = _small(body.body[-1])
    if isinstance(last, _LEAVING) or f"{session}.flush()" in part.code(body.body[-1]):
        return ""
    return f"\n{indent}{part.unit}{'await ' if awaited else ''}{session}.flush()"


def _binds(node: cst.CSTNode, name: str) -> bool:
    """Whether a name is assigned to in a block."""
    if isinstance(node, (cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.AsName)):
        target = node.name if isinstance(node, cst.AsName) else node.target
        if isinstance(target, cst.Name) and target.value == name:
            return True
    return any(_binds(child, name) for child in node.children)


def _awaits(part: Slice, tried: cst.Try, session: str) -> bool:
    """Whether the work of a session in the body of a `try` is awaited, so that the session is an AsyncSession."""
    rest: list[cst.CSTNode] = [tried.body]
    while rest:
        node = rest.pop()
        if isinstance(node, cst.Await) and part.code(node.expression).startswith(f"{session}."):
            return True
        rest.extend(node.children)
    return False


def flush_instead(part: Slice, plan: FlushInstead) -> list[Change]:
    """`flush` for `commit`."""
    call = part.call(plan.commit)
    if callee(call) != "commit" or not isinstance(call.func, cst.Attribute):
        raise Refused("the construct is no call of commit()")
    if _is_connection(part, part.code(call.func.value)):
        raise Refused("a connection has no flush()")
    return [Change(*part.span(call.func.attr), "flush")]


def _is_connection(part: Slice, session: str) -> bool:
    """Whether a name, by its sound or its annotation, is a Core connection and no session."""
    if session.rpartition(".")[2].lower().endswith(("conn", "connection")):
        return True
    function = part.root
    parameters = function.params if isinstance(function, cst.FunctionDef) else cst.Parameters()
    every = (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params)
    typed = (item.annotation for item in every if item.name.value == session)
    return any(item is not None and "Connection" in part.code(item.annotation) for item in typed)
