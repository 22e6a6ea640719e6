"""The measures of one group of jobs, computed both ways: once favouring the group, once against it (docs/groups.md).

Pure functions of plain tuples. A truth is true, false or None (unknown); times are whole microseconds; None is a time nobody recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import NamedTuple

from policycheck.policy.conditions import Operator

Truth = bool | None
Number = int | Fraction

NEVER = 2**62
"""The age of what never happened: longer than any."""

_LOWER = {Operator.AT_LEAST: ge, Operator.MORE_THAN: gt}
_UPPER = {Operator.AT_MOST: le, Operator.LESS_THAN: lt}


class Range(NamedTuple):
    """The least and the greatest value that the unknown leaves open."""

    least: Number
    most: Number


def is_lower(operator: Operator) -> bool:
    """Whether more is better."""
    return operator in _LOWER


def keeps(value: Number, operator: Operator, limit: Number) -> bool:
    """Whether a value keeps to a limit."""
    return bool((_LOWER | _UPPER)[operator](value, limit))


def violates(value: Range, operator: Operator, limit: Number) -> Truth:
    """True where even the favourable value is outside the limit, None where only the unfavourable one is."""
    favourable, unfavourable = (value.most, value.least) if is_lower(operator) else (value.least, value.most)
    if not keeps(favourable, operator, limit):
        return True
    return False if keeps(unfavourable, operator, limit) else None


def measure_count(matches: Iterable[Truth]) -> Range:
    """How many jobs match.

    Args:
        matches: of each job, whether it is in the population and matches.
    """
    least = most = 0
    for match in matches:
        if match is not False:
            most += 1
            least += match is True
    return Range(least, most)


def measure_share(jobs: Iterable[tuple[Truth, Truth]], *, may_match: int = 0, may_fail: int = 0) -> Range | None:
    """The matching part of the decided jobs; None where no job is decided, nor may be.

    Where nothing is left to divide by, any share is open.

    Args:
        jobs: (whether it is in the population and decided, whether it matches).
        may_match: how many other jobs may be decided and may match,
        may_fail: and how many may not.
    """
    sure = matching = not_matching = 0
    any_job = bool(may_match or may_fail)
    for decided, match in jobs:
        if decided is False:
            continue
        any_job = True
        if decided:
            sure += 1
            matching += match is True
            not_matching += match is False
        else:
            may_match += match is not False
            may_fail += match is not True
    if not any_job:
        return None
    low, high = sure + may_fail, sure + may_match
    return Range(
        Fraction(matching, low) if low else Fraction(0),
        Fraction(sure - not_matching + may_match, high) if high else Fraction(1),
    )


def measure_newest(jobs: Iterable[tuple[Truth, int | None]], as_of: int) -> Range:
    """The age of the newest matching job; NEVER where none matches.

    Args:
        jobs: (whether it matches, CreationDate). A job without CreationDate may be as new as as_of.
    """
    sure = may = -1
    for match, created in jobs:
        if match is False:
            continue
        may = max(may, as_of if created is None else created)
        if match and created is not None:
            sure = max(sure, created)
    return Range(*(NEVER if time < 0 else as_of - time for time in (may, sure)))


def longest_gap(times: Iterable[int], start: int, end: int) -> tuple[int, int]:
    """The longest time between two neighbours of start, the times in between, and end; the first of equals."""
    best = (start, start)
    last = start
    for time in (*sorted(time for time in times if start <= time <= end), end):
        if time - last > best[1] - best[0]:
            best = (last, time)
        last = time
    return best


def measure_gap(jobs: Sequence[tuple[Truth, int | None]], earliest: int, latest: int, end: int) -> Range:
    """The longest time without a matching job.

    Args:
        jobs: (whether it is in the window and matches, CreationDate).
        earliest: where the gap may begin, against the group.
        latest: where it may begin in its favour; not before `earliest`.
        end: as_of.
    """
    sure = [created for match, created in jobs if match and created is not None]
    most = longest_gap(sure, earliest, end)
    if any(match is not False and created is None for match, created in jobs):
        return Range(0, most[1] - most[0])
    may = [created for match, created in jobs if match is not False and created is not None]
    least = longest_gap(may, latest, end)
    return Range(least[1] - least[0], most[1] - most[0])


class StreakJob(NamedTuple):
    """A job of the population, as a streak sees it."""

    belongs: Truth
    """Whether it is in the population; never False."""
    match: Truth
    passed_over: Truth
    """Whether it is in progress where that decides nothing yet."""
    dated: bool


def measure_streak(jobs: Sequence[StreakJob]) -> Range:
    """The longest run of consecutive matching jobs.

    Args:
        jobs: the dated ones in order of CreationDate, then id; those without a CreationDate stand wherever that favours.
    """
    runs, run = [0], 0
    most = extra = breakers = high = 0
    for belongs, match, passed_over, dated in jobs:
        if passed_over:
            continue
        if not dated:
            extra += match is not False
            breakers += match is not True
            continue
        if match is not True:
            runs.append(run)
            run = 0
        elif belongs and passed_over is False:
            run += 1
        if match is not False:
            high += 1
        elif belongs and passed_over is False:
            most, high = max(most, high), 0
    return Range(left_after(breakers, [*runs, run]), max(most, high) + extra)


def left_after(breakers: int, runs: Sequence[int]) -> int:
    """The longest run that is left once this many jobs that do not match were put where they break most."""
    low, high = min(1, max(runs)), max(runs)
    while low < high:
        middle = (low + high) // 2
        # A run of n falls into parts of at most m by ceil(n / m) - 1 breaks.
        if sum((run - 1) // middle for run in runs if run) <= breakers:
            high = middle
        else:
            low = middle + 1
    return low


def longest_run(jobs: Sequence[StreakJob]) -> range:
    """The positions from the first to the last job of the longest run of definite matches, the latest of equals; between them may stand jobs passed over."""
    best, start, count, most, last = range(0), 0, 0, 0, 0
    for position, (belongs, match, passed_over, dated) in enumerate(jobs):
        if not dated or passed_over:
            continue
        if match is not True:
            count = 0
        elif belongs and passed_over is False:
            start = start if count else position
            count, last = count + 1, position
            if count >= most:
                best, most = range(start, last + 1), count
    return best


class FinishedJob(NamedTuple):
    """A job that ended, or may have."""

    belongs: Truth
    """Whether it is in the population and finished; never False."""
    match: Truth
    end: int | None
    created: int | None
    job_id: str


class Latest(NamedTuple):
    """Which jobs may be the one that ended last, by position, and what follows from them."""

    candidates: tuple[int, ...]
    violation: Truth


def measure_latest(jobs: Sequence[FinishedJob]) -> Latest | None:
    """Whether the job that ended last matches; None where no job ended, nor may have."""
    sure = [position for position, job in enumerate(jobs) if job.belongs and job.end is not None]
    open_ = [position for position, job in enumerate(jobs) if not job.belongs or job.end is None]
    if not sure and not open_:
        return None
    if sure:
        last = max(_end_key(jobs[position]) for position in sure)
        open_ += [position for position in sure if _end_key(jobs[position]) == last]
    matches = [jobs[position].match for position in open_]
    if all(match is True for match in matches):
        return Latest(tuple(open_), False)
    definite = any(jobs[position].belongs for position in open_) and all(match is False for match in matches)
    return Latest(tuple(open_), True if definite else None)


def _end_key(job: FinishedJob) -> tuple[int, int, str]:
    return job.end or 0, -1 if job.created is None else job.created, job.job_id
