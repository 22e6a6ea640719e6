"""`python -m benchmarks`: make the inputs, run every measure, print the table. The exit code is 0 whatever is measured: speed is never a test."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measures import MEASURES, Workplace
from benchmarks.report import as_json, as_table
from benchmarks.timing import Outcome, compare


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measures that the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure policycheck's speed as ratios of whole processes.")
    parser.add_argument("--runs", metavar="N", type=_positive, default=7, help="pairs of runs for each measure; 7 unless told")
    parser.add_argument("--only", metavar="NAME", action="append", choices=sorted(MEASURES), help=f"measure this alone; repeat for more: {', '.join(MEASURES)}")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write every number to this file")
    options = parser.parse_args(arguments)
    chosen = [measure for name, measure in MEASURES.items() if not options.only or name in options.only]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="policycheck-benchmarks-") as folder, ExitStack() as stack:
        workplace = Workplace(Path(folder), stack)
        for measure in chosen:
            runs = min(options.runs, measure.runs or options.runs)
            _say(f"{measure.name}: {runs} pairs of runs ...")
            pairs = compare(measure.subject(workplace), measure.baseline(workplace), runs)
            outcomes.append(Outcome(measure, pairs, measure.size(workplace) if measure.size else None))
    print(as_table(outcomes))
    if options.json:
        machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
        options.json.write_text(json.dumps({"machine": machine, "measures": [as_json(outcome) for outcome in outcomes]}, indent=2) + "\n", encoding="utf-8")
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
