"""Fetches one list of jobs into an archive, in a process of its own: `python benchmarks/archiving.py URL [ARCHIVE]`.

The archive is a new one; or a copy of `ARCHIVE`, to which the list is added. It is gone afterwards.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path


def fetch(url: str, folder: Path) -> None:
    """Fetch the list of backup jobs of an endpoint into an archive."""
    from policycheck.sources.archive.fetching import fetch_into
    from policycheck.sources.archive.tables import Archive
    from policycheck.sources.connection import Connection

    fetch_into(Archive(str(folder)), Connection(regions=("eu-west-1",), endpoint_url=url), ("backup_jobs",))


def main(arguments: list[str]) -> int:
    """Fetch, as the arguments say."""
    url, *given = arguments
    with tempfile.TemporaryDirectory(prefix="policycheck-archive-") as made:
        folder = Path(made) / "archive"
        if given:
            shutil.copytree(given[0], folder)
        fetch(url, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
