"""`python -m lockcheck` and the `lockcheck` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its status."""
    from lockcheck.cache import replay  # noqa: PLC0415 - ahead of all else: most runs change nothing

    arguments = sys.argv[1:]
    status = replay.attempt(arguments)
    sys.exit(_run(arguments) if status is None else status)


def _run(arguments: list[str]) -> int:
    gc.disable()  # a run is short and makes few cycles: collecting costs more than it frees
    sys.setrecursionlimit(5_000)  # long sums and chains of calls are deep trees
    from lockcheck.cache import recording  # noqa: PLC0415 - a run that is printed again needs none of it

    recorded = recording.begin(arguments)
    from lockcheck import cli  # noqa: PLC0415 - only now that collecting is off

    gc.freeze()
    status = cli.run(arguments)
    recorded.finish(status)
    return status


if __name__ == "__main__":
    main()
