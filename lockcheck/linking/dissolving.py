"""Frees what linking has made, without a look at all objects by the garbage collector, which a run keeps off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lockcheck.linking import origins, substitution

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

_ROOMS = ("lockcheck.linking.", "lockcheck.declarations.")


def dissolve(project: Project) -> None:
    """Take a project apart that nobody asks any more. Its helpers refer to each other in circles; values and facts do
    not."""
    origins.forget()
    substitution.forget()
    rest: list[Any] = [project]
    while rest:
        helper = rest.pop()
        parts = vars(helper)
        rest += filter(_is_helper, parts.values())
        parts.clear()


def _is_helper(part: object) -> bool:
    kind = type(part)
    return (
        kind.__module__.startswith(_ROOMS) and hasattr(part, "__dict__") and not hasattr(kind, "__dataclass_fields__")
    )
