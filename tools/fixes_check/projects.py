"""Which projects are fixed and tested: tools/fixes_on_projects.toml."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosystem_check import packages
from ecosystem_check.errors import EcosystemError
from ecosystem_check.packages import Package

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LISTS = ("install", "tests", "options", "postgresql")
_OWN = (*_LISTS, "environment")


@dataclass(frozen=True, slots=True)
class Project:
    """A package with its tests. `install` are arguments of pip, `tests` and `options` those of pytest, all of them
    relative to the tree; `postgresql` are more options, where there is a server; `environment` are variables for the
    tests."""

    package: Package
    install: tuple[str, ...]
    tests: tuple[str, ...]
    options: tuple[str, ...]
    postgresql: tuple[str, ...]
    environment: Mapping[str, str]

    def __str__(self) -> str:
        return str(self.package)


def read(path: Path) -> list[Project]:
    """All projects of a file, in its order. Raises EcosystemError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EcosystemError(f"{path}: {error}") from error
    tables = document.get("project")
    if not isinstance(tables, list) or not tables or document.keys() != {"project"}:
        raise EcosystemError(f"{path}: [[project]] tables are expected, and nothing else")
    return [_project(table, f"{path}: project {number}") for number, table in enumerate(tables, 1)]


def chosen(projects: Sequence[Project], wanted: Iterable[str]) -> list[Project]:
    """Those that are wanted, by `name` or `name==version`; all when none is named. Raises EcosystemError."""
    kept = {str(package) for package in packages.chosen([project.package for project in projects], wanted)}
    return [project for project in projects if str(project) in kept]


def _project(table: Any, where: str) -> Project:
    if not isinstance(table, dict):
        raise EcosystemError(f"{where}: a table is expected")
    package = packages.parsed({key: value for key, value in table.items() if key not in _OWN}, where)
    where = f"{where} ({package.name})"
    variables = table.get("environment", {})
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise EcosystemError(f"{where}: `environment` is a table of texts")
    install, tests, options, servers = (_texts(table, key, where) for key in _LISTS)
    if not install or not tests:
        raise EcosystemError(f"{where}: `install` and `tests` are needed")
    return Project(package, install, tests, options, servers, variables)


def _texts(table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise EcosystemError(f"{where}: `{key}` is a list of texts")
    return tuple(value)
