"""`python -m assurance.matrix`: check variants of the matrix, print what was counted, and fail where a claim was not kept."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from random import Random

from assurance.matrix.judging import Breach
from assurance.matrix.sampling import ALL, WORLDS, Tally, Task, perform_all


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 where a claim was not kept."""
    options = _parse(arguments)
    until = time.time() + 60 * options.minutes
    order = Random(options.seed).sample(range(WORLDS), WORLDS)
    share = 60 * options.minutes * options.workers / len(order)
    tasks = [Task(world, tuple(options.only or ALL), options.seed, options.most, share, until) for world in order]
    tally, started, known = Tally(), time.monotonic(), 0
    for number, done in enumerate(perform_all(tasks, options.workers), 1):
        tally.add(done)
        print(f"{number} of {len(tasks)} worlds, {sum(tally.checked.values()):,} variants, {len(tally.breaches)} breaches", file=sys.stderr, flush=True)
        for breach in tally.breaches[known:]:
            print(f"breach: {breach}", file=sys.stderr, flush=True)
        known = len(tally.breaches)
    print(as_table(tally))
    told = ", ".join(f"{seconds:,.0f} s in {name} variants" for name, seconds in sorted(tally.seconds.items()))
    print(f"seed {options.seed}, {tally.worlds} of {WORLDS} worlds, {time.monotonic() - started:,.0f} s, {options.workers} processes: {told}")
    if options.json:
        options.json.write_text(json.dumps(vars(tally), indent=2, default=_spell) + "\n", encoding="utf-8")
    return 1 if tally.breaches else 0


def _spell(value: object) -> object:
    return asdict(value) if isinstance(value, Breach) else str(value)


def as_table(tally: Tally) -> str:
    """Rows by kind, and their sum."""
    names = list(tally.possible)
    columns = {
        "variants": tally.possible,
        "checked": tally.checked,
        "rejected": tally.refused,
        "evaluated": {name: tally.checked[name] - tally.refused[name] for name in names},
        "verdicts": tally.verdicts,
        "gained": Counter(breach.kind for breach in tally.breaches if breach.gained),
        "broken": Counter(breach.kind for breach in tally.breaches),
    }
    rows = [(name, *(column[name] for column in columns.values())) for name in names]
    sums = [sum(column[name] for name in names) for column in columns.values()]
    lines = [f"| removed | {' | '.join(columns)} |", f"|---|{'--:|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} |" for name, *numbers in rows]
    return "\n".join([*lines, f"| **all** | {' | '.join(f'{number:,}' for number in sums)} |"])


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m assurance.matrix", description="Take evidence away, and see that no verdict gains by it.")
    parser.add_argument("--most", metavar="N", type=int, default=60, help="rounds in each world, at most: in each, some variants of each kind (default: 60)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="which organizations and which variants (default: 1)")
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--minutes", metavar="N", type=float, default=inf, help="stop after so long, and report what was checked (default: all is checked)")
    parser.add_argument("--only", metavar="KIND", action="append", choices=sorted(ALL), help=f"this kind alone; repeat for more: {', '.join(ALL)}")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write every number and breach to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
