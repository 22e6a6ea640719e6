"""`python -m assurance.matrix`: check variants of the matrix, print what was counted, and fail where a claim was not kept."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from random import Random

from assurance.matrix.judging import Breach
from assurance.matrix.kinds.registry import KINDS
from assurance.matrix.sampling import WORLDS, Tally, Task, perform_all


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 where a claim was not kept."""
    options = _parse(arguments)
    until = time.time() + 60 * options.minutes
    order = Random(options.seed).sample(range(WORLDS), WORLDS)
    tasks = [Task(world, tuple(options.only or KINDS), options.seed, options.most, options.faults, until) for world in order]
    tally, started, told = Tally(), time.monotonic(), 0
    for number, done in enumerate(perform_all(tasks, options.workers), 1):
        tally.add(done)
        print(f"{number} of {len(tasks)} worlds, {sum(tally.checked.values()):,} variants, {len(tally.breaches)} breaches", file=sys.stderr, flush=True)
        for breach in tally.breaches[told:]:
            print(f"breach: {breach}", file=sys.stderr, flush=True)
        told = len(tally.breaches)
    print(as_table(tally))
    print(f"seed {options.seed}, {tally.worlds} of {WORLDS} worlds, {time.monotonic() - started:,.0f} s, {options.workers} processes")
    if options.json:
        options.json.write_text(json.dumps(vars(tally), indent=2, default=_spell) + "\n", encoding="utf-8")
    return 1 if tally.breaches else 0


def _spell(value: object) -> object:
    return asdict(value) if isinstance(value, Breach) else str(value)


def as_table(tally: Tally) -> str:
    """Rows by kind, and their sum."""
    rows = [(name, tally.possible[name], tally.checked[name], tally.refused[name], tally.verdicts[name]) for name in tally.possible]
    breaches = {name: sum(breach.kind == name for breach in tally.breaches) for name in tally.possible}
    lines = ["| removed | variants | checked | rejected | verdicts | broken |", "|---|--:|--:|--:|--:|--:|"]
    lines += [f"| {row[0]} | {' | '.join(f'{number:,}' for number in row[1:])} | {breaches[row[0]]} |" for row in rows]
    sums = [sum(row[index] for row in rows) for index in range(1, 5)]  # type: ignore[misc]  # numbers, after the name
    return "\n".join([*lines, f"| **all** | {' | '.join(f'{number:,}' for number in sums)} | {len(tally.breaches)} |"])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m assurance.matrix", description="Take evidence away, and see that no verdict gains by it.")
    parser.add_argument(
        "--most",
        metavar="N",
        type=int,
        default=10,
        help="variants of each kind in each world, at most, times its weight (default: 10)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="which organizations and which variants (default: 1)")
    parser.add_argument("--faults", metavar="N", type=int, default=3, help="faults of a fetch in each organization, at most (default: 3)")
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--minutes", metavar="N", type=float, default=inf, help="stop after so long, and report what was checked (default: all is checked)")
    parser.add_argument("--only", metavar="KIND", action="append", choices=sorted(KINDS), help=f"this kind alone; repeat for more: {', '.join(KINDS)}")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write every number and breach to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
