"""Two sessions merge one new key."""

from __future__ import annotations

from tests.errors import DUPLICATE
from tests.interleaving import Until
from tests.proofs.scenario import Act, Hazard, Scenario, on


def revoke(expires: int) -> Act:
    return lambda module, session: module.revoke(session, "x", expires)


SCENARIOS = (
    Scenario(
        code="LCK301",
        function="revoke",
        hazard=Hazard("IntegrityError", lambda seen: DUPLICATE in seen.outcome.failed.values()),
        rows=lambda _: [],
        acts={"one": revoke(1), "other": revoke(2)},
        script=(Until("one", "^INSERT"), Until("other", "^INSERT")),
        shown_on=on("postgresql"),
    ),
)
