"""The texts that a scenario runs: the page's bad example, the one that cures it, and the fix for one database alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from lockcheck import pages
from tests import expectations, projects
from tests.expectations import Group
from tests.projects import Project
from tests.proofs.scenario import Scenario

Word = Literal["safe", "unsafe", "none", "not reported"]
FILE = "example.py"


@dataclass(frozen=True, slots=True)
class Sources:
    """Texts without markers. `cure` is None where the page's example does not run, `own` where lockcheck writes for this
    database what the page shows, or nothing; `word` is what it calls its fix there."""

    bad: str
    cure: str | None
    own: str | None
    word: Word


def group_of(scenario: Scenario) -> Group:
    """The page's `bad` example."""
    bad = [group for group in expectations.groups(pages.page(scenario.code)) if group.bad.kind == "bad"]
    return bad[scenario.example - 1]


def cure_of(scenario: Scenario) -> str:
    """The example that comes after it, of the kind that the scenario names."""
    group = group_of(scenario)
    if scenario.cure == "fixed":
        return _clean(group.fixed[0].source)
    after = (example for example in pages.page(scenario.code).examples if example.line > group.bad.line)
    return _clean(next(example.source for example in after if example.kind == "good"))


def sources(scenario: Scenario, dialect: str, root: Path) -> Sources:
    """The texts for a database; `root` is an empty folder."""
    group = group_of(scenario)
    bad, cure = _clean(group.bad.source), cure_of(scenario)
    word, own = fix(scenario, dialect, root)
    shown = dialect in scenario.shown_on
    return Sources(
        _adapted(scenario, dialect, bad),
        _adapted(scenario, dialect, cure) if shown else None,
        _adapted(scenario, dialect, own) if own not in (None, cure, bad) and own is not None else None,
        word,
    )


def fix(scenario: Scenario, dialect: str | None, root: Path) -> tuple[Word, str | None]:
    """What lockcheck calls its fix of the scenario's function with this one among the dialects, and what it writes."""
    page, group = pages.page(scenario.code), group_of(scenario)
    preview = page.status == "preview" or "preview" in group.bad.options
    Project({FILE: group.bad.source}, _with_dialect(group.settings, dialect)).write(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        found = [
            finding.fix.applicability if finding.fix else "none"
            for finding in projects.findings(root, preview=preview)
            if finding.code == page.code and finding.symbol == scenario.function
        ]
        after = projects.fixed_files(root, unsafe=True, preview=preview).get(FILE)
    word: Word = next((word for word in ("safe", "unsafe", "none") if word in found), "not reported")
    return word, after if word in ("safe", "unsafe") else None


def _with_dialect(settings: str, dialect: str | None) -> str:
    line = "" if dialect is None else f'dialects = ["{dialect}"]\n'
    bare = re.sub(r"^dialects = .*\n", "", settings, flags=re.MULTILINE)
    return bare.replace("[tool.lockcheck]\n", f"[tool.lockcheck]\n{line}", 1)


def _clean(text: str) -> str:
    return expectations.read(FILE, text).text


def _adapted(scenario: Scenario, dialect: str, text: str) -> str:
    for old, new in dict(scenario.adapted).get(dialect, ()):  # type: ignore[call-overload]
        text = text.replace(old, new)
    return text
