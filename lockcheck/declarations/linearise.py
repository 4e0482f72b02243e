"""The order of a class and its ancestors."""

from __future__ import annotations

from collections.abc import Sequence


def linearise(name: str, parents: Sequence[Sequence[str]], bases: Sequence[str]) -> tuple[str, ...]:
    """A class, then its ancestors, given their own orders: C3 where it exists, else depth first."""
    queues = [list(order) for order in (*parents, bases) if order]
    merged = [name]
    while queues:
        head = next((queue[0] for queue in queues if not any(queue[0] in other[1:] for other in queues)), None)
        if head is None:
            rest = (item for queue in queues for item in queue)
            return tuple(dict.fromkeys((*merged, *rest)))
        merged.append(head)
        queues = [kept for queue in queues if (kept := [item for item in queue if item != head])]
    return tuple(dict.fromkeys(merged))
