"""Settings: `[tool.lockcheck]` of the nearest pyproject.toml that has it, over a profile, under the command line."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lockcheck import __version__, pages, selection, settings_files, versions
from lockcheck.selection import Layer
from lockcheck.settings_schema import (
    FIELDS,
    TABLE,
    SettingsError,
    StateColumn,
    TomlSource,
    Transition,
    UpsertHelper,
    parse_table,
)

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Layer", "Overrides", "Settings", "SettingsError", "StateColumn", "Transition", "UpsertHelper", "load"]

DEFAULT_EXCLUDE = (
    ".bzr", ".direnv", ".eggs", ".git", ".hg", ".hypothesis", ".ipynb_checkpoints", ".lockcheck_cache", ".mypy_cache",
    ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", "__pycache__",
    "__pypackages__", "_build", "buck-out", "build", "dist", "node_modules", "site-packages", "venv",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says; None and () leave the files' settings as they are."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    preview: bool | None = None
    force_exclude: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run.

    `root` is the project: the folder of the nearest pyproject.toml. `base` is the folder that patterns and `src` are
    relative to: that of the file they stand in (`config`). `dialects` is empty where the user named none. `keys` hold,
    by table, keys that the models do not declare. `states` are by table.
    """

    root: Path
    base: Path
    config: Path | None = None
    profile: str | None = None
    layers: tuple[Layer, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    dialects: tuple[str, ...] = ()
    preview: bool = False
    src: tuple[Path, ...] = ()
    required_version: str | None = None
    baseline: Path | None = None
    ordered_form: Literal["subselect", "skip-locked"] = "subselect"
    ordered_update_helper: str | None = None
    upsert_helper: UpsertHelper | None = None
    retryable_exception: str | None = None
    contended: tuple[str, ...] = ()
    not_contended: tuple[str, ...] = ()
    keys: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    states: Mapping[str, StateColumn] = field(default_factory=dict)

    def selects(self, code: str, path: Path | str | None = None) -> bool:
        """Whether a rule runs; with a path, absolute or from the working folder, whether it runs on that file."""
        head = pages.heads().get(code)
        if head is not None and head.status == "preview" and not self.preview:
            return False
        if not selection.selected(self.layers, code):
            return False
        return path is None or not self._ignored_in(code, path)

    def _ignored_in(self, code: str, path: Path | str) -> bool:
        if not self.per_file_ignores:
            return False
        relative = Path(os.path.relpath(path, self.base)).as_posix()
        return any(
            _pattern(pattern).match_file(relative) and any(selection.specificity(item, code) >= 0 for item in selectors)
            for pattern, selectors in self.per_file_ignores.items()
        )

    def warnings(self) -> tuple[str, ...]:
        """What is set and has no effect."""
        if self.preview:
            return ()
        return tuple(
            f"`{item}` is a preview rule and stays off without --preview"
            for item in selection.needless_preview(self.layers)
        )


@functools.cache
def _pattern(pattern: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only projects with patterns pay for the import

    return GitIgnoreSpec.from_lines([pattern])


def load(start: Path, *, config: Path | None = None, overrides: Overrides | None = None) -> Settings:
    """The settings that hold for `start`, a file or folder. Raises SettingsError."""
    given = overrides or Overrides()
    folder = _absolute(start if start.is_dir() else start.parent)
    found = settings_files.nearest(folder) if config is None else settings_files.read_config(config)
    table, source = found or ({}, TomlSource(None, "", TABLE))
    user = parse_table(table, (), source, FIELDS)
    profile = settings_files.read_profile(user["profile"], source) if "profile" in user else {}
    _check(user, source)
    layers = (_layer(profile), _layer(user), Layer(given.select, given.extend_select, given.ignore))
    _check_layer(layers[2])
    root = settings_files.project_root(folder)
    base = _absolute(source.path.parent) if source.path is not None and config is None else root
    merged = _merged(profile, user)
    if given.preview is not None:
        merged["preview"] = given.preview
    if given.force_exclude is not None:
        merged["force-exclude"] = given.force_exclude
    fields = {name.replace("-", "_"): value for name, value in merged.items()}
    if "baseline" in merged:
        fields["baseline"] = base / merged["baseline"]
    fields["src"] = tuple(base / item for item in merged.get("src", ()))
    return Settings(root=root, base=base, config=source.path, layers=layers, **fields)


def _absolute(path: Path) -> Path:
    """Without resolving symbolic links, so that paths stay what the user sees."""
    return Path(os.path.normpath(Path.cwd() / path))


# --- merging ------------------------------------------------------------------------------------------------

_SELECTORS = ("select", "extend-select", "ignore")
_ADDED_UP = ("extend-exclude", "contended", "not-contended")
_BY_NAME = ("per-file-ignores", "keys")


def _layer(table: Mapping[str, Any]) -> Layer:
    return Layer(table.get("select"), table.get("extend-select", ()), table.get("ignore", ()))


def _merged(profile: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """The profile's settings with the user's over them: lists of tables and patterns add up, tables merge by key."""
    merged = {name: value for name, value in {**profile, **user}.items() if name not in _SELECTORS}
    for name in set(_ADDED_UP) & set(merged):
        merged[name] = tuple(dict.fromkeys((*profile.get(name, ()), *user.get(name, ()))))
    for name in set(_BY_NAME) & set(merged):
        merged[name] = {**profile.get(name, {}), **user.get(name, {})}
    if "states" in merged:
        merged["states"] = _merged_states(profile.get("states", {}), user.get("states", {}))
    for name, opposite in (("contended", "not-contended"), ("not-contended", "contended")):
        overruled = set(user.get(opposite, ()))
        merged[name] = tuple(table for table in merged.get(name, ()) if table not in overruled)
    return merged


def _merged_states(profile: Mapping[str, StateColumn], user: Mapping[str, StateColumn]) -> dict[str, StateColumn]:
    merged = dict(profile)
    for table, mine in user.items():
        below = profile.get(table, StateColumn(None, {}))
        merged[table] = StateColumn(mine.column or below.column, {**below.transitions, **mine.transitions})
    return merged


# --- checks over several keys -------------------------------------------------------------------------------


def _check(user: Mapping[str, Any], source: TomlSource) -> None:
    for name in _SELECTORS:
        _check_selectors(user.get(name, ()), (name,), source)
    for pattern, selectors in user.get("per-file-ignores", {}).items():
        _check_selectors(selectors, ("per-file-ignores", pattern), source)
    if both := sorted(set(user.get("contended", ())) & set(user.get("not-contended", ()))):
        raise source.error(("not-contended",), f"`{both[0]}` is named both contended and not-contended")
    if "required-version" in user:
        _check_version(user["required-version"], source)


def _check_selectors(selectors: tuple[str, ...], keys: tuple[str, ...], source: TomlSource) -> None:
    for item in selectors:
        if message := selection.problem(item):
            raise source.error(keys, f"`{'.'.join(keys)}`: {message}")


def _check_layer(layer: Layer) -> None:
    """The command line's selectors."""
    options = (("--select", layer.select or ()), ("--extend-select", layer.extend_select), ("--ignore", layer.ignore))
    for option, selectors in options:
        for item in selectors:
            if message := selection.problem(item):
                raise SettingsError(None, None, f"{option}: {message}")


def _check_version(wanted: str, source: TomlSource) -> None:
    keys = ("required-version",)
    try:
        fits = versions.satisfies(__version__, wanted)
    except ValueError as error:
        raise source.error(keys, f"`required-version`: {error}") from error
    if not fits:
        raise source.error(keys, f"this project requires lockcheck {wanted}, and this is {__version__}")
