"""Every function of a file read, linked and checked, whatever it deals with: as deep as a run can go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lockcheck.assembly import Assembly
from lockcheck.checks import all_checks
from lockcheck.declarations.model import ModuleDeclarations
from lockcheck.declarations.project import Declarations
from lockcheck.declarations.read import read_module
from lockcheck.drafts import fingerprinted
from lockcheck.findings import Finding, Problem
from lockcheck.linking.linker import Linker
from lockcheck.linking.lockgraph import lock_graph
from lockcheck.linking.project import Policy, Project
from lockcheck.reading.gather import read_behaviour


def examined(texts: Mapping[str, str]) -> tuple[tuple[Finding, ...], tuple[Problem, ...]]:
    """The findings of all rules in these modules, by name, and what could not be read; raises what read_module does."""
    paths = {name: f"{name.replace('.', '/')}.py" for name in texts}
    declared = [_all_chosen(read_module(text, name, paths[name], is_package=False)) for name, text in texts.items()]
    read = [read_behaviour(texts[module.module], module) for module in declared]
    linker = Linker(Declarations.build(declared), [facts for facts, _ in read])
    project = Project(linker, Policy())
    assembly = Assembly({facts.path: facts for facts, _ in read}, {paths[name]: text for name, text in texts.items()})
    drafts = [
        assembly.mended(assembly.draft(code, hazard), hazard)
        for code, rule in all_checks().items()
        for hazard in rule(project)
    ]
    lock_graph(project)
    return fingerprinted(drafts), tuple(problem for _, problems in read for problem in problems)


def _all_chosen(module: ModuleDeclarations) -> ModuleDeclarations:
    functions = {key: replace(item, touches_database=True) for key, item in module.functions.items()}
    classes = {
        key: replace(item, methods=tuple(replace(method, touches_database=True) for method in item.methods))
        for key, item in module.classes.items()
    }
    return replace(module, functions=functions, classes=classes, body_touches_database=True)
