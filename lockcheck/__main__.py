"""`python -m lockcheck` and the `lockcheck` command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its status."""
    gc.disable()  # a run is short and makes few cycles: collecting costs more than it frees
    sys.setrecursionlimit(5_000)  # long sums and chains of calls are deep trees
    from lockcheck import cli  # noqa: PLC0415 - only now that collecting is off

    gc.freeze()
    sys.exit(cli.run(sys.argv[1:]))


if __name__ == "__main__":
    main()
