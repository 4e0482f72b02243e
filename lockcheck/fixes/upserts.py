"""`session.merge()` of a new object as INSERT ... ON CONFLICT."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.arguments import keyword
from lockcheck.fixes.import_statements import WIDTH
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import call_code, moved
from lockcheck.fixes.names import unused
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.fixes.upsert_function import families, required_function
from lockcheck.plans import Upsert

_ALIASES = {"postgresql": "pg_insert", "sqlite": "sqlite_insert", "mysql": "mysql_insert"}
_PLAIN = (cst.Name, cst.SimpleString, cst.Integer, cst.Float)


@dataclass(frozen=True, slots=True)
class _Merge:
    """A call of `merge`: the session as it reads, the object, the call with its `await`, and what its result is bound
    to."""

    call: cst.Call
    value: cst.BaseExpression
    session: str
    instance: cst.BaseExpression
    variable: str | None

    @property
    def awaited(self) -> str:
        return "await " if self.value is not self.call else ""


def upsert(part: Slice, plan: Upsert, imports: Imports) -> list[Change]:
    """One dialect and a literal: its insert. Several: the project's helper. Else a function written into the module."""
    merge = _merge_of(part, plan)
    literal = _literal(merge, plan)
    dialects = families(plan.dialects)
    if len(dialects) == 1 and literal is not None and merge.variable is None and _is_simple(plan, literal):
        return _insert(part, plan, merge, literal, imports)
    if len(dialects) > 1 and plan.helper_call and merge.variable is None:
        return _helper(part, plan, merge, literal, imports)
    return _function(part, plan, merge)


def _merge_of(part: Slice, plan: Upsert) -> _Merge:
    call = part.call(plan.merge)
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "merge":
        raise Refused("the construct is no call of merge()")
    if len(call.args) != 1 or call.args[0].star or call.args[0].keyword not in (None, keyword(call, "instance")):
        raise Refused("merge() is called with options")
    parent = part.parent(call)
    value: cst.BaseExpression = parent if isinstance(parent, cst.Await) else call
    outer = part.parent(value)
    target = outer.targets[0].target if isinstance(outer, cst.Assign) and len(outer.targets) == 1 else None
    if not isinstance(outer, cst.Expr) and not isinstance(target, cst.Name):
        raise Refused("the object that merge() returns is used")
    variable = target.value if isinstance(target, cst.Name) else None
    return _Merge(call, value, part.code(call.func.value), call.args[0].value, variable)


def _literal(merge: _Merge, plan: Upsert) -> dict[str, cst.Arg] | None:
    """The attributes of a new object that is written into the call."""
    if plan.given is None or not isinstance(merge.instance, cst.Call):
        return None
    found = {arg.keyword.value: arg for arg in merge.instance.args if arg.keyword is not None}
    return found if len(found) == len(merge.instance.args) and set(plan.key) <= set(found) else None


def _is_simple(plan: Upsert, literal: dict[str, cst.Arg]) -> bool:
    """Whether the insert needs no look at the columns, for their onupdate values or a default in place of None."""
    changed = set(literal) - set(plan.key)
    if changed and set(plan.onupdate) - set(literal):
        return False
    return all(_is_value(literal[name].value) for name in plan.defaults if name in literal)


def _is_value(value: cst.BaseExpression) -> bool:
    """Whether an expression is a constant other than None."""
    named = isinstance(value, cst.Name) and value.value in {"True", "False"}
    return named or isinstance(value, (cst.SimpleString, cst.Integer, cst.Float))


def _is_plain(value: cst.BaseExpression) -> bool:
    """Whether an expression can be evaluated twice."""
    while isinstance(value, cst.Attribute):
        value = value.value
    return isinstance(value, _PLAIN)


# --- one dialect ----------------------------------------------------------------------------------------------


def _insert(part: Slice, plan: Upsert, merge: _Merge, literal: dict[str, cst.Arg], imports: Imports) -> list[Change]:
    line = part.statement(merge.call)
    start = part.body_start(line)
    indent = part.indent_at(start)
    code = _Insert(part, plan, merge, literal, imports, indent).lines()
    span = part.span(merge.value)
    lost = [f"{indent}{comment}" for comment in part.comments(span) if not any(comment in item for item in code)]
    return [Change(*span, "\n".join([*lost, *code]).removeprefix(indent))]


@dataclass
class _Insert:
    """The lines of `session.execute(insert(Model).values(..).on_conflict_do_update(..))`."""

    part: Slice
    plan: Upsert
    merge: _Merge
    literal: dict[str, cst.Arg]
    imports: Imports
    indent: str

    def lines(self) -> list[str]:
        (dialect,) = families(self.plan.dialects)
        insert = self.imports.name(f"sqlalchemy.dialects.{dialect}", "insert", _ALIASES[dialect])
        assert isinstance(self.merge.instance, cst.Call)  # noqa: S101  a literal is a call
        model = self.part.code(self.merge.instance.func)
        head = f"{insert}({model})"
        execute = f"{self.merge.awaited}{self.merge.session}.execute("
        flush = [f"{self.indent}{self.merge.awaited}{self.merge.session}.flush()"] if self.plan.flush else []
        changed = [name for name in self.literal if name not in self.plan.key]
        if all(_is_plain(self.literal[name].value) for name in changed):
            return [*flush, *self._at_once(head, execute, dialect, model, changed)]
        statement = unused("statement", self.imports.taken())
        values = self._values(self.indent)
        first = f"{self.indent}{statement} = {head}{values}"
        conflict = self._conflict(
            dialect, model, self._excluded(dialect, statement, changed), self.indent + self.part.unit
        )
        return [
            *flush,
            first,
            f"{self.indent}{execute}",
            f"{self.indent}{self.part.unit}{statement}{conflict}",
            f"{self.indent})",
        ]

    def _at_once(self, head: str, execute: str, dialect: str, model: str, changed: list[str]) -> list[str]:
        deep = self.indent + self.part.unit
        pairs = [(self._column(name), self.part.code(self.literal[name].value)) for name in changed]
        conflict = self._conflict(dialect, model, pairs, deep)
        links = [self._values(deep), conflict]
        if "\n" not in "".join(links):
            return [call_code(head, links, self.indent, self.part.unit, prefix=execute, suffix=")")]
        return [f"{self.indent}{execute}", f"{deep}{head}", *(f"{deep}{link}" for link in links), f"{self.indent})"]

    def _column(self, attribute: str) -> str:
        return dict(self.plan.columns).get(attribute, attribute)

    def _excluded(self, dialect: str, statement: str, changed: list[str]) -> list[tuple[str, str]]:
        new = f"{statement}.{'inserted' if dialect == 'mysql' else 'excluded'}"
        return [(self._column(name), f"{new}.{self._column(name)}") for name in changed]

    def _values(self, indent: str) -> str:
        """`.values(..)` with the arguments as they are written."""
        part, instance = self.part, self.merge.instance
        opened = part.span(getattr(instance, "func"))[1]  # noqa: B009  a literal is a call
        span = (part.text.index("(", opened), part.inner(instance)[1])
        code = f".values{moved(part, span, indent)}"
        if "\n" in code or len(indent) + len(code) <= WIDTH:
            return code
        items = "".join(f"{indent}{part.unit}{part.code(arg).rstrip(', ')},\n" for arg in self.literal.values())
        return f".values(\n{items}{indent})"

    def _conflict(self, dialect: str, model: str, pairs: list[tuple[str, str]], indent: str) -> str:
        """What is done where the key is there; `pairs` are the columns that change, and their values."""
        deep = indent + self.part.unit
        if dialect == "mysql":
            key = [(self._column(name), f"{model}.{name}") for name in self.plan.key[:1]]  # changes nothing
            items = "".join(f"{deep}{name}={value},\n" for name, value in pairs or key)
            return f".on_duplicate_key_update(\n{items}{indent})"
        elements = f"index_elements=[{', '.join(f'{model}.{name}' for name in self.plan.key)}]"
        if not pairs:
            return f".on_conflict_do_nothing({elements})"
        changed = f"set_={_dict(pairs)}"
        if len(deep) + len(changed) >= WIDTH:
            items = "".join(f'{deep}{self.part.unit}"{name}": {value},\n' for name, value in pairs)
            changed = f"set_={{\n{items}{deep}}}"
        return f".on_conflict_do_update(\n{deep}{elements},\n{deep}{changed},\n{indent})"


def _dict(pairs: list[tuple[str, str]]) -> str:
    """A dict display with strings as keys."""
    return "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"


# --- several dialects -----------------------------------------------------------------------------------------


def _helper(
    part: Slice, plan: Upsert, merge: _Merge, literal: dict[str, cst.Arg] | None, imports: Imports
) -> list[Change]:
    """The call that the project has set for upserts."""
    indent = part.indent_at(part.body_start(part.statement(merge.call)))
    above, values = "", ""
    if literal is not None:
        values = _dict([(name, part.code(arg.value)) for name, arg in literal.items()])
    else:
        instance = part.code(merge.instance)
        if not isinstance(merge.instance, cst.Name):
            name = unused("instance", imports.taken())
            above, instance = f"{name} = {instance}\n{indent}", name
        inspect = imports.name("sqlalchemy", "inspect")
        chosen = f"if name in {inspect}({plan.model}).column_attrs"
        values = f"{{name: value for name, value in {inspect}({instance}).dict.items() {chosen}}}"
    key = f"[{', '.join(f'{plan.model}.{name}' for name in plan.key)}]"
    call = (plan.helper_call or "").format(session=merge.session, model=plan.model, values=values, key=key)
    module, _, name = (plan.helper_import or "").partition(":")
    if name and call.startswith(f"{name}("):
        call = f"{imports.name(module, name)}{call.removeprefix(name)}"
    return [Change(*part.span(merge.value), f"{above}{merge.awaited}{call}")]


def _function(part: Slice, plan: Upsert, merge: _Merge) -> list[Change]:
    """A call of the module's own function, which is added where the module does not have it yet."""
    imports = Imports(part, 0)
    line = part.lines.position(part.span(merge.call)[0])[0]
    name, added = required_function(part, families(plan.dialects), imports, line, is_async=bool(merge.awaited))
    if merge.variable is None:
        return [*added, *imports.changes(), *_called(part, merge, name)]
    indent = part.indent_at(part.body_start(part.statement(merge.call)))
    call = f"{part.code(merge.instance)}\n{indent}{merge.awaited}{name}({merge.session}, {merge.variable})"
    return [*added, *imports.changes(), Change(*part.span(merge.value), call)]


def _called(part: Slice, merge: _Merge, name: str) -> list[Change]:
    """The call of the function in place of `merge`; an object that stands on lines of its own stays there."""
    (start, end), (first, last) = part.span(merge.value), part.span(merge.instance)
    before, behind = part.text[start:first].rpartition("(")[2], part.text[last:end]
    if "\n" not in before or before.strip() or "".join(behind.split()) not in (")", ",)"):
        return [Change(start, end, f"{merge.awaited}{name}({merge.session}, {part.code(merge.instance)})")]
    opened = Change(start, first, f"{merge.awaited}{name}({before}{merge.session},{before}")
    return [opened] if behind.lstrip().startswith(",") else [opened, Change(last, last, ",")]
