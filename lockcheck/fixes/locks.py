"""Row locks: `of=`, a primary-key order, eager relationships loaded apart."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from lockcheck.fixes.arguments import add_argument, add_entry, keyword
from lockcheck.fixes.chains import called_on, callee, chain_at, insert_before, method, require_method
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import LoadSeparately, LockOnly, OrderLock

_REFRESH_POSITION = 2
"""`Session.refresh(instance, attribute_names, with_for_update)`"""


def lock_only(part: Slice, plan: LockOnly) -> list[Change]:
    call = part.call(plan.lock)
    if plan.style == "mapping":
        return _limit_value(part, _lock_value(call), plan.model)
    return _limit_call(part, call, plan.model)


def _limit_call(part: Slice, call: cst.Call, model: str) -> list[Change]:
    present = keyword(call, "of")
    if present is None:
        return add_argument(part, call, f"of={model}")
    return _replace_none(part, present.value, model)


def _replace_none(part: Slice, value: cst.BaseExpression, model: str) -> list[Change]:
    if isinstance(value, cst.Name) and value.value == "None":
        return [Change(*part.span(value), model)]
    raise Refused("the lock is limited by of= already")


def _lock_value(call: cst.Call) -> cst.BaseExpression:
    """What a call of `get` or `refresh` passes as `with_for_update`."""
    present = keyword(call, "with_for_update")
    if present is not None:
        return present.value
    positional = [arg for arg in call.args if arg.keyword is None and not arg.star]
    if callee(call) == "refresh" and len(positional) > _REFRESH_POSITION:
        return positional[_REFRESH_POSITION].value
    raise Refused("the call passes no with_for_update of its own")


def _limit_value(part: Slice, value: cst.BaseExpression, model: str) -> list[Change]:
    if isinstance(value, cst.Name) and value.value == "True":
        return [Change(*part.span(value), f'{{"of": {model}}}')]
    if isinstance(value, cst.Dict):
        present = entry(value, "of")
        return _replace_none(part, present, model) if present else add_entry(part, value, f'"of": {model}')
    if isinstance(value, cst.Call) and callee(value) in {"dict", "ForUpdateArg"}:
        return _limit_call(part, value, model)
    raise Refused("the options of the lock are built elsewhere")


def entry(display: cst.Dict, key: str) -> cst.BaseExpression | None:
    """The value that a dict display has for a string."""
    for element in display.elements:
        name = element.key if isinstance(element, cst.DictElement) else None
        if isinstance(name, cst.SimpleString) and name.evaluated_value == key:
            return element.value
    return None


def columns(model: str, names: tuple[str, ...], *, is_table: bool) -> list[str]:
    """The columns of a mapped class or of a Core table, as they read."""
    return [f"{model}.c.{name}" if is_table else f"{model}.{name}" for name in names]


def order_lock(part: Slice, plan: OrderLock) -> list[Change]:
    link = require_method(part, part.call(plan.lock), "with_for_update")
    key = ", ".join(columns(plan.model, plan.key, is_table=plan.is_table))
    offset, code = insert_before(part, link, f".order_by({key})")
    return [Change(offset, offset, code)]


# --- eager relationships ------------------------------------------------------------------------------------


def load_separately(part: Slice, plan: LoadSeparately, imports: Imports) -> list[Change]:
    call = part.call(plan.lock)
    paths = [name if "." in name else f"{plan.model}.{name}" for name in plan.relationships]
    loader = imports.name("sqlalchemy.orm", "selectinload")
    if method(call) != "with_for_update":
        return _load_option(part, call, paths, loader)
    options = [link.call for link in chain_at(part, call).links if link.name == "options"]
    changes = [change for item in options for arg in item.args for change in _unjoin(part, arg.value, paths, loader)]
    if paths:
        link = require_method(part, call, "with_for_update")
        offset, code = insert_before(part, link, f".options({_loads(paths, loader)})")
        changes.append(Change(offset, offset, code))
    return changes


def _loads(paths: list[str], loader: str) -> str:
    return ", ".join(f"{loader}({path})" for path in paths)


def _unjoin(part: Slice, option: cst.BaseExpression, paths: list[str], loader: str) -> Iterator[Change]:
    """Turn `joinedload(path)` into `selectinload(path)`; the path leaves the list of those to do."""
    call = option if isinstance(option, cst.Call) else None
    while call is not None:
        inner = called_on(call)
        path = part.code(call.args[0].value) if callee(call) == "joinedload" and call.args else ""
        if path in paths:
            paths.remove(path)
            name = call.func.attr if inner and isinstance(call.func, cst.Attribute) else call.func
            yield Change(*part.span(name), "selectinload" if inner else loader)
            yield Change(part.span(call.args[0].value)[1], part.inner(call)[1] - 1, "")
        call = inner


def _load_option(part: Slice, call: cst.Call, paths: list[str], loader: str) -> list[Change]:
    """For `session.get(..)`, which takes loader options as a keyword."""
    if callee(call) not in {"get", "get_one"}:
        raise Refused(f"{callee(call)}() takes no loader options")
    present = keyword(call, "options")
    if present is None:
        return add_argument(part, call, f"options=[{_loads(paths, loader)}]")
    if not isinstance(present.value, cst.List):
        raise Refused("the loader options are built elsewhere")
    options = [element.value for element in present.value.elements]
    changes = [change for option in options for change in _unjoin(part, option, paths, loader)]
    return changes + (add_entry(part, present.value, _loads(paths, loader)) if paths else [])
