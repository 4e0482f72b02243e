"""All scenarios: a module of `rules` for each rule."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from lockcheck import pages
from tests import expectations
from tests.proofs import rules
from tests.proofs.scenario import Scenario

HOUSEKEEPING = "LCK9"
"""Rules about lockcheck itself: no transactions."""


@functools.cache
def scenarios() -> tuple[Scenario, ...]:
    """Every scenario, by rule."""
    names = sorted(info.name for info in pkgutil.iter_modules(rules.__path__))
    modules = [importlib.import_module(f"{rules.__name__}.{name}") for name in names]
    return tuple(scenario for module in modules for scenario in module.SCENARIOS)


def rule_pages() -> tuple[pages.Page, ...]:
    """The pages that are about transactions."""
    return tuple(page for page in pages.all_pages() if not page.code.startswith(HOUSEKEEPING))


def reported(page: pages.Page) -> set[str]:
    """`CODE-example-function` of each function of a page's bad examples in which the rule has a marker."""
    bad = [group.bad for group in expectations.groups(page) if group.bad.kind == "bad"]
    return {
        f"{page.code}-{number}-{_function(example.source, spot.line)}"
        for number, example in enumerate(bad, 1)
        for _, spot in expectations.read("example.py", example.source).spots
        if spot.code == page.code
    }


def _function(source: str, line: int) -> str:
    """The function that a line stands in; a decorator belongs to what it decorates."""
    lines = source.splitlines()
    first = line - 1
    if lines[first].startswith("@"):
        first = next(number for number in range(first, len(lines)) if lines[number].startswith("def "))
    head = next(text for text in reversed(lines[: first + 1]) if text.startswith("def "))
    return head.removeprefix("def ").partition("(")[0]
