"""`python -m assurance.year`: the healthy year, the faults, and what was found; exit code 1 where there is a false alarm, a miss or a disagreement."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from random import Random

from assurance.year.agreement import Sample, compare_instants
from assurance.year.calendars import DAY, HOUR, instant, moment
from assurance.year.healthy import MONTH, Healthy, evaluate_month, months_of, simulate_from
from assurance.year.organization import Organization, draw_organization
from assurance.year.report import print_healthy, print_misses, print_samples, print_trial
from assurance.year.trial import EVALUATED, Trial, try_faults


def main() -> int:
    asked = _parse()
    start = instant(f"{asked.start}T00:00:00+00:00")
    healthy, samples, trial = Healthy(), list[Sample](), Trial()
    # As a check does: looking for cycles every 700 objects is a seventh of the time of a step.
    with ProcessPoolExecutor(asked.workers, get_context("spawn"), gc.set_threshold, (200_000,)) as pool:
        if asked.accounts:
            organization = draw_organization(asked.seed, asked.accounts, start, start + asked.days * DAY)
            months = _choose(months_of(organization), asked.months)
            healthy = _evaluate_healthy(organization, months, asked.every * HOUR, pool)
            print_healthy(organization, healthy, asked.every, months)
            samples = _compare(organization, asked.samples, asked.seed)
            print_samples(samples)
        if asked.faults:
            trial = _try(asked.faults, asked.batch, asked.seed, start, asked.days, pool)
            print_trial(trial)
            print_samples(trial.samples, healthy=False)
    wrong = [
        *healthy.open,
        *trial.false_alarms,
        *trial.missed(),
        *(one for one in samples if one.findings),
        *(one for one in (*samples, *trial.samples) if one.differing),
    ]
    return 1 if wrong else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m assurance.year", description="Evaluate the shipped packs on a simulated organization.")
    parser.add_argument("--accounts", type=int, default=200, help="0: no healthy organization")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--start", default="2026-01-01")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="hours between two evaluations of the healthy organization")
    parser.add_argument("--months", type=_months, help="only these times of 30 days of the healthy organization: 1-6; default: all")
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=115, help="faults in one organization")
    parser.add_argument("--samples", type=int, default=20, help="instants at which a period is compared with what AWS listed then")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    return parser.parse_args()


def _months(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _choose(months: Sequence[tuple[int, int]], asked: range | None) -> Sequence[tuple[int, int]]:
    chosen = [month for number, month in enumerate(months, 1) if asked is None or number in asked]
    if not chosen:
        sys.exit(f"python -m assurance.year: error: there are {len(months)} times of 30 days, and none was asked for")
    return chosen


def _evaluate_healthy(organization: Organization, months: Sequence[tuple[int, int]], every: int, pool: Executor) -> Healthy:
    total = Healthy()
    for (_, end), part in zip(months, pool.map(evaluate_month, repeat(organization), *zip(*months, strict=True), repeat(every)), strict=True):
        total.add(part)
        print(f"healthy until {moment(end).date()}: {total.jobs.steps:,} steps, {len(total.open)} findings", flush=True)
    return total


def _compare(organization: Organization, number: int, seed: int) -> list[Sample]:
    """Samples of the first two months, as far as there are two."""
    if not number:
        return []
    end = min(organization.end, organization.start + 2 * MONTH)
    return compare_instants(organization, simulate_from(organization, organization.start, end), end, number, seed)


def _try(faults: int, batch: int, seed: int, start: int, days: int, pool: Executor) -> Trial:
    """All faults, batch by batch, each on other days of the time."""
    total, random = Trial(), Random(f"batches {seed}")
    tried = [
        pool.submit(try_faults, seed * 1000 + done, min(batch, faults - done), start + random.randrange(max(1, days - EVALUATED // DAY)) * DAY, first=done)
        for done in range(0, faults, batch)
    ]
    for one in tried:
        part = one.result()
        total.add(part)
        print(f"faults: {total.faults_found:,} of {total.faults:,} found, {len(total.false_alarms)} false alarms", flush=True)
        print_misses(part)
    return total


if __name__ == "__main__":
    sys.exit(main())
