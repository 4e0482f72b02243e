"""Runs the rules in two processes, this one and a fork of it. What the other one does not finish is done here."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.cache.codec import codec
from lockcheck.hazards import Hazard
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.checks import Check
    from lockcheck.linking.project import Project

MANY = 200
"""From how many functions on a second process is worth its start."""
MOST = 250
"""Numbers of rules are single bytes."""


class Share(NamedTuple):
    """What one process has found: hazards by the numbers of the rules, and what its questions have left in the linker
    (`consulted`, `beside`, `unresolved`)."""

    hazards: dict[str, tuple[Hazard, ...]]
    consulted: tuple[str, ...]
    beside: tuple[tuple[Target, Target, bool], ...]
    unresolved: dict[str, tuple[Target, ...]]


def shareable(project: Project, jobs: int) -> bool:
    """Whether the rules may run in two processes: a process with several threads must not fork, and not every system
    can."""
    able = sys.platform == "linux" and threading.active_count() == 1
    return able and jobs > 1 and len(project.linker.functions) >= MANY


def shared(project: Project, rules: Sequence[Check], tell: Callable[[int], None]) -> Iterator[tuple[Hazard, ...]]:
    """What each rule reports, in their order. Each process takes the next rule that nobody has taken."""
    project.prepare()
    queue = _queue(len(rules))
    receiving, sending = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no memory, or too many processes
        child = -1
    if child == 0:
        _work(project, rules, queue, sending)
    os.close(sending)
    own = {number: tuple(rules[number](project)) for number in _taken(queue, tell)}
    os.close(queue)
    found = own | _received(project, receiving, child)
    for number, rule in enumerate(rules):
        yield found[number] if number in found else tuple(rule(project))


def _queue(length: int) -> int:
    """A pipe that holds the numbers of all rules."""
    numbers, filling = os.pipe()
    os.write(filling, bytes(range(min(length, MOST))))
    os.close(filling)
    return numbers


def _taken(queue: int, tell: Callable[[int], None]) -> Iterator[int]:
    while number := os.read(queue, 1):
        tell(number[0])
        yield number[0]


# --- the other process --------------------------------------------------------------------------------------------


def _work(project: Project, rules: Sequence[Check], queue: int, sending: int) -> None:
    """Does not return. An error is left to the first process, which does the work again."""
    status = 1
    try:
        hazards = {str(number): tuple(rules[number](project)) for number in _taken(queue, lambda _: None)}
        linker = project.linker
        beside = tuple((one, other, answer) for (one, other), answer in linker.beside.items())
        unresolved = {kind: tuple(sites) for kind, sites in linker.unresolved.items()}
        share = Share(hazards, tuple(linker.consulted), beside, unresolved)
        encode = codec(Share).encode
        with open(sending, "wb") as pipe:
            pipe.write(json.dumps(encode(share) if encode is not None else None).encode())
        status = 0
    finally:
        os._exit(status)


def _received(project: Project, receiving: int, child: int) -> dict[int, tuple[Hazard, ...]]:
    with open(receiving, "rb") as pipe:
        content = pipe.read()
    if child < 0:
        return {}
    _, status = os.waitpid(child, 0)
    decode = codec(Share).decode
    if status != 0 or decode is None:
        return {}
    share: Share = decode(json.loads(content))
    linker = project.linker
    linker.consulted.update(share.consulted)
    linker.beside.update(((one, other), answer) for one, other, answer in share.beside)
    for kind, sites in share.unresolved.items():
        linker.unresolved[kind].update(sites)
    return {int(number): hazards for number, hazards in share.hazards.items()}
