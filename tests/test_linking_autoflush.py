"""Whether a project's sessions flush ahead of each query."""

from __future__ import annotations

import pytest

from tests.linked import link


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def f(session: Session):\n    session.get(Job, 1)", True),
        ("Factory = sessionmaker()", True),
        ("Factory = sessionmaker(autoflush=True)", True),
        ("Factory = sessionmaker(autoflush=given)", True),
        ("Factory = sessionmaker(autoflush=False)", False),
        ("Factory = scoped_session(sessionmaker(autoflush=False))", False),
        (
            (
                "from functools import partial\ndef f(session: Session):\n"
                "    session.get(Job, 1)\n    partial(sessionmaker, autoflush=False)"
            ),
            False,
        ),
        ("One = sessionmaker(autoflush=False)\nTwo = sessionmaker()", True),
        ("from other_library import sessionmaker\nFactory = sessionmaker(autoflush=False)", True),
    ],
)
def test_autoflush(body: str, expected: bool) -> None:
    assert link(body).project.autoflush is expected
