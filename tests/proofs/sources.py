"""The texts that a scenario runs: the page's bad example, the one that cures it, and the fix for one database alone."""

from __future__ import annotations

import functools
import re
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
    word, own = fix(scenario, (dialect,))
    return Sources(
        _adapted(scenario, dialect, bad),
        _adapted(scenario, dialect, cure) if dialect in scenario.shown_on else None,
        None if own is None or own in (bad, cure) else _adapted(scenario, dialect, own),
        word,
    )


def fix(scenario: Scenario, dialects: tuple[str, ...]) -> tuple[Word, str | None]:
    """What lockcheck calls its fix of the scenario's function with these dialects, and the text that it writes."""
    found, after = _run(scenario.code, scenario.example, dialects)
    words = {word for function, word in found if function == scenario.function}
    word: Word = next((word for word in ("safe", "unsafe", "none") if word in words), "not reported")
    return word, after if word in ("safe", "unsafe") else None


@functools.cache
def _run(code: str, example: int, dialects: tuple[str, ...]) -> tuple[frozenset[tuple[str, str]], str | None]:
    """The reported functions of a bad example with what lockcheck calls its fixes, and the text after all of them."""
    page = pages.page(code)
    group = _bad(page)[example - 1]
    preview = page.status == "preview" or "preview" in group.bad.options
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        root = Path(folder)
        Project({FILE: group.bad.source}, _with_dialects(group.settings, dialects)).write(root)
        patch.chdir(root)
        found = [finding for finding in projects.findings(root, preview=preview) if finding.code == code]
        after = projects.fixed_files(root, unsafe=True, preview=preview).get(FILE)
    return frozenset((item.symbol, item.fix.applicability if item.fix else "none") for item in found), after


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
