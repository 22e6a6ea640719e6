"""Fetches one list of jobs from an endpoint, in a process of its own: `python benchmarks/fetching.py ours|paginator URL JOBS [REGION ...]`.

*ours* is policycheck's own fetch, raw pages kept where there is one Region; *paginator* is boto3's `get_paginator("list_backup_jobs")`, each page's list
counted. Both ask for 1,000 jobs a page.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime


def fetch_ours(url: str, regions: Sequence[str]) -> int:
    """How many jobs policycheck's source fetches."""
    from policycheck.sources.aws import fetch_jobs
    from policycheck.sources.connection import Connection
    from policycheck.sources.plan import FetchPlan

    now = datetime.now(UTC)
    connection = Connection(regions=tuple(regions) or ("eu-west-1",), endpoint_url=url)
    evidence = fetch_jobs(connection, FetchPlan(("backup_jobs",)), as_of=now, keep_pages=len(regions) < 2)
    if evidence.pages is not None:
        evidence.pages.close()
    return len(evidence.lists["backup_jobs"])


def fetch_plainly(url: str) -> int:
    """How many jobs boto3's paginator yields."""
    import boto3

    paginator = boto3.client("backup", region_name="eu-west-1", endpoint_url=url).get_paginator("list_backup_jobs")
    return sum(len(page["BackupJobs"]) for page in paginator.paginate(PaginationConfig={"PageSize": 1000}))


def main(arguments: list[str]) -> int:
    """Fetch, and fail where a job is missing."""
    who, url, expected, *regions = arguments
    found = fetch_ours(url, regions) if who == "ours" else fetch_plainly(url)
    return 0 if found == int(expected) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
