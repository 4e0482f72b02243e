"""Row locks of another strength, and ones that are taken out."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from lockcheck.fixes.arguments import Item
from lockcheck.fixes.chains import require_method
from lockcheck.fixes.locks import option, options_of, set_option
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import ChangeLock, DropLock


def change_lock(part: Slice, plan: ChangeLock) -> list[Change]:
    options = options_of(part.call(plan.lock), plan.style)
    if not plan.drop_read:
        return set_option(part, options, "key_share", "True")
    return _without_read(part, options, key_share=plan.key_share)


def drop_lock(part: Slice, plan: DropLock) -> list[Change]:
    """Without `.with_for_update(..)`."""
    link = require_method(part, part.call(plan.lock), "with_for_update")
    if "#" in part.text[link.begin : link.end]:
        raise Refused("a comment stands in the lock")
    return [Change(link.begin, link.end, "")]


def _without_read(part: Slice, options: cst.BaseExpression, *, key_share: bool) -> list[Change]:
    item = _read(options)
    name = _name(item)
    if not isinstance(item.value, cst.Name) or item.value.value != "True" or name is None:
        raise Refused("whether the lock is shared is decided elsewhere")
    if key_share and option(options, "key_share") is None:
        quoted = '"key_share"' if isinstance(name, cst.SimpleString) else "key_share"
        return [Change(*part.span(name), quoted)]
    if isinstance(options, cst.Dict) and len(options.elements) == 1:
        return [Change(*part.span(options), "True")]
    return _remove(part, _items(options), item, part.span(name)[0])


def _items(options: cst.BaseExpression) -> Sequence[cst.Arg | cst.BaseDictElement]:
    if isinstance(options, cst.Call):
        return options.args
    return options.elements if isinstance(options, cst.Dict) else ()


def _read(options: cst.BaseExpression) -> cst.Arg | cst.DictElement:
    """The option `read`."""
    for item in _items(options):
        name = _name(item)
        text = name.evaluated_value if isinstance(name, cst.SimpleString) else getattr(name, "value", None)
        if text == "read" and isinstance(item, (cst.Arg, cst.DictElement)):
            return item
    raise Refused("the options of the lock are built elsewhere")


def _name(item: Item) -> cst.BaseExpression | None:
    if isinstance(item, cst.Arg):
        return item.keyword
    return item.key if isinstance(item, cst.DictElement) else None


def _remove(part: Slice, items: Sequence[Item], item: Item, start: int) -> list[Change]:
    """Take an item out of a list of arguments or entries, with one of its commas."""
    number = next(n for n, other in enumerate(items) if other is item)
    end = part.span(item.value)[1]
    if number + 1 < len(items):
        following = items[number + 1]
        end = part.span(_name(following) or following.value)[0]
    elif number:
        start = part.span(items[number - 1].value)[1]
    if "#" in part.text[start:end] or (number + 1 < len(items) and part.text[start:end].rstrip()[-1:] != ","):
        raise Refused("the options of the lock are not a plain list")
    return [Change(start, end, "")]
