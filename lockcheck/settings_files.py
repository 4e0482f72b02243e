"""Finds and reads the TOML files that settings come from."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, TypeAlias

from lockcheck.settings_schema import PROFILE_FIELDS, TABLE, SettingsError, TomlSource, parse_table, suggestion

PYPROJECT = "pyproject.toml"

Found: TypeAlias = tuple[dict[str, Any], TomlSource]


def project_root(folder: Path) -> Path:
    """The folder of the nearest pyproject.toml; without one the working folder, or the folder itself outside of it."""
    for place in (folder, *folder.parents):
        if (place / PYPROJECT).is_file():
            return place
    return Path.cwd() if folder.is_relative_to(Path.cwd()) else folder


def nearest(folder: Path) -> Found | None:
    """`[tool.lockcheck]` of the nearest pyproject.toml, upwards, that has the table."""
    for place in (folder, *folder.parents):
        path = place / PYPROJECT
        if path.is_file() and (found := read(path)) is not None:
            return found
    return None


def read(path: Path) -> Found | None:
    """`[tool.lockcheck]` of a file; None where the file has no such table."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(path, None, f"cannot read the settings: {error.strerror or error}") from error
    if b"lockcheck" not in content:
        return None
    text = _decoded(path, content)
    tool = _parsed(path, text).get("tool")
    table = tool.get("lockcheck") if isinstance(tool, dict) else None
    if table is None:
        return None
    source = TomlSource(path, text, TABLE)
    if not isinstance(table, dict):
        raise source.error((), "`[tool.lockcheck]` must be a table")
    return table, source


def read_config(path: Path) -> Found:
    """`[tool.lockcheck]` of the file that --config names; there it must be."""
    found = read(path)
    if found is None:
        raise SettingsError(path, None, "has no table [tool.lockcheck]")
    return found


def profile_names() -> tuple[str, ...]:
    """The bundled profiles."""
    return tuple(sorted(path.stem for path in _profiles_folder().glob("*.toml")))


def read_profile(name: str, wanted_by: TomlSource) -> dict[str, Any]:
    """The checked settings of a bundled profile."""
    names = profile_names()
    if name not in names:
        hint = suggestion(name, names)
        raise wanted_by.error(("profile",), f"unknown profile `{name}`{hint}; known profiles: {', '.join(names)}")
    path = _profiles_folder() / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    return parse_table(_parsed(path, text), (), TomlSource(path, text, ()), PROFILE_FIELDS)


def _profiles_folder() -> Path:
    return Path(__file__).parent / "profiles"


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(path, line, "is not UTF-8, as TOML must be") from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415 - runs without a configuration do not pay for the import
    else:
        import tomli as tomllib  # noqa: PLC0415 - as above
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column, message = _place(str(error), text)
        raise SettingsError(path, line, f"is not valid TOML: {message}", column) from error


def _place(message: str, text: str) -> tuple[int, int | None, str]:
    """Line, column and the bare message of a TOML error, which carries its place as text."""
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    if match is None:
        return 1, None, message
    if match[1] is None:
        return max(len(text.splitlines()), 1), None, message[: match.start()] + " at the end of the file"
    return int(match[1]), int(match[2]), message[: match.start()]
