"""The shape of `[tool.lockcheck]` and of profiles: every key, its type, and errors that name key, file and line."""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Keys: TypeAlias = tuple[str, ...]

DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite")
ORDERED_FORMS = ("subselect", "skip-locked")
TABLE = ("tool", "lockcheck")


class SettingsError(Exception):
    """A setting that cannot be used. `line` is None where the place inside the file is not known."""

    def __init__(self, path: Path | None, line: int | None, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a row may be written into one state: those in `allowed`, or all but those in `forbidden`.

    Exactly one of the two is given. `null` tells whether a row whose state is NULL may be written, too.
    """

    allowed: tuple[str, ...] | None
    forbidden: tuple[str, ...] | None
    null: bool


@dataclass(frozen=True, slots=True)
class StateColumn:
    """The state column of a table, by its name in the table, and the transitions by the state that is written."""

    column: str | None
    transitions: Mapping[str, Transition]


@dataclass(frozen=True, slots=True)
class UpsertHelper:
    """A project's own upsert: what to import, and the call with `{session}`, `{model}` and `{values}` to fill in."""

    import_: str
    call: str


@dataclass(frozen=True, slots=True)
class TomlSource:
    """Where a table comes from: for messages only. `prefix` are the keys that lead to the table."""

    path: Path | None
    text: str
    prefix: Keys

    def error(self, keys: Keys, message: str) -> SettingsError:
        return SettingsError(self.path, line_of(self.text, (*self.prefix, *keys)), message)


Parser: TypeAlias = Callable[[Any, Keys, TomlSource], Any]


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when something known is close to the word, in whatever case."""
    folded = {item.lower(): item for item in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""


def line_of(text: str, keys: Keys) -> int | None:
    """The line of a key, or of the innermost of the keys around it that is written on a line of its own."""
    best: tuple[int, int] | None = None
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?", line):
            table = found = _dotted(header[1])
        elif assignment := re.match(
            r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=", line
        ):
            found = table + _dotted(assignment[1])
        else:
            continue
        if found == keys[: len(found)] and (best is None or len(found) > best[0]):
            best = (len(found), number)
    return best[1] if best else None


def _dotted(key: str) -> Keys:
    parts = re.findall(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)", key)
    return tuple(double or single or bare for double, single, bare in parts)


# --- types --------------------------------------------------------------------------------------------------


def _wrong(value: object, wanted: str, keys: Keys, source: TomlSource) -> SettingsError:
    kinds = {bool: "a boolean", str: "a string", int: "a number", float: "a number", list: "a list", dict: "a table"}
    got = kinds.get(type(value), f"a {type(value).__name__}")
    return source.error(keys, f"`{'.'.join(keys)}` must be {wanted}, not {got}")


def _text(value: Any, keys: Keys, source: TomlSource) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "a string", keys, source)
    if not value.strip():
        raise source.error(keys, f"`{'.'.join(keys)}` must not be empty")
    return value


def _boolean(value: Any, keys: Keys, source: TomlSource) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, "true or false", keys, source)
    return value


def _list(value: Any, keys: Keys, source: TomlSource) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(value, "a list of strings", keys, source)
    return value


def _texts(value: Any, keys: Keys, source: TomlSource) -> tuple[str, ...]:
    return tuple(_text(item, keys, source) for item in _list(value, keys, source))


def _table(value: Any, keys: Keys, source: TomlSource) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, "a table", keys, source)
    return value


def _one_of(choices: tuple[str, ...]) -> Parser:
    def parse(value: Any, keys: Keys, source: TomlSource) -> str:
        word = _text(value, keys, source)
        if word not in choices:
            known = ", ".join(choices)
            hint = suggestion(word, choices)
            raise source.error(keys, f"`{'.'.join(keys)}`: `{word}` is not one of {known}{hint}")
        return word

    return parse


def _several_of(choices: tuple[str, ...]) -> Parser:
    one = _one_of(choices)

    def parse(value: Any, keys: Keys, source: TomlSource) -> tuple[str, ...]:
        words = [one(item, keys, source) for item in _list(value, keys, source)]
        return tuple(choice for choice in choices if choice in words)

    return parse


def _by_name(parser: Parser) -> Parser:
    def parse(value: Any, keys: Keys, source: TomlSource) -> dict[str, Any]:
        return {name: parser(item, (*keys, name), source) for name, item in _table(value, keys, source).items()}

    return parse


def _import_path(value: Any, keys: Keys, source: TomlSource) -> str:
    text = _text(value, keys, source)
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", text):
        raise source.error(keys, f'`{".".join(keys)}` must read "package.module:name", not "{text}"')
    return text


def _key_columns(value: Any, keys: Keys, source: TomlSource) -> tuple[tuple[str, ...], ...]:
    """One key as a list of columns, or several as a list of such lists."""
    items = _list(value, keys, source)
    several = items if items and all(isinstance(item, list) for item in items) else [items]
    if not items or not all(several):
        raise source.error(keys, f"`{'.'.join(keys)}` must name at least one column")
    return tuple(_texts(item, keys, source) for item in several)


def _upsert_helper(value: Any, keys: Keys, source: TomlSource) -> UpsertHelper:
    table = parse_table(_table(value, keys, source), keys, source, {"import": _import_path, "call": _text})
    for needed in ("import", "call"):
        if needed not in table:
            raise source.error(keys, f"`{'.'.join(keys)}` lacks `{needed}`")
    _check_call(table["call"], (*keys, "call"), source)
    return UpsertHelper(import_=table["import"], call=table["call"])


def _check_call(call: str, keys: Keys, source: TomlSource) -> None:
    known = {"session", "model", "values"}
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(call) if name is not None}
    except ValueError as error:
        raise source.error(keys, f"`{'.'.join(keys)}`: {error}") from error
    if unknown := sorted(used - known):
        raise source.error(
            keys, f"`{'.'.join(keys)}`: {{{unknown[0]}}} is not one of {{session}}, {{model}}, {{values}}"
        )
    if missing := sorted({"model", "session"} - used):
        raise source.error(keys, f"`{'.'.join(keys)}` must use {{{missing[0]}}}")


def _state_column(value: Any, keys: Keys, source: TomlSource) -> StateColumn:
    table = dict(_table(value, keys, source))
    column = _text(table.pop("column"), (*keys, "column"), source) if "column" in table else None
    for name, item in table.items():
        if not isinstance(item, dict):
            hint = suggestion(name, ["column"])
            message = (
                f"`{'.'.join((*keys, name))}` must be a transition such as {{from = [..]}} or {{not-from = [..]}}{hint}"
            )
            raise source.error((*keys, name), message)
    return StateColumn(column, {name: _transition(item, (*keys, name), source) for name, item in table.items()})


def _transition(value: Any, keys: Keys, source: TomlSource) -> Transition:
    table = parse_table(value, keys, source, {"from": _texts, "not-from": _texts, "null": _boolean})
    if ("from" in table) == ("not-from" in table):
        raise source.error(keys, f"`{'.'.join(keys)}` needs either `from` or `not-from`")
    return Transition(
        allowed=table.get("from"), forbidden=table.get("not-from"), null=table.get("null", "not-from" in table)
    )


# --- the table ----------------------------------------------------------------------------------------------

PROFILE_FIELDS: dict[str, Parser] = {
    "select": _texts,
    "extend-select": _texts,
    "ignore": _texts,
    "per-file-ignores": _by_name(_texts),
    "exclude": _texts,
    "extend-exclude": _texts,
    "force-exclude": _boolean,
    "dialects": _several_of(DIALECTS),
    "preview": _boolean,
    "src": _texts,
    "required-version": _text,
    "ordered-form": _one_of(ORDERED_FORMS),
    "ordered-update-helper": _import_path,
    "upsert-helper": _upsert_helper,
    "retryable-exception": _import_path,
    "contended": _texts,
    "not-contended": _texts,
    "keys": _by_name(_key_columns),
    "states": _by_name(_state_column),
}
FIELDS: dict[str, Parser] = {"profile": _text, "baseline": _text, **PROFILE_FIELDS}


def parse_table(
    table: Mapping[str, Any], keys: Keys, source: TomlSource, fields: Mapping[str, Parser]
) -> dict[str, Any]:
    """The table's values, checked; keys stay as written."""
    parsed: dict[str, Any] = {}
    for name, value in table.items():
        here = (*keys, name)
        if name not in fields:
            raise source.error(here, f"unknown setting `{'.'.join(here)}`{suggestion(name, fields)}")
        parsed[name] = fields[name](value, here, source)
    return parsed
