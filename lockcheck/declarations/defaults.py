"""How a column's value comes when none is given."""

from __future__ import annotations

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.drafts import Default
from lockcheck.declarations.model import Assignment, CallOf, Collection, Deferred, Expression, Literal_, Name
from lockcheck.declarations.sets import Missing

GENERATORS = ("Sequence", "Identity", "Computed", "FetchedValue")
_SQL_CONSTANTS = frozenset({"false", "true", "null", "literal", "cast"})


class Defaults:
    """Tells defaults that are the same for every row from those that are not."""

    def __init__(self, constructs: Constructs) -> None:
        self._constructs = constructs

    def kind(self, value: Expression, scope: Scope) -> Default:
        """What a `default=` or `server_default=` gives."""
        if isinstance(value, Literal_):
            return "none" if value.value is None else "constant"
        if isinstance(value, CallOf):
            return self._made_default(value, scope)
        found = self._constructs.constants.evaluate(value, scope)
        if not isinstance(found, (Missing, Collection)):
            return "none" if found is None else "constant"
        if isinstance(value, Name):
            return self._named_default(self._constructs.resolved(value, scope), scope)
        return "generated" if isinstance(value, Deferred) else "constant"

    def _named_default(self, qualname: str, scope: Scope) -> Default:
        """A function or class is called for each row; a variable holds a value, unless a function was put in it."""
        owner, _, last = qualname.rpartition(".")
        found = self._constructs.names.attribute(owner, last)
        variable = found[1] if found is not None else self._constructs.names.assignment(qualname)
        if isinstance(variable, Assignment) and isinstance(variable.value, CallOf):
            made = self._constructs.resolved(variable.value.function, scope)
            return "generated" if made == "functools.partial" else "constant"
        return "constant" if last.isupper() else "generated"

    def _made_default(self, value: CallOf, scope: Scope) -> Default:
        """A call: SQL that the database evaluates differs from row to row, a value that Python has made does not."""
        made = self._constructs.construct(value, scope)
        if made.kind in ("text", "literal_column", "TextClause", "DefaultClause"):
            text = self._constructs.text(made.call.args[0], made.scope) if made.call.args else None
            return "generated" if text is None or "(" in text or text.upper().startswith("CURRENT_") else "constant"
        if made.kind in GENERATORS:
            return "generated"
        qualname = self._constructs.resolved(value.function, scope)
        ancestry = self._constructs.names.mro(qualname) or (qualname,)
        if any(base.startswith("sqlalchemy.") for base in ancestry):
            return "constant" if made.kind in _SQL_CONSTANTS else "generated"
        return "constant"
