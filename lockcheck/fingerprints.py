"""Fingerprints: what stays the same about a finding when its file is edited elsewhere, moved or re-indented."""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

# Frames in which a fragment parses that is no whole statement: a compound statement's header, a handler, an expression.
_FRAMES = (
    "{}",
    "{}\n pass",
    "try:\n pass\n{}",
    "try:\n pass\n{}\n pass",
    "if 0:\n pass\n{}",
    "if 0:\n pass\n{}\n pass",
    "({})",
)


def fingerprint(code: str, module_symbol: str, normalised_source: str, counter: int) -> str:
    """Sixteen hex digits. `module_symbol` is the function's name with its module; `counter` numbers, from 0, the
    findings that agree in all else, in the order of their places."""
    text = "\0".join((code, module_symbol, normalised_source, str(counter)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def numbered(findings: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """The fingerprints of (code, module symbol, normalised source of the statement), in the order of their places."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for code, symbol, source in findings:
        key = (code, unlined(symbol), source)
        yield fingerprint(*key, seen[key])
        seen[key] += 1


def unlined(symbol: str) -> str:
    """A function's name without the line that tells it from others of its name."""
    return re.sub(r"#\d+", "", symbol)


@lru_cache(maxsize=4_096)
def normalise(source: str) -> str:
    """A spelling of a statement's source in which layout, comments, quotes, redundant parentheses and trailing commas
    do not show; the same on every Python."""
    stripped = source.strip()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
        spelled = next(filter(None, (_parsed(frame.format(stripped)) for frame in _FRAMES)), None)
    return spelled or re.sub(r"\s+", " ", stripped)


def _parsed(source: str) -> str | None:
    try:
        return _spelled(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _spelled(node: ast.AST) -> str:
    """Fields that are empty are left out: later Pythons add such fields."""
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({_text_parts(node.values)})"
    fields = (
        f"{name}={_value(value)}"
        for name, value in ast.iter_fields(node)
        if name not in {"ctx", "kind", "type_comment"} and value not in (None, [])
    )
    return f"{type(node).__name__}({','.join(fields)})"


def _text_parts(parts: list[ast.expr]) -> str:
    """The parts of an f-string; some Pythons leave adjacent literals apart."""
    text = ""
    spelled = []
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        spelled += [repr(text), _spelled(part)]
        text = ""
    return ",".join([*spelled, repr(text)])


def _value(value: object) -> str:
    if isinstance(value, ast.AST):
        return _spelled(value)
    if isinstance(value, list):
        return f"[{','.join(map(_value, value))}]"
    return repr(value)
