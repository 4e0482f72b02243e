"""What the methods of sessions, connections and legacy queries do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from lockcheck import facts
from lockcheck.immutable import replace
from lockcheck.linking.arguments import Arguments, is_false, pairs
from lockcheck.linking.events import Add, Delete, Execute, Merge, Outer, SessionCall
from lockcheck.linking.results import element, selected
from lockcheck.linking.singles import OF_QUERY, OF_RESULT
from lockcheck.linking.statements import columns_of, first_model, model_name, row_lock
from lockcheck.linking.tables import operands
from lockcheck.linking.values import (
    Abstract,
    Assignments,
    AttributeOf,
    CollectionOf,
    ColumnRef,
    Condition,
    Expression,
    FromOperation,
    FunctionRef,
    Instance,
    Known,
    LoaderOption,
    ModelRef,
    Opaque,
    Reached,
    Result,
    RowLock,
    Savepoint,
    SessionRef,
    Somewhere,
    Statement,
    TupleOf,
    each,
    join,
)
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame
    from lockcheck.linking.linker import Linker

EXECUTES = {"execute": False, "stream": False, "scalars": True, "stream_scalars": True, "scalar": True, "exec": True}
PLAIN = frozenset(
    {
        "flush", "commit", "rollback", "close", "expire", "expire_all", "expunge", "expunge_all", "invalidate", "reset",
        "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "remove", "connection", "prepare",
    }
)  # fmt: skip
AT_ONCE = frozenset(
    {"add", "add_all", "expire", "expire_all", "expunge", "expunge_all", "begin", "begin_nested", "query"}
)
"""The methods of an AsyncSession that are no coroutines."""
TAKE_OBJECTS = frozenset({"add", "merge", "refresh", "delete"})
JOINED = frozenset({"begin", "commit", "close"})
QUERY_ALL = frozenset({"all", "__iter__"})
QUERY_ONE = frozenset({"first", "one", "one_or_none", "first_or_404", "one_or_404"})
QUERY_GET = frozenset({"get", "get_or_404"})
QUERY_SCALAR = frozenset({"scalar", "count"})


class CallSite(NamedTuple):
    """A call being evaluated. `on` is the value before the dot, or what is called, of which `member` is called;
    `handed` the first argument."""

    frame: Frame
    site: Target
    number: facts.Id
    on: facts.Id
    handed: facts.Id | None = None
    member: str = ""

    @property
    def base(self) -> str | None:
        """How what stands before the dot reads, or what is called."""
        found = self.frame.table.named(self.on)
        return f"{found}.{self.member}" if found and self.member else found

    @property
    def first(self) -> str | None:
        """How the first argument reads."""
        return self.frame.table.named(self.handed) if self.handed is not None else None

    @property
    def unknown_session(self) -> SessionRef:
        """What stands before the dot, where it can only be a session."""
        return SessionRef(Somewhere(self.base or "?"), "unknown")


class Sessions:
    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._methods: dict[str, Callable[[CallSite, SessionRef, Arguments], Abstract]] = {
            "get": self._get,
            "get_one": self._get,
            "refresh": self._refresh,
            "merge": self._merge,
            "add": self._add,
            "add_all": self._add,
            "delete": self._delete,
            "begin": lambda _call, session, _args: Savepoint(session, nested=False),
            "begin_nested": lambda _call, session, _args: Savepoint(session, nested=True),
            "query": self._query,
            "run_sync": self._run_sync,
        }

    def method(self, call: CallSite, session: SessionRef, name: str, arguments: Arguments) -> Abstract:
        """`session.name(arguments)`."""
        if session.is_async and call.number in call.frame.dropped and name not in AT_ONCE:
            return Opaque()  # a coroutine that nobody awaits does nothing
        if session.joined and name in JOINED:
            return self._of_connection(call, session, name)
        if name in EXECUTES:
            return self._execute(call, session, name, arguments)
        handler = self._methods.get(name)
        if handler is not None:
            return handler(call, session, arguments)
        if name in PLAIN:
            call.frame.emit(SessionCall(call.site, session, name))
        return Opaque()

    def _of_connection(self, call: CallSite, session: SessionRef, name: str) -> Abstract:
        """What begins or ends the transaction of a session that has joined that of a connection."""
        if name == "commit":
            call.frame.emit(SessionCall(call.site, session, "flush"))
        return session if name == "begin" else Opaque()

    def duck(self, call: CallSite, base: Abstract, name: str, arguments: Arguments) -> Abstract | None:
        """A method of something unknown that is used as a session: it is handed a statement."""
        first = arguments.positional[0] if arguments.positional else None
        if name in EXECUTES:
            if first is not None and any(isinstance(part, Statement) for part in each(first)):
                return self._execute(call, call.unknown_session, name, arguments)
        elif isinstance(base, (Opaque, AttributeOf)):
            if name == "begin_nested" and first is None:
                return Savepoint(call.unknown_session, nested=True)
            if name in TAKE_OBJECTS and isinstance(first, Instance):
                return self.method(call, call.unknown_session, name, arguments)
        return None

    def handed(self, frame: Frame, arguments: Arguments, site: Target, name: str) -> None:
        """A call that is not followed: record the sessions it gets."""
        if not arguments.positional and not arguments.keywords:
            return
        named = (*((None, value) for value in arguments.positional), *arguments.keywords)
        found = [(key, part) for key, value in named for part in each(value) if isinstance(part, SessionRef)]
        if found:
            keys, sessions = zip(*found, strict=True)
            frame.emit(Outer(site, sessions, name, keys))

    # --- statements ------------------------------------------------------------------------------------------------

    def _execute(self, call: CallSite, session: SessionRef, name: str, arguments: Arguments) -> Abstract:
        first = arguments.positional[0] if arguments.positional else arguments.keyword("statement")
        results: list[Abstract] = []
        statements = [part for part in each(first) if isinstance(part, Statement)] if first is not None else []
        many = len(statements) > 1
        fork = call.frame.fork() if many else 0
        for number, statement in enumerate(statements):
            executed = self._with_options(statement, arguments)
            how = "executemany" if self._is_many(statement, arguments) else name
            if many:
                with call.frame.arm("if", fork, str(number)):
                    call.frame.emit(Execute(call.site, session, executed, how))
            else:
                call.frame.emit(Execute(call.site, session, executed, how))
            results.append(self._result(executed, call.site, name))
        if not statements:
            self._linker.mark("unresolved statements", call.site)
            words = first.call.partition(":")[2] if isinstance(first, Expression) else ""
            call.frame.emit(SessionCall(call.site, session, "execute", words))
            return Opaque()
        return join(*results)

    def _result(self, statement: Statement, site: Target, name: str) -> Abstract:
        if name == "scalar":
            self._linker.mark("taken", site, OF_RESULT[name])
            return element(statement, site, scalars=True, many=False)
        scalars = EXECUTES[name]
        if name == "exec":
            scalars = len(statement.entities) <= 1
        return Result(statement, site, scalars=scalars)

    def _is_many(self, statement: Statement, arguments: Arguments) -> bool:
        """Whether rows are handed over beside the statement: an UPDATE with neither WHERE nor values is the ORM's
        bulk UPDATE by primary key."""
        rows = arguments.get(1, "params")
        if rows is None or (isinstance(rows, TupleOf) and rows.kind == "dict"):
            return False
        bare = not statement.where and not statement.assigned.items
        listed = any(isinstance(part, (CollectionOf, TupleOf)) for part in each(rows))
        return listed or (statement.kind != "select" and bare)

    def _with_options(self, statement: Statement, arguments: Arguments) -> Statement:
        rows = arguments.get(1, "params")
        if statement.kind == "insert" and rows is not None:
            statement = replace(statement, rows=rows)
        found, _ = pairs(arguments.keyword("execution_options") or Known(None))
        for key, value in found:
            if key == Known("synchronize_session"):
                statement = replace(statement, synchronize=value)
            if key == Known("populate_existing") and not is_false(value):
                statement = replace(statement, populate_existing=True)
        return statement

    def _get(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        model = arguments.get(0, "entity")
        if not isinstance(model, ModelRef):
            return Opaque()
        statement = self.by_key(call, model, arguments.get(1, "ident") or Opaque())
        options = arguments.keyword("options")
        if options is not None:
            extended = self._linker.extender.extend(statement, "options", Arguments((options,)), call.site)
            statement = extended if isinstance(extended, Statement) else statement
        statement = replace(
            statement,
            lock=self._mapping_lock(call, arguments.keyword("with_for_update")),
            populate_existing=arguments.flag("populate_existing"),
            spelling=call.first,
        )
        call.frame.emit(Execute(call.site, session, statement, "get"))
        return element(statement, call.site, scalars=True, many=False)

    def by_key(self, call: CallSite, model: ModelRef, key: Abstract) -> Statement:
        """The SELECT of one row by its primary key."""
        mapped = self._linker.declarations.mapped(model.qualname)
        names = mapped.primary_key if mapped else ()
        parts = key.items if isinstance(key, TupleOf) and key.kind == "tuple" else (key,) * len(names)
        if len(parts) != len(names):
            parts = (key,) * len(names)
        columns = zip(names, parts, strict=True)
        where = tuple(Condition((ColumnRef(model, name),), "==", part) for name, part in columns)
        steps = frozenset({call.site.slice})
        return Statement("select", call.site, model, (model,), where, steps=steps)

    def _mapping_lock(self, call: CallSite, value: Abstract | None) -> RowLock | None:
        if value is None or is_false(value):
            return None
        found, complete = pairs(value)
        if isinstance(value, Known):
            return row_lock(Arguments(), call.site, "mapping")
        keywords = tuple((str(k.value), v) for k, v in found if isinstance(k, Known))
        return row_lock(Arguments((), keywords, double_starred=not complete), call.site, "mapping")

    def _refresh(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        lock = self._mapping_lock(call, arguments.get(2, "with_for_update"))
        names = arguments.get(1, "attribute_names")
        for instance in each(arguments.positional[0]) if arguments.positional else ():
            if not isinstance(instance, Instance):
                call.frame.emit(SessionCall(call.site, session, "refresh"))
                continue
            mapped = self._linker.declarations.mapped(instance.model.qualname)
            key = mapped.primary_key[0] if mapped and mapped.primary_key else "id"
            statement = self.by_key(call, instance.model, AttributeOf(instance, key))
            partial = names is not None and not is_false(names)
            options = (LoaderOption("lazyload", (), everything=True),) if partial else ()
            spelling = instance.model.qualname.rpartition(".")[2]
            statement = replace(statement, lock=lock, options=options, populate_existing=True, spelling=spelling)
            call.frame.emit(Execute(call.site, session, statement, "refresh"))
        return Known(None)

    # --- objects ---------------------------------------------------------------------------------------------------

    def _merge(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        value = arguments.get(0, "instance") or Opaque()
        uses = uses_of(call.frame.function, call.number)
        call.frame.emit(Merge(call.site, session, value, call.first, uses))
        return value

    def _add(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        call.frame.emit(Add(call.site, session, arguments.positional[0] if arguments.positional else Opaque()))
        return Known(None)

    def _delete(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        value = arguments.positional[0] if arguments.positional else Opaque()
        call.frame.emit(Delete(call.site, session, value))
        return Known(None)

    def _run_sync(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        callee = arguments.positional[0] if arguments.positional else Opaque()
        if isinstance(callee, FunctionRef):
            inside = replace(session, is_async=False)
            rest = Arguments((inside, *arguments.positional[1:]), arguments.keywords)
            return self._linker.call_function(call.frame, callee, rest, call.site)
        self.handed(call.frame, Arguments((session,)), call.site, "run_sync")
        return Opaque()

    # --- legacy queries ----------------------------------------------------------------------------------------------

    def _query(self, call: CallSite, session: SessionRef, arguments: Arguments) -> Abstract:
        entities = columns_of(arguments.positional)
        return Statement(
            "select",
            call.site,
            first_model(entities),
            entities,
            spelling=model_name(call.first, entities),
            query=session,
            readable=not arguments.starred,
            steps=frozenset({call.site.slice}),
        )

    def query_method(self, call: CallSite, statement: Statement, name: str, arguments: Arguments) -> Abstract | None:
        """A method of a legacy query that executes it; None for one that only builds."""
        session = statement.query
        if session is None:
            return None
        if name in ("update", "delete"):
            return self._query_write(call, statement, name, arguments)
        if name in QUERY_GET:
            return self._query_get(call, statement, arguments)
        known = name in QUERY_ALL or name in QUERY_ONE or name in QUERY_SCALAR or name == "exists_now"
        if not known:
            return None
        call.frame.emit(Execute(call.site, session, statement, "query.count" if name == "count" else "query"))
        if name in OF_QUERY:
            self._linker.mark("taken", call.site, OF_QUERY[name])
        if name in QUERY_ALL:
            return selected(statement, call.site, scalars=False)
        if name == "count":
            return Opaque(Reached(FromOperation(call.site, many=False), "count", many=False))
        return element(statement, call.site, scalars=name == "scalar", many=False)

    def _query_get(self, call: CallSite, statement: Statement, arguments: Arguments) -> Abstract:
        if statement.model is None or statement.query is None:
            return Opaque()
        key = arguments.positional[0] if arguments.positional else Opaque()
        found = replace(statement, where=self.by_key(call, statement.model, key).where)
        call.frame.emit(Execute(call.site, statement.query, found, "query"))
        return element(found, call.site, scalars=True, many=False)

    def _query_write(self, call: CallSite, statement: Statement, name: str, arguments: Arguments) -> Abstract:
        kind: Literal["update", "delete"] = "update" if name == "update" else "delete"
        assigned = Assignments()
        if kind == "update":
            values = arguments.get(0, "values")
            assigned = self._linker.extender.assigned(assigned, Arguments((values,) if values else ()))
        written = replace(
            statement,
            kind=kind,
            site=call.site,
            assigned=assigned,
            synchronize=arguments.get(1 if kind == "update" else 0, "synchronize_session"),
            steps=statement.steps | {call.site.slice},
        )
        call.frame.emit(Execute(call.site, statement.query, written, f"query.{name}"))
        return Opaque()

    def walked(self, frame: Frame, value: Abstract) -> Abstract:
        """A legacy query that is walked over, or made a list, is executed where it was begun."""
        if isinstance(value, Statement) and value.query is not None:
            frame.emit(Execute(value.site, value.query, value, "query"))
            self._linker.mark("many", value.site)
            return selected(value, value.site, scalars=False)
        return value

    def iterated(self, frame: Frame, value: Abstract | None, loop: int) -> Abstract | None:
        """A loop over a legacy query executes it."""
        if isinstance(value, Statement) and value.query is not None:
            site = frame.target("loop", loop)
            frame.emit(Execute(site, value.query, value, "query"))
            return selected(value, site, scalars=False)
        return value


def joined(made: SessionRef, arguments: Arguments) -> SessionRef:
    """A new session, which joins the transaction of the caller's connection where it is bound to one."""
    bound = arguments.keyword("bind") or (arguments.positional[0] if arguments.positional else None)
    if isinstance(bound, SessionRef) and bound.owner == "given":
        return SessionRef(bound.origin, "given", made.is_async, joined=True)
    return made


def uses_of(function: facts.FunctionFacts, number: int) -> frozenset[str] | None:
    """The attributes read from a call's result; None where it is used in another way."""
    names: set[str] = set()
    for value in function.values:
        if isinstance(value, facts.Attr) and value.base == number:
            names.add(value.name)
        elif any(part == number for part in _direct(value)):
            return None
    return None if _stepped(function.body, number) else frozenset(names)


def _direct(value: facts.Value) -> tuple[int, ...]:
    return () if isinstance(value, facts.Attr) else operands(value)


def _stepped(block: facts.Block, number: int) -> bool:
    """Whether a step other than plain evaluation uses a value."""
    for step in block:
        if isinstance(step, (facts.Return, facts.Raise)) and step.value == number:
            return True
        if isinstance(step, facts.SetAttribute) and number in (step.base, step.value):
            return True
        if isinstance(step, facts.SetItem) and number in (step.base, step.value, step.index):
            return True
        if isinstance(step, (facts.If, facts.Assert)) and step.test == number:
            return True
        if any(_stepped(part, number) for part in blocks(step)):
            return True
    return False


def blocks(step: facts.Step) -> tuple[facts.Block, ...]:
    """The blocks inside a step."""
    if isinstance(step, (facts.If, facts.Loop)):
        return (step.body, step.orelse)
    if isinstance(step, facts.Try):
        return (step.body, *(handler.body for handler in step.handlers), step.orelse, step.final)
    return (step.body,) if isinstance(step, facts.With) else ()
