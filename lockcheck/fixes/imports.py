"""Imports that a fix needs: how a name reads in a function, and what to add so that it does."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from lockcheck.fixes import import_statements
from lockcheck.fixes.import_statements import Wanted
from lockcheck.fixes.names import Function, bound, functions_around, known, own, tree_of, unused
from lockcheck.fixes.slices import Change, Slice

_CORE = frozenset({"sqlalchemy", "sqlalchemy.sql", "sqlalchemy.sql.expression", "sqlalchemy.future"})
"""Modules that hold the same functions."""
_LOADED = frozenset({"sqlalchemy.exc"})
"""Modules that `import sqlalchemy` makes reachable by attribute."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One name that an import binds; `module` is the dotted name behind `import`, or behind `from`."""

    local: str
    target: str
    module: str
    statement: ast.Import | ast.ImportFrom


def imported(node: ast.AST) -> Iterator[Imported]:
    """What an absolute import binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            local = alias.asname or alias.name.partition(".")[0]
            yield Imported(local, alias.name if alias.asname else local, alias.name, node)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        for alias in node.names:
            yield Imported(alias.asname or alias.name, f"{node.module}.{alias.name}", node.module, node)


def type_checking(module: ast.Module) -> set[int]:
    """The ids of the nodes in the body of `if TYPE_CHECKING:` statements."""
    found: set[int] = set()
    for node in own(module):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            found.update(id(inner) for statement in node.body for inner in ast.walk(statement))
    return found


class Imports:
    """Spells names of other modules as the code at a line would, and collects the imports that this takes."""

    def __init__(self, part: Slice, line: int) -> None:
        self._part = part
        self._line = line
        self._wanted: dict[tuple[str, str], Wanted] = {}

    @cached_property
    def _tree(self) -> ast.Module:
        return tree_of(self._part.text)

    @cached_property
    def _functions(self) -> list[Function]:
        return functions_around(self._tree, self._line)

    @cached_property
    def _own(self) -> list[ast.AST]:
        return list(own(self._tree))

    @cached_property
    def _inner(self) -> list[ast.AST]:
        return [node for function in self._functions[:1] for node in ast.walk(function)]

    @cached_property
    def _global(self) -> list[Imported]:
        """The imports of the module that run."""
        typing = type_checking(self._tree)
        return [item for node in self._own if id(node) not in typing for item in imported(node)]

    @cached_property
    def _local(self) -> list[Imported]:
        """The imports inside the function that have bound their names at the line."""
        return [item for node in self._inner for item in imported(node) if self._reaches(item)]

    def _reaches(self, item: Imported) -> bool:
        around = functions_around(self._tree, item.statement.lineno)
        return item.statement.lineno < self._line and bool(around) and around[-1] in self._functions

    def taken(self) -> set[str]:
        """All names that a new name could collide with."""
        names = known(self._tree, self._functions[0] if self._functions else None)
        return names | {wanted.local for wanted in self._wanted.values()}

    def name(self, module: str, name: str, alias: str | None = None) -> str:
        """How `module.name` reads here. A name that is taken is imported as `alias`, or as `sa_name`."""
        if (module, name) in self._wanted:
            return self._wanted[module, name].local
        targets = {f"{other}.{name}" for other in (_CORE if module in _CORE else {module})}
        found = self._bound_to(targets) or self._attribute(module, name)
        if found is not None:
            return found
        local = name
        if self._collides(name, targets) or name in {wanted.local for wanted in self._wanted.values()}:
            prefix = "sa" if module.partition(".")[0] == "sqlalchemy" else module.rpartition(".")[2]
            local = unused(alias or f"{prefix}_{name}", self.taken())
        self._wanted[module, name] = Wanted(module, name, local)
        return local

    def _bound_to(self, targets: Iterable[str]) -> str | None:
        """A name bound to one of these dotted names."""
        items = (item for item in (*reversed(self._local), *self._global) if item.target in targets)
        return next((item.local for item in items if not self._collides(item.local, targets)), None)

    def _collides(self, local: str, targets: Iterable[str]) -> bool:
        """Whether the module or the function binds a name to anything else."""
        imports = (*self._local, *(item for node in self._own for item in imported(node)))
        meant = {id(item.statement) for item in imports if item.target in targets and item.local == local}
        return any(local in bound(node) and id(node) not in meant for node in (*self._own, *self._inner))

    def _attribute(self, module: str, name: str) -> str | None:
        """`module.name` by way of a module that is imported, where the file does not import names from it."""
        for item in (*reversed(self._local), *self._global):
            path = self._path(item, module)
            if path is None or self._collides(item.local, {item.target}):
                continue
            start, end = self._part.span(self._part.root)
            if not self._from(module) or f"{path}." in self._part.text[start:end]:
                return f"{path}.{name}"
        return None

    @staticmethod
    def _path(item: Imported, module: str) -> str | None:
        if item.target == module:
            return item.local
        if isinstance(item.statement, ast.Import) and item.module == module and item.local == item.target:
            return module
        if item.target == "sqlalchemy" and module in _LOADED:
            return f"{item.local}{module.removeprefix('sqlalchemy')}"
        return None

    def _from(self, module: str) -> list[ast.ImportFrom]:
        """The statements at the head of the file that import names from a module."""
        return [
            node
            for node in import_statements.leading(self._tree)
            if isinstance(node, ast.ImportFrom) and node.module == module and node.level == 0
        ]

    # --- what to add ----------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """The changes that bring in what was asked for and is not there."""
        by_module: dict[str, list[Wanted]] = {}
        for wanted in self._wanted.values():
            by_module.setdefault(wanted.module, []).append(wanted)
        found: list[Change] = []
        for module in sorted(by_module):
            found += self._add(module, by_module[module])
        return _together(found)

    def _add(self, module: str, names: list[Wanted]) -> list[Change]:
        root = module.partition(".")[0]
        local = [item.statement for item in self._local if item.module.partition(".")[0] == root]
        inside = bool(local) and not any(item.module.partition(".")[0] == root for item in self._global)
        present = local if inside else self._from(module)
        for node in present:
            if isinstance(node, ast.ImportFrom) and node.module == module and node.names[0].name != "*":
                return import_statements.merged(self._part, node, names)
        if inside:
            return [import_statements.below(self._part, local[-1], names)]
        return [import_statements.new_line(self._part, self._tree, names)]


def _together(changes: list[Change]) -> list[Change]:
    """One change for all insertions at one place."""
    found: dict[tuple[int, int], str] = {}
    for change in changes:
        found[change[:2]] = found.get(change[:2], "") + change.text
    return [Change(start, end, text) for (start, end), text in found.items()]
