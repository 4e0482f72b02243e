"""What goes wrong outside of lockcheck's own runs."""

from __future__ import annotations


class EcosystemError(Exception):
    """Told to the user as it is; the exit status is 2."""
