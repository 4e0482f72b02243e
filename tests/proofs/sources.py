"""The texts that a scenario runs: the page's bad example, the one that cures it, and the fix for one database alone."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest

from lockcheck import pages
from tests import expectations, projects
from tests.expectations import Group
from tests.projects import Project
from tests.proofs.scenario import Database, Scenario

Word = Literal["safe", "unsafe", "none", "not reported"]
FILE = "example.py"


@dataclass(frozen=True, slots=True)
class Sources:
    """Texts without markers. `cure` is None where the page's example does not run, `own` where lockcheck writes for
    this database what the page shows, or nothing; `word` is what it calls its fix there."""

    bad: str
    cure: str | None
    own: str | None
    word: Word


def group_of(scenario: Scenario) -> Group:
    """The page's `bad` example."""
    return _bad(pages.page(scenario.code))[scenario.example - 1]


def _bad(page: pages.Page) -> list[Group]:
    return [group for group in expectations.groups(page) if group.bad.kind == "bad"]


def cure_of(scenario: Scenario) -> str:
    """The example that comes after it, of the kind that the scenario names."""
    group = group_of(scenario)
    if scenario.cure == "fixed":
        return _clean(group.fixed[0].source)
    after = (example for example in pages.page(scenario.code).examples if example.line > group.bad.line)
    return _clean(next(example.source for example in after if example.kind == "good"))


def sources(scenario: Scenario, dialect: Database) -> Sources:
    """The texts for a database."""
    group = group_of(scenario)
    bad, cure = _clean(group.bad.source), cure_of(scenario)
    called = word(scenario, (dialect,))
    own = _fixed(scenario.code, scenario.example, dialect) if called in ("safe", "unsafe") else None
    return Sources(
        _adapted(scenario, dialect, bad),
        _adapted(scenario, dialect, cure) if dialect in scenario.shown_on else None,
        None if own is None or own in (bad, cure) else _adapted(scenario, dialect, own),
        called,
    )


def word(scenario: Scenario, dialects: tuple[str, ...]) -> Word:
    """What lockcheck calls its fix of the scenario's function with these dialects."""
    found = {
        name for function, name in _words(scenario.code, scenario.example, dialects) if function == scenario.function
    }
    names: tuple[Word, ...] = ("safe", "unsafe", "none")
    return next((name for name in names if name in found), "not reported")


@functools.cache
def _words(code: str, example: int, dialects: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """The reported functions of a bad example, and what lockcheck calls its fixes."""
    with _project(code, example, dialects) as (root, preview):
        found = [finding for finding in projects.findings(root, preview=preview) if finding.code == code]
    return frozenset((item.symbol, item.fix.applicability if item.fix else "none") for item in found)


@functools.cache
def _fixed(code: str, example: int, dialect: Database) -> str | None:
    """What lockcheck makes of a bad example for one database; None where that is nothing."""
    with _project(code, example, (dialect,)) as (root, preview):
        return projects.fixed_files(root, unsafe=True, preview=preview).get(FILE)


@contextmanager
def _project(code: str, example: int, dialects: tuple[str, ...]) -> Iterator[tuple[Path, bool]]:
    """The folder of a project with a bad example, and whether preview rules are to run."""
    page = pages.page(code)
    group = _bad(page)[example - 1]
    preview = page.status == "preview" or "preview" in group.bad.options
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        Project({FILE: group.bad.source}, _with_dialects(group.settings, dialects)).write(root)
        patch.chdir(root)
        yield root, preview


def _with_dialects(settings: str, dialects: tuple[str, ...]) -> str:
    line = f"dialects = {list(dialects)}\n".replace("'", '"')
    bare = re.sub(r"^dialects = .*\n", "", settings, flags=re.MULTILINE)
    return bare.replace("[tool.lockcheck]\n", f"[tool.lockcheck]\n{line}", 1)


def _clean(text: str) -> str:
    return expectations.read(FILE, text).text


def _adapted(scenario: Scenario, dialect: Database, text: str) -> str:
    for old, new in scenario.adapted.get(dialect, ()):
        text = text.replace(old, new)
    return text
