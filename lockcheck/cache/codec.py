"""Named tuples and frozen dataclasses as plain JSON, by their annotations.

An object is the list of its fields; where a field may hold one of several classes, the list begins with the number of
the class in the union. Nothing of a document is executed: what does not fit the annotations raises, or makes an object
that differs from all that were written, which checksums rule out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import cache, partial
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
    if _is_plain(kind):
        return AS_IS
    if _is_union(kind):
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


def _is_plain(kind: Any) -> bool:
    return kind in PLAIN or get_origin(kind) is Literal or (_is_union(kind) and all(map(_is_plain, get_args(kind))))


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


# --- kinds of types -------------------------------------------------------------------------------------------


def _object(kind: Any) -> Codec:
    """The parts are looked up when the first object comes: classes refer to each other."""
    if not isinstance(kind, type) or not (hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__")):
        raise TypeError(f"no JSON form for {kind!r}")

    @cache
    def parts() -> list[Codec]:
        return [codec(part) for part in fields_of(kind).values()]

    names = tuple(fields_of(kind))
    if issubclass(kind, tuple):
        make = partial(tuple.__new__, kind)
        plain = all(map(_is_plain, fields_of(kind).values()))
        return Codec(list, make) if plain else _row(parts, list, make)
    return _row(parts, lambda value: [getattr(value, name) for name in names], lambda items: kind(*items))


def _tuple(parts: tuple[Any, ...]) -> Codec:
    if len(parts) != 2 or parts[1] is not Ellipsis:  # noqa: PLR2004 - `tuple[X, ...]`
        return _row(lambda: [codec(part) for part in parts], list, tuple)
    to, back = codec(parts[0])
    return Codec(
        list if to is None else lambda value: [to(item) for item in value],
        tuple if back is None else lambda items: tuple([back(item) for item in items]),
    )


def _row(parts: Callable[[], list[Codec]], apart: Convert, made: Convert) -> Codec:
    """Of things with a fixed number of parts, which `apart` takes from one and `made` puts together."""

    @cache
    def encoders() -> list[tuple[int, Convert]]:
        return [(number, part.encode) for number, part in enumerate(parts()) if part.encode is not None]

    @cache
    def decoders() -> list[tuple[int, Convert]]:
        return [(number, part.decode) for number, part in enumerate(parts()) if part.decode is not None]

    def encode(value: Any) -> list[Any]:
        items: list[Any] = apart(value)
        for number, to in encoders():
            items[number] = to(items[number])
        return items

    def decode(document: Any) -> Any:
        items = list(document)
        for number, back in decoders():
            items[number] = back(items[number])
        return made(items)

    return Codec(encode, decode)


def _mapping(value: Any) -> Codec:
    to, back = codec(value)
    return Codec(
        dict if to is None else lambda mapping: {key: to(item) for key, item in mapping.items()},
        None if back is None else lambda document: {key: back(item) for key, item in document.items()},
    )


def _union(kinds: tuple[Any, ...]) -> Codec:
    """Of classes and None."""
    classes = [kind for kind in kinds if kind is not type(None)]
    if len(classes) == 1:
        return _optional(codec(classes[0]))
    codecs = [codec(kind) for kind in classes]
    encoders = {kind: (number, part.encode) for number, (kind, part) in enumerate(zip(classes, codecs, strict=True))}
    decoders = [part.decode for part in codecs]

    def encode(value: Any) -> Any:
        if value is None:
            return None
        number, to = encoders[value.__class__]
        return [number, value if to is None else to(value)]

    def decode(document: Any) -> Any:
        if document is None:
            return None
        number, value = document
        back = decoders[number]
        return value if back is None else back(value)

    return Codec(encode, decode)


def _optional(part: Codec) -> Codec:
    to, back = part
    return Codec(
        None if to is None else lambda value: None if value is None else to(value),
        None if back is None else lambda document: None if document is None else back(document),
    )
