"""What a list that was read from AWS covers: the interval it speaks for, by what was asked and by both clocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.result import Basis, Coverage
from policycheck.sources.lists import Source, assert_coverage
from policycheck.sources.places import ReadList
from policycheck.sources.state_lists import moment_covered
from policycheck.sources.statements import TOLERANCE

_EDGE = timedelta(days=1)
"""How much less than its horizon a list is taken to be complete, back from as_of. The edge of AWS's 30 days of backup jobs moves while a list is read, and
whether it is an instant or the start of a day is not documented."""
_MARGIN = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Watch:
    """One list in one Region: what was asked, and when."""

    dataset: Dataset
    region: str
    source: str
    since: datetime | None
    """ByCreatedAfter, as the user's claim of a longest job allows; None: whatever AWS lists."""
    reach: datetime
    """From when on the list of copy or restore jobs speaks where all of it was asked for: AWS documents no limit, so that it is as far as rules look."""
    started: datetime
    """This machine's clock when the fetch began: used where AWS sends no Date."""
    as_of: datetime


def cover(watch: Watch, found: ReadList, accounts: Collection[str | None]) -> list[Coverage]:
    """One entry for each of these accounts and each other that a job names, also where there is no job."""
    groups: dict[str | None, list[int]] = {account: [] for account in accounts}
    only = next(iter(accounts)) if len(accounts) == 1 else None
    for row, (account, _) in enumerate(found.jobs.places()):
        groups.setdefault(account or only, []).append(row)
    if len(groups) == 1:
        return [_entry(watch, found, account, found.jobs) for account in groups]
    return [_entry(watch, found, account, found.jobs.chosen(rows)) for account, rows in groups.items()]


def _entry(watch: Watch, found: ReadList, account: str | None, jobs: JobList) -> Coverage:
    start, end = interval(watch, found)
    name = watch.dataset.name
    parts = assert_coverage({name: jobs}, watch.as_of, None, {name: [Source(watch.source, jobs)]})
    reason = "" if watch.dataset.of_state else "; ".join(part.reason for part in parts if part.reason)
    if found.error is not None:
        reason = f"{found.error.place}: {found.error.message}" if found.error.place else found.error.message
    return Coverage(
        dataset=name,
        account=account,
        region=watch.region,
        start=start,
        end=end,
        jobs=sum(part.jobs for part in parts),
        complete=found.error is None,
        basis=Basis.OBSERVED if watch.since is None else Basis.ASSERTED,
        source=watch.source,
        reason=reason,
        rewound=sum(part.rewound for part in parts),
    )


def interval(watch: Watch, found: ReadList) -> tuple[datetime, datetime]:
    """From where the list is complete, to as_of; or to when AWS answered, where as_of lies later than that by any clock."""
    answered = found.first_date or watch.started
    if watch.dataset.of_state:
        return moment_covered(watch.as_of, min(watch.started, answered), found.last_date or answered)
    end = watch.as_of if watch.as_of <= answered + TOLERANCE else answered
    horizon = watch.dataset.horizon
    if horizon is None:
        return min(watch.since or watch.reach, end), end
    start = max(watch.as_of - horizon + _EDGE, (found.last_date or watch.started) - horizon + _MARGIN)
    if watch.since is not None:
        start = max(start, watch.since)
    return min(start, end), end
