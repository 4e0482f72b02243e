"""Values that nothing changes once they are made."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  # what the type checker sees
else:

    def dataclass(*, frozen: bool, slots: bool, **options: Any) -> Any:
        """`dataclasses.dataclass`, for values that are made by the hundred thousand: that nobody assigns to a frozen
        one is for the type checker alone to see. One of three fields is made in a third of the time."""
        hashed = frozen and options.get("eq", True)
        return dataclasses.dataclass(slots=slots, unsafe_hash=hashed, **options)
