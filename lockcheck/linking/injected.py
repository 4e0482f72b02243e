"""Arguments that a framework fills in with what another function returns: `user: User = Depends(current_user)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.names import SESSION_NAMES
from lockcheck.linking.spelling import spelled
from lockcheck.linking.values import Given, Origin, SessionRef

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame


def of_another_session(frame: Frame, origin: Origin) -> bool:
    """Whether an object is what a framework gets from a provider that is handed no session, and so has its own."""
    provider = _provider(frame, origin.name) if isinstance(origin, Given) else None
    declarations = frame.linker.declarations
    declared = declarations.function(declarations.resolve(frame.module, provider)) if provider is not None else None
    sessions = {name for name, value in frame.parameters.items() if isinstance(value, SessionRef)}
    return declared is not None and not (SESSION_NAMES | sessions) & set(declared.parameters)


def _provider(frame: Frame, name: str) -> str | None:
    """The function that a parameter's default names as the only argument of a call."""
    values = frame.function.values
    parameter = next((p for p in frame.function.parameters if p.name == name), None)
    default = values[parameter.default] if parameter is not None and parameter.default is not None else None
    if not isinstance(default, facts.Call) or len(default.args) != 1:
        return None
    return spelled(values, default.args[0].value)
