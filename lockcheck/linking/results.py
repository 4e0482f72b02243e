"""What comes back from the database, and Python containers of it."""

from __future__ import annotations

from lockcheck.immutable import replace
from lockcheck.linking.origins import steady
from lockcheck.linking.substitution import EACH, element_of, is_empty, origin_of
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    CollectionOf,
    ColumnRef,
    Expression,
    FromOperation,
    Given,
    Instance,
    ModelRef,
    Opaque,
    Reached,
    Result,
    Row,
    Somewhere,
    Statement,
    TupleOf,
    Walk,
    each,
    join,
)
from lockcheck.plans import Target

SAME = frozenset(
    {"unique", "yield_per", "execution_options", "partitions", "mappings", "tuples", "columns", "freeze", "options"}
)
ALL = frozenset({"all", "fetchall", "fetchmany", "__iter__", "scalars_all"})
ONE = frozenset({"first", "one", "one_or_none", "fetchone", "next"})
SCALAR = frozenset({"scalar", "scalar_one", "scalar_one_or_none"})

UNORDERED = frozenset({"set", "frozenset"})
DUMPS = frozenset({"model_dump", "dict", "_asdict"})
"""Methods that give the fields of an object as a mapping, in the order in which its class declares them."""

FIELDS = Opaque(Somewhere("fields"))

VIEWS = frozenset({"keys", "values", "items"})


def entity_value(entity: Abstract, site: Target, *, many: bool) -> Abstract:
    """What one selected entity or column gives in a row."""
    origin = FromOperation(site, many)
    if isinstance(entity, ModelRef):
        return Instance(entity, origin)
    if isinstance(entity, ColumnRef):
        return AttributeOf(Instance(entity.model, origin), entity.attribute)
    if isinstance(entity, Expression) and entity.call == "count":
        return Opaque(Reached(origin, "count", many=False))
    return Opaque(origin)


def element(statement: Statement, site: Target, *, scalars: bool, many: bool) -> Abstract:
    """One element of a result."""
    entities = statement.entities or ((statement.model,) if statement.model else ())
    if not entities:
        return Opaque(FromOperation(site, many))
    single = len(entities) == 1 and (statement.query is not None and isinstance(entities[0], ModelRef))
    if scalars or single:
        return entity_value(entities[0], site, many=many)
    return Row(statement, site, many)


def selected(statement: Statement, site: Target, *, scalars: bool) -> CollectionOf:
    """All that a SELECT returned, as a list."""
    return CollectionOf(element(statement, site, scalars=scalars, many=True), "?" if statement.order_by else None)


def result_method(result: Result, name: str) -> Abstract | None:
    """What a method of a result gives; None for one that is not known."""
    if name in SAME:
        return result
    if name == "scalars":
        return Result(result.statement, result.site, scalars=True)
    if name in ALL:
        return selected(result.statement, result.site, scalars=result.scalars)
    if name in ONE:
        return element(result.statement, result.site, scalars=result.scalars, many=False)
    if name in SCALAR:
        return element(result.statement, result.site, scalars=True, many=False)
    return None


def row_item(row: Row, index: int) -> Abstract:
    entities = row.statement.entities
    if 0 <= index < len(entities):
        return entity_value(entities[index], row.site, many=row.many)
    return Opaque(FromOperation(row.site, row.many))


def row_attribute(row: Row, name: str) -> Abstract:
    for entity in row.statement.entities:
        if isinstance(entity, ColumnRef) and entity.attribute == name:
            return entity_value(entity, row.site, many=row.many)
        if isinstance(entity, ModelRef) and entity.qualname.rpartition(".")[2] == name:
            return entity_value(entity, row.site, many=row.many)
    return AttributeOf(row, name)


def walked(value: Abstract) -> Abstract:
    """The element at hand while walking over a value."""
    if isinstance(value, Result):
        return element(value.statement, value.site, scalars=value.scalars, many=True)
    if isinstance(value, Instance) and isinstance(value.origin, Reached) and value.origin.many:
        return value
    if isinstance(value, Row):
        return Opaque(FromOperation(value.site, value.many))
    return element_of(value)


def item(value: Abstract, index: int) -> Abstract:
    """Element `index` of an unpacked or subscripted value."""
    if isinstance(value, TupleOf) and value.kind != "dict":
        return value.items[index] if -len(value.items) <= index < len(value.items) else Opaque()
    if isinstance(value, Row):
        return row_item(value, index)
    if isinstance(value, Result):
        return walked(value)
    if isinstance(value, CollectionOf):
        return value.element
    if isinstance(value, Opaque) and isinstance(value.origin, Given):
        return Opaque(Reached(value.origin, str(index), many=False))
    return value if value == Opaque(EACH) else Opaque()


def container_method(value: Abstract, name: str, arguments: tuple[Abstract, ...]) -> Abstract:
    """What a method of a Python container gives."""
    if name in ("copy", "union", "difference", "intersection") or (name in VIEWS and is_empty(value)):
        return value
    if name == "keys":
        keys = value.keys if isinstance(value, TupleOf) else ()
        return _view(value, join(*keys) if keys else element_of(value))
    if name == "values":
        return _view(value, _value(value))
    if name == "items":
        return _view(value, TupleOf((_key(value), _value(value)), "tuple"))
    if name in ("pop", "popleft", "get", "__getitem__", "popitem", "setdefault"):
        return _looked_up(value, arguments)
    return Opaque()


def _view(value: Abstract, element: Abstract) -> CollectionOf:
    """The keys, values or items of a mapping, in its order."""
    if isinstance(value, CollectionOf):
        return CollectionOf(element, value.ordered_by, walk=value.walk)
    return CollectionOf(element)


def _key(value: Abstract) -> Abstract:
    if isinstance(value, CollectionOf):
        return Opaque(EACH)
    return join(*value.keys) if isinstance(value, TupleOf) and value.keys else Opaque()


def _value(value: Abstract) -> Abstract:
    """What a mapping holds; one that has grown is known by its elements."""
    if isinstance(value, CollectionOf):
        return value.element
    return join(*value.items) if isinstance(value, TupleOf) and value.items else Opaque()


def mapped(value: Abstract) -> CollectionOf:
    """`dict(value)`: of pairs, or a copy of a mapping; what walking over it yields is a value, as of a grown one."""
    pair = walked(value)
    known = isinstance(value, CollectionOf) and isinstance(pair, TupleOf)
    inner = item(pair, 1) if known else Opaque(EACH)
    found = in_step(value, inner)
    return found if found.ordered_by is not None or found.walk else replace(found, walk="mapping")


def view(value: Abstract, name: str) -> CollectionOf:
    """`items()`, `keys()` or `values()` of a mapping of which nothing is known, but perhaps that its keys are the
    fields of a class."""
    element = element_of(value)
    inner = Opaque(Reached(origin_of(element), "value", many=False))
    made = {"items": TupleOf((element, inner), "tuple"), "keys": element, "values": inner}
    return CollectionOf(made[name], walk="fixed" if value == FIELDS else "mapping")


def _looked_up(value: Abstract, arguments: tuple[Abstract, ...]) -> Abstract:
    if isinstance(value, TupleOf) and value.kind == "dict":
        for key, found in zip(value.keys, value.items, strict=True):
            if arguments and key == arguments[0]:
                return found
        return _value(value)
    return element_of(value) if isinstance(value, (CollectionOf, TupleOf)) else Opaque()


def grown(base: Abstract, added: Abstract, ordered_by: str | None = None) -> Abstract:
    """A container with one element more."""
    parts: tuple[Abstract, ...] = ()
    walk: Walk = ""
    for part in each(base):
        walk = walk or walk_of(part)
        if isinstance(part, TupleOf) and part.kind != "dict":
            parts += part.items
        elif isinstance(part, CollectionOf):
            parts += (part.element,)
    element = join(*parts, added)
    return CollectionOf(element, None if walk else ordered_by, steady(element) and element == added, walk)


def walk_of(value: Abstract) -> Walk:
    """How a container is walked."""
    if isinstance(value, TupleOf) and value.kind == "set":
        return "set"
    return value.walk if isinstance(value, CollectionOf) else ""


def combined(left: Abstract, right: Abstract) -> CollectionOf:
    """`left + right`, or an operation on two sets."""
    return CollectionOf(join(walked(left), walked(right)), walk=walk_of(left) or walk_of(right))


def in_step(value: Abstract, element: Abstract) -> CollectionOf:
    """Something made of the elements of a value, in their order."""
    if isinstance(value, Result):
        return CollectionOf(element, "?" if value.statement.order_by else None)
    if isinstance(value, CollectionOf):
        return CollectionOf(element, value.ordered_by, walk=value.walk)
    return CollectionOf(element, walk=walk_of(value))


def copied(function: str, value: Abstract) -> Abstract:
    """`list(value)`, `set(value)`, ..: the same elements; only list and tuple keep a known order."""
    if isinstance(value, TupleOf) and value.kind != "dict":
        kind = "list" if function == "list" else "tuple" if function == "tuple" else "set"
        return TupleOf(value.items, kind)  # type: ignore[arg-type]  # one of the three literals
    if function in UNORDERED:
        return CollectionOf(walked(value), walk="set")
    found = in_step(value, walked(value))
    return replace(found, ordered_by="-") if function == "reversed" and found.ordered_by is not None else found
