"""Modules of tests."""

from __future__ import annotations

from lockcheck.declarations.locate import MARK
from lockcheck.declarations.project import Declarations

TESTS = frozenset({"tests", "test", "testing", "conftest"})


def in_tests(declarations: Declarations, module: str) -> bool:
    """Whether a module holds tests, or serves them. One by the name of `ab_test` may be about something else: what it
    declares tells."""
    parts = [part.partition(MARK)[0] for part in module.split(".")]  # `tests~2` where two folders have the name
    if TESTS & set(parts) or parts[-1].startswith("test_"):
        return True
    declared = declarations.modules.get(module) if parts[-1].endswith("_test") else None
    return declared is not None and any(found.name.startswith("test") for found in declared.every_function())
