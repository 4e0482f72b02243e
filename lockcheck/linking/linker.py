"""Joins the facts of all files: resolves calls, evaluates functions, remembers what each does for a kind of
arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from lockcheck import facts
from lockcheck.declarations.model import CallOf, Name
from lockcheck.declarations.project import Declarations
from lockcheck.facts import SliceSites
from lockcheck.linking.aftermath import NEVER_RETURN, NOTHING
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.attributes import Attributes
from lockcheck.linking.calls import Calls
from lockcheck.linking.decorators import Decorators, SessionDecorator
from lockcheck.linking.evaluations import Evaluations, Key, Mark, MarkKind, Start
from lockcheck.linking.events import Behaviour, Detail, Event, Inner, Suspend, Test
from lockcheck.linking.frame import Frame
from lockcheck.linking.functions import Functions, Located, SliceName
from lockcheck.linking.names import Names, last
from lockcheck.linking.outcomes import Outcome, outcome
from lockcheck.linking.parameters import Binder, canonical, with_items
from lockcheck.linking.sessions import Sessions
from lockcheck.linking.statements import Extender
from lockcheck.linking.substitution import CALL, substitute
from lockcheck.linking.tables import Table
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    Callers,
    CollectionOf,
    Entering,
    External,
    FunctionRef,
    Instance,
    Known,
    Opaque,
    Somewhere,
    Statement,
    each,
    join,
    merged_locks,
)
from lockcheck.plans import Target

MAX_CONTEXTS = 256
"""Kinds of arguments a function is evaluated for. Beyond that only constants among them are told apart, which decide
branches; beyond as many kinds of these its parameters count as unknown."""


class Linker:
    """The project as one: declarations and behaviour of every file."""

    def __init__(self, declarations: Declarations, modules: Iterable[facts.ModuleFacts]) -> None:
        self.declarations = declarations
        self.names = Names(declarations)
        self.evaluations = Evaluations()
        self.functions = Functions(self._looked_up)
        self.asked: Callable[..., None] = lambda *_: None
        """Told what is asked about one function or file, by kind and name."""
        self.slices: dict[tuple[str, str], SliceSites] = {}
        self.consulted: set[str] = set()
        """The files in which somebody asked where a construct stands: the answer holds as long as nothing moves."""
        self.beside: dict[tuple[Target, Target], bool] = {}
        """The answers of `same_line` for two constructs of one file."""
        self.modules: dict[str, facts.ModuleFacts] = {}
        for module in modules:
            self._add(module)
        self.extender = Extender(self.names.column, self.names.related, self.names.in_one_table)
        self.attributes = Attributes(self)
        self.sessions = Sessions(self)
        self.calls = Calls(self)
        self.binder = Binder(self)
        self.wrapping = Decorators(self)
        self._callees: dict[Target, str] = {}
        self._bodies: dict[str, Frame] = {}
        self._running: set[str] = set()
        self._settled: Outcome | None = None

    def replace(self, modules: Sequence[facts.ModuleFacts]) -> None:
        """Other facts for some files, where what is declared is the same. What rests on the old ones is forgotten
        before."""
        for module in modules:
            old = self.modules.pop(module.path, None)
            for sites in old.slices if old is not None else ():
                del self.slices[module.path, sites.qualname]
            for function in old.functions if old is not None else ():
                del self.functions[function.qualname]
            self._add(module)
        paths = {module.path for module in modules}
        self.beside = {pair: answer for pair, answer in self.beside.items() if pair[0].path not in paths}
        for name in ("_inside", "_children"):
            self.__dict__.pop(name, None)
        self._callees = {site: callee for site, callee in self._callees.items() if site.path not in paths}
        self._callees.update({mark.site: mark.what for mark in self.evaluations.found(paths) if mark.kind == "callee"})
        self._settled = None

    def _looked_up(self, function: str) -> None:
        self.evaluations.looked_up(function)
        self.asked("facts", function)

    def _add(self, module: facts.ModuleFacts) -> None:
        self.modules[module.path] = module
        for sites in module.slices:
            self.slices[module.path, sites.qualname] = sites
        for function in module.functions:
            where = SliceName(module.path, module.slices[function.sites].qualname)
            self.functions[function.qualname] = Located(function, where, Table(function))

    def mark(self, kind: MarkKind, site: Target, what: str = "", function: str = "") -> None:
        """Note what the evaluation that is under way has found out."""
        self.evaluations.mark(Mark(kind, site, what, function))

    @property
    def settled(self) -> Outcome:
        """What the evaluation of all functions has found out."""
        if self._settled is None:
            for name in sorted(self.functions):
                self.root(name)
            roots = [self.root_key(name) for name in self.functions]
            self._settled = outcome(self.evaluations.marks(roots))
            self._callees = dict(self._settled.callees)
        return self._settled

    def root_key(self, name: str) -> Key:
        """How the evaluation of a function's own run goes by."""
        return self._key(name, {}, frozenset(), {}, root=True)

    @property
    def unresolved(self) -> Mapping[str, frozenset[Target]]:
        """The calls of unknown functions, and the executions of unknown statements, by where they stand."""
        return self.settled.unresolved

    @property
    def callers(self) -> Mapping[str, frozenset[str]]:
        """Who calls each function."""
        return self.settled.callers

    def is_many(self, site: Target) -> bool:
        """Whether all rows of a result are walked over."""
        self.asked("many", site.path, site.slice)
        return site in self.settled.many

    def taken(self, site: Target) -> str | None:
        """How one row is taken of a result, where one is: see `singles`."""
        self.asked("taken", site.path, site.slice)
        return self.settled.taken.get(site)

    def opens(self, site: Target) -> str | None:
        """The parameter that would have taken the caller's session, of a call for which a decorator opens one."""
        self.asked("opened", site.path, site.slice)
        return self.settled.opened.get(site)

    def slice_of(self, function: facts.FunctionFacts) -> SliceName:
        return self.functions[function.qualname].where

    def position(self, target: Target) -> facts.Position:
        """Where a site stands in its file."""
        self.consulted.add(target.path)
        return self._position(target)

    def _position(self, target: Target) -> facts.Position:
        self.asked("lines", target.path)
        return facts.position(self.slices[target.path, target.slice], target.kind, target.index)

    def same_line(self, one: Target, other: Target) -> bool:
        """Whether two constructs stand on one line."""
        if one.path != other.path:
            return False
        answer = self.beside[one, other] = self._position(one).line == self._position(other).line
        return answer

    def first_line(self, where: SliceName) -> int:
        """The line that a slice begins at."""
        self.consulted.add(where.path)
        self.asked("lines", where.path)
        return self.slices[where].span.line

    def attribute(self, base: Abstract, name: str) -> Abstract:
        return self.attributes.of(base, name)

    def decorators(self, qualname: str) -> tuple[str, ...]:
        """The names of a function's decorators, without what they are called with."""
        located: Located | None = self.functions.get(qualname)
        return self._declared_decorators(qualname) if located is None else located.table.decorators

    def _declared_decorators(self, qualname: str) -> tuple[str, ...]:
        """Those of a function whose body is not read."""
        declared = self.declarations.function(qualname)
        found = declared.decorators if declared is not None else ()
        names = (decorator.function if isinstance(decorator, CallOf) else decorator for decorator in found)
        return tuple(name.dotted for name in names if isinstance(name, Name))

    def callee_at(self, site: Target) -> facts.FunctionFacts | None:
        """The project function that the call at `site` was resolved to."""
        self.asked("callee", site.path, site.slice)
        located = self.functions.get(self._callees.get(site, ""))
        return located.facts if located else None

    def function_at(self, site: Target) -> str | None:
        """The qualified name of the outermost function that a site stands in."""
        self.asked("lines", site.path)
        return site.slice if (site.path, site.slice) in self.slices else None

    def local_name(self, site: Target, qualname: str) -> str | None:
        """How a class is called at a site: the name that its file imports or defines it by."""
        module = self.modules[site.path].module
        declared = self.declarations.modules[module]
        inner = declared.function_imports.get(site.slice, {})
        for name in (*declared.classes, *declared.imports, *inner):
            if self.declarations.resolve(module, name, site.slice) == qualname:
                return name
        return None

    def module_value(self, module: str, name: str, function: str) -> Abstract | None:
        """What a variable of a module holds at the end of its body, such as a statement that functions execute."""
        owner, _, variable = self.declarations.resolve(module, name, function).rpartition(".")
        located = self.functions.get(f"{owner}.<body>")
        if located is None or owner in self._running:
            return None
        if owner not in self._bodies:
            self._running.add(owner)
            frame = Frame(self, located.facts, {}, {})
            with self.evaluations.for_all():
                frame.run(located.facts.body)
            self._bodies[owner] = frame
            self._running.discard(owner)
        with self.evaluations.for_all():
            return self._bodies[owner].local(variable)

    # --- evaluation --------------------------------------------------------------------------------------------

    def root(self, qualname: str) -> Behaviour:
        """What a function does when nothing is known of its arguments but their types."""
        return self._behaviour(qualname, {}, {}, root=True)

    def call_function(self, frame: Frame, ref: FunctionRef, arguments: Arguments, site: Target) -> Abstract:
        """Call a project function: its events become the caller's, its value comes back in the caller's terms."""
        located: Located | None = self.functions.get(ref.qualname)
        if located is None:
            self.sessions.handed(frame, arguments, site, ref.qualname)
            return self._handed_back(ref.qualname, arguments)
        actual = self.binder.bind(located.facts, ref, arguments, located.table.decorators)
        here = {CALL: Callers((site,))}
        opening = self._opening(located.facts, actual)
        if opening is not None:
            self.mark("opened", site, opening.parameter)
            actual = actual | {opening.parameter: substitute(opening.session, here)}
        closure = dict(ref.closure)
        given = {name: canonical(value, name) for name, value in actual.items()}
        behaviour = self._behaviour(ref.qualname, given, closure, root=False)
        self._callees[site] = ref.qualname
        self.mark("callee", site, ref.qualname, frame.function.qualname)
        passed = tuple(with_items(actual | closure | here).items())
        if opening is not None and opening.before.events:
            frame.emit(Inner(site, opening.before, passed))
        outcome = self._outcome(frame, located, behaviour, passed, site)
        if opening is not None and opening.after.events:
            frame.emit(Inner(site, opening.after, passed))
        return outcome

    def _opening(self, function: facts.FunctionFacts, actual: Mapping[str, Abstract]) -> SessionDecorator | None:
        """The decorator that opens a session for a call which gives none."""
        opening = self.wrapping.opening(function) if function.decorators else None
        given = actual.get(opening.parameter, Known(None)) if opening is not None else None
        return opening if given == Known(None) else None

    def nested(self, qualname: str) -> Iterator[str]:
        """The functions inside a function, at any depth."""
        self.asked("facts", qualname)
        for name in self._children.get(qualname, ()):
            yield name
            yield from self.nested(name)

    def inside(self, qualname: str) -> list[str]:
        """The functions whose names say that they stand inside a function."""
        self.asked("facts", qualname)
        return self._inside.get(qualname, [])

    @cached_property
    def _inside(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.functions:
            parts = name.split(".<locals>.")
            for number in range(1, len(parts)):
                found.setdefault(".<locals>.".join(parts[:number]), []).append(name)
        return found

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, located in self.functions.items():
            if located.facts.parent is not None:
                found.setdefault(located.facts.parent, []).append(name)
        return found

    def _handed_back(self, qualname: str, arguments: Arguments) -> Abstract:
        """What a function gives that does nothing to sessions: the mapped object that it got, if it returns one of
        that class."""
        values = (*arguments.positional, *(value for _, value in arguments.keywords))
        given = [part for value in values for part in each(value) if isinstance(part, Instance)]
        declared = self.declarations.function(qualname) if given else None
        if declared is None or declared.returns is None:
            return Opaque()
        returned = self.names.of_expression(declared.returns, self.declarations.module_of(qualname), Somewhere())
        same = [part for part in given if isinstance(returned, Instance) and part.model == returned.model]
        return same[0] if len(same) == 1 else Opaque()

    def never_returns(self, callee: Abstract) -> bool:
        """Whether a call of it always raises or ends the program: known of libraries, or said by its annotation."""
        if isinstance(callee, External):
            return callee.qualname in NEVER_RETURN
        declared = self.declarations.function(callee.qualname) if isinstance(callee, FunctionRef) else None
        returns = declared.returns if declared is not None else None
        return isinstance(returns, Name) and last(returns.dotted) in NOTHING

    def _outcome(
        self,
        frame: Frame,
        callee: Located,
        behaviour: Behaviour,
        actual: tuple[tuple[str, Abstract], ...],
        site: Target,
    ) -> Abstract:
        mapping = dict(actual)
        if behaviour.yields is not None:
            yielded: Abstract = substitute(behaviour.yields, mapping)
            if any("contextmanager" in name for name in callee.table.decorators):
                return self._entering(behaviour, yielded, actual, site)
            if behaviour.events:
                frame.emit(Inner(site, behaviour, actual))
            return CollectionOf(yielded)
        if behaviour.events:
            frame.emit(Inner(site, behaviour, actual))
        returned: Abstract = substitute(behaviour.returns, mapping)
        return relocked(returned, mapping, site)

    def _entering(
        self, behaviour: Behaviour, yielded: Abstract, actual: tuple[tuple[str, Abstract], ...], site: Target
    ) -> Abstract:
        cut = next((i for i, event in enumerate(behaviour.events) if isinstance(event.detail, Suspend)), None)
        if cut is None:
            return Entering(yielded)
        halves = (behaviour.events[:cut], behaviour.events[cut + 1 :])
        before, after = (Inner(site, part_of(behaviour, half), actual) if half else None for half in halves)
        return Entering(yielded, before, after)

    def closure_for(self, frame: Frame, qualname: str) -> tuple[tuple[str, Abstract], ...]:
        """What a nested function can see of its enclosing one."""
        located = self.functions.get(qualname)
        if located is None:
            return ()
        found = ((name, frame.local(name)) for name in located.table.outer_names)
        return tuple((name, value) for name, value in found if value is not None)

    def _behaviour(
        self, qualname: str, given: Mapping[str, Abstract | None], closure: Mapping[str, Abstract], *, root: bool
    ) -> Behaviour:
        located = self.functions[qualname]
        known = {name: value for name, value in given.items() if value is not None}
        key = self._key(qualname, known, frozenset(given), closure, root=root)
        behaviour = self.evaluations.known(key)
        if behaviour is not None:
            return behaviour
        if self.evaluations.too_deep(qualname):
            return Behaviour(qualname, (), Opaque(), None, complete=False)
        context = context_of(key)
        if not root and self.evaluations.contexts(context) >= MAX_CONTEXTS:
            self.evaluations.ordered.add(qualname)
            constants = {name: value if isinstance(value, Known) else None for name, value in given.items()}
            plain = context != qualname
            return self.root(qualname) if plain else self._behaviour(qualname, constants, {}, root=False)
        return self.evaluations.evaluate(
            key, context, lambda: self._run(located.facts, known, given, closure, root=root)
        )

    def _key(
        self,
        qualname: str,
        known: Mapping[str, Abstract],
        given: frozenset[str],
        closure: Mapping[str, Abstract],
        *,
        root: bool,
    ) -> tuple[object, ...]:
        return (qualname, root, given, tuple(sorted(known.items())), tuple(sorted(closure.items())))

    def _run(
        self,
        function: facts.FunctionFacts,
        known: Mapping[str, Abstract],
        given: Mapping[str, Abstract | None],
        closure: Mapping[str, Abstract],
        *,
        root: bool,
    ) -> Behaviour:
        frame = Frame(self, function, {}, closure)
        frame.parameters = self.binder.parameters(frame, known, set(given), root=root)
        same = self.evaluations.begun_alike(start_of(frame)) if frame.untouched else None
        if same is not None:
            return same
        frame.run(function.body)
        events = tuple(frame.events)
        returns = merged_locks(join(*frame.returned)) if frame.returned else Opaque()
        yields = join(*frame.yielded) if frame.yielded or function.is_generator else None
        complete = all(not isinstance(e.detail, Inner) or e.detail.behaviour.complete for e in events)
        return Behaviour(function.qualname, worth_keeping(events), returns, yields, complete)


def context_of(key: Key) -> str:
    """What the kinds of arguments of a function are counted by: constants alone are told apart."""
    qualname, _, _, known, closure = key
    plain = all(isinstance(value, Known) for _, value in known) and not closure  # type: ignore[attr-defined]  # pairs
    return f"{qualname}()" if plain else str(qualname)


def start_of(frame: Frame) -> Start:
    """What all that a frame comes to rests on."""
    return (frame.function.qualname, tuple(frame.parameters.items()), tuple(sorted(frame.closure.items())))


def part_of(behaviour: Behaviour, events: tuple[Event, ...]) -> Behaviour:
    return Behaviour(behaviour.function, events, behaviour.returns, None, behaviour.complete)


def worth_keeping(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events, or none at all when nothing among them touches a session or a row, or looks at one's column."""
    idle = {
        "Leave", "Test", "EnterLoop", "EnterTry", "EnterHandler", "Suspend", "Read", "Branch", "Decision", "Absence",
        "Answer", "Construct", "Presumed",
    }  # fmt: skip
    kept = any(type(event.detail).__name__ not in idle or looks_at_row(event.detail) for event in events)
    return events if kept else ()


def looks_at_row(detail: Detail) -> bool:
    """Whether an attribute of a mapped object is tested."""
    return (
        isinstance(detail, Test)
        and isinstance(detail.subject, AttributeOf)
        and isinstance(detail.subject.base, Instance)
    )


def relocked(value: Abstract, actual: Mapping[str, Abstract], site: Target) -> Abstract:
    """A statement that came back from a helper with a lock it did not have: the helper's call is what locks it."""
    parts = [_relocked(part, actual, site) for part in each(value)]
    return join(*parts) if len(parts) > 1 else parts[0]


def _relocked(value: Abstract, actual: Mapping[str, Abstract], site: Target) -> Abstract:
    if not isinstance(value, Statement) or value.lock is None or value.lock.site is None:
        return value
    given = (part for argument in actual.values() for part in each(argument))
    had = [part for part in given if isinstance(part, Statement) and part.site == value.site]
    return value.with_lock_at(site) if had and all(part.lock is None for part in had) else value
