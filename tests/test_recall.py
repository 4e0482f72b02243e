"""Answers that are kept: they hold as long as what they rest on."""

from __future__ import annotations

from typing import Any

from lockcheck.linking.recall import UNASKED, Question, Recall


class Sums:
    """Numbers by name, and sums of them that are asked for; `found` are the questions answered anew."""

    def __init__(self, *, keeping: bool = True, **numbers: int) -> None:
        self.numbers = numbers
        self.found: list[Question] = []
        self.recall = Recall(self._find, keeping=keeping)

    def _find(self, question: Question) -> Any:
        self.found.append(question)
        kind, *names = question
        if kind == "is even":
            return self.recall.ask(("sum", *names)) % 2 == 0
        if kind == "told":
            return "even" if self.recall.ask(("is even", *names)) else "odd"
        return sum(map(self._number, names))

    def _number(self, name: str) -> int:
        self.recall.note(("number", name))
        return self.numbers[name]

    def set(self, **numbers: int) -> None:
        self.numbers.update(numbers)
        self.recall.change(("number", name) for name in numbers)
        self.found.clear()

    def told(self, *names: str) -> str:
        return str(self.recall.ask(("told", *names)))


def test_an_answer_is_found_once() -> None:
    sums = Sums(a=1, b=2)
    assert [sums.told("a", "b"), sums.told("a", "b")] == ["odd", "odd"]
    assert len(sums.found) == 3


def test_what_does_not_rest_on_a_change_is_not_found_anew() -> None:
    sums = Sums(a=1, b=2)
    sums.told("a")
    sums.set(b=3)
    assert sums.told("a") == "odd"
    assert sums.found == []


def test_what_rests_on_a_change_is_found_anew() -> None:
    sums = Sums(a=1, b=2)
    sums.told("a", "b")
    sums.set(b=3)
    assert sums.told("a", "b") == "even"
    assert sums.found == [("sum", "a", "b"), ("is even", "a", "b"), ("told", "a", "b")]


def test_an_answer_that_comes_out_the_same_leaves_others_standing() -> None:
    sums = Sums(a=1, b=2)
    sums.told("a", "b")
    sums.set(b=4)
    assert sums.told("a", "b") == "odd"
    assert sums.found == [("sum", "a", "b"), ("is even", "a", "b")]


def test_changes_in_between_are_not_forgotten() -> None:
    """Nobody asks while the number is another one, and when it is the first one again."""
    sums = Sums(a=1, b=2)
    sums.told("a", "b")
    sums.set(a=2)
    sums.set(b=3)
    assert sums.told("a", "b") == "odd"
    assert sums.found == [("sum", "a", "b"), ("is even", "a", "b")]
    sums.set(a=3)
    assert sums.told("a", "b") == "even"


def test_questions_on_the_way_are_asked_in_order() -> None:
    """One that would not be asked any more is not asked to find out whether it has changed."""
    items = {"first": 1}
    recall: Recall

    def find(question: Question) -> Any:
        if question == ("names",):
            recall.note(("input",))
            return tuple(items)
        if question == ("all",):
            return [recall.ask(("item", name)) for name in recall.ask(("names",))]
        recall.note(("input",))
        return items[question[1]]

    recall = Recall(find, keeping=True)
    assert recall.ask(("all",)) == [1]
    items.clear()
    items["second"] = 2
    recall.change([("input",)])
    assert recall.ask(("all",)) == [2]


def test_an_error_is_not_kept() -> None:
    sums = Sums(a=1)
    try:
        sums.told("b")
    except KeyError:
        sums.set(b=2)
    assert sums.told("b") == "even"


def test_where_nothing_changes_answers_are_kept_without_what_they_rest_on() -> None:
    sums = Sums(keeping=False, a=1)
    sums.told("a")
    sums.set(a=2)
    assert sums.told("a") == "odd"


def test_answers_that_nobody_asks_for_are_let_go_of() -> None:
    sums = Sums(a=1, b=2)
    sums.told("a", "b")
    for number in range(3 * UNASKED):
        sums.set(b=number)
        assert sums.told("b") == ("odd" if number % 2 else "even")
    assert sums.told("a", "b") == "even"
    assert ("told", "a", "b") in sums.found
    sums.set(a=2)
    assert [sums.told("a", "b"), sums.told("b")] == ["odd", "odd"]
    assert ("told", "b") not in sums.found
