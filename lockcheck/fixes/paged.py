"""Bulk UPDATEs in primary-key order on databases that lock rows while they scan: page by page."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.chains import Chain, Link, Root
from lockcheck.fixes.conditions import Condition, arguments, assigned_name, own_comments, tail_comment
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import arguments_code, call_code, link_moved, moved, outside
from lockcheck.fixes.locks import columns
from lockcheck.fixes.names import unused
from lockcheck.fixes.ordered import fetched, is_query, statement_chain
from lockcheck.fixes.results import Usage, replaced_reads, usage_of, uses
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import OrderWrite

PAGE = 500
"""Rows. MariaDB makes a join of an `IN` that lists 1000 values or more, and then locks in the order of its plan."""


def page_write(part: Slice, plan: OrderWrite, imports: Imports) -> list[Change]:
    """The loop in place of the statement that executes the write."""
    return _Paged(part, plan, imports).changes()


def executed(part: Slice, plan: OrderWrite, chain: Chain) -> Usage:
    """The call that executes a chain, and what becomes of its result."""
    if is_query(chain):
        return usage_of(part, chain.value, returns_count=True)
    if plan.execution is None:
        raise Refused("the statement is executed elsewhere")
    return usage_of(part, part.call(plan.execution), returns_count=False)


def session_of(part: Slice, call: Root) -> str:
    """How the session reads whose method is called; `Model.query` names none."""
    value = call.func.value if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) else None
    at: cst.BaseExpression | None = value
    while isinstance(at, cst.Attribute):
        at = at.value
    if value is None or not isinstance(at, cst.Name):
        raise Refused("the session is no plain name")
    return part.code(value)


class _Paged:
    def __init__(self, part: Slice, plan: OrderWrite, imports: Imports) -> None:
        self._part, self._plan = part, plan
        self._chain = statement_chain(part, plan)
        self._query = is_query(self._chain)
        self._usage = executed(part, plan, self._chain)
        self._variable = self._assigned()
        if any(link.name == "returning" for link in self._chain.links):
            raise Refused("the statement returns rows")
        self._session = session_of(part, self._chain.root if self._query else self._usage.call)
        self._indent = part.indent_at(part.body_start(self._usage.line))
        self._select = imports.name("sqlalchemy", "select")
        self._key = columns(plan.model, plan.key, is_table=plan.is_table)
        composite = len(self._key) > 1
        self._subject = f"{imports.name('sqlalchemy', 'tuple_')}({', '.join(self._key)})" if composite else self._key[0]
        self._taken = imports.taken()
        self._inner = list(fetched(part, plan, self._chain))

    def _new(self, wanted: str) -> str:
        name = unused(wanted, self._taken)
        self._taken.add(name)
        return name

    def _assigned(self) -> str | None:
        """The variable that holds the statement, where it is not written into the call that executes it."""
        parent, call = self._part.parent(self._chain.value), self._usage.call
        if self._query or (isinstance(parent, cst.Arg) and parent is call.args[0]):
            return None
        name = assigned_name(self._part, self._chain.value)
        found = list(uses(self._part, call, name)) if name else []
        given = call.args[0].value if call.args else None
        if name is None or len(found) != 2 or given not in found:  # noqa: PLR2004  the assignment and the execution
            raise Refused("the statement does not stand alone")
        return name

    # --- the pieces -----------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        part, usage = self._part, self._usage
        conditions = [item for link in self._chain.wheres() for item in self._arguments(link)]
        where = self._new("conditions") if conditions else None
        above = self._conditions(where, conditions) if where else []
        end = part.span(usage.line.body[0])[1]
        if self._variable is not None:
            line = part.statement(self._chain.value)
            start, stop = part.body_start(line), part.span(line.body[0])[1]
            if part.indent_at(start) != self._indent:
                raise Refused("the statement is built in another block than it is executed in")
            written = self._variable
            built = [Change(start, stop, self._joined([*above, *self._statement(written)], (start, stop)))]
            code = self._loop(where, written)
        else:
            written = self._new("values" if self._query else "statement")
            built = []
            code = [*above, *self._statement(written), *self._loop(where, written)]
        begin = part.body_start(usage.line)
        return [*built, Change(begin, end, self._joined(code, (begin, end))), *self._reads()]

    def _joined(self, lines: list[str], span: tuple[int, int]) -> str:
        """The lines behind the indentation that is there; comments that found no other place stand ahead of them."""
        code = "\n".join(lines)
        lost = [comment for comment in self._part.comments(span) if comment not in code]
        return "\n".join([*(f"{self._indent}{comment}" for comment in lost), code]).removeprefix(self._indent)

    @property
    def _model(self) -> str:
        return f"{self._plan.model}.c" if self._plan.is_table else self._plan.model

    def _arguments(self, link: Link) -> Iterator[Condition]:
        return arguments(self._part, self._chain, link, self._model, self._indent + self._part.unit)

    def _conditions(self, name: str, found: list[Condition]) -> list[str]:
        indent, unit = self._indent, self._part.unit
        comma = "," if len(found) == 1 else ""
        line = f"{indent}{name} = ({', '.join(item.code for item in found)}{comma})"
        if all(item.is_plain for item in found) and len(line) <= 88:  # noqa: PLR2004  the width of a line
            return [line]
        lines = [f"{indent}{name} = ("]
        for item in found:
            lines += [f"{indent}{unit}{comment}" for comment in item.comments]
            lines.append(f"{indent}{unit}{item.code},{item.tail}")
        return [*lines, f"{indent})"]

    def _statement(self, name: str) -> list[str]:
        """The statement without its conditions, in a variable; of a legacy query the values."""
        part, chain = self._part, self._chain
        if self._query:
            first = self._values()
            return (
                [] if first is None else [f"{self._indent}{name} = {moved(part, part.span(first.value), self._indent)}"]
            )
        others = [link for link in chain.links if link not in chain.wheres()]
        noted = any(own_comments(part, link) or tail_comment(part, chain, link) for link in others)
        head = part.text[chain.start : chain.root_end]
        codes = [part.rendered((link.dot, link.end), self._inner) for link in others]
        if not noted and not any("\n" in code for code in codes):
            return [call_code(head, codes, self._indent, part.unit, prefix=f"{name} = ")]
        deep = self._indent + part.unit
        lines = [f"{self._indent}{name} = (", f"{deep}{moved(part, (chain.start, chain.root_end), deep)}"]
        for link in others:
            lines += [f"{deep}{comment}" for comment in own_comments(part, link)]
            tail = tail_comment(part, chain, link)
            lines.append(f"{deep}{link_moved(part, link, deep, self._inner)}{f'  {tail}' if tail else ''}")
        return [*lines, f"{self._indent})"]

    def _values(self) -> cst.Arg | None:
        """The values of a legacy `query.update(values)`, where they are more than a name."""
        last = self._chain.links[-1]
        first = last.call.args[0] if last.name == "update" and last.call.args else None
        return None if first is None or isinstance(first.value, cst.Name) else first

    # --- the loop -------------------------------------------------------------------------------------------

    def _loop(self, where: str | None, written: str) -> list[str]:
        usage, indent = self._usage, self._indent
        self._count = self._new("updated") if usage.is_counted else None
        last, page, keys = (self._new(name) for name in ("last", "page", "keys"))
        deep = indent + self._part.unit
        lines = [f"{indent}{self._count} = 0"] if self._count else []
        lines += [f"{indent}{last} = None", f"{indent}while True:"]
        lines.append(self._code(self._selected, self._page_links(where), deep, f"{page} = "))
        lines.append(f"{deep}if {last} is not None:")
        lines.append(f"{deep}{self._part.unit}{page} = {page}.where({self._subject} > {last})")
        lines += self._read(keys, page, deep)
        lines += [f"{deep}if not {keys}:", f"{deep}{self._part.unit}break", f"{deep}{last} = {keys}[-1]"]
        awaited = "await " if usage.is_awaited else ""
        lock = f"{awaited}{self._session}.execute("
        lines.append(self._code(self._selected, self._lock_links(keys), deep, lock, ")"))
        lines += self._write(written, where, keys, deep)
        small = usage.line.body[0]
        if usage.count is not None:
            start, end = self._part.span(small)
            change = Change(*self._part.span(usage.count), self._count or "")
            lines.append(f"{indent}{self._part.rendered((start, end), [change])}")
        return lines

    @property
    def _selected(self) -> str:
        return f"{self._select}({', '.join(self._key)})"

    def _page_links(self, where: str | None) -> list[str]:
        return [f".where(*{where})"] * bool(where) + [f".order_by({', '.join(self._key)})", f".limit({PAGE})"]

    def _lock_links(self, keys: str) -> list[str]:
        """By the keys alone: with another condition InnoDB may take another index, and locks in its order."""
        lock = "key_share=True" if self._plan.key_share else ""
        order = f".order_by({', '.join(self._key)})"
        return [f".where({self._subject}.in_({keys}))", order, f".with_for_update({lock})"]

    def _read(self, name: str, page: str, indent: str) -> list[str]:
        """Keys of rows into a variable: scalars, or tuples for a composite key."""
        composite, awaited = len(self._key) > 1, "await " if self._usage.is_awaited else ""
        call = f"{awaited}{self._session}.{'execute' if composite else 'scalars'}({page})"
        if not composite:
            return [f"{indent}{name} = {f'({call})' if awaited else call}.all()"]
        rows = self._new("rows")
        return [f"{indent}{rows} = {call}", f"{indent}{name} = [tuple(row) for row in {rows}]"]

    def _code(self, head: str, links: list[str], indent: str, prefix: str, suffix: str = "") -> str:
        return call_code(head, links, indent, self._part.unit, prefix=prefix, suffix=suffix)

    def _write(self, written: str, where: str | None, keys: str, indent: str) -> list[str]:
        """The statement for a page. Its conditions are asked again: others may have written the rows meanwhile."""
        pick = f"{self._subject}.in_({keys}){f', *{where}' if where else ''}"
        adding = f"{self._count} += " if self._count else ""
        if self._query:
            return [f"{indent}{adding}{self._query_code(pick, written)}"]
        usage = self._usage
        spans = [(self._part.span(arg)[0], self._part.span(arg.value)[1]) for arg in usage.call.args[1:]]
        others = [moved(self._part, span, indent + self._part.unit, self._inner) for span in spans]
        chosen = f"{written}.where({pick})"
        call = f"{self._session}.execute("
        if not usage.is_awaited:
            suffix = ").rowcount" if self._count else ")"
            return arguments_code([chosen, *others], indent, self._part.unit, prefix=f"{adding}{call}", suffix=suffix)
        result = self._new("result") if self._count else ""
        prefix = f"{result} = await {call}" if result else f"await {call}"
        lines = arguments_code([chosen, *others], indent, self._part.unit, prefix=prefix, suffix=")")
        return [*lines, f"{indent}{adding}{result}.rowcount"] if result else lines

    def _query_code(self, pick: str, values: str) -> str:
        part, chain = self._part, self._chain
        first = self._values()
        changes = [Change(*part.span(first.value), values)] if first is not None else []
        changes += outside(self._inner, changes)
        links = [part.rendered((link.dot, link.end), changes) for link in chain.links if link not in chain.wheres()]
        return f"{part.text[chain.start : chain.root_end]}.filter({pick}){''.join(links)}"

    def _reads(self) -> list[Change]:
        return replaced_reads(self._part, self._usage, self._count or "")
