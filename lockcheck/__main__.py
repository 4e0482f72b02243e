"""`python -m lockcheck` and the `lockcheck` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and leave with its status."""
    from lockcheck.cache import replay  # noqa: PLC0415 - ahead of all else: most runs change nothing

    _check_surroundings()
    arguments = sys.argv[1:]
    status = replay.attempt(arguments)
    sys.exit(_run(arguments) if status is None else status)


def _check_surroundings() -> None:
    """Go on without streams that the caller has closed, not without a folder."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib costs time
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above
    try:
        os.getcwd()  # noqa: PTH109 - as above
    except OSError as error:
        sys.stderr.write(f"error: the working folder cannot be used: {error.strerror}\n")
        sys.exit(2)


def _run(arguments: list[str]) -> int:
    gc.disable()  # a run is short and makes few cycles: collecting costs more than it frees
    sys.setrecursionlimit(5_000)  # long sums and chains of calls are deep trees
    from lockcheck.cache import recording  # noqa: PLC0415 - a run that is printed again needs none of it

    recorded = recording.begin(arguments)
    from lockcheck import cli  # noqa: PLC0415 - only now that collecting is off

    gc.freeze()
    status = cli.run(arguments)
    recorded.finish(status)
    gc.freeze()  # Python collects when it ends, also where that is off: half a second for what a large project holds
    return status


if __name__ == "__main__":
    main()
