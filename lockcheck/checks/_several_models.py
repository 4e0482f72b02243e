"""Statements that stand for several models: `update(model)` in a helper, `cls.query` in a base class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lockcheck.declarations.model import MappedClass
from lockcheck.linking.events import Execute
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Trace
from lockcheck.linking.values import ModelRef, Statement
from lockcheck.plans import Target

DIFFER = "the statement stands for several models, whose keys have different names"


def keys_differ(project: Project, statement: Statement, mapped: MappedClass) -> bool:
    """Whether the primary key of a statement's model goes by another name in some model that it stands for."""
    return any(other.primary_key != mapped.primary_key for other in _models(project, statement))


def lack(project: Project, statement: Statement, attribute: str) -> bool:
    """Whether some model that a statement stands for has no such column."""
    return any(other.column(attribute) is None for other in _models(project, statement))


def _models(project: Project, statement: Statement) -> Iterator[MappedClass]:
    """All that a statement stands for where it is executed, in any run."""
    found = (project.locks.mapped(model) for model in project.ask(_by_site).get(statement.site, ()))
    return (mapped for mapped in found if mapped is not None)


def _by_site(project: Project) -> Mapping[Target, frozenset[ModelRef]]:
    found: dict[Target, set[ModelRef]] = {}
    for site, model in project.in_runs(_of_run, holding=(Execute,)):
        found.setdefault(site, set()).add(model)
    return {site: frozenset(models) for site, models in found.items()}


def _of_run(_: Project, trace: Trace) -> Iterator[tuple[Target, ModelRef]]:
    statements = (execute.statement for _, execute in trace.of(Execute))
    return ((statement.site, statement.model) for statement in statements if statement.model is not None)
