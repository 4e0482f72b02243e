"""Answers that are kept, with all that was asked on the way to them.

An answer holds as long as nothing changes that it rests on: inputs, which whoever changes them names, and other
answers, which are found anew when theirs have changed and count as changed only when they come out different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

Question: TypeAlias = tuple[Any, ...]
"""A function and its arguments, or the kind and the name of an input; it can be hashed."""


UNASKED = 200
"""After how many changes an answer that nobody has asked for is let go of."""


@dataclass(slots=True)
class Answer:
    """`asked` are the questions on the way, in order; `changed` and `checked` are moments."""

    value: Any
    asked: tuple[Question, ...]
    changed: int
    checked: int


class Recall:
    """Remembers answers. Where nothing will ever change (`keeping` is false), what they rest on is not."""

    def __init__(self, find: Callable[[Any], Any], *, keeping: bool) -> None:
        self._find = find
        self._keeping = keeping
        self._now = 0
        self._inputs: dict[Question, int] = {}
        self._answers: dict[Question, Answer] = {}
        self._asking: list[dict[Question, None]] = []

    def note(self, question: Question) -> None:
        """An input is looked at."""
        if self._asking:
            self._asking[-1][question] = None

    def ask(self, question: Question) -> Any:
        """The answer to a question, found by `find` where none holds."""
        known = self._answers.get(question)
        if not self._keeping:
            return self._once(question).value if known is None else known.value
        self.note(question)
        if known is not None and self._holds(known):
            return known.value
        return self._found(question, known).value

    def change(self, inputs: Iterable[Question]) -> None:
        """These inputs are not what they were."""
        self._now += 1
        self._inputs.update(dict.fromkeys(inputs, self._now))
        if self._now % UNASKED == 0:
            last = self._now - UNASKED
            self._answers = {question: known for question, known in self._answers.items() if known.checked > last}

    def _once(self, question: Question) -> Answer:
        made = self._answers[question] = Answer(self._find(question), (), self._now, self._now)
        return made

    def _found(self, question: Question, before: Answer | None) -> Answer:
        self._asking.append({})
        try:
            value = self._find(question)
        finally:
            asked = self._asking.pop()
        changed = self._now
        if before is not None and before.value == value:
            value, changed = before.value, before.changed
        made = Answer(value, tuple(asked), changed, self._now)
        self._answers[question] = made
        return made

    def _holds(self, known: Answer) -> bool:
        if known.checked == self._now:
            return True
        for question in known.asked:
            if self._changed(question) > known.checked:
                return False
        known.checked = self._now
        return True

    def _changed(self, question: Question) -> int:
        """When an input or an answer last changed."""
        known = self._answers.get(question)
        if known is None:
            return self._inputs.get(question, 0)
        return known.changed if self._holds(known) else self._found(question, known).changed
