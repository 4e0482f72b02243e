"""Which rules run: selectors by code, prefix or name, in layers (profile, pyproject.toml, command line)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lockcheck import pages
from lockcheck.settings_schema import suggestion

ALL = "ALL"
PREFIX = "LCK"


@dataclass(frozen=True, slots=True)
class Layer:
    """The selectors of one source. `select` replaces what the layers below chose; None leaves it."""

    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def verdict(self, code: str) -> bool | None:
        """What this layer says of a rule: the most specific selector wins, between equals `ignore`."""
        chosen = max((specificity(item, code) for item in (*(self.select or ()), *self.extend_select)), default=-1)
        ignored = max((specificity(item, code) for item in self.ignore), default=-1)
        if chosen < 0 and ignored < 0:
            return None if self.select is None else False
        return chosen > ignored


def selected(layers: tuple[Layer, ...], code: str) -> bool:
    """Whether a rule is chosen; without any selector every rule is."""
    state = True
    for layer in layers:
        verdict = layer.verdict(code)
        state = state if verdict is None else verdict
    return state


def specificity(selector: str, code: str) -> int:
    """How closely a selector names a rule: -1 not at all, 0 `ALL`, else the prefix's length (a name: the code's)."""
    if selector == ALL:
        return 0
    if is_code(selector):
        return len(selector) if code.startswith(selector) else -1
    head = pages.heads().get(code)
    return len(code) if head is not None and head.name == selector else -1


def is_code(selector: str) -> bool:
    """Whether a selector is a code or a prefix of one, rather than a name."""
    return re.fullmatch(rf"{PREFIX}\d*", selector) is not None


def problem(selector: str) -> str | None:
    """What is wrong with a selector: it matches no rule."""
    heads = pages.heads()
    if selector == ALL or any(specificity(selector, code) >= 0 for code in heads):
        return None
    known = [*heads, *(head.name for head in heads.values())]
    return f"unknown rule `{selector}`{suggestion(selector, known)}"


def needless_preview(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    """Selectors that name a single preview rule, which stays off without `preview`."""
    named = [item for layer in layers for item in (*(layer.select or ()), *layer.extend_select)]
    preview = {code: head.name for code, head in pages.heads().items() if head.status == "preview"}
    return tuple(dict.fromkeys(item for item in named if item in preview or item in preview.values()))
