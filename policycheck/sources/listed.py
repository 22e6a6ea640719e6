"""What a list that was just printed covers: made of what was asked and answered, place by place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from policycheck.datasets import HORIZON, Dataset
from policycheck.job_lists import JobList
from policycheck.records import iso
from policycheck.sources.observed import Watch, interval
from policycheck.sources.places import ReadList
from policycheck.sources.statements import BEFORE_FILTER, StatedList, Statement


@dataclass(slots=True)
class Listed:
    """What was seen of one place while it was listed."""

    region: str
    own_account: str | None
    """Whose credentials these are; None where that is not known."""
    started: datetime
    """This machine's clock."""
    accounts: Counter[str | None]
    """Jobs by the account that they name."""
    pages: int = 0
    first_date: datetime | None = None
    last_date: datetime | None = None
    reason: str = ""
    """Why it is not complete; empty where it is."""


def state(dataset: Dataset, listed: Iterable[Listed], filters: Mapping[str, object]) -> Statement:
    """What a list that was just read covers; `filters` are the parameters of its requests that leave jobs out."""
    spelled = {name: iso(value) if isinstance(value, datetime) else str(value) for name, value in sorted(filters.items())}
    before = filters.get(BEFORE_FILTER)
    lists: list[StatedList] = []
    for place in listed:
        answered = place.first_date or place.started
        watch = Watch(dataset=dataset, region=place.region, source="", since=None, reach=answered - HORIZON, started=place.started, as_of=answered)
        start, end = interval(watch, ReadList(JobList(dataset, ()), None, place.first_date, place.last_date))
        if isinstance(before, datetime):
            # Whether the moment itself is in is not documented.
            end = min(end, before - timedelta(seconds=1))
            start = min(start, end)
        jobs = Counter({account or place.own_account: 0 for account in place.accounts} or {place.own_account: 0})
        for account, count in place.accounts.items():
            jobs[account or place.own_account] += count
        lists += [
            StatedList(
                operation=dataset.operation,
                account=account,
                region=place.region,
                filters=spelled,
                start=start,
                end=end,
                pages=place.pages,
                jobs=count,
                complete=not place.reason,
                reason=place.reason,
            )
            for account, count in sorted(jobs.items(), key=lambda item: item[0] or "")
        ]
    return Statement(lists=lists)
