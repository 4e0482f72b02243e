"""What a content of a file came to, as far as it is asked: where things stand, not what functions do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from lockcheck.cache.codec import codec
from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations

if TYPE_CHECKING:
    from lockcheck.facts import ModuleFacts, SliceSites
    from lockcheck.records import Record

_FACTS = ("module", "path", "slices", "functions")


@dataclass(frozen=True)
class Brief:
    """`slices` are those of the facts, as objects or in their JSON form, `digests` what they were read from. `module`
    and `path` name the file. Its declarations are given, or their JSON form."""

    module: str
    path: str
    slices: Sequence[Sequence[Any]]
    digests: Sequence[str]
    declarations: ModuleDeclarations | None = None
    document: Any = None

    @cached_property
    def declared(self) -> Any:
        """The declarations in their JSON form."""
        encode = codec(ModuleDeclarations).encode
        return self.document if self.declarations is None or encode is None else encode(self.declarations)

    @property
    def spans(self) -> list[Sequence[int]]:
        """Where the slices stand."""
        return [sites[1] for sites in self.slices]

    @cached_property
    def by_name(self) -> dict[str, str]:
        """The digests of the slices by their names."""
        return {sites[0]: digest for sites, digest in zip(self.slices, self.digests, strict=True)}

    @cached_property
    def facts(self) -> ModuleFacts:
        """The facts, without the functions."""
        from lockcheck.facts import ModuleFacts  # noqa: PLC0415 - few files have any that are asked for

        return ModuleFacts(self.module, self.path, tuple(_sites(self.slices)), ())

    def functions(self) -> Iterator[FunctionDeclaration]:
        """The functions and methods that the file declares."""
        declarations = self.declarations
        if declarations is None:
            decode = codec(ModuleDeclarations).decode
            declarations = cast("ModuleDeclarations", decode(self.document) if decode is not None else None)
        return declarations.every_function()


def _sites(slices: Sequence[Sequence[Any]]) -> Sequence[SliceSites]:
    from lockcheck.facts import SliceSites  # noqa: PLC0415 - as above

    decode = codec(SliceSites).decode
    return [item if isinstance(item, SliceSites) or decode is None else decode(item) for item in slices]  # type: ignore[misc]  # one of both


def of_record(record: Record) -> Brief | None:
    """None where something is wrong with the file."""
    if record.problem is not None or record.unread or record.declarations is None:
        return None
    declarations, slices = record.declarations, record.facts.slices if record.facts is not None else ()
    return Brief(declarations.module, declarations.path, slices, record.slices, declarations)


def of_document(document: Any) -> Brief | None:
    """The same from the JSON form of a record."""
    problem, declared, facts, unread, digests = document
    if problem is not None or unread or declared is None:
        return None
    module, path = declared[_DECLARED.index("module")], declared[_DECLARED.index("path")]
    slices = [] if facts is None else facts[_FACTS.index("slices")]
    return Brief(module, path, slices, digests, None, declared)


_DECLARED = list(ModuleDeclarations.__dataclass_fields__)
