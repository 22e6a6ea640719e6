"""`policycheck` and `python -m policycheck`."""

from __future__ import annotations

import sys

from policycheck import __version__


def main() -> int:
    """Run the command line; the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Asked thousands of times by wrappers and editors: answered before anything is imported.
        sys.stdout.write(f"policycheck {__version__}\n")
        return 0
    try:
        from policycheck.cli.app import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        # Interrupted before the command line could say so itself.
        return 130


if __name__ == "__main__":
    sys.exit(main())
