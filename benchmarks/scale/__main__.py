"""`python -m benchmarks.scale`: make the archives, measure checks of them beside hand-written programs, and print tables. The exit code is 0 whatever is
measured: speed is never a test."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.jobs import AS_OF
from benchmarks.many_rules import write_many_rules
from benchmarks.measures import FINDINGS, ROOT, Measure
from benchmarks.report import as_json, as_table
from benchmarks.scale.growth import Growth
from benchmarks.scale.growth import as_table as growth_table
from benchmarks.scale.shapes import Shape
from benchmarks.timing import Command, Outcome, Sample, compare, run

_HERE = Path(__file__).parent
_MILLION = 1_000_000
WINDOWS = {"month": 30, "year": 364}
"""Days of the longest window of the rules of this name."""
JOBS = 10 * _MILLION


class Scale:
    """A folder with archives, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}}
        self._environment = kept | {"PYTHONPATH": str(ROOT)}

    def archive(self, shape: Shape) -> Path:
        """The archive of this shape."""
        path = self.folder / shape.name
        if not path.exists():
            _say(f"making an archive: {shape.name}")
            # What was interrupted is made anew.
            made = self.folder / "made"
            shutil.rmtree(made, ignore_errors=True)
            # In a process of its own: what this one takes is counted among what its children take.
            subprocess.run([sys.executable, "-m", "benchmarks.scale.archive", str(made), *shape.numbers], cwd=ROOT, check=True)
            made.rename(path)
        return path

    def check(self, shape: Shape, policy: Path, *more: str) -> Command:
        """A check of an archive, its report thrown away."""
        arguments = ["check", str(policy), "--jobs", str(self.archive(shape)), "--as-of", AS_OF.isoformat(), *more]
        return Command([sys.executable, "-m", "policycheck", *arguments], self._environment, FINDINGS)

    def by_hand(self, shape: Shape, program: str, days: int) -> Command:
        """One of the programs written by hand."""
        script = [sys.executable, str(_HERE / f"{program}.py"), str(self.archive(shape)), AS_OF.isoformat(), str(days)]
        return Command(script, self._environment)

    def rules(self, copies: int) -> Path:
        """The rules of a month so many times, with lengths of their own."""
        folder = self.folder / f"rules-{copies}"
        write_many_rules(folder, rules("month"), copies)
        return folder


def rules(name: str) -> Path:
    """The file of the rules of this name."""
    return _HERE / f"{name}-rules.yaml"


Comparison = Callable[[Scale, Shape], tuple[Measure, Command, Command]]


def _against(name: str, program: str, spelled: str, target: float | None) -> Comparison:
    def made(scale: Scale, shape: Shape) -> tuple[Measure, Command, Command]:
        subject, baseline = scale.check(shape, rules(name)), scale.by_hand(shape, program, WINDOWS[name])
        return _measure(f"{name}-{shape.jobs}", spelled, target, subject, baseline), subject, baseline

    return made


def _day(scale: Scale, shape: Shape) -> tuple[Measure, Command, Command]:
    alone = replace(shape, jobs=shape.resources, days=1)
    subject, baseline = scale.check(shape, rules("day")), scale.check(alone, rules("day"))
    return _measure(f"day-of-{shape.jobs}", "an archive of that day alone", 2.0, subject, baseline), subject, baseline


def _measure(name: str, against: str, target: float | None, subject: Command, baseline: Command) -> Measure:
    return Measure(name, against, target, lambda _: subject, lambda _: baseline, by_cpu=True)


COMPARISONS: dict[str, Comparison] = {
    "month": _against("month", "by_duckdb", "hand-written DuckDB", 1.3),
    "month-polars": _against("month", "by_polars", "hand-written Polars", None),
    "year": _against("year", "by_duckdb", "hand-written DuckDB", 1.3),
    "year-polars": _against("year", "by_polars", "hand-written Polars", None),
    "day": _day,
}


def _jobs(name: str) -> Callable[[Scale, Shape], Growth]:
    def measured(scale: Scale, shape: Shape) -> Growth:
        sizes = [shape.jobs // 10, shape.jobs * 3 // 10, shape.jobs]
        return Growth(f"jobs, rules of a {name}", _MILLION, [(size, run(scale.check(replace(shape, jobs=size), rules(name)))) for size in sizes])

    return measured


def _rules(scale: Scale, shape: Shape) -> Growth:
    small = replace(shape, jobs=shape.jobs // 10)
    return Growth("rules of a month", 20, [(20 * copies, run(scale.check(small, scale.rules(copies)))) for copies in (1, 5, 25)])


def _findings(scale: Scale, shape: Shape) -> Growth:
    """Of a tenth of the jobs; each resource that failed today is a finding of several rules, and each with a gap of one."""
    result = scale.folder / "result.json"
    taken: list[tuple[int, Sample]] = []
    for failed in (1000, 100, 10, 2):
        command = scale.check(replace(shape, jobs=shape.jobs // 10, failed=failed), rules("year"), "--output", f"json={result}")
        sample = run(command)
        found = json.loads(result.read_text(encoding="utf-8"))
        taken.append((sum(len(rule["findings"]) for rule in found["rules"]), sample))
    return Growth("findings, rules of a year, written as JSON", 1000, taken)


def _accounts(scale: Scale, shape: Shape) -> Growth:
    small = replace(shape, jobs=shape.jobs // 10)
    return Growth("accounts", 100, [(number, run(scale.check(replace(small, accounts=number), rules("month")))) for number in (20, 100)])


GROWTHS: dict[str, Callable[[Scale, Shape], Growth]] = {
    "jobs-month": _jobs("month"),
    "jobs-year": _jobs("year"),
    "rules": _rules,
    "findings": _findings,
    "accounts": _accounts,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line names, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="Measure checks of large archives beside hand-written programs.")
    parser.add_argument("--jobs", metavar="N", type=int, default=JOBS, help=f"jobs of the largest archive, a year of them; {JOBS:,} unless told")
    parser.add_argument("--runs", metavar="N", type=int, default=1, help="pairs of runs of each comparison, after one to warm up; 1 unless told")
    parser.add_argument("--only", metavar="NAME", action="append", choices=[*COMPARISONS, *GROWTHS], help="measure this alone; repeat for more")
    parser.add_argument("--folder", metavar="PATH", type=Path, help="keep archives here, and take those that are there; else they are deleted")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write every number to this file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="policycheck-scale-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcomes, growths = _measure_all(Scale(folder), Shape(options.jobs), options.only, options.runs)
    if outcomes:
        print(as_table(outcomes))
    if growths:
        print(growth_table(growths))
    if options.json:
        machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
        told = {"machine": machine, "measures": list(map(as_json, outcomes)), "growth": list(map(asdict, growths))}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


def _measure_all(scale: Scale, shape: Shape, only: Sequence[str] | None, runs: int) -> tuple[list[Outcome], list[Growth]]:
    outcomes: list[Outcome] = []
    growths: list[Growth] = []
    for name, comparison in COMPARISONS.items():
        if not only or name in only:
            _say(f"{name} ...")
            measure, subject, baseline = comparison(scale, shape)
            outcomes.append(Outcome(measure, compare(subject, baseline, runs)))
    for name, growth in GROWTHS.items():
        if not only or name in only:
            _say(f"{name} ...")
            growths.append(growth(scale, shape))
    return outcomes, growths


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
