"""How many examples hypothesis tries: few and always the same ones, unless HYPOTHESIS_PROFILE=dev asks for more."""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

from lockcheck.linked import RECURSION_LIMIT

MORE = 25
"""How many times as many examples the profile `dev` tries, other ones in each run."""


def load() -> None:
    """Make the profiles known and take the one that the environment names."""
    sys.setrecursionlimit(RECURSION_LIMIT)  # a run raises it for good, which hypothesis must not see happen
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=slow)
    settings.register_profile("dev", derandomize=False, deadline=None, suppress_health_check=slow, print_blob=True)
    settings.load_profile(_wanted())


def examples(number: int) -> int:
    """The number of examples of a test in the profile of this run."""
    return number * MORE if _wanted() == "dev" else number


def every(step: int) -> int:
    """One of how many files a test takes in the profile of this run: all of them in `dev`."""
    return 1 if _wanted() == "dev" else step


def _wanted() -> str:
    return os.environ.get("HYPOTHESIS_PROFILE", "ci")
