"""One run of a function over abstract values: evaluates its facts and records what happens to sessions and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from lockcheck import facts
from lockcheck.immutable import replace
from lockcheck.linking import clauses, managers, presence
from lockcheck.linking.aftermath import Aftermath, InHandler, Outcomes
from lockcheck.linking.arguments import Arguments, pairs, truth
from lockcheck.linking.decisions import TRUE, decision
from lockcheck.linking.events import (
    Answer,
    Arm,
    ArmKind,
    Branch,
    Detail,
    EnterHandler,
    EnterLoop,
    EnterTry,
    Event,
    Leave,
    Opened,
    Path,
    Presumed,
    Read,
    Savepoints,
    Suspend,
    Test,
    Unflushed,
    Write,
)
from lockcheck.linking.injected import of_another_session
from lockcheck.linking.names import SESSION_NAMES
from lockcheck.linking.origins import FRESH, is_fresh, steady, varies
from lockcheck.linking.results import combined, grown, in_step, item, walked
from lockcheck.linking.spelling import spelled
from lockcheck.linking.statements import grown_in_turns
from lockcheck.linking.substitution import CALLED
from lockcheck.linking.tables import last_value
from lockcheck.linking.values import (
    Abstract,
    Alternatives,
    AttributeOf,
    CollectionOf,
    ColumnRef,
    Entering,
    Expression,
    External,
    FunctionRef,
    Instance,
    Known,
    ModelRef,
    Next,
    Opaque,
    Place,
    Reached,
    Result,
    Row,
    Savepoint,
    SessionFactory,
    SessionRef,
    Somewhere,
    Statement,
    TupleOf,
    each,
    join,
)
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker

MAX_PARTIAL = 5_000
"""How many values of one function may be found anew because they rest on others that are being evaluated: in real code
below 1,500. A text that a loop grows under twenty conditions would be found a million times."""

TESTED = (AttributeOf, Row, Instance, Result, Opaque)


class Frame:
    """Evaluates values on demand (a call at most once) and runs the steps in order."""

    def __init__(
        self,
        linker: Linker,
        function: facts.FunctionFacts,
        parameters: Mapping[str, Abstract],
        closure: Mapping[str, Abstract],
    ) -> None:
        self.linker = linker
        self.function = function
        self.module = function.module
        self.parameters = parameters
        self.closure = closure
        located = linker.functions[function.qualname]
        self.where = located.where
        self.table = located.table
        self.events: list[Event] = []
        self.returned: list[Abstract] = []
        self.yielded: list[Abstract] = []
        self.path: Path = ()
        self._forks = 0
        self._decided: list[Decided] = []
        self._written_before: facts.Id | None = None
        """In a handler, the last value written above it: an attribute with a higher number is read in the handler
        itself."""
        self._values: dict[facts.Id, Abstract] = {}
        self._walked: dict[facts.Id, Abstract] = {}
        """What loops walk over, where that is not the value itself: a legacy query is executed by it."""
        self._managed: dict[facts.Id, Abstract] = {}
        """What `with` statements bind, by their contexts."""
        self._active: set[facts.Id] = set()
        self._gaps = 0
        self._partial = 0
        """How many values were found that rest on others which are still being evaluated, and so are found anew."""
        self.dropped: set[facts.Id] = set()
        """The values of calls that stand alone, and are not awaited."""
        self._tried: list[tuple[int, Outcomes]] = []
        self._items: dict[facts.Id, list[tuple[Abstract, Abstract]]] = {}
        named = linker.names.deals_with_database(function.module)
        self._sessions = {n for name, n in function.bindings if named and name in SESSION_NAMES}

    @property
    def untouched(self) -> bool:
        """Whether nothing has happened yet that a run would find."""
        return not self.events and not self._forks

    # --- recording -------------------------------------------------------------------------------------------

    def emit(self, detail: Detail) -> None:
        self.events.append(Event(self.path, detail))

    def fork(self) -> int:
        self._forks += 1
        return self._forks

    def arm(self, kind: ArmKind, fork: int, name: str) -> Inside:
        """What happens in the block of this `with` happens in an arm."""
        return Inside(self, Arm(kind, fork, name))

    def target(self, kind: facts.SiteKind, site: int) -> Target:
        return Target(self.where.path, self.where.slice, kind, site)

    def spelled(self, number: facts.Id) -> str | None:
        """How a type annotation reads."""
        return spelled(self.function.values, number)

    # --- values ------------------------------------------------------------------------------------------------

    def value(self, number: facts.Id) -> Abstract:
        """The abstract value of a number; evaluates calls that have not run yet."""
        known = self._values.get(number)
        if known is not None:
            return known
        if number in self._active:
            self._gaps += 1
            return Opaque()
        self._active.add(number)
        gaps = self._gaps
        fact = self.function.values[number]
        found = EVALUATORS[type(fact)](self, fact, number)
        self._active.discard(number)
        if number in self._sessions:
            found = self._as_session(found, number)
        if gaps == self._gaps or isinstance(fact, facts.Call) or self._partial >= MAX_PARTIAL:
            self._values[number] = found
        else:
            self._partial += 1
        return found

    def _as_session(self, found: Abstract, number: facts.Id) -> Abstract:
        """A local variable named as sessions are, whose value could not be followed."""
        if not isinstance(found, (Opaque, AttributeOf)):
            return found
        origin = Somewhere(self.place(number))
        entered = isinstance(self.function.values[number], facts.Entered)
        return SessionRef(origin, "own" if entered else "unknown")

    def place(self, number: facts.Id) -> Place:
        """Which value of the program this is."""
        return Place(self.function.qualname, number)

    def known(self, number: facts.Id) -> Abstract | None:
        """The abstract value of a number, if it has been evaluated."""
        return self._values.get(number)

    def pending(self, number: facts.Id) -> bool:
        """Whether a value rests on a call that has not run, such as one later in the loop."""
        if number in self._values:
            return False
        seen: set[facts.Id] = set()
        rest = [number]
        while rest:
            part = rest.pop()
            if part in seen or part in self._values:
                continue
            seen.add(part)
            fact = self.function.values[part]
            if isinstance(fact, facts.Call):
                return True
            rest.extend(self._taken(fact, part) if isinstance(fact, facts.Join) else self.table.operands(part))
        return False

    def joined(self, fact: facts.Join, join_number: int) -> Abstract:
        found = []
        for number in self._taken(fact, join_number):
            if number in self._active or self.pending(number):
                self._gaps += 1
            else:
                found.append(self.value(number))
        if len(found) > 1 and any(number > join_number for number in fact.values):
            found = grown_in_turns(found)
        return join(*found) if found else Opaque()

    def _taken(self, fact: facts.Join, number: facts.Id) -> tuple[facts.Id, ...]:
        """The values that meet behind an `if` whose test is known: those of the arm that was taken."""
        for decided in reversed(self._decided):
            between = range(decided.extent.end, number)
            if number >= decided.extent.end and all(isinstance(self.function.values[n], facts.Join) for n in between):
                kept = decided.kept(fact.values)
                return kept or fact.values
        return fact.values

    def name(self, fact: facts.Name, _: int) -> Abstract:
        if fact.name in self.closure:
            return self.closure[fact.name]
        found = self.linker.names.lookup(self.module, fact.name, self.function.qualname)
        if isinstance(found, Opaque):
            return self.linker.module_value(self.module, fact.name, self.function.qualname) or found
        return found

    def parameter(self, fact: facts.Param, _: int) -> Abstract:
        return self.parameters.get(fact.name, Opaque())

    def _reads(self, base: Instance, name: str) -> None:
        if self.linker.names.column(base.model, name) and not of_another_session(self, base.origin):
            self.emit(Read(None, base, name))

    def attr(self, fact: facts.Attr, number: int) -> Abstract:
        base = self.value(fact.base)
        found = self._attribute_of(base, fact.name, number)
        in_handler = self._written_before is not None and number > self._written_before
        if isinstance(base, Instance) and in_handler:
            self._reads(base, fact.name)
        return found

    def _attribute_of(self, base: Abstract, name: str, number: facts.Id) -> Abstract:
        def dotted() -> str | None:
            return self.table.named(number)

        if not isinstance(base, Alternatives):
            return self.attribute(base, name, dotted)
        return join(*[self.attribute(part, name, dotted) for part in base.values])

    def attribute(self, base: Abstract, name: str, dotted: Callable[[], str | None]) -> Abstract:
        """`base.name`, which reads as `dotted` tells; one named as sessions are is one, in a file that deals with a
        database."""
        found = self.linker.attribute(base, name)
        if name in SESSION_NAMES and isinstance(found, (Opaque, AttributeOf, External)):
            return self.linker.attributes.session(base, name, dotted(), self.module) or found
        return found

    def arguments(self, call: facts.Call) -> Arguments:
        positional: list[Abstract] = []
        starred = double = spread = False
        for arg in call.args:
            value = self.value(arg.value)
            if not arg.starred:
                positional.append(value)
            elif isinstance(value, TupleOf) and value.kind != "dict":
                positional.extend(value.items)
            else:
                unpacked = clauses.spread(value)
                positional.extend(unpacked or ())
                starred = starred or unpacked is None
                spread = True
        keywords: list[tuple[str, Abstract]] = []
        for keyword in call.keywords:
            if keyword.name is not None:
                keywords.append((keyword.name, self.value(keyword.value)))
                continue
            found, complete = self._unpacked(keyword.value)
            keywords.extend(found)
            double = double or not complete
        return Arguments(tuple(positional), tuple(keywords), starred, double, spread)

    def _unpacked(self, number: facts.Id) -> tuple[list[tuple[str, Abstract]], bool]:
        found, complete = pairs(self.value(number))
        named: list[tuple[str, Abstract]] = []
        for key, value in (*found, *self._items.get(number, ())):
            if isinstance(key, Known) and isinstance(key.value, str):
                named.append((key.value, value))
            else:
                complete = False
        return named, complete

    def call(self, fact: facts.Call, number: int) -> Abstract:
        return self.linker.calls.evaluate(self, fact, number)

    def compare(self, fact: facts.Compare, _: int) -> Abstract:
        values = [self.value(operand) for operand in fact.operands]
        site = self.target("compare", fact.site)
        found: list[Abstract] = []
        for left, operator, right in zip(values, fact.operators, values[1:], strict=False):
            made = clauses.compared(left, operator, right, site) if operator not in ("is", "is not") else None
            if made is None:
                self.tested(left, operator, right, site)
                made_known = known_comparison(left, operator, right)
                found.append(made_known if made_known is not None else Opaque())
            else:
                found.append(made)
        return found[0] if len(found) == 1 else Opaque()

    def tested(self, left: Abstract, operator: str, right: Abstract, site: Target) -> None:
        for subject in each(left):
            if isinstance(subject, TESTED):
                self.emit(Test(subject, operator, right, site))
        if operator in ("==", "!=") and isinstance(right, TESTED):
            self.emit(Test(right, operator, left, site))

    def boolean(self, fact: facts.Boolean, _: int) -> Abstract:
        values = [self.value(operand) for operand in fact.operands]
        for value in values:
            if isinstance(value, (AttributeOf, Result)):
                self.emit(Test(value, "truth", TRUE))
        truths = [truth(value) for value in values]
        deciding = fact.operator == "or"
        if deciding in truths:
            return Known(value=deciding)
        if fact.operator == "or":
            return join(*(v for v, t in zip(values, truths, strict=True) if t is not False)) if values else Opaque()
        return values[-1] if all(t is True for t in truths[:-1]) else Opaque()

    def binary(self, fact: facts.Binary, _: int) -> Abstract:
        left, right = self.value(fact.left), self.value(fact.right)
        sql = any(isinstance(v, (*clauses.CLAUSES, ColumnRef, Expression)) for v in (left, right))
        if fact.operator in "&|" and sql:
            return clauses.both((left, right)) if fact.operator == "&" else clauses.either((left, right))
        if sql:
            return Expression(tuple(v for v in (left, right) if isinstance(v, ColumnRef)))
        if any(isinstance(v, (CollectionOf, TupleOf)) for v in (left, right)):
            return combined(left, right)
        return counted_on(left, right) if fact.operator == "+" else Opaque()

    def unary(self, fact: facts.Unary, _: int) -> Abstract:
        value = self.value(fact.operand)
        if fact.operator == "~" and isinstance(value, (*clauses.CLAUSES, ColumnRef)):
            return clauses.negated(value)
        if fact.operator == "not":
            if isinstance(value, (AttributeOf, Result)):
                self.emit(Test(value, "truth", Known(value=False)))
            known = truth(value)
            return Opaque() if known is None else Known(not known)
        return Opaque()

    def choice(self, fact: facts.Choice, _: int) -> Abstract:
        known = truth(self.value(fact.test))
        if known is not None:
            return self.value(fact.body if known else fact.orelse)
        fork = self.fork()
        with self.arm("if", fork, "body"):
            body = self.value(fact.body)
        with self.arm("if", fork, "else"):
            return join(body, self.value(fact.orelse))

    def sequence(self, fact: facts.Sequence, _: int) -> Abstract:
        items: list[Abstract] = []
        complete = True
        for part in fact.items:
            value = self.value(part.value)
            if not part.starred:
                items.append(value)
            elif isinstance(value, TupleOf) and value.kind != "dict":
                items.extend(value.items)
            else:
                complete = False
                items.append(join(*(walked(one) for one in each(value))))
        if complete:
            return TupleOf(tuple(items), fact.kind)
        return CollectionOf(join(*items), walk="set" if fact.kind == "set" else "")

    def mapping(self, fact: facts.Dict, _: int) -> Abstract:
        keys: list[Abstract] = []
        items: list[Abstract] = []
        for key, number in fact.items:
            value = self.value(number)
            if key is None:
                found, complete = pairs(value)
                if not complete:
                    return CollectionOf(Opaque())
                keys.extend(k for k, _ in found)
                items.extend(v for _, v in found)
            else:
                keys.append(self.value(key))
                items.append(value)
        return TupleOf(tuple(items), "dict", tuple(keys))

    def comprehension(self, fact: facts.Comprehension, _: int) -> Abstract:
        for number in fact.iterables:
            self._values[number] = self.linker.sessions.walked(self, self.value(number))
        fork = self.fork()
        for number in fact.iterables:
            self.left_out(number, Arm("loop", fork, "body"))
        with self.arm("loop", fork, "body"):
            element, key = self._kept(fact)
            if key is not None:
                return TupleOf((element,), "dict", (key,))
        source = self.value(fact.iterables[0]) if len(fact.iterables) == 1 else Opaque()
        if fact.kind == "set":
            return CollectionOf(element, single=steady(element), walk="set")
        return replace(in_step(source, element), single=steady(element) and not self._is_slice(fact.element))

    def _is_slice(self, number: facts.Id) -> bool:
        fact = self.function.values[number]
        return isinstance(fact, facts.Subscript) and isinstance(self.function.values[fact.index], facts.Slice)

    def _kept(self, fact: facts.Comprehension) -> tuple[Abstract, Abstract | None]:
        """Element and key of a comprehension, for what its conditions let through."""
        for number in fact.conditions:
            self.value(number)
        fork = self.fork()
        for number in fact.conditions:
            self.absences(number, Arm("if", fork, "body"), holds=True)
        with self.arm("if", fork, "body") if fact.conditions else nullcontext():
            element = self.value(fact.element)
            return element, None if fact.key is None else self.value(fact.key)

    def subscript(self, fact: facts.Subscript, _: int) -> Abstract:
        base, index = self.value(fact.base), self.value(fact.index)
        if isinstance(self.function.values[fact.index], facts.Slice):
            return base
        if isinstance(base, TupleOf) and base.kind == "dict":
            for key, found in zip(base.keys, base.items, strict=True):
                if key == index:
                    return found
            return join(*base.items) if base.items else Opaque()
        if isinstance(index, Known) and isinstance(index.value, int):
            return item(base, index.value)
        if isinstance(base, ModelRef) and isinstance(index, Known) and isinstance(index.value, str):
            return self.linker.names.column(base, index.value) or Opaque()
        if isinstance(base, Row) and isinstance(index, Known) and isinstance(index.value, str):
            return self.attribute(base, index.value, lambda: None)
        if isinstance(base, Opaque) and varies(base.origin) and isinstance(index, Known):
            return Opaque(Reached(base.origin, str(index.value), many=False))
        if isinstance(base, TupleOf) and base.items:
            return join(*base.items)
        return item(base, 0) if isinstance(base, (CollectionOf, Result)) else Opaque()

    def each(self, fact: facts.Each, _: int) -> Abstract:
        return self._elements(self._walked.get(fact.iterable) or self.value(fact.iterable))

    def _elements(self, value: Abstract) -> Abstract:
        """What walking over a value gives."""
        found = each(value)
        for part in found:
            if isinstance(part, Result):
                self.linker.mark("many", part.site)
        return join(*(walked(part) for part in found))

    def grown(self, fact: facts.Grown, _: int) -> Abstract:
        return grown(self.value(fact.base), self.value(fact.element), self._turn_order(fact.element))

    def _turn_order(self, number: facts.Id) -> str | None:
        """The order of the loop whose element a value is made of: what grows turn by turn comes in that order."""
        parts = (part for walked_over in self.table.walks(number) for part in each(self.value(walked_over)))
        return "?" if any(in_step(part, part).ordered_by is not None for part in parts) else None

    def sorted_in_place(self, number: facts.Id, found: Abstract) -> None:
        """`value.sort(..)`: what reads the value later finds it sorted."""
        self._values[number] = found

    def entered(self, fact: facts.Entered, number: int) -> Abstract:
        value = self._managed.get(fact.context) or self.value(fact.context)
        if isinstance(value, Entering):
            return value.value
        if isinstance(value, Savepoint):
            return value if value.nested else value.session
        return join(*(self._of_block(part, number) for part in each(value)))

    def _of_block(self, value: Abstract, number: facts.Id) -> Abstract:
        """A session of unknown origin is one and the same all through the block that it is entered for."""
        if isinstance(value, SessionRef) and value.origin == Somewhere():
            return replace(value, origin=Somewhere(self.place(number)))
        return value

    def caught(self, fact: facts.Caught, _: int) -> Abstract:
        for number in fact.types:
            self.value(number)
        return Opaque()

    def nested(self, fact: facts.Function, _: int) -> Abstract:
        return FunctionRef(fact.qualname, closure=self.linker.closure_for(self, fact.qualname))

    def produced(self, fact: facts.Yielded, _: int) -> Abstract:
        value = self.value(fact.value) if fact.value is not None else Known(None)
        self.yielded.append(self._elements(self.linker.sessions.walked(self, value)) if fact.each else value)
        self.emit(Suspend())
        return Opaque()

    def spread(self, _: facts.Value, number: int) -> Abstract:
        for part in self.table.operands(number):
            self.value(part)
        return Opaque()

    def text(self, fact: facts.Text, _: int) -> Abstract:
        """A text with a fresh part is fresh itself, one made of what calls gave is such a value."""
        parts = [self.value(number) for number in fact.parts]
        if any(is_fresh(part) for part in parts):
            return FRESH
        return CALLED if CALLED in parts and all(part == CALLED for part in parts) else Opaque()

    def local(self, name: str) -> Abstract | None:
        """What a local variable holds at the end, for a nested function that closes over it."""
        if name in self.parameters:
            return self.parameters[name]
        number = next((found for bound, found in self.function.bindings if bound == name), None)
        if number is None or self.pending(number):
            return self.closure.get(name)
        return self.value(number)

    # --- steps ---------------------------------------------------------------------------------------------------

    def run(self, block: facts.Block) -> bool:
        """Run the steps up to one that surely leaves the block; whether one did."""
        for step in block:  # noqa: SIM110  # blocks are short: a generator costs more than what it goes through
            if RUNNERS[type(step)](self, step):
                return True
        return False

    def evaluate(self, step: facts.Evaluate) -> bool:
        if step.dropped:
            self.dropped.add(step.value)
        self.value(step.value)
        fact = self.function.values[step.value]
        callee = self.value(fact.func) if isinstance(fact, facts.Call) else None
        if callee is None or not self.linker.never_returns(callee):
            return False
        self.emit(Leave("raise"))
        return True

    def set_attribute(self, step: facts.SetAttribute) -> None:
        base, value = self.value(step.base), self.value(step.value)
        for part in each(base):
            if isinstance(part, Instance):
                self.emit(Write(self.target("assign", step.site), part, step.name, value))

    def set_item(self, step: facts.SetItem) -> None:
        self._items.setdefault(step.base, []).append((self.value(step.index), self.value(step.value)))

    def if_(self, step: facts.If) -> bool:
        before = len(self.events)
        test = self.value(step.test)
        for part in each(test):
            if isinstance(part, (AttributeOf, Result, Instance)):
                self.emit(Test(part, "truth", TRUE))
        known = truth(test)
        if known is not None:
            self._decided.append(Decided(step.extent, known))
            return self.run(step.body if known else step.orelse)
        fork = self.fork()
        tests = [event.detail for event in self.events[before:] if isinstance(event.detail, Test)]
        if isinstance(self.function.values[step.test], facts.Compare) and tests:
            self.emit(Branch(fork, tests[0]))
        decided = decision(self, fork, step.test)
        if decided is not None:
            self.emit(decided)
        self.absences(step.test, Arm("if", fork, "body"), holds=True)
        self.absences(step.test, Arm("if", fork, "else"), holds=False)
        for failed, aftermath in self._tried:
            outcome = aftermath.outcome(step.test)
            if outcome is not None:
                self.emit(Presumed(failed, Arm("if", fork, "body" if outcome else "else")))
        with self.arm("if", fork, "body"):
            left = self.run(step.body)
        with self.arm("if", fork, "else"):
            return self.run(step.orelse) and left

    def absences(self, test: facts.Id, arm: Arm, *, holds: bool) -> None:
        """What is not there in an arm that is taken when a test holds, or does not hold."""
        for asked in presence.asked(self, test, holds=holds):
            if asked.matters:
                self.emit(presence.absence(arm, asked))

    def left_out(self, iterable: facts.Id, arm: Arm) -> None:
        """What is not there in a loop over the difference of two collections."""
        for asked in presence.difference(self, iterable):
            self.emit(presence.absence(arm, asked))

    def loop(self, step: facts.Loop) -> None:
        iterable = self.value(step.iterable) if step.iterable is not None else None
        iterable = self.linker.sessions.iterated(self, iterable, step.site)
        if iterable is not None and step.iterable is not None:
            self._walked[step.iterable] = iterable
        fork = self.fork()
        self.emit(EnterLoop(self.target("loop", step.site), fork, iterable))
        if step.iterable is not None:
            self.left_out(step.iterable, Arm("loop", fork, "body"))
        with self.arm("loop", fork, "body"):
            if step.test is not None:
                self.value(step.test)
            self.run(step.body)
        with self.arm("loop", fork, "else"):
            self.run(step.orelse)

    def try_(self, step: facts.Try) -> None:
        fork = self.fork()
        self.emit(EnterTry(fork, len(step.handlers)))
        with self.arm("try", fork, "body"):
            self.run(step.body)
        outer = self._written_before
        handled = (fork, InHandler(self.function.values, self.known))
        self._tried.append(handled)
        for number, handler in enumerate(step.handlers):
            self._written_before = last_value(step.body)
            with self.arm("try", fork, f"handler {number}"):
                types = tuple(self._exception_types(handler))
                self.emit(EnterHandler(self.target("handler", handler.site), fork, types))
                self.run(handler.body)
        self._written_before = outer
        self._tried.remove(handled)
        with self.arm("try", fork, "else"):
            self.run(step.orelse)
        with self.arm("try", fork, "finally"):
            self.run(step.final)
        if step.joins:
            self._tried.append((fork, Aftermath(self.function.values, step.joins)))

    def _exception_types(self, handler: facts.Handler) -> Iterator[Abstract]:
        for number in handler.types:
            value = self.value(number)
            yield from value.items if isinstance(value, TupleOf) else each(value)

    def with_(self, step: facts.With) -> bool:
        entered = [self.value(number) for number in step.contexts]
        site = self.target("with", step.site)
        for number in step.contexts:
            self._managed[number] = join(*(managers.entered(self, part, site) for part in each(self.value(number))))
        bound = [(part, self._bound_sessions(number)) for number in step.contexts for part in each(self.value(number))]
        for value, sessions in bound:
            self._enter(value, sessions, entered=True)
        fork = self.fork()
        if any(isinstance(value, AttributeOf) and value.name == "no_autoflush" for value in entered):
            self.emit(Unflushed(fork))
        with self.arm("with", fork, "body"):
            left = self.run(step.body)
        for value, sessions in reversed(bound):
            managers.left(self, value, site)
            self._enter(value, sessions, entered=False)
        return left

    def _bound_sessions(self, context: facts.Id) -> tuple[SessionRef, ...]:
        """The session that a context manager binds, if it does, or each one that it may be."""
        bound = self.table.entered.get(context, ())
        found = (tuple(part for part in each(self.value(n)) if isinstance(part, SessionRef)) for n in bound)
        return next((sessions for sessions in found if sessions), ())

    def _enter(self, value: Abstract, sessions: tuple[SessionRef, ...], *, entered: bool) -> None:
        if isinstance(value, Savepoint) and value.nested:
            self.emit(Savepoints(value.session, entered))
        elif isinstance(value, Savepoint):
            self.emit(Opened(value.session, entered, commits=True))
        elif isinstance(value, SessionRef) and value.owner == "own":
            self.emit(Opened(value, entered, commits=False))
        elif isinstance(value, Entering):
            opened = [Opened(session, entered, commits=False) for session in sessions]
            half = value.before if entered else value.after
            for detail in (*opened, half) if entered else (half, *opened):
                if detail is not None:
                    self.emit(detail)

    def return_(self, step: facts.Return) -> bool:
        value = self.value(step.value) if step.value is not None else Known(None)
        self.returned.append(value)
        if step.value is not None and isinstance(self.function.values[step.value], presence.TESTS):
            for holds in (True, False):
                for asked in presence.asked(self, step.value, holds=holds):
                    if asked.value is not None and asked.matters:
                        self.emit(Answer(holds, asked.value, asked.member))
        self.emit(Leave("return", value if isinstance(value, Known) else None))
        return True

    def raise_(self, step: facts.Raise) -> bool:
        if step.value is not None:
            self.value(step.value)
        self.emit(Leave("raise"))
        return True

    def assert_(self, step: facts.Assert) -> None:
        self.value(step.test)

    def leave(self, step: facts.Break | facts.Continue) -> bool:
        self.emit(Leave("break" if isinstance(step, facts.Break) else "continue"))
        return True


class Inside:
    """A stretch of a run in an arm of a fork."""

    __slots__ = ("_arm", "_frame", "_outer")

    def __init__(self, frame: Frame, arm: Arm) -> None:
        self._frame = frame
        self._arm = arm
        self._outer = frame.path

    def __enter__(self) -> None:
        self._frame.path = (*self._outer, self._arm)

    def __exit__(self, *_: object) -> None:
        self._frame.path = self._outer


class Decided(NamedTuple):
    """An `if` whose test is known."""

    extent: facts.Extent
    outcome: bool

    def kept(self, values: tuple[facts.Id, ...]) -> tuple[facts.Id, ...]:
        inside = tuple(number for number in values if self.extent.body <= number < self.extent.orelse)
        other = tuple(number for number in values if self.extent.orelse <= number < self.extent.end)
        if self.outcome:
            return inside
        return other or tuple(number for number in values if number not in inside)


def counted_on(left: Abstract, right: Abstract) -> Abstract:
    """The sum of a value and a known number."""
    value, number = (left, right) if isinstance(right, Known) else (right, left)
    if not isinstance(number, Known) or type(number.value) is not int:
        return Opaque()
    parts = [part for part in each(value) if isinstance(part, (AttributeOf, Opaque)) and part != Opaque()]
    return join(*(Next(part) for part in parts))


def known_comparison(left: Abstract, operator: str, right: Abstract) -> Abstract | None:
    """The outcome of comparing two known values."""
    if operator in ("is", "is not") and isinstance(right, Known) and right.value is None:
        if isinstance(left, Known):
            return Known((left.value is None) == (operator == "is"))
        certain = (ModelRef, ColumnRef, Statement, SessionFactory, TupleOf, *clauses.CLAUSES)
        return Known(operator == "is not") if isinstance(left, certain) else None
    if isinstance(left, Known) and isinstance(right, Known) and operator in ("==", "!="):
        return Known((left == right) == (operator == "=="))
    return None


EVALUATORS: dict[type, Callable[[Frame, Any, int], Abstract]] = {
    facts.Const: lambda _s, f, _n: Known(f.value),
    facts.Name: Frame.name,
    facts.Param: Frame.parameter,
    facts.Attr: Frame.attr,
    facts.Call: Frame.call,
    facts.Item: lambda s, f, _n: join(*(item(part, f.index) for part in each(s.value(f.base)))),
    facts.Subscript: Frame.subscript,
    facts.Slice: Frame.spread,
    facts.Each: Frame.each,
    facts.Sequence: Frame.sequence,
    facts.Dict: Frame.mapping,
    facts.Comprehension: Frame.comprehension,
    facts.Compare: Frame.compare,
    facts.Boolean: Frame.boolean,
    facts.Binary: Frame.binary,
    facts.Unary: Frame.unary,
    facts.Choice: Frame.choice,
    facts.Join: Frame.joined,
    facts.Grown: Frame.grown,
    facts.Entered: Frame.entered,
    facts.Caught: Frame.caught,
    facts.Function: Frame.nested,
    facts.Text: Frame.text,
    facts.Yielded: Frame.produced,
    facts.Unknown: Frame.spread,
}

RUNNERS: dict[type, Callable[[Frame, Any], bool | None]] = {
    facts.Evaluate: Frame.evaluate,
    facts.SetAttribute: Frame.set_attribute,
    facts.SetItem: Frame.set_item,
    facts.If: Frame.if_,
    facts.Loop: Frame.loop,
    facts.Try: Frame.try_,
    facts.With: Frame.with_,
    facts.Return: Frame.return_,
    facts.Raise: Frame.raise_,
    facts.Assert: Frame.assert_,
    facts.Break: Frame.leave,
    facts.Continue: Frame.leave,
}
