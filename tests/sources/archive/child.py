"""A fetch in a process of its own, to be killed: `python -m tests.sources.archive.child ARCHIVE URL NOW` says when it begins and when it is done."""

from __future__ import annotations

import sys
from datetime import datetime

from policycheck.sources.archive.fetching import fetch_into
from policycheck.sources.archive.tables import Archive
from policycheck.sources.connection import Connection
from tests.sources.loopback import REGION


def main(folder: str, url: str, now: str) -> None:
    print("begins", flush=True)
    fetch_into(Archive(folder), Connection(regions=(REGION,), endpoint_url=url), ("backup_jobs",), now=lambda: datetime.fromisoformat(now))
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
