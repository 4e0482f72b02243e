"""Bulk writes in primary-key order: a subselect that locks the rows before they are written."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.arguments import keyword
from lockcheck.fixes.chains import Chain, Link, chain_at, indentation, insert_after, is_broken, method
from lockcheck.fixes.conditions import Condition, conditions, require_complete, tail_comment
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import fits, has_line_end, link_moved, moved, outside, spread
from lockcheck.fixes.locks import columns, entry
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import OrderWrite

_QUERY_LINKS = frozenset(
    {
        "filter",
        "filter_by",
        "where",
        "update",
        "delete",
        "options",
        "execution_options",
        "enable_eagerloads",
        "yield_per",
    }
)


def order_write(part: Slice, plan: OrderWrite, imports: Imports) -> list[Change]:
    """The subselect form, with SKIP LOCKED where the plan says so."""
    return Subselect(part, plan, imports).changes()


def statement_chain(part: Slice, plan: OrderWrite) -> Chain:
    """The chain of the write, complete as it stands."""
    chain = chain_at(part, part.call(plan.write))
    if is_query(chain):
        odd = next((link.name for link in chain.links if link.name not in _QUERY_LINKS), None)
        if odd is not None:
            raise Refused(f"the query calls .{odd}()")
    require_whole(part, chain, plan.model)
    require_complete(part, chain)
    if plan.joins:
        _require_own_values(chain, plan.model)
    return chain


def require_whole(part: Slice, chain: Chain, model: str) -> None:
    """Refused where the chain does not begin its statement, as `query.update(..)` of a query that a variable holds."""
    if not _names_model(part, chain, model):
        raise Refused("the query is built in other statements")


def _names_model(part: Slice, chain: Chain, model: str) -> bool:
    """Whether a chain begins with `session.query(..)`, `Model.query`, `update(Model)` or `table.update()`."""
    root = chain.root
    if isinstance(root, cst.Attribute):
        return part.code(root.value) == model
    given = [arg.value for arg in root.args[:1] if arg.keyword is None or arg.keyword.value == "table"]
    base = [root.func.value] if isinstance(root.func, cst.Attribute) else []
    return is_query(chain) or any(part.code(node) == model for node in (*given, *base))


def _require_own_values(chain: Chain, model: str) -> None:
    """Refused where what is written comes from a joined table: its rows are found by the conditions that move."""
    wheres = chain.wheres()
    joined = {name for link in wheres for name in _bases(link.call)} - {model}
    written = {name for link in chain.links if link not in wheres for name in _bases(link.call)}
    if joined & written:
        raise Refused(f"the values are read from {min(joined & written)}, which the conditions join")


def _bases(call: cst.Call) -> Iterator[str]:
    """The names in a call's arguments whose attributes are read."""
    rest: list[cst.CSTNode] = [*call.args]
    while rest:
        node = rest.pop()
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
            yield node.value.value
        rest.extend(node.children)


def is_query(chain: Chain) -> bool:
    """Whether a chain begins with the legacy `session.query(..)` or `Model.query`."""
    return chain.head == "query" and not (isinstance(chain.root, cst.Call) and isinstance(chain.root.func, cst.Name))


class Subselect:
    """`.where(key.in_(select(key).where(..).order_by(key).with_for_update(..)))` in place of a chain's conditions."""

    def __init__(self, part: Slice, plan: OrderWrite, imports: Imports) -> None:
        self._part = part
        self._plan = plan
        self._chain = statement_chain(part, plan)
        self._select = imports.name("sqlalchemy", "select")
        key = columns(plan.model, plan.key, is_table=plan.is_table)
        self._key = ", ".join(key)
        self._subject = key[0] if len(key) == 1 else f"{imports.name('sqlalchemy', 'tuple_')}({self._key})"
        self._method = "filter" if is_query(self._chain) else "where"
        self._inner = list(fetched(part, plan, self._chain))

    def changes(self) -> list[Change]:
        """Minimal where the chain stands on lines of its own, else the whole chain."""
        indent = indentation(self._part, self._chain)
        made = self._inline() or self._spread() if indent is None else self._in_lines(indent)
        return [*made, *outside(self._inner, made)]

    def _tail(self) -> list[str]:
        plan = self._plan
        lock = ["key_share=True"] * plan.key_share + [f"of={plan.model}"] * plan.joins
        lock += ["skip_locked=True"] * (plan.form == "skip-locked")
        correlate = [".correlate(None)"] * plan.joins
        return [*correlate, f".order_by({self._key})", f".with_for_update({', '.join(lock)})"]

    def _conditions(self, indent: str) -> list[Condition]:
        return conditions(self._part, self._chain, self._model, indent)

    @property
    def _model(self) -> str:
        return f"{self._plan.model}.c" if self._plan.is_table else self._plan.model

    def _block(self, indent: str) -> str:
        """The new link, broken over lines; its first line is not indented."""
        unit = self._part.unit
        middle, deep = indent + unit, indent + 2 * unit
        lines = [f".{self._method}(", f"{middle}{self._subject}.in_(", f"{deep}{self._select}({self._key})"]
        for item in self._conditions(deep):
            lines += [f"{deep}{comment}" for comment in item.comments]
            lines.append(f"{deep}{item.code}{item.tail}")
        lines += [f"{deep}{link}" for link in self._tail()]
        return "\n".join([*lines, f"{middle})", f"{indent})"])

    # --- a chain whose links stand on lines of their own ----------------------------------------------------

    def _in_lines(self, indent: str) -> list[Change]:
        part, chain = self._part, self._chain
        wheres = chain.wheres()
        if not wheres:
            offset, code = insert_after(part, chain, None, self._block(indent))
            return [Change(offset, offset, code)]
        groups = list(self._groups())
        first = groups[0]
        start = self._begin(first[0])
        code = f"{indent}{self._block(indent)}" if is_broken(part, first[0]) else f"\n{indent}{self._block(indent)}"
        made = [Change(start, self._end(first[-1]), code)]
        for group in groups[1:]:
            at, end = self._begin(group[0]), self._end(group[-1])
            alone = is_broken(part, group[0]) and end == part.lines.line_end(end)
            made.append(Change(at, part.lines.next_line(end) if alone else end, ""))
        return made

    def _groups(self) -> Iterator[list[Link]]:
        """The conditions of a chain, those together that follow each other."""
        group: list[Link] = []
        wheres = self._chain.wheres()
        for link in self._chain.links:
            if link in wheres:
                group.append(link)
            elif group:
                yield group
                group = []
        if group:
            yield group

    def _begin(self, link: Link) -> int:
        """Behind the line of the link before, whose comment stays with it."""
        return self._part.lines.next_line(link.begin) if is_broken(self._part, link) else link.begin

    def _end(self, link: Link) -> int:
        """Behind a link and the comment on its line, which goes where the link goes."""
        return self._part.lines.line_end(link.end) if tail_comment(self._part, self._chain, link) else link.end

    # --- a chain on one line ----------------------------------------------------------------------------------

    def _inline(self) -> list[Change]:
        """The new link on the chain's own line, if it fits."""
        part, chain = self._part, self._chain
        found = self._conditions("")
        if has_line_end(part, (chain.start, chain.end)) or not all(item.is_plain for item in found):
            return []
        links = "".join([*(item.code for item in found), *self._tail()])
        code = f".{self._method}({self._subject}.in_({self._select}({self._key}){links}))"
        change = Change(chain.start, chain.end, self._joined(code, ""))
        return [change] if fits(part, change) else []

    def _joined(self, code: str, indent: str, between: str = "") -> str:
        """The chain with `code` in place of its conditions."""
        head, *rest = self._links(code, indent)
        return between.join([head, *rest])

    def _links(self, code: str, indent: str) -> list[str]:
        part, chain = self._part, self._chain
        wheres = chain.wheres()
        found = [moved(part, (chain.start, chain.root_end), indent)]
        if not wheres:
            found.append(code)
        for link in chain.links:
            if link not in wheres:
                found.append(link_moved(part, link, indent, self._inner))
            elif link is wheres[0]:
                found.append(code)
        return found

    def _spread(self) -> list[Change]:
        others = len(self._chain.links) - len(self._chain.wheres())

        def dotted(indent: str) -> str:
            return self._joined(self._block(indent), indent, f"\n{indent}" if others else "")

        def hugged(indent: str) -> str:
            return self._joined(self._block(indent), indent)

        return spread(self._part, self._chain, dotted, hugged, self._inner)


# --- synchronize_session --------------------------------------------------------------------------------------


def fetched(part: Slice, plan: OrderWrite, chain: Chain) -> Iterator[Change]:
    """`synchronize_session="evaluate"` becomes "fetch": a subquery cannot be evaluated in Python."""
    calls = [link.call for link in chain.links if link.name in {"execution_options", "update", "delete"}]
    if plan.execution is not None:
        calls.append(part.call(plan.execution))
    for call in calls:
        for value in _synchronize(call):
            if isinstance(value, cst.SimpleString) and value.evaluated_value == "evaluate":
                yield Change(*part.span(value), part.code(value).replace("evaluate", "fetch"))


def _synchronize(call: cst.Call) -> Iterator[cst.BaseExpression]:
    """The values that a call gives for `synchronize_session`."""
    named = keyword(call, "synchronize_session")
    if named is not None:
        yield named.value
    for arg in call.args:
        if isinstance(arg.value, cst.Dict) and (value := entry(arg.value, "synchronize_session")) is not None:
            yield value
    last = call.args[-1] if call.args and method(call) in {"update", "delete"} else None
    if last is not None and last.keyword is None:
        yield last.value
