"""Compares lockcheck's own version with `required-version`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_CLAUSE = re.compile(r"\s*(==|!=|>=|<=|~=|>|<)?\s*(\d+(?:\.\d+)*)\s*")
_COMPARISONS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def satisfies(version: str, specifier: str) -> bool:
    """Whether a version fits `>=0.1,<0.3`; a bare number means `==`. Raises ValueError on anything else."""
    return all(_fits(version, clause) for clause in specifier.split(","))


def _fits(version: str, clause: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise ValueError(f"`{clause.strip()}` is not a version such as `0.1.0` or `>=0.1`")
    wanted = tuple(map(int, match[2].split(".")))
    have = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    length = max(len(wanted), len(have))
    if match[1] == "~=":
        return _padded(have, length) >= _padded(wanted, length) and have[: len(wanted) - 1] == wanted[:-1]
    return _COMPARISONS[match[1] or "=="](_padded(have, length), _padded(wanted, length))


def _padded(parts: tuple[int, ...], length: int) -> tuple[int, ...]:
    return parts + (0,) * (length - len(parts))
