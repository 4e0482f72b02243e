"""Which findings are the same ones in two states of a project."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lockcheck.assembly import lines_of, source_at
from lockcheck.findings import Finding
from lockcheck.fingerprints import normalise, unlined

Key = tuple[str, str, str, str]
"""Code, path, symbol and the statement without its layout: a fingerprint that does not depend on the module's name."""
Kind = tuple[str, str, str]
"""Code, path, symbol."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A finding with what it is recognised by. `symbol` is empty for findings about comments. `subject` is what it says
    of its own side, `wording` all that it says, both without the numbers of lines."""

    finding: Finding
    code: str
    path: str
    symbol: str
    statement: str
    subject: str
    wording: str

    @property
    def key(self) -> Key:
        return self.code, self.path, self.symbol, self.statement

    @property
    def kind(self) -> Kind:
        return self.code, self.path, self.symbol


@dataclass(frozen=True)
class State:
    """The findings of a project and its sources, by the paths that the findings' keys have."""

    items: tuple[Marked, ...]
    texts: Mapping[str, str]
    _functions: dict[str, frozenset[str]] = field(default_factory=dict)

    def has(self, path: str, symbol: str) -> bool:
        """Whether a file has this function, or the function around a lambda."""
        if path not in self._functions:
            self._functions[path] = frozenset(_functions(self.texts[path])) if path in self.texts else frozenset()
        return symbol.partition(".<locals>.<lambda")[0] in self._functions[path]


def state(findings: Iterable[Finding], texts: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> State:
    """The findings with their keys. `texts` are the sources by path; `renamed` leads to the paths to use in keys."""
    paths = renamed or {}
    items = []
    for finding in findings:
        path = finding.place.path
        statement = _statement(finding, texts.get(path, ""))
        said = (
            finding.message.partition("; no fix: ")[0],
            *(f"{item.place.path} {item.message}" for item in finding.related),
        )
        subject = _unnumbered(finding.message.partition(";")[0])
        wording = _unnumbered("\n".join(said))
        symbol = unlined(finding.symbol)
        items.append(Marked(finding, finding.code, paths.get(path, path), symbol, statement, subject, wording))
    return State(tuple(items), {paths.get(path, path): text for path, text in texts.items()})


def unmatched(today: State, then: State) -> tuple[list[Marked], list[Marked]]:
    """The findings of each state that the other one does not have.

    The same findings are, in this order: those of one key, where there are several first those that say the same; those
    that say the same of the rows in one function, when its statement was rewritten; and those of one statement in a
    function that was renamed or moved. Each counts once.
    """
    ours, theirs = list(today.items), list(then.items)
    ours, theirs = _left(ours, theirs, lambda item: (item.key, item.wording))
    ours, theirs = _left(ours, theirs, lambda item: item.key)
    for match in (_rewritten, _moved):
        ours, theirs = match(ours, theirs, today, then)
    return ours, theirs


def _rewritten(ours: list[Marked], theirs: list[Marked], *_: State) -> tuple[list[Marked], list[Marked]]:
    some, others = [item for item in ours if item.symbol], [item for item in theirs if item.symbol]
    new, gone = _left(some, others, lambda item: (item.kind, item.subject))
    return _less(ours, some, new), _less(theirs, others, gone)


def _moved(ours: list[Marked], theirs: list[Marked], today: State, then: State) -> tuple[list[Marked], list[Marked]]:
    came = [item for item in ours if item.symbol and not then.has(item.path, item.symbol)]
    went = [item for item in theirs if item.symbol and not today.has(item.path, item.symbol)]
    new, gone = _left(came, went, lambda item: (item.code, item.statement, item.subject))
    return _less(ours, came, new), _less(theirs, went, gone)


def _left(
    ours: list[Marked], theirs: list[Marked], by: Callable[[Marked], Hashable]
) -> tuple[list[Marked], list[Marked]]:
    """What is left on both sides when equals are taken out in pairs, those that come first."""
    pool: dict[Hashable, list[Marked]] = {}
    for item in theirs:
        pool.setdefault(by(item), []).append(item)
    paired: set[int] = set()
    rest = []
    for item in ours:
        if pool.get(by(item)):
            paired.add(id(pool[by(item)].pop(0)))
        else:
            rest.append(item)
    return rest, [item for item in theirs if id(item) not in paired]


def _less(items: list[Marked], some: list[Marked], kept: list[Marked]) -> list[Marked]:
    """The items without those of `some` that are not `kept`."""
    gone = {id(item) for item in some} - {id(item) for item in kept}
    return [item for item in items if id(item) not in gone]


def _statement(finding: Finding, text: str) -> str:
    source = source_at(finding.place, lines_of(text))
    return source.strip() if source.lstrip().startswith("#") else normalise(source)


def _unnumbered(text: str) -> str:
    return re.sub(r":?\d+", "", text)


def _functions(text: str) -> Iterator[str]:
    """The functions of a file as findings name them, and the bodies of the module and its classes."""
    yield "<body>"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
            yield from _within(ast.parse(text), "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def _within(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield prefix + child.name
            yield from _within(child, f"{prefix}{child.name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}.<body>"
            yield from _within(child, f"{prefix}{child.name}.")
        else:
            yield from _within(child, prefix)
