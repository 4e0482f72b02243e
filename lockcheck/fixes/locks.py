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
    return set_option(part, options_of(part.call(plan.lock), plan.style), "of", plan.model)


def options_of(call: cst.Call, style: str) -> cst.BaseExpression:
    """What holds the options of a lock: the call itself, or what it passes as `with_for_update`."""
    return _lock_value(call) if style == "mapping" else call


def set_option(part: Slice, options: cst.BaseExpression, name: str, value: str) -> list[Change]:
    """Give a lock one option more."""
    if isinstance(options, cst.Name) and options.value == "True":
        return [Change(*part.span(options), f'{{"{name}": {value}}}')]
    present = option(options, name)
    if present is not None:
        return _replace_unset(part, present, name, value)
    if isinstance(options, cst.Dict):
        return add_entry(part, options, f'"{name}": {value}')
    if isinstance(options, cst.Call):
        return add_argument(part, options, f"{name}={value}")
    raise Refused("the options of the lock are built elsewhere")


def option(options: cst.BaseExpression, name: str) -> cst.BaseExpression | None:
    """The value of an option of a lock."""
    if isinstance(options, cst.Call):
        present = keyword(options, name)
        return present.value if present is not None else None
    return entry(options, name) if isinstance(options, cst.Dict) else None


def _replace_unset(part: Slice, value: cst.BaseExpression, name: str, wanted: str) -> list[Change]:
    if isinstance(value, cst.Name) and value.value in {"None", "False"}:
        return [Change(*part.span(value), wanted)]
    raise Refused(f"the lock has {name}= already")


def _lock_value(call: cst.Call) -> cst.BaseExpression:
    """What a call of `get` or `refresh` passes as `with_for_update`."""
    present = keyword(call, "with_for_update")
    value = present.value if present is not None else None
    positional = [arg for arg in call.args if arg.keyword is None and not arg.star]
    if value is None and callee(call) == "refresh" and len(positional) > _REFRESH_POSITION:
        value = positional[_REFRESH_POSITION].value
    if value is None:
        raise Refused("the call passes no with_for_update of its own")
    if isinstance(value, cst.Call) and callee(value) not in {"dict", "ForUpdateArg"}:
        raise Refused("the options of the lock are built elsewhere")
    return value


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
