"""`policycheck` and `python -m policycheck`."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from policycheck.version import __version__


def main() -> int:
    """Run the command line; the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Asked thousands of times by wrappers and editors: answered before anything is imported.
        sys.stdout.write(f"policycheck {__version__}\n")
        return 0
    # The process is ours, and short. Records are many and hold no cycles: looking for some every 700 objects would be a tenth of a long run. What a check
    # imports and makes is some 130,000 objects, which stay: looking at them even once is a tenth of a short one.
    gc.set_threshold(200_000)
    # The interpreter looks for cycles once more as it ends, where the operating system frees everything anyway.
    atexit.register(gc.freeze)
    # What other packages plug into pydantic has no business in policies, and asking every installed package whether it has such a thing takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from policycheck.cli.app import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        # Interrupted before the command line could say so itself.
        return 130


if __name__ == "__main__":
    sys.exit(main())
