"""Named tuples and frozen dataclasses as plain JSON, by their annotations.

An object is the list of its fields; where a field may hold one of several classes, the list begins with the number of
the class in the union. Nothing of a document is executed: what does not fit the annotations raises, or makes an object
that differs from all that were written, which checksums rule out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

Convert: TypeAlias = Callable[[Any], Any]

PLAIN = frozenset({str, int, float, bool, type(None)})


class Codec(NamedTuple):
    """How values of a type become JSON and come back; None where they stay as they are."""

    encode: Convert | None
    decode: Convert | None


AS_IS = Codec(None, None)


@cache
def codec(kind: Any) -> Codec:
    """The codec of a type. Raises TypeError for one that has none."""
    if kind in PLAIN or get_origin(kind) is Literal:
        return AS_IS
    if get_origin(kind) in (Union, types.UnionType):
        return _union(get_args(kind))
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind))
    if _is_mapping(kind):
        return _mapping(get_args(kind)[1])
    return _object(kind)


def fields_of(kind: type) -> dict[str, Any]:
    """The fields of a class with their types, in order, without those that its objects are not compared by."""
    fields = getattr(kind, "__dataclass_fields__", {})
    names = getattr(kind, "_fields", None) or tuple(name for name, field in fields.items() if field.compare)
    hints = get_type_hints(kind) if names else {}
    return {name: hints[name] for name in names}


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


# --- kinds of types -------------------------------------------------------------------------------------------


def _object(kind: Any) -> Codec:
    """The parts are looked up when the first object comes: classes refer to each other."""
    if not isinstance(kind, type) or not (hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__")):
        raise TypeError(f"no JSON form for {kind!r}")
    parts: list[Codec] = []
    names: list[str] = []
    as_is: list[bool] = []

    def prepare() -> None:
        found = fields_of(kind)
        names.extend(found)
        parts.extend(map(codec, found.values()))
        as_is.append(all(part is AS_IS for part in parts))

    def encode(value: Any) -> list[Any]:
        if not as_is:
            prepare()
        values = [getattr(value, name) for name in names]
        if as_is[0]:
            return values
        return [item if part[0] is None else part[0](item) for part, item in zip(parts, values, strict=True)]

    def decode(items: Any) -> Any:
        if not as_is:
            prepare()
        if as_is[0]:
            return kind(*items)
        return kind(*[item if part[1] is None else part[1](item) for part, item in zip(parts, items, strict=True)])

    return Codec(encode, decode)


def _tuple(parts: tuple[Any, ...]) -> Codec:
    if len(parts) != 2 or parts[1] is not Ellipsis:  # noqa: PLR2004 - `tuple[X, ...]`
        return _row([codec(part) for part in parts])
    to, back = codec(parts[0])
    if to is None or back is None:
        return Codec(list, tuple)
    return Codec(lambda value: [to(item) for item in value], lambda items: tuple([back(item) for item in items]))


def _row(parts: list[Codec]) -> Codec:
    def encode(value: Any) -> list[Any]:
        return [item if part.encode is None else part.encode(item) for part, item in zip(parts, value, strict=True)]

    def decode(items: Any) -> Any:
        return tuple(
            item if part.decode is None else part.decode(item) for part, item in zip(parts, items, strict=True)
        )

    return Codec(encode, decode)


def _mapping(value: Any) -> Codec:
    to, back = codec(value)
    if to is None or back is None:
        return Codec(dict, None)
    return Codec(
        lambda mapping: {key: to(item) for key, item in mapping.items()},
        lambda document: {key: back(item) for key, item in document.items()},
    )


def _union(kinds: tuple[Any, ...]) -> Codec:
    """Of plain types, or of classes and None."""
    if all(kind in PLAIN or get_origin(kind) is Literal for kind in kinds):
        return AS_IS
    classes = [kind for kind in kinds if kind is not type(None)]
    if len(classes) == 1:
        return _optional(codec(classes[0]))
    numbers = {kind: number for number, kind in enumerate(classes)}
    encoders = [codec(kind).encode or _same for kind in classes]
    decoders = [codec(kind).decode or _same for kind in classes]

    def encode(value: Any) -> Any:
        if value is None:
            return None
        number = numbers[value.__class__]
        return [number, encoders[number](value)]

    def decode(document: Any) -> Any:
        return None if document is None else decoders[document[0]](document[1])

    return Codec(encode, decode)


def _same(value: Any) -> Any:
    return value


def _optional(part: Codec) -> Codec:
    to, back = part
    return Codec(
        lambda value: value if value is None or to is None else to(value),
        lambda document: document if document is None or back is None else back(document),
    )
