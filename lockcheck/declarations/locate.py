"""Which module of the project an import means."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from typing import Protocol

MARK = "~"
"""Follows the first part of a module's name, with a number, where another source root has a module of that name."""

SOURCE_FOLDERS = ("src",)

OUTSIDE = frozenset(sys.stdlib_module_names) | {"sqlalchemy", "sqlmodel", "flask_sqlalchemy"}


def shared_parts(name: str, other: str) -> int:
    """How many parts two dotted names have in common at their beginning."""
    pairs = zip(name.split("."), other.split("."), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


class File(Protocol):
    """What a module comes from."""

    @property
    def path(self) -> str: ...


class Locator:
    """Finds modules by the names that imports use.

    A name means a module of the importing file's own source root before one of another root. Where no module has the
    name, folders that are no packages count as possible import paths: `app.models` finds `backend.app.models`.
    """

    def __init__(self, modules: Mapping[str, File]) -> None:
        self._modules = modules
        self._found: dict[tuple[str, str], tuple[str, str] | None] = {}
        self._marked = any(MARK in module for module in modules)

    def locate(self, target: str, importer: str) -> tuple[str, str] | None:
        """The module that a dotted name leads into and the names left over; None for one outside the project."""
        key = (target, importer)
        if key not in self._found:
            self._found[key] = self._locate(target, importer)
        return self._found[key]

    def _locate(self, target: str, importer: str) -> tuple[str, str] | None:
        spelled = (self._longest(candidate) for candidate in self._spellings(target, importer))
        found = min((item for item in spelled if item is not None), key=lambda item: len(item[1]), default=None)
        if found is not None:
            return found
        if target.partition(".")[0] in OUTSIDE:
            return None
        return self._by_tail(target, importer) or self._by_path(target)

    def _spellings(self, target: str, importer: str) -> Iterator[str]:
        """The target as a module of the importer's own root, as written, as a module of any other root."""
        if not self._marked or MARK in target:
            yield target
            return
        head, dot, rest = target.partition(".")
        own = importer.partition(".")[0].partition(MARK)[2]
        if own:
            yield f"{head}{MARK}{own}{dot}{rest}"
        yield target
        for other in self._heads.get(head, ()):
            yield f"{other}{dot}{rest}"

    @cached_property
    def _heads(self) -> Mapping[str, list[str]]:
        heads: dict[str, list[str]] = {}
        for head in sorted({module.partition(".")[0] for module in self._modules}):
            if MARK in head:
                heads.setdefault(head.partition(MARK)[0], []).append(head)
        return heads

    def _longest(self, target: str) -> tuple[str, str] | None:
        module = target
        while module:
            if module in self._modules:
                return module, target[len(module) + 1 :]
            module = module.rpartition(".")[0]
        return None

    # --- import paths that are not source roots ------------------------------------------------------------------

    @cached_property
    def _tails(self) -> Mapping[str, list[str]]:
        """Modules by the ends of their names that lie below folders that are no packages, or are called `src`."""
        tails: dict[str, list[str]] = {}
        for module in sorted(self._modules):
            prefix, _, tail = module.partition(".")
            while tail and (prefix not in self._modules or _is_source_folder(prefix)):
                tails.setdefault(tail, []).append(module)
                part, _, tail = tail.partition(".")
                prefix = f"{prefix}.{part}"
        return tails

    def _by_tail(self, target: str, importer: str) -> tuple[str, str] | None:
        tail = target
        while tail:
            near = [m for m in self._tails.get(tail, ()) if "." in tail or _beside(m, tail, importer)]
            if near:
                best = max(near, key=lambda module: shared_parts(module, importer))
                return best, target[len(tail) + 1 :]
            tail = tail.rpartition(".")[0]
        return None

    def _by_path(self, target: str) -> tuple[str, str] | None:
        """A module whose file lies where the name says, although its source root was taken for a deeper folder."""
        parts = target.split(".")
        for start in range(1, len(parts) - 1):
            found = self._longest(".".join(parts[start:]))
            if found is None:
                continue
            module, rest = found
            whole = target[: len(target) - len(rest) - 1] if rest else target
            if self._lies_at(module, whole):
                return found
        return None

    def _lies_at(self, module: str, whole: str) -> bool:
        path = self._modules[module].path.replace("\\", "/").removesuffix(".py").removesuffix("/__init__")
        return f"/{path}".endswith("/" + whole.replace(".", "/"))


def _is_source_folder(package: str) -> bool:
    """Whether a package is but a folder of sources that got an `__init__.py`."""
    return package.rpartition(".")[2].partition(MARK)[0] in SOURCE_FOLDERS


def _beside(module: str, tail: str, importer: str) -> bool:
    """Whether a module found by a single name lies in the importer's own folder."""
    return importer.startswith(module[: -len(tail)])
