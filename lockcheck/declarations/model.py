"""The vocabulary of declarations. All of it is immutable; lines count from 1.

A *qualified name* is a dotted name from the module down: `package.module.Class.attribute`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# --- expressions in declarations ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name as written, `TI.state` or `sa.String`."""

    dotted: str


@dataclass(frozen=True, slots=True)
class Literal_:  # noqa: N801 - `Literal` is the name in typing
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class CallOf:
    function: Expression
    args: tuple[Expression, ...]
    keywords: tuple[tuple[str | None, Expression], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An attribute of something that is no dotted name: `frozenset(x).union`."""

    base: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The body of a lambda."""

    body: Expression


@dataclass(frozen=True, slots=True)
class Items:
    """A display: list, tuple, set; `starred` tells for each item whether it is unpacked."""

    kind: Literal["list", "tuple", "set"]
    items: tuple[Expression, ...]
    starred: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict display; a key is None for `**mapping`."""

    keys: tuple[Expression | None, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A binary operation (`|`, `&`, `-`, `+`), `and`, `or`, the joined parts of an f-string (`f`) or, with one
    operand, a unary operation (`-`, `+`, `~`, `not`) or a starred argument (`*`)."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """`base[index]`: a subscript, as in annotations."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Generated:
    """A comprehension with one `for`: element, target name, iterable and conditions."""

    kind: Literal["list", "set", "generator", "dict"]
    element: Expression
    target: str | None
    iterable: Expression
    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with one operator, `x is not None`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Other:
    """An expression that no declaration needs."""


Expression: TypeAlias = (
    Name | Literal_ | CallOf | Member | Deferred | Items | Pairs | Operation | Indexed | Generated | Compared | Other
)


# --- one file -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name: annotation = value` at module or class level; the last one wins."""

    name: str
    annotation: Expression | None
    value: Expression | None
    line: int


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A function's signature and the lines it spans (decorators included).

    `touches_database` is the outcome of choosing: its body is worth reading. `parameters` are names, `*` and `**`
    before those that collect. `result` is what it returns, where it does nothing else; `returns` is its annotation.
    """

    qualname: str
    name: str
    owner: str | None
    parameters: tuple[str, ...]
    decorators: tuple[Expression, ...]
    first_line: int
    last_line: int
    is_async: bool
    touches_database: bool
    result: Expression | None = None
    result_annotation: Expression | None = None
    returns: Expression | None = None


@dataclass(frozen=True, slots=True)
class ClassDeclaration:
    qualname: str
    name: str
    bases: tuple[Expression, ...]
    keywords: tuple[tuple[str | None, Expression], ...]
    decorators: tuple[Expression, ...]
    attributes: tuple[Assignment, ...]
    methods: tuple[FunctionDeclaration, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ModuleDeclarations:
    """One file. `imports` maps a local name to the absolute dotted name it stands for, from imports anywhere in
    the file (module level wins over TYPE_CHECKING, that over function level); `function_imports` holds those inside
    functions, by the function's qualified name. `star_imports` are the modules of `from x import *`.

    `functions` holds those of the module itself, by name; methods stand in their class, `classes` are keyed by dotted
    name within the module. A function or class whose name another one takes goes by `name#2`, `name#3` and so on.
    `assignments` holds `name` and, for `Class.attribute = call(..)` outside the class, `Class.attribute`.
    `mapping_calls` are the calls of `map_imperatively` or `mapper` anywhere in the file, with their lines.
    `other_imports` are absolute names that no name is bound to: `a.b` of `import a.b`, and what another import of the
    same name replaces."""

    module: str
    path: str
    is_package: bool
    imports: Mapping[str, str]
    function_imports: Mapping[str, Mapping[str, str]]
    star_imports: tuple[str, ...]
    assignments: Mapping[str, Assignment]
    classes: Mapping[str, ClassDeclaration]
    functions: Mapping[str, FunctionDeclaration]
    body_touches_database: bool
    mapping_calls: tuple[tuple[CallOf, int], ...] = ()
    other_imports: tuple[str, ...] = ()

    def every_function(self) -> Iterator[FunctionDeclaration]:
        """The functions of the module itself, then the methods of its classes."""
        yield from self.functions.values()
        for declared in self.classes.values():
            yield from declared.methods


# --- mapped classes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Location:
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Column:
    """One mapped column: `attribute` on the class, `name` in the table.

    `nullable` is None where unknown. `default` tells how a value comes when none is given: `generated` (an
    autoincrement integer key, a sequence, a callable, a server function: every row another value), `constant`, or
    `none`. `type` is the last part of the type's qualified name (`String`, `Uuid`, `Enum`), "" where unknown;
    `python_type` likewise from the annotation. `is_enum` is true for an Enum type or an annotation by an enum class,
    whose qualified name is `enum`.
    """

    attribute: str
    name: str
    type: str
    python_type: str
    nullable: bool | None
    primary_key: bool
    unique: bool
    index: bool
    default: Literal["none", "constant", "generated"]
    has_onupdate: bool
    enum: str | None
    is_enum: bool
    location: Location

    @property
    def is_uuid(self) -> bool:
        """Whether it holds UUIDs, by its type or its annotation."""
        return "uuid" in f"{self.type} {self.python_type}".lower()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`columns` are attributes of the owning class, `target_columns` column names of `target_table`."""

    columns: tuple[str, ...]
    target_table: str
    target_columns: tuple[str, ...]
    on_delete: str | None


@dataclass(frozen=True, slots=True)
class Relationship:
    """`lazy` as declared ("select" where nothing is said). `inner` is true when an eager join is an inner join.
    `target` is a qualified class name, None where it is not found. `cascades_delete` is true for `cascade` with
    delete."""

    name: str
    target: str | None
    lazy: str
    inner: bool
    uselist: bool | None
    viewonly: bool
    cascades_delete: bool
    location: Location


@dataclass(frozen=True, slots=True)
class Index:
    columns: tuple[str, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class PartialKey:
    """A unique index on the rows that `held` describes: columns and what they are equal to, None for NULL."""

    columns: tuple[str, ...]
    held: tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True, slots=True)
class MappedClass:
    """A class or Core `Table` that stands for a table. Columns are keyed by attribute, inherited ones included.

    `primary_key`, `unique_keys`, `partial_keys` and indexes name attributes. `synonyms` map an attribute to the one it
    stands for.
    `root` is the class at the top of an inheritance tree (itself without one); `joined_inheritance` is true when the
    class has a table of its own below another mapped class. `own_init` is the qualified name of an `__init__` written
    in the class or a mapped parent, `version_column` the attribute of `version_id_col`. `is_table` marks a Core
    `Table`, whose attributes are the column names. `complete` is false when part of the declaration could not be read
    (an unknown base, columns made by a call that is not understood), so that absence of a column, key or index proves
    nothing.
    """

    qualname: str
    name: str
    table: str
    location: Location
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]
    relationships: Mapping[str, Relationship]
    synonyms: Mapping[str, str]
    root: str
    joined_inheritance: bool
    own_init: str | None
    version_column: str | None
    is_table: bool
    complete: bool
    partial_keys: tuple[PartialKey, ...] = ()

    def column(self, attribute: str) -> Column | None:
        """The column behind an attribute or synonym."""
        return self.columns.get(self.synonyms.get(attribute, attribute))


# --- constants ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnumMember:
    """`enum` is a qualified class name; `value` the literal it stands for (the member's name for `auto()`)."""

    enum: str
    name: str
    value: str | int | float | bool | None


Scalar: TypeAlias = EnumMember | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A constant collection. `items` are the known members, None where not all are known; `has_none` tells whether
    None is among them, None where that is unknown."""

    items: frozenset[Scalar] | None
    has_none: bool | None = field(default=None)


Constant: TypeAlias = EnumMember | Collection | str | int | float | bool | None
