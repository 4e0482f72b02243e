"""Text in a SARIF log: characters that UTF-8 has, messages without links that nobody meant."""

from __future__ import annotations

import re
from typing import Any

_LINK = re.compile(r"\[(?=[^\]]*\]\()")


def well_formed(value: Any) -> Any:
    """A JSON value whose strings are Unicode text: what is half of a surrogate pair becomes U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: well_formed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    return value


def message(text: str) -> str:
    """A message with its square brackets told from those of a link (SARIF 2.1.0, 3.11.6)."""
    return _LINK.sub(r"\\[", text)


def label(text: str) -> str:
    """What a link shows: it holds no square brackets of its own."""
    return re.sub(r"[\[\]\\]", r"\\\g<0>", text)
