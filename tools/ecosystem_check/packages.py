"""Which packages are checked: tools/ecosystem.toml."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ecosystem_check.errors import EcosystemError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FORMS = ("wheel", "sdist")
_OF_PYPI = {"name", "version", "source", "form", "with", "src", "config"}
_OF_GIT = {"name", "source", "repository", "commit", "src", "config"}


@dataclass(frozen=True, slots=True)
class Release:
    """A pinned distribution of PyPI."""

    name: str
    version: str
    form: str

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.version}" + ("-sdist" if self.form == "sdist" else "")


@dataclass(frozen=True, slots=True)
class Commit:
    """A pinned commit of a git repository: the folder of a clone, or an address."""

    repository: str
    sha: str


@dataclass(frozen=True, slots=True)
class Package:
    """One code base to check. `sources` are unpacked into one tree; `src` is the folder in it that is checked, with
    the lines of `config` as [tool.lockcheck]."""

    name: str
    version: str
    sources: tuple[Release | Commit, ...]
    src: str = ""
    config: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> str:
        """The name of the tree; its hyphen keeps it from being importable."""
        own = "+".join(item.folder for item in self.sources if isinstance(item, Release))
        return own or f"{self.name}-{self.version}"


def read(path: Path) -> list[Package]:
    """All packages of a file, in its order. Raises EcosystemError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EcosystemError(f"{path}: {error}") from error
    tables = document.get("package")
    if not isinstance(tables, list) or not tables or document.keys() != {"package"}:
        raise EcosystemError(f"{path}: [[package]] tables are expected, and nothing else")
    packages = [parsed(table, f"{path}: package {number}") for number, table in enumerate(tables, 1)]
    for package in packages:
        if sum(item.folder == package.folder for item in packages) > 1:
            raise EcosystemError(f"{path}: {package} is listed twice")
    return packages


def chosen(packages: Sequence[Package], wanted: Iterable[str]) -> list[Package]:
    """Those that are wanted, by `name` (all its versions) or `name==version`; all when none is named."""
    kept: set[str] = set()
    for item in wanted:
        name, _, version = item.partition("==")
        found = [p for p in packages if normal(p.name) == normal(name) and version in ("", p.version)]
        if not found:
            names = sorted({p.name for p in packages} | {f"{p.name}=={p.version}" for p in packages})
            close = difflib.get_close_matches(item, names, 1) or [", ".join(sorted({p.name for p in packages}))]
            raise EcosystemError(f"unknown package `{item}`; there is {close[0]}")
        kept.update(p.folder for p in found)
    return [p for p in packages if not kept or p.folder in kept]


def normal(name: str) -> str:
    """A distribution's name as files are named after it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def parsed(table: Any, where: str) -> Package:
    """One table of the file; `where` begins its complaints. Raises EcosystemError."""
    if not isinstance(table, dict):
        raise EcosystemError(f"{where}: a table is expected")
    name = _text(table, "name", where, _WORD)
    where = f"{where} ({name})"
    source = table.get("source", "pypi")
    if source not in ("pypi", "git"):
        raise EcosystemError(f'{where}: `source` is "pypi" or "git"')
    if unknown := sorted(table.keys() - (_OF_PYPI if source == "pypi" else _OF_GIT)):
        raise EcosystemError(f"{where}: unknown key `{unknown[0]}`")
    src, config = (_text(table, key, where) if key in table else "" for key in ("src", "config"))
    if PurePosixPath(src).is_absolute() or ".." in PurePosixPath(src).parts:
        raise EcosystemError(f"{where}: `src` is a folder within the package")
    if source == "git":
        sha = _text(table, "commit", where, _COMMIT)
        return Package(name, sha[:12], (Commit(_text(table, "repository", where), sha),), src, config)
    version, form = _text(table, "version", where, _WORD), table.get("form", "wheel")
    if form not in _FORMS:
        raise EcosystemError(f'{where}: `form` is "wheel" or "sdist"')
    return Package(name, version, (Release(name, version, form), *_further(table, where)), src, config)


def _further(table: dict[str, Any], where: str) -> list[Release]:
    """Distributions that belong into the same tree, `with = ["name==version"]`."""
    pins = table.get("with", [])
    if not isinstance(pins, list) or not all(isinstance(pin, str) for pin in pins):
        raise EcosystemError(f"{where}: `with` is a list of texts")
    found = []
    for pin in pins:
        name, _, version = pin.partition("==")
        if not _WORD.fullmatch(name) or not _WORD.fullmatch(version):
            raise EcosystemError(f"{where}: `with`: name==version is expected instead of `{pin}`")
        found.append(Release(name, version, "wheel"))
    return found


def _text(table: dict[str, Any], key: str, where: str, form: re.Pattern[str] | None = None) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value or (form is not None and not form.fullmatch(value)):
        raise EcosystemError(f"{where}: `{key}` is missing or is not what it should be")
    return value
