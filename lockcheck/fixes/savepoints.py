"""A new row flushed in a savepoint, with a second look for the row where another transaction was faster."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.chains import method
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import moved
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import InsertInSavepoint

SHAPE = "the SELECT and the insert are not `row = ..; if row is None: row = Model(..); session.add(row)`"
_FIRST = frozenset({"first", "one_or_none"})
_LOCK = ".with_for_update(read=True)"
_ENDINGS = {
    ("get", ""): ("get_one", ""),
    ("scalar", ""): ("scalars", ".one()"),
    ("execute", ".scalar_one_or_none()"): ("execute", ".scalar_one()"),
    ("execute", ".scalar()"): ("execute", ".scalar_one()"),
    **{("scalars", f".{name}()"): ("scalars", ".one()") for name in ("first", "one_or_none")},
    **{("execute", f".scalars().{name}()"): ("execute", ".scalars().one()") for name in ("first", "one_or_none")},
    **{(name, ""): (name, ".one()") for name in ("first", "one_or_none")},
}
"""By the method that executes a SELECT and what is called on its result: what takes their places in the second look."""


@dataclass(frozen=True, slots=True)
class _Insert:
    """The statement that adds the object of `variable`, and the one that flushes it, where it follows."""

    add: cst.SimpleStatementLine
    last: cst.SimpleStatementLine
    session: str
    variable: str


def insert_in_savepoint(part: Slice, plan: InsertInSavepoint, imports: Imports) -> list[Change]:
    """`try: with session.begin_nested(): add, flush`, `except IntegrityError:` the row that is there."""
    insert, test = _insert(part, plan)
    again = _again(part, plan, _looked_up(part, test, insert), insert)
    start, end = part.body_start(insert.add), part.span(insert.last.body[0])[1]
    if part.comments((start, part.lines.line_end(end))):
        raise Refused("a comment stands at the insert")
    indent, unit = part.indent_at(start), part.unit
    waits = "await " if plan.awaited else ""
    error = imports.name("sqlalchemy.exc", "IntegrityError")
    lines = [
        "try:",
        f"{indent}{unit}{'async ' if plan.awaited else ''}with {insert.session}.begin_nested():",
        f"{indent}{unit * 2}{insert.session}.add({insert.variable})",
        f"{indent}{unit * 2}{waits}{insert.session}.flush()",
        f"{indent}except {error}:",
        f"{indent}{unit}{insert.variable} = {again}",
    ]
    return [Change(start, end, "\n".join(lines))]


def _insert(part: Slice, plan: InsertInSavepoint) -> tuple[_Insert, cst.If]:
    call = part.call(plan.add)
    line = part.statement(call)
    block = part.parent(line)
    test = part.parent(block) if block is not None else None
    if method(call) != "add" or not isinstance(block, cst.IndentedBlock) or not isinstance(test, cst.If):
        raise Refused(SHAPE)
    named = call.args[0].value if len(call.args) == 1 else None
    if not isinstance(named, cst.Name) or test.body is not block or not _asks(part, test, named.value):
        raise Refused(SHAPE)
    if test.orelse is not None or isinstance(part.parent(test), cst.If):
        raise Refused("what is to become of a row that another transaction has inserted stands in another branch")
    session = part.code(call.func.value) if isinstance(call.func, cst.Attribute) else ""
    return _Insert(line, _checked(part, block, line, session, named.value), session, named.value), test


def _checked(
    part: Slice, block: cst.IndentedBlock, add: cst.SimpleStatementLine, session: str, variable: str
) -> cst.SimpleStatementLine:
    """The last of the statements to replace; the arm holds the object's construction, the insert, and what sends it."""
    codes = [_code(part, item) for item in block.body]
    number = list(block.body).index(add)
    if number != 1 or not codes[0].startswith(f"{variable} = "):
        raise Refused(SHAPE)
    sends = {f"{session}.{call}" for call in ("flush()", "commit()", f"refresh({variable})", f"flush([{variable}])")}
    if not set(codes[2:]) <= sends:
        raise Refused("more is done for a new row than to add it")
    following = block.body[2] if len(codes) > 2 and ".flush(" in codes[2] else add  # noqa: PLR2004  construction, insert
    return following if isinstance(following, cst.SimpleStatementLine) else add


def _code(part: Slice, item: cst.CSTNode) -> str:
    if not isinstance(item, cst.SimpleStatementLine) or len(item.body) != 1:
        return ""
    return part.code(item.body[0]).removeprefix("await ")


def _asks(part: Slice, test: cst.If, variable: str) -> bool:
    return part.inner_code(test.test) in (f"{variable} is None", f"not {variable}")


def _looked_up(part: Slice, test: cst.If, insert: _Insert) -> cst.BaseExpression:
    """What the variable is assigned just ahead of the test."""
    block = part.parent(test)
    siblings = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    before = siblings[siblings.index(test) - 1] if test in siblings and siblings[0] is not test else None
    only = before.body[0] if isinstance(before, cst.SimpleStatementLine) and len(before.body) == 1 else None
    if isinstance(only, cst.AnnAssign) and only.value is not None and part.code(only.target) == insert.variable:
        return only.value
    if not isinstance(only, cst.Assign) or part.code(only.targets[0].target) != insert.variable:
        raise Refused(SHAPE)
    return only.value


# --- the second look ----------------------------------------------------------------------------------------------


def _again(part: Slice, plan: InsertInSavepoint, value: cst.BaseExpression, insert: _Insert) -> str:
    """The look-up once more, mostly under a share lock; what ends it raises where the row is still missing."""
    lookup = part.call(plan.lookup)
    if (
        _session(part, lookup) != insert.session
        or not isinstance(lookup.func, cst.Attribute)
        or _commented(part, lookup)
    ):
        raise Refused(SHAPE)
    awaited = part.parent(lookup)
    executed: cst.BaseExpression = awaited if isinstance(awaited, cst.Await) else lookup
    name, rest = lookup.func.attr.value, _rest(part, executed, value)
    if (executed is not value and not rest) or (name, rest) not in _ENDINGS:
        raise Refused(SHAPE)
    renamed, ending = _ENDINGS[name, rest]
    indent = part.indent_at(part.body_start(insert.add)) + part.unit
    if name in _FIRST:
        base = lookup.func.value
        return f"{moved(part, part.span(base), indent)}{_lock(plan)}{ending}"
    if len(lookup.args) != (2 if name == "get" else 1):
        raise Refused(SHAPE)
    end = part.span(lookup.args[-1].value)[1]
    locked = ', with_for_update={"read": True}' if plan.locks else ""
    added = locked if name == "get" else _lock(plan)
    changes = [Change(*part.span(lookup.func.attr), renamed), Change(end, end, added)]
    code = f"{_awaited(plan)}{moved(part, part.span(lookup), indent, changes)}"
    return f"({code}){ending}" if plan.awaited and ending else f"{code}{ending}"


def _commented(part: Slice, lookup: cst.Call) -> bool:
    return bool(part.comments(part.span(lookup)))


def _lock(plan: InsertInSavepoint) -> str:
    return _LOCK if plan.locks else ""


def _awaited(plan: InsertInSavepoint) -> str:
    return "await " if plan.awaited else ""


def _session(part: Slice, lookup: cst.Call) -> str:
    """How the session of a look-up reads, that of a legacy query where it begins."""
    at: cst.BaseExpression = lookup
    while isinstance(at, cst.Call) and isinstance(at.func, cst.Attribute):
        if not isinstance(at.func.value, cst.Call):
            return part.code(at.func.value)
        at = at.func.value
    return ""


def _rest(part: Slice, executed: cst.BaseExpression, value: cst.BaseExpression) -> str:
    """What is called on the result."""
    (_, end), (_, last) = part.span(executed), part.inner(value)
    return "".join(part.text[end:last].split())
