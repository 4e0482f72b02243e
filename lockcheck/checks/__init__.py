"""One module per rule, over the linked project. A module has `CODE` and `check(project)`; no registry lists them."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.hazards import Hazard
    from lockcheck.linking.project import Project

    Check = Callable[[Project], Iterator[Hazard]]


@cache
def all_checks() -> dict[str, Check]:
    """Each rule's check by its code."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            rule = import_module(f"{__name__}.{module.name}")
            found[rule.CODE] = rule.check
    return dict(sorted(found.items()))
