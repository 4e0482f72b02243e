"""What settings say of the database, in the words that linking and rules use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.linking.project import Policy
from lockcheck.linking.states import Allowed, Transitions

if TYPE_CHECKING:
    from lockcheck.settings import Settings, StateColumn, Transition


def policy_of(settings: Settings) -> Policy:
    upsert = settings.upsert_helper
    return Policy(
        dialects=settings.dialects,
        contended=frozenset(settings.contended),
        not_contended=frozenset(settings.not_contended),
        keys=dict(settings.keys),
        states={table: _transitions(column) for table, column in settings.states.items()},
        ordered_form=settings.ordered_form,
        ordered_helper=settings.ordered_update_helper,
        upsert_import=upsert.import_ if upsert else None,
        upsert_call=upsert.call if upsert else None,
        retryable_exception=settings.retryable_exception,
    )


def _transitions(column: StateColumn) -> Transitions:
    return Transitions(column.column or "state", {state: _allowed(t) for state, t in column.transitions.items()})


def _allowed(transition: Transition) -> Allowed:
    """NULL stands among the allowed states where it may be written, among the forbidden ones where it may not."""
    forbidden = transition.forbidden is not None
    states: tuple[str | None, ...] = (
        transition.forbidden if transition.forbidden is not None else transition.allowed or ()
    )
    if transition.null != forbidden:
        states = (*states, None)
    return Allowed(states, forbidden)
