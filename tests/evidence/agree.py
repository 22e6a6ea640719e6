"""Whether the engine and `reperform.py` say the same of generated estates: `python -m tests.evidence.agree 10000 [--seed N]` compares so many, and prints each
disagreement as a small document."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from policycheck.errors import JobFileError
from policycheck.evidence.reperform import reperform
from policycheck.policy.measures import Measure
from policycheck.policy.model import Rule, Scope, WaiverGrant
from tests.evidence.agreement import Claim, document, judge_by_engine, reperformed, said
from tests.evidence.files import Source, saved
from tests.evidence.jobs import Job, estates, inventories, job_lists, sound_estates
from tests.evidence.rules import CLAIMS, WIDE, following_rules, group_rules, job_rules, scopes, waiver_lists

# Without shrinking and explaining: a difference is made small below.
FAST = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])


@dataclass(frozen=True)
class Case:
    """What both judge."""

    sources: list[Source]
    rules: tuple[Rule, ...]
    scope: Scope = field(default_factory=Scope)
    covers: Claim = None
    inventories: dict[str, list[Job]] = field(default_factory=dict)
    waivers: list[WaiverGrant] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """What `reperform.py` reads, as JSON has it."""
        made: dict[str, Any] = json.loads(json.dumps(document(self.sources, self.rules, self.scope, self.covers, self.inventories, self.waivers)))
        return made


@cache
def _group_rules(number: int) -> st.SearchStrategy[Rule]:
    return st.sampled_from(Measure).flatmap(lambda measure: group_rules(measure, number))


@st.composite
def cases(draw: st.DrawFn, rules: st.SearchStrategy[tuple[Rule, ...]] | None = None) -> Case:
    """Estates as they are saved, with rules of every kind, or the rules that are given."""
    estate = draw(sound_estates() | sound_estates() | sound_estates() | estates() | job_lists().map(lambda jobs: {"backup_jobs": jobs}))
    chosen = draw(st.tuples(job_rules(0), _group_rules(1), _group_rules(2), following_rules(3)) if rules is None else rules)
    scope = draw(scopes()) if draw(st.integers(0, 4)) == 0 else Scope()
    covers = draw(st.sampled_from([WIDE, WIDE, WIDE, None]) | CLAIMS)
    return Case(saved(estate, draw(st.integers(0, 2**32 - 1))), chosen, scope, covers, draw(inventories()), draw(waiver_lists(chosen)))


def answers(case: Case) -> tuple[list[Any], list[Any]] | None:
    """What the engine says, rule by rule, and what the script says; None where the files are refused. A crash is an answer, too."""
    try:
        engine: list[Any] = list(map(said, judge_by_engine(case.sources, case.rules, case.scope, case.covers, case.inventories, case.waivers)))
    except JobFileError:
        return None
    except Exception as error:
        engine = [f"{type(error).__name__}: {error}"] * len(case.rules)
    try:
        script: list[Any] = reperformed(reperform(case.document()))
    except Exception as error:
        script = [f"{type(error).__name__}: {error}"] * len(case.rules)
    return engine, script


def disagreements(case: Case) -> list[Case]:
    """The case with one rule each of which the two say different things."""
    found = answers(case)
    if found is None:
        return []
    differing = (rule for rule, engine, script in zip(case.rules, *found, strict=True) if engine != script)
    return [dataclasses.replace(case, rules=(rule,), waivers=[waiver for waiver in case.waivers if waiver.rule == rule.id]) for rule in differing]


def differs(case: Case) -> bool:
    """Whether the two say different things of any rule."""
    found = answers(case)
    return found is not None and found[0] != found[1]


def made_small(case: Case, most: int = 600) -> Case:
    """A smaller case of which the two still say different things; so many are tried."""
    tried = 0
    while True:
        for smaller in _smaller(case):
            tried += 1
            if tried > most:
                return case
            if differs(smaller):
                case = smaller
                break
        else:
            return case


def _smaller(case: Case) -> Iterator[Case]:
    """The case without one of its parts: large ones first."""
    change: Callable[..., Case] = lambda **changes: dataclasses.replace(case, **changes)  # noqa: E731 (a name for a call that is often made)
    if case.waivers:
        yield change(waivers=[])
    if case.inventories:
        yield change(inventories={})
    if case.scope != Scope():
        yield change(scope=Scope())
    if case.covers is not None:
        yield change(covers=None)
    for number, source in enumerate(case.sources):
        rest = [*case.sources[:number], *case.sources[number + 1 :]]
        if len(case.sources) > 1:
            yield change(sources=rest)
        records = source["records"]
        size = max(len(records) // 2, 1)
        while not source["lone"] and records and size:
            for start in range(0, len(records), size):
                yield change(sources=[*rest, _with(source, [*records[:start], *records[start + size :]])])
            size //= 2
    for number, source in enumerate(case.sources):
        rest = [*case.sources[:number], *case.sources[number + 1 :]]
        for name in sorted({name for record in source["records"] for name in record}):
            yield change(sources=[*rest, _with(source, [{key: value for key, value in record.items() if key != name} for record in source["records"]])])
        for place, record in enumerate(source["records"]):
            for name in record:
                less = {key: value for key, value in record.items() if key != name}
                yield change(sources=[*rest, _with(source, [*source["records"][:place], less, *source["records"][place + 1 :]])])


def _with(source: Source, records: list[Job]) -> Source:
    return {**source, "records": records}


def compare(count: int, number: int, show: int, tell: Callable[[str], object]) -> Counter[str]:
    """Compare so many estates; counts of `estates`, `rules`, `refused` and `disagree`. Of as many as are to be shown the small document is told."""
    counts: Counter[str] = Counter()
    shown: set[str] = set()

    @seed(number)
    @settings(FAST, max_examples=count)
    @given(cases())
    def check(case: Case) -> None:
        found = answers(case)
        counts.update({"estates": 1, "rules": len(case.rules), "refused": found is None})
        if found is None or found[0] == found[1]:
            return
        for differing in disagreements(case):
            counts["disagree"] += 1
            if len(shown) < show:
                small = made_small(differing)
                text = json.dumps(small.document(), indent=1)
                if text not in shown:
                    shown.add(text)
                    said_by = answers(small) or ([None], [None])
                    tell(f"--- disagreement {len(shown)}\n{text}\nengine: {said_by[0][0]}\nscript: {said_by[1][0]}\n")

    check()
    return counts


def main() -> int:
    """The command; 1 where the two disagree."""
    parser = argparse.ArgumentParser(description="Compare the engine and reperform.py on generated estates.")
    parser.add_argument("count", type=int, help="how many estates")
    parser.add_argument("--seed", type=int, default=0, help="which estates (default: 0)")
    parser.add_argument("--show", type=int, default=10, help="of how many disagreements to print the small document (default: 10)")
    options = parser.parse_args()
    counts = compare(options.count, options.seed, options.show, print)
    print(f"{counts['estates']} estates, {counts['rules']} rules compared, {counts['refused']} estates refused, {counts['disagree']} rules disagree")
    return 1 if counts["disagree"] else 0


if __name__ == "__main__":
    sys.exit(main())
