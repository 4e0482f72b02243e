"""How a test comes out once a `try` has failed: by what its variables hold then, and in a handler by what an error of
the database is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lockcheck import facts
from lockcheck.linking.errors import database_errors
from lockcheck.linking.values import Abstract, ClassRef, External, TupleOf, each

NEVER_RETURN = frozenset(
    {
        "builtins.exit", "builtins.quit", "sys.exit", "os._exit", "os.abort", "flask.abort",
        "werkzeug.exceptions.abort", "flask_restful.abort", "flask_restx.abort", "flask_smorest.abort", "quart.abort",
        "bottle.abort", "pytest.fail", "pytest.skip",
    }
)  # fmt: skip
"""Functions that always raise, or end the program."""
NOTHING = frozenset({"NoReturn", "Never"})
"""What is written for the value of such a function."""


OF_ERRORS = frozenset(
    {
        "add_detail", "add_note", "args", "code", "connection_invalidated", "detail", "hide_parameters", "ismulti",
        "orig", "params", "statement", "with_traceback",
    }
)  # fmt: skip
"""The attributes of SQLAlchemy's exceptions, next to those with a leading underscore."""


class Outcomes:
    """Answers for combined tests; what single ones come to is up to the kind."""

    def __init__(self, values: Sequence[facts.Value]) -> None:
        self._values = values

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
        return self._compared(fact) if isinstance(fact, facts.Compare) else self._single(test)

    def _compared(self, fact: facts.Compare) -> bool | None:
        raise NotImplementedError

    def _single(self, test: facts.Id) -> bool | None:
        raise NotImplementedError


class Aftermath(Outcomes):
    """Answers behind one `try`; `joins` say what its variables hold there."""

    def __init__(self, values: Sequence[facts.Value], joins: tuple[facts.Id, ...]) -> None:
        super().__init__(values)
        self._joins = joins

    def _single(self, test: facts.Id) -> bool | None:
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


class InHandler(Outcomes):
    """Answers for what a handler asks of the exception that it has caught, where that is a database's: such an error is
    of no other kind, and has no attributes of others. `known` gives what was found out of a value."""

    def __init__(self, values: Sequence[facts.Value], known: Callable[[facts.Id], Abstract | None]) -> None:
        super().__init__(values)
        self._known = known

    def _compared(self, fact: facts.Compare) -> bool | None:
        return False if any(map(self._fails, fact.operands)) else None

    def _single(self, test: facts.Id) -> bool | None:
        fact = self._values[test]
        func = self._values[fact.func] if isinstance(fact, facts.Call) else None
        if isinstance(fact, facts.Call) and isinstance(func, facts.Name) and len(fact.args) == 2:  # noqa: PLR2004  both take two
            subject, other = (arg.value for arg in fact.args)
            if isinstance(self._values[subject], facts.Caught) and func.name == "isinstance":
                return False if self._is_another(self._known(other)) else None
            if isinstance(self._values[subject], facts.Caught) and func.name == "hasattr":
                return False if self._is_foreign(self._values[other]) else None
        return False if self._fails(test) else None

    def _is_another(self, kinds: Abstract | None) -> bool:
        """Whether no error of the database is of one of these kinds."""
        found = [] if kinds is None else kinds.items if isinstance(kinds, TupleOf) else each(kinds)
        known = all(isinstance(kind, (External, ClassRef)) for kind in found)
        return bool(found) and known and not database_errors(found)

    def _fails(self, number: facts.Id) -> bool:
        """Whether a value is reached through an attribute that the exception has not."""
        fact = self._values[number]
        if isinstance(fact, facts.Attr) and isinstance(self._values[fact.base], facts.Caught):
            return self._is_foreign(facts.Const(fact.name))
        if isinstance(fact, (facts.Attr, facts.Subscript)):
            return self._fails(fact.base)
        return isinstance(fact, facts.Call) and self._fails(fact.func)

    @staticmethod
    def _is_foreign(name: facts.Value) -> bool:
        found = name.value if isinstance(name, facts.Const) else None
        return isinstance(found, str) and found not in OF_ERRORS and not found.startswith("_")


def _agreed(answers: Iterator[bool | None]) -> bool | None:
    found = set(answers)
    return found.pop() if len(found) == 1 else None
