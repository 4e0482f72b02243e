"""What two sequences have in common."""

from __future__ import annotations

from collections.abc import Sequence


def common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items both begin with alike."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
