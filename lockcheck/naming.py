"""How definitions are told apart that have one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def unique_names(names: Iterable[str]) -> list[str]:
    """Names with a suffix where one occurs again: the last keeps the plain name, those before it are `#2`, `#3`, .."""
    listed = list(names)
    total = Counter(listed)
    seen: Counter[str] = Counter()
    result = []
    for name in listed:
        seen[name] += 1
        result.append(name if seen[name] == total[name] else f"{name}#{seen[name] + 1}")
    return result
