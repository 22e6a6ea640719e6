"""Small estates of edited plans: what no order, no lost record and no edit may do to a verdict about missed runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from policycheck.engine.kinds.missed_runs import judge_runs
from policycheck.engine.schedules.plan_jobs import plan_jobs
from policycheck.policy.conditions import Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation
from policycheck.result import RuleResult, Verdict
from tests.engine.cases import case, context, covered
from tests.engine.lists import AS_OF, Job, job, job_list
from tests.properties import examples

MIDNIGHT = AS_OF.replace(hour=0)
ARNS = [f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}" for number in range(2)]


@dataclass(frozen=True)
class Edition:
    """A version of the plan: from how many nights ago it is in force, and what its daily rule is then."""

    nights: int
    hour: int
    rule_id: str
    resources: frozenset[str]


editions = st.lists(
    st.builds(
        Edition,
        st.integers(0, 11),
        st.sampled_from([1, 3, 3, 3, 20]),
        st.sampled_from(["r1", "r1", "r2"]),
        st.sampled_from([*map(frozenset, (ARNS, ARNS[:1]))]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda edition: edition.nights,
).map(lambda found: sorted(found, key=lambda edition: -edition.nights))


def promised(found: Sequence[Edition]) -> list[Job]:
    """The jobs of a plan that has been in force for twelve nights, and that lost none."""
    jobs: list[Job] = []
    for nights in range(12, -1, -1):
        number = max((number for number, edition in enumerate(found) if edition.nights >= nights), default=0)
        edition = found[number]
        for arn in sorted(edition.resources):
            created = MIDNIGHT - timedelta(days=nights) + timedelta(hours=edition.hour, seconds=7)
            made = {"BackupPlanId": "p", "BackupPlanVersion": f"v{number}", "BackupRuleId": edition.rule_id, "BackupRuleName": "daily"}
            made |= {"BackupPlanArn": "arn:aws:backup:eu-west-1:111122223333:backup-plan:p", "BackupRuleCron": f"cron(0 {edition.hour} ? * * *)"}
            times = {"CreationDate": created.isoformat(), "StartBy": (created + timedelta(hours=8)).isoformat(), "CompletionDate": created.isoformat()}
            jobs.append(job(BackupJobId=f"j{nights}-{arn[-1]}", ResourceArn=arn, InitiationDate=None, CreatedBy=made, **times))
    return jobs


def judged(jobs: Sequence[Job], most: int = 0) -> RuleResult:
    expected = Expectation(Measure.MISSED_RUNS, operator=Operator.AT_MOST, limit=Literal(str(most), value=most))
    return judge_runs([case(expected, number=0, within="10d")], context({"backup_jobs": jobs}, [covered()]))[0]


@st.composite
def estates(draw: st.DrawFn) -> list[Job]:
    jobs = promised(draw(editions))
    lost = draw(st.sets(st.integers(0, len(jobs) - 1), max_size=4))
    return [one for number, one in enumerate(jobs) if number not in lost]


@examples(estates(), st.randoms(use_true_random=False), st.integers(0, 3), few=12, many=200)
def test_the_order_of_records_changes_nothing(jobs: list[Job], random: Any, most: int) -> None:
    mixed = list(jobs)
    random.shuffle(mixed)
    assert judged(jobs, most) == judged(mixed, most)


@examples(editions, few=18, many=200)
def test_an_edit_without_a_lost_night_never_fails(found: list[Edition]) -> None:
    assert judged(promised(found)).verdict is not Verdict.FAIL


@examples(estates(), st.data(), st.integers(0, 3), few=12, many=200)
def test_a_job_that_is_taken_away_makes_no_pass(jobs: list[Job], data: st.DataObject, most: int) -> None:
    # But the first of a resource by a schedule: what it alone shows to have been promised nobody knows without it.
    seen: set[tuple[Any, ...]] = set()
    later = []
    for number, one in enumerate(jobs):
        key = (one["ResourceArn"], *one["CreatedBy"].values())
        later += [number] if key in seen else []
        seen.add(key)
    if later and judged(jobs, most).verdict is not Verdict.PASS:
        taken = data.draw(st.sampled_from(later))
        assert judged([one for number, one in enumerate(jobs) if number != taken], most).verdict is not Verdict.PASS


@examples(estates(), st.data(), st.integers(0, 3), few=12, many=200)
def test_a_member_of_created_by_that_is_taken_away_makes_no_pass(jobs: list[Job], data: st.DataObject, most: int) -> None:
    before = judged(jobs, most).verdict
    taken = data.draw(st.integers(0, len(jobs) - 1))
    member = data.draw(st.sampled_from(sorted(jobs[taken]["CreatedBy"])))
    poorer = {name: value for name, value in jobs[taken]["CreatedBy"].items() if name != member}
    after = judged([*jobs[:taken], {**jobs[taken], "CreatedBy": poorer}, *jobs[taken + 1 :]], most).verdict
    assert before is Verdict.PASS or after is not Verdict.PASS


ids = st.sampled_from(["r1", "r2", "r3", "r4"])
names = st.sampled_from(["daily", "nightly", "weekly", None])
versions = st.sampled_from(["v1", "v2", "v3", "v4", None])


@examples(st.lists(st.tuples(ids, names, versions), max_size=8), few=24, many=200)
def test_ids_that_share_a_name_are_one_rule_unless_a_version_has_both(made: list[tuple[str, str | None, str | None]]) -> None:
    jobs = [
        job(CreatedBy={"BackupPlanId": "p", "BackupRuleId": rule} | {k: v for k, v in (("BackupRuleName", name), ("BackupPlanVersion", version)) if v})
        for rule, name, version in made
    ]
    found = {rule: one.rule for (rule, _, _), one in zip(made, plan_jobs(job_list(jobs), range(len(jobs))), strict=True)}
    for first, stands_for in found.items():
        connected, grown = {first}, True
        while grown:
            said = {name for rule, name, _ in made if rule in connected and name is not None}
            grown = not connected >= (more := {rule for rule, name, _ in made if name in said})
            connected |= more
        seen = {(rule, version) for rule, _, version in made if rule in connected}
        one = len(seen) == len({version for _, version in seen})
        assert {rule for rule, other in found.items() if other == stands_for} == (connected if one else {first})
