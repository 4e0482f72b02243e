"""Plain reads made locking ones, which load what they lock anew."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.arguments import add_argument, keyword
from lockcheck.fixes.chains import Chain, Link, callee, chain_at, insert_after, insert_before
from lockcheck.fixes.locks import columns
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import LockRead

_EXECUTING = frozenset(
    {"all", "first", "first_or_404", "get", "get_or_404", "one", "one_or_404", "one_or_none", "scalar"}
)
_LOCKING = frozenset({"with_for_update", "populate_existing"})


def lock_read(part: Slice, plan: LockRead) -> list[Change]:
    call = part.call(plan.read)
    if plan.form == "get":
        if callee(call) not in {"get", "get_one"} or any(keyword(call, name) for name in _LOCKING):
            raise Refused("the read is no plain session.get()")
        lock = f'{{"of": {plan.model}, "key_share": True}}'
        return add_argument(part, call, f"with_for_update={lock}, populate_existing=True")
    chain = chain_at(part, call)
    begins = chain.root if isinstance(chain.root, cst.Call) else chain.links[0].call
    if begins is not call or any(link.name in _LOCKING for link in chain.links):
        raise Refused("the read is no plain SELECT")
    return _lock_chain(part, plan, chain)


def _lock_chain(part: Slice, plan: LockRead, chain: Chain) -> list[Change]:
    added = [f".with_for_update(of={plan.model}, key_share=True)"]
    if plan.order:
        added.insert(0, f".order_by({', '.join(columns(plan.model, plan.order, is_table=False))})")
    if plan.form == "query":
        added.append(".populate_existing()")
        executing = next((link for link in chain.links if link.name in _EXECUTING), None)
        return _placed_before(part, executing, added) if executing else _placed_behind(part, chain, added)
    added.append(".execution_options(populate_existing=True)")
    return _placed_behind(part, chain, added)


def _placed_before(part: Slice, link: Link, added: list[str]) -> list[Change]:
    placed = [insert_before(part, link, code) for code in added]
    return [Change(placed[0][0], placed[0][0], "".join(code for _, code in placed))]


def _placed_behind(part: Slice, chain: Chain, added: list[str]) -> list[Change]:
    last = chain.links[-1] if chain.links else None
    placed = [insert_after(part, chain, last, code) for code in added]
    return [Change(placed[0][0], placed[0][0], "".join(code for _, code in placed))]
