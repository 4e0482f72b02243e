"""The baseline: a file of findings that are accepted for now, by fingerprint."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lockcheck.files import replace_file
from lockcheck.findings import Finding
from lockcheck.settings_schema import SettingsError, suggestion

VERSION = 1
NAME = "lockcheck-baseline.json"
_TEXTS = ("path", "code", "symbol", "fingerprint", "reason")
_NEEDED = ("path", "code", "fingerprint")


class BaselineError(SettingsError):
    """A baseline that cannot be used."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A finding that is accepted, `count` times. `path` is relative to the baseline's folder; it and `symbol` are there
    for people, the fingerprint decides."""

    path: str
    code: str
    symbol: str
    fingerprint: str
    count: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a file, in order."""

    file: Path
    entries: tuple[Entry, ...] = ()

    def split(
        self, findings: Iterable[Finding], unshown: Iterable[Finding] = ()
    ) -> tuple[dict[int, str], tuple[Entry, ...]]:
        """The numbers of the findings that are accepted, with the reasons, and what is left of the entries: findings
        that are not there any more. Those `unshown` use entries as well."""
        left = Counter[str]()
        for entry in self.entries:
            left[entry.fingerprint] += entry.count
        reasons = self._reasons()
        listed = {}
        for number, finding in enumerate(findings):
            if left[finding.fingerprint] > 0:
                left[finding.fingerprint] -= 1
                listed[number] = reasons[finding.fingerprint]
        for finding in unshown:
            left[finding.fingerprint] -= 1
        over = []
        for entry in reversed(self.entries):
            if (count := min(entry.count, left[entry.fingerprint])) > 0:
                left[entry.fingerprint] -= count
                over.append(replace(entry, count=count))
        return listed, tuple(reversed(over))

    def without(self, over: Iterable[Entry]) -> Baseline:
        """The baseline less these entries, or so much of their counts."""
        gone = Counter[str]()
        for entry in over:
            gone[entry.fingerprint] += entry.count
        kept = []
        for entry in reversed(self.entries):
            taken = min(entry.count, gone[entry.fingerprint])
            gone[entry.fingerprint] -= taken
            kept += [replace(entry, count=entry.count - taken)] if entry.count > taken else []
        return Baseline(self.file, tuple(sorted(kept)))

    def renewed(self, findings: Iterable[Finding], over: Iterable[Entry], reason: str = "") -> Baseline:
        """A baseline of these findings, and of the other entries less those that are `over`. Reasons stay with their
        entries, others get `reason`."""
        found = list(findings)
        reasons = self._reasons()
        counts = Counter(finding.fingerprint for finding in found)
        firsts = {finding.fingerprint: finding for finding in reversed(found)}
        made = [
            Entry(self.inside(f.place.path), f.code, f.symbol, mark, counts[mark], reasons.get(mark, "") or reason)
            for mark, f in firsts.items()
        ]
        kept = [entry for entry in self.without(over).entries if entry.fingerprint not in counts]
        return Baseline(self.file, tuple(sorted([*made, *kept])))

    def _reasons(self) -> dict[str, str]:
        """The reasons by fingerprint; of several entries the first that gives one counts."""
        found: dict[str, str] = {}
        for entry in self.entries:
            found[entry.fingerprint] = found.get(entry.fingerprint, "") or entry.reason
        return found

    def inside(self, path: str) -> str:
        """A path from the working folder as the baseline spells it."""
        return Path(os.path.relpath(path, self.file.parent)).as_posix()

    def place(self, entry: Entry) -> Path:
        """The file that an entry is about."""
        return Path(os.path.normpath(self.file.parent / entry.path))

    def write(self) -> None:
        """Write the file, all of it or nothing: one entry a line. Raises BaselineError."""
        lines = ",\n".join(f"    {json.dumps(_shown(entry), ensure_ascii=False)}" for entry in self.entries)
        body = f"[\n{lines}\n  ]" if lines else "[]"
        text = f'{{\n  "version": {VERSION},\n  "findings": {body}\n}}\n'
        try:
            replace_file(Path(os.path.realpath(self.file)), text.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise BaselineError(self.file, None, f"not written, {error.strerror or error}") from error


def _shown(entry: Entry) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(entry, name) for name in ("path", "code", "symbol", "fingerprint")}
    if entry.count > 1:
        document["count"] = entry.count
    return {**document, "reason": entry.reason} if entry.reason else document


# --- reading ------------------------------------------------------------------------------------------------


def read(file: Path) -> Baseline:
    """The baseline in a file. Raises BaselineError with the place of what is wrong."""
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise BaselineError(file, None, "there is no such baseline; `lockcheck baseline write` makes one") from error
    except OSError as error:
        raise BaselineError(file, None, f"cannot be read: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig", "surrogatepass")
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise BaselineError(file, content.count(b"\n", 0, error.start) + 1, "is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BaselineError(file, error.lineno, f"is not valid JSON: {error.msg}", error.colno) from error
    except RecursionError as error:
        raise BaselineError(file, None, "is nested too deeply") from error
    return Baseline(file, tuple(_entries(file, document, text)))


def _entries(file: Path, document: object, text: str) -> list[Entry]:
    if not isinstance(document, dict) or "version" not in document or not isinstance(document.get("findings"), list):
        raise BaselineError(file, 1, 'is no baseline: it must hold {"version": .., "findings": [..]}')
    if document["version"] != VERSION:
        raise BaselineError(
            file, 1, f"is of version {document['version']!r}, and this lockcheck reads version {VERSION}"
        )
    for name in document:
        if name not in ("version", "findings"):
            raise BaselineError(file, 1, f"unknown key `{name}`{suggestion(name, ['version', 'findings'])}")
    return [_entry(file, number, item, text) for number, item in enumerate(document["findings"], 1)]


def _entry(file: Path, number: int, item: object, text: str) -> Entry:
    def wrong(message: str) -> BaselineError:
        return BaselineError(file, _line(item, text), f"entry {number}: {message}")

    if not isinstance(item, dict):
        raise wrong("must be an object")
    for name, value in item.items():
        if name not in (*_TEXTS, "count"):
            raise wrong(f"unknown key `{name}`{suggestion(name, (*_TEXTS, 'count'))}")
        if name in _TEXTS and not isinstance(value, str):
            raise wrong(f"`{name}` must be a string")
    if missing := [name for name in _NEEDED if not item.get(name)]:
        raise wrong(f"lacks `{missing[0]}`")
    count = item.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise wrong("`count` must be a whole number from 1")
    texts = {name: item[name] for name in _TEXTS if name in item}
    return Entry(**{"symbol": "", **texts}, count=count)


def _line(item: object, text: str) -> int | None:
    """The line of an entry, found by its fingerprint."""
    mark = item.get("fingerprint") if isinstance(item, dict) else None
    at = text.find(json.dumps(mark, ensure_ascii=False)) if isinstance(mark, str) and mark else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else None
