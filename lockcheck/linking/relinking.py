"""Links again what a change of some functions reaches, where all that is declared is as before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lockcheck.linking.linker import context_of
from lockcheck.naming import unique_names

if TYPE_CHECKING:
    from lockcheck import facts
    from lockcheck.declarations.model import FunctionDeclaration
    from lockcheck.linking.linker import Linker
    from lockcheck.linking.outcomes import Outcome
    from lockcheck.linking.recall import Question


def relink(
    linker: Linker, modules: Sequence[facts.ModuleFacts], bodies: Sequence[FunctionDeclaration]
) -> set[Question] | None:
    """Give a linker other facts for some files, and declarations of functions that have other bodies. The inputs of
    answers that are not what they were; None where linking from the start could come out otherwise: the linker is of no
    use then."""
    before = linker.settled
    changed = {name for module in modules for name in _changed(linker.modules.get(module.path), module)}
    changed |= {name for body in bodies for name in _names(linker, body)}
    touched = linker.evaluations.touched(changed)
    if touched is None or not linker.declarations.take(bodies) or not linker.evaluations.forget(touched, context_of):
        return None
    ordered = len(linker.evaluations.ordered)
    linker.replace(modules)
    after = linker.settled
    if len(linker.evaluations.ordered) != ordered:
        return None
    roots = {linker.root_key(name): name for name in (*linker.functions, *changed)}
    traces = {roots[key] for key in touched if key in roots} | changed
    return {
        *(("facts", name) for name in changed),
        *(("trace", name) for name in traces),
        *(("lines", module.path) for module in modules),
        *_outcomes(before, after),
    }


def _changed(before: facts.ModuleFacts | None, after: facts.ModuleFacts) -> Iterator[str]:
    """The functions of a file that do something else, are new or gone."""
    one = {function.qualname: function._replace(sites=0) for function in (before.functions if before else ())}
    other = {function.qualname: function._replace(sites=0) for function in after.functions}
    yield from (name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _names(linker: Linker, function: FunctionDeclaration) -> list[str]:
    """The names that a function may go by: where several have its name, each has a number."""
    declared = linker.declarations.class_(function.owner) if function.owner else None
    alike = [method for method in (declared.methods if declared else ()) if method.name == function.name]
    return unique_names(function.qualname for _ in alike or [function])


def _outcomes(before: Outcome, after: Outcome) -> Iterator[Question]:
    """What was found out of constructs, or of functions, and is not the same."""
    for site in before.many ^ after.many:
        yield ("many", site.path, site.slice)
    for kind, one, other in (
        ("taken", before.taken, after.taken),
        ("opened", before.opened, after.opened),
        ("callee", before.callees, after.callees),
    ):
        for site in _different(one, other):
            yield (kind, site.path, site.slice)
    for name in _different(before.callers, after.callers):
        yield ("callers", name)
    if before.callers != after.callers:
        yield ("callers",)


def _different(one: Mapping[Any, object], other: Mapping[Any, object]) -> Iterable[Any]:
    return (key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
