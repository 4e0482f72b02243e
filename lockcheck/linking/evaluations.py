"""What functions came to for kinds of arguments, each evaluated once, with all that it rests on: what is not touched by
a change need not be evaluated again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from lockcheck.linking.substitution import identical

if TYPE_CHECKING:
    from lockcheck.linking.events import Behaviour
    from lockcheck.plans import Target

Key: TypeAlias = tuple[object, ...]
"""A function and a kind of arguments; the function's qualified name comes first."""

Start: TypeAlias = tuple[object, ...]
"""A function and what its parameters and the names that it closes over hold: two kinds of arguments may come to the
same."""

MarkKind: TypeAlias = Literal["unresolved calls", "unresolved statements", "many", "taken", "opened", "callee"]


MAX_DEPTH = 40

UNROLLED = 2
"""How often a function that calls itself is gone through: twice shows what one turn holds when the next one locks, and
a third turn would add nothing to that."""

WHOLE = ""
"""Stands in place of a function for what is asked on behalf of the whole project."""


class Mark(NamedTuple):
    """Something that the evaluation of `function` found out about a construct: `what` is the parameter that a decorator
    fills, the function that is called, or how one row is taken of a result."""

    kind: MarkKind
    site: Target
    what: str = ""
    function: str = ""


ALONE = sys.maxsize


@dataclass(slots=True)
class Evaluation:
    """One evaluation: the functions it looked up by name (found or not), the evaluations it took a result of, and what
    it found out. `rests_on` is the place, among the evaluations under way, of the one that began what was cut short.
    `start` is what its run began with."""

    key: Key
    behaviour: Behaviour | None = None
    start: Start = ()
    rests_on: int = ALONE
    functions: set[str] = field(default_factory=set)
    inner: dict[Key, None] = field(default_factory=dict)
    marks: dict[Mark, None] = field(default_factory=dict)

    @property
    def function(self) -> str:
        return str(self.key[0])


class Evaluations:
    """Remembers evaluations. What was cut short since its function calls itself is remembered only until the first
    evaluation of that function is done, so that a result does not depend on who asked first. `ordered` are the
    functions whose results do: those with too many kinds of arguments."""

    def __init__(self) -> None:
        self.ordered: set[str] = set()
        self.lasting = Evaluation((WHOLE,))
        """What was found out for the whole project, whichever function asked first."""
        self._known: dict[Key, Evaluation] = {}
        self._passing: dict[Key, Evaluation] = {}
        self._begun: dict[Start, Evaluation] = {}
        self._open: list[Evaluation] = []
        self._contexts: Counter[str] = Counter()

    # --- evaluating ----------------------------------------------------------------------------------------------

    def known(self, key: Key) -> Behaviour | None:
        """A result that is known, of which whoever asks makes use."""
        found = self._known.get(key)
        if found is not None:
            self._takes(key)
            return found.behaviour
        passing = self._passing.get(key)
        if passing is None:
            return None
        self._absorbs(passing)
        return passing.behaviour

    def evaluate(self, key: Key, context: str, run: Callable[[], Behaviour]) -> Behaviour:
        """Evaluate and remember; `context` is what the number of kinds of arguments is counted by."""
        made = Evaluation(key)
        self._open.append(made)
        try:
            made.behaviour = run()
        finally:
            self._open.pop()
        place = len(self._open)
        if made.rests_on < place:
            self._passing[key] = made
            self._absorbs(made)
            return made.behaviour
        self._known[key] = made
        if made.start and made.rests_on == ALONE:
            self._begun[made.start] = made
        self._contexts[context] += 1
        self._takes(key)
        if self._passing:
            self._passing = {known: passing for known, passing in self._passing.items() if passing.rests_on < place}
        return made.behaviour

    def begun_alike(self, start: Start) -> Behaviour | None:
        """The result of another evaluation that began just as the one under way does, and that nothing cut short."""
        found = self._begun.get(start)
        if found is None:
            self._open[-1].start = start
        elif identical(found.start, start):
            self._takes(found.key)
            return found.behaviour
        return None

    @contextmanager
    def for_all(self) -> Iterator[None]:
        """What is asked in between is asked for the whole project."""
        self._open.append(self.lasting)
        try:
            yield
        finally:
            self._open.pop()

    def _takes(self, key: Key) -> None:
        if self._open:
            self._open[-1].inner[key] = None

    def _absorbs(self, part: Evaluation) -> None:
        """What is under way rests on all that an evaluation does which is not remembered."""
        if self._open:
            whole = self._open[-1]
            whole.functions |= part.functions
            whole.inner |= part.inner
            whole.marks |= part.marks
            whole.rests_on = min(whole.rests_on, part.rests_on)

    def contexts(self, context: str) -> int:
        """For how many kinds of arguments a function has been evaluated."""
        return self._contexts[context]

    def too_deep(self, function: str) -> bool:
        """Whether a function is not entered once more: calls are too deep, or it has called itself too often. What is
        under way depends on where it began."""
        names = [open_.function for open_ in self._open]
        first = len(names) - names[::-1].index(WHOLE) if WHOLE in names else 0
        deep = len(names) - first >= MAX_DEPTH
        if names[first:].count(function) < UNROLLED and not deep:
            return False
        self._open[-1].rests_on = min(self._open[-1].rests_on, first if deep else names.index(function, first))
        return True

    def _drop(self, key: Key) -> Evaluation:
        found = self._known.pop(key)
        if found.start and self._begun.get(found.start) is found:
            del self._begun[found.start]
        return found

    # --- what is asked and found ----------------------------------------------------------------------------------

    def looked_up(self, function: str) -> None:
        if self._open:
            self._open[-1].functions.add(function)

    def mark(self, mark: Mark) -> None:
        if self._open:
            self._open[-1].marks[mark] = None

    def marks(self, roots: Iterable[Key]) -> Iterator[Mark]:
        """What was found out on the way from these evaluations; all others are forgotten."""
        reached: set[Key] = set()
        rest = [*roots, *self.lasting.inner]
        while rest:
            key = rest.pop()
            found = self._known.get(key) if key not in reached else None
            if found is not None:
                reached.add(key)
                rest.extend(found.inner)
        if len(reached) < len(self._known):
            for key in [key for key in self._known if key not in reached]:
                self._drop(key)
        for found in (*self._known.values(), self.lasting):
            yield from found.marks

    def found(self, paths: Collection[str]) -> Iterator[Mark]:
        """What all evaluations that are remembered found out in these files."""
        for found in (*self._known.values(), self.lasting):
            yield from (mark for mark in found.marks if mark.site.path in paths)

    # --- changes --------------------------------------------------------------------------------------------------

    def touched(self, changed: Collection[str]) -> set[Key] | None:
        """The evaluations that rest on one of these functions; None where what holds for the whole project does."""
        if not self.lasting.functions.isdisjoint(changed):
            return None
        users: dict[Key, list[Key]] = {}
        for key, found in self._known.items():
            for inner in found.inner:
                users.setdefault(inner, []).append(key)
        rest = [k for k, found in self._known.items() if k[0] in changed or not found.functions.isdisjoint(changed)]
        reached: set[Key] = set()
        while rest:
            key = rest.pop()
            if key not in reached:
                reached.add(key)
                rest.extend(users.get(key, ()))
        return None if not self.lasting.inner.keys().isdisjoint(reached) else reached

    def forget(self, keys: Collection[Key], context: Callable[[Key], str]) -> bool:
        """Let go of these. Whether what is evaluated in their place comes out as in a run from the start: it does not
        where the order of evaluation matters."""
        for key in keys:
            found = self._drop(key)
            if key[0] in self.ordered or any(inner[0] in self.ordered for inner in found.inner):
                return False
        self._contexts = Counter(map(context, self._known))
        return True
