"""How a test comes out once a `try` has failed: by what its variables hold then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck import facts

NEVER_RETURN = frozenset(
    {
        "builtins.exit", "builtins.quit", "sys.exit", "os._exit", "os.abort", "flask.abort",
        "werkzeug.exceptions.abort", "flask_restful.abort", "flask_restx.abort", "flask_smorest.abort", "quart.abort",
        "bottle.abort", "pytest.fail", "pytest.skip",
    }
)  # fmt: skip
"""Functions that always raise, or end the program."""


class Aftermath:
    """Answers for one `try`; `joins` say what its variables hold afterwards."""

    def __init__(self, values: Sequence[facts.Value], joins: tuple[facts.Id, ...]) -> None:
        self._values = values
        self._joins = joins

    def outcome(self, test: facts.Id) -> bool | None:
        """The truth of a test, None where it is not known."""
        fact = self._values[test]
        if isinstance(fact, facts.Unary) and fact.operator == "not":
            inner = self.outcome(fact.operand)
            return None if inner is None else not inner
        if isinstance(fact, facts.Boolean):
            found = [self.outcome(operand) for operand in fact.operands]
            deciding = fact.operator == "or"
            return deciding if deciding in found else None
        if isinstance(fact, facts.Compare):
            return self._compared(fact)
        return _agreed(self._truth(held) for held in self._held(test))

    def _compared(self, fact: facts.Compare) -> bool | None:
        """`variable is None`, `variable is not None`."""
        if len(fact.operands) != 2 or fact.operators[0] not in ("is", "is not"):  # noqa: PLR2004  a single comparison
            return None
        subject, other = fact.operands
        if self._values[other] != facts.Const(None):
            return None
        found = _agreed(self._is_none(held) for held in self._held(subject))
        return None if found is None else found == (fact.operators[0] == "is")

    def _held(self, number: facts.Id) -> Iterator[facts.Id]:
        """What a variable may hold behind a handler: not what the end of the `try` suite has left in it."""
        fact = self._values[number]
        if not isinstance(fact, facts.Join) or number not in self._joins:
            return
        for handled in fact.values[1:]:
            yield from (part for part in self._parts(handled) if part != fact.values[0])

    def _parts(self, number: facts.Id) -> Iterator[facts.Id]:
        fact = self._values[number]
        if not isinstance(fact, facts.Join):
            yield number
        elif all(part < number for part in fact.values):  # no loop leads back
            for part in fact.values:
                yield from self._parts(part)

    def _truth(self, number: facts.Id) -> bool | None:
        fact = self._values[number]
        if isinstance(fact, facts.Const):
            return bool(fact.value)
        return True if isinstance(fact, facts.Caught) else None

    def _is_none(self, number: facts.Id) -> bool | None:
        fact = self._values[number]
        if isinstance(fact, facts.Const):
            return fact.value is None
        return False if isinstance(fact, facts.Caught) else None


def _agreed(answers: Iterator[bool | None]) -> bool | None:
    found = set(answers)
    return found.pop() if len(found) == 1 else None
