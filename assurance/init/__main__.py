"""`python -m assurance.init`: drafts on trial, and what they came to; exit code 1 where there is a false alarm or less than 95% of the faults are found."""

from __future__ import annotations

import argparse
import sys
from random import Random

from assurance.init.trial import BEYOND, DENSE, SPARSE, DraftTrial, try_draft
from assurance.year.calendars import DAY, HOUR, instant, moment

_FIRST = instant("2026-01-01T00:00:00+00:00")
_LEAST = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m assurance.init", description="Evaluate drafted policies on simulated organizations.")
    parser.add_argument("--organizations", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the first organization")
    asked = parser.parse_args()
    total = DraftTrial()
    for seed in range(asked.seed, asked.seed + asked.organizations):
        # A month of the year, so that clocks change in some.
        start = _FIRST + Random(f"month {seed}").randrange(330) * DAY
        one = try_draft(seed, start)
        total.add(one)
        told = f"organization {seed}, drafted {moment(start).date()}: {one.rules} rules, {one.faults.total()} faults, {one.found.total()} found"
        print(f"{told}, {len(one.false_alarms)} false alarms", flush=True)
    _print(total)
    faults, found = total.counted(within=True)
    return 0 if not total.false_alarms and found >= _LEAST * faults else 1


def _print(total: DraftTrial) -> None:
    every = f"every {SPARSE // HOUR} h, and every {DENSE // HOUR} h at the end of the month"
    print(f"{total.organizations} organizations, {total.rules} drafted rules, {total.steps:,} steps ({every})")
    for one in total.false_alarms:
        print(f"  false alarm: {one.rule} {one.account}/{one.region} {one.subject} {moment(one.first)}: {one.message}")
    print(f"false alarms: {len(total.false_alarms)}")
    for within in (True, False):
        faults, found = total.counted(within=within)
        what = "within what a drafted policy speaks of" if within else "beyond it"
        share = f" ({found / faults:.1%})" if faults else ""
        print(f"faults {what}: {found} of {faults} found{share}")
    for kind, number in sorted(total.faults.items()):
        why = f"; beyond it: {BEYOND[kind]}" if kind in BEYOND else ""
        print(f"  {kind}: {total.found[kind]} of {number}{why}")
    for fault in total.missed:
        print(f"  missed: {fault.kind} in {fault.place.account}/{fault.place.region} from {moment(fault.start)}")


sys.exit(main())
