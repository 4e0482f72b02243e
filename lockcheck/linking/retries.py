"""Code that runs again after a database error: loops that try again, and decorators that do so for a function.

    for attempt in Retrying(retry=retry_if_exception_type(OperationalError)):      # tenacity, stamina
        with attempt:
            ...

    for _ in range(3):                                                             # by hand
        try:
            return ...
        except OperationalError:
            time.sleep(1)

A decorator is known by its library, or by what its wrapper does: call the decorated function in such a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck import facts
from lockcheck.declarations import model as declared
from lockcheck.linking.errors import RETRYABLE, database_errors
from lockcheck.linking.names import last
from lockcheck.linking.spelling import called, named, spelled
from lockcheck.linking.steps import calls_of_turn, leaves, steps_of, values_of
from lockcheck.linking.values import Abstract, External, FunctionRef
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

ATTEMPTS = {"tenacity": frozenset({"Retrying", "AsyncRetrying"}), "stamina": frozenset({"retry_context"})}
"""Calls that give attempts to loop over, by package."""

DECORATORS = {
    "tenacity": frozenset({"retry"}),
    "stamina": frozenset({"retry"}),
    "backoff": frozenset({"on_exception"}),
    "retrying": frozenset({"retry"}),
    "retry": frozenset({"retry"}),
    "oslo_db": frozenset({"wrap_db_retry"}),
}
DATABASE_ALONE = frozenset({"wrap_db_retry"})
"""Decorators for database errors, whatever they are given."""

CONDITIONS = {"tenacity": ("retry",), "retrying": ("retry_on_exception",)}
"""Where a call says which errors count, by package; where it does not say, all do. Elsewhere any argument may."""

COUNTING = frozenset({"range", "count", "repeat", "xrange"})


class RetryLoop(NamedTuple):
    """A loop whose body runs again after a database error; `name` is how the source calls what does so."""

    site: int
    name: str
    by_hand: bool


class RetryDecorator(NamedTuple):
    """`name` decorates a function as the `place`-th of its decorators. `rolls_back` the session that it finds among
    the arguments, or in a variable, before it calls the function again."""

    name: str
    place: int
    rolls_back: bool


class Retries:
    """Finds them in the project's functions, each looked at once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._linker = project.linker

    # --- loops -------------------------------------------------------------------------------------------------

    def is_retry(self, site: Target) -> bool:
        """Whether a loop tries again what failed."""
        return site in self._project.ask(_loops)

    def loops_of(self, function: str) -> tuple[RetryLoop, ...]:
        """The function's own loops that try again."""
        return self._project.ask(_loops_in, function)

    def loops(self, function: facts.FunctionFacts) -> Iterator[RetryLoop]:
        """As `loops_of`, found anew."""
        for step in steps_of(function.body):
            if isinstance(step, facts.Loop):
                name = self._over_attempts(function, step)
                if name is not None:
                    yield RetryLoop(step.site, name, by_hand=False)
                elif _counts(function, step) and self._goes_round(function, step):
                    yield RetryLoop(step.site, "the loop", by_hand=True)

    def _over_attempts(self, function: facts.FunctionFacts, loop: facts.Loop) -> str | None:
        """What gives the attempts, in a loop whose body enters each of them."""
        if loop.iterable is None:
            return None
        each = facts.Each(loop.iterable)
        entered = (c for step in steps_of(loop.body) if isinstance(step, facts.With) for c in step.contexts)
        if not any(function.values[number] == each for number in entered):
            return None
        if not self._gives(function, loop.iterable, ATTEMPTS, set()):
            return None
        call = function.values[loop.iterable]
        return named(function.values, call.func) if isinstance(call, facts.Call) else "the attempts"

    def _gives(
        self, function: facts.FunctionFacts, number: facts.Id, known: dict[str, frozenset[str]], seen: set[str]
    ) -> bool:
        """Whether a value is what one of the `known` calls gives, and tries again after database errors."""
        call = function.values[number]
        if not isinstance(call, facts.Call):
            return False
        callee = self._named(function, call.func)
        if isinstance(callee, External):
            return _is_one_of(callee.qualname, known) and self._counts_database_errors(function, call, callee.qualname)
        if not isinstance(callee, FunctionRef) or callee.qualname in seen:
            return False
        located = self._linker.functions.get(callee.qualname)
        if located is None:
            return False
        inner = located.facts
        returned = (s.value for s in steps_of(inner.body) if isinstance(s, facts.Return) and s.value is not None)
        return any(self._gives(inner, value, known, seen | {callee.qualname}) for value in returned)

    def _goes_round(self, function: facts.FunctionFacts, loop: facts.Loop) -> bool:
        """Whether the loop is left when its `try` succeeds, and goes on where a handler has caught a database error."""
        for number, step in enumerate(loop.body):
            inner = step.body if isinstance(step, facts.With) else (step,)
            for tried in (part for part in inner if isinstance(part, facts.Try)):
                succeeded = leaves((*tried.body, *tried.orelse)) or leaves(loop.body[number + 1 :])
                if succeeded and any(self._tries_again(function, handler) for handler in tried.handlers):
                    return True
        return False

    def _tries_again(self, function: facts.FunctionFacts, handler: facts.Handler) -> bool:
        return not leaves(handler.body) and self._catches(function, handler)

    def _catches(self, function: facts.FunctionFacts, handler: facts.Handler) -> bool:
        if not handler.types:
            return True
        return bool(self._errors(function, handler.types))

    def _errors(self, function: facts.FunctionFacts, numbers: Iterable[facts.Id]) -> frozenset[str]:
        """The names of the retryable database errors that values name, at any depth."""
        kinds = (self._named(function, number) for number in values_of(function, numbers))
        return RETRYABLE & set(database_errors(kind for kind in kinds if kind is not None))

    def _named(self, function: facts.FunctionFacts, number: facts.Id) -> Abstract | None:
        """What a plain or dotted name stands for."""
        name = named(function.values, number)
        return self._linker.names.lookup(function.module, name, function.qualname) if name else None

    def _counts_database_errors(self, function: facts.FunctionFacts, call: facts.Call, qualname: str) -> bool:
        """Whether the errors that a retrying call counts may be a database's."""
        package = qualname.partition(".")[0]
        if last(qualname) in DATABASE_ALONE:
            return True
        words = CONDITIONS.get(package)
        spread = [keyword.value for keyword in call.keywords if keyword.name is None]
        if words is None:
            given = [*(arg.value for arg in call.args), *(keyword.value for keyword in call.keywords)]
            return not given or bool(self._errors(function, given))
        said = [keyword.value for keyword in call.keywords if keyword.name in words]
        if said or not spread:
            return not said or bool(self._errors(function, said) or self._predicates(function, said))
        return bool(self._errors(function, range(len(function.values))))

    def _predicates(self, function: facts.FunctionFacts, numbers: Iterable[facts.Id]) -> bool:
        """Whether a function of the project that is handed over as a test speaks of database errors."""
        handed = (self._named(function, number) for number in values_of(function, numbers))
        return any(self._speaks(found.qualname) for found in handed if isinstance(found, FunctionRef))

    def _speaks(self, qualname: str) -> bool:
        located = self._linker.functions.get(qualname)
        if located is not None:
            return bool(self._errors(located.facts, range(len(located.facts.values))))
        declaration = self._linker.declarations.function(qualname)
        return declaration is not None and self._names_errors(qualname, declaration.result)

    def _names_errors(self, qualname: str, expression: declared.Expression | None) -> bool:
        """Whether an expression of the module that holds a name speaks of retryable database errors."""
        module = self._linker.declarations.module_of(qualname)
        kinds = (self._linker.names.lookup(module, name, None) for name in _dotted(expression))
        return bool(RETRYABLE & set(database_errors(kinds)))

    # --- decorators --------------------------------------------------------------------------------------------

    def decorator(self, function: facts.FunctionFacts) -> RetryDecorator | None:
        """The decorator that calls a function again after a database error."""
        for place, number in enumerate(function.decorators):
            rolls_back = self._decorates(function, number)
            if rolls_back is not None:
                name = spelled(function.values, called(function.values, number))
                return RetryDecorator(name or "the decorator", place, rolls_back)
        return None

    def _decorates(self, function: facts.FunctionFacts, number: facts.Id) -> bool | None:
        """Whether a decorator rolls back between two tries, None for one that does not try again."""
        name = called(function.values, number)
        found = self._named(function, name)
        if isinstance(found, External):
            if name != number:
                return False if self._gives(function, number, DECORATORS, set()) else None
            return False if self._held(function, number) or _is_bare(found.qualname) else None
        if not isinstance(found, FunctionRef):
            return False if self._held(function, number) else None
        if name != number and self._gives(function, number, DECORATORS, set()):
            return False
        return self._project.ask(_wraps, found.qualname)

    def _held(self, function: facts.FunctionFacts, number: facts.Id) -> bool:
        """Whether a variable of a module holds a library's decorator: `on_deadlock = retry(...)`."""
        name = named(function.values, number)
        if not name:
            return False
        qualname = self._linker.declarations.resolve(function.module, name, function.qualname)
        module, _, variable = qualname.rpartition(".")
        declaration = self._linker.declarations.modules.get(module)
        assignment = declaration.assignments.get(variable) if declaration else None
        made = assignment.value if assignment else None
        if not isinstance(made, declared.CallOf) or not isinstance(made.function, declared.Name):
            return False
        callee = self._linker.names.lookup(module, made.function.dotted, None)
        if not isinstance(callee, External) or not _is_one_of(callee.qualname, DECORATORS):
            return False
        return last(callee.qualname) in DATABASE_ALONE or self._names_errors(qualname, made)

    def wraps(self, decorator: str) -> bool | None:
        """Whether a decorator of the project rolls back between two tries, None for one that does not try again."""
        for wrapper, names in self._linker.wrapping.wrappers(decorator):
            for loop in self.loops(wrapper):
                called = {wrapper.values[call.func] for call in calls_of_turn(wrapper, loop.site)}
                if any(isinstance(func, facts.Name) and func.name in names for func in called):
                    return any(isinstance(func, facts.Attr) and func.name == "rollback" for func in called)
        return None


def _loops(project: Project) -> frozenset[Target]:
    """The loops of a project that try again."""
    return frozenset(site for name in project.functions for site in _sites(project, name))


def _sites(project: Project, function: str) -> Iterator[Target]:
    for loop in project.retries.loops_of(function):
        where = project.linker.functions[function].where
        yield Target(where.path, where.slice, "loop", loop.site)


def _loops_in(project: Project, function: str) -> tuple[RetryLoop, ...]:
    return tuple(project.retries.loops(project.linker.functions[function].facts))


def _wraps(project: Project, decorator: str) -> bool | None:
    return project.retries.wraps(decorator)


def _counts(function: facts.FunctionFacts, loop: facts.Loop) -> bool:
    """Whether a loop goes through numbers, or on and on, rather than through pieces of work."""
    if loop.iterable is None:
        return True
    call = function.values[loop.iterable]
    name = named(function.values, call.func) if isinstance(call, facts.Call) else None
    return name is not None and last(name) in COUNTING


def _is_one_of(qualname: str, known: dict[str, frozenset[str]]) -> bool:
    return last(qualname) in known.get(qualname.partition(".")[0], ())


def _is_bare(qualname: str) -> bool:
    """A decorator that is used without arguments, and so counts every error."""
    return _is_one_of(qualname, {package: DECORATORS[package] for package in CONDITIONS})


def _dotted(expression: declared.Expression | None) -> Iterator[str]:
    """The names in the arguments of a call."""
    if isinstance(expression, declared.Name):
        yield expression.dotted
    elif isinstance(expression, declared.Items):
        for item in expression.items:
            yield from _dotted(item)
    elif isinstance(expression, declared.CallOf):
        for part in (*expression.args, *(value for _, value in expression.keywords)):
            yield from _dotted(part)
