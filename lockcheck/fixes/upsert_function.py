"""The private function that fixes write into a module: an upsert of what is set on an object."""

from __future__ import annotations

import ast

from lockcheck.fixes.imports import Imports
from lockcheck.fixes.names import tree_of, unused
from lockcheck.fixes.slices import Change, Slice

_FAMILY = {"postgresql": "postgresql", "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql"}

_HEAD = '''\
{define} {name}(session: {session}, instance: object) -> None:
    """Write what is set on `instance` to its row, inserted where it is missing, as a merge would."""
    {wait}session.flush()
    state = {inspect}(instance)
    table = state.mapper.local_table
    given = {{
        column: state.dict[attribute.key]
        for attribute in state.mapper.column_attrs
        for column in attribute.columns
        if attribute.key in state.dict and column.table is table
    }}
    values = {{
        column: value
        for column, value in given.items()
        if value is not None
        or column.type.should_evaluate_none
        or (column.default is None and column.server_default is None)
    }}
'''

_CHANGES = """\
    changes = {{
        column.key: new[column.key] if column in values else None for column in given if not column.primary_key
    }}
    for column in table.columns if changes else ():
        if column.onupdate is not None and column not in given:
            value = column.onupdate.arg
            changes[column.key] = value(None) if column.onupdate.is_callable else value
"""

_CONFLICT = """\
    key = list(table.primary_key)
    if changes:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
"""

_DUPLICATE = """\
    unchanged = {{column.key: new[column.key] for column in table.primary_key}}
    statement = statement.on_duplicate_key_update(changes or unchanged)
"""

_TAIL = """\
    {wait}session.execute(statement)
    loaded = session.identity_map.get(state.mapper.identity_key_from_instance(instance))
    if loaded is not None:
        {wait}session.refresh(loaded)
"""


def families(dialects: tuple[str, ...]) -> list[str]:
    """The insert constructs that dialects take; all of them where none is known."""
    return list(dict.fromkeys(_FAMILY[name] for name in dialects or tuple(_FAMILY)))


def required_function(
    part: Slice, dialects: list[str], imports: Imports, line: int, *, is_async: bool
) -> tuple[str, list[Change]]:
    """The function's name, and the change that adds it where the module does not have it."""
    tree = tree_of(part.text)
    wanted = "_upsert_async" if is_async else "_upsert"
    pieces = _spelled(dialects, imports, is_async=is_async)
    present = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    for node in (node for node in present if node.name.startswith(wanted)):
        if ast.dump(ast.parse(pieces.format(name=node.name)).body[0]) == ast.dump(node):
            return node.name, []
    name = unused(wanted, imports.taken())
    at = _place(part, tree, line)
    return name, [Change(at, at, f"{pieces.format(name=name)}\n\n")]


def _place(part: Slice, tree: ast.Module, line: int) -> int:
    """Ahead of the module's first function or class, with the comments above it, or of the statement that calls."""
    found = line
    for node in tree.body:
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (node.end_lineno or 0) >= line:
            found = first
            break
    starts = part.lines.starts
    while found > 1 and part.text.startswith("#", starts[found - 2]):
        found -= 1
    return starts[found - 1]


def _spelled(dialects: list[str], imports: Imports, *, is_async: bool) -> str:
    """The function's text; only its name is left open."""
    source = f"{_HEAD}{_statement(dialects, imports)}{_CHANGES}{_conflict(dialects)}{_TAIL}"
    session = ("sqlalchemy.ext.asyncio", "AsyncSession") if is_async else ("sqlalchemy.orm", "Session")
    text = source.format(
        define="async def" if is_async else "def",
        wait="await " if is_async else "",
        name="\0",
        session=imports.name(*session),
        inspect=imports.name("sqlalchemy", "inspect"),
    )
    return text.replace("{", "{{").replace("}", "}}").replace("\0", "{name}")


def _statement(dialects: list[str], imports: Imports) -> str:
    modules = {name: imports.name("sqlalchemy.dialects", name) for name in dialects}
    new = {name: "inserted" if name == "mysql" else "excluded" for name in dialects}
    if len(dialects) == 1:
        (name,) = dialects
        return f"    statement = {modules[name]}.insert(table).values(values)\n    new = statement.{new[name]}\n"
    lines = [
        "    dialect = session.get_bind(state.mapper).dialect.name",
        f"    statement: {imports.name('typing', 'Any')}",
    ]
    for number, name in enumerate(dialects):
        test = 'dialect in {{"mysql", "mariadb"}}' if name == "mysql" else f'dialect == "{name}"'
        word = f"if {test}" if number == 0 else "else" if number == len(dialects) - 1 else f"elif {test}"
        lines += [f"    {word}:", f"        statement = {modules[name]}.insert(table).values(values)"]
    if "mysql" in dialects:
        lines.append('    new = statement.inserted if dialect in {{"mysql", "mariadb"}} else statement.excluded')
    else:
        lines.append("    new = statement.excluded")
    return "\n".join([*lines, ""])


def _conflict(dialects: list[str]) -> str:
    if dialects == ["mysql"]:
        return _DUPLICATE
    if "mysql" not in dialects:
        return _CONFLICT
    indented = _CONFLICT.replace("    if changes", "    elif changes").replace(
        "    key = list(table.primary_key)\n", ""
    )
    first, rest = _DUPLICATE.splitlines()
    return (
        "    key = list(table.primary_key)\n"
        '    if dialect in {{"mysql", "mariadb"}}:\n'
        f"    {first}\n    {rest}\n{indented}"
    )
