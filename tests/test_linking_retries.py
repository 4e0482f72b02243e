"""Retries: loops and decorators that run a piece of work again after a database error."""

from __future__ import annotations

from textwrap import indent

import pytest

from lockcheck.linking.retries import RetryDecorator
from tests.linked import Linked, link

IMPORTS = """
import itertools
import time
import backoff
import stamina
import tenacity
from oslo_db import api as oslo
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from tenacity import Retrying, retry, retry_if_exception, retry_if_exception_type, stop_after_attempt

MODULE_RETRY = retry(retry=retry_if_exception_type(OperationalError))
MODULE_OTHER = retry(retry=retry_if_exception_type(ValueError))

def attempts(count=3, **more):
    options = dict(retry=tenacity.retry_if_exception_type((DBAPIError,)), stop=tenacity.stop_after_attempt(count))
    return tenacity.Retrying(**options, **more)

def values_only():
    return Retrying(retry=retry_if_exception_type(ValueError))

def is_deadlock(error):
    return isinstance(error, OperationalError)

def is_number(error):
    return isinstance(error, ValueError)
"""

WORK = "session.execute(select(Job))"


def function(body: str) -> Linked:
    return link(f"{IMPORTS}\ndef f(session: Session):\n{indent(body, '    ')}\n")


def loops(project: Linked) -> list[tuple[str, bool]]:
    located = project.project.linker.functions["app.f"]
    return [(loop.name, loop.by_hand) for loop in project.project.retries.loops(located.facts)]


def over(attempts: str) -> Linked:
    return function(f"for attempt in {attempts}:\n    with attempt:\n        {WORK}")


# --- loops over attempts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "name"),
    [
        ("Retrying()", "Retrying"),
        ("tenacity.Retrying(stop=stop_after_attempt(3))", "tenacity.Retrying"),
        ("Retrying(retry=retry_if_exception_type(DBAPIError))", "Retrying"),
        ("Retrying(retry=retry_if_exception_type((ValueError, SQLAlchemyError)))", "Retrying"),
        ("Retrying(retry=retry_if_exception(is_deadlock))", "Retrying"),
        ("attempts()", "attempts"),
        ("attempts(5, reraise=True)", "attempts"),
        ("stamina.retry_context(on=OperationalError)", "stamina.retry_context"),
    ],
)
def test_attempts_after_a_database_error(attempts: str, name: str) -> None:
    assert loops(over(attempts)) == [(name, False)]


@pytest.mark.parametrize(
    "attempts",
    [
        "Retrying(retry=retry_if_exception_type(ValueError))",
        "Retrying(retry=retry_if_exception_type(IntegrityError))",
        "Retrying(retry=retry_if_exception(is_number))",
        "values_only()",
        "stamina.retry_context(on=ValueError)",
        "session.scalars(select(Job))",
        "[1, 2, 3]",
    ],
)
def test_no_attempts_after_a_database_error(attempts: str) -> None:
    assert loops(over(attempts)) == []


def test_attempts_that_are_not_entered() -> None:
    assert loops(function(f"for attempt in attempts():\n    {WORK}")) == []


def test_attempts_in_a_variable() -> None:
    body = f"tries = attempts()\nfor attempt in tries:\n    with attempt:\n        {WORK}"
    assert loops(function(body)) == [("attempts", False)]


# --- loops by hand ---------------------------------------------------------------------------------------

BY_HAND = [
    f"for _ in range(3):\n    try:\n        return {WORK}\n    except OperationalError:\n        time.sleep(1)",
    f"for _ in range(3):\n    try:\n        {WORK}\n        break\n    except Exception:\n        continue",
    f"for _ in itertools.count():\n    try:\n        {WORK}\n    except DBAPIError:\n        continue\n    break",
    f"while True:\n    try:\n        {WORK}\n    except:\n        time.sleep(1)\n    else:\n        return",
    f"while True:\n    try:\n        return {WORK}\n    except SQLAlchemyError:\n        if last():\n            raise",
]

NOT_BY_HAND = [
    f"for job in jobs():\n    try:\n        {WORK}\n        break\n    except OperationalError:\n        time.sleep(1)",
    f"for _ in range(3):\n    try:\n        {WORK}\n    except OperationalError:\n        time.sleep(1)",
    f"while True:\n    try:\n        {WORK}\n    except Exception:\n        time.sleep(1)",
    f"for _ in range(3):\n    try:\n        return {WORK}\n    except OperationalError:\n        raise",
    f"for _ in range(3):\n    try:\n        return {WORK}\n    except ValueError:\n        time.sleep(1)",
    f"for _ in range(3):\n    try:\n        return {WORK}\n    except IntegrityError:\n        time.sleep(1)",
]


@pytest.mark.parametrize("body", BY_HAND)
def test_loop_that_is_left_when_its_try_succeeds(body: str) -> None:
    assert loops(function(body)) == [("the loop", True)]


@pytest.mark.parametrize("body", NOT_BY_HAND)
def test_loop_over_work_or_other_errors(body: str) -> None:
    assert loops(function(body)) == []


def test_site_of_a_loop_is_known() -> None:
    project = function(BY_HAND[0])
    entered = [site for _, loop, _ in project.trace().loops() for site in [loop.site]]
    assert [project.project.retries.is_retry(site) for site in entered] == [True]


# --- decorators ------------------------------------------------------------------------------------------

OWN = """
def again(function):
    def wrapper(*args, **kwargs):
        for _ in range(3):
            try:
                return function(*args, **kwargs)
            except OperationalError:
                time.sleep(1)
    return wrapper

def again_after_rollback(*, times=3):
    def decorator(function):
        def wrapper(*args, **kwargs):
            session = kwargs["session"]
            for attempt in attempts(times):
                with attempt:
                    try:
                        return function(*args, **kwargs)
                    except DBAPIError:
                        session.rollback()
                        raise
        return wrapper
    return decorator

def logged(function):
    def wrapper(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except DBAPIError:
            time.sleep(1)
            raise
    return wrapper

def made_of_a_library(times):
    return tenacity.retry(retry=retry_if_exception_type(OperationalError), stop=stop_after_attempt(times))

def polled(function):
    def wrapper(*args, **kwargs):
        result = function(*args, **kwargs)
        for _ in range(3):
            try:
                return check(result)
            except OperationalError:
                time.sleep(1)
    return wrapper
"""


def decorated(*decorators: str) -> RetryDecorator | None:
    lines = "\n".join(f"@{decorator}" for decorator in decorators)
    project = link(f"{IMPORTS}\n{OWN}\n{lines}\ndef f(session: Session):\n    {WORK}\n")
    return project.project.retries.decorator(project.project.linker.functions["app.f"].facts)


@pytest.mark.parametrize(
    ("decorator", "name"),
    [
        ("retry", "retry"),
        ("retry()", "retry"),
        ("tenacity.retry(stop=stop_after_attempt(3))", "tenacity.retry"),
        ("retry(retry=retry_if_exception_type(OperationalError))", "retry"),
        ("backoff.on_exception(backoff.expo, DBAPIError, max_tries=3)", "backoff.on_exception"),
        ("backoff.on_exception(backoff.expo, (ValueError, OperationalError))", "backoff.on_exception"),
        ("stamina.retry(on=OperationalError)", "stamina.retry"),
        ("oslo.wrap_db_retry(max_retries=5, retry_on_deadlock=True)", "oslo.wrap_db_retry"),
        ("again", "again"),
        ("made_of_a_library(3)", "made_of_a_library"),
        ("MODULE_RETRY", "MODULE_RETRY"),
    ],
)
def test_decorator_that_does_not_roll_back(decorator: str, name: str) -> None:
    assert decorated(decorator) == RetryDecorator(name, 0, rolls_back=False)


def test_decorator_that_rolls_back() -> None:
    assert decorated("again_after_rollback(times=5)") == RetryDecorator("again_after_rollback", 0, rolls_back=True)


def test_place_among_decorators() -> None:
    assert decorated("logged", "again") == RetryDecorator("again", 1, rolls_back=False)


@pytest.mark.parametrize(
    "decorator",
    [
        "retry(retry=retry_if_exception_type(ValueError))",
        "backoff.on_exception(backoff.expo, ValueError)",
        "backoff.on_predicate(backoff.expo)",
        "MODULE_OTHER",
        "logged",
        "polled",
        "staticmethod",
    ],
)
def test_no_decorator_that_tries_again(decorator: str) -> None:
    assert decorated(decorator) is None
