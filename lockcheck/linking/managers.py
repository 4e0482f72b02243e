"""Objects of the project's own classes that a `with` enters: their `__enter__` gives what is bound, and `__exit__` runs
behind the block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.declarations.model import Name
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.values import Abstract, FunctionRef, Known, ObjectRef

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame
    from lockcheck.plans import Target

ENTER = ("__enter__", "__aenter__")
EXIT = ("__exit__", "__aexit__")
NO_ERROR = Arguments((Known(None),) * 3)
"""What `__exit__` gets where the block has raised nothing."""


def entered(frame: Frame, manager: Abstract, site: Target) -> Abstract:
    """What `with manager as ..` binds."""
    method = _method(frame, manager, ENTER)
    if method is None:
        return manager
    if method.qualname in frame.linker.functions:
        return frame.linker.call_function(frame, method, Arguments(), site)
    return _of_result(frame, manager, method)


def left(frame: Frame, manager: Abstract, site: Target) -> None:
    """Run what the block's end runs."""
    method = _method(frame, manager, EXIT)
    if method is not None:
        frame.linker.call_function(frame, method, NO_ERROR, site)


def _method(frame: Frame, manager: Abstract, names: tuple[str, str]) -> FunctionRef | None:
    if not isinstance(manager, ObjectRef):
        return None
    found = (frame.linker.names.class_attribute(manager.qualname, name) for name in names)
    return next((ref.on(manager) for ref in found if isinstance(ref, FunctionRef)), None)


def _of_result(frame: Frame, manager: Abstract, method: FunctionRef) -> Abstract:
    """What a method that only returns gives: the object itself or, of `return self.name`, an attribute of it."""
    declared = frame.linker.declarations.function(method.qualname)
    result = declared.result if declared is not None else None
    _, _, attribute = result.dotted.partition(".") if isinstance(result, Name) else ("", "", "")
    return frame.attribute(manager, attribute, lambda: None) if attribute.isidentifier() else manager
