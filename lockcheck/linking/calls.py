"""What calling something gives: SQLAlchemy's functions, builtins, project functions, methods of all that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lockcheck import facts
from lockcheck.immutable import replace
from lockcheck.linking import clauses
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.events import Construct, SessionCall
from lockcheck.linking.modelqueries import ModelQueries
from lockcheck.linking.names import FACTORIES, SESSIONS, is_sqlalchemy, last
from lockcheck.linking.origins import FRESH, is_fresh
from lockcheck.linking.results import (
    ALL,
    DUMPS,
    FIELDS,
    UNORDERED,
    VIEWS,
    container_method,
    copied,
    in_step,
    mapped,
    result_method,
    view,
    walked,
)
from lockcheck.linking.sessions import EXECUTES, PLAIN, CallSite, joined
from lockcheck.linking.singles import OF_RESULT
from lockcheck.linking.statements import columns_of, combined, first_model, model_name
from lockcheck.linking.substitution import CALLED
from lockcheck.linking.values import (
    UNKNOWN,
    Abstract,
    Alternatives,
    Assignments,
    AttributeOf,
    Built,
    ClassRef,
    CollectionOf,
    ColumnRef,
    ConstantSet,
    Exists,
    Expression,
    External,
    FunctionRef,
    Instance,
    Known,
    LoaderOption,
    ModelRef,
    ObjectRef,
    Opaque,
    OpaqueClause,
    RelationRef,
    Result,
    Savepoint,
    SessionFactory,
    SessionRef,
    Somewhere,
    Statement,
    SubqueryColumn,
    TupleOf,
    each,
    join,
)

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame
    from lockcheck.linking.linker import Linker

LOADERS = frozenset(
    {
        "joinedload", "subqueryload", "selectinload", "lazyload", "noload", "raiseload", "contains_eager",
        "immediateload", "defaultload", "load_only", "defer", "undefer", "undefer_group", "with_loader_criteria",
        "with_expression",
        "joinedload_all", "subqueryload_all", "eagerload", "Load", "selectin_polymorphic", "with_polymorphic_options",
    }
)  # fmt: skip
SESSION_METHODS = frozenset(
    {*EXECUTES, *PLAIN, "get", "refresh", "merge", "add", "add_all", "delete", "query", "begin_nested"}
)
EXPRESSION_METHODS = clauses.METHODS


class Calls:
    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._queries = ModelQueries(linker)
        self._constructs: dict[str, Callable[[CallSite, Arguments], Abstract]] = {
            "select": self._select,
            "update": lambda call, args: self._write(call, args, "update"),
            "delete": lambda call, args: self._write(call, args, "delete"),
            "insert": lambda call, args: self._write(call, args, "insert"),
            "and_": lambda _c, args: clauses.both(args.positional, complete=args.complete),
            "or_": lambda _c, args: clauses.either(args.positional, complete=args.complete, many=args.spread),
            "not_": lambda _c, args: clauses.negated(args.positional[0]) if args.positional else OpaqueClause(),
            "tuple_": lambda _c, args: TupleOf(columns_of(args.positional), "tuple"),
            "aliased": self._aliased,
            "exists": self._exists,
            "union": self._union,
            "union_all": self._union,
            "intersect": self._union,
            "except_": self._union,
            "desc": lambda _c, args: Expression(_columns(args), "desc"),
            "asc": lambda _c, args: args.positional[0] if args.positional else Opaque(),
            "null": lambda _c, _a: Known(None),
            "true": lambda _c, _a: Known(value=True),
            "false": lambda _c, _a: Known(value=False),
            "cast": lambda _c, args: Expression(_columns(args), "cast"),
            "col": lambda _c, args: args.positional[0] if args.positional else Opaque(),
            "text": lambda _c, args: Expression((), f"text:{getattr(_first(args), 'value', '')}"),
        }
        self._methods: dict[type, Callable[[CallSite, Any, str, Arguments], Abstract]] = {
            Statement: self._statement_method,
            ModelRef: self._model_method,
            SessionRef: linker.sessions.method,
            SessionFactory: self._factory_method,
            ColumnRef: lambda call, base, name, args: clauses.column_method(base, name, args, call.site) or Opaque(),
            RelationRef: self._relation_method,
            Result: self._result_method,
            LoaderOption: lambda _c, base, name, args: _chained(base, name, args),
            Savepoint: lambda call, base, name, _a: self._savepoint_method(call, base, name),
            **dict.fromkeys((*clauses.CLAUSES, Expression), lambda _c, base, name, _a: self._sql_method(base, name)),
            **dict.fromkeys(
                (CollectionOf, TupleOf, ConstantSet),
                lambda _c, base, name, args: container_method(base, name, args.positional),
            ),
        }
        self._builtins: dict[str, Callable[[CallSite, Arguments], Abstract]] = {
            "sorted": self._sorted,
            "getattr": self._getattr,
            "type": self._type,
            "cast": lambda _c, args: args.positional[-1] if args.positional else Opaque(),
            "enumerate": lambda _c, args: in_step(_first(args), TupleOf((Opaque(), walked(_first(args))), "tuple")),
            "zip": lambda _c, args: in_step(_first(args), TupleOf(tuple(walked(v) for v in args.positional), "tuple")),
            "next": lambda _c, args: walked(_first(args)),
            "max": lambda _c, args: walked(_first(args)),
            "min": lambda _c, args: walked(_first(args)),
            "filter": lambda _c, args: _filtered(args.positional[-1]) if args.positional else Opaque(),
            "chain": lambda _c, args: CollectionOf(join(*(walked(v) for v in args.positional))),
            "islice": lambda _c, args: _first(args),
            "batched": lambda _c, args: _sliced(_first(args)),
            "chunked": lambda _c, args: _sliced(_first(args)),
            "attrgetter": lambda _c, args: Expression((), f"attrgetter:{getattr(_first(args), 'value', '')}"),
            "asdict": lambda _c, _a: FIELDS,
            "dict": self._dict,
            "OrderedDict": self._dict,
            "defaultdict": lambda _c, _a: TupleOf((), "dict"),
        }

    def evaluate(self, frame: Frame, fact: facts.Call, number: int) -> Abstract:
        """Run one call: first what it is called on, then its arguments, then itself."""
        function = frame.function.values[fact.func]
        site = frame.target("call", fact.site)
        first = fact.args[0].value if fact.args else None
        if not isinstance(function, facts.Attr):
            callee = frame.value(fact.func)
            arguments = frame.arguments(fact)
            call = CallSite(frame, site, number, fact.func, first)
            return _told(callee, arguments, self._called(call, callee, arguments))
        base = frame.value(function.base)
        arguments = frame.arguments(fact)
        call = CallSite(frame, site, number, function.base, first)
        if function.name == "sort" and isinstance(base, (CollectionOf, TupleOf, Opaque)):
            whole = Arguments((base, *arguments.positional), arguments.keywords)
            frame.sorted_in_place(function.base, self._sorted(call, whole))
            return Known(None)
        inner = CallSite(frame, site, number, fact.func, first)
        if not isinstance(base, Alternatives):
            return _told(base, arguments, self._method(call, base, function.name, arguments, inner))
        found = [self._method(call, part, function.name, arguments, inner) for part in _callable(base)]
        return _told(base, arguments, join(*found))

    def _called(self, call: CallSite, callee: Abstract, arguments: Arguments) -> Abstract:
        """`callee(arguments)`, where the callee may be one of several."""
        if not isinstance(callee, Alternatives):
            return self.call(call, callee, arguments)
        return join(*[self.call(call, part, arguments) for part in _callable(callee)])

    def call(self, call: CallSite, callee: Abstract, arguments: Arguments) -> Abstract:
        """`callee(arguments)`."""
        if isinstance(callee, FunctionRef):
            return self._linker.call_function(call.frame, callee, arguments, call.site)
        if isinstance(callee, ModelRef):
            return self._built(call, callee, arguments)
        if isinstance(callee, External):
            return self._external(call, callee, arguments)
        if isinstance(callee, SessionFactory):
            owner = "shared" if callee.shared else "own"
            origin = callee.origin if callee.shared else Somewhere(call.frame.place(call.number))
            made = SessionRef(origin, owner, callee.is_async)  # type: ignore[arg-type]  # one of two literals
            return joined(made, arguments)
        self._linker.sessions.handed(call.frame, arguments, call.site, call.base or "?")
        if isinstance(callee, ClassRef):
            enum = self._linker.declarations.enum(callee.qualname)
            given = self._linker.attributes.sessions_given(callee.qualname, arguments)
            return Opaque() if enum else ObjectRef(callee.qualname, Built(call.site), given)
        self._linker.mark("unresolved calls", call.site)
        return Opaque()

    def _built(self, call: CallSite, model: ModelRef, arguments: Arguments) -> Abstract:
        mapped = self._linker.declarations.mapped(model.qualname)
        plain = mapped is not None and mapped.own_init is None and arguments.complete and not arguments.positional
        call.frame.emit(Construct(call.site, model))
        return Instance(model, Built(call.site), arguments.keywords, all_given=plain)

    # --- methods -------------------------------------------------------------------------------------------------

    def _method(self, call: CallSite, base: Abstract, name: str, arguments: Arguments, inner: CallSite) -> Abstract:
        if isinstance(base, TupleOf) and name in clauses.METHODS and base.items:
            return self._tuple_method(call, base, name, arguments)
        method = self._methods.get(type(base))
        if method is not None:
            return method(call, base, name, arguments)
        begun = self._queries.begun(call, base)
        if begun is not None:
            return self._statement_method(call, begun, name, arguments)
        return self._attribute_call(call, base, name, arguments, inner)

    def _statement_method(self, call: CallSite, base: Statement, name: str, arguments: Arguments) -> Abstract:
        executed = self._linker.sessions.query_method(call, base, name, arguments)
        return executed if executed is not None else self._linker.extender.extend(base, name, arguments, call.site)

    def _model_method(self, call: CallSite, base: ModelRef, name: str, arguments: Arguments) -> Abstract:
        mapped = self._linker.declarations.mapped(base.qualname)
        if mapped is not None and (mapped.is_table or base.core) and name in ("select", "update", "delete", "insert"):
            table = call._replace(handed=call.on)
            whole = Arguments((base, *arguments.positional), arguments.keywords)
            return self._select(table, whole) if name == "select" else self._write(table, whole, name)
        return self._attribute_call(call, base, name, arguments, call._replace(member=name))

    def _relation_method(self, _call: CallSite, base: RelationRef, name: str, _arguments: Arguments) -> Abstract:
        if name in ("any", "has"):
            return Exists()
        return base if name in ("of_type", "and_") else OpaqueClause()

    def _result_method(self, _call: CallSite, base: Result, name: str, _arguments: Arguments) -> Abstract:
        if name in ALL:
            self._linker.mark("many", base.site)
        elif name in OF_RESULT:
            self._linker.mark("taken", base.site, OF_RESULT[name])
        return result_method(base, name) or Opaque()

    def _attribute_call(
        self, call: CallSite, base: Abstract, name: str, arguments: Arguments, inner: CallSite
    ) -> Abstract:
        found = call.frame.attribute(base, name, lambda: inner.base)
        ducked = self._linker.sessions.duck(call, base, name, arguments) if not isinstance(found, FunctionRef) else None
        if ducked is not None:
            return ducked
        if isinstance(found, AttributeOf) and name in DUMPS:
            return FIELDS
        if isinstance(found, AttributeOf) and isinstance(base, (AttributeOf, Opaque)) and name in VIEWS:
            return view(base, name)
        return self._called(inner, found, arguments)

    def _factory_method(self, call: CallSite, base: SessionFactory, name: str, arguments: Arguments) -> Abstract:
        if name == "begin":
            made = self.call(call, base, Arguments())
            return Savepoint(made, nested=False) if isinstance(made, SessionRef) else made
        session = SessionRef(base.origin, "shared" if base.shared else "own", base.is_async)
        if name in SESSION_METHODS:
            return self._linker.sessions.method(call, session, name, arguments)
        return Opaque()

    def _sql_method(self, base: Abstract, name: str) -> Abstract:
        if name in ("label", "self_group", "asc", "nulls_last", "nulls_first"):
            return base
        if isinstance(base, Expression):
            return OpaqueClause() if name in EXPRESSION_METHODS else Expression(base.columns, base.call or name)
        return OpaqueClause()

    def _savepoint_method(self, call: CallSite, base: Savepoint, name: str) -> Abstract:
        if name in ("commit", "rollback"):
            method = f"savepoint.{name}" if base.nested else name
            call.frame.emit(SessionCall(call.site, base.session, method))
        return Opaque()

    def _tuple_method(self, call: CallSite, base: TupleOf, name: str, arguments: Arguments) -> Abstract:
        columns = tuple(item for item in base.items if isinstance(item, ColumnRef))
        if len(columns) != len(base.items):
            return OpaqueClause() if any(isinstance(i, (ColumnRef, Expression)) for i in base.items) else Opaque()
        operand = arguments.positional[0] if arguments.positional else Opaque()
        return clauses.condition(columns, clauses.METHODS[name], operand, call.site)

    # --- SQLAlchemy --------------------------------------------------------------------------------------------------

    def _external(self, call: CallSite, callee: External, arguments: Arguments) -> Abstract:
        name = last(callee.qualname)
        if not is_sqlalchemy(callee.qualname):
            return self._builtin(call, callee, name, arguments)
        if ".func." in f"{callee.qualname}." or callee.qualname.startswith("sqlalchemy.func"):
            return Expression(_columns(arguments), name)
        construct = self._constructs.get(name)
        if construct is not None:
            made = construct(call, arguments)
            return _on_sqlite(made) if ".sqlite." in callee.qualname else made
        if name in LOADERS:
            return _option(name, arguments)
        if name in FACTORIES:
            return SessionFactory(Somewhere(call.frame.place(call.number)), FACTORIES[name], name.startswith("async_"))
        if name in SESSIONS:
            made = SessionRef(Somewhere(call.frame.place(call.number)), "own", SESSIONS[name])
            return joined(made, arguments)
        self._linker.sessions.handed(call.frame, arguments, call.site, name)
        return Expression(_columns(arguments), name)

    def _select(self, call: CallSite, arguments: Arguments) -> Abstract:
        entities = columns_of(arguments.positional)
        inner = entities[0].statement if entities and isinstance(entities[0], SubqueryColumn) else None
        if inner is not None and all(isinstance(e, SubqueryColumn) and e.statement == inner for e in entities):
            return inner
        return Statement(
            "select",
            call.site,
            first_model(entities),
            entities,
            spelling=model_name(call.first, entities),
            readable=not arguments.starred or bool(entities),
            steps=frozenset({call.site.slice}),
        )

    def _write(self, call: CallSite, arguments: Arguments, kind: str) -> Abstract:
        model = arguments.get(0, "table")
        steps = frozenset({call.site.slice})
        found = list(each(model)) if model is not None else []
        made = [
            Statement(
                kind,  # type: ignore[arg-type]  # one of three literals, by the table of constructs
                call.site,
                part if isinstance(part, ModelRef) else None,
                assigned=Assignments(),
                spelling=call.first,
                readable=isinstance(part, ModelRef),
                steps=steps,
            )
            for part in found
        ]
        return join(*made) if made else Opaque()

    def _aliased(self, call: CallSite, arguments: Arguments) -> Abstract:
        model = arguments.positional[0] if arguments.positional else Opaque()
        return ModelRef(model.qualname, call.site) if isinstance(model, ModelRef) else Opaque()

    def _exists(self, call: CallSite, arguments: Arguments) -> Abstract:
        first = arguments.positional[0] if arguments.positional else None
        if isinstance(first, Statement):
            return Exists(first)
        made = self._select(call, arguments)
        return made if isinstance(made, Statement) else Exists()

    def _union(self, _: CallSite, arguments: Arguments) -> Abstract:
        first = next((part for part in arguments.positional if isinstance(part, Statement)), None)
        return combined(first) if first is not None else Opaque()

    # --- Python ------------------------------------------------------------------------------------------------------

    def _builtin(self, call: CallSite, callee: External, name: str, arguments: Arguments) -> Abstract:
        if name in ("list", "tuple", "set", "frozenset", "iter", "reversed", "deque", "copy"):
            walked_over = self._linker.sessions.walked(call.frame, _first(arguments))
            if not arguments.positional:
                return TupleOf((), "set" if name in UNORDERED else "list")
            return copied(name, walked_over)
        known = self._builtins.get(name)
        if known is not None:
            return known(call, arguments)
        self._linker.sessions.handed(call.frame, arguments, call.site, callee.qualname)
        kept = name in ("str", "int") and is_fresh(_first(arguments))
        return FRESH if kept or name.startswith(("uuid", "ulid", "token_")) else Opaque()

    def _sorted(self, call: CallSite, arguments: Arguments) -> Abstract:
        element = walked(_first(arguments))
        if arguments.flag("reverse"):
            return CollectionOf(element, "-")
        key = arguments.keyword("key")
        if key is None:
            return CollectionOf(element, "")
        if isinstance(key, Expression) and key.call.startswith("attrgetter:"):
            return CollectionOf(element, key.call.partition(":")[2])
        if isinstance(key, FunctionRef):
            outcome = self._linker.call_function(call.frame, key, Arguments((element,)), call.site)
            if isinstance(outcome, AttributeOf):
                return CollectionOf(element, outcome.name)
        return CollectionOf(element, "?")

    def _getattr(self, _: CallSite, arguments: Arguments) -> Abstract:
        base = _first(arguments)
        name = arguments.positional[1] if len(arguments.positional) > 1 else None
        if isinstance(name, Known) and isinstance(name.value, str):
            return join(*(self._linker.attribute(part, str(name.value)) for part in each(base)))
        return Opaque()

    def _type(self, _: CallSite, arguments: Arguments) -> Abstract:
        return join(*(part.model if isinstance(part, Instance) else Opaque() for part in each(_first(arguments))))

    def _dict(self, _: CallSite, arguments: Arguments) -> Abstract:
        if arguments.positional or arguments.double_starred:
            first = _first(arguments)
            return first if isinstance(first, TupleOf) else mapped(first) if arguments.positional else Opaque()
        keys = tuple(Known(key) for key, _ in arguments.keywords)
        return TupleOf(tuple(value for _, value in arguments.keywords), "dict", keys)


def _told(base: Abstract, arguments: Arguments, found: Abstract) -> Abstract:
    """What a call gave of which no more is known: where nothing was handed to it, that."""
    if not isinstance(found, Opaque) or found != UNKNOWN or not arguments.complete or arguments.spread:
        return found
    given = (*arguments.positional, *(value for _, value in arguments.keywords))
    alone = isinstance(base, (External, FunctionRef, ClassRef)) or base == CALLED
    own = isinstance(base, FunctionRef) and (base.receiver is not None or base.closure)
    return CALLED if alone and not own and all(isinstance(value, Known) for value in given) else found


def _callable(value: Alternatives) -> tuple[Abstract, ...]:
    """What may be called: `None` is not."""
    parts = tuple(part for part in value.values if not (isinstance(part, Known) and part.value is None))
    return parts or value.values


def _on_sqlite(made: Abstract) -> Abstract:
    """What a construct of `sqlalchemy.dialects.sqlite` gives."""
    return join(*(replace(part, on_sqlite=True) if isinstance(part, Statement) else part for part in each(made)))


def _first(arguments: Arguments) -> Abstract:
    return arguments.positional[0] if arguments.positional else Opaque()


def _filtered(value: Abstract) -> Abstract:
    return in_step(value, walked(value))


def _sliced(value: Abstract) -> Abstract:
    part = in_step(value, walked(value))
    return in_step(value, part)


def _columns(arguments: Arguments) -> tuple[ColumnRef, ...]:
    found: list[ColumnRef] = []
    for value in arguments.positional:
        if isinstance(value, ColumnRef):
            found.append(value)
        elif isinstance(value, Expression):
            found.extend(value.columns)
    return tuple(found)


def _option(name: str, arguments: Arguments) -> Abstract:
    path = tuple(part for part in arguments.positional if isinstance(part, RelationRef))
    everything = any(isinstance(part, Known) and part.value == "*" for part in arguments.positional)
    readable = path or everything or name in ("load_only", "defer", "undefer", "with_loader_criteria", "Load")
    style = {"eagerload": "joinedload", "joinedload_all": "joinedload"}.get(name, name)
    return (
        LoaderOption(style, path, everything, arguments.flag("innerjoin")) if readable else LoaderOption("opaque", ())
    )


def _chained(base: LoaderOption, name: str, arguments: Arguments) -> Abstract:
    if name not in LOADERS:
        return base
    path = tuple(part for part in arguments.positional if isinstance(part, RelationRef))
    if base.style in ("Load", "defaultload"):
        made = _option(name, arguments)
        return replace(made, path=base.path + path) if isinstance(made, LoaderOption) else base
    if base.style == "joinedload" and name == "joinedload":
        return replace(base, path=base.path + path)
    made = _option(name, arguments)
    return (
        replace(base, also=(*base.also, made))
        if base.style == "joinedload" and isinstance(made, LoaderOption)
        else base
    )
