"""Known constants in a common form: an enum member counts as the value it stands for."""

from __future__ import annotations

from lockcheck.declarations.model import EnumMember, Scalar
from lockcheck.linking.values import Abstract, CollectionOf, ConstantSet, Known, TupleOf, each


def plain(value: Scalar) -> object:
    """A member's value, as the database would see it."""
    return value.value if isinstance(value, EnumMember) else value


def members(value: Abstract) -> frozenset[object] | None:
    """All values that a constant or constant collection may be; None where any is unknown."""
    found: set[object] = set()
    for part in each(value):
        if isinstance(part, Known):
            found.add(plain(part.value))
        elif isinstance(part, ConstantSet) and part.items is not None:
            found.update(plain(item) for item in part.items)
        elif isinstance(part, TupleOf) and part.kind != "dict":
            for item in part.items:
                inner = members(item)
                if inner is None:
                    return None
                found |= inner
        else:
            return None
    return frozenset(found)


def may_hold_none(value: Abstract) -> bool | None:
    """Whether a collection holds None: True, False, or None where it is unknown. A bare None is no collection: it
    is the default of a parameter that is tested first."""
    answers = [_holds_none(part) for part in each(value) if part != Known(None)]
    if True in answers:
        return True
    return False if answers and all(answer is False for answer in answers) else None


def grown_by_none(value: Abstract) -> bool:
    """Whether None is among what a collection of unknown length was made of, such as `[*names, None]`."""
    return any(isinstance(part, CollectionOf) and Known(None) in each(part.element) for part in each(value))


def _holds_none(value: Abstract) -> bool | None:
    if isinstance(value, ConstantSet):
        return value.has_none
    if isinstance(value, TupleOf) and value.kind != "dict":
        parts = [_holds_none(item) for item in value.items]
        return True if True in parts else False if all(part is False for part in parts) else None
    return value.value is None if isinstance(value, Known) else None
