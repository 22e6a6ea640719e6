"""Lists of what there is (vaults, recovery points, protected resources): which moment they speak of.

Such a list shows what is there when AWS answers: what was deleted before is not in it, and what it was like earlier it does not say. So it speaks of one
moment, whatever the times of its records: a rule evaluated as of another time has no evidence in it. A saved list does not say when it was made, and nothing
in it does: the newest vault may be years old. `--covers` is the claim that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from policycheck.job_lists import JobList
from policycheck.places import Place
from policycheck.records import HAPPENED, micros
from policycheck.result import Coverage
from policycheck.sources.statements import TOLERANCE


def moment_covered(as_of: datetime, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """From when to when a list speaks that AWS answered between two moments: as_of, where it lies between them or as near as clocks agree."""
    if first - TOLERANCE <= as_of <= last + TOLERANCE:
        return as_of, as_of
    return (first, first) if as_of < first else (last, last)


def assert_state(jobs: JobList, names: Sequence[str], cut_off: str, as_of: datetime, covers: tuple[datetime, datetime] | None) -> list[Coverage]:
    """What a saved list of what there is covers: one entry for each account and Region that its records name.

    Args:
        jobs: its records, of all files.
        names: the files.
        cut_off: why it may not be whole; empty where it is.
        covers: the time that the user claims.
    """
    source = names[0] if len(names) == 1 else f"{len(names)} files"
    name = jobs.dataset.name
    counts: Counter[Place] = Counter(jobs.places())

    start, end = (None, None) if covers is None else moment_covered(as_of, *covers)
    reason = cut_off or (UNDATED if covers is None else "")

    def entry(place: Place, count: int) -> Coverage:
        return Coverage(name, *place, start, end, count, complete=not cut_off, source=source, reason=reason, cut_off=bool(cut_off))

    return [entry(place, count) for place, count in counts.items()]


def without_future(jobs: JobList, made: datetime) -> JobList:
    """The list without times of after the moment at which it was made: what had not happened it cannot show, so that such a time is unknown.

    Args:
        jobs: of a list of what there is; any other comes back as it is.
        made: when it was made at the latest.
    """
    if not jobs.dataset.of_state:
        return jobs
    limit, members = micros(made + TOLERANCE), [name for name in _HAPPENED if name in jobs.dataset.fields]
    records, recordings, unusable = list(jobs.records), list(jobs.told), dict(jobs.unusable)
    for row, record in enumerate(records):
        if wrong := frozenset(name for name in members if (getattr(record, name) or 0) > limit):
            records[row] = msgspec.structs.replace(record, **dict.fromkeys(wrong))
            recordings[row] = recordings[row].but(wrong)
            unusable[row] = unusable.get(row, frozenset()) | wrong
    return jobs if len(unusable) == len(jobs.unusable) else replace(jobs, records=records, recordings=recordings, unusable=unusable)


_HAPPENED = (*HAPPENED, "LastBackupTime", "LastRestoreTime")
UNDATED = "a saved list does not record when it was saved: assert its time with --covers FROM..TO"
