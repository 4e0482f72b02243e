"""Bulk writes handed to a helper of the project."""

from __future__ import annotations

from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import has_line_end
from lockcheck.fixes.ordered import is_query, statement_chain
from lockcheck.fixes.paged import executed, session_of
from lockcheck.fixes.results import replaced_reads
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import OrderWrite


def call_helper(part: Slice, plan: OrderWrite, imports: Imports) -> list[Change]:
    """`helper(session, statement)` in place of `session.execute(statement)`; it returns the number of rows."""
    chain = statement_chain(part, plan)
    if is_query(chain):
        raise Refused("the helper takes a statement, not a query")
    usage = executed(part, plan, chain)
    if len(usage.call.args) != 1 or usage.call.args[0].keyword is not None:
        raise Refused("the execution passes more than the statement")
    module, _, name = (plan.helper or "").partition(":")
    if not name:
        raise Refused("no helper is set")
    session = session_of(part, usage.call)
    first, (after_name, start) = part.span(usage.call.args[0])[0], part.span(usage.call.func)[::-1]
    gap = f"\n{part.indent_at(first)}" if has_line_end(part, (after_name, first)) else " "
    changes = [Change(start, after_name, imports.name(module, name)), Change(first, first, f"{session},{gap}")]
    if usage.count is not None:
        begin, end = part.span(usage.count)
        value = part.inner(usage.value)
        return [Change(begin, end, part.rendered(value, changes))]
    return [*changes, *replaced_reads(part, usage, usage.variable or "")]
