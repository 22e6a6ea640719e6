"""What is unknown of a job decides nothing: whatever a pass or a fail of a rule on groups rests on holds for every value the unknown may have."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

from hypothesis import strategies as st

from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.policy.conditions import And
from policycheck.policy.measures import Measure
from policycheck.policy.model import NoData, Policy, Qualifiers, Rule, Statement
from policycheck.result import RuleResult
from tests.backends import BACKEND
from tests.engine.expectations import EACH, arn, at, clean, condition, covered, duration, expect
from tests.engine.lists import AS_OF, Job, job_list
from tests.properties import examples

HOURS = (1, 5, 20, 49, 200)
STATES: tuple[dict[str, Any], ...] = (
    {"State": "COMPLETED", "MessageCategory": "SUCCESS"},
    {"State": "FAILED", "MessageCategory": "AccessDenied"},
    {"State": "RUNNING", "CompletionDate": None},
)
FAILED = condition("State", "FAILED")
REQUIREMENTS = [
    (expect(measure, of, f"{operator} {limit}", per), "48h")
    for measure, limits in ((Measure.COUNT, "12"), (Measure.STREAK, "12"), (Measure.SHARE, ("50%", "100%")))
    for operator in ("at_least", "at_most")
    for limit in limits
    for of in (clean(), FAILED)
    for per in (EACH, ())
] + [
    (expect(Measure.NEWEST, clean(), "at_most 24h"), None),
    (expect(Measure.NEWEST, clean(), "at_most 2h", ()), None),
    (expect(Measure.LONGEST_GAP, clean(), "at_most 26h"), "48h"),
    (expect(Measure.LONGEST_GAP, FAILED, "at_most 26h", ()), "48h"),
    (expect(Measure.LATEST, clean()), "48h"),
    (expect(Measure.LATEST, clean(), per=()), "48h"),
]
RULES = tuple(
    Rule(f"r{number}", "p", Statement(requirement, And(), duration(within)), Qualifiers(no_data=NoData.PASS), "", Location("p.yaml"))
    for number, (requirement, within) in enumerate(REQUIREMENTS)
)


def complete(job: Job, hours: float | None, state: dict[str, Any]) -> Job:
    """The job with all that was unknown of it."""
    created = {} if hours is None else {"CreationDate": AS_OF.timestamp() - hours * 3600}
    return {name: value for name, value in {**job, **created, **state}.items() if value is not None}


@st.composite
def open_lists(draw: st.DrawFn) -> tuple[list[Job], list[list[Job]]]:
    """A list in which one or two members are unknown, and the same list for each value they may have."""
    jobs: list[Job] = []
    choices: list[list[Job]] = []
    for number in range(draw(st.integers(1, 4))):
        hours = draw(st.sampled_from(HOURS))
        known = at(hours, draw(st.sampled_from(["i-1", "i-2"])), **draw(st.sampled_from(STATES)), BackupJobId=f"j{number}")
        unknown = draw(st.sampled_from(["", "State", "CreationDate", "both", "ResourceArn"])) if len([c for c in choices if len(c) > 1]) < 2 else ""
        # No job ends before it is created.
        possible = [h for h in HOURS if h >= hours] if "CompletionDate" in known else HOURS
        times = list(possible) if unknown in {"CreationDate", "both"} else [None]
        states = list(STATES) if unknown in {"State", "both"} else [{}]
        gone = {"CreationDate", "State", "MessageCategory"} if unknown == "both" else {unknown, "MessageCategory"} if unknown == "State" else {unknown}
        jobs.append({name: value for name, value in known.items() if name not in gone})
        resources = [{"ResourceArn": arn(name)} for name in ("i-1", "i-2")] if unknown == "ResourceArn" else [{}]
        choices.append([complete(jobs[-1], hours, {**state, **resource}) for hours in times for state in states for resource in resources])
    return jobs, [list(choice) for choice in product(*choices)][:: draw(st.integers(1, 3))][:8]


def results(jobs: list[Job], rules: tuple[Rule, ...]) -> tuple[RuleResult, ...]:
    return judge([Policy("p", "", "p.yaml", rules)], {"backup_jobs": job_list(jobs)}, [covered(len(jobs))], AS_OF, BACKEND)


def verdicts(jobs: list[Job], rules: tuple[Rule, ...]) -> list[str]:
    return [result.verdict.value for result in results(jobs, rules)]


CHOSEN = st.lists(st.sampled_from(RULES), min_size=3, max_size=3, unique_by=lambda rule: rule.id).map(tuple)


@examples(open_lists(), CHOSEN, few=4, many=100)
def test_a_verdict_holds_for_every_value_of_what_is_unknown(lists: tuple[list[Job], list[list[Job]]], rules: tuple[Rule, ...]) -> None:
    told, completions = lists
    first = verdicts(told, rules)
    for completed in completions:
        for rule, before, after in zip(rules, first, verdicts(completed, rules), strict=True):
            assert before in {"inconclusive", after}, (rule.statement.requirement, told, completed)


@examples(open_lists(), CHOSEN, st.randoms(use_true_random=False), few=4, many=100)
def test_the_order_of_a_list_means_nothing(lists: tuple[list[Job], list[list[Job]]], rules: tuple[Rule, ...], random: Random) -> None:
    told, _ = lists
    shuffled = list(told)
    random.shuffle(shuffled)
    assert results(told, rules) == results(shuffled, rules)
